use alloy_primitives::{Address, U256};
use recourse_protocol::{
    ConfigError, Contracts, DeploymentConfig, GenesisAccount, GenesisConfig, Limits, Periods,
    RollupConfig,
};

use crate::toy::{CONFIG, genesis};

type Spoil = fn(&mut RollupConfig);

fn config() -> RollupConfig {
    let balance = U256::from(1) << 200;
    let account = GenesisAccount { balance, ..GenesisAccount::default() };
    RollupConfig {
        l1_chain_id: 31_337,
        l2: CONFIG,
        contracts: Contracts {
            inbox: Address::repeat_byte(1),
            rollup: Address::repeat_byte(2),
            verifier: Address::repeat_byte(3),
            chunk_store: Address::repeat_byte(4),
            bridge: Address::repeat_byte(5),
            deploy_block: 7,
        },
        deployment: DeploymentConfig::default(),
        periods: Periods {
            challenge_window: 60,
            response_period: 30,
            force_delay: 600,
            withdrawal_delay: 20,
        },
        limits: Limits {
            arity: 4_095,
            levels: 2,
            claim_bond: U256::from(10u64).pow(U256::from(20)),
            challenge_bond: U256::from(1),
            force_fee: U256::from(1),
            min_deposit_gwei: 100_000,
            chunk_reward: U256::from(1),
        },
        genesis: GenesisConfig {
            checkpoint: genesis(),
            alloc: [(Address::repeat_byte(9), account)].into(),
        },
    }
}

#[test]
fn toml_round_trips() {
    let text = config().to_toml().unwrap();
    assert_eq!(RollupConfig::from_toml(&text).unwrap(), config());
}

#[test]
fn values_out_of_range_are_named() {
    let cases: [(&str, Spoil); 11] = [
        ("l2.gas-limit", |c| c.l2.gas_limit = (1 << 24) - 1),
        ("l2.block-time", |c| c.l2.block_time = 0),
        ("l2.max-witness-bytes", |c| c.l2.max_witness_bytes = (1 << 19) - 1),
        ("l2.max-witness-bytes", |c| c.l2.max_witness_bytes = (1 << 20) + 1),
        ("limits.arity", |c| c.limits.arity = 4_096),
        ("limits.levels", |c| c.limits.levels = 1),
        ("limits.claim-bond", |c| c.limits.claim_bond = U256::from(1)),
        ("limits.challenge-bond", |c| c.limits.challenge_bond = U256::ZERO),
        ("periods.challenge-window", |c| c.periods.challenge_window = 0),
        ("genesis.checkpoint.batch", |c| c.genesis.checkpoint.open = true),
        ("genesis.alloc", |c| {
            let account = GenesisAccount { balance: U256::from(1), ..GenesisAccount::default() };
            c.genesis.alloc.insert(Address::repeat_byte(1), account);
        }),
    ];
    for (name, spoil) in cases {
        let mut config = config();
        spoil(&mut config);
        match config.check() {
            Err(ConfigError::OutOfRange { field, .. }) => assert_eq!(field, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn unknown_fields_and_garbage_are_refused() {
    let text = config().to_toml().unwrap();
    let unknown = format!("surprise = 1\n{text}");
    assert!(matches!(RollupConfig::from_toml(&unknown), Err(ConfigError::Malformed(_))));
    assert!(matches!(RollupConfig::from_toml("{"), Err(ConfigError::Malformed(_))));
}
