//! Every byte string is a tape; every batch ends; no checkpoint makes the step function panic.

use proptest::prelude::*;
use recourse_protocol::{BatchIndex, Checkpoint, StepError, step};

use crate::{
    checkpoint::any_checkpoint,
    toy::{CONFIG, Toy, genesis, one_batch, run, view},
};

/// Bytes that look like a tape now and then.
fn tape() -> impl Strategy<Value = Vec<u8>> {
    let chunk = prop_oneof![
        (990u64..1_130, 0u32..3).prop_map(|(t, v)| {
            let mut item = vec![1];
            item.extend(t.to_be_bytes());
            item.extend(v.to_be_bytes());
            item
        }),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|raw| {
            let mut item = vec![2, 0, 0, raw.len() as u8];
            item.extend(raw);
            item
        }),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(chunk, 0..30).prop_map(|chunks| chunks.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_batch_ends_at_the_start_of_the_next(
        blobs in prop::collection::vec(tape(), 0..3),
        min_view in 0u32..2,
        forced in 0u64..4,
        deposits in 0u64..40,
        second in 1_000u64..1_100,
    ) {
        let slices: Vec<_> = blobs.iter().map(Vec::as_slice).collect();
        let views = [view(1_000, 0, 0), view(second, forced, deposits)];
        let steps = run(&one_batch(&slices, min_view, views));
        let end = steps.last().unwrap().1.post;
        prop_assert!(end.ends_batch(BatchIndex(1)));
        prop_assert!(end.forced_done <= forced && end.deposits_done <= deposits);
        prop_assert!(end.timestamp <= second.max(1_000));
        // A new checkpoint each step: a proof of one step can't stand for another.
        let hashes: std::collections::HashSet<_> = steps.iter().map(|(pre, _)| pre.h248()).collect();
        prop_assert_eq!(hashes.len(), steps.len());
    }

    #[test]
    fn debts_are_paid_when_there_is_time(forced in 0u64..4, deposits in 0u64..40, garbage in tape()) {
        let views = [view(1_000, forced, deposits), view(1_090, forced, deposits)];
        let steps = run(&one_batch(&[&garbage], 1, views));
        // Views at 1,090 s, batch at 1,090 s: one block fits exactly, sixteen deposits.
        let end = steps.last().unwrap().1.post;
        prop_assert_eq!(end.view.0, 1);
        prop_assert_eq!(end.deposits_done, deposits.min(16));
        prop_assert_eq!(end.forced_done, forced.min(3));
    }

    #[test]
    fn no_checkpoint_panics(
        wild in any_checkpoint(),
        batch in 0u64..3,
        blob in 0u32..3,
        offset in prop_oneof![0u32..60, Just(126_975u32), Just(126_976), any::<u32>()],
        view_index in 0u32..3,
        bytes in tape(),
    ) {
        let inputs = one_batch(&[&bytes, &bytes], 1, [view(1_000, 1, 1), view(1_100, 3, 20)]);
        let cursor = Checkpoint { batch: BatchIndex(batch), blob, offset, ..wild };
        let near = Checkpoint { view: recourse_protocol::ViewIndex(view_index), ..cursor };
        let real = Checkpoint { offset, blob, open: wild.open, ..genesis() };
        for pre in [wild, cursor, near, real] {
            match step(&pre, &inputs, &CONFIG, &mut Toy) {
                Ok(taken) => prop_assert_ne!(taken.post, pre),
                Err(StepError::NoBatch(index)) => prop_assert_eq!(index, pre.batch),
                Err(StepError::Unreachable(_) | StepError::Input(_)) => {}
                Err(StepError::Execution(never)) => match never {},
            }
        }
    }
}
