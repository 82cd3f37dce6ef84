//! The command line, checked.

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use recourse_node::{lifecycle::Secret, tx::TxPolicy};
use recourse_protocol::RollupConfig;

use crate::{Args, ConfigError, Thresholds};

const GWEI: u128 = 1_000_000_000;

/// All that the watchtower needs, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The deployment.
    pub rollup: RollupConfig,
    /// JSON-RPC of L1.
    pub l1_rpc: String,
    /// JSON-RPC of L1 that confirms inputs before a challenge.
    pub l1_check_rpc: String,
    /// Beacon APIs.
    pub beacons: Vec<String>,
    /// Pays bonds and gas; its `Debug` shows the address alone.
    pub signer: PrivateKeySigner,
    /// Folder of the store.
    pub data_dir: PathBuf,
    /// Forget the L2 state in it, and derive everything again.
    pub rederive: bool,
    /// Threads that derive L2; none: as many as there are cores.
    pub threads: Option<NonZeroUsize>,
    /// Where /health and /metrics are served.
    pub http_addr: SocketAddr,
    /// Between two looks at the head of L1.
    pub poll_interval: Duration,
    /// How transactions are sent.
    pub transactions: TxPolicy,
    /// When the watchtower calls itself unhealthy.
    pub thresholds: Thresholds,
    /// Moves built at once.
    pub workers: usize,
    /// For transactions in flight at the end.
    pub drain_timeout: Duration,
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let signer = signer(&args)?;
        let text = std::fs::read_to_string(&args.config)
            .map_err(|source| ConfigError::Unreadable { path: args.config.clone(), source })?;
        let rollup = RollupConfig::from_toml(&text)?;
        at_least("--poll-interval", 1, args.poll_interval)?;
        at_least("--max-lag", args.poll_interval.div_ceil(1_000), args.max_lag)?;
        at_least("--workers", 1, args.workers.into())?;
        at_least("--max-fee-per-gas", 1, args.max_fee_per_gas)?;
        at_least("--max-fee-per-blob-gas", 1, args.max_fee_per_blob_gas)?;
        let bonds = rollup.limits.claim_bond.saturating_add(rollup.limits.challenge_bond);
        let thresholds = Thresholds {
            head_age: (args.max_head_age > 0).then(|| Duration::from_secs(args.max_head_age)),
            lag: Duration::from_secs(args.max_lag),
            // Time enough to mend it before an answer is late.
            behind: Duration::from_secs((rollup.periods.response_period / 4).max(args.max_lag)),
            balance: bonds.saturating_mul(alloy_primitives::U256::from(args.reserve_bonds)),
        };
        let poll_interval = Duration::from_millis(args.poll_interval);
        let transactions = TxPolicy {
            poll_interval,
            max_fee_per_gas: u128::from(args.max_fee_per_gas).saturating_mul(GWEI),
            max_fee_per_blob_gas: u128::from(args.max_fee_per_blob_gas).saturating_mul(GWEI),
            ..TxPolicy::default()
        };
        Ok(Self {
            rollup,
            transactions,
            poll_interval,
            l1_check_rpc: args.l1_check_rpc.unwrap_or_else(|| args.l1_rpc.clone()),
            l1_rpc: args.l1_rpc,
            beacons: args.l1_beacon,
            signer,
            data_dir: args.data_dir,
            rederive: args.rederive,
            threads: args.threads,
            http_addr: args.http_addr,
            thresholds,
            workers: usize::try_from(args.workers).unwrap_or(usize::MAX),
            drain_timeout: Duration::from_secs(args.drain_timeout),
        })
    }
}

fn at_least(flag: &'static str, expected: u64, got: u64) -> Result<(), ConfigError> {
    if got >= expected { Ok(()) } else { Err(ConfigError::TooSmall { flag, expected, got }) }
}

fn signer(args: &Args) -> Result<PrivateKeySigner, ConfigError> {
    let secret = match (&args.key_file, &args.key_env) {
        (Some(file), _) => Secret::from_file(file),
        (None, Some(name)) => Secret::from_env(name),
        (None, None) => return Err(ConfigError::NoKey),
    };
    let secret = secret.map_err(|source| ConfigError::Key(Box::new(source)))?;
    // The parser's error may quote the key, so it is not kept.
    secret.expose().trim().parse().map_err(|_quoting| ConfigError::BadKey)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use recourse_protocol::{
        BatchIndex, Checkpoint, Contracts, DeploymentConfig, GenesisConfig, L2Config, Limits,
        Periods,
    };

    use super::*;

    const KEY: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

    fn rollup() -> RollupConfig {
        let nowhere = alloy_primitives::Address::ZERO;
        RollupConfig {
            l1_chain_id: 1,
            l2: L2Config {
                chain_id: 2,
                gas_limit: 1 << 28,
                block_time: 1,
                max_witness_bytes: 1 << 20,
            },
            contracts: Contracts {
                inbox: nowhere,
                rollup: nowhere,
                verifier: nowhere,
                chunk_store: nowhere,
                bridge: nowhere,
                deploy_block: 0,
            },
            deployment: DeploymentConfig::default(),
            periods: Periods {
                challenge_window: 9,
                response_period: 9,
                force_delay: 9,
                withdrawal_delay: 9,
            },
            limits: Limits { arity: 4095, levels: 2, ..crate::games::empty().limits },
            genesis: GenesisConfig {
                checkpoint: Checkpoint { batch: BatchIndex(1), ..Checkpoint::default() },
                alloc: Default::default(),
            },
        }
    }

    fn config(key: &str, more: &[&str]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (rollup, key) = (file("r.toml", &rollup().to_toml().unwrap()), file("key", key));
        let needed = ["x", "--config", &rollup, "--l1-rpc", "http://a", "--l1-beacon", "http://b"];
        let rest = ["--data-dir", "d", "--key-file", &key];
        Config::try_from(Args::parse_from(needed.iter().chain(&rest).chain(more)))
    }

    #[test]
    fn defaults_are_good() {
        let config = config(KEY, &[]).unwrap();
        assert_eq!(config.l1_check_rpc, "http://a");
        // Four times a claim's bond and a challenge's.
        assert_eq!(config.thresholds.balance, alloy_primitives::U256::from(4 * (10 + 3)));
        assert_eq!(config.transactions.max_fee_per_gas, 500 * GWEI);
    }

    #[test]
    fn the_key_is_never_shown() {
        let config = config(KEY, &[]).unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("59c6995e"), "{shown}");
        assert!(!shown.contains(&format!("{:?}", config.signer.to_bytes())));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = config("0x59c6", &[]).unwrap_err();
        assert!(matches!(error, ConfigError::BadKey));
        assert!(!format!("{error:?} {error}").contains("59c6"));
        let too_small = [("--workers", "0"), ("--poll-interval", "0"), ("--max-lag", "1")];
        for (wrong, value) in too_small {
            let error = config(KEY, &[wrong, value]).unwrap_err();
            assert!(matches!(error, ConfigError::TooSmall { flag, .. } if flag == wrong));
        }
    }
}
