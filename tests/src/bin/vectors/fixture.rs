//! Blockchain tests of EEST, as their JSON has them.

use std::collections::BTreeMap;

use alloy_eips::eip7840::BlobParams;
use alloy_primitives::{Address, B256, Bytes, U256};
use eyre::{OptionExt, bail};
use recourse_execution::{
    GenesisAccount,
    payload::{BlockRules, ProtocolFork},
};
use serde::Deserialize;

use crate::whole::Rules;

/// One test.
#[derive(Debug, Deserialize)]
pub(crate) struct Fixture {
    network: String,
    config: Config,
    pre: BTreeMap<Address, Account>,
    /// The block before the first one.
    #[serde(rename = "genesisRLP")]
    pub(crate) genesis: Bytes,
    /// The hash of the last valid block.
    #[serde(rename = "lastblockhash")]
    pub(crate) last_hash: B256,
    /// In order; an invalid one is no parent of the next.
    pub(crate) blocks: Vec<FixtureBlock>,
}

/// One block of a test.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FixtureBlock {
    /// As it is sent around.
    pub(crate) rlp: Bytes,
    /// Why it is invalid: alternatives, with `|` between them.
    pub(crate) expect_exception: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    chainid: U256,
    #[serde(default)]
    blob_schedule: BTreeMap<String, BlobSchedule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlobSchedule {
    target: U256,
    max: U256,
    base_fee_update_fraction: U256,
}

#[derive(Debug, Deserialize)]
struct Account {
    balance: U256,
    nonce: U256,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

impl Fixture {
    /// Why this test is passed over, if so.
    pub(crate) fn skip(&self) -> Option<String> {
        let known = matches!(self.network.as_str(), "Osaka" | "BPO1" | "BPO2");
        (!known).then(|| format!("rules {}", self.network))
    }

    /// The rules of its chain.
    ///
    /// # Errors
    /// When the numbers are too large.
    pub(crate) fn rules(&self) -> eyre::Result<Rules> {
        let fork = match self.network.as_str() {
            "Osaka" => ProtocolFork::Osaka,
            "BPO1" => ProtocolFork::Bpo1,
            "BPO2" => ProtocolFork::Bpo2,
            other => bail!("no rules for {other}"),
        };
        let base = BlockRules::of(fork).blobs;
        let blobs = match self.config.blob_schedule.get(&self.network) {
            None => base,
            Some(schedule) => BlobParams {
                target_blob_count: number(schedule.target)?,
                max_blob_count: number(schedule.max)?,
                update_fraction: number(schedule.base_fee_update_fraction)?.into(),
                ..base
            },
        };
        Ok(Rules { chain_id: number(self.config.chainid)?, rules: BlockRules { fork, blobs } })
    }

    /// The accounts before the first block.
    ///
    /// # Errors
    /// When a nonce is too large.
    pub(crate) fn accounts(&self) -> eyre::Result<BTreeMap<Address, GenesisAccount>> {
        self.pre.iter().map(|(address, account)| Ok((*address, account.genesis()?))).collect()
    }
}

impl Account {
    fn genesis(&self) -> eyre::Result<GenesisAccount> {
        Ok(GenesisAccount {
            balance: self.balance,
            nonce: number(self.nonce)?,
            code: self.code.clone(),
            storage: self.storage.clone(),
        })
    }
}

fn number(value: U256) -> eyre::Result<u64> {
    u64::try_from(value).ok().ok_or_eyre("a number over 64 bits")
}
