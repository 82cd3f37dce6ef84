//! The L2 chain as clients see it: what was derived from L1, and what the sequencer made ahead of it.

mod archive;
mod blocks;
mod calls;
mod pending;
mod scratch;
mod serve;
mod used;

use std::{sync::Arc, time::Instant};

use alloy_consensus::{Transaction as _, TxEnvelope, transaction::Recovered};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, U256};
use parking_lot::{Mutex, RwLock};
use recourse_execution::{State, StateError};
use recourse_protocol::{L2Config, base_fee_of_child};
use recourse_rpc::{ChainError, ChainEvent, Finality, MinedBlock, Rejection};
use tokio::sync::{Notify, broadcast};

use crate::{
    journal::Journal,
    pool::{AccountFacts, Limits, MAX_TX_BYTES, Pool, Ready, Rules},
    sequence::L2Block,
};
pub use archive::Archive;
use blocks::Blocks;
pub use blocks::Pin;
pub use calls::ReadError;
pub use scratch::Scratchpad;

/// News that a slow subscriber may lag behind.
const EVENTS: usize = 1024;

/// The chain, with the pool of waiting transactions.
#[derive(Debug)]
pub struct L2Chain {
    l2: L2Config,
    rules: Rules,
    coinbase: Address,
    // Locked before the pool wherever both are.
    blocks: RwLock<Blocks>,
    /// What final blocks are read from. Without it all stay in memory.
    archive: Option<Arc<dyn Archive>>,
    pool: Mutex<Pool>,
    journal: Arc<Journal>,
    events: broadcast::Sender<ChainEvent>,
    work: Notify,
}

/// What a chain is made of.
#[derive(Debug, Clone, Copy)]
pub struct ChainSettings {
    /// Constants of the L2.
    pub l2: L2Config,
    /// The longest transaction taken, in bytes.
    pub max_tx_bytes: usize,
    /// Size of the pool.
    pub pool: Limits,
    /// Coinbase of blocks to come.
    pub coinbase: Address,
}

impl L2Chain {
    /// A chain of one block.
    #[must_use]
    pub fn new(
        settings: &ChainSettings,
        (genesis, state): (L2Block, State),
        journal: Arc<Journal>,
        archive: Option<Arc<dyn Archive>>,
    ) -> Self {
        let rules = Rules { chain_id: settings.l2.chain_id, max_tx_bytes: settings.max_tx_bytes };
        Self {
            l2: settings.l2,
            rules,
            coinbase: settings.coinbase,
            blocks: RwLock::new(Blocks::new(genesis, state)),
            archive,
            pool: Mutex::new(Pool::new(settings.pool)),
            journal,
            events: broadcast::Sender::new(EVENTS),
            work: Notify::new(),
        }
    }

    /// Takes in a transaction and keeps it on disk. Gives its hash.
    ///
    /// # Errors
    /// Why it is not wanted, or that it can't be kept.
    pub fn admit(&self, raw: &Bytes) -> Result<B256, ChainError> {
        let (hash, displaced) = self.enter(raw)?;
        let kept = self.journal.accept(hash, raw).and_then(|()| self.journal.forget(&displaced));
        if let Err(error) = kept {
            self.pool.lock().remove(hash);
            return Err(ChainError::internal(error));
        }
        Ok(hash)
    }

    /// Takes in a transaction. Gives its hash, and those of transactions that it displaced.
    fn enter(&self, raw: &Bytes) -> Result<(B256, Vec<B256>), ChainError> {
        let tx = self.rules.check(raw)?;
        let (hash, sender) = (*tx.tx_hash(), tx.signer());
        let displaced = {
            let blocks = self.blocks.read();
            if blocks.locate(hash).is_some() {
                return Err(Rejection::AlreadyKnown.into());
            }
            let account = facts(blocks.head_state(), sender).map_err(ChainError::internal)?;
            let mut pool = self.pool.lock();
            pool.see_base_fee(next_base_fee(&blocks, &self.l2));
            pool.insert(tx, raw.clone(), &account)?
        };
        self.tell_pooled(hash);
        Ok((hash, displaced))
    }

