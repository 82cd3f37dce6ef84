// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StepVerifier} from "../../src/StepVerifier.sol";
import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {BlockContext, Checkpoint, Credit, StepProof, Trace, View} from "../../src/interfaces/Types.sol";
import {BaseFee} from "../../src/libraries/BaseFee.sol";
import {L2Header} from "../../src/libraries/L2Header.sol";
import {Tapes} from "../support/Tapes.sol";
import {VerifierBase} from "./Base.sol";

/// @dev Rule 1.
contract ForcedTest is VerifierBase {
    uint64 private constant ROOM = GAS_LIMIT - (1 << 24);

    function due() private pure returns (Checkpoint memory c) {
        c = opened(Tapes.HELLO);
        c.viewIndex = 1;
    }

    function runs(Checkpoint memory pre, uint64 gasUsed) private {
        StepProof memory proof = execution(bare(pre), gasUsed, keccak256("receipt"));
        proof.forcedTransaction = "forced";
        Checkpoint memory post = copy(pre);
        post.forcedDone = 1;
        if (gasUsed > 0) {
            post.stateRoot = proof.execution.postStateRoot;
            post.gasUsed += gasUsed;
            post.receiptDigest = keccak256("receipt");
            post.txDigest = keccak256(abi.encode(pre.txDigest, keccak256("forced")));
        }
        executes(pre.stateRoot, proof, transaction(traceOf(pre, proof), "forced"));
        becomes(pre, proof, post);
    }

    function test_comesBeforeTheTape() public {
        runs(due(), 21_000);
    }

    function test_noOp() public {
        runs(due(), 0);
    }

    function test_comesBeforeTheSeal() public {
        runs(pastTheBlobs(due()), 21_000);
    }

    function test_whileThereIsRoom() public {
        Checkpoint memory pre = due();
        pre.gasUsed = ROOM;
        runs(pre, 1 << 24);
        pre.gasUsed = ROOM + 1;
        becomesSealed(pre);
        pre.gasUsed = type(uint64).max; // does not wrap
        becomesSealed(pre);
    }

    /// @dev Past the last blob, the next rule seals; 16 deposits are due.
    function becomesSealed(Checkpoint memory pre) private {
        pre = pastTheBlobs(copy(pre));
        refuses(
            pre, bare(pre), abi.encodeWithSelector(IStepVerifier.UnexpectedReceiptDigest.selector, pre.receiptDigest, 0)
        );
    }

    function test_onlyWhatTheViewKnows() public view {
        Checkpoint memory pre = opened(Tapes.END);
        becomesNextBlob(pre); // view 0 knows of none
        pre.viewIndex = 1;
        pre.forcedDone = 1;
        becomesNextBlob(pre); // all done
    }

    function becomesNextBlob(Checkpoint memory pre) private view {
        Checkpoint memory post = copy(pre);
        post.blob = 1;
        post.offset = 0;
        becomes(pre, opening(pre, 1), post);
    }

    function test_exactlyTheNextOne() public {
        StepProof memory proof = execution(bare(due()), 21_000, 0);
        proof.forcedTransaction = "other";
        refuses(
            due(),
            proof,
            abi.encodeWithSelector(
                IStepVerifier.WrongForcedTransaction.selector, 0, keccak256("forced"), keccak256("other")
            )
        );
    }

    function test_readsNoBlob() public {
        StepProof memory proof = execution(opening(due(), 9), 21_000, 0);
        proof.forcedTransaction = "forced";
        refuses(due(), proof, IStepVerifier.UnneededOpening.selector);
    }
}

