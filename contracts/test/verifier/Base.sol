// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StepVerifier} from "../../src/StepVerifier.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {Batch, BlobOpening, BlockContext, Checkpoint, StepProof, Trace, View} from "../../src/interfaces/Types.sol";
import {L2Header} from "../../src/libraries/L2Header.sol";
import {Fixtures, OpenedBlob} from "../support/Fixtures.sol";
import {Tapes} from "../support/Tapes.sol";
import {TestInbox} from "../support/TestInbox.sol";

/// @notice A real inbox with a real blob. EXECUTE is mocked, and answers only to exactly the trace that a test expects; on the
/// L1 node of this project the same steps are proven with the real one.
abstract contract VerifierBase is Fixtures {
    uint64 internal constant START = 1_800_000_000;
    uint64 internal constant DELAY = 12 hours;
    uint64 internal constant CHAIN = 7;
    uint64 internal constant GAS_LIMIT = 1 << 28;
    uint64 internal constant BLOCK_TIME = 2;
    uint32 internal constant WITNESS = 1 << 20;
    address internal constant EXECUTE = address(0x0101);

    TestInbox internal inbox;
    StepVerifier internal verifier;
    Batch internal first; // owes nothing: minView 0
    Batch internal second; // owes view 1: one forced transaction, 20 deposits
    OpenedBlob internal tape;

    /// @dev Views: 0 with empty queues; 1 with one forced transaction and 20 deposits; 2 and 3 of the batches.
    function setUp() public virtual {
        tape = blobOf(".tape");
        vm.roll(1000);
        vm.warp(START);
        inbox = new TestInbox(IInbox.Config(address(0), DELAY, 0, 1, address(0), BRIDGE));
        verifier = new StepVerifier(configuration());
        nextBlock(12);
        inbox.force("forced");
        for (uint64 i = 1; i <= 20; ++i) {
            inbox.deposit{value: i * 1 gwei}(address(uint160(i)));
        }
        nextBlock(24);
        inbox.poke();
        nextBlock(100);
        first = append(0);
        nextBlock(DELAY);
        second = append(1);
    }

    function configuration() internal view returns (IStepVerifier.Config memory) {
        return IStepVerifier.Config(inbox, CHAIN, GAS_LIMIT, BLOCK_TIME, WITNESS);
    }

    function nextBlock(uint64 time) private {
        vm.roll(block.number + 1);
        vm.warp(START + time);
        vm.prevrandao(keccak256(abi.encode("randao", block.number)));
        inbox.nextTransaction();
        setBlobs(tape.versionedHash);
    }

    function append(uint32 minView) private returns (Batch memory batch) {
        uint64 index = inbox.append(BOB, minView, 0);
        View memory newest = inbox.viewAt(inbox.viewCount() - 1);
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = tape.versionedHash;
        batch = Batch({
            previous: inbox.batchHash(index - 1),
            l1Hash: newest.l1Hash,
            versionedHashes: hashes,
            feeRecipient: BOB,
            l1Timestamp: uint64(block.timestamp),
            viewCount: inbox.viewCount(),
            minView: minView
        });
    }

    // ---------------------------------------------------------------- checkpoints

    /// @dev No block open, in batch 1.
    function closed(uint32 offset) internal pure returns (Checkpoint memory c) {
        c = Checkpoint({
            stateRoot: keccak256("state"),
            parentHash: keccak256("parent"),
            txDigest: keccak256("txs"),
            receiptDigest: keccak256("receipts"),
            number: 5,
            timestamp: START + 10,
            gasUsed: 1000,
            baseFee: 1 gwei,
            viewIndex: 0,
            forcedDone: 0,
            depositsDone: 0,
            batch: 1,
            blob: 0,
            offset: offset,
            open: false
        });
    }

    function opened(uint32 offset) internal pure returns (Checkpoint memory c) {
        c = closed(offset);
        c.open = true;
    }

    function pastTheBlobs(Checkpoint memory c) internal pure returns (Checkpoint memory) {
        c.blob = 1;
        c.offset = 0;
        return c;
    }

    function inSecondBatch(Checkpoint memory c) internal pure returns (Checkpoint memory) {
        c.batch = 2;
        return c;
    }

    function copy(Checkpoint memory c) internal pure returns (Checkpoint memory) {
        return abi.decode(abi.encode(c), (Checkpoint));
    }

    // ---------------------------------------------------------------- proofs

    /// @dev A proof without opening and execution.
    function bare(Checkpoint memory pre) internal view returns (StepProof memory proof) {
        proof.batch = pre.batch == 1 ? first : second;
    }

    /// @dev A proof that opens the elements of `length` bytes at the cursor.
    function opening(Checkpoint memory pre, uint32 length) internal view returns (StepProof memory proof) {
        proof = bare(pre);
        uint256 start = pre.offset / 31;
        proof.opening = open(start, (pre.offset + length - 1) / 31 - start + 1);
    }

    function open(uint256 start, uint256 count) internal view returns (BlobOpening memory o) {
        o = BlobOpening(tape.commitment, new bytes32[](count), new bytes[](count), new address[](0));
        uint256 at_ = 0;
        while (tape.indices[at_] != start) ++at_;
        for (uint256 i = 0; i < count; ++i) {
            o.elements[i] = tape.elements[at_ + i];
            o.proofs[i] = tape.proofs[at_ + i];
        }
    }

    /// @dev What EXECUTE would be asked in the block of `c`, without what the step does there.
    function traceOf(Checkpoint memory c, StepProof memory proof) internal view returns (Trace memory trace) {
        trace.context = contextOf(c);
        trace.gasUsedBefore = c.gasUsed;
        trace.receiptDigestBefore = c.receiptDigest;
        trace.receiptDigestAfter = proof.execution.receiptDigestAfter;
        trace.maxWitnessBytes = WITNESS;
        trace.witness = proof.execution.witness;
        trace.pointers = proof.execution.pointers;
    }

    function contextOf(Checkpoint memory c) internal view returns (BlockContext memory) {
        return
            BlockContext(CHAIN, c.number, c.timestamp, GAS_LIMIT, c.baseFee, inbox.viewAt(c.viewIndex).prevRandao, BOB);
    }

    function transaction(Trace memory trace, bytes memory raw) internal pure returns (Trace memory) {
        trace.transactions = new bytes[](1);
        trace.transactions[0] = raw;
        return trace;
    }

    /// @dev EXECUTE can run, and has this much gas left in the block. An answer of its length is none to a claim.
    function hasLeft(uint256 gas) internal {
        vm.clearMockedCalls();
        vm.mockCall(EXECUTE, "", abi.encode(1, gas));
    }

    /// @dev EXECUTE answers all claims about this state so.
    function answers(bytes32 pre, bytes memory answer) internal {
        vm.mockCall(EXECUTE, abi.encode(pre), answer);
    }

    /// @dev EXECUTE says yes to this, and to nothing else.
    function executes(bytes32 pre, StepProof memory proof, Trace memory trace) internal {
        hasLeft(proof.execution.gasUsed);
        bytes memory input = abi.encode(pre, proof.execution.postStateRoot, abi.encode(trace), proof.execution.gasUsed);
        vm.mockCall(EXECUTE, input, abi.encode(true));
    }

    /// @dev Fills in an execution with a witness inline and pointed to.
    function execution(StepProof memory proof, uint64 gasUsed, bytes32 receiptDigest)
        internal
        pure
        returns (StepProof memory)
    {
        proof.execution.postStateRoot = keccak256("after");
        proof.execution.receiptDigestAfter = receiptDigest;
        proof.execution.gasUsed = gasUsed;
        proof.execution.witness = hex"c2c0c0";
        proof.execution.pointers = new address[](1);
        proof.execution.pointers[0] = address(0x1234);
        return proof;
    }

    // ---------------------------------------------------------------- outcomes

    function becomes(Checkpoint memory pre, StepProof memory proof, Checkpoint memory expected) internal view {
        vm.assertEq(abi.encode(verifier.step(pre, proof)), abi.encode(expected));
    }

    function refuses(Checkpoint memory pre, StepProof memory proof, bytes memory expected) internal {
        reverts(address(verifier), abi.encodeCall(IStepVerifier.step, (pre, proof)), expected);
    }

    function refuses(Checkpoint memory pre, StepProof memory proof, bytes4 expected) internal {
        refuses(pre, proof, abi.encodeWithSelector(expected));
    }
}
