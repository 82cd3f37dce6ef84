#![doc = include_str!("../README.md")]

mod block;
mod chain;
mod error;

pub use block::{Bodies, MinedBlock};
pub use chain::{
    AccountView, BlockPoint, Call, Chain, ChainEvent, Fees, Finality, Trace, TxLocation,
};
pub use error::{ChainError, Rejection};
