//! Newtypes for numbers and hashes that must not be mixed.

use alloy_primitives::B256;
use derive_more::{Display, From, Into};
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Display, From, Into,
            Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);
    };
}

id! {
    /// Position of a checkpoint in a claim's history: 0 is the parent's checkpoint.
    StepIndex(u64)
}
id! {
    /// Number of a batch in the Inbox; the first is 1.
    BatchIndex(u64)
}
id! {
    /// Number of a view of L1 in the Inbox; the constructor records 0.
    ViewIndex(u32)
}
id! {
    /// `h248`: the keccak of an ABI-encoded checkpoint with its first byte zeroed.
    CheckpointHash(B256)
}
id! {
    /// What a claim says: hash of parent content, batch hash, checkpoint hash and steps.
    ContentHash(B256)
}
id! {
    /// One owner's bonded claim of a content.
    AttemptId(B256)
}
id! {
    /// A segment of an attempt that was challenged or revealed.
    SegmentId(B256)
}
