//! Makes blocks in the virtual batch.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::B256;
use recourse_protocol::{
    BatchIndex, Checkpoint, CheckpointHash, Inputs, L2Config, Payload, Rule, View, ViewIndex,
};

use super::{
    Engine, EngineError, Full, L2Block, Overlay, Position, Terms, VirtualBatch, Write,
    engine::Stepped,
};
use crate::pool::{Pooled, Ready};

/// What a new block asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// In seconds; not past what the appending L1 block will have.
    pub timestamp: u64,
    /// A view that L1 has.
    pub view: ViewIndex,
}

/// What came of making a block.
#[derive(Debug)]
pub struct Production {
    /// The block; none if the batch has no room left to open one.
    pub block: Option<L2Block>,
    /// Transactions that would have been no-ops: they are not on the tape.
    pub invalid: Vec<B256>,
    /// What was written to the tape.
    pub writes: Vec<Write>,
    /// Whether something did not fit the batch any more: cut it.
    pub full: bool,
}

/// A batch that will not grow any more.
#[derive(Debug, Clone)]
pub struct CutBatch {
    /// Its number.
    pub index: BatchIndex,
    /// What the append must keep.
    pub terms: Terms,
    /// The blobs.
    pub payloads: Vec<Arc<Payload>>,
    /// Where it ends.
    pub end: Position,
}

/// Why no block could be made. After any of these the sequencer has to be [reset](Sequencer::reset).
#[derive(Debug, thiserror::Error)]
pub enum SequenceError {
    /// A step failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The tape could not be written.
    #[error(transparent)]
    Full(#[from] Full),
    /// No batch was begun.
    #[error("no batch was begun")]
    NoBatch,
}

/// Makes L2 blocks ahead of L1.
#[derive(Debug)]
pub struct Sequencer {
    l2: L2Config,
    engine: Engine,
    batch: Option<VirtualBatch>,
    start: CheckpointHash,
    newest_view: Option<(ViewIndex, View)>,
}

enum Inclusion {
    Taken,
    Invalid,
    NoGas,
    Full,
}

impl Sequencer {
    /// Starts between two batches.
    #[must_use]
    pub fn new(l2: L2Config, position: Position) -> Self {
        let start = position.at.h248();
        Self { l2, engine: Engine::new(l2, position), batch: None, start, newest_view: None }
    }

    /// The checkpoint reached; no block is open.
    #[must_use]
    pub const fn at(&self) -> &Checkpoint {
        self.engine.at()
    }

    /// Checkpoint and state reached.
    #[must_use]
    pub fn position(&self) -> Position {
        self.engine.position()
    }

    /// The batch that grows.
    #[must_use]
    pub const fn batch(&self) -> Option<&VirtualBatch> {
        self.batch.as_ref()
    }

    /// The checkpoint at which that batch starts.
    #[must_use]
    pub const fn start(&self) -> CheckpointHash {
        self.start
    }

    /// The newest view used since the last reset, as L1 had it then: if L1 has another one now, it was
    /// reorganised and the blocks are void.
    #[must_use]
    pub const fn newest_view(&self) -> Option<&(ViewIndex, View)> {
        self.newest_view.as_ref()
    }

    /// Forgets all that is ahead of this position.
    pub fn reset(&mut self, position: Position) {
        *self = Self::new(self.l2, position);
    }

    /// Begins the next batch, if none is begun or the begun one is empty.
    pub fn begin(&mut self, terms: Terms, max_blobs: usize) {
        if self.batch.as_ref().is_none_or(VirtualBatch::is_empty) {
            let at = self.engine.at();
            self.start = at.h248();
            self.batch = Some(VirtualBatch::new(at.batch, terms, max_blobs));
        }
    }

    /// Makes a block: forced transactions that are due, then what is ready, then deposits that are due.
    ///
    /// # Errors
    /// [`SequenceError`].
    pub fn produce<I: Inputs>(
        &mut self,
        l1: &I,
        opening: Opening,
        ready: &mut Ready,
    ) -> Result<Production, SequenceError>
    where
        I::Error: Send + Sync + 'static,
    {
        let batch = self.batch.as_mut().ok_or(SequenceError::NoBatch)?;
        let mark = batch.mark();
        match batch.open(opening.timestamp, opening.view) {
            Err(Full::Blobs(_)) => {
                return Ok(Production { block: None, invalid: vec![], writes: vec![], full: true });
            }
            written => written?,
        }
        self.settle(l1)?;
        self.expect_open()?;
        let (invalid, full) = self.fill(l1, ready)?;
        let block = self.seal(l1)?;
        let writes = self.batch.as_ref().map(|batch| batch.since(mark)).unwrap_or_default();
        Ok(Production { block: Some(block), invalid, writes, full })
    }

    /// Makes the block of another time again, from what was written then.
    ///
    /// # Errors
    /// [`SequenceError`], among them that the writes do not continue the batch.
    pub fn replay<I: Inputs>(
        &mut self,
        l1: &I,
        writes: &[Write],
    ) -> Result<Vec<L2Block>, SequenceError>
    where
        I::Error: Send + Sync + 'static,
    {
        let batch = self.batch.as_mut().ok_or(SequenceError::NoBatch)?;
        for write in writes {
            batch.replay(write)?;
        }
        let mut blocks = self.settle(l1)?;
        if self.engine.at().open {
            blocks.push(self.seal(l1)?);
        }
        Ok(blocks)
    }

