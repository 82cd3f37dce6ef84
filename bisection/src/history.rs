//! A party's own history, and where a revealed one leaves it.

use recourse_protocol::{CheckpointHash, StepIndex, bindings::Segment};

use crate::{RevealedGap, Shape};

/// A party's own checkpoint hashes over the range of a claim: position 0 is the parent's checkpoint, position
/// [`History::steps`] the start of the batch after the claim's. An implementation computes each checkpoint at
/// most once.
pub trait History {
    /// How many steps the true history has.
    fn steps(&self) -> u64;
    /// The hash at a position; none past the end, where nothing that a claim says is true.
    fn hash(&self, at: StepIndex) -> Option<CheckpointHash>;
}

impl<H: History + ?Sized> History for &H {
    fn steps(&self) -> u64 {
        (**self).steps()
    }

    fn hash(&self, at: StepIndex) -> Option<CheckpointHash> {
        (**self).hash(at)
    }
}

impl<H: History + ?Sized> History for std::sync::Arc<H> {
    fn steps(&self) -> u64 {
        (**self).steps()
    }

    fn hash(&self, at: StepIndex) -> Option<CheckpointHash> {
        (**self).hash(at)
    }
}

/// Whether the own history has this hash at this position.
#[must_use]
pub fn agrees(own: &impl History, at: StepIndex, hash: CheckpointHash) -> bool {
    own.hash(at) == Some(hash)
}

/// A gap of a revealed segment whose left end the own history has and whose right end it has not. Takes that the
/// segment itself is such a gap, else there may be none to find: the answer is none when its ends contradict that.
///
/// Binary search: about log2(arity) own checkpoints. A lie may come back to the truth and leave it again, then
/// any one departure is as good as the first: each is a false step or contains one.
#[must_use]
pub fn false_gap(
    own: &impl History,
    segment: &Segment,
    arity: u32,
    elements: &[CheckpointHash],
) -> Option<RevealedGap> {
    let shape = Shape::of(segment, arity)?;
    let agreed = |index: u32| -> Option<bool> {
        let element = *elements.get(usize::try_from(index).ok()?)?;
        Some(agrees(own, shape.position(index)?, element))
    };
    let (mut agreed_at, mut differs_at) = (0, shape.gaps());
    if !agreed(agreed_at)? || agreed(differs_at)? {
        return None;
    }
    while differs_at.saturating_sub(agreed_at) > 1 {
        let middle = agreed_at.midpoint(differs_at);
        if agreed(middle)? {
            agreed_at = middle;
        } else {
            differs_at = middle;
        }
    }
    RevealedGap::of(segment, arity, agreed_at, elements)
}

/// Whether every element of a reveal that means something is true.
#[must_use]
pub fn is_true_reveal(
    own: &impl History,
    segment: &Segment,
    arity: u32,
    elements: &[CheckpointHash],
) -> bool {
    Shape::of(segment, arity).is_some_and(|shape| {
        elements.len() > usize::try_from(shape.gaps()).unwrap_or(usize::MAX)
            && shape.waypoints().zip(elements).all(|(at, hash)| agrees(own, at, *hash))
    })
}
