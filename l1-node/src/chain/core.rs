//! The one owner of the chain.

use std::{collections::HashSet, sync::Arc};

use alloy_consensus::{Header, Sealable};
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{Address, B256, U256, keccak256};
use recourse_rpc::{BlockPoint, ChainError, ChainEvent, MinedBlock};
use tokio::sync::broadcast;

use super::{
    blobs::BlobStore, clock::Clock, genesis, history::History, pool::Pool, rules,
    snapshot::Snapshots,
};
use crate::{
    Config, DevAccount,
    beacon::block_root,
    config::Mining,
    journal::Journal,
    state::{EmptyBase, State, StateError},
};

/// News waiting for a subscriber at most; one who is further behind is cut off.
const EVENTS: usize = 8192;

/// The chain and everything that moves it. One lock guards it; nothing else is shared.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) chain_id: u64,
    pub(super) coinbase: Address,
    pub(super) gas_limit: u64,
    pub(super) history: History,
    pub(super) pool: Pool,
    pub(super) blobs: BlobStore,
    pub(super) clock: Clock,
    pub(super) mining: Mining,
    pub(super) next_base_fee: Option<u64>,
    pub(super) impersonated: HashSet<Address>,
    pub(super) impersonate_all: bool,
    pub(super) snapshots: Snapshots,
    pub(super) journal: Option<Journal>,
    events: broadcast::Sender<ChainEvent>,
}

impl Core {
    /// A chain with its genesis block, which has this timestamp.
    pub(super) fn new(
        config: &Config,
        accounts: &[DevAccount],
        timestamp: u64,
    ) -> Result<Self, StateError> {
        let mut state = State::new(Arc::new(EmptyBase));
        genesis::allocate(&mut state, config, accounts)?;
        let header = genesis::header(config, state.root()?, timestamp).seal_slow();
        state.set_block_hash(0, header.seal());
        let blob_price = header.blob_fee(rules::blob_params());
        let block =
            MinedBlock::new(header, Vec::new(), Vec::new(), Withdrawals::default(), blob_price);
        Ok(Self {
            chain_id: config.chain_id,
            coinbase: config.coinbase,
            gas_limit: config.gas_limit,
            history: History::new(block, state, config.state_history),
            pool: Pool::default(),
            blobs: BlobStore::new(config.blob_retention),
            clock: Clock::starting_at(timestamp),
            mining: config.mining,
            next_base_fee: None,
            impersonated: HashSet::new(),
            impersonate_all: false,
            snapshots: Snapshots::default(),
            journal: None,
            events: broadcast::Sender::new(EVENTS),
        })
    }

    /// From now on all that happens is written down.
    pub(super) fn kept_in(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    pub(crate) const fn chain_id(&self) -> u64 {
        self.chain_id
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
        let head = self.head()?;
        let parent = head.header();
        let number = parent.number.saturating_add(1);
        let base_fee = self
            .next_base_fee
            .or_else(|| parent.next_block_base_fee(rules::base_fee_params()))
            .unwrap_or_default();
        Ok(Header {
            parent_hash: head.hash(),
            beneficiary: self.coinbase,
            number,
            gas_limit: self.gas_limit,
            timestamp: self.clock.next_timestamp(parent.timestamp),
            mix_hash: prevrandao(parent.mix_hash, number),
            difficulty: U256::ZERO,
            base_fee_per_gas: Some(base_fee),
            excess_blob_gas: parent.next_block_excess_blob_gas(rules::blob_params()),
            parent_beacon_block_root: Some(block_root(parent, self.genesis_time())),
            ..Header::default()
        })
    }

    /// Timestamp of block 0, which is slot 0.
    pub(crate) fn genesis_time(&self) -> u64 {
        self.history.block(0).map_or(0, |block| block.header().timestamp)
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
