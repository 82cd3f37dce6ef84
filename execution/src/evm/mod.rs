//! The EVM, set up for L2: revm on top of a [`World`](crate::state::World), with the bytes of state that a transaction
//! uses counted, and with its gross gas bounded where that is asked for.

mod bound;
mod collision;
mod db;
mod env;
mod handler;
mod keys;
mod machine;
mod meter;
mod precompiles;
mod reader;

pub use env::{block_env, cfg_env};

pub(crate) use bound::GasBound;
pub(crate) use collision::{StorageKnown, with_storage};
pub(crate) use db::{TxDb, history_slot, is_recent};
pub(crate) use handler::{Engine, Ran};
pub(crate) use meter::{Meter, Used};
pub(crate) use reader::Reader;
