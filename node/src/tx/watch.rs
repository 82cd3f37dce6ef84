//! Looking after what is in flight.

use std::sync::Arc;

use alloy::{eips::BlockId, rpc::types::TransactionReceipt};
use alloy_eips::eip4844::Blob;

use super::{
    TxError,
    actor::{Actor, now},
    journal::{Entry, Mined},
    sign::{Sidecar, sidecar, sign},
};
use crate::{blobs::BlobError, health::chain, l1::L1Error, store::Table};

/// Looks at L1 without finding any version of a transaction whose nonce is used, before that counts.
const LOOKS_BEFORE_LOST: u8 = 3;

impl Actor {
    /// One look at everything in flight, in the order of nonces.
    pub(super) async fn watch(&mut self) -> Result<(), TxError> {
        if self.journal.entries().is_empty() {
            return Ok(());
        }
        let head = self.client.head().await?.number;
        let used = self.client.nonce(self.signer.address(), BlockId::latest()).await?;
        let entries: Vec<Entry> = self.journal.entries().values().cloned().collect();
        for entry in entries {
            let receipt = match entry.mined.is_some() || entry.nonce < used {
                true => self.find(&entry).await?,
                false => None,
            };
            match receipt {
                Some(receipt) => self.found(entry, receipt, head)?,
                None if entry.nonce < used => self.missed(&entry)?,
                None => self.push(entry).await?,
            }
        }
        Ok(())
    }

    /// The receipt of whichever version was mined.
    async fn find(&self, entry: &Entry) -> Result<Option<TransactionReceipt>, TxError> {
        for hash in entry.versions.iter().rev() {
            if let Some(receipt) = self.client.receipt(*hash).await? {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }

    fn found(
        &mut self,
        mut entry: Entry,
        receipt: TransactionReceipt,
        head: u64,
    ) -> Result<(), TxError> {
        let (nonce, block) = (entry.nonce, receipt.block_number.unwrap_or(head));
        self.lost.remove(&nonce);
        self.sidecars.remove(&nonce);
        let mined = Mined {
            hash: receipt.transaction_hash,
            block,
            block_hash: receipt.block_hash.unwrap_or_default(),
            success: receipt.status(),
        };
        if entry.mined != Some(mined) {
            tracing::info!(nonce, key = entry.key, hash = %mined.hash, block, "transaction mined");
            entry.mined = Some(mined);
            self.journal.put(entry.clone())?;
            match mined.success {
                true => self.metrics.transactions_mined.increment(),
                false => self.metrics.transactions_reverted.increment(),
            }
        }
        let depth = head.saturating_add(1).saturating_sub(block);
        if depth >= self.policy.confirmations {
            let receipt = Box::new(receipt);
            let outcome =
                if mined.success { Ok(receipt) } else { Err(TxError::Reverted { receipt }) };
            self.resolve(&entry, &outcome);
        }
        if depth > self.policy.settle_depth.max(self.policy.confirmations) {
            self.journal.remove(nonce)?;
        }
        Ok(())
    }

    /// The nonce is used, but by none of our versions: receipts may lag behind, so only the third time counts.
    fn missed(&mut self, entry: &Entry) -> Result<(), TxError> {
        let nonce = entry.nonce;
        let looks = self.lost.entry(nonce).or_default();
        *looks = looks.saturating_add(1);
        if *looks < LOOKS_BEFORE_LOST {
            return Ok(());
        }
        tracing::error!(nonce, key = entry.key, "another transaction took this nonce");
        self.lost.remove(&nonce);
        self.sidecars.remove(&nonce);
        self.resolve(entry, &Err(TxError::NonceTaken { nonce }));
        self.journal.remove(nonce)?;
        Ok(())
    }

    /// Not mined: makes sure that L1 has it, and that it pays enough.
    async fn push(&mut self, mut entry: Entry) -> Result<(), TxError> {
        if entry.mined.take().is_some() {
            tracing::warn!(nonce = entry.nonce, key = entry.key, "a reorg took a transaction back");
            self.journal.put(entry.clone())?;
        }
        let waited = now().saturating_sub(entry.sent_at);
        if waited >= self.policy.bump_after.as_secs() && self.bump(&mut entry).await? {
            self.metrics.transactions_bumped.increment();
        } else if self.client.knows_transaction(entry.newest()).await? {
            return Ok(());
        }
        let sidecar = self.sidecar_of(&entry).await?;
        let signed = sign(&entry, sidecar.as_ref(), self.chain_id, &self.signer)?;
        match self.broadcast(&signed).await {
            Err(error @ L1Error::Refused { .. }) => {
                tracing::warn!(
                    nonce = entry.nonce,
                    error = chain(&error),
                    "L1 refuses a transaction"
                );
                Ok(())
            }
            answer => Ok(answer?),
        }
    }

    /// Raises the price and writes the new version down. False if that would pass the limits.
    async fn bump(&mut self, entry: &mut Entry) -> Result<bool, TxError> {
        let fees = self.client.fees().await?;
        let Some(price) = entry.price.bumped(&fees, &self.policy) else {
            tracing::warn!(nonce = entry.nonce, price = ?entry.price, "stuck at the price limit");
            return Ok(false);
        };
        entry.price = price;
        entry.sent_at = now();
        let sidecar = self.sidecar_of(entry).await?;
        let signed = sign(entry, sidecar.as_ref(), self.chain_id, &self.signer)?;
        entry.versions.push(signed.hash);
        self.journal.put(entry.clone())?;
        tracing::info!(nonce = entry.nonce, hash = %signed.hash, ?price, "price raised");
        Ok(true)
    }

    async fn sidecar_of(&mut self, entry: &Entry) -> Result<Option<Sidecar>, TxError> {
        if let Some(known) = self.sidecars.get(&entry.nonce) {
            return Ok(Some(known.clone()));
        }
        let mut blobs = Vec::new();
        for hash in &entry.blobs {
            let missing = BlobError::Missing { versioned_hash: *hash, asked: 0 };
            let bytes = self.archive.get(Table::Blobs, hash.as_slice())?;
            let blob = bytes.as_deref().and_then(|bytes| Blob::try_from(bytes).ok());
            blobs.push(Arc::new(blob.ok_or(missing)?));
        }
        let built = sidecar(blobs).await?;
        self.sidecars.extend(built.clone().map(|sidecar| (entry.nonce, sidecar)));
        Ok(built)
    }
}
