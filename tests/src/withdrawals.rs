//! Money on its way from L2 to L1, as somebody with two RPC endpoints sees it.

use alloy::providers::Provider;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use eyre::OptionExt;
use recourse_protocol::{
    L2_WITHDRAWALS,
    bindings::{
        Checkpoint, IBridge,
        IL2Withdrawals::{WithdrawalRecorded, withdrawCall},
        IRollup::{Proposed, proposeCall},
        Withdrawal,
    },
};

use crate::{Network, PATIENCE, Role, Wallet, wait_for};

/// A claim with what it claims.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its event.
    pub event: Proposed,
    /// The checkpoint, as the proposer gave it in calldata.
    pub checkpoint: Checkpoint,
}

impl Wallet {
    /// Withdraws from L2; gives the message and the L2 block that recorded it.
    ///
    /// # Errors
    /// When L2 refuses it.
    pub async fn withdraw(
        &self,
        target: Address,
        value: U256,
        gas_limit: u64,
        data: Bytes,
    ) -> eyre::Result<(Withdrawal, u64)> {
        let call = withdrawCall { target, gasLimit: gas_limit, data };
        let receipt = self.transact(L2_WITHDRAWALS, &call, value).await?;
        let event = receipt.decoded_log::<WithdrawalRecorded>().ok_or_eyre("no event")?;
        let block = receipt.block_number.ok_or_eyre("no block")?;
        Ok((event.data.withdrawal, block))
    }
}

impl Network {
    /// Waits for a claim of a state that is as new as an L2 block.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn claim_over(&self, block: u64) -> eyre::Result<Claimed> {
        let wallet = self.l1_wallet(Role::Deployer)?;
        wait_for("a claim of that L2 block", PATIENCE, || async {
            for seen in wallet.events::<Proposed>(self.config().contracts.rollup).await? {
                let tx = wallet.provider().get_transaction_by_hash(seen.transaction).await?;
                let tx = tx.ok_or_eyre("the claim's transaction is gone")?;
                let call = proposeCall::abi_decode(alloy::consensus::Transaction::input(&tx))?;
                if call.checkpoint.number >= block {
                    return Ok(Some(Claimed { event: seen.event, checkpoint: call.checkpoint }));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Proves a message under a claim by `eth_getProof` of an L2 node.
    ///
    /// # Errors
    /// When the node can't.
    pub async fn prove(
        &self,
        l2: &Wallet,
        claim: &Claimed,
        message: &Withdrawal,
    ) -> eyre::Result<IBridge::withdrawCall> {
        let hash = keccak256(message.abi_encode());
        // Slot 0 of the predeploy is the mapping.
        let slot = keccak256((hash, U256::ZERO).abi_encode());
        let at = claim.checkpoint.number;
        let proof = l2.provider().get_proof(L2_WITHDRAWALS, vec![slot]).number(at).await?;
        let stored = proof.storage_proof.first().ok_or_eyre("no proof of the slot")?;
        Ok(IBridge::withdrawCall {
            withdrawal: message.clone(),
            proof: IBridge::WithdrawalProof {
                content: claim.event.content,
                checkpoint: claim.checkpoint.clone(),
                accountProof: proof.account_proof.clone(),
                storageProof: stored.proof.clone(),
            },
        })
    }

    /// Waits until a claim is confirmed, with the clocks of the game and of the bridge turned on.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn pass_withdrawal_delay(&self, attempt: B256) -> eyre::Result<()> {
        self.pass_window().await?;
        self.fate_of(attempt).await?;
        let wallet = self.l1_wallet(Role::Deployer)?;
        wallet.warp(self.config().periods.withdrawal_delay).await
    }
}
