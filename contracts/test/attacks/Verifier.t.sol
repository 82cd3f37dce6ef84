// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {Batch, Checkpoint, StepProof, View} from "../../src/interfaces/Types.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {Tapes} from "../support/Tapes.sol";
import {VerifierBase} from "../verifier/Base.sol";

/// @notice Attacks on the proof of one step: where blobs and batches end, counters at their ends, proofs that say more or less
/// than they should.
contract VerifierAttacksTest is VerifierBase {
    Batch private six; // six blobs, the tape in each

    function setUp() public override {
        super.setUp();
        vm.roll(block.number + 1);
        vm.warp(block.timestamp + 12);
        inbox.nextTransaction();
        bytes32[] memory hashes = new bytes32[](6);
        for (uint256 i = 0; i < 6; ++i) {
            hashes[i] = tape.versionedHash;
        }
        vm.blobhashes(hashes);
        inbox.append(BOB, 1, 0);
        View memory newest = inbox.viewAt(inbox.viewCount() - 1);
        six = Batch(inbox.batchHash(2), newest.l1Hash, hashes, BOB, uint64(block.timestamp), inbox.viewCount(), 1);
        noBlobs();
    }

    /// @dev At a place in the batch of six, which owes nothing.
    function inSix(Checkpoint memory c, uint32 blob) private pure returns (Checkpoint memory) {
        (c.batch, c.blob, c.forcedDone, c.depositsDone, c.viewIndex) = (3, blob, 1, 20, 1);
        return c;
    }

    function withBatch(StepProof memory proof, Batch memory batch) private pure returns (StepProof memory) {
        proof.batch = batch;
        return proof;
    }

    // ---------------------------------------------------------------- where blobs and batches end

    /// The cursor goes over all six blobs and no seventh, and only then to the next batch.
    function test_closesABatchBeforeItsLastBlob() public view {
        StepProof memory nothing;
        nothing.batch = six;
        for (uint32 blob = 0; blob < 6; ++blob) {
            Checkpoint memory pre = inSix(closed(Tapes.PAYLOAD), blob);
            Checkpoint memory post = inSix(closed(0), blob + 1);
            becomes(pre, nothing, post);
        }
        Checkpoint memory end = inSix(closed(0), 6);
        Checkpoint memory next = inSix(closed(0), 0);
        next.batch = 4;
        becomes(end, nothing, next);
        // A cursor beyond that end stands in no history; it does the same, and never reads.
        becomes(inSix(closed(0), 7), nothing, next);
        becomes(inSix(closed(77), type(uint32).max), nothing, next);
    }

    /// A batch with one blob less, one more, or the same in another order is another batch.
    function test_dropsOrAddsABlobOfABatch() public {
        bytes32 expected = inbox.batchHash(3);
        for (uint256 count = 0; count <= 8; ++count) {
            if (count == 6) continue;
            Batch memory batch = abi.decode(abi.encode(six), (Batch));
            batch.versionedHashes = new bytes32[](count);
            for (uint256 i = 0; i < count; ++i) {
                batch.versionedHashes[i] = tape.versionedHash;
            }
            bytes32 got = keccak256(
                abi.encode(
                    batch.previous,
                    batch.l1Hash,
                    batch.versionedHashes,
                    batch.feeRecipient,
                    batch.l1Timestamp,
                    batch.viewCount,
                    batch.minView
                )
            );
            StepProof memory proof = withBatch(opening(closed(Tapes.HELLO), 4), batch);
            refuses(
                inSix(closed(Tapes.HELLO), 5),
                proof,
                abi.encodeWithSelector(IStepVerifier.WrongBatch.selector, 3, expected, got)
            );
        }
        becomes(
            inSix(closed(Tapes.HELLO), 5),
            withBatch(opening(closed(Tapes.HELLO), 4), six),
            inSix(closed(Tapes.HELLO + 9), 5)
        );
    }

    /// A step of one batch proven with the preimage of another.
    function test_provesAStepWithAnotherBatch() public {
        StepProof memory proof = withBatch(opening(closed(Tapes.HELLO), 4), six);
        (bool success,) = address(verifier).call(abi.encodeCall(IStepVerifier.step, (closed(Tapes.HELLO), proof)));
        vm.assertFalse(success);
    }

    /// An element of the right blob at a wrong place in it, and an item that would go on in the next blob.
    function test_readsAnItemAcrossABlob() public {
        // TX that is one byte too long for its blob: an end, whatever the next blob holds.
        Checkpoint memory pre = inSix(opened(Tapes.CUT_BODY), 0);
        becomes(pre, withBatch(opening(pre, 4), six), inSix(opened(0), 1));
        // The elements of the blob's beginning, as if it went on there.
        StepProof memory proof = withBatch(opening(closed(Tapes.OPEN), 4), six);
        proof.opening.elements = two(open(4095, 1).elements[0], open(0, 1).elements[0]);
        proof.opening.proofs = twice(open(4095, 1).proofs[0], open(0, 1).proofs[0]);
        refuses(pre, proof, abi.encodeWithSelector(IStepVerifier.WrongElementCount.selector, 1, 2));
    }

    function two(bytes32 a, bytes32 b) private pure returns (bytes32[] memory list) {
        list = new bytes32[](2);
        (list[0], list[1]) = (a, b);
    }

    function twice(bytes memory a, bytes memory b) private pure returns (bytes[] memory list) {
        list = new bytes[](2);
        (list[0], list[1]) = (a, b);
    }

    /// The item of another place: its element is real, its proof is real, its index is another.
    function test_readsAnItemOfAnotherPlace() public {
        Checkpoint memory pre = closed(Tapes.HELLO);
        StepProof memory proof = opening(pre, 4);
        proof.opening = open(2, 1);
        refuses(
            pre,
            proof,
            abi.encodeWithSelector(BlobReader.WrongOpening.selector, tape.versionedHash, 1, proof.opening.elements[0])
        );
    }

    // ---------------------------------------------------------------- counters at their ends

    /// Every field of the checkpoint at its maximum, one at a time, under every rule. EXECUTE says yes to everything here, so
    /// that nothing else stands in the way. No counter ever gets smaller: the step is refused, or goes on from there.
    function test_wrapsACounter() public {
        hasLeft(type(uint64).max);
        answers(keccak256("state"), abi.encode(true));
        uint32[6] memory offsets =
            [Tapes.OPEN, Tapes.OPEN_HIGHEST, Tapes.HELLO, Tapes.END, Tapes.LAST_OPEN, Tapes.PAYLOAD];
        uint256 taken;
        for (uint256 field = 0; field < 10; ++field) {
            for (uint256 i = 0; i < offsets.length * 4; ++i) {
                Checkpoint memory pre = i % 2 == 0 ? closed(offsets[i / 4]) : opened(offsets[i / 4]);
                if (i % 4 > 1) pre.blob = 1;
                if (survives(atItsMaximum(pre, field))) ++taken;
            }
        }
        vm.assertTrue(taken > 60); // both happen
    }

    function atItsMaximum(Checkpoint memory c, uint256 field) private pure returns (Checkpoint memory) {
        if (field == 0) c.number = type(uint64).max;
        if (field == 1) c.timestamp = type(uint64).max;
        if (field == 2) c.gasUsed = type(uint64).max;
        if (field == 3) c.baseFee = type(uint256).max;
        if (field == 4) c.viewIndex = type(uint32).max;
        if (field == 5) c.forcedDone = type(uint64).max;
        if (field == 6) c.depositsDone = type(uint64).max;
        if (field == 7) c.batch = type(uint64).max;
        if (field == 8) c.blob = type(uint32).max;
        if (field == 9) c.offset = type(uint32).max;
        return c;
    }

    /// @dev Tries every proof that could fit; whatever is accepted must not have gone back.
    function survives(Checkpoint memory pre) private returns (bool) {
        for (uint256 i = 0; i < 4; ++i) {
            StepProof memory proof = bare(pre);
            if (i == 1 || i == 2) {
                proof = opening(closed(pre.offset < Tapes.PAYLOAD ? pre.offset : 0), 1 + 12 * uint32(i - 1));
            }
            if (i == 3) proof.forcedTransaction = "forced";
            for (uint256 k = 0; k < 2; ++k) {
                if (k == 1) (proof.execution.gasUsed, proof.execution.postStateRoot) = (21_000, keccak256("after"));
                (bool success, bytes memory answer) =
                    address(verifier).call(abi.encodeCall(IStepVerifier.step, (pre, proof)));
                if (!success) continue;
                notBack(pre, abi.decode(answer, (Checkpoint)));
                return true;
            }
        }
        return false;
    }

    function notBack(Checkpoint memory pre, Checkpoint memory post) private pure {
        vm.assertTrue(post.number >= pre.number && post.timestamp >= pre.timestamp);
        vm.assertTrue(post.viewIndex >= pre.viewIndex || pre.viewIndex == type(uint32).max);
        vm.assertTrue(post.forcedDone >= pre.forcedDone && post.depositsDone >= pre.depositsDone);
        vm.assertTrue(post.batch >= pre.batch);
        // Only what opens a block sets the gas back, and only a block's end or a batch's the cursor.
        vm.assertTrue(post.gasUsed >= pre.gasUsed || post.number > pre.number);
        vm.assertTrue(post.batch > pre.batch || post.blob >= pre.blob);
        vm.assertTrue(post.batch > pre.batch || post.blob > pre.blob || post.offset >= pre.offset);
    }

    // ---------------------------------------------------------------- more or less than a proof

    /// Bytes behind the calldata of a proof. They change nothing, so there is no second result.
    function test_addsBytesToAProof() public {
        Checkpoint memory pre = closed(Tapes.HELLO);
        bytes memory data = abi.encodeCall(IStepVerifier.step, (pre, opening(pre, 4)));
        (bool success, bytes memory plain) = address(verifier).call(data);
        vm.assertTrue(success);
        bytes memory more;
        (success, more) = address(verifier).call(bytes.concat(data, keccak256("more")));
        vm.assertTrue(success);
        vm.assertEq(more, plain);
        // Less is refused.
        assembly ("memory-safe") {
            mstore(data, sub(mload(data), 1))
        }
        (success,) = address(verifier).call(data);
        vm.assertFalse(success);
    }

    /// Numbers with bits above their width: refused, never cut, so a checkpoint has one hash.
    function test_addsBitsAboveAField() public {
        Checkpoint memory pre = closed(Tapes.HELLO);
        StepProof memory proof = opening(pre, 4);
        bytes memory data = abi.encodeCall(IStepVerifier.step, (pre, proof));
        (bool success,) = address(verifier).call(data);
        vm.assertTrue(success);
        // Words 4 to 14 of the checkpoint, but the base fee, which has all 256 bits.
        for (uint256 word = 4; word < 15; ++word) {
            if (word == 7) continue;
            bytes memory changed = abi.encodeCall(IStepVerifier.step, (pre, proof));
            changed[4 + 32 * word] = 0x01;
            (success,) = address(verifier).call(changed);
            vm.assertFalse(success);
        }
    }

    /// "Could not run" sold as "is false", or as "did nothing": a transaction for which EXECUTE fails, says false, or is not there
    /// has no result at all.
    function test_sellsAFailureOfExecuteAsANoOp() public {
        Checkpoint memory pre = opened(Tapes.HELLO);
        pre.forcedDone = 1;
        StepProof memory proof = opening(pre, 9);
        proof.execution.postStateRoot = pre.stateRoot;
        proof.execution.receiptDigestAfter = pre.receiptDigest;
        vm.mockCallRevert(EXECUTE, "", "");
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
        hasLeft(0);
        vm.mockCallRevert(EXECUTE, abi.encode(pre.stateRoot), "");
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
        hasLeft(0);
        answers(pre.stateRoot, abi.encode(false));
        refuses(pre, proof, IStepVerifier.ExecuteIsFalse.selector);
        vm.clearMockedCalls(); // an L1 without it
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
    }
}
