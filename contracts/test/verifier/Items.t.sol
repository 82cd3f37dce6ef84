// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {Checkpoint, Credit, StepProof, Trace, View} from "../../src/interfaces/Types.sol";
import {BaseFee} from "../../src/libraries/BaseFee.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {L2Header} from "../../src/libraries/L2Header.sol";
import {Tape} from "../../src/libraries/Tape.sol";
import {Tapes} from "../support/Tapes.sol";
import {VerifierBase} from "./Base.sol";

/// @dev Rule 3, no block open.
contract OpenTest is VerifierBase {
    /// @dev The block that opens at view `viewIndex` and `timestamp`, after an item of 13 bytes.
    function opensAt(Checkpoint memory pre, uint64 timestamp, uint32 viewIndex) private {
        StepProof memory proof = execution(opening(pre, 13), 0, 0);
        Checkpoint memory post = copy(pre);
        post.stateRoot = proof.execution.postStateRoot;
        post.number += 1;
        post.timestamp = timestamp;
        post.viewIndex = viewIndex;
        post.baseFee = BaseFee.next(pre.baseFee, pre.gasUsed, GAS_LIMIT);
        post.gasUsed = 0;
        post.txDigest = 0;
        post.receiptDigest = 0;
        post.open = true;
        Trace memory trace = traceOf(post, proof);
        trace.opens = true;
        trace.parentHash = pre.parentHash;
        trace.anchor = inbox.viewAt(viewIndex).l1Hash;
        post.offset += 13;
        executes(pre.stateRoot, proof, trace);
        becomes(pre, proof, post);
    }

    function test_takesWhatTheItemWants() public {
        opensAt(closed(Tapes.OPEN), START + 50, 1);
    }

    function test_atLeastTheCurrentViewAndTheParentsTime() public {
        Checkpoint memory pre = closed(Tapes.OPEN_LOWEST);
        opensAt(pre, START + 10 + BLOCK_TIME, 0);
        pre.viewIndex = 1;
        opensAt(pre, START + 24, 1); // the view's L1 time
        pre.timestamp = START + 23;
        opensAt(pre, START + 23 + BLOCK_TIME, 1);
    }

    function test_atMostTheBatchesViewAndTime() public {
        opensAt(closed(Tapes.OPEN_HIGHEST), START + 100, 2);
    }

    function test_atThePayloadsEnd() public {
        opensAt(closed(Tapes.LAST_OPEN), START + 100, 2);
    }

    function test_theVeryLastTimestamp() public {
        Checkpoint memory pre = closed(Tapes.OPEN);
        pre.timestamp = START + 100 - BLOCK_TIME;
        opensAt(pre, START + 100, 1);
    }

    /// Whatever the item says, while the batch owes something.
    function test_owesAView() public {
        Checkpoint memory pre = inSecondBatch(closed(Tapes.OPEN_HIGHEST));
        opensAt(pre, START + 24, 1);
    }

    function test_owesForcedTransactions() public {
        Checkpoint memory pre = inSecondBatch(closed(Tapes.OPEN_HIGHEST));
        pre.viewIndex = 2;
        pre.depositsDone = 20;
        opensAt(pre, START + 100, 2);
    }

    function test_owesDeposits() public {
        Checkpoint memory pre = inSecondBatch(closed(Tapes.OPEN_HIGHEST));
        pre.viewIndex = 1;
        pre.forcedDone = 1;
        pre.depositsDone = 19;
        opensAt(pre, START + 24, 1);
    }

    function test_owesNothingMore() public {
        Checkpoint memory pre = inSecondBatch(closed(Tapes.OPEN_HIGHEST));
        pre.viewIndex = 1;
        pre.forcedDone = 1;
        pre.depositsDone = 20;
        opensAt(pre, START + DELAY, 3);
    }

    // ---------------------------------------------------------------- no timestamp is possible

    function skips(Checkpoint memory pre) private {
        StepProof memory proof = opening(pre, 13);
        Checkpoint memory post = copy(pre);
        post.offset += 13;
        becomes(pre, proof, post);
        proof.execution.gasUsed = 1;
        refuses(pre, proof, IStepVerifier.UnneededExecution.selector);
    }

    function test_skipsWithoutATimestamp() public {
        Checkpoint memory pre = closed(Tapes.OPEN);
        pre.timestamp = START + 100 - BLOCK_TIME + 1;
        skips(pre);
        pre.timestamp = type(uint64).max; // does not wrap
        skips(pre);
        pre = inSecondBatch(closed(Tapes.OPEN));
        pre.timestamp = START + DELAY;
        skips(pre);
    }

    // ---------------------------------------------------------------- what EXECUTE is asked

    function test_systemCallsUseNoGasAndLeaveNoReceipt() public {
        Checkpoint memory pre = closed(Tapes.OPEN);
        refuses(pre, execution(opening(pre, 13), 1, 0), abi.encodeWithSelector(IStepVerifier.UnexpectedGas.selector, 1));
        refuses(
            pre,
            execution(opening(pre, 13), 0, pre.receiptDigest),
            abi.encodeWithSelector(IStepVerifier.UnexpectedReceiptDigest.selector, 0, pre.receiptDigest)
        );
    }

    function test_numberAtItsMaximum() public {
        Checkpoint memory pre = closed(Tapes.OPEN);
        pre.number = type(uint64).max;
        refuses(pre, execution(opening(pre, 13), 0, 0), abi.encodeWithSignature("Panic(uint256)", 0x11));
    }

    function test_unknownView() public {
        Checkpoint memory pre = closed(Tapes.OPEN);
        pre.viewIndex = 9;
        refuses(pre, execution(opening(pre, 13), 0, 0), abi.encodeWithSignature("UnknownView(uint32,uint32)", 9, 4));
    }
}

