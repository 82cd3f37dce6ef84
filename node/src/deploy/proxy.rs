//! The deterministic deployment proxy, put on an L1 that lacks it.

use alloy::{
    network::{Ethereum, TransactionBuilder},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use alloy_primitives::{Address, U256, address, hex};

use super::{CREATE2_PROXY, DeployError, transactions::Deployer};

/// Who signed the transaction below. Nobody has the key: the signature was chosen, and the sender followed from it.
const SIGNER: Address = address!("0x3fAB184622Dc19b6109349B94811493BF2a45362");
/// What that transaction may cost at most, in wei: 100,000 gas at 100 gwei.
const COST: u64 = 100_000 * 100_000_000_000;
/// Creates the proxy. Signed without a chain id, so that it is valid on every chain.
const PRESIGNED: &[u8] = &hex!(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b80825250"
    "50506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a022222222"
    "22222222222222222222222222222222222222222222222222222222"
);

impl<P: Provider<Ethereum>> Deployer<'_, P> {
    /// Creates the proxy unless it is there, by its well-known presigned transaction. That needs an L1 that takes transactions
    /// without a chain id, and a base fee of at most 100 gwei.
    pub(super) async fn ensure_proxy(&self) -> Result<(), DeployError> {
        if !self.code(CREATE2_PROXY).await?.is_empty() {
            return Ok(());
        }
        let action = "eth_getBalance";
        let balance = self.provider.get_balance(SIGNER).await;
        let balance = balance.map_err(|source| DeployError::Transport { action, source })?;
        let missing = U256::from(COST).saturating_sub(balance);
        if !missing.is_zero() {
            let fund = TransactionRequest::default()
                .with_from(self.from)
                .with_to(SIGNER)
                .with_value(missing);
            self.send("the means of the CREATE2 proxy's signer", fund).await?;
        }
        let action = "eth_sendRawTransaction of the CREATE2 proxy's presigned transaction";
        let pending = self.provider.send_raw_transaction(PRESIGNED).await;
        let pending = pending.map_err(|source| DeployError::Transport { action, source })?;
        self.receipt("the CREATE2 proxy", pending).await
    }
}

#[cfg(test)]
mod tests {
    use alloy::eips::eip2718::Decodable2718;
    use alloy::{consensus::TxEnvelope, consensus::transaction::SignerRecoverable};

    use super::*;

    #[test]
    fn the_presigned_transaction_creates_the_proxy() {
        let tx = TxEnvelope::decode_2718_exact(PRESIGNED).unwrap();
        assert_eq!(tx.recover_signer().unwrap(), SIGNER);
        assert_eq!(SIGNER.create(0), CREATE2_PROXY);
    }
}
