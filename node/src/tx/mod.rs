//! One owner of an account's nonces: sends, replaces, watches, and survives its own death.

mod actor;
mod error;
mod journal;
mod manager;
mod price;
mod request;
mod sign;
mod watch;

pub use error::{Revert, TxError};
pub use manager::TxManager;
pub use request::{TxPolicy, TxRequest};