/// @dev Rule 3, over an open block.
contract OpenOverABlockTest is VerifierBase {
    function test_sealsAndStays() public view {
        Checkpoint memory pre = opened(Tapes.OPEN);
        Checkpoint memory post = copy(pre);
        post.open = false;
        post.parentHash = L2Header.hash(pre, contextOf(pre), inbox.viewAt(0).l1Hash, new Credit[](0));
        becomes(pre, opening(pre, 13), post);
    }

    function test_executesNothingWithoutCredits() public {
        Checkpoint memory pre = opened(Tapes.OPEN);
        refuses(pre, execution(opening(pre, 13), 0, 0), IStepVerifier.UnneededExecution.selector);
    }
}

/// @dev Rule 4.
contract TransactionTest is VerifierBase {
    function runs(uint32 offset, bytes memory raw, uint64 gasUsed) private {
        runs(opened(offset), raw, gasUsed);
    }

    function runs(Checkpoint memory pre, bytes memory raw, uint64 gasUsed) private {
        StepProof memory proof = execution(opening(pre, uint32(4 + raw.length)), gasUsed, keccak256("receipt"));
        Checkpoint memory post = copy(pre);
        post.offset += uint32(4 + raw.length);
        if (gasUsed > 0) {
            post.stateRoot = proof.execution.postStateRoot;
            post.gasUsed += gasUsed;
            post.receiptDigest = keccak256("receipt");
            post.txDigest = keccak256(abi.encode(pre.txDigest, keccak256(raw)));
        }
        executes(pre.stateRoot, proof, transaction(traceOf(pre, proof), raw));
        becomes(pre, proof, post);
    }

    function long() private pure returns (bytes memory raw) {
        raw = new bytes(70);
        for (uint8 i = 0; i < 70; ++i) {
            raw[i] = bytes1(i + 1);
        }
    }

    /// @dev The bytes at PAYLOAD - 32: padding, then the item at PAYLOAD - 26.
    function split() private pure returns (bytes memory) {
        return hex"0000000000000200";
    }

    /// @dev The bytes at PAYLOAD - 22: other items begin among them.
    function last() private pure returns (bytes memory) {
        return hex"00000000000200000e01000000000000000700020001";
    }

    function test_runs() public {
        runs(Tapes.HELLO, "hello", 21_000);
    }

    function test_acrossElements() public {
        runs(Tapes.LONG, long(), 21_000);
        runs(Tapes.SPLIT, split(), 21_000);
        runs(Tapes.LAST_TX, last(), 21_000);
    }

    function test_noBytes() public {
        runs(Tapes.EMPTY, "", 1);
    }

    /// The EVM has no base fee of more than 64 bits, and no derivation gets there.
    function test_theHighestBaseFee() public {
        Checkpoint memory pre = opened(Tapes.HELLO);
        pre.baseFee = type(uint64).max;
        runs(pre, "hello", 21_000);
        pre.baseFee += 1;
        StepProof memory proof = execution(opening(pre, 9), 21_000, keccak256("receipt"));
        executes(pre.stateRoot, proof, transaction(traceOf(pre, proof), "hello"));
        refuses(pre, proof, abi.encodeWithSelector(IStepVerifier.BaseFeeOutOfRange.selector, pre.baseFee));
    }

    function test_noOp() public {
        runs(Tapes.HELLO, "hello", 0);
    }

    function test_skippedWithoutABlock() public {
        Checkpoint memory pre = closed(Tapes.LONG);
        Checkpoint memory post = copy(pre);
        post.offset += 74;
        becomes(pre, opening(pre, 4), post);
        refuses(pre, execution(opening(pre, 4), 0, 0), IStepVerifier.UnneededExecution.selector);
        // Only its header is read.
        refuses(pre, opening(pre, 74), abi.encodeWithSelector(IStepVerifier.WrongElementCount.selector, 1, 3));
    }

    function test_gasAtItsMaximum() public {
        Checkpoint memory pre = opened(Tapes.HELLO);
        pre.gasUsed = type(uint64).max;
        StepProof memory proof = execution(opening(pre, 9), 1, 0);
        executes(pre.stateRoot, proof, transaction(traceOf(pre, proof), "hello"));
        refuses(pre, proof, abi.encodeWithSignature("Panic(uint256)", 0x11));
    }

    // ---------------------------------------------------------------- EXECUTE's answers

    function asks() private view returns (Checkpoint memory pre, StepProof memory proof) {
        pre = opened(Tapes.HELLO);
        proof = execution(opening(pre, 9), 21_000, keccak256("receipt"));
    }

    function test_false() public {
        (Checkpoint memory pre, StepProof memory proof) = asks();
        hasLeft(21_000);
        answers(pre.stateRoot, abi.encode(false));
        refuses(pre, proof, IStepVerifier.ExecuteIsFalse.selector);
    }

    function test_couldNotRun() public {
        (Checkpoint memory pre, StepProof memory proof) = asks();
        vm.mockCallRevert(EXECUTE, "", "");
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
        vm.mockCallRevert(EXECUTE, "", abi.encode(1, 21_000));
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
        hasLeft(21_000);
        vm.mockCallRevert(EXECUTE, abi.encode(pre.stateRoot), abi.encode(true));
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
    }

    function test_answersThatAreNone() public {
        (Checkpoint memory pre, StepProof memory proof) = asks();
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector); // nobody there
        bytes[4] memory none = [bytes(""), abi.encode(true, true), hex"01", abi.encode(2)];
        for (uint256 i = 0; i < 4; ++i) {
            hasLeft(21_000);
            answers(pre.stateRoot, none[i]);
            refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
        }
        // To the question what is left.
        bytes[3] memory unknown = [bytes(""), abi.encode(21_000), abi.encode(1, 21_000, 0)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.clearMockedCalls();
            vm.mockCall(EXECUTE, "", unknown[i]);
            answers(pre.stateRoot, abi.encode(true));
            refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
        }
    }

    /// A call over the limit would take all gas: it is not made.
    function test_full() public {
        (Checkpoint memory pre, StepProof memory proof) = asks();
        executes(pre.stateRoot, proof, transaction(traceOf(pre, proof), "hello"));
        verifier.step(pre, proof);
        vm.mockCall(EXECUTE, "", abi.encode(1, 20_999));
        refuses(pre, proof, abi.encodeWithSelector(IStepVerifier.ExecuteIsFull.selector, 20_999, 21_000));
    }

    /// Every field of the trace is pinned: another one is another question.
    function test_anotherTraceIsAnotherQuestion() public {
        (Checkpoint memory pre, StepProof memory proof) = asks();
        executes(pre.stateRoot, proof, transaction(traceOf(pre, proof), "hello"));
        vm.mockCall(EXECUTE, "", abi.encode(1, 21_001));
        proof.execution.gasUsed = 21_001;
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
        proof.execution.gasUsed = 21_000;
        proof.execution.postStateRoot = keccak256("other");
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
        (pre, proof) = asks();
        proof.execution.receiptDigestAfter = 0;
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
        (pre, proof) = asks();
        pre.baseFee += 1;
        refuses(pre, proof, IStepVerifier.ExecuteCouldNotRun.selector);
    }
}