    /// Lets transactions wait again that were accepted before and are on disk: those that can still run, whatever the limits
    /// of the pool are.
    ///
    /// # Errors
    /// When the state could not be read.
    pub fn readmit(&self, accepted: Vec<(B256, Bytes)>) -> Result<Readmitted, StateError> {
        let mut done = Readmitted::default();
        // The limit may have been another one.
        let rules = Rules { max_tx_bytes: MAX_TX_BYTES, ..self.rules };
        let mut readable = Vec::new();
        for (hash, raw) in accepted {
            match rules.check(&raw) {
                Ok(tx) => readable.push((tx, raw)),
                Err(error) => done.refuse(hash, &error),
            }
        }
        // Each sender's in the order in which they run.
        readable.sort_by_key(|(tx, _)| tx.nonce());
        for (tx, raw) in readable {
            let hash = *tx.tx_hash();
            match self.enter_again(tx, raw)? {
                Ok(displaced) => {
                    done.waiting = done.waiting.saturating_add(1);
                    done.useless.extend(displaced);
                    self.tell_pooled(hash);
                }
                Err(error) => done.refuse(hash, &error),
            }
        }
        Ok(done)
    }

    fn enter_again(
        &self,
        tx: Recovered<TxEnvelope>,
        raw: Bytes,
    ) -> Result<Result<Option<B256>, Rejection>, StateError> {
        let blocks = self.blocks.read();
        if blocks.locate(*tx.tx_hash()).is_some() {
            return Ok(Err(Rejection::Invalid("mined".into())));
        }
        let account = facts(blocks.head_state(), tx.signer())?;
        Ok(self.pool.lock().readmit(tx, raw, &account))
    }

    fn tell_pooled(&self, hash: B256) {
        // Nobody may be listening.
        let _ = self.events.send(ChainEvent::Pooled(hash));
        self.work.notify_one();
    }

    /// Drops what could not run for too long. Gives the hashes.
    pub fn expire(&self, now: Instant) -> Vec<B256> {
        self.pool.lock().expire(now)
    }

    /// Waits for a transaction to come in.
    pub async fn work(&self) {
        self.work.notified().await;
    }

    /// Number of the newest block.
    #[must_use]
    pub fn head_number(&self) -> u64 {
        self.blocks.read().head().number()
    }

    /// Number of the oldest block that can be gone back to without another in its place.
    #[must_use]
    pub fn base_number(&self) -> u64 {
        self.blocks.read().base_number()
    }

    /// What can go into the next block.
    #[must_use]
    pub fn ready(&self) -> Ready {
        let blocks = self.blocks.read();
        self.pool.lock().ready(next_base_fee(&blocks, &self.l2))
    }

    /// How many transactions wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pool.lock().len()
    }

    /// Takes a transaction out of the pool that proved invalid.
    pub fn discard(&self, hashes: &[B256]) {
        let mut pool = self.pool.lock();
        for hash in hashes {
            pool.remove(*hash);
        }
    }

    /// Adds blocks to the head. Gives the hashes of pooled transactions that are no use any more.
    ///
    /// # Errors
    /// When the state could not be read.
    pub fn extend(&self, added: Vec<L2Block>) -> Result<Vec<B256>, StateError> {
        self.replace(None, added).map(|replaced| replaced.useless)
    }

    /// Removes all blocks after one, which had this state. `base` is that block, where it is older than
    /// [`Self::base_number`].
    ///
    /// # Errors
    /// When the state could not be read.
    pub fn go_back(
        &self,
        number: u64,
        state: State,
        base: Option<L2Block>,
    ) -> Result<Replaced, StateError> {
        self.replace(Some((number, state, base)), Vec::new())
    }

    /// Stands on a block, with the state after it, as if all before it had been taken in: they are read from the archive. For a
    /// chain that has but its genesis.
    pub fn start_at(&self, block: L2Block, state: State) {
        self.blocks.write().start_at(block, state);
    }

    /// Keeps the state after this block at hand, until another is pinned for the same reason.
    pub fn pin(&self, why: Pin, number: u64, state: State) {
        self.blocks.write().pin(why, number, state);
    }

    /// The block that is pinned for this reason.
    #[must_use]
    pub fn pinned(&self, why: Pin) -> Option<u64> {
        self.blocks.read().pinned(why)
    }

    /// The newest derived block, and the newest whose batch L1 has finalized.
    pub fn set_finality(&self, finality: Finality) {
        let mut blocks = self.blocks.write();
        blocks.finality = finality;
        if self.archive.is_some() {
            blocks.let_go();
        }
    }

    fn replace(
        &self,
        after: Option<(u64, State, Option<L2Block>)>,
        added: Vec<L2Block>,
    ) -> Result<Replaced, StateError> {
        let mut blocks = self.blocks.write();
        let removed = after.map(|(number, state, base)| blocks.truncate(number, state, base));
        let removed = removed.unwrap_or_default();
        let news = ChainEvent::Blocks {
            removed: removed.iter().rev().map(|block| Arc::clone(&block.mined)).collect(),
            added: added.iter().map(|block| Arc::clone(&block.mined)).collect(),
        };
        for block in added {
            blocks.push(block);
        }
        let dropped = dropped(&blocks, &removed);
        let useless = self.update_pool(&blocks)?;
        drop(blocks);
        // Nobody may be listening.
        let _ = self.events.send(news);
        Ok(Replaced { dropped, useless })
    }

    /// Tells the pool where its senders stand now.
    fn update_pool(&self, blocks: &Blocks) -> Result<Vec<B256>, StateError> {
        let mut pool = self.pool.lock();
        let mut useless = Vec::new();
        for sender in pool.senders() {
            useless.extend(pool.update(sender, &facts(blocks.head_state(), sender)?));
        }
        Ok(useless)
    }
}

