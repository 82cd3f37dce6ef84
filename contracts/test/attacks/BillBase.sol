// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChunkStore} from "../../src/interfaces/IChunkStore.sol";
import {IRollup} from "../../src/interfaces/IRollup.sol";
import {StepProof} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {Attacks} from "./Base.sol";

/// @notice What attacks on the bill of a step share. Bonds and prices are the defaults (docs/money.md), lies are claims of one
/// step. BOB stages chunks to kill a lie; MALLORY sees everything, is always first, and may be the liar.
abstract contract BillAttacks is Attacks {
    uint128 internal constant BOND = 32 ether;
    uint128 internal constant PRICE = 11_050_000_000_000; // wei a byte: 221 gas at 50 gwei
    uint256 internal constant HALF = BOND / 2;
    uint256 internal constant KILLERS = HALF / 16;
    uint256 internal constant LARGEST = 24_575; // bytes of a chunk
    /// @dev Chunks of the largest witness that the bonds are made for (docs/money.md).
    uint256 internal constant NEEDED = 46;

    function setUp() public virtual override {
        super.setUp();
        IRollup.Config memory c = configuration(4, 12);
        (c.claimBond, c.chunkReward) = (BOND, PRICE);
        rollup = newRollup(c);
        genesis = rollup.tip();
    }

    function lies(address who) internal returns (bytes32 attempt) {
        bytes32 batchHash = inbox.batchHash(1);
        vm.prank(who);
        return rollup.propose{value: BOND}(genesis, batchHash, Toy.end(1001, 1), 1, who, nothing());
    }

    /// @dev Another chunk for each `seed`.
    function stage(address who, uint256 size, uint256 seed) internal returns (address) {
        bytes memory chunk = new bytes(size);
        for (uint256 i = 0; i < 3 && i < size; ++i) {
            chunk[i] = bytes1(uint8(seed >> (8 * i)));
        }
        vm.prank(who);
        return store.stage(chunk);
    }

    /// @dev All in one second.
    function stageMany(address who, uint256 count, uint256 size, uint256 seed)
        internal
        returns (address[] memory pointers)
    {
        pointers = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            pointers[i] = stage(who, size, seed + i);
        }
    }

    function join(address[] memory a, address[] memory b) internal pure returns (StepProof memory proof) {
        address[] memory all = new address[](a.length + b.length);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = i < a.length ? a[i] : b[i - a.length];
        }
        proof.execution.pointers = all;
    }

    function only(address[] memory a) internal pure returns (StepProof memory) {
        return join(a, new address[](0));
    }

    function proves(address who, StepProof memory proof) internal {
        vm.prank(who);
        rollup.proveStep(Toy.truth(0), proof);
    }

    function kills(address who, bytes32 attempt) internal {
        vm.prank(who);
        rollup.killClaim(attempt, who);
    }

    function bill() internal view returns (IChunkStore.Chunk[] memory) {
        return rollup.billOf(CheckpointLib.h248(Toy.truth(0)));
    }
}
