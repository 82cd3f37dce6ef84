//! Looking after what is in flight.

use std::sync::Arc;

use alloy::{eips::BlockId, rpc::types::TransactionReceipt};
use alloy_eips::eip4844::Blob;
use alloy_primitives::{Bytes, U256};

use super::{
    TxError,
    actor::{Actor, Handed, now},
    journal::{Entry, Mined},
    price::Price,
    sign::{Sidecar, sidecar, sign},
};
use crate::{Severity, blobs::BlobError, health::chain, l1::L1Error, store::Table};

/// Looks at L1 without finding any version of a transaction whose nonce is used, before that counts.
const LOOKS_BEFORE_LOST: u8 = 3;
/// Looks in a row at which L1 refuses what is next in turn and has no version of it, before it is given up: a minute
/// as the daemons look, in which the price is raised to the market once.
const REFUSALS_BEFORE_GIVEN_UP: u8 = 30;
/// Gas of a transfer without data.
const TRANSFER_GAS: u64 = 21_000;

impl Actor {
    /// One look at everything in flight, in the order of nonces. All that is done concerns one nonce alone and may be
    /// done again, and L1 itself keeps the order: so what fails with one transaction keeps no later one waiting. Gives
    /// the first such failure.
    pub(super) async fn watch(&mut self) -> Result<Option<TxError>, TxError> {
        if self.journal.entries().is_empty() {
            return Ok(None);
        }
        let head = self.client.head().await?.number;
        let used = self.client.nonce(self.signer.address(), BlockId::latest()).await?;
        let entries: Vec<Entry> = self.journal.entries().values().cloned().collect();
        let mut failed = None;
        for entry in entries {
            match self.watch_one(entry, head, used).await {
                Err(error) if error.severity() != Severity::Critical => {
                    failed.get_or_insert(error);
                }
                result => result?,
            }
        }
        Ok(failed)
    }

    async fn watch_one(&mut self, entry: Entry, head: u64, used: u64) -> Result<(), TxError> {
        let receipt = match entry.mined.is_some() || entry.nonce < used {
            true => self.find(&entry).await?,
            false => None,
        };
        match receipt {
            Some(receipt) => self.found(entry, receipt, head),
            None if entry.nonce < used => self.missed(&entry),
            None => self.push(entry, used).await,
        }
    }

