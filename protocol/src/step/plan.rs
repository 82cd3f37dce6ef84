//! Which rule applies to a checkpoint, and with what.

use alloy_primitives::{B256, Bytes, U256};

use super::{StepError, open::Opening};
use crate::{
    Batch, CREDITS_PER_BLOCK, Checkpoint, Inputs, Item, L2Config, MAX_TX_GAS, OPEN_BYTES,
    TX_HEADER_BYTES, View,
    bindings::{BlockContext, Credit},
    read_item,
};

type Failure<I> = StepError<<I as Inputs>::Error, core::convert::Infallible>;

/// A step as it will be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What happens.
    pub rule: Rule,
    /// Bytes at the cursor that the rule depends on: what a proof of this step opens.
    pub read: u32,
    /// Bytes that the cursor moves on within its blob.
    pub advance: u32,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Opens a block.
    Open(Open),
    /// Runs a transaction.
    Transact(Transact),
    /// Seals the open block; the cursor stays.
    Seal(Seal),
    /// Passes over an item that means nothing here.
    Skip,
    /// Goes to the next blob.
    EndOfBlob,
    /// Goes to the next batch.
    Close,
}

/// A block that opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// What the EVM will see.
    pub block: BlockContext,
    /// The view of L1 that it takes.
    pub view: crate::ViewIndex,
    /// Hash of the L1 block that it knows.
    pub anchor: B256,
}

/// A transaction that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transact {
    /// What the EVM sees.
    pub block: BlockContext,
    /// The bytes, claimed to be an EIP-2718 transaction.
    pub raw: Bytes,
    /// Where it comes from.
    pub source: TransactionSource,
}

/// Where a transaction comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionSource {
    /// The forced queue of the Inbox, at this index.
    Forced(u64),
    /// The tape, at the cursor.
    Tape,
}

/// A block that is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// What the EVM saw.
    pub block: BlockContext,
    /// Hash of the L1 block that it knows.
    pub anchor: B256,
    /// Deposits credited last.
    pub credits: Vec<Credit>,
}

/// Decides the step from `pre`.
///
/// # Errors
/// [`StepError`] when L1 lacks the batch, an input could not be had, or `pre` is unreachable.
pub fn plan<I: Inputs>(
    pre: &Checkpoint,
    inputs: &I,
    config: &L2Config,
) -> Result<Plan, Failure<I>> {
    let batch = inputs.batch(pre.batch).map_err(StepError::Input)?;
    let batch = batch.ok_or(StepError::NoBatch(pre.batch))?;
    let planner = Planner { pre, inputs, config, batch: &batch };
    if let Some(forced) = planner.forced()? {
        return Ok(forced);
    }
    if usize::try_from(pre.blob).is_ok_and(|blob| blob < batch.versioned_hashes.len()) {
        planner.at_item()
    } else {
        planner.past_last_blob()
    }
}

struct Planner<'a, I> {
    pre: &'a Checkpoint,
    inputs: &'a I,
    config: &'a L2Config,
    batch: &'a Batch,
}

