// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The state of the L2 between two steps. Its hash (`h248`) is what claims and dissections speak of.
/// `h248 = keccak256(abi.encode(checkpoint))` with the first byte zeroed: a canonical BLS12-381 field element.
struct Checkpoint {
    bytes32 stateRoot;
    bytes32 parentHash;
    bytes32 txDigest;
    bytes32 receiptDigest;
    uint64 number;
    uint64 timestamp;
    uint64 gasUsed;
    uint256 baseFee;
    uint32 viewIndex;
    uint64 forcedDone;
    uint64 depositsDone;
    uint64 batch;
    uint32 blob;
    uint32 offset;
    bool open;
}

/// @notice What L2 knows of L1.
struct View {
    bytes32 l1Hash;
    uint64 l1Number;
    uint64 l1Timestamp;
    bytes32 prevRandao;
    uint64 depositsEnd;
    uint64 forcedEnd;
}

/// @notice The preimage of a batch hash: `keccak256(abi.encode(fields in this order))`.
struct Batch {
    bytes32 previous;
    bytes32 l1Hash;
    bytes32[] versionedHashes;
    address feeRecipient;
    uint64 l1Timestamp;
    uint32 viewCount;
    uint32 minView;
}

/// @notice A deposit as EIP-4895 credits it.
struct Credit {
    address to;
    uint64 amountGwei;
}

/// @notice A message from L2 to L1, with money. Its hash is `keccak256(abi.encode(withdrawal))`; the nonce makes each its own.
/// The rollup that it belongs to is not part of it: it is paid against a state root of that rollup.
struct Withdrawal {
    uint64 nonce;
    address sender; // on L2
    address target; // on L1
    uint256 value; // wei of L2
    uint64 gasLimit; // what the call of the target gets, at least
    bytes data;
}

/// @notice What the EVM sees of an L2 block.
struct BlockContext {
    uint64 chainId;
    uint64 number;
    uint64 timestamp;
    uint64 gasLimit;
    uint256 baseFee;
    bytes32 prevRandao;
    address coinbase;
}

/// @notice EXECUTE's trace is `abi.encode(Trace)`: a contiguous piece of one L2 block (the design's `Segment`).
struct Trace {
    BlockContext context;
    bool opens;
    bytes32 parentHash;
    bytes32 anchor;
    bool seals;
    Credit[] credits;
    uint64 gasUsedBefore;
    bytes32 receiptDigestBefore;
    bytes32 receiptDigestAfter;
    bytes[] transactions;
    uint32 maxWitnessBytes;
    bytes witness;
    address[] pointers;
}

/// @notice Elements of a blob, in one of two ways:
/// - *single openings* of those that cover the bytes that the step reads, first to last, no more, no less: as many proofs as
///   elements, no pointers;
/// - *the whole blob*: all 4,096 elements, first `elements`, then those in the codes of `pointers` (behind the first byte, 32
///   bytes each, whole elements only), and one proof, of the evaluation that {WholeBlob} asks for.
struct BlobOpening {
    bytes commitment;
    bytes32[] elements;
    bytes[] proofs;
    address[] pointers;
}

/// @notice What EXECUTE is asked when a step runs a transaction, opens a block, or seals one with credits.
/// Ignored fields must be zero: postStateRoot/receiptDigestAfter/gasUsed/witness/pointers when the step executes nothing.
/// The witness is `witness`, then the codes of `pointers` in order, each without its first byte, which must be zero.
struct Execution {
    bytes32 postStateRoot;
    bytes32 receiptDigestAfter;
    uint64 gasUsed;
    bytes witness;
    address[] pointers;
}

/// @notice All that `step(pre)` needs besides what L1 storage holds. Parts that the applicable rule does not read must be empty.
struct StepProof {
    Batch batch;
    BlobOpening opening;
    bytes forcedTransaction;
    Execution execution;
}

/// @notice Positions [start, end) of a claim with the checkpoint hashes at both ends.
struct Segment {
    uint64 start;
    uint64 end;
    bytes32 startHash;
    bytes32 endHash;
}

/// @notice Two neighbouring elements `index`, `index + 1` of the blob that revealed `parent`, opened.
struct Gap {
    Segment parent;
    uint32 index;
    bytes32 left;
    bytes32 right;
    bytes commitment;
    bytes leftProof;
    bytes rightProof;
}

/// @notice The blob of this transaction that reveals a segment, opened at its first and last element.
struct Reveal {
    uint32 blobIndex;
    bytes commitment;
    bytes startProof;
    bytes endProof;
}
