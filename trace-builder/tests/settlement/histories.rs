//! Histories: the same from every starting point.

use std::sync::Arc;

use recourse_bisection::History;
use recourse_protocol::StepIndex;

use crate::{l1::Absent, l2};
use recourse_trace_builder::{BatchHashes, ClaimHashes, ClaimHistory, Claimable, HistoryError};

#[test]
fn a_history_can_be_re_run_from_anywhere() {
    let (l1, chain) = l2::chain(4095);
    let history = chain.claim(0, 3);
    assert_eq!(history.steps(), chain.batches.iter().map(|b| b.steps()).sum::<u64>());
    for at in (0..=history.steps()).map(StepIndex) {
        let snapshot = history.snapshot(&chain.derivation(&l1), at).unwrap();
        assert_eq!(Some(snapshot.checkpoint.h248()), history.hash(at));
        assert_eq!(snapshot.checkpoint.state_root, snapshot.state.root());
    }
    let past = StepIndex(history.steps() + 1);
    assert_eq!(history.hash(past), None);
    let error = history.snapshot(&chain.derivation(&l1), past).unwrap_err();
    assert!(matches!(error, HistoryError::PastTheEnd { .. }));
}

#[test]
fn claims_share_what_they_have_in_common() {
    let (_, chain) = l2::chain(4095);
    let (all, last) = (chain.claim(0, 3), chain.claim(2, 3));
    let offset = all.steps() - last.steps();
    for at in 0..=last.steps() {
        assert_eq!(last.hash(StepIndex(at)), all.hash(StepIndex(at + offset)));
    }
    assert_eq!(all.range().after.0, 0);
    assert_eq!((last.range().after.0, last.range().upto.0), (2, 3));
    assert!(all.end().unwrap().checkpoint.ends_batch(all.range().upto));
}

#[test]
fn batches_must_follow_each_other() {
    let (_, chain) = l2::chain(4095);
    let gap = vec![chain.batches[0].clone(), chain.batches[2].clone()];
    assert!(matches!(
        ClaimHistory::new::<Absent>(gap).unwrap_err(),
        HistoryError::NotContiguous { .. }
    ));
    assert!(ClaimHistory::new::<Absent>(Vec::new()).is_err());
}

#[test]
fn hashes_alone_say_what_the_history_says() {
    let (_, chain) = l2::chain(4095);
    let thin = |from: usize, to: usize| {
        let batches = chain.batches[from..to].iter();
        batches.map(|batch| Arc::new(BatchHashes::from(&**batch))).collect::<Vec<_>>()
    };
    for (after, upto) in [(0, 3), (1, 3), (2, 3)] {
        let whole = chain.claim(after, upto);
        let hashes = ClaimHashes::new(thin(after, upto)).unwrap();
        assert_eq!(hashes.steps(), whole.steps());
        for at in 0..=whole.steps() + 1 {
            assert_eq!(hashes.hash(StepIndex(at)), whole.hash(StepIndex(at)), "at {at}");
        }
        assert_eq!(hashes.hash(StepIndex(u64::MAX)), None);
        assert_eq!(Claimable::range(&hashes), whole.range());
        assert_eq!(hashes.last(), whole.last());
    }
    let mut gap = thin(0, 3);
    gap.remove(1);
    assert_eq!(ClaimHashes::new(gap), None);
    assert_eq!(ClaimHashes::new(Vec::new()), None);
}
