#![doc = include_str!("../README.md")]

mod args;
pub mod chain;
mod claims;
mod config;
mod drive;
mod error;
mod health;
pub mod journal;
pub mod pool;
mod post;
pub mod producer;
mod seen;
pub mod sequence;
mod service;

pub use args::Args;
pub use claims::ClaimSettings;
pub use config::Config;
pub use error::{ConfigError, ServiceError};
pub use service::{Service, run};
