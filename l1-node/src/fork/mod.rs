//! The chain that this one forks: its state and its blocks, read when they are needed.
//!
//! State is asked for by the fork block's hash, so that no reorg, and no second endpoint, can mix two states. What does not
//! come is an error of the call, never an absent account.

mod blocks;
mod cache;
mod config;
mod connect;
mod endpoint;
mod error;
mod rate;
mod remote;
mod upstream;

use std::{collections::VecDeque, sync::Arc};

use alloy::rpc::types::{EIP1186AccountProofResponse, Filter, Log};
use alloy_primitives::{Address, B256};
use parking_lot::Mutex;
use recourse_rpc::{MinedBlock, TxLocation};
use serde_json::json;

use self::{blocks::Blocks, cache::Cache, remote::RemoteState, upstream::Upstream};
use crate::state::{BaseState, State, StateError};

pub use config::ForkConfig;
pub use error::ForkError;
pub(crate) use error::chain_of;
pub(crate) use upstream::Anchor;

/// States of older blocks whose reads are remembered.
const OLDER_STATES: usize = 16;

/// The chain that this one forks.
#[derive(Debug)]
pub(crate) struct Fork {
    upstream: Arc<Upstream>,
    blocks: Arc<Blocks>,
    anchor: Anchor,
    label: String,
    base: Arc<RemoteState>,
    older: Mutex<VecDeque<Arc<RemoteState>>>,
}

impl Fork {
    /// Finds the block, at this number if one is given, and reads something of its state.
    pub(crate) fn connect(config: &ForkConfig, block: Option<u64>) -> Result<Self, StateError> {
        let upstream = Arc::new(Upstream::new(config)?);
        let anchor = upstream.wait(connect::connect(Arc::clone(&upstream), block))?;
        upstream.hold_to(anchor);
        let cache = match &config.cache {
            Some(folder) => Cache::open(folder, anchor)?,
            None => Cache::default(),
        };
        let blocks = Arc::new(Blocks::new(Arc::clone(&upstream), anchor));
        let base = Arc::new(RemoteState {
            upstream: Arc::clone(&upstream),
            blocks: Arc::clone(&blocks),
            cache,
            number: anchor.number,
            hash: anchor.hash,
        });
        // Better now than with the first transaction.
        blocks.last()?;
        base.account(Address::ZERO)?;
        let label = config.urls.iter().map(config::label).collect::<Vec<_>>().join(" ");
        tracing::info!(number = anchor.number, hash = %anchor.hash, endpoints = label, "forked");
        Ok(Self { upstream, blocks, anchor, label, base, older: Mutex::default() })
    }

    /// Chain and block.
    pub(crate) const fn anchor(&self) -> Anchor {
        self.anchor
    }

    /// Its endpoints, without keys.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// The state after the fork block.
    pub(crate) fn base(&self) -> Arc<dyn BaseState> {
        Arc::<RemoteState>::clone(&self.base)
    }

    /// The fork block.
    pub(crate) fn last(&self) -> Result<Arc<MinedBlock>, ForkError> {
        self.blocks.last()
    }

    /// A block up to the fork.
    pub(crate) fn block(&self, number: u64) -> Result<Option<Arc<MinedBlock>>, ForkError> {
        self.blocks.block(number)
    }

    /// The number of a block up to the fork.
    pub(crate) fn number_of(&self, hash: B256) -> Result<Option<u64>, ForkError> {
        self.blocks.number_of(hash)
    }

    /// Where a transaction up to the fork is.
    pub(crate) fn locate(&self, transaction: B256) -> Result<Option<TxLocation>, ForkError> {
        self.blocks.locate(transaction)
    }

    /// Logs before the fork.
    pub(crate) fn logs(&self, filter: &Filter) -> Result<Vec<Log>, ForkError> {
        self.blocks.logs(filter)
    }

    /// The state after a block before the fork.
    pub(crate) fn state(&self, number: u64) -> Result<State, StateError> {
        let known = self.older.lock().iter().find(|state| state.number == number).cloned();
        if let Some(state) = known {
            return Ok(State::new(state));
        }
        let hash = self.base.block_hash(number)?;
        let state = Arc::new(RemoteState {
            upstream: Arc::clone(&self.upstream),
            blocks: Arc::clone(&self.blocks),
            cache: Cache::default(),
            number,
            hash,
        });
        let mut older = self.older.lock();
        if older.len() >= OLDER_STATES {
            older.pop_front();
        }
        older.push_back(Arc::clone(&state));
        Ok(State::new(state))
    }

    /// EIP-1186 proof in a block up to the fork, as the upstream gives it.
    pub(crate) fn proof(
        &self,
        number: u64,
        address: Address,
        slots: &[B256],
    ) -> Result<EIP1186AccountProofResponse, StateError> {
        let hash = self.base.block_hash(number)?;
        let params = json!([address, slots, { "blockHash": hash }]);
        let upstream = Arc::clone(&self.upstream);
        let asked = async move { upstream.any("eth_getProof", params).await };
        Ok(self.upstream.wait(asked)?)
    }
}