    /// Ends the batch, with the blocks that its debts still cause. None if there is nothing in it.
    ///
    /// # Errors
    /// [`SequenceError`].
    pub fn cut<I: Inputs>(
        &mut self,
        l1: &I,
    ) -> Result<Option<(CutBatch, Vec<L2Block>)>, SequenceError>
    where
        I::Error: Send + Sync + 'static,
    {
        let Some(batch) = self.batch.take_if(|batch| !batch.is_empty()) else { return Ok(None) };
        let payloads = batch.payloads();
        let inputs = Overlay::with_blobs(l1, &batch, payloads.len());
        let mut blocks = Vec::new();
        while self.engine.at().batch == batch.index() {
            blocks.extend(self.engine.step(&inputs)?.block);
        }
        let (index, terms) = (batch.index(), *batch.terms());
        Ok(Some((CutBatch { index, terms, payloads, end: self.engine.position() }, blocks)))
    }

    /// Puts ready transactions into the open block. Gives the invalid ones, and whether the tape is full.
    fn fill<I: Inputs>(
        &mut self,
        l1: &I,
        ready: &mut Ready,
    ) -> Result<(Vec<B256>, bool), SequenceError>
    where
        I::Error: Send + Sync + 'static,
    {
        let mut invalid = Vec::new();
        while let Some(candidate) = ready.best() {
            match self.include(l1, candidate.pooled())? {
                Inclusion::Taken => ready.taken(candidate),
                Inclusion::Invalid => invalid.push(*candidate.pooled().tx.tx_hash()),
                // The sender waits for the next block; another one's may be smaller.
                Inclusion::NoGas => {}
                Inclusion::Full => return Ok((invalid, true)),
            }
        }
        Ok((invalid, false))
    }

    fn include<I: Inputs>(&mut self, l1: &I, pooled: &Pooled) -> Result<Inclusion, SequenceError>
    where
        I::Error: Send + Sync + 'static,
    {
        let left = self.l2.gas_limit.saturating_sub(self.engine.at().gas_used);
        if pooled.tx.gas_limit() > left {
            return Ok(Inclusion::NoGas);
        }
        let batch = self.batch.as_mut().ok_or(SequenceError::NoBatch)?;
        let (before, mark) = (self.engine.position(), batch.mark());
        match batch.tx(&pooled.raw) {
            Err(Full::Blobs(_)) => return Ok(Inclusion::Full),
            Err(Full::Tape(_)) => return Ok(Inclusion::Invalid),
            written => written?,
        }
        self.engine.foresee(pooled);
        if self.transact(l1)? > 0 {
            return Ok(Inclusion::Taken);
        }
        self.engine.restore(before);
        if let Some(batch) = self.batch.as_mut() {
            batch.revert(mark);
        }
        Ok(Inclusion::Invalid)
    }

    /// Runs the transaction that was just written; gives its gas.
    fn transact<I: Inputs>(&mut self, l1: &I) -> Result<u64, SequenceError>
    where
        I::Error: Send + Sync + 'static,
    {
        loop {
            let Stepped { rule, gas_used, .. } = self.step_growing(l1)?;
            match rule {
                Rule::EndOfBlob => {}
                Rule::Transact(_) => return Ok(gas_used),
                other => return Err(unexpected("run a transaction", &other).into()),
            }
        }
    }

    /// Steps up to where the next item will be written. Gives the blocks sealed on the way.
    fn settle<I: Inputs>(&mut self, l1: &I) -> Result<Vec<L2Block>, SequenceError>
    where
        I::Error: Send + Sync + 'static,
    {
        let mut blocks = Vec::new();
        while !self.is_settled(l1)? {
            let stepped = self.step_growing(l1)?;
            if let Rule::Open(open) = &stepped.rule {
                let view = l1.view(open.view).map_err(|e| EngineError::Step(Box::new(e)))?;
                self.newest_view = Some((open.view, view));
            }
            blocks.extend(stepped.block);
        }
        Ok(blocks)
    }

    fn is_settled<I: Inputs>(&self, l1: &I) -> Result<bool, SequenceError>
    where
        I::Error: Send + Sync + 'static,
    {
        let batch = self.batch.as_ref().ok_or(SequenceError::NoBatch)?;
        let at = self.engine.at();
        if !batch.ends_at(at.blob, at.offset) {
            return Ok(false);
        }
        // Forced transactions that are due come before whatever is written next.
        let plan = self.engine.plan(&Overlay::growing(l1, batch))?;
        Ok(matches!(plan.rule, Rule::EndOfBlob))
    }

    fn step_growing<I: Inputs>(&mut self, l1: &I) -> Result<Stepped, SequenceError>
    where
        I::Error: Send + Sync + 'static,
    {
        let batch = self.batch.as_ref().ok_or(SequenceError::NoBatch)?;
        Ok(self.engine.step(&Overlay::growing(l1, batch))?)
    }

    /// Seals the open block now, as the next OPEN or the end of the batch will: neither has a say in it.
    fn seal<I: Inputs>(&mut self, l1: &I) -> Result<L2Block, SequenceError>
    where
        I::Error: Send + Sync + 'static,
    {
        let batch = self.batch.as_ref().ok_or(SequenceError::NoBatch)?;
        let blobs_read = usize::try_from(self.engine.at().blob).unwrap_or(usize::MAX);
        let stepped = self.engine.step(&Overlay::with_blobs(l1, batch, blobs_read))?;
        stepped.block.ok_or_else(|| unexpected("seal a block", &stepped.rule).into())
    }

    fn expect_open(&self) -> Result<(), EngineError> {
        if self.engine.at().open {
            Ok(())
        } else {
            Err(EngineError::Unexpected { expected: "open a block", got: "skip".into() })
        }
    }
}

fn unexpected(expected: &'static str, got: &Rule) -> EngineError {
    EngineError::Unexpected { expected, got: format!("{got:?}") }
}
