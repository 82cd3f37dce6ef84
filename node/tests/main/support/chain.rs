//! The scripted chain.

use std::collections::{BTreeMap, HashMap, VecDeque};

use alloy_consensus::{
    Transaction,
    transaction::{PooledTransaction, SignerRecoverable},
};
use alloy_eips::{eip2718::Decodable2718, eip4844::Blob};
use alloy_primitives::{Address, B256, Bytes, LogData, U256, keccak256};
use recourse_node::l1::BlockRef;
use recourse_protocol::RollupConfig;

use super::rollup_config;

pub(crate) const GENESIS_TIME: u64 = 2_000_000;
pub(crate) const SECONDS_PER_BLOCK: u64 = 12;

#[derive(Debug, Clone)]
pub(crate) struct FakeLog {
    pub(crate) address: Address,
    pub(crate) data: LogData,
}

#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) at: BlockRef,
    pub(crate) logs: Vec<FakeLog>,
    pub(crate) transactions: Vec<B256>,
}

#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) hash: B256,
    pub(crate) from: Address,
    pub(crate) nonce: u64,
    pub(crate) max_fee: u128,
    pub(crate) max_blob_fee: Option<u128>,
    pub(crate) to: Option<Address>,
    pub(crate) input: Bytes,
    pub(crate) succeeds: bool,
}

/// What is said about the receipts of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receipts {
    Whole,
    /// That there are none.
    Empty,
    /// That the block is not there.
    Null,
    /// That there is no such method.
    NotServed,
    /// The endpoint refuses to say.
    Refused,
}

