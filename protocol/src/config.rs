//! The rollup's configuration: one TOML file that deployment writes and both daemons read.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::{Checkpoint, MAX_TX_GAS};

/// The least `arity ^ levels`: the longest batch that six blobs can carry, with room.
const LEAST_STEPS: u64 = (1 << 24) - (1 << 15);
/// The least `max_witness_bytes`, in bytes; StepVerifier's constructor holds the same.
pub const LEAST_WITNESS_BYTES: u32 = 1 << 19;
/// What `max_witness_bytes` is by default, in bytes, and at most; StepVerifier's constructor takes no more.
pub const DEFAULT_WITNESS_BYTES: u32 = 1 << 20;

/// All that a node must know of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RollupConfig {
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// The L2.
    pub l2: L2Config,
    /// Where the contracts are.
    pub contracts: Contracts,
    /// What they were made with beside what else stands here.
    pub deployment: DeploymentConfig,
    /// Clocks, in seconds of L1 time.
    pub periods: Periods,
    /// The dissection's shape and the bonds.
    pub limits: Limits,
    /// The start of the L2.
    pub genesis: GenesisConfig,
}

/// Constants of L2 execution; the StepVerifier pins them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct L2Config {
    /// Chain id of L2.
    pub chain_id: u64,
    /// Gas limit of every block; at least 2^24.
    pub gas_limit: u64,
    /// Least seconds between two blocks; at least 1.
    pub block_time: u64,
    /// Bytes of state that a transaction may use (the provability rule); 2^19 to 2^20.
    pub max_witness_bytes: u32,
}

/// Addresses on L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Contracts {
    /// The Inbox.
    pub inbox: Address,
    /// The Rollup.
    pub rollup: Address,
    /// The StepVerifier.
    pub verifier: Address,
    /// The ChunkStore.
    pub chunk_store: Address,
    /// The Bridge, which pays withdrawals.
    pub bridge: Address,
    /// The L1 block that deployed the Inbox: no event is older.
    pub deploy_block: u64,
}

/// What the contracts were made with beside the constants, clocks and limits: with it, all their addresses can be computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeploymentConfig {
    /// Of the CREATE2 that made the Deployment; tells rollups apart that are equal otherwise.
    pub salt: B256,
    /// Who alone may append while active; zero for a based rollup.
    pub sequencer: Address,
    /// ERC-20 on L1 that pays for L2 gas; zero for ether.
    pub gas_token: Address,
}

/// Clocks, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Periods {
    /// How long a claim can be challenged.
    pub challenge_window: u64,
    /// How long a challenged owner has to reveal.
    pub response_period: u64,
    /// How long the sequencer may be silent, and how old a view may get unseen.
    pub force_delay: u64,
    /// From the confirmation of a claim to the first withdrawal that is paid against it.
    pub withdrawal_delay: u64,
}

/// The dissection's shape and the bonds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Gaps that one reveal shows at most; 2 to 4,095.
    pub arity: u32,
    /// Reveals that the longest claim needs.
    pub levels: u8,
    /// Bond of a claim, in wei.
    pub claim_bond: U256,
    /// Bond of a challenge, in wei.
    pub challenge_bond: U256,
    /// Fee that a forced transaction burns, in wei.
    pub force_fee: U256,
    /// Least deposit, in gwei.
    pub min_deposit_gwei: u64,
    /// Who staged a byte that a fraud proof used gets so much for it, in wei, out of the dead claim's bond.
    pub chunk_reward: U256,
}

/// The start of the L2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GenesisConfig {
    /// The checkpoint that every claim descends from.
    pub checkpoint: Checkpoint,
    /// Accounts beside the predeploys.
    #[serde(default)]
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

/// An account that exists from the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GenesisAccount {
    /// In wei.
    #[serde(default)]
    pub balance: U256,
    /// Nonce.
    #[serde(default)]
    pub nonce: u64,
    /// Code; empty for none.
    #[serde(default)]
    pub code: Bytes,
    /// Storage; zero values are left out of the state.
    #[serde(default)]
    pub storage: BTreeMap<B256, U256>,
}

/// A configuration is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is no configuration.
    #[error("not a rollup configuration")]
    Malformed(#[source] Box<toml::de::Error>),
    /// The configuration can't be written.
    #[error("the configuration can't be written as TOML")]
    Unwritable(#[source] Box<toml::ser::Error>),
    /// A value is out of its range.
    #[error("{field}: expected {expected}, got {got}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// Its range.
        expected: &'static str,
        /// The value.
        got: String,
    },
}

impl RollupConfig {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first thing that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|e| ConfigError::Malformed(Box::new(e)))?;
        config.check()?;
        Ok(config)
    }

    /// Writes a configuration.
    ///
    /// # Errors
    /// [`ConfigError::Unwritable`] for numbers past TOML's 63 bits.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string_pretty(self).map_err(|e| ConfigError::Unwritable(Box::new(e)))
    }

    /// Checks every range; the contracts' constructors hold the same ones, but of what the genesis state holds, which they do
    /// not know.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] for the first value out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let l2 = &self.l2;
        in_range("l2.gas-limit", "at least 2^24", l2.gas_limit, l2.gas_limit >= MAX_TX_GAS)?;
        in_range("l2.block-time", "at least 1 second", l2.block_time, l2.block_time >= 1)?;
        let bytes = l2.max_witness_bytes;
        let provable = (LEAST_WITNESS_BYTES..=DEFAULT_WITNESS_BYTES).contains(&bytes);
        in_range("l2.max-witness-bytes", "2^19 to 2^20", bytes, provable)?;
        let (arity, levels) = (self.limits.arity, self.limits.levels);
        in_range("limits.arity", "2 to 4095", arity, (2..=4095).contains(&arity))?;
        let steps = u64::from(arity).saturating_pow(levels.into());
        in_range("limits.levels", "arity^levels >= 2^24 - 2^15", levels, steps >= LEAST_STEPS)?;
        let Periods { challenge_window: window, response_period: response, .. } = self.periods;
        in_range("periods.challenge-window", "at least 1 second", window, window >= 1)?;
        in_range("periods.response-period", "at least 1 second", response, response >= 1)?;
        let (claim, challenge) = (self.limits.claim_bond, self.limits.challenge_bond);
        in_range("limits.claim-bond", "at least 2 wei", claim, claim >= U256::from(2))?;
        in_range("limits.challenge-bond", "at least 1 wei", challenge, !challenge.is_zero())?;
        let at = &self.genesis.checkpoint;
        let start = (at.batch.0, at.blob, at.offset, at.open) == (1, 0, 0, false);
        in_range("genesis.checkpoint.batch", "a closed checkpoint at (1, 0, 0)", at.batch, start)?;
        // So that no balance ever overflows: `EXECUTE` does not say what happens then.
        let balances = self.genesis.alloc.values().map(|account| account.balance);
        let supply = balances.fold(U256::ZERO, U256::saturating_add);
        in_range("genesis.alloc", "at most 2^200 wei together", supply, supply <= MOST_SUPPLY)
    }
}

/// 2^200.
const MOST_SUPPLY: U256 = U256::from_limbs([0, 0, 0, 1 << 8]);

fn in_range(
    field: &'static str,
    expected: &'static str,
    got: impl ToString,
    holds: bool,
) -> Result<(), ConfigError> {
    if holds {
        Ok(())
    } else {
        Err(ConfigError::OutOfRange { field, expected, got: got.to_string() })
    }
}
