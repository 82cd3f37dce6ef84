//! The command line.

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf};

use clap::Parser;

/// A watchtower of a rollup: derives L2 from L1 alone, kills every false claim, claims again what is true and lost
/// its owner.
#[derive(Debug, Clone, Parser)]
#[command(name = "recourse-challenger", version)]
pub struct Args {
    /// The rollup's configuration, as deployment wrote it (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// JSON-RPC of L1, over HTTP.
    #[arg(long, value_name = "URL")]
    pub l1_rpc: String,
    /// A second, independent JSON-RPC of L1: nothing is challenged before it confirms the inputs [default: --l1-rpc].
    #[arg(long, value_name = "URL")]
    pub l1_check_rpc: Option<String>,
    /// Beacon API that serves blobs; may be given several times.
    #[arg(long, value_name = "URL", required = true)]
    pub l1_beacon: Vec<String>,
    /// File that holds the private key (32 bytes of hex) of the account that pays bonds and gas.
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
    /// Folder of the store: archived blobs, L1 events, transactions in flight, the L2 state.
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Forget the L2 state in the data directory, and derive L2 again from L1 and the archived blobs.
    #[arg(long)]
    pub rederive: bool,
    /// Threads that derive L2 from L1 [default: as many as there are cores].
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Where /health and /metrics are served; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9300")]
    pub http_addr: SocketAddr,
    /// Milliseconds between two looks at the head of L1.
    #[arg(long, value_name = "MS", default_value_t = 2_000)]
    pub poll_interval: u64,
    /// Seconds, counted from its timestamp, after which L1's newest head is unhealthy; 0 never.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub max_head_age: u64,
    /// Seconds without an answer of L1, or behind it with the derivation, that are unhealthy.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub max_lag: u64,
    /// How many claims and challenges the balance must be able to bond at once; with less it is unhealthy.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub reserve_bonds: u32,
    /// Most that is paid for L1 gas, in gwei per gas.
    #[arg(long, value_name = "GWEI", default_value_t = 500)]
    pub max_fee_per_gas: u64,
    /// Most that is paid for blobs, in gwei per blob gas.
    #[arg(long, value_name = "GWEI", default_value_t = 1_000)]
    pub max_fee_per_blob_gas: u64,
    /// How many moves are built at once; each takes one CPU.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub workers: u32,
    /// Seconds that transactions in flight get when the daemon is told to stop.
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
        let needed = [
            "recourse-challenger",
            "--config",
            "r.toml",
            "--l1-rpc",
            "http://a",
            "--l1-beacon",
            "http://b",
        ];
        Args::try_parse_from(needed.iter().chain(["--data-dir", "d"].iter()).chain(more))
    }

    #[test]
    fn exactly_one_key() {
        assert!(parse(&[]).is_err());
        assert!(parse(&["--key-file", "k", "--key-env", "K"]).is_err());
        assert_eq!(parse(&["--key-env", "K"]).unwrap().key_env.as_deref(), Some("K"));
        assert!(parse(&["--key-file", "k"]).unwrap().key_file.is_some());
    }

    #[test]
    fn several_beacons() {
        let args = parse(&["--key-env", "K", "--l1-beacon", "http://c"]).unwrap();
        assert_eq!(args.l1_beacon, ["http://b", "http://c"]);
    }
}