/// All that the script can turn.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) rollup: RollupConfig,
    pub(crate) blocks: Vec<Block>,
    /// HTTP statuses that the next requests get instead of an answer.
    pub(crate) faults: VecDeque<u16>,
    /// A range of blocks longer than this is refused.
    pub(crate) longest_range: u64,
    /// Ranges are answered without events: an incomplete node behind a load balancer.
    pub(crate) forgetful: bool,
    /// A block asked for by hash is answered without events: its receipts are not indexed yet.
    pub(crate) unindexed: bool,
    /// What is said about the receipts of a block.
    pub(crate) receipts: Receipts,
    /// Bloom filters name everybody, as on a busy L1.
    pub(crate) busy: bool,
    pub(crate) mempool: Vec<Sent>,
    pub(crate) mined: HashMap<B256, Sent>,
    /// Transactions are refused.
    pub(crate) refuses: bool,
    /// These are refused.
    pub(crate) unwanted: Vec<B256>,
    /// Transactions that are not there are answered with an error, as by a client that indexes them yet.
    pub(crate) indexing: bool,
    /// Nobody is shown what is not mined yet.
    pub(crate) hides: bool,
    /// Of every account, in wei.
    pub(crate) balance: U256,
    /// In wei per blob gas.
    pub(crate) blob_base_fee: u64,
    /// Estimates revert with this.
    pub(crate) reverts: Option<Bytes>,
    pub(crate) blobs: BTreeMap<B256, Box<Blob>>,
    /// What is served in place of every blob.
    pub(crate) lie: Option<Bytes>,
    /// The blob itself is served after the lie.
    pub(crate) lies_first: bool,
    /// White space at the end of what is served as blobs, in bytes.
    pub(crate) padding: usize,
    pub(crate) has_spec: bool,
    /// Requests by method or path.
    pub(crate) seen: Vec<String>,
    salt: u64,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let mut chain = Self {
            rollup: rollup_config(),
            blocks: Vec::new(),
            faults: VecDeque::new(),
            longest_range: u64::MAX,
            forgetful: false,
            unindexed: false,
            receipts: Receipts::Whole,
            busy: false,
            mempool: Vec::new(),
            mined: HashMap::new(),
            refuses: false,
            unwanted: Vec::new(),
            indexing: false,
            hides: false,
            balance: U256::from(7),
            reverts: None,
            blobs: BTreeMap::new(),
            lie: None,
            lies_first: false,
            padding: 0,
            has_spec: true,
            seen: Vec::new(),
            blob_base_fee: 1,
            salt: 0,
        };
        chain.mine(Vec::new());
        chain
    }

    pub(crate) fn head(&self) -> BlockRef {
        self.blocks.last().unwrap().at
    }

    /// Timestamp of the block to come.
    pub(crate) fn next_timestamp(&self) -> u64 {
        GENESIS_TIME + self.blocks.len() as u64 * SECONDS_PER_BLOCK
    }

    /// A block with these events and all transactions of the mempool that are next of their account.
    pub(crate) fn mine(&mut self, logs: Vec<FakeLog>) -> BlockRef {
        let number = self.blocks.len() as u64;
        let parent_hash = self.blocks.last().map_or(B256::ZERO, |block| block.at.hash);
        let hash = keccak256(
            [parent_hash.as_slice(), &number.to_be_bytes(), &self.salt.to_be_bytes()].concat(),
        );
        let at = BlockRef { number, hash, parent_hash, timestamp: self.next_timestamp() };
        let mut transactions = Vec::new();
        while let Some(index) =
            self.mempool.iter().position(|sent| sent.nonce == self.nonce(sent.from))
        {
            let sent = self.mempool.remove(index);
            transactions.push(sent.hash);
            self.mined.insert(sent.hash, sent);
        }
        self.blocks.push(Block { at, logs, transactions });
        at
    }

    pub(crate) fn mine_empty(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.mine(Vec::new());
        }
    }

    /// Drops the newest blocks; their transactions are forgotten. What is mined next has other hashes.
    pub(crate) fn drop_blocks(&mut self, depth: usize) {
        self.salt += 1;
        for block in self.blocks.split_off(self.blocks.len() - depth) {
            for hash in block.transactions {
                self.mined.remove(&hash);
            }
        }
    }

    /// Transactions of this account that were mined.
    pub(crate) fn nonce(&self, account: Address) -> u64 {
        self.mined.values().filter(|sent| sent.from == account).count() as u64
    }

    pub(crate) fn pending_nonce(&self, account: Address) -> u64 {
        let mut nonce = self.nonce(account);
        while self.mempool.iter().any(|sent| sent.from == account && sent.nonce == nonce) {
            nonce += 1;
        }
        nonce
    }

    /// Takes a transaction as a strict client does; the error is JSON-RPC's.
    pub(crate) fn submit(&mut self, raw: &[u8]) -> Result<B256, (i64, &'static str)> {
        if self.refuses {
            return Err((-32000, "no"));
        }
        let tx = PooledTransaction::decode_2718(&mut &*raw).map_err(|_| (-32000, "malformed"))?;
        let from = tx.recover_signer().map_err(|_| (-32000, "signature"))?;
        if let PooledTransaction::Eip4844(blob) = &tx {
            let sidecar = &blob.tx().sidecar;
            let settings = alloy_eips::eip4844::env_settings::EnvKzgSettings::Default;
            let hashes = &blob.tx().tx.blob_versioned_hashes;
            sidecar.validate(hashes, settings.get()).map_err(|_| (-32000, "sidecar"))?;
        }
        let sent = Sent {
            hash: *tx.tx_hash(),
            from,
            nonce: tx.nonce(),
            max_fee: tx.max_fee_per_gas(),
            max_blob_fee: tx.max_fee_per_blob_gas(),
            to: tx.to(),
            input: tx.input().clone(),
            succeeds: true,
        };
        if self.unwanted.contains(&sent.hash) {
            return Err((-32000, "insufficient funds"));
        }
        self.pool(sent)
    }

    fn pool(&mut self, sent: Sent) -> Result<B256, (i64, &'static str)> {
        if sent.nonce < self.nonce(sent.from) {
            return Err((-32000, "nonce too low"));
        }
        let twin =
            self.mempool.iter().position(|old| old.from == sent.from && old.nonce == sent.nonce);
        if let Some(twin) = twin {
            let old = &self.mempool[twin];
            if old.hash == sent.hash {
                return Err((-32000, "already known"));
            }
            let percent = if sent.max_blob_fee.is_some() { 200 } else { 110 };
            if sent.max_fee * 100 < old.max_fee * percent {
                return Err((-32000, "replacement transaction underpriced"));
            }
            self.mempool.remove(twin);
        }
        let hash = sent.hash;
        self.mempool.push(sent);
        Ok(hash)
    }

    pub(crate) fn block_of_transaction(&self, hash: B256) -> Option<&Block> {
        self.blocks.iter().find(|block| block.transactions.contains(&hash))
    }

    pub(crate) fn count_seen(&self, what: &str) -> usize {
        self.seen.iter().filter(|seen| seen.starts_with(what)).count()
    }
}
