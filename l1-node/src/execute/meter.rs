//! EXECUTE's meter of a block, which no revert turns back.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::price::CUMULATIVE_GAS_LIMIT;

/// L2 gas that calls of one block have declared. Clones share one count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<AtomicU64>);

impl Meter {
    /// What the calls so far have declared.
    pub(crate) fn used(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// What is left for this block.
    pub(crate) fn left(&self) -> u64 {
        CUMULATIVE_GAS_LIMIT.saturating_sub(self.used())
    }

    /// Takes this much; false, and nothing taken, when it is more than is left.
    pub(crate) fn take(&self, gas: u64) -> bool {
        if gas > self.left() {
            return false;
        }
        self.0.fetch_add(gas, Ordering::Relaxed);
        true
    }
}
