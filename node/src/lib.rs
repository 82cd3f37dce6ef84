#![doc = include_str!("../README.md")]

pub mod blobs;
pub mod deploy;
pub mod derivation;
pub mod health;
pub mod inbox;
pub mod l1;
pub mod lifecycle;
pub mod metrics;
pub mod mirror;
pub mod node;
mod severity;
pub mod states;
pub mod store;
pub mod tx;

pub use node::{Node, NodeConfig, NodeError, NodeState};
pub use severity::Severity;
