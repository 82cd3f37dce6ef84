// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInbox} from "./interfaces/IInbox.sol";
import {IStepVerifier} from "./interfaces/IStepVerifier.sol";
import {
    Batch,
    BlobOpening,
    BlockContext,
    Checkpoint,
    Credit,
    Execution,
    StepProof,
    Trace,
    View
} from "./interfaces/Types.sol";
import {BaseFee} from "./libraries/BaseFee.sol";
import {BlobReader} from "./libraries/BlobReader.sol";
import {CheckpointLib} from "./libraries/CheckpointLib.sol";
import {Execute} from "./libraries/Execute.sol";
import {L2Header} from "./libraries/L2Header.sol";
import {Tape} from "./libraries/Tape.sol";
import {WholeBlob} from "./libraries/WholeBlob.sol";

/// @title StepVerifier
/// @notice One step of the tape. The order of the rules is that of "The tape" in docs/protocol.md; everything that a step
/// depends on is a checkpoint, a batch hash, a view, a queue entry or an element of a blob, none of which ever changes. So a
/// step has one result for all time, and a proof can't be made to show another.
contract StepVerifier is IStepVerifier {
    /// @dev Gas that a forced transaction may need: the most that L1's rules allow one (EIP-7825).
    uint256 private constant MAX_TRANSACTION_GAS = 1 << 24;
    uint64 private constant CREDITS_PER_BLOCK = 16;
    uint32 private constant LEAST_WITNESS_BYTES = 1 << 19;
    /// @dev Up to here the dearest proof is known to fit an L1 transaction, and the default bond and periods to suffice for it.
    uint32 private constant MOST_WITNESS_BYTES = 1 << 20;
    uint256 private constant GENESIS_BASE_FEE = 1 gwei;

    IInbox private immutable INBOX;
    uint64 private immutable CHAIN_ID;
    uint64 private immutable GAS_LIMIT;
    uint64 private immutable BLOCK_TIME;
    uint32 private immutable MAX_WITNESS_BYTES;

    constructor(Config memory configuration) {
        require(configuration.blockTime > 0, ZeroBlockTime());
        require(
            configuration.maxWitnessBytes >= LEAST_WITNESS_BYTES,
            WitnessLimitTooLow(configuration.maxWitnessBytes, LEAST_WITNESS_BYTES)
        );
        require(
            configuration.maxWitnessBytes <= MOST_WITNESS_BYTES,
            WitnessLimitTooHigh(configuration.maxWitnessBytes, MOST_WITNESS_BYTES)
        );
        require(
            configuration.gasLimit >= MAX_TRANSACTION_GAS,
            GasLimitTooLow(configuration.gasLimit, uint64(MAX_TRANSACTION_GAS))
        );
        INBOX = configuration.inbox;
        CHAIN_ID = configuration.chainId;
        GAS_LIMIT = configuration.gasLimit;
        BLOCK_TIME = configuration.blockTime;
        MAX_WITNESS_BYTES = configuration.maxWitnessBytes;
    }

    // ---------------------------------------------------------------- the step

    /// @inheritdoc IStepVerifier
    function step(Checkpoint calldata pre, StepProof calldata proof) external view returns (Checkpoint memory post) {
        _checkBatch(pre.batch, proof.batch);
        post = pre;
        if (_forcedIsDue(post)) {
            _requireNoOpening(proof.opening);
            _executeForced(post, proof);
            return post;
        }
        require(proof.forcedTransaction.length == 0, UnneededForcedTransaction());
        if (pre.blob < proof.batch.versionedHashes.length) {
            _atItem(post, proof);
        } else {
            _requireNoOpening(proof.opening);
            _pastLastBlob(post, proof);
        }
    }

    /// @inheritdoc IStepVerifier
    function genesis(bytes32 stateRoot) external view returns (Checkpoint memory start) {
        View memory first = INBOX.viewAt(0);
        start.stateRoot = stateRoot;
        start.timestamp = first.l1Timestamp;
        start.baseFee = GENESIS_BASE_FEE;
        start.batch = 1;
        start.parentHash = L2Header.hash(start, _context(start, first, address(0)), first.l1Hash, new Credit[](0));
    }

    /// @inheritdoc IStepVerifier
    function config() external view returns (Config memory) {
        return Config(INBOX, CHAIN_ID, GAS_LIMIT, BLOCK_TIME, MAX_WITNESS_BYTES);
    }

    // ---------------------------------------------------------------- rule 1: forced transactions

    function _forcedIsDue(Checkpoint memory pre) private view returns (bool) {
        return pre.open && uint256(pre.gasUsed) + MAX_TRANSACTION_GAS <= GAS_LIMIT
            && pre.forcedDone < INBOX.viewAt(pre.viewIndex).forcedEnd;
    }

    function _executeForced(Checkpoint memory post, StepProof calldata proof) private view {
        uint64 index = post.forcedDone;
        bytes32 expected = INBOX.forcedHash(index);
        bytes32 got = keccak256(proof.forcedTransaction);
        require(got == expected, WrongForcedTransaction(index, expected, got));
        post.forcedDone = index + 1;
        _transact(post, proof, proof.forcedTransaction);
    }

    // ---------------------------------------------------------------- rule 2: past the last blob

    function _pastLastBlob(Checkpoint memory post, StepProof calldata proof) private view {
        if (post.open) return _seal(post, proof);
        // The item that nobody posted: it takes the lowest view and timestamp anyway.
        bool owes = _owes(post, proof.batch);
        if (owes && _open(post, proof, 0, 0, owes)) return;
        _requireNoExecution(proof.execution);
        post.batch += 1;
        post.blob = 0;
        post.offset = 0;
    }

    /// @dev Whether the batch owes a view, forced transactions or deposits.
    function _owes(Checkpoint memory pre, Batch calldata batch) private view returns (bool) {
        View memory due = INBOX.viewAt(batch.minView);
        return pre.viewIndex < batch.minView || pre.forcedDone < due.forcedEnd || pre.depositsDone < due.depositsEnd;
    }

    // ---------------------------------------------------------------- rules 3 to 5: items

    function _atItem(Checkpoint memory post, StepProof calldata proof) private view {
        uint32 offset = post.offset;
        if (offset >= Tape.PAYLOAD) {
            _requireNoOpening(proof.opening);
            return _endBlob(post, proof);
        }
        (bytes32[] memory elements, uint256 first) = _elements(proof, post.blob, offset);
        Tape.Item memory item = Tape.read(elements, first, offset);
        bool executes = item.kind == Tape.Kind.Transaction && post.open;
        if (!_isWhole(proof.opening)) _checkOpening(proof, post.blob, offset, executes ? item.length : item.header);

        if (item.kind == Tape.Kind.End) return _endBlob(post, proof);
        if (item.kind == Tape.Kind.Open) {
            if (post.open) return _seal(post, proof);
            bool opened = _open(post, proof, item.timestamp, item.viewIndex, _owes(post, proof.batch));
            if (!opened) _requireNoExecution(proof.execution);
        } else if (executes) {
            _transact(post, proof, Tape.transaction(elements, first, offset, item));
        } else {
            _requireNoExecution(proof.execution);
        }
        post.offset = offset + item.length;
    }

    function _endBlob(Checkpoint memory post, StepProof calldata proof) private pure {
        _requireNoExecution(proof.execution);
        post.blob += 1;
        post.offset = 0;
    }

    // ---------------------------------------------------------------- what steps do

    /// @dev Opens a block if a timestamp is possible, and tells whether it did; else `post` is as before.
    function _open(Checkpoint memory post, StepProof calldata proof, uint64 timestamp, uint32 viewIndex, bool owes)
        private
        view
        returns (bool)
    {
        viewIndex = _clampView(post.viewIndex, proof.batch, viewIndex, owes);
        View memory known = INBOX.viewAt(viewIndex);
        uint256 lowest = uint256(post.timestamp) + BLOCK_TIME;
        if (lowest < known.l1Timestamp) lowest = known.l1Timestamp;
        uint256 highest = proof.batch.l1Timestamp;
        if (lowest > highest) return false;

        // Only now: a skipped item changes nothing but the cursor.
        post.viewIndex = viewIndex;
        post.number += 1;
        post.baseFee = BaseFee.next(post.baseFee, post.gasUsed, GAS_LIMIT);
        post.timestamp = uint64(owes ? lowest : _clamp(timestamp, lowest, highest));
        post.gasUsed = 0;
        post.txDigest = 0;
        post.receiptDigest = 0;
        post.open = true;

        Trace memory trace = _trace(post, known, proof);
        trace.opens = true;
        trace.parentHash = post.parentHash;
        trace.anchor = known.l1Hash;
        _executeOutsideTransactions(post, trace, proof.execution);
        return true;
    }

    function _transact(Checkpoint memory post, StepProof calldata proof, bytes memory raw) private view {
        Execution calldata execution = proof.execution;
        Trace memory trace = _trace(post, INBOX.viewAt(post.viewIndex), proof);
        trace.receiptDigestAfter = execution.receiptDigestAfter;
        trace.transactions = new bytes[](1);
        trace.transactions[0] = raw;
        Execute.run(post.stateRoot, execution.postStateRoot, trace, execution.gasUsed);
        // No gas: it was invalid, and EXECUTE said that nothing changed.
        if (execution.gasUsed == 0) return;
        post.stateRoot = execution.postStateRoot;
        post.gasUsed += execution.gasUsed;
        post.receiptDigest = execution.receiptDigestAfter;
        post.txDigest = CheckpointLib.fold(post.txDigest, keccak256(raw));
    }

    function _seal(Checkpoint memory post, StepProof calldata proof) private view {
        View memory known = INBOX.viewAt(post.viewIndex);
        Credit[] memory credits = _dueCredits(post.depositsDone, known.depositsEnd);
        if (credits.length == 0) {
            _requireNoExecution(proof.execution);
        } else {
            Trace memory trace = _trace(post, known, proof);
            trace.seals = true;
            trace.credits = credits;
            _executeOutsideTransactions(post, trace, proof.execution);
            post.depositsDone += uint64(credits.length);
        }
        BlockContext memory context = _context(post, known, proof.batch.feeRecipient);
        post.parentHash = L2Header.hash(post, context, known.l1Hash, credits);
        post.open = false;
    }

    /// @dev System calls and credits: no gas of the block, no receipt.
    function _executeOutsideTransactions(Checkpoint memory post, Trace memory trace, Execution calldata execution)
        private
        view
    {
        require(execution.gasUsed == 0, UnexpectedGas(execution.gasUsed));
        require(
            execution.receiptDigestAfter == post.receiptDigest,
            UnexpectedReceiptDigest(post.receiptDigest, execution.receiptDigestAfter)
        );
        trace.receiptDigestAfter = post.receiptDigest;
        Execute.run(post.stateRoot, execution.postStateRoot, trace, 0);
        post.stateRoot = execution.postStateRoot;
    }

    // ---------------------------------------------------------------- parts

    /// @dev At most 16, and none if more were credited than the view knows (no derivation gets there).
    function _dueCredits(uint64 done, uint64 end) private view returns (Credit[] memory credits) {
        uint64 due = end > done ? end - done : 0;
        if (due > CREDITS_PER_BLOCK) due = CREDITS_PER_BLOCK;
        credits = new Credit[](due);
        for (uint64 i = 0; i < due; ++i) {
            // At most 16 calls, of the Inbox that the deployer chose.
            // slither-disable-next-line calls-loop
            credits[i] = INBOX.depositAt(done + i);
        }
    }

    function _clampView(uint32 current, Batch calldata batch, uint32 wanted, bool owes) private pure returns (uint32) {
        uint32 lowest = current > batch.minView ? current : batch.minView;
        if (owes) return lowest;
        return uint32(_clamp(wanted, lowest, batch.viewCount - 1));
    }

    /// @dev `max(lowest, min(wanted, highest))`: the lower bound wins if the bounds cross.
    function _clamp(uint256 wanted, uint256 lowest, uint256 highest) private pure returns (uint256) {
        if (wanted > highest) wanted = highest;
        return wanted < lowest ? lowest : wanted;
    }

    function _context(Checkpoint memory c, View memory known, address coinbase)
        private
        view
        returns (BlockContext memory)
    {
        require(c.baseFee <= type(uint64).max, BaseFeeOutOfRange(c.baseFee));
        return BlockContext({
            chainId: CHAIN_ID,
            number: c.number,
            timestamp: c.timestamp,
            gasLimit: GAS_LIMIT,
            baseFee: c.baseFee,
            prevRandao: known.prevRandao,
            coinbase: coinbase
        });
    }

    /// @dev What all traces share. Every field but receiptDigestAfter, witness and pointers comes from L1.
    function _trace(Checkpoint memory c, View memory known, StepProof calldata proof)
        private
        view
        returns (Trace memory trace)
    {
        trace.context = _context(c, known, proof.batch.feeRecipient);
        trace.gasUsedBefore = c.gasUsed;
        trace.receiptDigestBefore = c.receiptDigest;
        trace.maxWitnessBytes = MAX_WITNESS_BYTES;
        trace.witness = proof.execution.witness;
        trace.pointers = proof.execution.pointers;
    }

    // ---------------------------------------------------------------- checks of the proof

    function _checkBatch(uint64 index, Batch calldata batch) private view {
        bytes32 expected = INBOX.batchHash(index);
        require(expected != 0, UnknownBatch(index));
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
        require(got == expected, WrongBatch(index, expected, got));
    }

    /// @dev Single openings have a proof for each element.
    function _isWhole(BlobOpening calldata opening) private pure returns (bool) {
        return opening.pointers.length > 0 || opening.proofs.length != opening.elements.length;
    }

    /// @dev The elements at hand from number `first` on: of a whole blob all, proven; of single openings those from the one that
    /// byte `offset` lies in, to be proven when it is known how many it takes.
    function _elements(StepProof calldata proof, uint32 blob, uint32 offset)
        private
        view
        returns (bytes32[] memory elements, uint256 first)
    {
        BlobOpening calldata opening = proof.opening;
        if (!_isWhole(opening)) return (opening.elements, offset / Tape.ELEMENT_BYTES);
        require(opening.proofs.length == 1, WrongElementCount(1, opening.proofs.length));
        bytes32 versionedHash = proof.batch.versionedHashes[blob];
        elements =
            WholeBlob.read(versionedHash, opening.elements, opening.pointers, opening.commitment, opening.proofs[0]);
    }

    /// @dev Exactly the elements that hold the bytes `[offset, offset + length)` of the blob, one by one.
    function _checkOpening(StepProof calldata proof, uint32 blob, uint32 offset, uint32 length) private view {
        BlobOpening calldata opening = proof.opening;
        uint256 count = Tape.elementsOf(offset, length);
        require(opening.elements.length == count, WrongElementCount(count, opening.elements.length));
        bytes32 versionedHash = proof.batch.versionedHashes[blob];
        uint256 first = offset / Tape.ELEMENT_BYTES;
        for (uint256 i = 0; i < count; ++i) {
            BlobReader.verify(versionedHash, first + i, opening.elements[i], opening.commitment, opening.proofs[i]);
        }
    }

    function _requireNoOpening(BlobOpening calldata opening) private pure {
        require(
            opening.commitment.length == 0 && opening.elements.length == 0 && opening.proofs.length == 0
                && opening.pointers.length == 0,
            UnneededOpening()
        );
    }

    function _requireNoExecution(Execution calldata execution) private pure {
        require(
            execution.postStateRoot == 0 && execution.receiptDigestAfter == 0 && execution.gasUsed == 0
                && execution.witness.length == 0 && execution.pointers.length == 0,
            UnneededExecution()
        );
    }
}
