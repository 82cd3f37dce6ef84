//! What of an account is this chain's own.

use alloy_primitives::U256;
use rpds::HashTrieSetSync;

/// Which slots of a written account are this chain's own.
#[derive(Debug, Clone)]
pub(super) enum Written {
    /// All: it came into being here, or was deleted here.
    All,
    /// These; the others are still the base's.
    Slots(HashTrieSetSync<U256>),
}

impl Written {
    /// An account of the base with no slot written yet.
    pub(super) fn none() -> Self {
        Self::Slots(HashTrieSetSync::new_sync())
    }

    /// Whether this slot is this chain's own.
    pub(super) fn has(&self, slot: U256) -> bool {
        match self {
            Self::All => true,
            Self::Slots(slots) => slots.contains(&slot),
        }
    }

    /// This slot is this chain's own from now on.
    pub(super) fn add(&mut self, slot: U256) {
        if let Self::Slots(slots) = self {
            slots.insert_mut(slot);
        }
    }
}
