//! L1 through any Ethereum JSON-RPC endpoint over HTTP.

mod check;
mod client;
mod error;
mod retry;
mod types;

pub use client::L1Client;
pub use error::L1Error;
pub use retry::RetryPolicy;
pub(crate) use types::Header;
pub use types::{BlockRef, Fees};