/// @dev Rule 5.
contract EndTest is VerifierBase {
    function ends(Checkpoint memory pre, StepProof memory proof) private {
        Checkpoint memory post = copy(pre);
        post.blob += 1;
        post.offset = 0;
        becomes(pre, proof, post);
        proof.execution.witness = hex"00";
        refuses(pre, proof, IStepVerifier.UnneededExecution.selector);
    }

    function test_kinds() public {
        uint32[3] memory offsets = [Tapes.END, Tapes.UNKNOWN, Tapes.UNKNOWN_TOO];
        for (uint256 i = 0; i < 3; ++i) {
            ends(closed(offsets[i]), opening(closed(offsets[i]), 1));
            ends(opened(offsets[i]), opening(opened(offsets[i]), 1));
        }
    }

    function test_cutItems() public {
        ends(closed(Tapes.CUT_TX), opening(closed(Tapes.CUT_TX), 1));
        ends(opened(Tapes.CUT_TX), opening(opened(Tapes.CUT_TX), 1));
        ends(closed(Tapes.CUT_OPEN), opening(closed(Tapes.CUT_OPEN), 1));
        ends(opened(Tapes.CUT_OPEN), opening(opened(Tapes.CUT_OPEN), 1));
        ends(closed(Tapes.CUT_BODY), opening(closed(Tapes.CUT_BODY), 4));
        ends(opened(Tapes.CUT_BODY), opening(opened(Tapes.CUT_BODY), 4));
    }

    function test_atThePayloadsEnd() public {
        ends(closed(Tapes.PAYLOAD), bare(closed(Tapes.PAYLOAD)));
        ends(opened(Tapes.PAYLOAD), bare(opened(Tapes.PAYLOAD)));
        ends(closed(type(uint32).max), bare(closed(Tapes.PAYLOAD)));
    }

    function test_atThePayloadsEndNothingIsOpened() public {
        StepProof memory proof = bare(closed(0));
        proof.opening = open(4095, 1);
        refuses(closed(Tapes.PAYLOAD), proof, IStepVerifier.UnneededOpening.selector);
    }
}

