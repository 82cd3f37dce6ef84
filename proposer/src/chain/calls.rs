//! Reads of the state as the EVM makes them, and execution that leaves no trace.

use alloy_eips::eip2935;
use alloy_evm::overrides::apply_state_overrides;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use recourse_execution::{State, StateError};
use recourse_protocol::MAX_TX_GAS;
use recourse_rpc::{Call, ChainError};
use revm::{
    Context, DatabaseRef, ExecuteEvm as _, MainBuilder as _, MainContext as _,
    context::result::ResultAndState,
    database::{CacheDB, DBErrorMarker},
    state::{AccountInfo, Bytecode},
};

use super::used;

/// What `BLOCKHASH` reaches.
const BLOCK_HASH_RANGE: u64 = 256;
/// Length of an EIP-7702 designator, and its first bytes.
const DELEGATION_BYTES: usize = 23;
const DELEGATION_PREFIX: [u8; 3] = [0xef, 0x01, 0x00];

/// The state as a database, in a block of this number.
#[derive(Debug, Clone)]
pub(super) struct StateDb {
    pub(super) state: State,
    pub(super) block: u64,
}

/// A read failed.
#[derive(Debug, thiserror::Error)]
#[error("the state could not be read")]
pub struct ReadError(#[from] StateError);

impl DBErrorMarker for ReadError {}

impl DatabaseRef for StateDb {
    type Error = ReadError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        let Some(account) = self.state.account(address)? else { return Ok(None) };
        Ok(Some(AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, ReadError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        // Codes of the state were deployed: each decodes, an EIP-7702 designator as such.
        Ok(Bytecode::new_raw(self.state.code(hash)?))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, ReadError> {
        Ok(self.state.storage(address, slot)?)
    }

    /// From the EIP-2935 contract, as execution does.
    fn block_hash_ref(&self, number: u64) -> Result<B256, ReadError> {
        if !self.reaches(number) {
            return Ok(B256::ZERO);
        }
        Ok(self.storage_ref(eip2935::HISTORY_STORAGE_ADDRESS, history_slot(number))?.into())
    }
}

impl StateDb {
    /// Whether `BLOCKHASH` knows a block.
    pub(super) fn reaches(&self, number: u64) -> bool {
        (1..=BLOCK_HASH_RANGE).contains(&self.block.saturating_sub(number))
    }
}

/// Where the EIP-2935 contract keeps the hash of a block.
pub(super) fn history_slot(number: u64) -> U256 {
    let window = u64::try_from(eip2935::HISTORY_SERVE_WINDOW).unwrap_or(u64::MAX);
    U256::from(number.checked_rem(window).unwrap_or_default())
}

/// Runs a call on a state and forgets what it did. One that could be a transaction fails if that would use more than
/// `max_witness_bytes` of state, for then it fails when it is mined, whatever it came to here. With more gas than a transaction
/// may have it is a read, and reads what it likes.
pub(super) fn run(
    db: StateDb,
    call: Call,
    max_witness_bytes: u32,
) -> Result<ResultAndState, ChainError> {
    let mut db = CacheDB::new(db);
    if let Some(overrides) = call.overrides {
        apply_state_overrides(overrides, &mut db)
            .map_err(|error| ChainError::InvalidParams(error.to_string()))?;
    }
    let coinbase = call.env.block_env.beneficiary;
    let is_transaction = call.tx.gas_limit <= MAX_TX_GAS;
    let mut evm = Context::mainnet()
        .with_db(db)
        .with_cfg(call.env.cfg_env)
        .with_block(call.env.block_env)
        .build_mainnet();
    let done = evm.transact(call.tx)?;
    let limit = u64::from(max_witness_bytes);
    let db = &evm.ctx.journaled_state.database;
    if is_transaction && used::exceeds(db, coinbase, limit).map_err(ChainError::internal)? {
        let text = format!("exceeds the bytes of state that a transaction may use ({limit})");
        return Err(ChainError::Halted(text));
    }
    Ok(done)
}

/// Whether a code delegates to another account (EIP-7702).
pub(super) fn is_delegation(code: &[u8]) -> bool {
    code.len() == DELEGATION_BYTES && code.starts_with(&DELEGATION_PREFIX)
}
