//! What is chosen when a rollup is deployed.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use recourse_protocol::{
    BatchIndex, Checkpoint, Contracts, DEFAULT_CHALLENGE_BOND, DEFAULT_CHUNK_REWARD,
    DEFAULT_CLAIM_BOND, DEFAULT_WITNESS_BYTES, DeploymentConfig, GenesisAccount, GenesisConfig,
    L2Config, Limits, Periods, RollupConfig,
};

use super::{DEFAULT_L2_CHAIN_ID, DeployError};

/// Bits of a bond in the Rollup contract.
const BOND_BITS: usize = 128;
/// 1 ether in wei.
const ETHER: u64 = 1_000_000_000_000_000_000;

/// What is chosen when a rollup is deployed; nothing of it can be changed afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployParams {
    /// Constants of L2 execution.
    pub l2: L2Config,
    /// Clocks, in seconds.
    pub periods: Periods,
    /// The dissection's shape, bonds and fees.
    pub limits: Limits,
    /// Changes all addresses and nothing else: for a second rollup that is like a first one.
    pub salt: B256,
    /// Who alone may append while active; zero for a based rollup.
    pub sequencer: Address,
    /// ERC-20 on L1 that pays for L2 gas; zero for ether.
    pub gas_token: Address,
    /// Accounts of the genesis beside the predeploys.
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

impl Default for DeployParams {
    /// The defaults of `docs/protocol.md`, the bonds of `docs/money.md`; the default chain id, ether as gas, a based rollup, no accounts.
    fn default() -> Self {
        Self {
            l2: L2Config {
                chain_id: DEFAULT_L2_CHAIN_ID,
                gas_limit: 1 << 25,
                block_time: 1,
                max_witness_bytes: DEFAULT_WITNESS_BYTES,
            },
            periods: Periods {
                challenge_window: 7 * 24 * 3600,
                response_period: 36 * 3600,
                force_delay: 12 * 3600,
                withdrawal_delay: 24 * 3600,
            },
            limits: Limits {
                arity: 4095,
                levels: 2,
                claim_bond: U256::from(DEFAULT_CLAIM_BOND),
                challenge_bond: U256::from(DEFAULT_CHALLENGE_BOND),
                force_fee: U256::from(ETHER / 1000),
                min_deposit_gwei: 100_000,
                chunk_reward: U256::from(DEFAULT_CHUNK_REWARD),
            },
            salt: B256::ZERO,
            sequencer: Address::ZERO,
            gas_token: Address::ZERO,
            alloc: BTreeMap::new(),
        }
    }
}

impl DeployParams {
    /// Checks every range before anything is sent.
    ///
    /// # Errors
    /// [`DeployError::Config`] or [`DeployError::TooLarge`].
    pub(super) fn check(&self, state_root: B256) -> Result<(), DeployError> {
        let checkpoint = Checkpoint { state_root, batch: BatchIndex(1), ..Checkpoint::default() };
        let nowhere = Contracts {
            inbox: Address::ZERO,
            rollup: Address::ZERO,
            verifier: Address::ZERO,
            chunk_store: Address::ZERO,
            bridge: Address::ZERO,
            deploy_block: 0,
        };
        let genesis = GenesisConfig { checkpoint, alloc: BTreeMap::new() };
        self.rollup_config(1, nowhere, genesis).check()?;
        fits("claim-bond", self.limits.claim_bond)?;
        fits("challenge-bond", self.limits.challenge_bond)?;
        fits("chunk-reward", self.limits.chunk_reward)
    }

    pub(super) const fn rollup_config(
        &self,
        l1_chain_id: u64,
        contracts: Contracts,
        genesis: GenesisConfig,
    ) -> RollupConfig {
        RollupConfig {
            l1_chain_id,
            l2: self.l2,
            contracts,
            deployment: DeploymentConfig {
                salt: self.salt,
                sequencer: self.sequencer,
                gas_token: self.gas_token,
            },
            periods: self.periods,
            limits: self.limits,
            genesis,
        }
    }
}

/// What a deployed rollup was made from.
impl From<&RollupConfig> for DeployParams {
    fn from(config: &RollupConfig) -> Self {
        Self {
            l2: config.l2,
            periods: config.periods,
            limits: config.limits,
            salt: config.deployment.salt,
            sequencer: config.deployment.sequencer,
            gas_token: config.deployment.gas_token,
            alloc: config.genesis.alloc.clone(),
        }
    }
}

fn fits(field: &'static str, value: U256) -> Result<(), DeployError> {
    let got = value.bit_len();
    if got <= BOND_BITS {
        Ok(())
    } else {
        Err(DeployError::TooLarge { field, expected: BOND_BITS, got })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range() {
        DeployParams::default().check(B256::ZERO).unwrap();
    }

    #[test]
    fn bonds_must_fit_the_contract() {
        let mut params = DeployParams::default();
        params.limits.claim_bond = U256::from(1u64) << 128;
        let error = params.check(B256::ZERO).unwrap_err();
        assert!(matches!(
            error,
            DeployError::TooLarge { field: "claim-bond", expected: 128, got: 129 }
        ));
    }
}
