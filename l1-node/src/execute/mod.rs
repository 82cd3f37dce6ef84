//! EXECUTE, the precompile that makes this L1 one for native rollups.

mod meter;
mod price;

pub(crate) use meter::Meter;
pub(crate) use price::{Price, next_excess};

/// Slot of 0x0101 that holds the excess.
pub(crate) const EXCESS_SLOT: u64 = 0;
