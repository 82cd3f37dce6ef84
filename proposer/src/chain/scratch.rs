//! A state to try L2 blocks on.

use alloy_consensus::Header;
use alloy_evm::{EvmEnv, precompiles::PrecompilesMap};
use alloy_primitives::{Address, B256, U256, keccak256, map::AddressMap};
use recourse_execution::{AccountPatch, FlatAccount, Schedule, block_env, cfg_env};
use recourse_protocol::{L2Config, bindings::BlockContext};
use recourse_rpc::{ChainError, Scratch};
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    database::{AccountState, CacheDB, DbAccount},
    precompile::{PrecompileSpecId, Precompiles},
    state::{Account, AccountInfo, Bytecode},
};

use super::calls::{ReadError, StateDb};

/// A state of its own, with the rules of the L2.
#[derive(Debug, Clone)]
pub struct Scratchpad {
    db: CacheDB<StateDb>,
    l2: L2Config,
}

impl Scratchpad {
    /// On this state.
    pub(super) fn new(db: StateDb, l2: L2Config) -> Self {
        Self { db: CacheDB::new(db), l2 }
    }
}

/// What execution must know of a block.
pub(super) fn context_of(header: &Header, chain_id: u64) -> BlockContext {
    BlockContext {
        chainId: chain_id,
        number: header.number,
        timestamp: header.timestamp,
        gasLimit: header.gas_limit,
        baseFee: U256::from(header.base_fee_per_gas.unwrap_or_default()),
        prevRandao: header.mix_hash,
        coinbase: header.beneficiary,
    }
}

impl Scratch for Scratchpad {
    fn env(&self, header: &Header) -> EvmEnv {
        let context = context_of(header, self.l2.chain_id);
        let rules = Schedule::osaka().at(context.timestamp);
        // A base fee comes from a header's 64 bits, which is all that the environment asks for.
        let block_env = block_env(&context).unwrap_or_default();
        EvmEnv { cfg_env: cfg_env(self.l2.chain_id, rules), block_env }
    }

    fn precompiles(&mut self, env: &EvmEnv, _base_fee: u64) -> Result<PrecompilesMap, ChainError> {
        let spec = PrecompileSpecId::from_spec_id(env.cfg_env.spec);
        Ok(PrecompilesMap::from_static(Precompiles::new(spec)))
    }

    fn has_requests(&self) -> bool {
        false
    }

    fn root(&self) -> Result<B256, ChainError> {
        let touched = || {
            let accounts = self.db.cache.accounts.iter();
            accounts.filter(|(_, account)| account.account_state != AccountState::None)
        };
        let cleared = |account: &DbAccount| {
            matches!(
                account.account_state,
                AccountState::StorageCleared | AccountState::NotExisting
            )
        };
        let mut gone: Vec<_> = touched()
            .filter(|(_, account)| cleared(account))
            .map(|(address, _)| AccountPatch {
                key: keccak256(address),
                account: None,
                slots: Vec::new(),
            })
            .collect();
        let mut patches: Vec<_> = touched()
            .filter(|(_, account)| account.account_state != AccountState::NotExisting)
            .map(|(address, account)| patch(*address, account))
            .collect();
        gone.sort_unstable_by_key(|patch| patch.key);
        patches.sort_unstable_by_key(|patch| patch.key);
        let state = self.db.db.state.patched(gone).map_err(ChainError::internal)?;
        Ok(state.patched(patches).map_err(ChainError::internal)?.root())
    }

    fn remember(&mut self, number: u64, hash: B256) {
        self.db.cache.block_hashes.insert(U256::from(number), hash);
    }
}

fn patch(address: Address, account: &DbAccount) -> AccountPatch {
    let info = &account.info;
    let flat = FlatAccount { nonce: info.nonce, balance: info.balance, code_hash: info.code_hash };
    let mut slots: Vec<_> = account
        .storage
        .iter()
        .map(|(slot, value)| (keccak256(B256::from(*slot)), *value))
        .collect();
    slots.sort_unstable();
    // EIP-161: what is empty is not there.
    let account = (!info.is_empty()).then_some(flat);
    AccountPatch { key: keccak256(address), account, slots }
}

impl DatabaseRef for Scratchpad {
    type Error = ReadError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        self.db.basic_ref(address)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, ReadError> {
        self.db.code_by_hash_ref(hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, ReadError> {
        self.db.storage_ref(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, ReadError> {
        self.db.block_hash_ref(number)
    }
}

impl Database for Scratchpad {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        self.db.basic(address)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, ReadError> {
        self.db.code_by_hash(hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadError> {
        self.db.storage(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        self.db.block_hash(number)
    }
}

impl DatabaseCommit for Scratchpad {
    fn commit(&mut self, changes: AddressMap<Account>) {
        self.db.commit(changes);
    }
}
