//! The command line, checked.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use recourse_node::lifecycle::Secret;
use recourse_protocol::RollupConfig;

use crate::{Args, ConfigError, Thresholds};

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
    /// Where /health and /metrics are served.
    pub http_addr: SocketAddr,
    /// Between two looks at the head of L1.
    pub poll_interval: Duration,
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
        at_least_one("--poll-interval", args.poll_interval)?;
        at_least_one("--max-lag", args.max_lag)?;
        at_least_one("--workers", args.workers.into())?;
        let bonds = rollup.limits.claim_bond.saturating_add(rollup.limits.challenge_bond);
        let thresholds = Thresholds {
            head_age: (args.max_head_age > 0).then(|| Duration::from_secs(args.max_head_age)),
            lag: Duration::from_secs(args.max_lag),
            balance: bonds.saturating_mul(alloy_primitives::U256::from(args.reserve_bonds)),
        };
        Ok(Self {
            rollup,
            l1_check_rpc: args.l1_check_rpc.unwrap_or_else(|| args.l1_rpc.clone()),
            l1_rpc: args.l1_rpc,
            beacons: args.l1_beacon,
            signer,
            data_dir: args.data_dir,
            http_addr: args.http_addr,
            poll_interval: Duration::from_millis(args.poll_interval),
            thresholds,
            workers: usize::try_from(args.workers).unwrap_or(usize::MAX),
            drain_timeout: Duration::from_secs(args.drain_timeout),
        })
    }
}

fn at_least_one(flag: &'static str, got: u64) -> Result<(), ConfigError> {
    if got >= 1 { Ok(()) } else { Err(ConfigError::TooSmall { flag, expected: 1, got }) }
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
