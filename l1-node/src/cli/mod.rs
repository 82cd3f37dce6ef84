//! The command line of `l1-node`.

mod fork;

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use alloy_primitives::{U256, hex};
use clap::Parser;
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
    #[arg(long, default_value_t = 8545)]
    pub port: u16,
    /// EIP-155 chain id [default: 31337, or that of the forked chain].
    #[arg(long)]
    pub chain_id: Option<u64>,
    /// Seconds from block to block; without it, or with 0, each transaction gets its block at once.
    #[arg(long, default_value_t = 0)]
    pub block_time: u64,
    /// Mine on request only (evm_mine).
    #[arg(long, conflicts_with = "block_time")]
    pub no_mining: bool,
    /// Number of prefunded accounts.
    #[arg(long, default_value_t = 10)]
    pub accounts: u32,
    /// Balance of each prefunded account, in ether.
    #[arg(long, default_value_t = 10_000)]
    pub balance: u64,
    /// BIP-39 phrase of the prefunded accounts.
    #[arg(long, default_value = DEV_MNEMONIC)]
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
    /// Keep the chain in this file, which is made if absent, and take it up from there at the start.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// The chain to fork.
    #[command(flatten)]
    pub fork: ForkArgs,
    /// Print no banner, only the line with the address.
    #[arg(long)]
    pub quiet: bool,
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
            state: args.state.clone(),
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
