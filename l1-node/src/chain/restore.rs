//! A chain that is kept in a file, and taken up from it.

use std::{path::Path, sync::Arc};

use recourse_rpc::{BlockPoint, ChainError};

use super::{
    Core,
    builder::{Builder, Built, Skip},
    import::{ImportError, read_genesis},
    start::Start,
};
use crate::{
    Config, DevAccount, ForkConfig,
    fork::Fork,
    journal::{
        BlobRecord, BlockRecord, GenesisRecord, Journal, JournalError, Past, Record, TxRecord,
    },
    state::StateError,
};

/// Why a chain cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The first block's state cannot be had or written.
    #[error("cannot begin the chain")]
    Begin(#[from] StateError),
    /// A chain cannot be taken up from files.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Its file does not fit.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Core {
    /// A new chain, or the one that the configured file tells of.
    pub(crate) fn open(config: &Config, accounts: &[DevAccount]) -> Result<Self, OpenError> {
        if let Some(genesis) = &config.genesis {
            return Self::taken_up(config, genesis);
        }
        let Some(path) = &config.state else {
            return Self::begin(config, accounts, None);
        };
        let (mut journal, mut past) = Journal::open(path)?;
        let core = match past.next()? {
            None => {
                let core = Self::begin(config, accounts, None)?;
                journal.write(&Record::Genesis(core.beginning()))?;
                core
            }
            Some((_, Record::Genesis(genesis))) => {
                let mut core = Self::begin(config, accounts, Some(&genesis))?;
                core.check_beginning(&genesis)?;
                core.clock.shift_to(genesis.clock);
                core.relive(&mut past)?;
                core
            }
            Some((line, _)) => return Err(JournalError::OutOfPlace(line).into()),
        };
        Ok(core.kept_in(journal))
    }

    /// A chain with its first block only, which is the past's if there was one.
    fn begin(
        config: &Config,
        accounts: &[DevAccount],
        past: Option<&GenesisRecord>,
    ) -> Result<Self, OpenError> {
        let fork = match &config.fork {
            Some(fork) => Some(Arc::new(Fork::connect(fork, fork_block(fork, past)?)?)),
            None => match past.and_then(|past| past.forked) {
                Some(block) => return Err(JournalError::Fork(block).into()),
                None => None,
            },
        };
        let start = Start::of(config, accounts, fork.as_deref(), past)?;
        Ok(Self::new(config, start, fork))
    }

    /// The chain that files tell of. It is not kept: the files are.
    fn taken_up(config: &Config, genesis: &Path) -> Result<Self, OpenError> {
        let (genesis, rules) = read_genesis(genesis)?;
        let mut core = Self::new(config, Start::from_file(&genesis, rules)?, None);
        if let Some(blocks) = &config.import {
            core.import(blocks)?;
        }
        Ok(core)
    }

    /// Writes down what is about to happen, if this chain is kept.
    pub(super) fn record(&mut self, record: impl FnOnce() -> Record) -> Result<(), ChainError> {
        match &mut self.journal {
            Some(journal) => journal.write(&record()).map_err(ChainError::internal),
            None => Ok(()),
        }
    }

    fn beginning(&self) -> GenesisRecord {
        let first = self.history.first();
        GenesisRecord {
            chain_id: self.chain_id(),
            timestamp: first.header().timestamp,
            hash: first.hash(),
            clock: self.clock.offset(),
            forked: self.fork.as_ref().map(|fork| fork.anchor().number),
        }
    }

    fn check_beginning(&self, past: &GenesisRecord) -> Result<(), JournalError> {
        let own = self.beginning();
        if own.chain_id != past.chain_id {
            return Err(JournalError::OtherChainId { expected: own.chain_id, got: past.chain_id });
        }
        if own.hash != past.hash {
            return Err(JournalError::OtherChain { expected: own.hash, got: past.hash });
        }
        Ok(())
    }

    /// Lets everything happen again.
    fn relive(&mut self, past: &mut Past) -> Result<(), JournalError> {
        while let Some((line, record)) = past.next()? {
            self.happen(line, record)?;
        }
        let number = self.history.head_number();
        tracing::info!(number, "took the chain up from its file");
        Ok(())
    }

    fn happen(&mut self, line: usize, record: Record) -> Result<(), JournalError> {
        let impossible = |source| JournalError::Impossible { line, source };
        let done = match record {
            Record::Genesis(_) => return Err(JournalError::OutOfPlace(line)),
            Record::Block(block) => return self.execute_again(line, *block),
            Record::Edit(edit) => self.edit(edit),
            Record::Clock(offset) => {
                self.clock.shift_to(offset);
                Ok(())
            }
            Record::Snapshot => self.take_snapshot().map(drop),
            Record::Rollback(depth) => self.rollback(depth),
            Record::Revert(id) => match self.revert(id) {
                Ok(true) => Ok(()),
                Ok(false) => Err(ChainError::NotFound("snapshot")),
                Err(error) => Err(error),
            },
        };
        done.map_err(|error| impossible(error.into()))
    }

    /// Executes a block as any node would that gets it, and holds it against its hash.
    fn execute_again(&mut self, line: usize, record: BlockRecord) -> Result<(), JournalError> {
        let impossible = |source| JournalError::Impossible { line, source };
        let (expected, number) = (record.header.hash_slow(), record.header.number);
        let mut built = self.build_again(&record).map_err(|error| impossible(error.into()))?;
        let got = built.block.hash();
        if expected != got {
            return Err(JournalError::OtherBlock { number, expected, got });
        }
        let blobs = record.blobs.iter().map(BlobRecord::read);
        built.blobs = blobs.collect::<Result<_, _>>().map_err(|error| impossible(error.into()))?;
        self.adopt(built).map_err(|error| impossible(error.into()))?;
        self.clock.shift_to(record.clock);
        Ok(())
    }

    fn build_again(&self, record: &BlockRecord) -> Result<Built, ChainError> {
        let state = self.state(BlockPoint::Pending)?.clone();
        let mut builder = Builder::open(state, record.header.clone(), &self.rules)?;
        for tx in &record.transactions {
            let tx = Arc::new(tx.read().map_err(ChainError::internal)?);
            builder.add(&tx).map_err(|skip| match skip {
                Skip::Failed(error) => error,
                Skip::Invalid(reason) => reason.into(),
                Skip::Full => ChainError::Refused("the block is full".to_owned()),
            })?;
        }
        builder.seal()
    }
}

/// The block to fork: the one that the file goes on from, which the configuration may name, too.
fn fork_block(
    fork: &ForkConfig,
    past: Option<&GenesisRecord>,
) -> Result<Option<u64>, JournalError> {
    let Some(past) = past else { return Ok(fork.block) };
    let got = past.forked.ok_or(JournalError::NoFork)?;
    match fork.block {
        Some(expected) if expected != got => Err(JournalError::OtherFork { expected, got }),
        _ => Ok(Some(got)),
    }
}

/// What is written of a block.
pub(super) fn record_of(built: &Built, clock: i64) -> Record {
    Record::Block(Box::new(BlockRecord {
        header: built.block.header().inner().clone(),
        transactions: built.block.transactions().iter().map(TxRecord::of).collect(),
        blobs: built.blobs.iter().map(BlobRecord::of).collect(),
        clock,
    }))
}
