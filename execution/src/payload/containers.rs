//! The SSZ containers: those of EIP-8025 around the payload request of the consensus specs (Electra and Fulu). See
//! docs/eip-8079.md for the texts.

use libssz_derive::{HashTreeRoot, SszDecode, SszEncode};
use libssz_types::SszList;

/// `Bytes32`, hashes and roots.
pub type Bytes32 = [u8; 32];
/// `Bytes20`.
pub type ExecutionAddress = [u8; 20];
/// A BLS public key.
pub type BlsPubkey = [u8; 48];

/// Bytes of an extra data field (consensus specs, Bellatrix).
pub const MAX_EXTRA_DATA_BYTES: usize = 32;
/// Bytes of a transaction (consensus specs, Bellatrix).
pub const MAX_BYTES_PER_TRANSACTION: usize = 1 << 30;
/// Transactions of a payload (consensus specs, Bellatrix).
pub const MAX_TRANSACTIONS_PER_PAYLOAD: usize = 1 << 20;
/// Withdrawals of a payload (consensus specs, Capella, mainnet preset).
pub const MAX_WITHDRAWALS_PER_PAYLOAD: usize = 1 << 4;
/// Versioned hashes of a payload request (consensus specs, Deneb, mainnet preset).
pub const MAX_BLOB_COMMITMENTS_PER_BLOCK: usize = 4_096;
/// Deposit requests of a payload (consensus specs, Electra, mainnet preset).
pub const MAX_DEPOSIT_REQUESTS_PER_PAYLOAD: usize = 1 << 13;
/// Withdrawal requests of a payload (consensus specs, Electra, mainnet preset).
pub const MAX_WITHDRAWAL_REQUESTS_PER_PAYLOAD: usize = 1 << 4;
/// Consolidation requests of a payload (consensus specs, Electra, mainnet preset).
pub const MAX_CONSOLIDATION_REQUESTS_PER_PAYLOAD: usize = 1 << 1;
/// Headers of a witness (EIP-8025).
pub const MAX_WITNESS_HEADERS: usize = 256;
/// Bytes of a trie node (EIP-8025).
pub const MAX_BYTES_PER_WITNESS_NODE: usize = 1 << 10;
/// Bytes of a code (EIP-8025).
pub const MAX_BYTES_PER_CODE: usize = 1 << 16;
/// Bytes of a header (EIP-8025).
pub const MAX_BYTES_PER_HEADER: usize = 1 << 10;
/// Bytes of an uncompressed public key (EIP-8025).
pub const PUBLIC_KEY_BYTES: usize = 65;

/// A transaction, EIP-2718.
pub type Transaction = SszList<u8, MAX_BYTES_PER_TRANSACTION>;

/// Credits an account (EIP-4895).
#[derive(Clone, Debug, Default, PartialEq, Eq, SszEncode, SszDecode, HashTreeRoot)]
pub struct Withdrawal {
    /// Its number.
    pub index: u64,
    /// Whose.
    pub validator_index: u64,
    /// To whom.
    pub address: ExecutionAddress,
    /// Gwei.
    pub amount: u64,
}

/// A block as the consensus layer hands it over (consensus specs, Deneb to Fulu).
#[derive(Clone, Debug, PartialEq, Eq, SszEncode, SszDecode, HashTreeRoot)]
pub struct ExecutionPayload {
    /// The parent's hash.
    pub parent_hash: Bytes32,
    /// The coinbase.
    pub fee_recipient: ExecutionAddress,
    /// The state root after the block.
    pub state_root: Bytes32,
    /// The root of its receipts.
    pub receipts_root: Bytes32,
    /// The bloom of its logs.
    pub logs_bloom: [u8; 256],
    /// What `PREVRANDAO` gives.
    pub prev_randao: Bytes32,
    /// Its number.
    pub block_number: u64,
    /// Its gas limit.
    pub gas_limit: u64,
    /// Gas used by its transactions.
    pub gas_used: u64,
    /// Seconds.
    pub timestamp: u64,
    /// Anything.
    pub extra_data: SszList<u8, MAX_EXTRA_DATA_BYTES>,
    /// Wei, a little-endian `uint256`.
    pub base_fee_per_gas: Bytes32,
    /// The block's own hash.
    pub block_hash: Bytes32,
    /// Its transactions.
    pub transactions: SszList<Transaction, MAX_TRANSACTIONS_PER_PAYLOAD>,
    /// Its withdrawals; none on L2.
    pub withdrawals: SszList<Withdrawal, MAX_WITHDRAWALS_PER_PAYLOAD>,
    /// Gas of its blobs; 0 on L2.
    pub blob_gas_used: u64,
    /// What blob prices follow; 0 on L2.
    pub excess_blob_gas: u64,
}

/// A deposit (EIP-6110).
#[derive(Clone, Debug, PartialEq, Eq, SszEncode, SszDecode, HashTreeRoot)]
pub struct DepositRequest {
    /// The validator's key.
    pub pubkey: BlsPubkey,
    /// Where withdrawals go.
    pub withdrawal_credentials: Bytes32,
    /// Gwei.
    pub amount: u64,
    /// By that key.
    pub signature: [u8; 96],
    /// The deposit's number.
    pub index: u64,
}

