// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlockContext, Checkpoint, Credit, Execution, Trace} from "../interfaces/Types.sol";
import {BaseFee} from "../libraries/BaseFee.sol";
import {Execute} from "../libraries/Execute.sol";
import {L2Header} from "../libraries/L2Header.sol";

/// @title A native rollup without a game
/// @notice L1 executes every L2 block itself, whole, in one call of EXECUTE. So a block is final when L1's is: no claim, no
/// bond, no window, no watchtower. Its data are this contract's calldata. Without a sequencer it is a based rollup: whoever
/// builds the L1 block orders the L2. What can be done to it, and what it costs: docs/minimal.md.
contract MinimalNativeRollup {
    /// @notice What the proposer of a block chooses, and the proof. All else is pinned here or follows from it.
    struct L2Block {
        uint64 timestamp;
        uint64 anchorNumber; // the L1 block that L2 sees, one of the last 256
        address feeRecipient; // gets the tips, on L2
        bytes[] transactions; // EIP-2718; invalid ones do nothing
        Execution execution;
    }

    /// @notice The newest block.
    struct Head {
        bytes32 blockHash;
        bytes32 stateRoot;
        uint64 number;
        uint64 timestamp;
        uint64 anchorNumber;
        uint64 nextBaseFee; // wei
    }

    /// @notice A block is final. Whoever has the genesis and these events has the L2.
    event Settled(bytes32 indexed blockHash, BlockContext context, bytes32 anchor, bytes[] transactions);

    error NotSequencer(address caller, address sequencer);
    error TimestampOutOfRange(uint64 timestamp, uint64 atLeast, uint64 atMost);
    error AnchorOutOfRange(uint64 number, uint64 atLeast, uint64 atMost);
    /// @notice The proposer meant another block: his parent is no longer the head, or L1 changed behind his anchor.
    error AnotherBlock(bytes32 meant, bytes32 got);

    /// @notice Its half is EXECUTE's own target for an L1 block.
    uint64 public constant GAS_LIMIT = 1 << 24;
    /// @notice Seconds that the L2's clock may be behind.
    uint64 public constant MAX_LAG = 1 hours;

    uint64 public immutable CHAIN_ID;
    address public immutable SEQUENCER;
    Head private _head;

    /// @param genesisStateRoot Of a state with the contracts of EIP-2935 and EIP-4788: EXECUTE opens no block without.
    /// @param sequencer Who alone may advance; zero: everybody (a based rollup).
    // slither-disable-next-line missing-zero-check
    constructor(uint64 chainId, bytes32 genesisStateRoot, address sequencer) {
        (CHAIN_ID, SEQUENCER) = (chainId, sequencer);
        // What is set neither here nor in `_hash` is zero.
        // slither-disable-next-line uninitialized-local
        Trace memory genesis;
        genesis.context.chainId = chainId;
        genesis.context.gasLimit = GAS_LIMIT;
        genesis.context.baseFee = 1 gwei;
        _setHead(genesis, _hash(genesis, genesisStateRoot, 0), genesisStateRoot, 0, 0);
    }

    /// @notice Settles the next block.
    /// @param blockHash Of the block that the sender means, so that nothing else comes of this call, and nothing dear of a
    /// call that is late.
    function advance(bytes32 blockHash, L2Block calldata next) external {
        require(SEQUENCER == address(0) || msg.sender == SEQUENCER, NotSequencer(msg.sender, SEQUENCER));
        Trace memory trace = _trace(next);
        Execution calldata done = next.execution;
        bytes32 got = _hash(trace, done.postStateRoot, done.gasUsed);
        require(got == blockHash, AnotherBlock(blockHash, got));

        Execute.run(_head.stateRoot, done.postStateRoot, trace, done.gasUsed);

        _setHead(trace, blockHash, done.postStateRoot, done.gasUsed, next.anchorNumber);
        emit Settled(blockHash, trace.context, trace.anchor, next.transactions);
    }

    /// @notice The newest block.
    function head() external view returns (Head memory) {
        return _head;
    }

    /// @dev A whole block on top of the head: it opens, runs all its transactions, and seals.
    function _trace(L2Block calldata next) private view returns (Trace memory trace) {
        Head memory parent = _head;
        uint64 lowest = uint64(block.timestamp) - MAX_LAG;
        if (lowest <= parent.timestamp) lowest = parent.timestamp + 1;
        require(
            next.timestamp >= lowest && next.timestamp <= block.timestamp,
            TimestampOutOfRange(next.timestamp, lowest, uint64(block.timestamp))
        );
        bytes32 anchor = blockhash(next.anchorNumber);
        require(
            next.anchorNumber >= parent.anchorNumber && anchor != 0,
            AnchorOutOfRange(next.anchorNumber, parent.anchorNumber, uint64(block.number) - 1)
        );
        trace.context = BlockContext({
            chainId: CHAIN_ID,
            number: parent.number + 1,
            timestamp: next.timestamp,
            gasLimit: GAS_LIMIT,
            baseFee: parent.nextBaseFee,
            prevRandao: anchor, // no randomness, but the same for whoever executes
            coinbase: next.feeRecipient
        });
        (trace.opens, trace.seals) = (true, true);
        (trace.parentHash, trace.anchor) = (parent.blockHash, anchor);
        trace.transactions = next.transactions;
        trace.receiptDigestAfter = next.execution.receiptDigestAfter;
        // Nobody has to prove what he did not choose to include: L2 needs no limit of its own on the state that it uses.
        trace.maxWitnessBytes = type(uint32).max;
        (trace.witness, trace.pointers) = (next.execution.witness, next.execution.pointers);
    }

    /// @dev Of the block's header, so that BLOCKHASH and EIP-2935's contract on L2 give it.
    function _hash(Trace memory trace, bytes32 stateRoot, uint64 gasUsed) private pure returns (bytes32) {
        // slither-disable-next-line uninitialized-local
        Checkpoint memory end;
        (end.parentHash, end.stateRoot, end.gasUsed) = (trace.parentHash, stateRoot, gasUsed);
        (end.txDigest, end.receiptDigest) = (keccak256(abi.encode(trace.transactions)), trace.receiptDigestAfter);
        return L2Header.hash(end, trace.context, trace.anchor, new Credit[](0));
    }

    function _setHead(Trace memory trace, bytes32 blockHash, bytes32 stateRoot, uint64 gasUsed, uint64 anchorNumber)
        private
    {
        _head = Head({
            blockHash: blockHash,
            stateRoot: stateRoot,
            number: trace.context.number,
            timestamp: trace.context.timestamp,
            anchorNumber: anchorNumber,
            nextBaseFee: uint64(BaseFee.next(trace.context.baseFee, gasUsed, GAS_LIMIT))
        });
    }
}