/// @dev Rule 2, a block open.
contract SealTest is VerifierBase {
    function credits(uint64 from, uint64 count) private pure returns (Credit[] memory list) {
        list = new Credit[](count);
        for (uint64 i = 0; i < count; ++i) {
            list[i] = Credit(address(uint160(from + i + 1)), from + i + 1);
        }
    }

    function seals(uint64 done, uint64 count) private {
        Checkpoint memory pre = pastTheBlobs(opened(0));
        pre.viewIndex = 1;
        pre.forcedDone = 1;
        pre.depositsDone = done;
        Credit[] memory due = credits(done, count);
        StepProof memory proof = bare(pre);
        Checkpoint memory post = copy(pre);
        post.depositsDone += count;
        if (count > 0) {
            execution(proof, 0, pre.receiptDigest);
            Trace memory trace = traceOf(pre, proof);
            trace.seals = true;
            trace.credits = due;
            executes(pre.stateRoot, proof, trace);
            post.stateRoot = proof.execution.postStateRoot;
        }
        post.parentHash = L2Header.hash(post, contextOf(pre), inbox.viewAt(1).l1Hash, due);
        post.open = false;
        becomes(pre, proof, post);
    }

    function test_atMostSixteenCredits() public {
        seals(0, 16);
    }

    function test_theRest() public {
        seals(16, 4);
        seals(4, 16);
        seals(5, 15);
        seals(19, 1);
    }

    function test_none() public {
        seals(20, 0);
    }

    function test_moreDoneThanKnown() public {
        seals(21, 0);
        seals(type(uint64).max, 0);
    }

    function test_executesNothingWithoutCredits() public {
        Checkpoint memory pre = pastTheBlobs(opened(0));
        StepProof memory proof = bare(pre);
        proof.execution.pointers = new address[](1);
        refuses(pre, proof, IStepVerifier.UnneededExecution.selector);
    }

    function test_creditsUseNoGasAndLeaveNoReceipt() public {
        Checkpoint memory pre = pastTheBlobs(opened(0));
        pre.viewIndex = 1;
        pre.forcedDone = 1;
        refuses(
            pre,
            execution(bare(pre), 1, pre.receiptDigest),
            abi.encodeWithSelector(IStepVerifier.UnexpectedGas.selector, 1)
        );
        refuses(
            pre,
            execution(bare(pre), 0, 0),
            abi.encodeWithSelector(IStepVerifier.UnexpectedReceiptDigest.selector, pre.receiptDigest, 0)
        );
    }

    function test_readsNoBlob() public {
        Checkpoint memory pre = pastTheBlobs(opened(0));
        StepProof memory proof = bare(pre);
        proof.opening = open(0, 1);
        refuses(pre, proof, IStepVerifier.UnneededOpening.selector);
        proof.opening = open(0, 0);
        refuses(pre, proof, IStepVerifier.UnneededOpening.selector); // its commitment
    }
}

/// @dev Rule 2, no block open.
contract PastTheLastBlobTest is VerifierBase {
    function closes(Checkpoint memory pre) private {
        Checkpoint memory post = copy(pre);
        post.batch += 1;
        post.blob = 0;
        post.offset = 0;
        becomes(pre, bare(pre), post);
        StepProof memory proof = bare(pre);
        proof.execution.receiptDigestAfter = bytes32(uint256(1));
        refuses(pre, proof, IStepVerifier.UnneededExecution.selector);
    }

    function opensImplicitly(Checkpoint memory pre, uint64 timestamp, uint32 viewIndex) private {
        StepProof memory proof = execution(bare(pre), 0, 0);
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
        executes(pre.stateRoot, proof, trace);
        becomes(pre, proof, post);
    }

    function test_closesWhenNothingIsOwed() public {
        closes(pastTheBlobs(closed(0)));
        Checkpoint memory pre = inSecondBatch(pastTheBlobs(closed(0)));
        pre.viewIndex = 1;
        pre.forcedDone = 1;
        pre.depositsDone = 20;
        closes(pre);
        pre.blob = 7; // beyond, which no derivation comes to
        pre.offset = 5;
        closes(pre);
    }

    function test_opensForAView() public {
        Checkpoint memory pre = inSecondBatch(pastTheBlobs(closed(0)));
        pre.forcedDone = 1;
        pre.depositsDone = 20;
        opensImplicitly(pre, START + 24, 1);
    }

    function test_opensForForcedTransactions() public {
        Checkpoint memory pre = inSecondBatch(pastTheBlobs(closed(0)));
        pre.viewIndex = 1;
        pre.depositsDone = 20;
        opensImplicitly(pre, START + 24, 1);
    }

    function test_opensForDeposits() public {
        Checkpoint memory pre = inSecondBatch(pastTheBlobs(closed(0)));
        pre.viewIndex = 2;
        pre.forcedDone = 1;
        opensImplicitly(pre, START + 100, 2);
    }

    function test_theLastPossibleTimestamp() public {
        Checkpoint memory pre = inSecondBatch(pastTheBlobs(closed(0)));
        pre.timestamp = START + DELAY - BLOCK_TIME;
        opensImplicitly(pre, START + DELAY, 1);
    }

    function test_debtsCarryOverWithoutATimestamp() public {
        Checkpoint memory pre = inSecondBatch(pastTheBlobs(closed(0)));
        pre.timestamp = START + DELAY - BLOCK_TIME + 1;
        closes(pre);
        pre.timestamp = type(uint64).max;
        closes(pre);
    }

    function test_readsNoBlob() public {
        Checkpoint memory pre = pastTheBlobs(closed(0));
        StepProof memory proof = bare(pre);
        proof.opening = open(0, 1);
        refuses(pre, proof, IStepVerifier.UnneededOpening.selector);
    }

    /// Each field alone.
    function test_executesNothing() public {
        Checkpoint memory pre = pastTheBlobs(closed(0));
        for (uint256 i = 0; i < 5; ++i) {
            StepProof memory proof = bare(pre);
            if (i == 0) proof.execution.postStateRoot = bytes32(uint256(1));
            else if (i == 1) proof.execution.receiptDigestAfter = bytes32(uint256(1));
            else if (i == 2) proof.execution.gasUsed = 1;
            else if (i == 3) proof.execution.witness = hex"00";
            else proof.execution.pointers = new address[](1);
            refuses(pre, proof, IStepVerifier.UnneededExecution.selector);
        }
    }

    /// Each field alone.
    function test_opensNothing() public {
        Checkpoint memory pre = pastTheBlobs(closed(0));
        for (uint256 i = 0; i < 4; ++i) {
            StepProof memory proof = bare(pre);
            if (i == 0) proof.opening.commitment = hex"00";
            else if (i == 1) proof.opening.elements = new bytes32[](1);
            else if (i == 2) proof.opening.proofs = new bytes[](1);
            else proof.opening.pointers = new address[](1);
            refuses(pre, proof, IStepVerifier.UnneededOpening.selector);
        }
    }

    function test_noForcedTransaction() public {
        Checkpoint memory pre = pastTheBlobs(closed(0));
        StepProof memory proof = bare(pre);
        proof.forcedTransaction = "forced";
        refuses(pre, proof, IStepVerifier.UnneededForcedTransaction.selector);
    }
}

