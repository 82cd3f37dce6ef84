//! Mainnet blocks of the `mainnet-blocks` archive: accessed state without tries, so that these are built around it.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use alloy_consensus::{Header, TxEnvelope};
use alloy_eips::{eip2718::Encodable2718, eip7840::BlobParams};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use eyre::{OptionExt, WrapErr, bail, ensure};
use recourse_execution::{BlobRules, RuleSet, block::BlockBody};
use recourse_protocol::bindings::BlockContext;
use revm::primitives::hardfork::SpecId;
use serde::Deserialize;

use crate::{
    block::Block,
    known::{Accounts, Known},
};

/// The first block of each rule set, the newest first.
const FORKS: [(u64, SpecId); 8] = [
    (19_426_587, SpecId::CANCUN),
    (17_034_870, SpecId::SHANGHAI),
    (15_537_394, SpecId::MERGE),
    (12_965_000, SpecId::LONDON),
    (12_244_000, SpecId::BERLIN),
    (9_069_000, SpecId::ISTANBUL),
    (7_280_000, SpecId::PETERSBURG),
    (4_370_000, SpecId::BYZANTIUM),
];

/// What `eth_getBlockByNumber` answers, as far as it is needed.
#[derive(Debug, Deserialize)]
struct FileBlock {
    #[serde(flatten)]
    header: Header,
    transactions: Vec<TxEnvelope>,
}

#[derive(Debug, Deserialize)]
struct FileAccount {
    balance: U256,
    nonce: u64,
    code_hash: Option<B256>,
    storage: BTreeMap<U256, U256>,
}

/// Codes by their hashes.
pub(crate) type Codes = HashMap<B256, Bytes>;

/// All codes of the archive: each a length (4 bytes, little-endian), then the bytes.
pub(crate) fn codes(folder: &Path) -> eyre::Result<Codes> {
    let bytes = Bytes::from(fs::read(folder.join("codes.bin"))?);
    let mut codes = Codes::new();
    let mut at = 0;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_le_bytes(length.try_into()?) as usize;
        ensure!(bytes.len() >= at + 4 + length, "codes.bin is cut");
        let code = bytes.slice(at + 4..at + 4 + length);
        at += 4 + length;
        codes.insert(keccak256(&code), code);
    }
    Ok(codes)
}

pub(crate) fn ancestors(folder: &Path) -> eyre::Result<BTreeMap<u64, B256>> {
    Ok(serde_json::from_slice(&fs::read(folder.join("block_hashes.json"))?)?)
}

/// Reads a block.
pub(crate) fn block(folder: &Path, ancestors: &BTreeMap<u64, B256>) -> eyre::Result<Block> {
    let json = fs::read(folder.join("block.json")).wrap_err("no block.json")?;
    let block: FileBlock = serde_json::from_slice(&json).wrap_err("block.json")?;
    let header = &block.header;
    let Some((_, spec)) = FORKS.iter().find(|(since, _)| *since <= header.number) else {
        bail!("rules older than Byzantium: receipts hold state roots");
    };
    let transactions: Vec<Bytes> =
        block.transactions.iter().map(|tx| tx.encoded_2718().into()).collect();
    ensure!(!transactions.is_empty(), "no transactions");
    let rules = RuleSet { spec: *spec, blobs: None };
    let blobs = header.excess_blob_gas.map(|excess| BlobRules {
        base_fee: BlobParams::cancun().calc_blob_fee(excess),
        max_per_transaction: BlobParams::cancun().max_blobs_per_tx,
    });
    Ok(Block {
        name: format!("mainnet {}", header.number),
        rules: blobs.map_or(rules, |blobs| rules.with_blobs(blobs)),
        ancestors: ancestors.clone(),
        context: BlockContext {
            chainId: 1,
            number: header.number,
            timestamp: header.timestamp,
            gasLimit: header.gas_limit,
            baseFee: U256::from(header.base_fee_per_gas.unwrap_or_default()),
            prevRandao: header.mix_hash,
            coinbase: header.beneficiary,
        },
        body: BlockBody { transactions, ..BlockBody::default() },
        gas_used: header.gas_used,
        receipts_root: header.receipts_root,
        state_root: None,
    })
}

/// Reads the state that a block reads.
pub(crate) fn accounts(folder: &Path, codes: &Codes) -> eyre::Result<Accounts> {
    let json = fs::read(folder.join("pre_state.json")).wrap_err("no pre_state.json")?;
    let file: BTreeMap<Address, FileAccount> = serde_json::from_slice(&json)?;
    let mut accounts = Accounts::new();
    for (address, account) in file {
        let code_hash = account.code_hash.unwrap_or(KECCAK256_EMPTY);
        let code = match code_hash == KECCAK256_EMPTY {
            true => Bytes::new(),
            false => codes.get(&code_hash).ok_or_eyre("a code is missing")?.clone(),
        };
        let FileAccount { balance, nonce, storage, .. } = account;
        accounts.insert(address, Known { balance, nonce, code_hash, code, storage });
    }
    Ok(accounts)
}
