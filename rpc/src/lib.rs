#![doc = include_str!("../README.md")]

mod api;
mod block;
mod chain;
mod error;
mod estimate;
mod filters;
mod gate;
mod invalid;
mod methods;
mod resolve;
mod revert;
mod routes;
mod server;

pub use api::{Args, method, module};
pub use block::{Bodies, MinedBlock};
pub use chain::{
    AccountView, BlockPoint, Call, Chain, ChainEvent, Fees, Finality, Trace, TxLocation,
};
pub use error::{ChainError, Rejection};
pub use gate::{Gate, Passage};
pub use methods::calls::estimate_gas;
pub use routes::{Reply, Routes};
pub use server::{Origins, RunningServer, ServerOptions, serve};
