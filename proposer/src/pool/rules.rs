//! What a transaction must hold whatever the state is.

use alloy_consensus::{
    Transaction as _, TxEnvelope,
    transaction::{Recovered, SignerRecoverable as _},
};
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};
use alloy_primitives::Bytes;
use recourse_protocol::{MAX_TX_GAS, PAYLOAD_BYTES, TX_HEADER_BYTES};
use recourse_rpc::Rejection;
use revm::{context_interface::cfg::gas::calculate_initial_tx_gas, primitives::hardfork::SpecId};

/// The longest transaction that a blob can carry, in bytes.
pub const MAX_TX_BYTES: usize = PAYLOAD_BYTES - TX_HEADER_BYTES;
/// Longest init code (EIP-3860), in bytes.
const MAX_INIT_CODE_BYTES: usize = 49_152;

/// Rules that need no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// EIP-155 chain id of the L2.
    pub chain_id: u64,
    /// The longest transaction taken, in bytes.
    pub max_tx_bytes: usize,
}

impl Rules {
    /// Decodes a transaction, recovers its sender and checks what needs no state.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, raw: &Bytes) -> Result<Recovered<TxEnvelope>, Rejection> {
        if raw.len() > self.max_tx_bytes {
            let text = format!("oversized data: {} bytes, limit {}", raw.len(), self.max_tx_bytes);
            return Err(Rejection::Invalid(text));
        }
        let tx = TxEnvelope::decode_2718_exact(raw)
            .map_err(|error| Rejection::Undecodable(error.to_string()))?;
        if tx.is_eip4844() {
            return Err(Rejection::UnsupportedType);
        }
        if tx.encoded_2718() != raw.as_ref() {
            return Err(Rejection::Undecodable("not the canonical encoding".into()));
        }
        self.check_chain(&tx)?;
        check_fields(&tx)?;
        check_gas(&tx)?;
        let signer = tx.recover_signer().map_err(|_| Rejection::InvalidSender)?;
        Ok(Recovered::new_unchecked(tx, signer))
    }

    fn check_chain(&self, tx: &TxEnvelope) -> Result<(), Rejection> {
        // Without a chain id (before EIP-155) a transaction is valid everywhere: keyless deployments need it.
        match tx.chain_id() {
            Some(got) if got != self.chain_id => {
                Err(Rejection::WrongChain { expected: self.chain_id, got })
            }
            _ => Ok(()),
        }
    }
}

fn check_fields(tx: &TxEnvelope) -> Result<(), Rejection> {
    if tx.max_priority_fee_per_gas().is_some_and(|tip| tip > tx.max_fee_per_gas()) {
        return Err(Rejection::Invalid(
            "max priority fee per gas higher than max fee per gas".into(),
        ));
    }
    if tx.nonce() == u64::MAX {
        return Err(Rejection::Invalid("nonce has max value".into()));
    }
    if tx.is_create() && tx.input().len() > MAX_INIT_CODE_BYTES {
        return Err(Rejection::Invalid("max initcode size exceeded".into()));
    }
    if tx.authorization_list().is_some_and(|list| list.is_empty()) {
        return Err(Rejection::Invalid("EIP-7702 transaction with empty auth list".into()));
    }
    Ok(())
}

fn check_gas(tx: &TxEnvelope) -> Result<(), Rejection> {
    if tx.gas_limit() > MAX_TX_GAS {
        return Err(Rejection::OverTxGas { cap: MAX_TX_GAS, got: tx.gas_limit() });
    }
    let (accounts, slots) = tx
        .access_list()
        .map_or((0, 0), |list| (list.len(), list.iter().map(|item| item.storage_keys.len()).sum()));
    let authorizations = tx.authorization_list().map_or(0, <[_]>::len);
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let needed = calculate_initial_tx_gas(
        SpecId::OSAKA,
        tx.input(),
        tx.is_create(),
        count(accounts),
        count(slots),
        count(authorizations),
        None,
    );
    let least = needed.initial_regular_gas().max(needed.floor_gas());
    if tx.gas_limit() < least {
        let text = format!("intrinsic gas too low: gas {}, minimum needed {least}", tx.gas_limit());
        return Err(Rejection::Invalid(text));
    }
    Ok(())
}
