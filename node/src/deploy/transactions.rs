//! Sends what deploys, and asks what was deployed.

use alloy::sol_types::SolCall;
use alloy::{
    network::{Ethereum, TransactionBuilder},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use alloy_primitives::Address;
use recourse_protocol::{Checkpoint, ContentHash, bindings::IRollup, genesis_content};

use super::{DeployError, artifact::Contract};

/// The paying account.
#[derive(Debug)]
pub(super) struct Deployer<'a, P> {
    pub(super) provider: &'a P,
    pub(super) from: Address,
}

/// A deployed contract.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deployed {
    pub(super) address: Address,
    /// L1 block number.
    pub(super) block: u64,
}

impl<P: Provider<Ethereum>> Deployer<'_, P> {
    pub(super) async fn chain_id(&self) -> Result<u64, DeployError> {
        let action = "eth_chainId";
        self.provider
            .get_chain_id()
            .await
            .map_err(|source| DeployError::Transport { action, source })
    }

    /// Where the account's creation goes that follows so many other transactions of it.
    pub(super) async fn address_after(&self, transactions: u64) -> Result<Address, DeployError> {
        let action = "eth_getTransactionCount";
        let nonce = self
            .provider
            .get_transaction_count(self.from)
            .pending()
            .await
            .map_err(|source| DeployError::Transport { action, source })?;
        Ok(self.from.create(nonce.saturating_add(transactions)))
    }

    /// Creates a contract and waits until it stands.
    pub(super) async fn create(
        &self,
        contract: Contract,
        arguments: &[u8],
    ) -> Result<Deployed, DeployError> {
        let mut code = contract.creation_code()?;
        code.extend_from_slice(arguments);
        let request = TransactionRequest::default().with_from(self.from).with_deploy_code(code);
        let pending = self.provider.send_transaction(request).await.map_err(|source| {
            DeployError::Transport { action: "eth_sendRawTransaction", source }
        })?;
        let contract = contract.name();
        let receipt = pending
            .get_receipt()
            .await
            .map_err(|source| DeployError::Receipt { contract, source: Box::new(source) })?;
        let transaction = receipt.transaction_hash;
        match (receipt.status(), receipt.contract_address, receipt.block_number) {
            (true, Some(address), Some(block)) => {
                tracing::info!(contract, %address, %transaction, gas = receipt.gas_used, "deployed");
                Ok(Deployed { address, block })
            }
            _ => Err(DeployError::Reverted { contract, transaction }),
        }
    }

    /// Asks a contract.
    pub(super) async fn call<C: SolCall>(
        &self,
        address: Address,
        call: &C,
    ) -> Result<C::Return, DeployError> {
        let request = TransactionRequest::default().with_to(address).with_input(call.abi_encode());
        let answer = self
            .provider
            .call(request)
            .await
            .map_err(|source| DeployError::Transport { action: "eth_call", source })?;
        C::abi_decode_returns_validate(&answer)
            .map_err(|source| DeployError::Answer { address, source })
    }

    /// Checks that claims start from this checkpoint.
    pub(super) async fn confirm_tip(
        &self,
        rollup: Address,
        genesis: &Checkpoint,
    ) -> Result<(), DeployError> {
        let expected = genesis_content(genesis.h248());
        let got = ContentHash(self.call(rollup, &IRollup::tipCall {}).await?);
        if expected == got { Ok(()) } else { Err(DeployError::Tip { expected, got }) }
    }
}
