//! The command line of `l1-node`.

mod fork;

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use alloy_primitives::{U256, hex};
use clap::Parser;
use recourse_rpc::{Origin, Origins};
use tokio_util::sync::CancellationToken;

pub use fork::ForkArgs;

use crate::{Config, DEV_MNEMONIC, Handle, Mining, StartError, config::ETHER, spawn};

/// An Ethereum L1 with the EXECUTE precompile, for development.
#[derive(Debug, Clone, Parser)]
#[command(name = "l1-node", version)]
pub struct Args {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
    /// Port of JSON-RPC and of the beacon API; 0 takes a free one.
    #[arg(short, long, default_value_t = 8545)]
    pub port: u16,
    /// EIP-155 chain id [default: 31337, or that of the forked chain].
    #[arg(long)]
    pub chain_id: Option<u64>,
    /// Seconds from block to block; without it, or with 0, each transaction gets its block at once.
    #[arg(short, long, value_name = "SECONDS", default_value_t = 0)]
    pub block_time: u64,
    /// Mine on request only (evm_mine).
    #[arg(long, visible_alias = "no-mine", conflicts_with = "block_time")]
    pub no_mining: bool,
    /// Number of prefunded accounts.
    #[arg(short, long, default_value_t = 10)]
    pub accounts: u32,
    /// Balance of each prefunded account, in ether.
    #[arg(long, default_value_t = 10_000)]
    pub balance: u64,
    /// BIP-39 phrase of the prefunded accounts.
    #[arg(short, long, default_value = DEV_MNEMONIC)]
    pub mnemonic: String,
    /// Timestamp of the genesis block in seconds since 1970 [default: now]; on a fork the time that it is at the start [default:
    /// the fork block's].
    #[arg(long)]
    pub timestamp: Option<u64>,
    /// Gas limit of every block [default: 60000000, or that of the fork block].
    #[arg(long)]
    pub gas_limit: Option<u64>,
    /// Base fee of the genesis block in wei per gas [default: 1 gwei], or of the first block after the fork [default: what follows
    /// from the fork block].
    #[arg(long, visible_alias = "block-base-fee-per-gas")]
    pub base_fee: Option<u64>,
    /// The safe block is so many blocks behind the head, the finalized one twice as many.
    #[arg(long, default_value_t = 32)]
    pub slots_in_an_epoch: u64,
    /// The finalized block is so many blocks behind the head, the safe one half as many [default: twice --slots-in-an-epoch].
    #[arg(long, value_name = "BLOCKS")]
    pub finality_lag: Option<u64>,
    /// States of so many newest blocks are kept for calls and proofs.
    #[arg(long, default_value_t = 4096)]
    pub state_history: usize,
    /// So many newest blocks are kept in memory, 256 at least; what asks for older ones is told so [default: all].
    #[arg(long, value_name = "BLOCKS", visible_alias = "transaction-block-keeper")]
    pub block_history: Option<usize>,
    /// Keep the chain in this file, which is made if absent, and take it up from there at the start.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Begin with this genesis file (as geth writes it) instead; its forks are in force, and there are no prefunded accounts.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["state", "fork_url"])]
    pub genesis: Option<PathBuf>,
    /// Take in the blocks of this file (RLP, one after another), each executed and held against its header.
    #[arg(long, value_name = "FILE", requires = "genesis")]
    pub import: Option<PathBuf>,
    /// A web page that may call, such as https://app.example; * for all. May be given several times. Pages of this machine and
    /// browser extensions always may.
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<Origin>,
    /// Calls a second from one address, and as many at once; the calls of a batch count each [default: no limit].
    #[arg(long, value_name = "N")]
    pub max_calls_per_second: Option<NonZeroU32>,
    /// Seconds of chain time that blobs are served; by default 4,096 epochs of mainnet.
    #[arg(long, value_name = "SECONDS", default_value_t = 4096 * 32 * 12)]
    pub blob_retention: u64,
    /// Print no banner, only the line with the address.
    #[arg(short, long)]
    pub quiet: bool,
    /// The chain to fork.
    #[command(flatten)]
    pub fork: ForkArgs,
}

/// Why the program ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Its address could not be printed.
    #[error("cannot write to standard output")]
    Output(#[from] std::io::Error),
}

impl From<&Args> for Config {
    fn from(args: &Args) -> Self {
        let mining = match args.block_time {
            _ if args.no_mining => Mining::Manual,
            0 => Mining::Automatic,
            seconds => Mining::Interval(Duration::from_secs(seconds)),
        };
        Self {
            listen: SocketAddr::from((args.host, args.port)),
            fork: args.fork.config(),
            chain_id: args.chain_id,
            mining,
            accounts: args.accounts,
            balance: U256::from(args.balance).saturating_mul(ETHER),
            mnemonic: args.mnemonic.clone(),
            genesis_timestamp: args.timestamp,
            gas_limit: args.gas_limit,
            base_fee: args.base_fee,
            slots_in_an_epoch: args.slots_in_an_epoch,
            finality_lag: args.finality_lag,
            state_history: args.state_history,
            block_history: args.block_history,
            state: args.state.clone(),
            genesis: args.genesis.clone(),
            import: args.import.clone(),
            origins: Origins::of(&args.allow_origin),
            max_calls_per_second: args.max_calls_per_second,
            blob_retention: Duration::from_secs(args.blob_retention),
            ..Self::default()
        }
    }
}

/// Runs a node until `shutdown` is cancelled. Prints one line `listening on ADDRESS:PORT` as
/// soon as it takes calls.
///
/// # Errors
/// When the node cannot start.
pub async fn run(args: Args, shutdown: CancellationToken) -> Result<(), RunError> {
    let handle = spawn(Config::from(&args)).await?;
    print(&args, &handle)?;
    shutdown.cancelled().await;
    tracing::info!("stopping");
    handle.shutdown().await;
    Ok(())
}

/// The keys are those of a published phrase, or of one that the caller has just typed.
fn print(args: &Args, handle: &Handle) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if !args.quiet {
        writeln!(out, "Mnemonic: {}", args.mnemonic)?;
        writeln!(out, "Chain id: {}", handle.chain_id())?;
        for (index, account) in handle.accounts().iter().enumerate() {
            let key = hex::encode_prefixed(account.private_key());
            writeln!(out, "({index}) {} {key}", account.address())?;
        }
    }
    writeln!(out, "listening on {}", handle.address())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn flags_are_what_foundry_users_type() {
        Args::command().debug_assert();
        let args = Args::parse_from([
            "l1-node",
            "-p",
            "0",
            "-a",
            "3",
            "-b",
            "2",
            "-q",
            "-f",
            "http://127.0.0.1:1/secret",
            "--rpc-url",
            "http://127.0.0.1:2",
            "--fork-block",
            "7",
            "--fork-header",
            "Authorization: Bearer key",
        ]);
        let config = Config::from(&args);
        assert_eq!((config.listen.port(), config.accounts), (0, 3));
        assert_eq!(config.mining, Mining::Interval(Duration::from_secs(2)));
        let fork = config.fork.unwrap();
        assert_eq!((fork.urls.len(), fork.block), (2, Some(7)));
        let shown = format!("{args:?}{fork:?}");
        assert!(
            !shown.contains("Bearer") && !shown.contains("secret"),
            "keys are not shown: {shown}"
        );
        assert!(Args::try_parse_from(["l1-node", "--fork-block", "7"]).is_err(), "of which chain?");
        let nameless = ["l1-node", "-f", "http://a", "--fork-header", "Bearer"];
        assert!(Args::try_parse_from(nameless).is_err());
    }
}
