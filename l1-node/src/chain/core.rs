//! The one owner of the chain.

use std::{collections::HashSet, sync::Arc};

use alloy_consensus::Header;
use alloy_eips::eip1559::INITIAL_BASE_FEE;
use alloy_primitives::{Address, B256, U256, keccak256};
use recourse_rpc::{BlockPoint, ChainError, ChainEvent, MinedBlock};
use tokio::sync::broadcast;

use super::{
    Rules,
    blobs::BlobStore,
    clock::Clock,
    history::{History, Keep},
    pool::Pool,
    rules,
    snapshot::Snapshots,
    start::Start,
};
use crate::{
    Config, beacon::block_root, config::Mining, fork::Fork, journal::Journal, state::State,
};

/// News waiting for a subscriber at most; one who is further behind is cut off.
const EVENTS: usize = 8192;

/// The chain and everything that moves it. One lock guards it; nothing else is shared.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) fork: Option<Arc<Fork>>,
    pub(super) rules: Arc<Rules>,
    pub(super) coinbase: Address,
    pub(super) gas_limit: u64,
    pub(super) history: History,
    pub(super) pool: Pool,
    pub(super) blobs: BlobStore,
    pub(super) clock: Clock,
    pub(super) mining: Mining,
    pub(super) next_base_fee: Option<u64>,
    /// Times that a block is due and there will be none.
    pub(super) missing: u64,
    pub(super) impersonated: HashSet<Address>,
    pub(super) impersonate_all: bool,
    pub(super) snapshots: Snapshots,
    pub(super) journal: Option<Journal>,
    events: broadcast::Sender<ChainEvent>,
}

impl Core {
    /// A chain with its first block.
    pub(super) fn new(config: &Config, start: Start, fork: Option<Arc<Fork>>) -> Self {
        Self {
            fork,
            rules: Arc::new(start.rules),
            coinbase: config.coinbase,
            gas_limit: start.gas_limit,
            history: History::new(start.block, start.state, Keep::of(config)),
            pool: Pool::default(),
            blobs: BlobStore::new(config.blob_retention),
            clock: Clock::starting_at(start.now),
            mining: config.mining,
            next_base_fee: start.next_base_fee,
            missing: 0,
            impersonated: HashSet::new(),
            impersonate_all: false,
            snapshots: Snapshots::default(),
            journal: None,
            events: broadcast::Sender::new(EVENTS),
        }
    }

    /// From now on all that happens is written down.
    pub(super) fn kept_in(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    pub(crate) fn chain_id(&self) -> u64 {
        self.rules.chain_id()
    }

    pub(crate) const fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The chain that this one forks.
    pub(crate) const fn fork(&self) -> Option<&Arc<Fork>> {
        self.fork.as_ref()
    }

    pub(crate) const fn history(&self) -> &History {
        &self.history
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) const fn blobs(&self) -> &BlobStore {
        &self.blobs
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<ChainEvent> {
        self.events.subscribe()
    }

    pub(super) fn tell(&self, event: ChainEvent) {
        // An error means that nobody listens.
        let _ = self.events.send(event);
    }

    /// The newest block.
    pub(crate) fn head(&self) -> Result<&Arc<MinedBlock>, ChainError> {
        self.history.block(self.history.head_number()).ok_or(ChainError::NotFound("head"))
    }

    /// The state at a point.
    pub(crate) fn state(&self, at: BlockPoint) -> Result<&State, ChainError> {
        let number = match at {
            BlockPoint::Number(number) => number,
            BlockPoint::Pending => self.history.head_number(),
        };
        self.history.state(number).ok_or(ChainError::NotFound("state"))
    }

    /// The header in whose environment a point is.
    pub(crate) fn header(&self, at: BlockPoint) -> Result<Header, ChainError> {
        match at {
            BlockPoint::Number(number) => {
                let block = self.history.block(number).ok_or(ChainError::NotFound("block"))?;
                Ok(block.header().inner().clone())
            }
            BlockPoint::Pending => self.next_header(),
        }
    }

    /// The header of the block that would be mined now, without what execution adds.
    pub(crate) fn next_header(&self) -> Result<Header, ChainError> {
        let mut header = self.header_after(self.head()?);
        if let Some(fee) = self.next_base_fee {
            header.base_fee_per_gas = Some(fee);
        }
        Ok(header)
    }

    /// The header of a block after this one, made now.
    pub(super) fn header_after(&self, parent: &MinedBlock) -> Header {
        let (hash, parent) = (parent.hash(), parent.header());
        let number = parent.number.saturating_add(1);
        let timestamp = self.clock.next_timestamp(parent.timestamp);
        // A forked chain may not have had base fees.
        let base_fee =
            parent.next_block_base_fee(rules::base_fee_params()).unwrap_or(INITIAL_BASE_FEE);
        Header {
            parent_hash: hash,
            beneficiary: self.coinbase,
            number,
            gas_limit: self.gas_limit,
            timestamp,
            mix_hash: prevrandao(parent.mix_hash, number),
            difficulty: U256::ZERO,
            base_fee_per_gas: Some(base_fee),
            // A forked chain may not have had blobs.
            excess_blob_gas: parent
                .next_block_excess_blob_gas(self.rules.blob_params(timestamp))
                .or(Some(0)),
            parent_beacon_block_root: Some(block_root(parent, self.genesis_time())),
            ..Header::default()
        }
    }

    /// Timestamp of this chain's first block, which is slot 0.
    pub(crate) fn genesis_time(&self) -> u64 {
        self.history.first().header().timestamp
    }
}

/// A dev chain has no validators to reveal randomness: the next value is the hash of the last.
fn prevrandao(parent: B256, number: u64) -> B256 {
    let mut seed = [0_u8; 40];
    let (left, right) = seed.split_at_mut(32);
    left.copy_from_slice(parent.as_slice());
    right.copy_from_slice(&number.to_be_bytes());
    keccak256(seed)
}
