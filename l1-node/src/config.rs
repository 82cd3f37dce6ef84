//! What an L1 node is started with.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use alloy_primitives::{Address, U256, address};
use recourse_rpc::Origins;

use crate::ForkConfig;

/// The mnemonic that every Ethereum dev chain uses. Its keys are public.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Wei of one ether.
pub(crate) const ETHER: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// What an L1 node is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address of JSON-RPC and of the beacon API; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The chain that this one forks; it begins with a genesis block of its own without.
    pub fork: Option<ForkConfig>,
    /// EIP-155 chain id; that of the forked chain or 31,337 if absent.
    pub chain_id: Option<u64>,
    /// When blocks are mined.
    pub mining: Mining,
    /// Number of prefunded dev accounts.
    pub accounts: u32,
    /// Balance of each dev account, in wei.
    pub balance: U256,
    /// BIP-39 phrase of the dev accounts, at `m/44'/60'/0'/0/i`.
    pub mnemonic: String,
    /// Timestamp of the genesis block in seconds since 1970, the wall clock's if absent. On a fork the time that it is when
    /// the chain begins, the fork block's if absent.
    pub genesis_timestamp: Option<u64>,
    /// Gas limit of every block; that of the fork block or 60,000,000 if absent.
    pub gas_limit: Option<u64>,
    /// Base fee of the genesis block in wei per gas, 1 gwei if absent. On a fork that of the first block after it, which follows
    /// from the fork block if absent.
    pub base_fee: Option<u64>,
    /// Fee recipient of every block.
    pub coinbase: Address,
    /// The `safe` block is so many blocks behind the head, the `finalized` one twice as many.
    pub slots_in_an_epoch: u64,
    /// The `finalized` block is so many blocks behind the head instead, the `safe` one half as many.
    pub finality_lag: Option<u64>,
    /// States of so many newest blocks are kept for calls and proofs.
    pub state_history: usize,
    /// So many newest blocks are kept, with their transactions and receipts, beside the first one; all if absent. 256 are the
    /// least (`BLOCKHASH` names them), and never fewer than lie behind the head up to the finalized one.
    pub block_history: Option<usize>,
    /// A file that keeps the chain over restarts; it is made if absent. In memory only without it.
    pub state: Option<PathBuf>,
    /// A genesis file as geth writes it, in place of the chain id, the accounts and the first block; such a chain is in
    /// memory only.
    pub genesis: Option<PathBuf>,
    /// A file of RLP blocks that follow the genesis file's.
    pub import: Option<PathBuf>,
    /// Web pages that may call.
    pub origins: Origins,
    /// Calls a second from one address; no limit without.
    pub max_calls_per_second: Option<NonZeroU32>,
    /// Blobs are served for so long after their block, in chain time.
    pub blob_retention: Duration,
}

/// When blocks are mined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mining {
    /// One block for each transaction, at once.
    Automatic,
    /// A block each time so much real time has passed, empty or not.
    Interval(Duration),
    /// Only on request.
    Manual,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            fork: None,
            chain_id: None,
            mining: Mining::Automatic,
            accounts: 10,
            balance: ETHER.saturating_mul(U256::from(10_000)),
            mnemonic: DEV_MNEMONIC.to_owned(),
            genesis_timestamp: None,
            gas_limit: None,
            base_fee: None,
            coinbase: address!("0x00000000000000000000000000000000c0ffee00"),
            slots_in_an_epoch: 32,
            finality_lag: None,
            state_history: 4096,
            block_history: None,
            state: None,
            genesis: None,
            import: None,
            origins: Origins::Local,
            max_calls_per_second: None,
            // 4,096 epochs of 32 slots of 12 seconds, as on mainnet.
            blob_retention: Duration::from_secs(4096 * 32 * 12),
        }
    }
}

impl Config {
    /// How many blocks the finalized one is behind the head.
    pub(crate) fn finality_lag(&self) -> u64 {
        self.finality_lag.unwrap_or_else(|| self.slots_in_an_epoch.saturating_mul(2))
    }
}
