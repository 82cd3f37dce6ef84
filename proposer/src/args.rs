//! The command line.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
};

use alloy_primitives::Address;
use clap::Parser;
use recourse_rpc::Origin;

/// Sequences a rollup: takes L2 transactions over JSON-RPC, posts them to L1 in blobs, claims the result and
/// defends its claims.
#[derive(Debug, Clone, Parser)]
#[command(name = "recourse-proposer", version)]
pub struct Args {
    /// The rollup's configuration, as deployment wrote it (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// JSON-RPC of L1, over HTTP.
    #[arg(long, value_name = "URL")]
    pub l1_rpc: String,
    /// Beacon API that serves blobs; may be given several times.
    #[arg(long, value_name = "URL", required = true)]
    pub l1_beacon: Vec<String>,
    /// File that holds the private key (32 bytes of hex) of the account that pays batches, bonds and gas.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "key_env",
        conflicts_with = "key_env"
    )]
    pub key_file: Option<PathBuf>,
    /// Environment variable that holds the private key, instead of --key-file.
    #[arg(long, value_name = "NAME")]
    pub key_env: Option<String>,
    /// Folder of the store: the journal of what is not on L1 yet, archived blobs, transactions in flight, the L2 state.
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Forget the L2 state in the data directory, and derive L2 again from L1 and the archived blobs.
    #[arg(long)]
    pub rederive: bool,
    /// Threads that derive L2 from L1 [default: as many as there are cores].
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Where L2 JSON-RPC (HTTP and WebSocket), /health and /metrics are served; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9545")]
    pub rpc_addr: SocketAddr,
    /// A web page that may call L2 JSON-RPC, such as https://app.example; * for all. May be given several times. Pages of this
    /// machine and browser extensions always may.
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<Origin>,
    /// Calls a second from one address, and as many at once; the calls of a batch count each [default: no limit].
    #[arg(long, value_name = "N")]
    pub max_calls_per_second: Option<NonZeroU32>,
    /// Seconds between two L2 blocks, at least, if there is something to put into them.
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    pub block_time: u64,
    /// Seconds after which an empty L2 block is made; 0 never.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub max_idle: u64,
    /// Seconds that a batch grows before it is posted, unless its blobs are full before.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub batch_interval: u64,
    /// Blobs of a batch, at most; 1 to 6.
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub max_blobs: usize,
    /// Full batches that may wait for L1; no block is made while there are more.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub backlog: usize,
    /// Seconds that L1 must have been silent before L2 timestamps go past its head.
    #[arg(long, value_name = "SECONDS", default_value_t = 24)]
    pub l1_patience: u64,
    /// Longest transaction taken, in bytes; at most 126972. The default has room for the longest init code (EIP-3860).
    #[arg(long, value_name = "BYTES", default_value_t = 65_536)]
    pub max_tx_bytes: usize,
    /// Transactions that may wait for a block.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub pool_size: usize,
    /// Bytes of transactions that may wait.
    #[arg(long, value_name = "BYTES", default_value_t = 67_108_864)]
    pub pool_bytes: usize,
    /// Transactions of one sender that may wait.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub pool_per_sender: usize,
    /// Coinbase of the L2 blocks made here [default: the key's account].
    #[arg(long, value_name = "ADDRESS")]
    pub fee_recipient: Option<Address>,
    /// Who gets bonds back and what challengers lose [default: the key's account].
    #[arg(long, value_name = "ADDRESS")]
    pub beneficiary: Option<Address>,
    /// Claim nothing: only sequence and post.
    #[arg(long)]
    pub no_claims: bool,
    /// Seconds of L1 time between two claims, at least.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    pub claim_interval: u64,
    /// New batches that are worth a claim.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub claim_batches: u64,
    /// Reveal the history of every claim along with it, in a blob: a response period less when it is challenged.
    #[arg(long)]
    pub reveal_at_propose: bool,
    /// Most that is paid for L1 gas, in gwei per gas.
    #[arg(long, value_name = "GWEI", default_value_t = 500)]
    pub max_fee_per_gas: u64,
    /// Most that is paid for blobs, in gwei per blob gas.
    #[arg(long, value_name = "GWEI", default_value_t = 1_000)]
    pub max_fee_per_blob_gas: u64,
    /// Milliseconds between two looks at the head of L1.
    #[arg(long, value_name = "MS", default_value_t = 2_000)]
    pub poll_interval: u64,
    /// Seconds without an answer of L1, of a batch that waits to be derived, or of nothing but failures, that are unhealthy.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub max_lag: u64,
    /// Seconds that work in progress gets when the daemon is told to stop.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub drain_timeout: u64,
    /// Log as JSON instead of text.
    #[arg(long)]
    pub log_json: bool,
    /// What is logged, in the syntax of tracing's EnvFilter.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    pub log: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(more: &[&str]) -> Result<Args, clap::Error> {
        let needed = ["recourse-proposer", "--config", "r.toml", "--l1-rpc", "http://a"];
        let rest = ["--l1-beacon", "http://b", "--data-dir", "d"];
        Args::try_parse_from(needed.iter().chain(&rest).chain(more))
    }

    #[test]
    fn exactly_one_key() {
        assert!(parse(&[]).is_err());
        assert!(parse(&["--key-file", "k", "--key-env", "K"]).is_err());
        assert_eq!(parse(&["--key-env", "K"]).unwrap().key_env.as_deref(), Some("K"));
        assert!(parse(&["--key-file", "k"]).unwrap().key_file.is_some());
    }

    #[test]
    fn the_readme_tells_every_flag_and_its_default() {
        use clap::CommandFactory as _;
        let readme = include_str!("../README.md");
        for arg in Args::command().get_arguments() {
            let Some(long) = arg.get_long() else { continue };
            let line = readme.lines().find(|line| line.contains(&format!("`--{long}`")));
            let line = line.unwrap_or_else(|| panic!("--{long} is not in the README"));
            for default in arg.get_default_values() {
                let default = default.to_str().unwrap();
                assert!(["true", "false"].contains(&default) || line.contains(default), "--{long}");
            }
        }
    }
}
