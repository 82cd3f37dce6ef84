//! Real blocks of Holesky (Cancun rules) with the witnesses that another project took: EXECUTE from those, not from ours.

use std::{fs, path::Path};

use alloy_consensus::{
    Block, BlockBody, Header, SignableTransaction, TxEip1559, TxEip4844, TxEip4844Variant,
    TxEnvelope, TxLegacy,
};
use alloy_eips::{eip2930::AccessList, eip4895::Withdrawal, eip4895::Withdrawals};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, Signature, TxKind, U64, U128, U256};
use eyre::{OptionExt, WrapErr, bail, ensure};
use recourse_execution::{
    Stateless, Witness,
    payload::{BlockRules, ExecutionWitness, ProtocolFork, check_blobs, check_body, check_result},
};
use serde::Deserialize;

use crate::{
    archive,
    payload::{self, Payload},
    report::{Outcome, Report, Work},
    whole::{Rules, Run},
};

const ROW: &str = "holesky-witnesses";

#[derive(Debug, Deserialize)]
struct File {
    chain_id: u64,
    header: FileHeader,
    pre_state_root: B256,
    transaction: Vec<Tx>,
    withdrawals: Vec<Withdrawal>,
    /// The last one first.
    block_hashes: Vec<B256>,
    states: Vec<Bytes>,
    codes: Vec<Bytes>,
}

#[derive(Debug, Deserialize)]
struct FileHeader {
    parent_hash: B256,
    #[serde(rename = "sha3Uncles")]
    ommers_hash: B256,
    miner: Address,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    logs_bloom: Bloom,
    difficulty: U256,
    number: U64,
    gas_limit: U64,
    gas_used: U64,
    timestamp: U64,
    extra_data: Bytes,
    mix_hash: B256,
    nonce: B64,
    base_fee_per_gas: U64,
    withdrawals_root: B256,
    blob_gas_used: U64,
    excess_blob_gas: U64,
    parent_beacon_block_root: B256,
}

#[derive(Debug, Deserialize)]
struct Tx {
    transaction_type: U64OrNumber,
    chain_id: U64,
    nonce: U64,
    to: Option<Address>,
    value: U256,
    gas: U64,
    gas_price: Option<U128>,
    max_fee_per_gas: Option<U128>,
    max_priority_fee_per_gas: Option<U128>,
    max_fee_per_blob_gas: Option<U128>,
    input: Bytes,
    #[serde(default)]
    access_list: AccessList,
    #[serde(default)]
    blob_versioned_hashes: Vec<B256>,
    signature: Signed,
}

/// The files have both.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum U64OrNumber {
    Number(u64),
    Text(String),
}

#[derive(Debug, Deserialize)]
struct Signed {
    r: U256,
    s: U256,
    y_parity: bool,
}

/// Runs all of them.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn run(folder: &Path) -> eyre::Result<Report> {
    let mut report = Report::default();
    let mut headers = Vec::new();
    for file in archive::files(folder, "json")? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        report.add(ROW, &name, Outcome::from(one(&file, &mut headers)));
    }
    Ok(report)
}

/// Runs one; `headers` are those of the files before it, for the parent of the next is the block of the last.
fn one(file: &Path, headers: &mut Vec<Header>) -> eyre::Result<Work> {
    let Case { rules, block, pre, run, done, theirs } = load(file)?;
    run.claim(pre, &done, &theirs).wrap_err("with their witness")?;
    let minimal = run.claim(pre, &done, &done.witness)?;
    ensure!(done.witness.nodes.len() <= theirs.nodes.len(), "more nodes than there are");
    let payload = as_payload(&rules, &block, headers, &theirs)?;
    headers.push(block.header);
    Ok(Work {
        blocks: 1,
        payloads: payload.is_valid().into(),
        executed: 2,
        gas: done.gas_used,
        witness: minimal,
        ..Work::default()
    })
}

/// A block whose header is right, executed on the witness that came with it.
pub(crate) struct Case {
    rules: Rules,
    pub(crate) block: Block<TxEnvelope>,
    pub(crate) pre: B256,
    pub(crate) run: Run,
    pub(crate) done: Stateless,
    pub(crate) theirs: Witness,
}

/// Reads and checks one of the files.
///
/// # Errors
/// When the header is not what the block comes to.
pub(crate) fn load(file: &Path) -> eyre::Result<Case> {
    let text = fs::read(file).wrap_err("can't be read")?;
    let file: File = serde_json::from_slice(&text).wrap_err("not a block with a witness")?;
    let rules = Rules { chain_id: file.chain_id, rules: BlockRules::of(ProtocolFork::Cancun) };
    let block = file.block()?;
    check_body(&block)?;
    check_blobs(&rules.rules, &block.header, &block.body.transactions)?;
    ensure!(file.block_hashes.first() == Some(&block.header.parent_hash), "not its parent's hash");
    let before = (0..block.header.number).rev();
    let ancestors = before.zip(file.block_hashes.iter().copied()).collect();
    let run = Run::new(&rules, &block)?.with_ancestors(ancestors);
    let theirs = Witness { nodes: file.states, codes: file.codes };
    let done = run.on_witness(file.pre_state_root, theirs.clone())?;
    check_result(&block.header, &done.runs, done.gas_used, done.state_root)?;
    Ok(Case { rules, block, pre: file.pre_state_root, run, done, theirs })
}

