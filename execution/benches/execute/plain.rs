//! The peer: plain revm over an in-memory database, which commits after each transaction. It decodes and recovers one
//! transaction after the other, with the library that EXECUTE uses.

use std::collections::{BTreeMap, BTreeSet};

use alloy_consensus::{TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::{eip2718::Decodable2718, eip2935, eip4788};
use alloy_evm::FromRecoveredTx;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use recourse_execution::{State, block::Opening, state::Code};
use recourse_protocol::bindings::Credit;
use revm::{
    Context, Database, DatabaseCommit, DatabaseRef, ExecuteCommitEvm, MainBuilder, MainContext,
    MainnetEvm, SystemCallCommitEvm,
    context::{BlockEnv, CfgEnv, ContextTr, Journal, TxEnv},
    database::{CacheDB, EmptyDB},
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

use crate::{block::Block, known::Accounts};

const WEI_PER_GWEI: u64 = 1_000_000_000;

/// All state that a block reads, by address.
pub(crate) type Touched = BTreeMap<Address, BTreeSet<U256>>;

type Evm<D> = MainnetEvm<Context<BlockEnv, TxEnv, CfgEnv, CacheDB<D>, Journal<CacheDB<D>>, ()>>;

/// revm at work on a block.
pub(crate) struct Plain<D: DatabaseRef> {
    evm: Evm<D>,
    spec: SpecId,
}

impl<D: DatabaseRef<Error: std::error::Error + Send + Sync + 'static>> Plain<D> {
    pub(crate) fn new(block: &Block, db: CacheDB<D>) -> eyre::Result<Self> {
        let mut db = db;
        for (number, hash) in &block.ancestors {
            db.cache.block_hashes.insert(U256::from(*number), *hash);
        }
        let context = Context::mainnet().with_db(db).with_cfg(block.cfg()).with_block(block.env()?);
        Ok(Self { evm: context.build_mainnet(), spec: block.rules.spec })
    }

    /// The system calls that open a block.
    pub(crate) fn open(&mut self, opening: Opening) -> eyre::Result<()> {
        if self.spec.is_enabled_in(SpecId::CANCUN) {
            let anchor = opening.anchor.0.into();
            self.evm.system_call_commit(eip4788::BEACON_ROOTS_ADDRESS, anchor)?;
        }
        if self.spec.is_enabled_in(SpecId::PRAGUE) {
            let parent = opening.parent_hash.0.into();
            self.evm.system_call_commit(eip2935::HISTORY_STORAGE_ADDRESS, parent)?;
        }
        Ok(())
    }

    /// Runs a transaction from its bytes. Gives the gas that it used.
    pub(crate) fn transact(&mut self, raw: &[u8]) -> eyre::Result<u64> {
        let (transaction, sender) = recover(raw)?;
        let env = TxEnv::from_recovered_tx(&transaction, sender);
        Ok(self.evm.transact_commit(env)?.tx_gas_used())
    }

    /// Withdrawals.
    pub(crate) fn credit(&mut self, credits: &[Credit]) -> eyre::Result<()> {
        let db = self.evm.ctx.db_mut();
        for credit in credits {
            let mut info = db.basic(credit.to)?.unwrap_or_default();
            let wei = U256::from(credit.amountGwei) * U256::from(WEI_PER_GWEI);
            info.balance += wei;
            let mut account = revm::state::Account::from(info);
            account.mark_touch();
            db.commit([(credit.to, account)].into_iter().collect());
        }
        Ok(())
    }

    pub(crate) fn touched(&mut self) -> Touched {
        let accounts = &self.evm.ctx.db_mut().cache.accounts;
        accounts
            .iter()
            .map(|(address, account)| (*address, account.storage.keys().copied().collect()))
            .collect()
    }
}

/// Decodes a transaction and finds who sent it.
pub(crate) fn recover(raw: &[u8]) -> eyre::Result<(TxEnvelope, Address)> {
    let transaction = TxEnvelope::decode_2718_exact(raw)?;
    let sender = transaction.recover_signer()?;
    Ok((transaction, sender))
}

/// What of a state a block touches, all in memory.
pub(crate) fn database(state: &State, touched: &Touched) -> eyre::Result<CacheDB<EmptyDB>> {
    let mut db = CacheDB::new(EmptyDB::default());
    for (address, slots) in touched {
        let Some(account) = state.account(*address)? else {
            continue;
        };
        db.insert_account_info(*address, info(state, account.info())?);
        for slot in slots {
            db.insert_account_storage(*address, *slot, state.storage(*address, *slot)?)?;
        }
    }
    Ok(db)
}

fn info(state: &State, info: AccountInfo) -> eyre::Result<AccountInfo> {
    let code: B256 = info.code_hash;
    if code == KECCAK256_EMPTY {
        return Ok(info);
    }
    Ok(AccountInfo { code: Some(state.code_by_hash_ref(code)?), ..info })
}

/// Accounts of which the values are known, as a database of revm's.
pub(crate) fn known(accounts: &Accounts) -> eyre::Result<CacheDB<EmptyDB>> {
    let mut db = CacheDB::new(EmptyDB::default());
    for (address, known) in accounts {
        if known.is_empty() {
            continue;
        }
        let code = Some(Code::new(known.code.clone()).bytecode().clone());
        let info = AccountInfo {
            balance: known.balance,
            nonce: known.nonce,
            code_hash: known.code_hash,
            code,
            ..AccountInfo::default()
        };
        db.insert_account_info(*address, info);
        for (slot, value) in &known.storage {
            db.insert_account_storage(*address, *slot, *value)?;
        }
    }
    Ok(db)
}