impl<I: Inputs> Planner<'_, I> {
    /// Rule 1.
    fn forced(&self) -> Result<Option<Plan>, Failure<I>> {
        let pre = self.pre;
        let room = u128::from(pre.gas_used).saturating_add(MAX_TX_GAS.into())
            <= self.config.gas_limit.into();
        if !pre.open || !room || pre.forced_done >= self.view(pre.view)?.forced_end {
            return Ok(None);
        }
        let raw = self.inputs.forced(pre.forced_done).map_err(StepError::Input)?;
        let source = TransactionSource::Forced(pre.forced_done);
        Ok(Some(self.transact(raw, source, 0)?))
    }

    /// Rule 2.
    fn past_last_blob(&self) -> Result<Plan, Failure<I>> {
        if self.pre.open {
            return self.seal(0);
        }
        if self.owes()? {
            let opening = self.opening(true);
            if let Some(open) = opening.at(0, 0)? {
                return Ok(Plan { rule: Rule::Open(open), read: 0, advance: 0 });
            }
        }
        Ok(Plan { rule: Rule::Close, read: 0, advance: 0 })
    }

    /// Rules 3 to 5.
    fn at_item(&self) -> Result<Plan, Failure<I>> {
        let pre = self.pre;
        let payload = self.inputs.payload(pre.batch, pre.blob).map_err(StepError::Input)?;
        match read_item(payload.bytes(), pre.offset) {
            Item::Open { .. } if pre.open => self.seal(len(OPEN_BYTES)),
            Item::Open { timestamp, view } => {
                let opening = self.opening(self.owes()?);
                let open = opening.at(timestamp, view)?;
                let rule = open.map_or(Rule::Skip, Rule::Open);
                Ok(Plan { rule, read: len(OPEN_BYTES), advance: len(OPEN_BYTES) })
            }
            Item::Tx(raw) => {
                let item = len(TX_HEADER_BYTES.saturating_add(raw.len()));
                if pre.open {
                    let raw = Bytes::copy_from_slice(raw);
                    return self.transact(raw, TransactionSource::Tape, item);
                }
                Ok(Plan { rule: Rule::Skip, read: len(TX_HEADER_BYTES), advance: item })
            }
            Item::End { read } => Ok(Plan { rule: Rule::EndOfBlob, read, advance: 0 }),
        }
    }

    fn transact(
        &self,
        raw: Bytes,
        source: TransactionSource,
        item: u32,
    ) -> Result<Plan, Failure<I>> {
        let block = self.current_block(&self.view(self.pre.view)?)?;
        Ok(Plan {
            rule: Rule::Transact(Transact { block, raw, source }),
            read: item,
            advance: item,
        })
    }

    fn seal(&self, read: u32) -> Result<Plan, Failure<I>> {
        let pre = self.pre;
        let view = self.view(pre.view)?;
        let due = view.deposits_end.saturating_sub(pre.deposits_done).min(CREDITS_PER_BLOCK);
        let credits = (pre.deposits_done..pre.deposits_done.saturating_add(due))
            .map(|index| self.inputs.deposit(index).map_err(StepError::Input))
            .collect::<Result<_, _>>()?;
        let seal = Seal { block: self.current_block(&view)?, anchor: view.l1_hash, credits };
        Ok(Plan { rule: Rule::Seal(seal), read, advance: 0 })
    }

    /// Whether the batch owes a view, forced transactions or deposits.
    fn owes(&self) -> Result<bool, Failure<I>> {
        let due = self.view(self.batch.min_view)?;
        Ok(self.pre.view < self.batch.min_view
            || self.pre.forced_done < due.forced_end
            || self.pre.deposits_done < due.deposits_end)
    }

    const fn opening(&self, owes: bool) -> Opening<'_, I> {
        let Self { pre, inputs, config, batch } = *self;
        Opening { pre, inputs, config, batch, owes }
    }

    fn current_block(&self, view: &View) -> Result<BlockContext, Failure<I>> {
        let pre = self.pre;
        // No block opens with more; EXECUTE and the header carry 64 bits.
        if pre.base_fee > U256::from(u64::MAX) {
            return Err(StepError::Unreachable("base fee"));
        }
        Ok(BlockContext {
            chainId: self.config.chain_id,
            number: pre.number,
            timestamp: pre.timestamp,
            gasLimit: self.config.gas_limit,
            baseFee: pre.base_fee,
            prevRandao: view.prev_randao,
            coinbase: self.batch.fee_recipient,
        })
    }

    fn view(&self, index: crate::ViewIndex) -> Result<View, Failure<I>> {
        self.inputs.view(index).map_err(StepError::Input)
    }
}

/// Lengths here are bounded by a payload's 126,976 bytes.
#[expect(clippy::cast_possible_truncation, reason = "bounded by PAYLOAD_BYTES")]
const fn len(bytes: usize) -> u32 {
    bytes as u32
}
