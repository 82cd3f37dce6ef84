//! The deployment that the tests play on.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, address};
use recourse_node::derivation::genesis_state;
use recourse_protocol::{
    BatchIndex, Checkpoint, Contracts, DeploymentConfig, GENESIS_BASE_FEE, GenesisAccount,
    GenesisConfig, L2Config, Limits, Periods, RollupConfig,
};

use super::chain::{GENESIS_TIME, SECONDS_PER_BLOCK};

/// The account that has ether on L2: the address of the key 1.
pub(crate) const RICH: Address = address!("7e5f4552091a69125d5dfcb7b8c2659029395bdf");

pub(crate) fn rollup_config() -> RollupConfig {
    let rich =
        GenesisAccount { balance: U256::from(10).pow(U256::from(20)), ..GenesisAccount::default() };
    let mut genesis = GenesisConfig {
        checkpoint: Checkpoint {
            parent_hash: B256::repeat_byte(9),
            timestamp: GENESIS_TIME + SECONDS_PER_BLOCK,
            base_fee: U256::from(GENESIS_BASE_FEE),
            batch: BatchIndex(1),
            ..Checkpoint::default()
        },
        alloc: BTreeMap::from([(RICH, rich)]),
    };
    genesis.checkpoint.state_root = genesis_state(&genesis.alloc).unwrap().root();
    RollupConfig {
        l1_chain_id: 31_337,
        l2: L2Config {
            chain_id: 777,
            gas_limit: 1 << 28,
            block_time: 1,
            max_witness_bytes: 1 << 20,
        },
        contracts: Contracts {
            inbox: Address::repeat_byte(0x11),
            rollup: Address::repeat_byte(0x22),
            verifier: Address::repeat_byte(0x33),
            chunk_store: Address::repeat_byte(0x34),
            bridge: Address::repeat_byte(0x35),
            deploy_block: 1,
        },
        deployment: DeploymentConfig::default(),
        periods: Periods {
            challenge_window: 100,
            response_period: 50,
            force_delay: 40,
            withdrawal_delay: 20,
        },
        limits: Limits {
            arity: 4095,
            levels: 2,
            claim_bond: U256::from(1000),
            challenge_bond: U256::from(100),
            force_fee: U256::from(10),
            min_deposit_gwei: 5,
            chunk_reward: U256::from(1),
        },
        genesis,
    }
}
