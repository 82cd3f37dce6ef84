//! The Inbox's events. Indices are contiguous and hashes are recomputed: what does not fit was not all read.

use std::sync::Arc;

use alloy::sol_types::{SolEvent, SolEventInterface};
use alloy_primitives::{B256, keccak256};
use recourse_protocol::{
    Batch,
    bindings::{Credit, IInbox},
};

use super::{LogRecord, MirrorError, error::same};
use crate::inbox::{BatchRecord, InboxSnapshot};

pub(super) fn apply(inbox: &mut InboxSnapshot, log: &LogRecord) -> Result<(), MirrorError> {
    use IInbox::IInboxEvents as Event;
    let known = log.data.topics().first().is_some_and(|topic| {
        [
            IInbox::ViewRecorded::SIGNATURE_HASH,
            IInbox::BatchAppended::SIGNATURE_HASH,
            IInbox::Forced::SIGNATURE_HASH,
            IInbox::Deposited::SIGNATURE_HASH,
            IInbox::Released::SIGNATURE_HASH,
        ]
        .contains(topic)
    });
    if !known {
        return Ok(());
    }
    let event = Event::decode_raw_log(log.data.topics(), &log.data.data)
        .map_err(|source| MirrorError::Undecodable { address: log.address, source })?;
    match event {
        Event::ViewRecorded(event) => {
            same("the index of a view", inbox.view_count(), event.index)?;
            inbox.views.push_back_mut(event.data.into());
        }
        Event::BatchAppended(event) => append(inbox, event, log)?,
        Event::Forced(event) => {
            same("the index of a forced transaction", inbox.forced_count(), event.index)?;
            let hash = keccak256(&event.rawTransaction);
            same("the hash of a forced transaction", hash, event.hash)?;
            inbox.forced.push_back_mut(hash);
        }
        Event::Deposited(event) => {
            same("the index of a deposit", inbox.deposit_count(), event.index)?;
            inbox.deposits.push_back_mut(Credit { to: event.to, amountGwei: event.amountGwei });
        }
        // Money that leaves is no input of L2.
        Event::Released(_) => {}
    }
    Ok(())
}

fn append(
    inbox: &mut InboxSnapshot,
    event: IInbox::BatchAppended,
    log: &LogRecord,
) -> Result<(), MirrorError> {
    same("the index of a batch", inbox.batch_count().0.saturating_add(1), event.index)?;
    let batch = Batch::from(event.batch);
    same("the hash of a batch", batch.hash(), event.hash)?;
    let previous = inbox.batches.last().map_or(B256::ZERO, |record| record.hash);
    same("the batch before a batch", previous, batch.previous)?;
    same("the timestamp of a batch", log.timestamp, batch.l1_timestamp)?;
    same("the views of a batch", inbox.view_count(), batch.view_count)?;
    inbox.batches.push_back_mut(BatchRecord {
        batch: Arc::new(batch),
        hash: event.hash,
        l1_block: log.block,
        transaction: log.transaction,
    });
    Ok(())
}
