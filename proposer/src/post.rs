//! Batches and views on their way to L1.

use std::sync::Arc;

use alloy::eips::eip4844::Blob;
use recourse_node::{
    blobs::{BlobError, BlobSource},
    tx::{TxError, TxManager, TxRequest},
};
use recourse_protocol::{BatchIndex, Contracts, bindings::IInbox};

use crate::sequence::CutBatch;

/// Gas limit of whatever may record a view of L1, about three times what it uses. Where a view was recorded in the newest block,
/// an estimate made on that block leaves its cost out.
const VIEW_GAS: u64 = 400_000;

/// Sends to the Inbox.
#[derive(Debug, Clone)]
pub(crate) struct Poster {
    pub(crate) contracts: Contracts,
    pub(crate) blobs: BlobSource,
    pub(crate) transactions: TxManager,
}

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Posted {
    /// This batch.
    Batch(BatchIndex),
    /// A view.
    View,
}

/// Something could not be posted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    /// A blob could not be archived.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// It could not be sent, or it reverted.
    #[error(transparent)]
    Send(#[from] TxError),
}

impl Poster {
    /// Appends a batch, with all its blobs in one transaction, and waits until it is mined. The same batch again joins
    /// that transaction, also after a restart.
    pub(crate) async fn append(self, batch: CutBatch) -> Result<Posted, PostError> {
        let mut blobs = Vec::with_capacity(batch.payloads.len());
        for payload in &batch.payloads {
            let blob: Arc<Blob> = payload.to_blob().into();
            // Derivation must not wait for a beacon node to give our own blobs back.
            self.blobs.archive(Arc::clone(&blob)).await?;
            blobs.push(blob);
        }
        let append = IInbox::appendCall {
            feeRecipient: batch.terms.fee_recipient,
            minView: batch.terms.min_view.0,
            expectedIndex: batch.index.0,
        };
        let key = format!("append:{}:{}", batch.index, batch.end.at.h248());
        let request = TxRequest::call(key, self.contracts.inbox, &append)
            .with_blobs(blobs)
            .with_gas_at_least(VIEW_GAS);
        let receipt = self.transactions.send(request).await?;
        let (transaction, gas) = (receipt.transaction_hash, receipt.gas_used);
        tracing::info!(batch = %batch.index, blobs = batch.payloads.len(), %transaction, gas, "batch posted");
        Ok(Posted::Batch(batch.index))
    }

    /// Records the next view, so that L2 gets to know what was queued since the newest one.
    pub(crate) async fn poke(self, views: u32) -> Result<Posted, PostError> {
        let key = format!("poke:{views}");
        let request = TxRequest::call(key, self.contracts.inbox, &IInbox::pokeCall {})
            .with_gas_at_least(VIEW_GAS);
        let receipt = self.transactions.send(request).await?;
        tracing::info!(transaction = %receipt.transaction_hash, "view recorded");
        Ok(Posted::View)
    }
}
