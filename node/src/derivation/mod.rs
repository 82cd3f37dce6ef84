//! L2, derived from L1 alone.

mod chain;
mod derive;
mod error;
mod genesis;

pub use chain::{Chain, DerivedBatch, DerivedBlock};
pub use derive::Derivation;
pub use error::DerivationError;
pub use genesis::genesis_state;
