//! Blocks as JSON, for engines that aren't built here: each of them runs exactly what is measured here.

use std::{collections::BTreeMap, fs, path::Path};

use alloy_primitives::{Address, B256, Bytes, U256};
use eyre::WrapErr;
use revm::context::{BlockEnv, TxEnv};
use serde::Serialize;

use crate::{case::Case, flat::Account};

/// A block, the rules that it runs by, and all state that it reads. Environments are as revm writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    name: &'a str,
    spec: String,
    chain_id: u64,
    gas_used: u64,
    block: &'a BlockEnv,
    ancestors: BTreeMap<u64, B256>,
    accounts: BTreeMap<Address, FileAccount>,
    transactions: &'a [TxEnv],
}

#[derive(Serialize)]
struct FileAccount {
    nonce: u64,
    balance: U256,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

impl FileAccount {
    fn of(account: &Account) -> Self {
        let code = account.code.as_ref().map(|(_, code)| code.original_bytes());
        Self {
            nonce: account.nonce,
            balance: account.balance,
            code: code.unwrap_or_default(),
            storage: account.storage.iter().map(|(slot, value)| (*slot, *value)).collect(),
        }
    }
}

/// Writes a block to `folder/NAME.json`.
pub(crate) fn export(folder: &Path, case: &Case) -> eyre::Result<()> {
    fs::create_dir_all(folder).wrap_err("the folder to export to")?;
    let accounts = case.state.accounts.iter();
    let file = File {
        name: &case.name,
        spec: format!("{:?}", case.cfg.spec),
        chain_id: case.cfg.chain_id,
        gas_used: case.gas_used,
        block: &case.env,
        ancestors: case.state.hashes.iter().map(|(number, hash)| (*number, *hash)).collect(),
        accounts: accounts.map(|(who, account)| (*who, FileAccount::of(account))).collect(),
        transactions: &case.envs,
    };
    let path = folder.join(format!("{}.json", case.name));
    fs::write(&path, serde_json::to_vec(&file)?).wrap_err_with(|| path.display().to_string())
}
