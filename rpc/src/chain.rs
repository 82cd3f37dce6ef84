//! What a chain must answer for this crate to serve Ethereum JSON-RPC on it.

use std::sync::Arc;

use alloy::rpc::types::{EIP1186AccountProofResponse, Filter, Log, state::StateOverride};
use alloy_consensus::{TxEnvelope, transaction::Recovered};
use alloy_eips::eip7840::BlobParams;
use alloy_evm::EvmEnv;
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::{
    context::{TxEnv, result::ResultAndState},
    state::Bytecode,
};
use tokio::sync::broadcast;

use crate::{ChainError, MinedBlock, Scratch};

/// A chain, L1 or L2, as the JSON-RPC server sees it.
///
/// Every method may block: the server calls them on blocking threads only. An implementation
/// answers each call from one consistent snapshot; two calls may see two heads.
pub trait Chain: Send + Sync + 'static {
    /// A state of its own to try blocks on.
    type Scratch: Scratch;

    /// EIP-155 chain id.
    fn chain_id(&self) -> u64;

    /// Name and version for `web3_clientVersion`.
    fn client_version(&self) -> String;

    /// Number of the newest block.
    fn head(&self) -> u64;

    /// What the tags `safe` and `finalized` mean. By default both are the head.
    fn finality(&self) -> Finality {
        Finality { safe: self.head(), finalized: self.head() }
    }

    /// The canonical block of this number, `None` beyond the head.
    ///
    /// # Errors
    /// When the block cannot be read.
    fn block(&self, number: u64) -> Result<Option<Arc<MinedBlock>>, ChainError>;

    /// The first block whose logs are searched by [`Self::block`]. Those of older blocks are another node's: see
    /// [`Self::older_logs`]. 0 by default.
    fn first_block(&self) -> u64 {
        0
    }

    /// The logs that a filter, with a range of block numbers before [`Self::first_block`], wants.
    ///
    /// # Errors
    /// When they cannot be had.
    fn older_logs(&self, _filter: &Filter) -> Result<Vec<Log>, ChainError> {
        Ok(Vec::new())
    }

    /// The number of the canonical block of this hash.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn number_of(&self, hash: B256) -> Result<Option<u64>, ChainError>;

    /// Where a mined transaction stands.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn locate(&self, transaction: B256) -> Result<Option<TxLocation>, ChainError>;

    /// A transaction that was accepted and not mined yet.
    ///
    /// # Errors
    /// When the pool cannot be read.
    fn pooled(&self, transaction: B256) -> Result<Option<Recovered<TxEnvelope>>, ChainError>;

    /// The nonce that the next transaction of `address` needs, counting those in the pool.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn next_nonce(&self, address: Address) -> Result<u64, ChainError>;

    /// Takes in a signed EIP-2718 transaction (a blob transaction in its pooled form, with the
    /// sidecar) and returns its hash.
    ///
    /// # Errors
    /// [`ChainError::Rejected`] says why it is not wanted.
    fn submit(&self, raw: Bytes) -> Result<B256, ChainError>;

    /// Balance, nonce and code; an absent account is the empty one.
    ///
    /// # Errors
    /// When the state at this point is not (any more) held.
    fn account(&self, at: BlockPoint, address: Address) -> Result<AccountView, ChainError>;

    /// A storage slot; an absent one is zero.
    ///
    /// # Errors
    /// When the state at this point is not (any more) held.
    fn storage(&self, at: BlockPoint, address: Address, slot: U256) -> Result<U256, ChainError>;

    /// EIP-1186 proof of an account and of these slots against the block's state root.
    ///
    /// # Errors
    /// When the state at this point is not (any more) held.
    fn proof(
        &self,
        at: BlockPoint,
        address: Address,
        slots: &[B256],
    ) -> Result<EIP1186AccountProofResponse, ChainError>;

    /// The EVM's configuration and block environment: those of the block itself for a number,
    /// those of the next block for [`BlockPoint::Pending`].
    ///
    /// # Errors
    /// When there is no such block.
    fn env(&self, at: BlockPoint) -> Result<EvmEnv, ChainError>;

    /// Executes a transaction on the state after the block (after the head for
    /// [`BlockPoint::Pending`]) and forgets its effects. `call.env` has been relaxed already.
    ///
    /// # Errors
    /// [`ChainError::Rejected`] when the transaction is invalid.
    fn execute(&self, at: BlockPoint, call: Call) -> Result<ResultAndState, ChainError>;

    /// A copy of the state after the block (after the head for [`BlockPoint::Pending`]).
    ///
    /// # Errors
    /// When the state at this point is not (any more) held.
    fn scratch(&self, at: BlockPoint) -> Result<Self::Scratch, ChainError>;

    /// Prices for the next block.
    ///
    /// # Errors
    /// When the head cannot be read.
    fn fees(&self) -> Result<Fees, ChainError>;

    /// Blob limits and prices in force at a time, `None` where blobs do not exist.
    fn blob_params(&self, _timestamp: u64) -> Option<BlobParams> {
        None
    }

    /// News about blocks and pooled transactions, from now on.
    fn events(&self) -> broadcast::Receiver<ChainEvent>;

    /// The block that would be mined now, if the chain can tell.
    ///
    /// # Errors
    /// When it cannot be built.
    fn pending_block(&self) -> Result<Option<Arc<MinedBlock>>, ChainError> {
        Ok(None)
    }

    /// Addresses that the chain signs for (`eth_accounts`).
    fn accounts(&self) -> Vec<Address> {
        Vec::new()
    }

    /// All transactions in the pool, by sender and nonce.
    ///
    /// # Errors
    /// When the pool cannot be read.
    fn pool(&self) -> Result<Vec<Recovered<TxEnvelope>>, ChainError>;

    /// The oldest block whose state is held.
    fn oldest_state(&self) -> u64 {
        0
    }
}

