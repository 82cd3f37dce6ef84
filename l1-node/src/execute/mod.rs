//! EXECUTE, the precompile that makes this L1 one for native rollups.

mod input;
mod meter;
mod payload;
mod precompile;
mod price;
mod worker;

pub(crate) use meter::Meter;
pub(crate) use payload::payload_precompile;
pub(crate) use precompile::precompile;
pub(crate) use price::{Price, next_excess};

/// Slot of 0x0101 that holds the excess.
pub(crate) const EXCESS_SLOT: u64 = 0;
