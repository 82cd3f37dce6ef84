//! Asks L1.

use alloy::{
    network::{Ethereum, TransactionBuilder},
    providers::Provider,
    rpc::types::{TransactionRequest, state::AccountOverride},
    sol_types::SolCall,
    transports::TransportError,
};
use alloy_primitives::{Address, Bytes, map::AddressHashMap};

use super::DeployError;

/// Gas of a constructor that is only simulated: the most that a transaction may have (EIP-7825).
const CONSTRUCTOR_GAS: u64 = 1 << 24;

pub(super) async fn chain_id<P: Provider<Ethereum>>(provider: &P) -> Result<u64, DeployError> {
    provider.get_chain_id().await.map_err(refused("eth_chainId"))
}

pub(super) async fn code<P: Provider<Ethereum>>(
    provider: &P,
    address: Address,
) -> Result<Bytes, DeployError> {
    provider.get_code_at(address).await.map_err(refused("eth_getCode"))
}

/// Asks a contract.
pub(super) async fn call<P: Provider<Ethereum>, C: SolCall>(
    provider: &P,
    address: Address,
    call: &C,
) -> Result<C::Return, DeployError> {
    let answer = raw_call(provider, address, call.abi_encode().into()).await?;
    C::abi_decode_returns_validate(&answer)
        .map_err(|source| DeployError::Answer { address, source })
}

/// What an address answers to bytes.
pub(super) async fn raw_call<P: Provider<Ethereum>>(
    provider: &P,
    address: Address,
    input: Bytes,
) -> Result<Bytes, DeployError> {
    let request = TransactionRequest::default().with_to(address).with_input(input);
    provider.call(request).await.map_err(refused("eth_call"))
}

/// The code that creation code leaves at an address, immutables and all: it is run there in a simulation. None if L1 refuses or
/// the constructor reverts, which the caller can't tell apart.
pub(super) async fn simulated<P: Provider<Ethereum>>(
    provider: &P,
    address: Address,
    creation_code: Bytes,
) -> Result<Bytes, TransportError> {
    let request = TransactionRequest::default().with_to(address).with_gas_limit(CONSTRUCTOR_GAS);
    let there = AccountOverride::default().with_code(creation_code);
    let overrides: AddressHashMap<_> = [(address, there)].into_iter().collect();
    provider.call(request).overrides(overrides).await
}

fn refused(action: &'static str) -> impl FnOnce(TransportError) -> DeployError {
    move |source| DeployError::Transport { action, source }
}
