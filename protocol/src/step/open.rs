//! A block that opens: its view and its timestamp.

use super::{Open, StepError};
use crate::{
    Batch, Checkpoint, Inputs, L2Config, View, ViewIndex, base_fee_of_child, bindings::BlockContext,
};

pub(super) struct Opening<'a, I> {
    pub(super) pre: &'a Checkpoint,
    pub(super) inputs: &'a I,
    pub(super) config: &'a L2Config,
    pub(super) batch: &'a Batch,
    /// Whether view and timestamp are the lowest allowed ones, whatever the item wants.
    pub(super) owes: bool,
}

type Failure<I> = StepError<<I as Inputs>::Error, core::convert::Infallible>;

impl<I: Inputs> Opening<'_, I> {
    /// The block, or none if no timestamp is possible.
    pub(super) fn at(&self, timestamp: u64, view: u32) -> Result<Option<Open>, Failure<I>> {
        let index = self.view_index(view);
        let view = self.inputs.view(index).map_err(StepError::Input)?;
        let Some(timestamp) = self.timestamp(timestamp, &view) else { return Ok(None) };
        let number =
            self.pre.number.checked_add(1).ok_or(StepError::Unreachable("block number"))?;
        let block = BlockContext {
            chainId: self.config.chain_id,
            number,
            timestamp,
            gasLimit: self.config.gas_limit,
            baseFee: base_fee_of_child(self.pre.base_fee, self.pre.gas_used, self.config.gas_limit),
            prevRandao: view.prev_randao,
            coinbase: self.batch.fee_recipient,
        };
        Ok(Some(Open { block, view: index, anchor: view.l1_hash }))
    }

    fn view_index(&self, wanted: u32) -> ViewIndex {
        let lowest = self.pre.view.max(self.batch.min_view);
        if self.owes {
            return lowest;
        }
        let highest = self.batch.view_count.saturating_sub(1);
        lowest.max(ViewIndex(wanted.min(highest)))
    }

    /// Within [max(parent + BLOCK_TIME, the view's L1 timestamp), the batch's L1 timestamp].
    fn timestamp(&self, wanted: u64, view: &View) -> Option<u64> {
        // A sum past 2^64 - 1 is past the batch's timestamp as well.
        let after_parent = self.pre.timestamp.checked_add(self.config.block_time)?;
        let lowest = after_parent.max(view.l1_timestamp);
        let highest = self.batch.l1_timestamp;
        if lowest > highest {
            return None;
        }
        Some(if self.owes { lowest } else { wanted.clamp(lowest, highest) })
    }
}