    /// The receipt of whichever version was mined. Some nodes answer with an error where others say that they don't have
    /// it, so one such answer does not end the search; but then nothing is not what was found.
    async fn find(&self, entry: &Entry) -> Result<Option<TransactionReceipt>, TxError> {
        let mut failed = None;
        for hash in entry.versions.iter().rev() {
            match self.client.receipt(*hash).await {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(error @ L1Error::Refused { .. }) => {
                    failed.get_or_insert(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        failed.map_or(Ok(None), |error| Err(error.into()))
    }

    fn found(
        &mut self,
        mut entry: Entry,
        receipt: TransactionReceipt,
        head: u64,
    ) -> Result<(), TxError> {
        let (nonce, block) = (entry.nonce, receipt.block_number.unwrap_or(head));
        self.forget(nonce);
        let meant = entry.is_meant(receipt.transaction_hash);
        let mined = Mined {
            hash: receipt.transaction_hash,
            block,
            block_hash: receipt.block_hash.unwrap_or_default(),
            success: receipt.status() && meant,
        };
        if entry.mined != Some(mined) {
            tracing::info!(nonce, key = entry.key, hash = %mined.hash, block, "transaction mined");
            entry.mined = Some(mined);
            self.journal.put(entry.clone())?;
            match (mined.success, meant) {
                (true, _) => self.metrics.transactions_mined.increment(),
                (false, true) => self.metrics.transactions_reverted.increment(),
                // Counted when it was given up.
                (false, false) => {}
            }
        }
        let depth = head.saturating_add(1).saturating_sub(block);
        if depth >= self.policy.confirmations {
            let receipt = Box::new(receipt);
            let outcome = match (mined.success, meant) {
                (true, _) => Ok(receipt),
                (false, true) => Err(TxError::Reverted { receipt }),
                (false, false) => Err(TxError::GivenUp { nonce }),
            };
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
        self.forget(nonce);
        self.resolve(entry, &Err(TxError::NonceTaken { nonce }));
        self.journal.remove(nonce)?;
        Ok(())
    }

    /// What is kept in memory for a transaction that is not mined.
    fn forget(&mut self, nonce: u64) {
        self.lost.remove(&nonce);
        self.refused.remove(&nonce);
        self.sidecars.remove(&nonce);
    }

    /// Not mined: makes sure that L1 has it, and that it pays enough.
    async fn push(&mut self, mut entry: Entry, used: u64) -> Result<(), TxError> {
        if entry.mined.take().is_some() {
            tracing::warn!(nonce = entry.nonce, key = entry.key, "a reorg took a transaction back");
            self.journal.put(entry.clone())?;
        }
        let waited = now().saturating_sub(entry.sent_at);
        if waited >= self.policy.bump_after.as_secs() && self.bump(&mut entry).await? {
            self.metrics.transactions_bumped.increment();
        } else {
            match self.client.knows_transaction(entry.newest()).await {
                Ok(true) => {
                    self.refused.remove(&entry.nonce);
                    return Ok(());
                }
                // It may be there or not: sending it again does no harm.
                Ok(false) | Err(L1Error::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let sidecar = self.sidecar_of(&entry).await?;
        let signed = sign(&entry, sidecar.as_ref(), self.chain_id, &self.signer)?;
        match self.broadcast(&signed).await {
            Handed::Taken => {
                self.refused.remove(&entry.nonce);
                Ok(())
            }
            Handed::Unclear(error) => Err(error.into()),
            Handed::Refused(error) => self.refused(entry, used, &error).await,
        }
    }

    /// L1 refuses the newest version. One that is next in turn, and of which L1 has no version at all, keeps all later
    /// ones waiting: in the end its nonce is filled.
    async fn refused(&mut self, entry: Entry, used: u64, error: &L1Error) -> Result<(), TxError> {
        let (nonce, key, error) = (entry.nonce, &entry.key, chain(error));
        if entry.given_up.is_some() {
            tracing::error!(nonce, key, error, "L1 refuses what fills a nonce: all others wait");
            return Ok(());
        }
        tracing::warn!(nonce, key, error, "L1 refuses a transaction");
        // Before it is its turn, what it waits for may be the reason.
        let mut for_good = nonce == used;
        for version in &entry.versions {
            for_good = for_good && !self.client.knows_transaction(*version).await?;
        }
        if !for_good {
            self.refused.remove(&nonce);
            return Ok(());
        }
        let times = self.refused.entry(nonce).or_default();
        *times = times.saturating_add(1);
        if *times < REFUSALS_BEFORE_GIVEN_UP { Ok(()) } else { self.give_up(entry).await }
    }

    /// Fills the nonce with a transaction that does nothing. The nonce is not used for another request: some node that was
    /// not asked may still have a version of this one. It stays in flight under its key until one of all of them is mined.
    async fn give_up(&mut self, mut entry: Entry) -> Result<(), TxError> {
        let (nonce, fees) = (entry.nonce, self.client.fees().await?);
        entry.given_up = Some(entry.versions.len());
        entry.to = self.signer.address();
        entry.data = Bytes::new();
        entry.value = U256::ZERO;
        entry.blobs = Vec::new();
        entry.gas_limit = TRANSFER_GAS;
        entry.price = Price::first(&fees, false, &self.policy);
        entry.sent_at = now();
        let signed = sign(&entry, None, self.chain_id, &self.signer)?;
        entry.versions.push(signed.hash);
        tracing::error!(nonce, key = entry.key, hash = %signed.hash, "given up: its nonce is filled");
        self.journal.put(entry)?;
        self.forget(nonce);
        self.metrics.transactions_given_up.increment();
        match self.broadcast(&signed).await {
            Handed::Unclear(error) => Err(error.into()),
            // Refused, it is sent again at the next look.
            Handed::Taken | Handed::Refused(_) => Ok(()),
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
