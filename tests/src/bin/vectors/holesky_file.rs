//! The format of the files with Holesky's blocks. Shared with the bench of `recourse-execution`.

use std::collections::BTreeMap;

use alloy_consensus::{
    Block, BlockBody, Header, SignableTransaction, TxEip1559, TxEip4844, TxEip4844Variant,
    TxEnvelope, TxLegacy,
};
use alloy_eips::{
    eip2930::AccessList,
    eip4895::{Withdrawal, Withdrawals},
};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, Signature, TxKind, U64, U128, U256};
use eyre::{OptionExt, bail};
use serde::Deserialize;

/// A block with the witness that the client took.
#[derive(Debug, Deserialize)]
pub(crate) struct File {
    pub(crate) chain_id: u64,
    pub(crate) header: FileHeader,
    pub(crate) pre_state_root: B256,
    pub(crate) transaction: Vec<Tx>,
    pub(crate) withdrawals: Vec<Withdrawal>,
    /// The last one first.
    pub(crate) block_hashes: Vec<B256>,
    pub(crate) states: Vec<Bytes>,
    pub(crate) codes: Vec<Bytes>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FileHeader {
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
pub(crate) struct Tx {
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

impl File {
    /// Header and body, as they were on the chain.
    ///
    /// # Errors
    /// When a transaction lacks a field.
    pub(crate) fn block(&self) -> eyre::Result<Block<TxEnvelope>> {
        let transactions: Vec<_> =
            self.transaction.iter().map(Tx::envelope).collect::<Result<_, _>>()?;
        let withdrawals = Some(Withdrawals::new(self.withdrawals.clone()));
        let body = BlockBody { transactions, ommers: Vec::new(), withdrawals };
        Ok(Block { header: self.header.header(), body })
    }

    /// Hashes of earlier blocks by their numbers.
    pub(crate) fn ancestors(&self) -> BTreeMap<u64, B256> {
        let before = (0..self.header.number.to()).rev();
        before.zip(self.block_hashes.iter().copied()).collect()
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
