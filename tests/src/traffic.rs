//! Varied L2 transactions.

use alloy::{
    consensus::{SignableTransaction, TxEnvelope, TxLegacy},
    eips::{eip2718::Encodable2718, eip7702::Authorization},
    network::{TransactionBuilder, TransactionBuilder7702, TxSignerSync},
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::{SignerSync, local::PrivateKeySigner},
};
use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use eyre::OptionExt;

use crate::Wallet;

/// Creates [`NOTEBOOK`].
const NOTEBOOK_INIT: &[u8] = &hex!("60158060095f395ff336156011576020355f35555f355f5fa1005b5f5ffd");

/// Runtime code that writes the second word of its input to the slot named by the first one and logs that name; reverts
/// without input:
/// `CALLDATASIZE ISZERO PUSH1 17 JUMPI | PUSH1 32 CALLDATALOAD PUSH0 CALLDATALOAD SSTORE |
/// PUSH0 CALLDATALOAD PUSH0 PUSH0 LOG1 STOP | JUMPDEST PUSH0 PUSH0 REVERT`.
pub const NOTEBOOK: &[u8] = &hex!("36156011576020355f35555f355f5fa1005b5f5ffd");

/// Deploys a [`NOTEBOOK`].
///
/// # Errors
/// When L2 refuses it.
pub async fn create_notebook(wallet: &Wallet) -> eyre::Result<(Address, TransactionReceipt)> {
    let tx = TransactionRequest::default().with_deploy_code(Bytes::from_static(NOTEBOOK_INIT));
    let receipt = wallet.send(tx).await?;
    Ok((receipt.contract_address.ok_or_eyre("no contract was created")?, receipt))
}

/// Writes `value` to `slot` of a notebook; zero deletes.
#[must_use]
pub fn write(notebook: Address, slot: u64, value: u64) -> TransactionRequest {
    let words = [U256::from(slot).to_be_bytes::<32>(), U256::from(value).to_be_bytes::<32>()];
    TransactionRequest::default().with_to(notebook).with_input(words.concat())
}

/// A call of a notebook that reverts; its gas is given, since no estimate is to be had.
#[must_use]
pub fn revert(notebook: Address) -> TransactionRequest {
    TransactionRequest::default().with_to(notebook).with_gas_limit(60_000)
}

/// A transfer.
#[must_use]
pub fn transfer(to: Address, wei: u64) -> TransactionRequest {
    TransactionRequest::default().with_to(to).with_value(U256::from(wei))
}

/// An EIP-7702 transaction of `wallet` that makes `authority` run a notebook's code, and writes into its storage.
///
/// # Errors
/// When L2 can't be asked, or signing fails.
pub async fn delegate(
    wallet: &Wallet,
    authority: &PrivateKeySigner,
    notebook: Address,
) -> eyre::Result<TransactionRequest> {
    let nonce = wallet.provider().get_transaction_count(authority.address()).await?;
    let chain_id = U256::from(wallet.provider().get_chain_id().await?);
    let authorization = Authorization { chain_id, address: notebook, nonce };
    let signature = authority.sign_hash_sync(&authorization.signature_hash())?;
    let call = write(authority.address(), 7, 7).with_gas_limit(200_000);
    Ok(call.with_authorization_list(vec![authorization.into_signed(signature)]))
}

/// A signed legacy transfer, to be put on the tape by hand.
///
/// # Errors
/// When signing fails.
pub fn raw_transfer(
    from: &PrivateKeySigner,
    chain_id: u64,
    nonce: u64,
    to: Address,
    wei: u64,
) -> eyre::Result<Bytes> {
    let mut tx = TxLegacy {
        chain_id: Some(chain_id),
        nonce,
        gas_price: 2_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(to),
        value: U256::from(wei),
        input: Bytes::new(),
    };
    let signature = from.sign_transaction_sync(&mut tx)?;
    Ok(TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into())
}
