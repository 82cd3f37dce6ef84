//! A proposer without its network, and what it sees.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use recourse_node::{
    states::StatesError,
    store::{MemoryStore, Store},
};
use recourse_proposer::{
    chain::{Archive, ChainSettings, L2Chain},
    journal::Journal,
    pool::Limits,
    producer::{Counts, Horizon, Producer, ProducerError, ProducerSettings},
    sequence::{CutBatch, L2Block, Position},
};
use recourse_protocol::{BatchIndex, Checkpoint, MemoryInputs, MissingInput};
use recourse_rpc::{Chain as _, ChainError, MinedBlock, TxLocation};

use crate::world::{World, l2, transfer};

/// Hash, end and blocks of a batch.
type Derived = (B256, Position, Vec<L2Block>);

/// What a head of the little L1 shows.
pub struct Shown {
    pub l1: MemoryInputs,
    pub time: u64,
    pub genesis: Position,
    pub batches: Vec<Derived>,
    /// Whether final blocks need not be taken in.
    pub archives: bool,
    /// What is on disk still.
    pub blocks_upto: u64,
    pub ends_upto: u64,
}

impl World {
    pub fn shown(&self, time: u64) -> Shown {
        let (_, blocks) = self.derive();
        let mut batches = Vec::new();
        for (index, (batch, _)) in (1u64..).zip(&self.l1.batches) {
            let upto = World { l1: self.l1.clone(), genesis: self.genesis.clone() };
            let end = upto.derive_upto(index);
            let own = blocks.iter().filter(|b| b.batch.0 == index).cloned().collect();
            batches.push((batch.hash(), end, own));
        }
        let genesis = self.genesis.clone();
        Shown {
            l1: self.l1.clone(),
            time,
            genesis,
            batches,
            archives: false,
            blocks_upto: u64::MAX,
            ends_upto: u64::MAX,
        }
    }

    fn derive_upto(mut self, batch: u64) -> Position {
        self.l1.batches.truncate(batch as usize);
        self.derive().0
    }
}

impl Shown {
    fn at(&self, batch: BatchIndex) -> Option<&Derived> {
        self.batches.get(batch.0.checked_sub(1)? as usize)
    }

    /// As a store says it in which all later batches were taken back meanwhile.
    fn still(&self, upto: u64, batch: BatchIndex) -> Result<&Derived, ProducerError> {
        if batch.0 > upto {
            return Err(StatesError::Gone(batch).into());
        }
        self.at(batch).ok_or(ProducerError::NotDerived(batch))
    }
}

impl Horizon for Shown {
    type InputError = MissingInput;
    type Inputs = MemoryInputs;

    fn inputs(&self) -> &MemoryInputs {
        &self.l1
    }

    fn counts(&self) -> Counts {
        Counts {
            batches: self.l1.batches.len() as u64,
            views: self.l1.views.len() as u32,
            forced: self.l1.forced.len() as u64,
            deposits: self.l1.deposits.len() as u64,
        }
    }

    fn timestamp(&self) -> u64 {
        self.time
    }

    fn derived(&self) -> BatchIndex {
        BatchIndex(self.batches.len() as u64)
    }

    fn finalized(&self) -> BatchIndex {
        BatchIndex(self.derived().0.saturating_sub(1))
    }

    fn hash(&self, batch: BatchIndex) -> Option<B256> {
        self.at(batch).map(|(hash, _, _)| *hash)
    }

    fn end(&self, batch: BatchIndex) -> Result<Position, ProducerError> {
        if batch.0 == 0 {
            return Ok(self.genesis.clone());
        }
        self.still(self.ends_upto, batch).map(|(_, end, _)| end.clone())
    }

    fn checkpoint(&self, batch: BatchIndex) -> Option<Checkpoint> {
        let end = self.at(batch).map(|(_, end, _)| end.at);
        end.or_else(|| (batch.0 == 0).then_some(self.genesis.at))
    }

    fn blocks(&self, batch: BatchIndex) -> Result<Vec<L2Block>, ProducerError> {
        self.still(self.blocks_upto, batch).map(|(_, _, blocks)| blocks.clone())
    }

