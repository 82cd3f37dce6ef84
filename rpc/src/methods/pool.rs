//! The pool: `txpool_*`, with geth's shapes.

use std::collections::BTreeMap;

use alloy_consensus::{Transaction as _, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, U64};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use serde_json::{Value, json};

use crate::{
    BlockPoint, Chain, ChainError,
    api::{Api, Args, method},
    methods::transactions::unmined,
};

/// Transactions of one sender by nonce.
type Nonces = BTreeMap<String, Value>;

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "txpool_status", |api, _| -> Result<Value, _> {
        let (mut pending, mut queued) = (0_u64, 0_u64);
        sort(api, None, |_, _, _, ready| {
            let count = if ready { &mut pending } else { &mut queued };
            *count = count.saturating_add(1);
            Ok(())
        })?;
        Ok(json!({ "pending": U64::from(pending), "queued": U64::from(queued) }))
    })?;
    method(module, "txpool_content", |api, _| -> Result<Value, _> {
        let Pool { pending, queued } = read(api, None)?;
        Ok(json!({ "pending": pending, "queued": queued }))
    })?;
    method(module, "txpool_contentFrom", |api, args: &mut Args<'_>| -> Result<Value, _> {
        let sender = args.required::<Address>("address")?;
        let Pool { mut pending, mut queued } = read(api, Some(sender))?;
        let name = sender.to_string();
        let one = |all: &mut BTreeMap<String, Nonces>| all.remove(&name).unwrap_or_default();
        Ok(json!({ "pending": one(&mut pending), "queued": one(&mut queued) }))
    })
}

/// What can be mined at once, and what waits for an earlier nonce, by sender.
#[derive(Default)]
struct Pool {
    pending: BTreeMap<String, Nonces>,
    queued: BTreeMap<String, Nonces>,
}

fn told(tx: Recovered<TxEnvelope>) -> Result<Value, ChainError> {
    let mut value = serde_json::to_value(unmined(tx)).map_err(ChainError::internal)?;
    if let Some(fields) = value.as_object_mut() {
        fields.entry("blockTimestamp").or_insert(Value::Null);
    }
    Ok(value)
}

fn read<C: Chain>(api: &Api<C>, only: Option<Address>) -> Result<Pool, ChainError> {
    let mut pool = Pool::default();
    sort(api, only, |sender, nonce, tx, ready| {
        let part = if ready { &mut pool.pending } else { &mut pool.queued };
        part.entry(sender.to_string()).or_default().insert(nonce.to_string(), told(tx)?);
        Ok(())
    })?;
    Ok(pool)
}

/// Goes through the pool by sender and nonce; the last argument says whether a transaction can be mined at once.
fn sort<C: Chain>(
    api: &Api<C>,
    only: Option<Address>,
    mut each: impl FnMut(Address, u64, Recovered<TxEnvelope>, bool) -> Result<(), ChainError>,
) -> Result<(), ChainError> {
    let mut senders: BTreeMap<Address, BTreeMap<u64, Recovered<TxEnvelope>>> = BTreeMap::new();
    for tx in api.chain.pool()? {
        if only.is_none_or(|only| only == tx.signer()) {
            senders.entry(tx.signer()).or_default().insert(tx.nonce(), tx);
        }
    }
    for (sender, nonces) in senders {
        let head = BlockPoint::Number(api.chain.head());
        let mut next = api.chain.account(head, sender)?.nonce;
        for (nonce, tx) in nonces {
            let ready = nonce == next;
            next = next.saturating_add(u64::from(ready));
            each(sender, nonce, tx, ready)?;
        }
    }
    Ok(())
}
