// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Checkpoint, StepProof} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {BillAttacks} from "./BillBase.sol";

/// @notice A thief's tool: hands chunks of others on inline, in a call that no transaction could be.
contract Copier {
    /// @dev The first `count` chunks inline, behind `own`, and pointers to the rest.
    function asWitness(
        IRollup rollup,
        bytes32 attempt,
        Checkpoint calldata pre,
        bytes calldata own,
        address[] calldata chunks,
        uint256 count
    ) external {
        StepProof memory proof;
        proof.execution.witness = bytes.concat(own, _copied(chunks[:count]));
        proof.execution.pointers = chunks[count:];
        rollup.proveFraudClaim(attempt, pre, proof, msg.sender);
    }

    /// @dev All as elements of a blob, beside a witness.
    function asElements(
        IRollup rollup,
        bytes32 attempt,
        Checkpoint calldata pre,
        bytes calldata witness,
        address[] calldata chunks
    ) external {
        StepProof memory proof;
        bytes memory all = _copied(chunks);
        proof.opening.elements = new bytes32[](all.length / 32);
        for (uint256 i = 0; i < proof.opening.elements.length; ++i) {
            bytes32 element;
            assembly ("memory-safe") {
                element := mload(add(all, shl(5, add(i, 1))))
            }
            proof.opening.elements[i] = element;
        }
        proof.execution.witness = witness;
        rollup.proveFraudClaim(attempt, pre, proof, msg.sender);
    }

    /// @dev Codes without their first byte.
    function _copied(address[] calldata chunks) private view returns (bytes memory all) {
        uint256 size = 0;
        for (uint256 i = 0; i < chunks.length; ++i) {
            size += chunks[i].code.length - 1;
        }
        all = new bytes(size);
        uint256 place = 0x20;
        for (uint256 i = 0; i < chunks.length; ++i) {
            address chunk = chunks[i];
            uint256 length = chunk.code.length - 1;
            // `size` is the sum of the lengths.
            assembly ("memory-safe") {
                extcodecopy(chunk, add(all, place), 1, length)
            }
            place += length;
        }
    }
}

/// @notice Chunks that are brought inline stand on no bill, so that a thief would have the kill and what they cost BOB. But a
/// proof brings 131,072 bytes at most, which BOB's does already, but for a part of a chunk.
contract InlineAttacksTest is BillAttacks {
    uint256 private constant MOST = 131_072;
    /// @dev A witness of 1,039,671 bytes, as the tools cut it (docs/contracts.md): so much inline, and 38 chunks.
    uint256 private constant BOBS_INLINE = 105_821;
    uint256 private constant BOBS_CHUNKS = 38;

    Copier private copier = new Copier();

    function copies(bytes32 attempt, uint256 own, address[] memory chunks, uint256 count)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(Copier.asWitness, (rollup, attempt, Toy.truth(0), new bytes(own), chunks, count));
    }

    function copiesElements(bytes32 attempt, uint256 witness, address[] memory chunks)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(Copier.asElements, (rollup, attempt, Toy.truth(0), new bytes(witness), chunks));
    }

    function succeeds(bytes memory call) private {
        vm.prank(MALLORY);
        (bool success,) = address(copier).call(call);
        vm.assertTrue(success, "refused");
    }

    function fails(bytes memory call, uint256 got) private {
        reverts(MALLORY, 0, address(copier), call, abi.encodeWithSelector(IRollup.TooMuchInline.selector, got, MOST));
    }

    /// Twenty of BOB's chunks are half a million bytes: MALLORY can't bring them, nor six. BOB kills and is paid.
    function test_bringsTheChunksOfOthersInline() public {
        bytes32 attempt = lies(MALLORY);
        address[] memory needed = stageMany(BOB, 20, LARGEST, 0);
        fails(copies(attempt, 0, needed, 20), 20 * LARGEST);
        fails(copies(attempt, 0, needed, 6), 6 * LARGEST);
        proves(BOB, only(needed));
        kills(BOB, attempt);
        vm.assertEq(rollup.owed(BOB), HALF);
        vm.assertEq(rollup.owed(MALLORY), 0);
    }

    /// What she can: of a proof of which BOB brings as much himself as a transaction carries, one chunk of 38. It costs him 0.27 ether.
    function test_bringsOneChunkMoreThanATransactionHasRoomFor() public {
        bytes32 attempt = lies(MALLORY);
        address[] memory needed = stageMany(BOB, BOBS_CHUNKS, LARGEST, 0);
        fails(copies(attempt, BOBS_INLINE, needed, 2), BOBS_INLINE + 2 * LARGEST);
        succeeds(copies(attempt, BOBS_INLINE, needed, 1));
        vm.assertEq(rollup.owed(BOB), (BOBS_CHUNKS - 1) * LARGEST * PRICE);
        vm.assertTrue(LARGEST * PRICE < 0.28 ether);
    }

    /// For every further byte she has to stage one of her own: to bring five of BOB's chunks, all that he brought himself but 8,197 bytes.
    function test_stagesWhatHeBroughtAndBringsWhatHeStaged() public {
        bytes32 attempt = lies(MALLORY);
        address[] memory his = stageMany(BOB, BOBS_CHUNKS, LARGEST, 0);
        uint256 room = MOST - 5 * LARGEST;
        uint256 anew = BOBS_INLINE - room;
        address[] memory all = new address[](BOBS_CHUNKS + 4);
        for (uint256 i = 0; i < BOBS_CHUNKS; ++i) {
            all[i] = his[i];
        }
        for (uint256 i = 0; i < 4; ++i) {
            all[BOBS_CHUNKS + i] = stage(MALLORY, anew / 4 + (i < anew % 4 ? 1 : 0), 1000 + i);
        }
        fails(copies(attempt, room + 1, all, 5), MOST + 1);
        succeeds(copies(attempt, room, all, 5));
        vm.assertEq(rollup.owed(BOB), (BOBS_CHUNKS - 5) * LARGEST * PRICE);
        // BOB lost the price of five chunks. MALLORY staged most of as many bytes, and got their price.
        vm.assertEq(rollup.owed(MALLORY), HALF - rollup.owed(BOB));
        vm.assertTrue(anew + LARGEST + 700 > 5 * LARGEST);
    }

    /// Not prevented: who stages what a transaction would carry, up to so many bytes, stages it for MALLORY, 1.45 ether of it. Not
    /// beside anything else.
    function test_bringsAllOfASmallProofThatWasStaged() public {
        bytes32 attempt = lies(MALLORY);
        address[] memory elements = stageMany(BOB, 16, 8192, 0);
        fails(copiesElements(attempt, 1, elements), MOST + 1);
        succeeds(copiesElements(attempt, 0, elements));
        vm.assertEq(rollup.owed(BOB), 0);
        vm.assertEq(rollup.owed(MALLORY), HALF);
        vm.assertTrue(MOST * PRICE < 1.45 ether);
        vm.assertEq(rollup.billOf(CheckpointLib.h248(Toy.truth(0))).length, 0);
    }
}
