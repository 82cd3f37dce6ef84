//! Sends what deploys, and asks what was deployed.

use alloy::sol_types::SolCall;
use alloy::{
    network::{Ethereum, TransactionBuilder},
    providers::{PendingTransactionBuilder, Provider},
    rpc::types::TransactionRequest,
};
use alloy_primitives::{Address, B256, Bytes};
use recourse_protocol::bindings::IDeployment;

use super::{CREATE2_PROXY, DeployError, Plan, artifact::Contract};

/// The paying account.
#[derive(Debug)]
pub(super) struct Deployer<'a, P> {
    pub(super) provider: &'a P,
    pub(super) from: Address,
}

impl<P: Provider<Ethereum>> Deployer<'_, P> {
    /// Brings L1 to where the plan is carried out, from wherever it stands. Others may do the same at the same time: what one
    /// of them has done, the others find done.
    pub(super) async fn carry_out(&self, plan: &Plan) -> Result<(), DeployError> {
        self.ensure_proxy().await?;
        let store = Contract::ChunkStore;
        let code = store.creation_code()?;
        self.create2(store, B256::ZERO, &code, plan.chunk_store).await?;
        let code = plan.creation_code()?;
        self.create2(Contract::Deployment, plan.salt, &code, plan.deployment).await?;
        loop {
            let done = self.created(plan.deployment).await?;
            let Some(part) = plan.parts.get(done) else { return Ok(()) };
            let create = IDeployment::createCall {
                creationCode: part.creation_code.clone(),
                links: part.links.clone(),
            };
            let request = self.request(plan.deployment, create.abi_encode().into());
            if let Err(error) = self.send(part.name, request).await
                && self.created(plan.deployment).await? == done
            {
                return Err(error);
            }
        }
    }

    /// How many parts there are.
    async fn created(&self, deployment: Address) -> Result<usize, DeployError> {
        let done = self.call(deployment, &IDeployment::createdCall {}).await?;
        Ok(done.saturating_to())
    }

    async fn create2(
        &self,
        contract: Contract,
        salt: B256,
        creation_code: &[u8],
        at: Address,
    ) -> Result<(), DeployError> {
        if !self.code(at).await?.is_empty() {
            return Ok(());
        }
        let calldata = [salt.as_slice(), creation_code].concat();
        let sent = self.send(contract.name(), self.request(CREATE2_PROXY, calldata.into())).await;
        if self.code(at).await?.is_empty() {
            sent?;
            return Err(DeployError::NotThere { contract: contract.name(), address: at });
        }
        Ok(())
    }

    fn request(&self, to: Address, input: Bytes) -> TransactionRequest {
        TransactionRequest::default().with_from(self.from).with_to(to).with_input(input)
    }

    /// Sends a transaction and waits for it.
    pub(super) async fn send(
        &self,
        what: &'static str,
        request: TransactionRequest,
    ) -> Result<(), DeployError> {
        // Asked for each time: a provider that counts by itself would count those that L1 refused, too, as it does when
        // somebody else has made the same part first.
        let action = "eth_getTransactionCount";
        let nonce = self.provider.get_transaction_count(self.from).pending().await;
        let request =
            request.with_nonce(nonce.map_err(|source| DeployError::Transport { action, source })?);
        let pending = self.provider.send_transaction(request).await.map_err(|source| {
            DeployError::Transport { action: "eth_sendRawTransaction", source }
        })?;
        self.receipt(what, pending).await
    }

    pub(super) async fn receipt(
        &self,
        what: &'static str,
        pending: PendingTransactionBuilder<Ethereum>,
    ) -> Result<(), DeployError> {
        let receipt = pending
            .get_receipt()
            .await
            .map_err(|source| DeployError::Receipt { what, source: Box::new(source) })?;
        let transaction = receipt.transaction_hash;
        if !receipt.status() {
            return Err(DeployError::Reverted { what, transaction });
        }
        tracing::info!(what, %transaction, gas = receipt.gas_used, "sent");
        Ok(())
    }

    pub(super) async fn code(&self, address: Address) -> Result<Bytes, DeployError> {
        super::reading::code(self.provider, address).await
    }

    async fn call<C: SolCall>(&self, address: Address, call: &C) -> Result<C::Return, DeployError> {
        super::reading::call(self.provider, address, call).await
    }
}