/// @dev The opening of items.
contract OpeningTest is VerifierBase {
    function count(uint256 expected, uint256 got) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IStepVerifier.WrongElementCount.selector, expected, got);
    }

    function test_noMoreElements() public {
        Checkpoint memory pre = closed(Tapes.END);
        StepProof memory proof = bare(pre);
        proof.opening = open(4094, 2);
        pre.offset = Tapes.PAYLOAD - 36;
        pre.open = false;
        refuses(pre, proof, count(1, 2));
    }

    function test_noLess() public {
        Checkpoint memory pre = opened(Tapes.LONG);
        refuses(pre, opening(pre, 4), count(3, 1));
        pre = closed(Tapes.OPEN_HIGHEST);
        refuses(pre, opening(pre, 1), abi.encodeWithSelector(Tape.TooFewElements.selector, 2, 1));
        refuses(pre, bare(pre), abi.encodeWithSelector(Tape.TooFewElements.selector, 1, 0));
    }

    function test_asManyProofs() public {
        Checkpoint memory pre = closed(Tapes.END);
        StepProof memory proof = opening(pre, 1);
        proof.opening.proofs = new bytes[](2);
        refuses(pre, proof, count(1, 2));
    }

    function test_elementsAreProven() public {
        Checkpoint memory pre = closed(Tapes.END);
        StepProof memory proof = opening(pre, 1);
        bytes32 wrong = bytes32(uint256(proof.opening.elements[0]) ^ (1 << 8)); // a byte that the step does not read
        proof.opening.elements[0] = wrong;
        refuses(pre, proof, abi.encodeWithSelector(BlobReader.WrongOpening.selector, tape.versionedHash, 4, wrong));
    }

    function test_ofTheBlobAtTheCursor() public {
        Checkpoint memory pre = closed(Tapes.END);
        StepProof memory proof = opening(pre, 1);
        proof.opening.commitment = blobOf(".history.honest").commitment;
        refuses(
            pre,
            proof,
            abi.encodeWithSelector(
                BlobReader.WrongCommitment.selector, tape.versionedHash, blobOf(".history.honest").versionedHash
            )
        );
    }

    function test_noForcedTransactionIsDue() public {
        Checkpoint memory pre = closed(Tapes.END);
        StepProof memory proof = opening(pre, 1);
        proof.forcedTransaction = "forced";
        refuses(pre, proof, IStepVerifier.UnneededForcedTransaction.selector);
    }
}