/// A withdrawal asked for on the execution layer (EIP-7002).
#[derive(Clone, Debug, PartialEq, Eq, SszEncode, SszDecode, HashTreeRoot)]
pub struct WithdrawalRequest {
    /// Who asks.
    pub source_address: ExecutionAddress,
    /// The validator's key.
    pub validator_pubkey: BlsPubkey,
    /// Gwei.
    pub amount: u64,
}

/// A consolidation asked for on the execution layer (EIP-7251).
#[derive(Clone, Debug, PartialEq, Eq, SszEncode, SszDecode, HashTreeRoot)]
pub struct ConsolidationRequest {
    /// Who asks.
    pub source_address: ExecutionAddress,
    /// The validator that ends.
    pub source_pubkey: BlsPubkey,
    /// The one that it becomes a part of.
    pub target_pubkey: BlsPubkey,
}

/// What a block asks of the consensus layer; nothing on L2.
#[derive(Clone, Debug, Default, PartialEq, Eq, SszEncode, SszDecode, HashTreeRoot)]
pub struct ExecutionRequests {
    /// EIP-6110.
    pub deposits: SszList<DepositRequest, MAX_DEPOSIT_REQUESTS_PER_PAYLOAD>,
    /// EIP-7002.
    pub withdrawals: SszList<WithdrawalRequest, MAX_WITHDRAWAL_REQUESTS_PER_PAYLOAD>,
    /// EIP-7251.
    pub consolidations: SszList<ConsolidationRequest, MAX_CONSOLIDATION_REQUESTS_PER_PAYLOAD>,
}

/// What the consensus layer asks the execution layer to validate (consensus specs, Electra and Fulu).
#[derive(Clone, Debug, PartialEq, Eq, SszEncode, SszDecode, HashTreeRoot)]
pub struct NewPayloadRequest {
    /// The block.
    pub execution_payload: ExecutionPayload,
    /// Of the blobs of all its transactions, in order.
    pub versioned_hashes: SszList<Bytes32, MAX_BLOB_COMMITMENTS_PER_BLOCK>,
    /// What the EIP-4788 contract is told: on L2 an anchor of the rollup's choice.
    pub parent_beacon_block_root: Bytes32,
    /// What the block asks of the consensus layer.
    pub execution_requests: ExecutionRequests,
}

/// What proves the state before the block, and the hashes of the blocks before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, SszEncode, SszDecode)]
pub struct ExecutionWitness {
    /// RLP of trie nodes, in any order. A `ProgressiveList` in EIP-8025, which is written alike.
    pub state: Vec<SszList<u8, MAX_BYTES_PER_WITNESS_NODE>>,
    /// Codes, in any order. A `ProgressiveList` in EIP-8025, which is written alike.
    pub codes: Vec<SszList<u8, MAX_BYTES_PER_CODE>>,
    /// RLP of headers, each the next one's parent, the block's own parent last.
    pub headers: SszList<SszList<u8, MAX_BYTES_PER_HEADER>, MAX_WITNESS_HEADERS>,
}

/// What the function takes.
#[derive(Clone, Debug, PartialEq, Eq, SszEncode, SszDecode)]
pub struct StatelessInput {
    /// What is to be validated.
    pub new_payload_request: NewPayloadRequest,
    /// With what.
    pub witness: ExecutionWitness,
    /// Of the chain that the block belongs to.
    pub chain_id: u64,
    /// Of the senders, one a transaction: `0x04`, x, y. A `ProgressiveList` in EIP-8025, which is written alike.
    pub public_keys: Vec<[u8; PUBLIC_KEY_BYTES]>,
}

/// What the function gives: 43 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, SszEncode, SszDecode)]
pub struct StatelessValidationResult {
    /// `hash_tree_root(new_payload_request)`.
    pub new_payload_request_root: Bytes32,
    /// Whether the block is valid.
    pub successful_validation: bool,
    /// As in the input.
    pub chain_id: u64,
    /// As in front of the input.
    pub schema_id: u16,
}

/// [`NewPayloadRequest`] before there were execution requests (consensus specs, Deneb).
#[derive(Clone, Debug, SszEncode, SszDecode, HashTreeRoot)]
pub(super) struct DenebRequest {
    pub(super) execution_payload: ExecutionPayload,
    pub(super) versioned_hashes: SszList<Bytes32, MAX_BLOB_COMMITMENTS_PER_BLOCK>,
    pub(super) parent_beacon_block_root: Bytes32,
}

/// [`StatelessInput`] with a [`DenebRequest`].
#[derive(Clone, Debug, SszEncode, SszDecode)]
pub(super) struct DenebInput {
    pub(super) new_payload_request: DenebRequest,
    pub(super) witness: ExecutionWitness,
    pub(super) chain_id: u64,
    pub(super) public_keys: Vec<[u8; PUBLIC_KEY_BYTES]>,
}