contract BatchTest is VerifierBase {
    function test_unknown() public {
        Checkpoint memory pre = pastTheBlobs(closed(0));
        StepProof memory proof = bare(pre);
        pre.batch = 3;
        refuses(pre, proof, abi.encodeWithSelector(IStepVerifier.UnknownBatch.selector, 3));
        pre.batch = 0;
        refuses(pre, proof, abi.encodeWithSelector(IStepVerifier.UnknownBatch.selector, 0));
    }

    function test_anotherPreimage() public {
        Checkpoint memory pre = pastTheBlobs(closed(0));
        refuses(
            pre,
            bare(inSecondBatch(closed(0))),
            abi.encodeWithSelector(IStepVerifier.WrongBatch.selector, 1, inbox.batchHash(1), inbox.batchHash(2))
        );
    }
}

contract StepVerifierConstructorTest is VerifierBase {
    function make(IStepVerifier.Config memory c) external returns (StepVerifier) {
        return new StepVerifier(c);
    }

    function refusesConfig(IStepVerifier.Config memory c, bytes memory expected) private {
        reverts(address(this), abi.encodeCall(this.make, (c)), expected);
    }

    function test_configIsKept() public view {
        vm.assertEq(abi.encode(verifier.config()), abi.encode(configuration()));
    }

    function test_limits() public {
        IStepVerifier.Config memory c = configuration();
        c.blockTime = 0;
        refusesConfig(c, abi.encodeWithSelector(IStepVerifier.ZeroBlockTime.selector));
        c = configuration();
        c.gasLimit = (1 << 24) - 1;
        refusesConfig(c, abi.encodeWithSelector(IStepVerifier.GasLimitTooLow.selector, c.gasLimit, 1 << 24));
        c.gasLimit = 1 << 24;
        c.maxWitnessBytes = (1 << 19) - 1;
        refusesConfig(c, abi.encodeWithSelector(IStepVerifier.WitnessLimitTooLow.selector, c.maxWitnessBytes, 1 << 19));
        c.maxWitnessBytes = 1 << 19;
        this.make(c);
        c.maxWitnessBytes = 1 << 20;
        this.make(c);
        c.maxWitnessBytes = (1 << 20) + 1;
        refusesConfig(c, abi.encodeWithSelector(IStepVerifier.WitnessLimitTooHigh.selector, c.maxWitnessBytes, 1 << 20));
        c.maxWitnessBytes = type(uint32).max;
        refusesConfig(c, abi.encodeWithSelector(IStepVerifier.WitnessLimitTooHigh.selector, c.maxWitnessBytes, 1 << 20));
    }

    function test_genesis() public view {
        Checkpoint memory expected;
        expected.stateRoot = keccak256("state");
        expected.timestamp = START;
        expected.baseFee = 1 gwei;
        expected.batch = 1;
        View memory v = inbox.viewAt(0);
        BlockContext memory context = BlockContext(CHAIN, 0, START, GAS_LIMIT, 1 gwei, v.prevRandao, address(0));
        expected.parentHash = L2Header.hash(expected, context, v.l1Hash, new Credit[](0));
        vm.assertEq(abi.encode(verifier.genesis(keccak256("state"))), abi.encode(expected));
    }
}
