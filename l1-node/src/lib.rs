#![doc = include_str!("../README.md")]

mod accounts;
mod beacon;
mod chain;
mod cli;
mod config;
mod dev;
mod execute;
mod faults;
mod finality;
mod fork;
mod journal;
mod node;
mod service;
mod state;

pub use accounts::DevAccount;
pub use beacon::SECONDS_PER_SLOT;
pub use chain::ImportError;
pub use cli::{Args, ForkArgs, RunError, run};
pub use config::{Config, DEV_MNEMONIC, Mining};
pub use fork::{ForkConfig, ForkError};
pub use journal::JournalError;
pub use service::{Handle, StartError, spawn};
