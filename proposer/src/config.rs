//! The command line, checked.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::Address;
use recourse_node::{lifecycle::Secret, tx::TxPolicy};
use recourse_protocol::RollupConfig;
use recourse_rpc::Origins;

use crate::{
    Args, ConfigError,
    chain::ChainSettings,
    claims::ClaimSettings,
    pool::{Limits, MAX_TX_BYTES},
    producer::ProducerSettings,
};

/// Blobs that one L1 transaction carries at most (EIP-7594).
const MAX_BLOBS: usize = 6;
const GWEI: u128 = 1_000_000_000;
/// What the smallest useful transaction limit must let through: a signed transfer.
const LEAST_TX_BYTES: usize = 256;

/// All that the proposer needs, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The deployment.
    pub rollup: RollupConfig,
    /// JSON-RPC of L1.
    pub l1_rpc: String,
    /// Beacon APIs.
    pub beacons: Vec<String>,
    /// Pays batches, bonds and gas; its `Debug` shows the address alone.
    pub signer: PrivateKeySigner,
    /// Folder of the store.
    pub data_dir: PathBuf,
    /// Forget the L2 state in it, and derive everything again.
    pub rederive: bool,
    /// Threads that derive L2; none: as many as there are cores.
    pub threads: Option<NonZeroUsize>,
    /// Where JSON-RPC is served.
    pub rpc_addr: SocketAddr,
    /// Web pages that may call it.
    pub origins: Origins,
    /// Calls a second from one address; no limit without.
    pub max_calls_per_second: Option<NonZeroU32>,
    /// Between two L2 blocks.
    pub block_time: Duration,
    /// How blocks and batches are made.
    pub producer: ProducerSettings,
    /// The L2 chain and its pool.
    pub chain: ChainSettings,
    /// How claims are made; none: not at all.
    pub claims: Option<ClaimSettings>,
    /// Between two looks at the head of L1.
    pub poll_interval: Duration,
    /// How transactions are sent.
    pub transactions: TxPolicy,
    /// Without L1, or behind it, for longer, the daemon is unhealthy.
    pub max_lag: Duration,
    /// For work in progress at the end.
    pub drain_timeout: Duration,
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        check(&args)?;
        let signer = signer(&args)?;
        let text = std::fs::read_to_string(&args.config)
            .map_err(|source| ConfigError::Unreadable { path: args.config.clone(), source })?;
        let rollup = RollupConfig::from_toml(&text)?;
        let own = signer.address();
        Ok(Self {
            block_time: Duration::from_secs(args.block_time),
            producer: producer(&args, &rollup, own),
            chain: chain(&args, &rollup, own),
            claims: claims(&args, own),
            poll_interval: Duration::from_millis(args.poll_interval),
            transactions: transactions(&args),
            max_lag: Duration::from_secs(args.max_lag),
            drain_timeout: Duration::from_secs(args.drain_timeout),
            rollup,
            l1_rpc: args.l1_rpc,
            beacons: args.l1_beacon,
            signer,
            data_dir: args.data_dir,
            rederive: args.rederive,
            threads: args.threads,
            rpc_addr: args.rpc_addr,
            origins: Origins::of(&args.allow_origin),
            max_calls_per_second: args.max_calls_per_second,
        })
    }
}

fn check(args: &Args) -> Result<(), ConfigError> {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let blobs = (1..=MAX_BLOBS).contains(&args.max_blobs);
    in_range("--max-blobs", "1 to 6", count(args.max_blobs), blobs)?;
    let bytes = (LEAST_TX_BYTES..=MAX_TX_BYTES).contains(&args.max_tx_bytes);
    in_range("--max-tx-bytes", "256 to 126972", count(args.max_tx_bytes), bytes)?;
    let positive = [
        ("--block-time", args.block_time),
        ("--pool-size", count(args.pool_size)),
        ("--pool-per-sender", count(args.pool_per_sender)),
        ("--pool-bytes", count(args.pool_bytes)),
        ("--claim-batches", args.claim_batches),
        ("--poll-interval", args.poll_interval),
        ("--max-lag", args.max_lag),
        ("--max-fee-per-gas", args.max_fee_per_gas),
        ("--max-fee-per-blob-gas", args.max_fee_per_blob_gas),
    ];
    positive.into_iter().try_for_each(|(flag, got)| in_range(flag, "at least 1", got, got >= 1))
}

fn in_range(
    flag: &'static str,
    expected: &'static str,
    got: u64,
    holds: bool,
) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::OutOfRange { flag, expected, got }) }
}

fn producer(args: &Args, rollup: &RollupConfig, own: Address) -> ProducerSettings {
    ProducerSettings {
        l2: rollup.l2,
        fee_recipient: args.fee_recipient.unwrap_or(own),
        max_blobs: args.max_blobs,
        force_delay: rollup.periods.force_delay,
        max_idle: (args.max_idle > 0).then(|| Duration::from_secs(args.max_idle)),
        batch_interval: Duration::from_secs(args.batch_interval),
        l1_patience: Duration::from_secs(args.l1_patience),
        backlog: args.backlog,
    }
}

fn chain(args: &Args, rollup: &RollupConfig, own: Address) -> ChainSettings {
    ChainSettings {
        l2: rollup.l2,
        max_tx_bytes: args.max_tx_bytes,
        pool: Limits {
            transactions: args.pool_size,
            per_sender: args.pool_per_sender,
            bytes: args.pool_bytes,
        },
        coinbase: args.fee_recipient.unwrap_or(own),
    }
}

fn claims(args: &Args, own: Address) -> Option<ClaimSettings> {
    (!args.no_claims).then(|| ClaimSettings {
        beneficiary: args.beneficiary.unwrap_or(own),
        interval: args.claim_interval,
        min_batches: args.claim_batches,
        reveal_at_once: args.reveal_at_propose,
    })
}

fn transactions(args: &Args) -> TxPolicy {
    TxPolicy {
        poll_interval: Duration::from_millis(args.poll_interval),
        max_fee_per_gas: u128::from(args.max_fee_per_gas).saturating_mul(GWEI),
        max_fee_per_blob_gas: u128::from(args.max_fee_per_blob_gas).saturating_mul(GWEI),
        ..TxPolicy::default()
    }
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
    use clap::Parser as _;

    use super::*;

    #[test]
    fn fees_are_those_of_the_policy_unless_told_otherwise() {
        let parse = |more: &[&str]| {
            let needed = ["x", "--config", "r", "--l1-rpc", "a", "--l1-beacon", "b"];
            let rest = ["--data-dir", "d", "--key-file", "k", "--poll-interval", "7"];
            Args::parse_from(needed.iter().chain(&rest).chain(more))
        };
        let poll_interval = Duration::from_millis(7);
        let expected = TxPolicy { poll_interval, ..TxPolicy::default() };
        assert_eq!(transactions(&parse(&[])), expected);
        let dear = parse(&["--max-fee-per-gas", "3", "--max-fee-per-blob-gas", "4"]);
        let (gas, blobs) = (3 * GWEI, 4 * GWEI);
        let expected = TxPolicy { max_fee_per_gas: gas, max_fee_per_blob_gas: blobs, ..expected };
        assert_eq!(transactions(&dear), expected);
        let free = parse(&["--max-fee-per-blob-gas", "0"]);
        let wrong = check(&free).unwrap_err();
        assert!(matches!(wrong, ConfigError::OutOfRange { flag: "--max-fee-per-blob-gas", .. }));
    }
}
