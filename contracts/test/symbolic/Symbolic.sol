// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ChunkStore} from "../../src/ChunkStore.sol";
import {Rollup} from "../../src/Rollup.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Checkpoint, Reveal, StepProof} from "../../src/interfaces/Types.sol";
import {Test} from "../support/Test.sol";
import {Toy, ToyVerifier} from "../support/ToyVerifier.sol";

/// @notice Halmos's own cheat codes.
interface Svm {
    function createUint(uint256 bits, string calldata name) external pure returns (uint256);
}

/// @dev An inbox of two batches: the game asks it for nothing else.
contract TwoBatches {
    function batchHash(uint64 index) external pure returns (bytes32) {
        return index == 1 || index == 2 ? bytes32(uint256(index)) : bytes32(0);
    }
}

/// @notice A rollup whose periods, bonds and clock are anything: halmos shows what a `check_` says for all of them at once. It
/// knows neither blobs nor the point evaluation, so a reveal in time ends at {IRollup.NoBlob} here.
abstract contract Symbolic is Test {
    Svm internal constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));
    /// @dev Periods and times up to 34,000 years.
    uint256 internal constant TIME_BITS = 40;
    /// @dev More ether than there is.
    uint256 internal constant MONEY_BITS = 100;
    uint64 internal constant START = 1_800_000_000;

    // A trie of the two system contracts alone.
    bytes32 private constant ROOT = 0x9f42bd8694bb51cea140f07dae2ee2a6a9af552101474651939d3ecdcc895863;
    bytes private constant BRANCH =
        hex"f851808080a066a64e47bae97c0fccdc260c76b1c987c89560cb40e86ea17a1d5fd49e35bebe8080a05fcf174853081b01a575e1d637da14fd8faa12f24de60f97a86d4c4312d2f0f980808080808080808080";
    bytes private constant LEAF_2935 =
        hex"f869a03c9d57be05dd69371c4dd2e871bce6e9f4124236825bb612ee18a45e5675be51b846f8440180a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a06e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d";
    bytes private constant LEAF_4788 =
        hex"f869a037d65eaa92c6bc4c13a5ec45527f0c18ea8932588728769ec7aecfe6d9f32e42b846f8440180a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a0f57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c";

    Rollup internal rollup;
    ChunkStore internal store;
    uint64 internal window;
    uint64 internal response;
    uint128 internal claimBond;
    uint128 internal challengeBond;
    uint128 internal chunkReward;

    function setUp() public virtual {
        vm.warp(START);
        window = uint64(svm.createUint(TIME_BITS, "window"));
        response = uint64(svm.createUint(TIME_BITS, "response"));
        claimBond = uint128(svm.createUint(MONEY_BITS, "claimBond"));
        challengeBond = uint128(svm.createUint(MONEY_BITS, "challengeBond"));
        chunkReward = uint128(svm.createUint(MONEY_BITS, "chunkReward"));
        // What the constructor asks for, and no more: it must not be what leaves values out.
        vm.assume(window > 0 && response > 0);
        vm.assume(claimBond >= 2 && challengeBond >= 1);
        IInbox inbox = IInbox(address(new TwoBatches()));
        store = new ChunkStore();
        IRollup.Config memory configuration = IRollup.Config({
            inbox: inbox,
            verifier: new ToyVerifier(inbox),
            chunkStore: store,
            arity: 4095,
            levels: 2,
            challengeWindow: window,
            responsePeriod: response,
            claimBond: claimBond,
            challengeBond: challengeBond,
            chunkReward: chunkReward
        });
        // Halmos refuses a set-up that can end in two ways, so this one can't fail.
        try new Rollup(configuration, ROOT, proof(LEAF_2935), proof(LEAF_4788)) returns (Rollup made) {
            rollup = made;
        } catch {}
        vm.deal(MALLORY, 4 << MONEY_BITS);
        vm.deal(BOB, 1 << MONEY_BITS);
    }

    function proof(bytes memory leaf) private pure returns (bytes[] memory nodes) {
        nodes = new bytes[](2);
        (nodes[0], nodes[1]) = (BRANCH, leaf);
    }

    /// @dev A claim of the first batch.
    function propose(uint64 steps) internal returns (bytes32) {
        return propose(rollup.tip(), 1, steps);
    }

    function propose(bytes32 parent, uint64 batch, uint64 steps) internal returns (bytes32) {
        Reveal memory none;
        none.blobIndex = type(uint32).max;
        bytes32 batchHash = bytes32(uint256(batch));
        bytes memory data =
            abi.encodeCall(IRollup.propose, (parent, batchHash, Toy.end(1001, batch), steps, MALLORY, none));
        vm.prank(MALLORY);
        return abi.decode(done(claimBond, data), (bytes32));
    }

    function challenge(bytes32 attempt) internal returns (bytes32) {
        vm.prank(BOB);
        return abi.decode(done(challengeBond, abi.encodeCall(IRollup.challengeClaim, (attempt))), (bytes32));
    }

    function anyTime(string memory name) internal pure returns (uint64) {
        return uint64(svm.createUint(TIME_BITS + 2, name));
    }

    /// @dev A call that must succeed, and what it returns. Halmos passes over paths that revert, so that a plain call would only
    /// say what holds if it does not.
    function done(uint256 value, bytes memory data) internal returns (bytes memory answer) {
        bool success;
        (success, answer) = address(rollup).call{value: value}(data);
        vm.assertTrue(success);
    }

    function done(bytes memory data) internal returns (bytes memory answer) {
        return done(0, data);
    }

    /// @dev Whether a call succeeds, and else its error.
    function outcome(uint256 value, bytes memory data) internal returns (bool success, bytes4 why) {
        bytes memory answer;
        (success, answer) = address(rollup).call{value: value}(data);
        if (!success) why = bytes4(answer);
    }

    function outcome(bytes memory data) internal returns (bool success, bytes4 why) {
        return outcome(0, data);
    }
}
