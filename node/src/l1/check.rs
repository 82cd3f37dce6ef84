//! Checks before anything else is done: the right chain, the right contracts, the same rules.

use alloy::eips::BlockId;
use alloy_primitives::{Address, Bytes};
use recourse_protocol::{
    EXECUTE_ADDRESS, RollupConfig,
    bindings::{IBridge, IInbox, IRollup, IStepVerifier},
    genesis_content,
};
use serde_json::json;

use super::{L1Client, L1Error};

/// Bytes of EXECUTE's answer to a query: a price, and gas left.
const QUERY_ANSWER: usize = 64;

impl L1Client {
    /// Compares L1 with the configuration: chain id, code at the addresses, what the contracts were made
    /// with, the genesis that they accept. A node that passes over a difference would fight true claims.
    ///
    /// # Errors
    /// [`L1Error::Mismatch`] for the first difference.
    pub async fn check(&self, config: &RollupConfig) -> Result<(), L1Error> {
        same("L1 chain id", config.l1_chain_id, self.chain_id().await?)?;
        let contracts = &config.contracts;
        for (what, address) in [
            ("code of the Inbox", contracts.inbox),
            ("code of the Rollup", contracts.rollup),
            ("code of the StepVerifier", contracts.verifier),
            ("code of the ChunkStore", contracts.chunk_store),
            ("code of the Bridge", contracts.bridge),
        ] {
            self.check_code(what, address).await?;
        }
        self.check_inbox(config).await?;
        self.check_verifier(config).await?;
        self.check_rollup(config).await?;
        self.check_bridge(config).await
    }

    /// Whether this L1 has EXECUTE: a query costs little and names no claim, and an L1 without the precompile answers with
    /// nothing.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn has_execute(&self) -> Result<bool, L1Error> {
        let params = json!([{ "to": EXECUTE_ADDRESS }, "latest"]);
        // Once: nobody waits for an endpoint that does not answer this.
        let answer: Bytes = self.request_once("eth_call", params).await?;
        Ok(answer.len() == QUERY_ANSWER)
    }

    async fn check_code(&self, what: &'static str, address: Address) -> Result<(), L1Error> {
        if self.code(address).await?.is_empty() {
            return Err(L1Error::mismatch(what, format_args!("a contract at {address}"), "none"));
        }
        Ok(())
    }

    async fn check_inbox(&self, config: &RollupConfig) -> Result<(), L1Error> {
        let inbox = config.contracts.inbox;
        let got = self.call(inbox, &IInbox::configCall {}, BlockId::latest()).await?;
        same("Inbox: forceDelay", config.periods.force_delay, got.forceDelay)?;
        same("Inbox: forceFee", config.limits.force_fee, got.forceFee)?;
        same("Inbox: minDepositGwei", config.limits.min_deposit_gwei, got.minDepositGwei)?;
        same("Inbox: sequencer", config.deployment.sequencer, got.sequencer)?;
        same("Inbox: gasToken", config.deployment.gas_token, got.gasToken)?;
        same("Inbox: bridge", config.contracts.bridge, got.bridge)
    }

    async fn check_verifier(&self, config: &RollupConfig) -> Result<(), L1Error> {
        let contracts = &config.contracts;
        let call = IStepVerifier::configCall {};
        let got = self.call(contracts.verifier, &call, BlockId::latest()).await?;
        same("StepVerifier: inbox", contracts.inbox, got.inbox)?;
        same("StepVerifier: chainId", config.l2.chain_id, got.chainId)?;
        same("StepVerifier: gasLimit", config.l2.gas_limit, got.gasLimit)?;
        same("StepVerifier: blockTime", config.l2.block_time, got.blockTime)?;
        let bytes = config.l2.max_witness_bytes;
        same("StepVerifier: maxWitnessBytes", bytes, got.maxWitnessBytes)
    }

    async fn check_rollup(&self, config: &RollupConfig) -> Result<(), L1Error> {
        let contracts = &config.contracts;
        let call = IRollup::configCall {};
        let got = self.call(contracts.rollup, &call, BlockId::latest()).await?;
        same("Rollup: inbox", contracts.inbox, got.inbox)?;
        same("Rollup: verifier", contracts.verifier, got.verifier)?;
        same("Rollup: chunkStore", contracts.chunk_store, got.chunkStore)?;
        same("Rollup: arity", config.limits.arity, got.arity)?;
        same("Rollup: levels", config.limits.levels, got.levels)?;
        same("Rollup: challengeWindow", config.periods.challenge_window, got.challengeWindow)?;
        same("Rollup: responsePeriod", config.periods.response_period, got.responsePeriod)?;
        same("Rollup: claimBond", config.limits.claim_bond.to_string(), got.claimBond.to_string())?;
        let bond = config.limits.challenge_bond.to_string();
        same("Rollup: challengeBond", bond, got.challengeBond.to_string())?;
        let reward = config.limits.chunk_reward.to_string();
        same("Rollup: chunkReward", reward, got.chunkReward.to_string())?;
        let genesis = genesis_content(config.genesis.checkpoint.h248());
        let call = IRollup::contentOfCall { content: genesis.0 };
        let content = self.call(contracts.rollup, &call, BlockId::latest()).await?;
        same("Rollup: genesis content is confirmed", true, content.confirmed)
    }

    async fn check_bridge(&self, config: &RollupConfig) -> Result<(), L1Error> {
        let contracts = &config.contracts;
        let got = self.call(contracts.bridge, &IBridge::configCall {}, BlockId::latest()).await?;
        same("Bridge: rollup", contracts.rollup, got.rollup)?;
        same("Bridge: withdrawalDelay", config.periods.withdrawal_delay, got.withdrawalDelay)
    }
}

fn same<T: PartialEq + ToString>(what: &'static str, expected: T, got: T) -> Result<(), L1Error> {
    if expected == got { Ok(()) } else { Err(L1Error::mismatch(what, expected, got)) }
}