/// A state to read or execute on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockPoint {
    /// The state after this canonical block.
    Number(u64),
    /// The state after the head, in the environment of the next block.
    Pending,
}

/// What the tags `safe` and `finalized` mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finality {
    /// Number of the safe block.
    pub safe: u64,
    /// Number of the finalized block.
    pub finalized: u64,
}

/// Place of a mined transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxLocation {
    /// Number of its block.
    pub block: u64,
    /// Its index in the block.
    pub index: usize,
}

/// An account without its storage.
#[derive(Debug, Clone, Default)]
pub struct AccountView {
    /// Balance in wei.
    pub balance: U256,
    /// Nonce.
    pub nonce: u64,
    /// Code as deployed; an EIP-7702 designator for a delegated account.
    pub code: Bytecode,
}

/// A transaction to execute without mining it.
#[derive(Debug, Clone)]
pub struct Call {
    /// Configuration and block, with the caller's block overrides applied.
    pub env: EvmEnv,
    /// The block's base fee in wei, also where `env` has none because the call offers no fee.
    pub base_fee: u64,
    /// The transaction.
    pub tx: TxEnv,
    /// Changes to apply to the state first.
    pub overrides: Option<StateOverride>,
}

impl Call {
    /// A transaction as it is mined.
    pub(crate) const fn mined(env: EvmEnv, tx: TxEnv) -> Self {
        Self { base_fee: env.block_env.basefee, env, tx, overrides: None }
    }
}

/// Prices for the next block, in wei.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fees {
    /// EIP-1559 base fee per gas.
    pub base_fee: u64,
    /// A priority fee per gas that gets a transaction in.
    pub priority_fee: u128,
    /// EIP-4844 base fee per blob gas, `None` where blobs do not exist.
    pub blob_base_fee: Option<u128>,
}

/// News from a chain.
#[derive(Debug, Clone)]
pub enum ChainEvent {
    /// The canonical chain moved: first the removed blocks, newest first, then the added ones,
    /// oldest first.
    Blocks {
        /// Blocks that are not canonical any more.
        removed: Vec<Arc<MinedBlock>>,
        /// Blocks that are canonical now.
        added: Vec<Arc<MinedBlock>>,
    },
    /// A transaction entered the pool.
    Pooled(B256),
}
