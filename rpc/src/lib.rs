#![doc = include_str!("../README.md")]

mod active;
mod api;
mod block;
mod bounded;
mod chain;
mod connections;
mod draft;
mod error;
mod estimate;
mod filters;
mod gate;
mod heavy;
mod invalid;
mod limits;
mod methods;
mod origins;
mod rates;
mod resolve;
mod revert;
mod routes;
mod scratch;
mod server;

pub use api::{Args, method, module};
pub use block::{Bodies, MinedBlock};
pub use chain::{AccountView, BlockPoint, Call, Chain, ChainEvent, Fees, Finality, TxLocation};
pub use error::{ChainError, Rejection};
pub use gate::{Gate, Passage};
pub use methods::calls::estimate_gas;
pub use origins::{Origin, OriginError, Origins};
pub use routes::{Reply, Routes};
pub use scratch::Scratch;
pub use server::{RunningServer, ServerOptions, serve};
