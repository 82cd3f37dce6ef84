//! The binary search: few own checkpoints, each at most once, and always a false gap.

use proptest::prelude::*;
use recourse_bisection::{History, Shape, agrees, false_gap};
use recourse_protocol::{CheckpointHash, StepIndex, bindings::Segment};

use crate::toy::{TRUTH, ToyHistory, hash};

fn whole(steps: u64, own: u64, elements: &[CheckpointHash]) -> (Segment, ToyHistory) {
    let segment = Segment {
        start: 0,
        end: steps,
        startHash: elements[0].0,
        endHash: elements.last().unwrap().0,
    };
    (segment, ToyHistory { start: 0, end: own, ..ToyHistory::default() })
}

proptest! {
    /// Whatever is shown between a true start and a false end, a departure is found, with at most
    /// log2(elements) + 3 looks at the own history and none twice.
    #[test]
    fn a_departure_is_always_found(
        steps in 2u64..20_000,
        own in 1u64..20_000,
        arity in 2u32..=4095,
        lies in proptest::collection::vec(any::<bool>(), 4096),
    ) {
        let shape = Shape::of(&Segment { end: steps, ..Segment::default() }, arity).unwrap();
        let mut elements: Vec<_> = shape
            .waypoints()
            .zip(&lies)
            .map(|(at, lie)| hash(if *lie { 1 } else { TRUTH }, at.0))
            .collect();
        elements[0] = hash(TRUTH, 0);
        *elements.last_mut().unwrap() = hash(1, steps);
        let (segment, history) = whole(steps, own, &elements);

        let gap = false_gap(&history, &segment, arity, &elements).unwrap();

        let asked = history.asked.borrow();
        prop_assert!(asked.len() as u32 <= 3 + shape.gaps().ilog2());
        prop_assert!(asked.values().all(|times| *times == 1));
        drop(asked);
        prop_assert!(agrees(&history, gap.start, gap.left));
        prop_assert!(!agrees(&history, gap.end, gap.right));
        prop_assert_eq!(gap.left, elements[gap.index as usize]);
        prop_assert_eq!(shape.position(gap.index), Some(gap.start));
    }

    /// Gaps tile a segment: they neither overlap nor leave anything out, and get narrower by the arity.
    #[test]
    fn gaps_tile_the_segment(start in 0u64..1 << 40, length in 2u64..1 << 40, arity in 2u32..=4095) {
        let segment = Segment { start, end: start + length, ..Segment::default() };
        let shape = Shape::of(&segment, arity).unwrap();
        prop_assert!(shape.gaps() >= 2 && shape.gaps() <= arity);
        let widths: Vec<u64> = (0..shape.gaps()).map(|j| shape.width(j).unwrap()).collect();
        prop_assert_eq!(widths.iter().sum::<u64>(), length);
        prop_assert!(widths.iter().all(|width| *width >= 1 && *width <= length.div_ceil(arity.into())));
        prop_assert_eq!(shape.position(0), Some(StepIndex(start)));
        prop_assert_eq!(shape.position(shape.gaps()), Some(StepIndex(start + length)));
        prop_assert_eq!(shape.width(shape.gaps()), None);
    }
}

#[test]
fn agreed_ends_have_no_departure_to_find() {
    let elements = [hash(TRUTH, 0), hash(1, 1), hash(TRUTH, 2)];
    let (segment, history) = whole(2, 2, &elements);
    assert_eq!(false_gap(&history, &segment, 4, &elements), None);
    assert_eq!(history.steps(), 2);
}

#[test]
fn a_short_blob_is_not_read_past_its_end() {
    let elements = [hash(TRUTH, 0), hash(1, 1)];
    let (segment, history) = whole(3, 3, &elements);
    assert_eq!(false_gap(&history, &segment, 4, &elements), None);
}
