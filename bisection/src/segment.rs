//! Positions of a segment: which checkpoints its reveal shows.

use recourse_protocol::{CheckpointHash, StepIndex, bindings::Segment};

/// How a segment `[start, end)` is revealed under an arity: element `j` of the blob, for `j <= gaps`, is the
/// checkpoint hash at `min(start + j * stride, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    start: u64,
    end: u64,
    stride: u64,
    gaps: u32,
}

impl Shape {
    /// The shape of a segment, or none if there is nothing to reveal: fewer than two steps, or an arity below 2.
    #[must_use]
    pub const fn of(segment: &Segment, arity: u32) -> Option<Self> {
        let (start, end) = (segment.start, segment.end);
        let Some(length) = end.checked_sub(start) else { return None };
        if length < 2 || arity < 2 {
            return None;
        }
        let stride = length.div_ceil(arity as u64);
        #[expect(clippy::cast_possible_truncation, reason = "at most the arity, a u32")]
        let gaps = length.div_ceil(stride) as u32;
        Some(Self { start, end, stride, gaps })
    }

    /// Steps between two neighbours, but the last two may be nearer: `ceil((end - start) / arity)`.
    #[must_use]
    pub const fn stride(&self) -> u64 {
        self.stride
    }

    /// `k = ceil((end - start) / stride)`: elements `0..=k` mean something.
    #[must_use]
    pub const fn gaps(&self) -> u32 {
        self.gaps
    }

    /// The position of element `index`; none past the last one.
    #[must_use]
    pub fn position(&self, index: u32) -> Option<StepIndex> {
        let offset = u64::from(index).saturating_mul(self.stride);
        let at = self.start.saturating_add(offset).min(self.end);
        (index <= self.gaps).then_some(StepIndex(at))
    }

    /// The positions of all elements that mean something, in order.
    pub fn waypoints(&self) -> impl Iterator<Item = StepIndex> {
        (0..=self.gaps).filter_map(|index| self.position(index))
    }

    /// Steps from element `index` to the next one; none at the last element and past it.
    #[must_use]
    pub fn width(&self, index: u32) -> Option<u64> {
        let left = self.position(index)?;
        let right = self.position(index.checked_add(1)?)?;
        right.0.checked_sub(left.0)
    }
}

/// Two neighbouring elements of the blob that revealed a segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RevealedGap {
    /// The segment that was revealed.
    pub parent: Segment,
    /// Element of `left`; `right` is the next one.
    pub index: u32,
    /// Position of `left`.
    pub start: StepIndex,
    /// Position of `right`.
    pub end: StepIndex,
    /// Checkpoint hash at `start`.
    pub left: CheckpointHash,
    /// Checkpoint hash at `end`.
    pub right: CheckpointHash,
}

impl RevealedGap {
    /// The gap after element `index` of a revealed segment.
    #[must_use]
    pub fn of(
        parent: &Segment,
        arity: u32,
        index: u32,
        elements: &[CheckpointHash],
    ) -> Option<Self> {
        let shape = Shape::of(parent, arity)?;
        let next = index.checked_add(1)?;
        Some(Self {
            parent: parent.clone(),
            index,
            start: shape.position(index)?,
            end: shape.position(next)?,
            left: *elements.get(usize::try_from(index).ok()?)?,
            right: *elements.get(usize::try_from(next).ok()?)?,
        })
    }

    /// Whether its ends are neighbours, so that one step proves it false.
    #[must_use]
    pub const fn is_pair(&self) -> bool {
        self.end.0.saturating_sub(self.start.0) == 1
    }

    /// The segment to challenge when it is wider than one step.
    #[must_use]
    pub const fn segment(&self) -> Segment {
        Segment {
            start: self.start.0,
            end: self.end.0,
            startHash: self.left.0,
            endHash: self.right.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start: u64, end: u64) -> Segment {
        Segment { start, end, ..Segment::default() }
    }

    fn positions(start: u64, end: u64, arity: u32) -> Vec<u64> {
        let shape = Shape::of(&segment(start, end), arity).unwrap();
        shape.waypoints().map(|at| at.0).collect()
    }

    #[test]
    fn the_last_gap_may_be_narrower() {
        assert_eq!(positions(10, 20, 4), [10, 13, 16, 19, 20]);
        assert_eq!(positions(0, 5, 4), [0, 2, 4, 5]);
        assert_eq!(positions(0, 2, 4095), [0, 1, 2]);
        assert_eq!(positions(7, 16, 2), [7, 12, 16]);
    }

    #[test]
    fn one_step_has_nothing_to_reveal() {
        assert_eq!(Shape::of(&segment(3, 4), 4), None);
        assert_eq!(Shape::of(&segment(4, 3), 4), None);
        assert_eq!(Shape::of(&segment(0, 9), 1), None);
    }

    #[test]
    fn the_largest_segments_do_not_overflow() {
        let shape = Shape::of(&segment(0, u64::MAX), 4095).unwrap();
        assert_eq!(shape.position(shape.gaps()), Some(StepIndex(u64::MAX)));
        assert_eq!(shape.position(shape.gaps() + 1), None);
    }
}
