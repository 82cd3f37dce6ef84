#![doc = include_str!("../README.md")]

pub mod blobs;
pub mod health;
pub mod inbox;
pub mod l1;
pub mod lifecycle;
pub mod metrics;
pub mod mirror;
mod severity;
pub mod store;

pub use severity::Severity;
