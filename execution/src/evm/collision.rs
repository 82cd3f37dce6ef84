use alloy_primitives::{Address, Bytes};
use revm::{
    Database,
    context::{ContextTr, JournalTr, journaled_state::account::JournaledAccountTr},
    handler::evm::ContextDbError,
    interpreter::{CreateInputs, CreateOutcome, Gas, InstructionResult, InterpreterResult},
    primitives::constants::CALL_STACK_LIMIT,
};

/// A database that tells whether an account had storage before the transaction.
pub(crate) trait StorageKnown: Database {
    /// Whether any slot of the account was set.
    fn has_storage(&mut self, address: Address) -> Result<bool, Self::Error>;
}

/// How a creation fails over an account with storage but neither nonce nor code (EIP-7610), which revm does not look for;
/// none when it is another creation. Such accounts came about before EIP-161; none is on L2.
///
/// What it reads is what revm reads next: a creation that fails for its depth, its value or its creator's nonce does not
/// read the account.
pub(crate) fn with_storage<C>(
    context: &mut C,
    depth: usize,
    create: &CreateInputs,
) -> Result<Option<CreateOutcome>, ContextDbError<C>>
where
    C: ContextTr<Db: StorageKnown>,
{
    if depth > usize::try_from(CALL_STACK_LIMIT).unwrap_or(usize::MAX) {
        return Ok(None);
    }
    let creator = context.journal_mut().load_account(create.caller())?;
    let (balance, nonce) = (creator.info.balance, creator.info.nonce);
    if balance < create.value() || nonce == u64::MAX {
        return Ok(None);
    }
    let target = create.created_address(nonce);
    if !context.db_mut().has_storage(target)? {
        return Ok(None);
    }
    let now = context.journal_mut().load_account(target)?;
    // With a nonce or code it is revm that sees the collision.
    if now.info.nonce != 0 || !now.info.is_empty_code_hash() {
        return Ok(None);
    }
    context.journal_mut().load_account_mut(create.caller())?.bump_nonce();
    Ok(Some(failure(create)))
}

/// As revm's for an account that has a nonce or code.
fn failure(create: &CreateInputs) -> CreateOutcome {
    let gas = Gas::new_with_regular_gas_and_reservoir(create.gas_limit(), create.reservoir());
    CreateOutcome {
        result: InterpreterResult {
            result: InstructionResult::CreateCollision,
            gas,
            output: Bytes::new(),
        },
        address: None::<Address>,
        charged_create_state_gas: create.charged_create_state_gas(),
    }
}
