#![doc = include_str!("../README.md")]

mod accounts;
mod anvil;
pub mod cheat;
pub mod conformance;
mod network;
mod process;
mod proxy;
pub mod published;
pub mod story;
mod stranger;
pub mod traffic;
mod upstream;
mod wallet;
mod withdrawals;

pub use accounts::{Role, l2_balance};
pub use anvil::Anvil;
pub use cheat::Lie;
pub use network::{ForkOf, Network, NetworkOptions, PATIENCE, create};
pub use process::{Daemon, ProcessError, die_with_parent};
pub use proxy::LyingL1;
pub use upstream::{ITetherLike, Upstream, token_code};
pub use wallet::{Seen, Wallet, refusal, wait_for};
pub use withdrawals::Claimed;
