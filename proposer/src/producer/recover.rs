//! Going on where another run stopped.

use std::time::Instant;

use alloy_primitives::{Bytes, keccak256};
use recourse_protocol::{Item, read_item};

use super::{Ahead, Horizon, Producer, ProducerError};
use crate::{
    journal::{JournaledBatch, Leftover},
    sequence::{L2Block, Write},
};

impl Producer {
    /// Takes up what the journal has, after [`Producer::follow`] led to L1's head: batches that still fit go on as
    /// they were, the transactions of others and those that waited wait again. Gives how many batches go on.
    ///
    /// # Errors
    /// [`ProducerError`].
    pub fn recover<H: Horizon>(
        &mut self,
        horizon: &H,
        leftover: Leftover,
        now: Instant,
    ) -> Result<usize, ProducerError> {
        let mut resumed = 0usize;
        for batch in &leftover.batches {
            if self.continues(batch) && self.resume(horizon, batch)?.is_some() {
                resumed = resumed.saturating_add(1);
            } else {
                self.salvage(batch)?;
            }
        }
        let waiting = leftover.pooled.into_iter().map(|raw| (keccak256(&raw), raw)).collect();
        self.readmit(waiting)?;
        self.last_block = now;
        self.began = now;
        Ok(resumed)
    }

    fn continues(&self, batch: &JournaledBatch) -> bool {
        let at = self.sequencer.at();
        at.batch == batch.index && at.h248() == batch.head.start
    }

    /// Makes the blocks of a batch again. None if that is not possible any more.
    fn resume<H: Horizon>(
        &mut self,
        horizon: &H,
        batch: &JournaledBatch,
    ) -> Result<Option<()>, ProducerError> {
        let before = self.sequencer.position();
        match self.replay(horizon, batch) {
            Ok((blocks, cut)) => {
                self.extend(blocks)?;
                self.records = u32::try_from(batch.records.len()).unwrap_or(u32::MAX);
                if let Some(cut) = cut {
                    self.ahead.push_back(Ahead { cut, records: self.records });
                    self.records = 0;
                }
                Ok(Some(()))
            }
            Err(error) => {
                tracing::warn!(%error, batch = %batch.index, "a batch of the journal does not fit any more");
                self.sequencer.reset(before);
                Ok(None)
            }
        }
    }

    fn replay<H: Horizon>(
        &mut self,
        horizon: &H,
        batch: &JournaledBatch,
    ) -> Result<(Vec<L2Block>, Option<crate::sequence::CutBatch>), crate::sequence::SequenceError>
    {
        self.sequencer.begin(batch.head.terms, self.settings.max_blobs);
        let mut blocks = Vec::new();
        for record in &batch.records {
            blocks.extend(self.sequencer.replay(horizon.inputs(), record)?);
        }
        if !batch.head.cut {
            return Ok((blocks, None));
        }
        let Some((cut, implicit)) = self.sequencer.cut(horizon.inputs())? else {
            return Ok((blocks, None));
        };
        blocks.extend(implicit);
        Ok((blocks, Some(cut)))
    }

    /// Lets the transactions of a batch wait again that can't go on.
    fn salvage(&self, batch: &JournaledBatch) -> Result<(), ProducerError> {
        let transactions: Vec<_> =
            transactions(&batch.records).into_iter().map(|raw| (keccak256(&raw), raw)).collect();
        let records = u32::try_from(batch.records.len()).unwrap_or(u32::MAX);
        self.journal.drop_batches(&[(batch.index, records)], &transactions)?;
        self.readmit(transactions)?;
        Ok(())
    }
}

/// The transactions on a tape, in order. A record holds whole items.
fn transactions(records: &[Vec<Write>]) -> Vec<Bytes> {
    let mut found = Vec::new();
    for Write { bytes, .. } in records.iter().flatten() {
        let mut offset = 0u32;
        loop {
            let len = match read_item(bytes, offset) {
                Item::Open { .. } => recourse_protocol::OPEN_BYTES,
                Item::Tx(raw) => {
                    found.push(Bytes::copy_from_slice(raw));
                    recourse_protocol::TX_HEADER_BYTES.saturating_add(raw.len())
                }
                Item::End { .. } => break,
            };
            offset = offset.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        }
    }
    found
}
