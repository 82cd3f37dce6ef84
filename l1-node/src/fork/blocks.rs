//! Blocks of the forked chain up to the fork.

use std::{collections::VecDeque, sync::Arc};

use alloy::rpc::types::{Block, Filter, Log, TransactionReceipt};
use alloy_consensus::{
    ReceiptEnvelope,
    proofs::{calculate_receipt_root, calculate_transaction_root, calculate_withdrawals_root},
    transaction::SignerRecoverable as _,
};
use alloy_eips::{eip2718::Encodable2718 as _, eip7840::BlobParams};
use alloy_primitives::{B256, Sealed, U64, keccak256};
use parking_lot::Mutex;
use recourse_rpc::{MinedBlock, TxLocation};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ForkError,
    upstream::{Anchor, Named, Told, Upstream},
};

/// Whole blocks that are kept in memory.
const KEPT: usize = 64;
/// Hashes that are known to be nobody's.
const STRANGERS: usize = 4096;

/// Blocks of the forked chain up to the fork.
#[derive(Debug)]
pub(super) struct Blocks {
    upstream: Arc<Upstream>,
    anchor: Anchor,
    kept: Mutex<VecDeque<Arc<MinedBlock>>>,
    /// What is not in the forked chain up to the fork never will be.
    strangers: Mutex<VecDeque<B256>>,
}

/// Where a transaction is, of all that a receipt tells.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    block_number: Option<U64>,
    transaction_index: Option<U64>,
}

/// The number of a block.
#[derive(Debug, Deserialize)]
struct Numbered {
    number: U64,
}

impl Blocks {
    pub(super) fn new(upstream: Arc<Upstream>, anchor: Anchor) -> Self {
        Self { upstream, anchor, kept: Mutex::default(), strangers: Mutex::default() }
    }

    /// The block that was forked.
    pub(super) fn last(&self) -> Result<Arc<MinedBlock>, ForkError> {
        self.block(self.anchor.number)?.ok_or(ForkError::NoBlock(self.anchor.number))
    }

    /// The block of this number, with all that it holds; `None` after the fork.
    pub(super) fn block(&self, number: u64) -> Result<Option<Arc<MinedBlock>>, ForkError> {
        if number > self.anchor.number {
            return Ok(None);
        }
        if let Some(block) = self.kept.lock().iter().find(|block| block.number() == number) {
            return Ok(Some(Arc::clone(block)));
        }
        let (upstream, anchor) = (Arc::clone(&self.upstream), self.anchor);
        let block = self.upstream.wait(async move { fetch(&upstream, anchor, number).await })?;
        let block = Arc::new(block);
        remember(&self.kept, Arc::clone(&block), KEPT);
        Ok(Some(block))
    }

    /// The hash of the block of this number.
    pub(super) fn hash(&self, number: u64) -> Result<Option<B256>, ForkError> {
        let (upstream, anchor) = (Arc::clone(&self.upstream), self.anchor);
        self.upstream.wait(async move {
            let named: Option<Named> = by_number(&upstream, number, false).await?;
            canonical(&upstream, anchor).await?;
            Ok(named.map(|named| named.hash))
        })
    }

    /// The number of the block of this hash.
    pub(super) fn number_of(&self, hash: B256) -> Result<Option<u64>, ForkError> {
        if hash == self.anchor.hash {
            return Ok(Some(self.anchor.number));
        }
        if self.is_stranger(hash) {
            return Ok(None);
        }
        let upstream = Arc::clone(&self.upstream);
        let asked = async move {
            upstream.told::<Option<Numbered>>("eth_getBlockByHash", json!([hash, false])).await
        };
        let Told { result, by_all } = self.upstream.wait(asked)?;
        let number = result.map(|block| block.number.to::<u64>());
        let number = number.filter(|number| *number < self.anchor.number);
        // It may have been an uncle.
        let ours = match number {
            Some(number) => self.hash(number)? == Some(hash),
            None => false,
        };
        if !ours && by_all {
            self.add_stranger(hash);
        }
        Ok(number.filter(|_| ours))
    }

    /// Where a transaction is.
    pub(super) fn locate(&self, transaction: B256) -> Result<Option<TxLocation>, ForkError> {
        if self.is_stranger(transaction) {
            return Ok(None);
        }
        let upstream = Arc::clone(&self.upstream);
        let asked = async move {
            upstream.told::<Option<Place>>("eth_getTransactionByHash", json!([transaction])).await
        };
        let Told { result, by_all } = self.upstream.wait(asked)?;
        let place = result.and_then(|place| {
            let block = place.block_number?.to::<u64>();
            let index = usize::try_from(place.transaction_index?).ok()?;
            (block <= self.anchor.number).then_some(TxLocation { block, index })
        });
        let Some(TxLocation { block, index }) = place else {
            if by_all {
                self.add_stranger(transaction);
            }
            return Ok(None);
        };
        let held = self.block(block)?;
        let there = held.as_ref().and_then(|held| held.transactions().get(index));
        if there.is_none_or(|there| *there.tx_hash() != transaction) {
            return Err(ForkError::Unreadable(
                block,
                "a transaction is not where the endpoint says",
            ));
        }
        Ok(place)
    }

