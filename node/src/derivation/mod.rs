//! L2, derived from L1 alone.

mod batch;
mod chain;
mod derive;
mod error;
mod genesis;
mod kept;
mod recalled;
mod run;

pub use batch::{DerivedBatch, DerivedBlock, Included};
pub use chain::Chain;
pub use derive::Derivation;
pub use error::DerivationError;
pub use genesis::genesis_state;
