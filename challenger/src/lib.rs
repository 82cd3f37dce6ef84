#![doc = include_str!("../README.md")]

mod args;
mod batches;
mod config;
mod errands;
mod error;
#[cfg(test)]
mod games;
mod health;
mod http;
mod inputs;
mod intent;
mod knowledge;
mod metrics;
mod priority;
mod responder;
mod retry;
mod round;
mod service;
mod shelf;
mod status;
mod tasks;
mod watch;

pub use args::Args;
pub use config::Config;
pub use error::{ConfigError, ErrandError, InputError, MoveError, ServiceError};
pub use health::{Observed, Problem, Thresholds};
pub use service::{Service, run};