    /// Logs that a filter with its own range wants, which must end with the fork.
    pub(super) fn logs(&self, filter: &Filter) -> Result<Vec<Log>, ForkError> {
        let (upstream, anchor, filter) = (Arc::clone(&self.upstream), self.anchor, json!([filter]));
        self.upstream.wait(async move {
            let logs = upstream.any::<Vec<Log>>("eth_getLogs", filter).await?;
            canonical(&upstream, anchor).await?;
            Ok(logs)
        })
    }

    fn is_stranger(&self, hash: B256) -> bool {
        self.strangers.lock().contains(&hash)
    }

    fn add_stranger(&self, hash: B256) {
        remember(&self.strangers, hash, STRANGERS);
    }
}

fn remember<T>(all: &Mutex<VecDeque<T>>, one: T, most: usize) {
    let mut all = all.lock();
    if all.len() >= most {
        all.pop_front();
    }
    all.push_back(one);
}

async fn by_number<T: serde::de::DeserializeOwned>(
    upstream: &Upstream,
    number: u64,
    full: bool,
) -> Result<Option<T>, ForkError> {
    upstream.any("eth_getBlockByNumber", json!([format!("{number:#x}"), full])).await
}

/// What is read by number is ours only as long as the upstream still has the block that was forked: asked afterwards, of the
/// endpoint that answered, if it still does.
async fn canonical(upstream: &Upstream, anchor: Anchor) -> Result<(), ForkError> {
    let now: Option<Named> = by_number(upstream, anchor.number, false).await?;
    match now {
        Some(now) if now.hash == anchor.hash => Ok(()),
        Some(now) => Err(ForkError::Reorganised {
            number: anchor.number,
            expected: anchor.hash,
            got: now.hash,
        }),
        None => Err(ForkError::NoBlock(anchor.number)),
    }
}

async fn fetch(upstream: &Upstream, anchor: Anchor, number: u64) -> Result<MinedBlock, ForkError> {
    let block: Option<Value> = by_number(upstream, number, true).await?;
    canonical(upstream, anchor).await?;
    // A chain that has the fork block has all before it.
    let block = block.ok_or(ForkError::NoBlock(number))?;
    let block: Block = serde_json::from_value(block).map_err(|_| {
        ForkError::Unreadable(number, "its fields or its transactions are not Ethereum's")
    })?;
    held(number, "the hash", block.header.hash, block.header.inner.hash_slow())?;
    let id = json!([block.header.hash]);
    let receipts: Option<Vec<TransactionReceipt>> =
        upstream.any("eth_getBlockReceipts", id).await?;
    let receipts = receipts.ok_or(ForkError::Unreadable(number, "its receipts are missing"))?;
    whole(number, block, receipts)
}

/// Puts the block together, and holds each part against the header, which was held against its hash. Senders are believed: on
/// a dev chain some have no signature.
fn whole(
    number: u64,
    block: Block,
    receipts: Vec<TransactionReceipt>,
) -> Result<MinedBlock, ForkError> {
    let header = block.header.inner;
    let is = |what, expected, got| held(number, what, expected, got);
    let txs = block.transactions.into_transactions_vec();
    let txs: Vec<_> = txs.into_iter().map(|tx| tx.inner).collect();
    let bare: Vec<_> = txs.iter().map(|tx| tx.inner()).collect();
    is("the transactions' root", header.transactions_root, calculate_transaction_root(&bare))?;
    for tx in &txs {
        // The root is that of the encodings; the hash is what the endpoint calls it. Where nobody signed, a dev chain may make
        // it of the sender, too.
        let (hash, named) = (keccak256(tx.encoded_2718()), *tx.inner().tx_hash());
        if hash != named && tx.inner().recover_signer().is_ok_and(|signer| signer == tx.signer()) {
            is("the hash of a transaction", hash, named)?;
        }
    }
    let withdrawals = block.withdrawals.unwrap_or_default();
    match header.withdrawals_root {
        Some(root) => {
            is("the withdrawals' root", root, calculate_withdrawals_root(&withdrawals))?;
        }
        None if withdrawals.is_empty() => {}
        None => return Err(ForkError::Unreadable(number, "its header knows no withdrawals")),
    }
    let price = receipts.iter().find_map(|receipt| receipt.blob_gas_price);
    let price = price.or_else(|| header.blob_fee(BlobParams::osaka()));
    let receipts: Vec<ReceiptEnvelope> =
        receipts.into_iter().map(|receipt| receipt.inner.into_primitives_receipt()).collect();
    is("the receipts' root", header.receipts_root, calculate_receipt_root(&receipts))?;
    let header = Sealed::new_unchecked(header, block.header.hash);
    Ok(MinedBlock::new(header, txs, receipts, withdrawals, price))
}

fn held(number: u64, what: &'static str, expected: B256, got: B256) -> Result<(), ForkError> {
    if expected == got { Ok(()) } else { Err(ForkError::Forged { what, number, expected, got }) }
}
