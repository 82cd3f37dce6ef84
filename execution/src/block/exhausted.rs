use std::collections::BTreeMap;

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, Bytes, U256};

use revm::{context::BlockEnv, context_interface::Block};

use super::{decode::Decoded, outcome::Ending};
use crate::{
    error::{ExecutionError, StateError},
    evm::TxDb,
    state::{Account, AccountChange, World},
};

/// The end of a transaction that used more bytes of state than can be proven: as if it had run out of gas. The sender pays
/// all of the gas limit, the coinbase gets its tip on it, and nothing else remains.
pub(super) fn settle(
    db: &mut TxDb<'_>,
    decoded: &Decoded,
    env: &BlockEnv,
) -> Result<((Ending, World), u64), ExecutionError> {
    db.meter_mut().lift();
    let base_fee = env.basefee;
    let gas_limit = decoded.transaction.gas_limit();
    let price = decoded.transaction.effective_gas_price(Some(base_fee));
    let tip = price.saturating_sub(base_fee.into());
    let gas = U256::from(gas_limit);
    let blob_gas = decoded.transaction.blob_gas_used().unwrap_or_default();
    let blob_price = env.blob_gasprice().unwrap_or_default();
    let blob_fee = U256::from(blob_gas).wrapping_mul(U256::from(blob_price));

    let mut accounts = BTreeMap::new();
    touch(db, &mut accounts, decoded.sender, |sender| {
        sender.nonce = sender.nonce.saturating_add(1);
        // The transaction is valid: its sender can pay, and prices and gas fit 128 and 64 bits.
        let fee = gas.wrapping_mul(U256::from(price)).saturating_add(blob_fee);
        sender.balance = sender.balance.saturating_sub(fee);
    })?;
    touch(db, &mut accounts, env.beneficiary, |coinbase| {
        let reward = gas.wrapping_mul(U256::from(tip));
        // As revm does: a balance that would overflow stays.
        if let Some(balance) = coinbase.balance.checked_add(reward) {
            coinbase.balance = balance;
        }
    })?;

    let world = db.apply(accounts)?;
    let ending = Ending {
        success: false,
        gas_used: gas_limit,
        logs: Vec::new(),
        output: Bytes::new(),
        exhausted: true,
    };
    Ok(((ending, world), gas_limit))
}

fn touch(
    db: &mut TxDb<'_>,
    changes: &mut BTreeMap<B256, AccountChange>,
    address: Address,
    with: impl FnOnce(&mut Account),
) -> Result<(), StateError> {
    let key = db.key(address);
    let before = db.account(address)?;
    let earlier = changes.remove(&key);
    let mut account = match earlier {
        Some(change) => change.after.unwrap_or_default(),
        None => before.clone().unwrap_or_default(),
    };
    with(&mut account);
    changes.insert(
        key,
        AccountChange {
            before,
            after: (!account.is_empty()).then_some(account),
            code: None,
            slots: BTreeMap::new(),
        },
    );
    Ok(())
}