/// Blocks that are not kept in memory.
impl L2Chain {
    /// A block, wherever it is.
    fn mined(&self, number: u64) -> Result<Option<Arc<MinedBlock>>, ChainError> {
        {
            let blocks = self.blocks.read();
            let kept = blocks.get(number).map(|block| Arc::clone(&block.mined));
            if kept.is_some() || number >= blocks.base_number() {
                return Ok(kept);
            }
        }
        self.archive.as_ref().map_or(Ok(None), |archive| archive.block(number))
    }

    /// What the archive says of blocks that are not kept any more. It may have others, which were not taken in yet.
    fn archived<T>(
        &self,
        ask: impl FnOnce(&dyn Archive) -> Result<Option<T>, ChainError>,
        number: impl FnOnce(&T) -> u64,
    ) -> Result<Option<T>, ChainError> {
        let Some(archive) = &self.archive else { return Ok(None) };
        let base = self.blocks.read().base_number();
        Ok(ask(archive.as_ref())?.filter(|found| number(found) <= base))
    }
}

/// What came of replacing blocks.
#[derive(Debug, Default)]
pub struct Replaced {
    /// Transactions that are in no block any more.
    pub dropped: Vec<(B256, Bytes)>,
    /// Pooled transactions that are no use any more.
    pub useless: Vec<B256>,
}

/// What became of transactions that wait again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Readmitted {
    /// How many do.
    pub waiting: usize,
    /// Those that are no use any more: others have their nonce, or they can't run.
    pub useless: Vec<B256>,
}

impl Readmitted {
    fn refuse(&mut self, hash: B256, error: &Rejection) {
        // One that waits already stays where it is, on disk too.
        if *error != Rejection::AlreadyKnown {
            tracing::debug!(%hash, %error, "transaction is not needed any more");
            self.useless.push(hash);
        }
    }
}

fn dropped(blocks: &Blocks, removed: &[L2Block]) -> Vec<(B256, Bytes)> {
    let transactions = removed.iter().flat_map(|block| block.mined.transactions());
    transactions
        .filter(|tx| blocks.locate(*tx.tx_hash()).is_none())
        .map(|tx| (*tx.tx_hash(), tx.inner().encoded_2718().into()))
        .collect()
}

fn next_base_fee(blocks: &Blocks, l2: &L2Config) -> u64 {
    let head = blocks.head().mined.header();
    let base_fee = U256::from(head.base_fee_per_gas.unwrap_or_default());
    base_fee_of_child(base_fee, head.gas_used, l2.gas_limit).saturating_to()
}

fn facts(state: &State, address: Address) -> Result<AccountFacts, StateError> {
    let Some(account) = state.account(address)? else { return Ok(AccountFacts::default()) };
    let code = state.code(account.code_hash)?;
    let is_contract = !code.is_empty() && !calls::is_delegation(&code);
    Ok(AccountFacts { nonce: account.nonce, balance: account.balance, is_contract })
}
