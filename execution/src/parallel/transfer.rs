//! Plain transfers between accounts without code: of the EVM nothing runs. What they may do and what they cost is said by
//! revm's own functions; so is why one is invalid. Whatever is not plain about one is left to the EVM.

use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, TxKind, U256};
use revm::{
    context::{
        Block, Cfg, ContextTr, Transaction, TransactionType, TxEnv,
        result::{ExecutionResult, InvalidTransaction, Output, SuccessReason},
    },
    handler::{EthPrecompiles, post_execution, pre_execution},
    interpreter::{Gas, GasTracker, InitialAndFloorGas},
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

use super::flat::FlatAccount;

/// Whom a transaction pays that does nothing else, as far as it tells itself.
pub(super) fn recipient(tx: &TxEnv, precompiles: &EthPrecompiles) -> Option<Address> {
    let TxKind::Call(to) = tx.kind else {
        return None;
    };
    let kinds = [TransactionType::Legacy, TransactionType::Eip2930, TransactionType::Eip1559];
    let plain = tx.data.is_empty()
        && kinds.contains(&TransactionType::from(tx.tx_type))
        && tx.access_list.0.is_empty()
        && tx.authorization_list.is_empty()
        && tx.blob_hashes.is_empty()
        && !precompiles.contains(&to);
    plain.then_some(to)
}

/// A plain transfer, as its sender has it.
pub(super) struct Transfer {
    /// The sender's balance after it, if it paid itself; else the value is still to be taken from that.
    pub(super) balance: U256,
    /// Gas at its end.
    pub(super) gas: Gas,
    /// What came of it.
    pub(super) result: ExecutionResult,
}

/// What a transfer costs, whose gas was validated; none when it is not plain for its sender.
///
/// # Errors
/// Why its sender may not make it: revm looks at the same in the same order.
pub(super) fn transfer<CTX: ContextTr>(
    context: &CTX,
    initial: InitialAndFloorGas,
    sender: &AccountInfo,
) -> Result<Option<Transfer>, InvalidTransaction> {
    let (tx, cfg, block) = (context.tx(), context.cfg(), context.block());
    // Transfers leave logs after that.
    if sender.code_hash != KECCAK256_EMPTY || cfg.spec().into() > SpecId::OSAKA {
        return Ok(None);
    }
    pre_execution::validate_account_nonce_and_code_with_components(sender, tx, cfg)?;
    let charged = pre_execution::calculate_caller_fee(sender.balance, tx, block, cfg)?;
    if charged < tx.value() {
        return Ok(None);
    }
    let mut gas = Gas::new(tx.gas_limit());
    let cap = cfg.tx_gas_limit_cap();
    let (remaining, reservoir) = initial.initial_gas_and_reservoir(tx.gas_limit(), cap);
    *gas.tracker_mut() = GasTracker::new(tx.gas_limit(), remaining, reservoir);
    let result_gas = post_execution::build_result_gas(false, &gas, initial);
    post_execution::eip7623_check_gas_floor(&mut gas, initial);
    // As revm's `reimburse_caller`.
    let back = if cfg.is_fee_charge_disabled() {
        U256::ZERO
    } else {
        let price = tx.effective_gas_price(u128::from(block.basefee()));
        U256::from(price.saturating_mul(u128::from(gas.remaining())))
    };
    let Some(balance) = charged.checked_add(back) else {
        return Ok(None);
    };
    let result = ExecutionResult::Success {
        reason: SuccessReason::Stop,
        gas: result_gas,
        logs: Vec::new(),
        output: Output::Call(Bytes::new()),
    };
    Ok(Some(Transfer { balance, gas, result }))
}

/// What the fee recipient gets, as revm's `reward_beneficiary` has it.
pub(super) fn reward<CTX: ContextTr>(context: &CTX, gas: &Gas) -> U256 {
    if context.cfg().is_fee_charge_disabled() {
        return U256::ZERO;
    }
    let base_fee = u128::from(context.block().basefee());
    let mut price = context.tx().effective_gas_price(base_fee);
    if context.cfg().spec().into().is_enabled_in(SpecId::LONDON) {
        price = price.saturating_sub(base_fee);
    }
    let used = gas.used().saturating_sub(gas.reservoir());
    U256::from(price).saturating_mul(U256::from(used))
}

impl FlatAccount {
    /// As revm has an account whose code is not loaded.
    pub(super) fn info(&self) -> AccountInfo {
        AccountInfo {
            balance: self.balance,
            nonce: self.nonce,
            code_hash: self.code_hash,
            code: None,
            account_id: None,
        }
    }
}