/// A block whose parent's header is known is a payload, with their witness. The files have none: only hashes.
fn as_payload(
    rules: &Rules,
    block: &Block<TxEnvelope>,
    headers: &[Header],
    theirs: &Witness,
) -> eyre::Result<Payload> {
    let Some(parent) = headers.last() else {
        return Ok(Payload::NoHeader);
    };
    ensure!(parent.hash_slow() == block.header.parent_hash, "not the child of the one before");
    let headers = headers.iter().map(|header| alloy_rlp::encode(header).try_into());
    let headers: Vec<_> = headers.collect::<Result<_, _>>()?;
    let nodes = theirs.nodes.iter().map(|node| node.to_vec().try_into());
    let codes = theirs.codes.iter().map(|code| code.to_vec().try_into());
    let witness = ExecutionWitness {
        state: nodes.collect::<Result<_, _>>()?,
        codes: codes.collect::<Result<_, _>>()?,
        headers: headers.try_into()?,
    };
    payload::confirm(rules, block, witness)
}

impl File {
    fn block(&self) -> eyre::Result<Block<TxEnvelope>> {
        let transactions: Vec<_> =
            self.transaction.iter().map(Tx::envelope).collect::<Result<_, _>>()?;
        let withdrawals = Some(Withdrawals::new(self.withdrawals.clone()));
        let body = BlockBody { transactions, ommers: Vec::new(), withdrawals };
        Ok(Block { header: self.header.header(), body })
    }
}

impl FileHeader {
    fn header(&self) -> Header {
        Header {
            parent_hash: self.parent_hash,
            ommers_hash: self.ommers_hash,
            beneficiary: self.miner,
            state_root: self.state_root,
            transactions_root: self.transactions_root,
            receipts_root: self.receipts_root,
            logs_bloom: self.logs_bloom,
            difficulty: self.difficulty,
            number: self.number.to(),
            gas_limit: self.gas_limit.to(),
            gas_used: self.gas_used.to(),
            timestamp: self.timestamp.to(),
            extra_data: self.extra_data.clone(),
            mix_hash: self.mix_hash,
            nonce: self.nonce,
            base_fee_per_gas: Some(self.base_fee_per_gas.to()),
            withdrawals_root: Some(self.withdrawals_root),
            blob_gas_used: Some(self.blob_gas_used.to()),
            excess_blob_gas: Some(self.excess_blob_gas.to()),
            parent_beacon_block_root: Some(self.parent_beacon_block_root),
            ..Header::default()
        }
    }
}

impl Tx {
    fn envelope(&self) -> eyre::Result<TxEnvelope> {
        let Signed { r, s, y_parity } = self.signature;
        let signature = Signature::new(r, s, y_parity);
        let kind = match &self.transaction_type {
            U64OrNumber::Number(kind) => *kind,
            U64OrNumber::Text(kind) => kind.parse()?,
        };
        Ok(match kind {
            0 => self.legacy()?.into_signed(signature).into(),
            2 => self.eip1559()?.into_signed(signature).into(),
            3 => TxEnvelope::Eip4844(
                TxEip4844Variant::TxEip4844(self.eip4844()?).into_signed(signature),
            ),
            other => bail!("transaction type {other}"),
        })
    }

    fn legacy(&self) -> eyre::Result<TxLegacy> {
        Ok(TxLegacy {
            chain_id: Some(self.chain_id.to()),
            nonce: self.nonce.to(),
            gas_price: fee(self.gas_price)?,
            gas_limit: self.gas.to(),
            to: self.kind(),
            value: self.value,
            input: self.input.clone(),
        })
    }

    fn eip1559(&self) -> eyre::Result<TxEip1559> {
        Ok(TxEip1559 {
            chain_id: self.chain_id.to(),
            nonce: self.nonce.to(),
            gas_limit: self.gas.to(),
            max_fee_per_gas: fee(self.max_fee_per_gas)?,
            max_priority_fee_per_gas: fee(self.max_priority_fee_per_gas)?,
            to: self.kind(),
            value: self.value,
            access_list: self.access_list.clone(),
            input: self.input.clone(),
        })
    }

    fn eip4844(&self) -> eyre::Result<TxEip4844> {
        Ok(TxEip4844 {
            chain_id: self.chain_id.to(),
            nonce: self.nonce.to(),
            gas_limit: self.gas.to(),
            max_fee_per_gas: fee(self.max_fee_per_gas)?,
            max_priority_fee_per_gas: fee(self.max_priority_fee_per_gas)?,
            to: self.to.ok_or_eyre("a blob transaction without a target")?,
            value: self.value,
            access_list: self.access_list.clone(),
            blob_versioned_hashes: self.blob_versioned_hashes.clone(),
            max_fee_per_blob_gas: fee(self.max_fee_per_blob_gas)?,
            input: self.input.clone(),
        })
    }

    fn kind(&self) -> TxKind {
        self.to.map_or(TxKind::Create, TxKind::Call)
    }
}

fn fee(value: Option<U128>) -> eyre::Result<u128> {
    value.map(|value| value.to()).ok_or_eyre("a fee is missing")
}