    fn last_block(&self, batch: BatchIndex) -> Result<Option<L2Block>, ProducerError> {
        let upto = self.batches.iter().take(batch.0 as usize);
        let block = upto.flat_map(|(.., blocks)| blocks).last().filter(|_| self.archives);
        let Some(block) = block else { return Ok(None) };
        Ok(Some(L2Block { state: Some(self.end(batch)?.state), ..block.clone() }))
    }
}

/// Blocks as they lie on disk, without states.
#[derive(Debug)]
pub struct Old(pub Vec<L2Block>);

impl Archive for Old {
    fn block(&self, number: u64) -> Result<Option<Arc<MinedBlock>>, ChainError> {
        let block = self.0.iter().find(|block| block.number() == number);
        Ok(block.map(|block| block.mined.clone()))
    }

    fn number_of(&self, hash: B256) -> Result<Option<u64>, ChainError> {
        Ok(self.0.iter().find(|block| block.hash() == hash).map(L2Block::number))
    }

    fn locate(&self, transaction: B256) -> Result<Option<TxLocation>, ChainError> {
        Ok(self.0.iter().find_map(|block| {
            let mut all = block.mined.transactions().iter();
            let index = all.position(|tx| *tx.tx_hash() == transaction)?;
            Some(TxLocation { block: block.number(), index })
        }))
    }
}

/// A proposer without its network.
pub struct Node {
    pub chain: Arc<L2Chain>,
    pub producer: Producer,
    pub now: Instant,
}

impl Node {
    /// Starts as the daemon does: follows L1, then takes up the journal.
    pub fn start(world: &World, time: u64, store: &Arc<dyn Store>) -> (Self, usize) {
        Self::start_at(world, &world.shown(time), store, None)
    }

    pub fn start_at(
        world: &World,
        shown: &Shown,
        store: &Arc<dyn Store>,
        archive: Option<Arc<dyn Archive>>,
    ) -> (Self, usize) {
        let pool = Limits { transactions: 1_000, per_sender: 256, bytes: 1 << 20 };
        Self::start_in(pool, world, shown, store, archive)
    }

    pub fn start_in(
        pool: Limits,
        world: &World,
        shown: &Shown,
        store: &Arc<dyn Store>,
        archive: Option<Arc<dyn Archive>>,
    ) -> (Self, usize) {
        let journal = Arc::new(Journal::new(Arc::clone(store)));
        let leftover = journal.load().unwrap();
        let coinbase = Address::repeat_byte(0xfe);
        let settings = ChainSettings { l2: l2(), max_tx_bytes: 5_000, pool, coinbase };
        let genesis = (world.block_zero(&world.genesis), world.genesis.state.clone());
        let chain = Arc::new(L2Chain::new(&settings, genesis, Arc::clone(&journal), archive));
        let settings = ProducerSettings {
            l2: l2(),
            fee_recipient: coinbase,
            max_blobs: 6,
            force_delay: 1_000,
            max_idle: None,
            batch_interval: Duration::ZERO,
            l1_patience: Duration::from_secs(24),
            backlog: 2,
        };
        let now = Instant::now();
        let chained = Arc::clone(&chain);
        let mut producer = Producer::new(settings, chained, journal, shown, now).unwrap();
        producer.follow(shown, now).unwrap();
        let resumed = producer.recover(shown, leftover, now).unwrap();
        (Self { chain, producer, now }, resumed)
    }

    pub fn send(&self, from: u8, nonce: u64) -> B256 {
        let raw = transfer(from, nonce, Address::repeat_byte(0x77), 1);
        self.chain.submit(raw).unwrap()
    }

    pub fn make(&mut self, world: &World, time: u64) -> bool {
        self.producer.make_block(&world.shown(time), self.now).unwrap()
    }

    /// Sees a head and makes a block there.
    pub fn at(&mut self, world: &World, time: u64) -> bool {
        self.producer.follow(&world.shown(time), self.now).unwrap();
        self.make(world, time)
    }

    pub fn cut(&mut self, world: &World, time: u64) -> CutBatch {
        assert!(self.producer.cut(&world.shown(time)).unwrap());
        self.producer.to_post(&world.shown(time), self.now).unwrap().cut.clone()
    }

    pub fn head(&self) -> B256 {
        self.chain.block(self.chain.head()).unwrap().unwrap().hash()
    }
}

pub fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::default())
}
