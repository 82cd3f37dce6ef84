//! `MinimalNativeRollup.sol` on a node with the real EXECUTE.

mod attacks;
mod blocks;
mod proposer;
mod races;
