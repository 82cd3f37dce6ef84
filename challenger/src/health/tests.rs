//! What is a problem, and from when on.

#![allow(clippy::arithmetic_side_effects, reason = "a test may fail loudly")]

use super::*;

const LIMITS: Thresholds = Thresholds {
    head_age: Some(Duration::from_secs(100)),
    lag: Duration::from_secs(10),
    behind: Duration::from_secs(60),
    balance: U256::from_limbs([5, 0, 0, 0]),
};

fn after(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

fn all_fine(now: Instant) -> Observed {
    Observed { balance: Some(U256::from(5)), ..Observed::at_start(now) }
}

#[test]
fn healthy_until_a_limit_is_passed() {
    let start = Instant::now();
    let seen = all_fine(start);
    assert_eq!(seen.problems(&LIMITS, after(start, 10)), []);
    let problems = seen.problems(&LIMITS, after(start, 11));
    assert!(problems.contains(&Problem::L1Unreachable { seconds: 11 }));
    assert!(problems.contains(&Problem::DerivationStuck { seconds: 11 }));
    assert!(problems.contains(&Problem::PlanningStuck { seconds: 11 }));
    assert_eq!(problems.len(), 3);
}

#[test]
fn recovers() {
    let start = Instant::now();
    let late = after(start, 50);
    let seen = Observed { l1_answer: late, derived: late, planned: late, ..all_fine(start) };
    assert_eq!(seen.problems(&LIMITS, after(start, 55)), []);
}

#[test]
fn a_head_that_stands_still_is_stale() {
    let start = Instant::now();
    let late = after(start, 101);
    let mut seen = Observed { l1_answer: late, derived: late, planned: late, ..all_fine(start) };
    assert_eq!(seen.problems(&LIMITS, late), [Problem::L1Stale { seconds: 101 }]);
    seen.see_head(B256::ZERO, Duration::ZERO, late);
    assert_eq!(seen.problems(&LIMITS, late), [Problem::L1Stale { seconds: 101 }]);
    seen.see_head(B256::with_last_byte(1), Duration::ZERO, late);
    assert_eq!(seen.problems(&LIMITS, late), []);
    let never = Thresholds { head_age: None, ..LIMITS };
    assert_eq!(all_fine(late).problems(&never, late), []);
}

#[test]
fn a_head_that_moves_in_the_past_is_stale() {
    let start = Instant::now();
    let mut seen = all_fine(start);
    for number in 1..3 {
        seen.see_head(B256::with_last_byte(number), Duration::from_secs(259_200), start);
        assert_eq!(seen.problems(&LIMITS, start), [Problem::L1Stale { seconds: 259_200 }]);
    }
    seen.see_head(B256::with_last_byte(3), Duration::from_secs(95), start);
    assert_eq!(seen.problems(&LIMITS, after(start, 5)), []);
    let aged = seen.problems(&LIMITS, after(start, 6));
    assert_eq!(aged, [Problem::L1Stale { seconds: 101 }], "it grows older as it stands");
    seen.see_head(B256::with_last_byte(4), Duration::from_secs(1), start);
    assert_eq!(seen.problems(&LIMITS, start), []);
    let never = Thresholds { head_age: None, ..LIMITS };
    seen.see_head(B256::with_last_byte(5), Duration::from_secs(259_200), start);
    assert_eq!(seen.problems(&never, start), []);
}

#[test]
fn a_game_that_is_lost_is_never_healthy() {
    let start = Instant::now();
    let (content, attempt) = (ContentHash(B256::repeat_byte(1)), AttemptId(B256::ZERO));
    let seen = Observed {
        confirmed: vec![(content, BatchIndex(7))],
        unopposed: vec![attempt],
        ..all_fine(start)
    };
    let problems = seen.problems(&LIMITS, start);
    let json = serde_json::to_value(&problems).unwrap();
    let expected = serde_json::json!([
        { "kind": "false-confirmed", "content": B256::repeat_byte(1), "batch": 7 },
        { "kind": "false-unopposed", "attempt": B256::ZERO },
    ]);
    assert_eq!(json, expected);
    let other = Problem::FalseUnopposed { attempt: AttemptId(B256::repeat_byte(2)) };
    assert!(!problems[1].is_kind_of(&other), "each is logged");
}

#[test]
fn derivation_is_stuck_when_it_is_behind_and_does_not_move() {
    let start = Instant::now();
    let stuck = |seen: &Observed, now| {
        let is_stuck = |p: &Problem| matches!(p, Problem::DerivationStuck { .. });
        seen.problems(&LIMITS, now).iter().any(is_stuck)
    };
    let mut seen = all_fine(start);
    seen.see_derived(3, 5, after(start, 9));
    seen.see_derived(3, 5, after(start, 20));
    assert!(stuck(&seen, after(start, 20)));
    seen.see_derived(4, 6, after(start, 21));
    assert!(!stuck(&seen, after(start, 30)), "one more is progress");
    seen.see_derived(6, 6, after(start, 30));
    seen.see_derived(6, 6, after(start, 50));
    assert!(!stuck(&seen, after(start, 60)), "nothing to do");
}

#[test]
fn derivation_is_behind_when_what_waited_goes_on_waiting_though_it_moves() {
    let start = Instant::now();
    let behind = |seen: &Observed, now| {
        let problems = seen.problems(&LIMITS, now);
        problems.iter().find_map(|problem| match problem {
            Problem::DerivationBehind { seconds } => Some(*seconds),
            _ => None,
        })
    };
    let mut seen = all_fine(start);
    // One batch each five seconds, and L1 has two more in that time.
    for step in 0..=12 {
        seen.see_derived(step, 20 + 2 * step, after(start, 5 * step));
    }
    assert_eq!(behind(&seen, after(start, 60)), None);
    seen.see_derived(13, 46, after(start, 65));
    assert_eq!(behind(&seen, after(start, 65)), Some(65));
    // What waited at the start is done; what has come since then waits from here on.
    seen.see_derived(20, 60, after(start, 100));
    assert_eq!(behind(&seen, after(start, 160)), None);
    assert_eq!(behind(&seen, after(start, 161)), Some(61));
    seen.see_derived(70, 70, after(start, 170));
    assert_eq!(behind(&seen, after(start, 500)), None, "nothing to do");
    // After a reorganisation L1 has less.
    seen.see_derived(60, 65, after(start, 501));
    seen.see_derived(65, 66, after(start, 502));
    assert_eq!(behind(&seen, after(start, 562)), None, "one more than it had is not late yet");
    seen.see_derived(65, 66, after(start, 563));
    assert_eq!(behind(&seen, after(start, 563)), Some(61));
}

#[test]
fn too_little_for_the_bonds() {
    let start = Instant::now();
    let seen = Observed { balance: Some(U256::from(4)), ..all_fine(start) };
    let (expected, got) = (U256::from(5), U256::from(4));
    assert_eq!(seen.problems(&LIMITS, start), [Problem::BalanceTooLow { expected, got }]);
}

#[test]
fn too_little_for_what_waits() {
    let start = Instant::now();
    let (expected, got) = (U256::from(6), U256::from(5));
    let seen = Observed { wanted: expected, ..all_fine(start) };
    assert_eq!(seen.problems(&LIMITS, start), [Problem::BalanceTooLow { expected, got }]);
}

#[test]
fn moves_and_inputs() {
    let start = Instant::now();
    let seen = Observed {
        failing: vec![("timeout:0x01".into(), 3)],
        disputed: Some("batch 2".into()),
        ..all_fine(start)
    };
    let json = serde_json::to_value(seen.problems(&LIMITS, start)).unwrap();
    let expected = serde_json::json!([
        { "kind": "inputs-disputed", "what": "batch 2" },
        { "kind": "move-fails", "action": "timeout:0x01", "times": 3 },
    ]);
    assert_eq!(json, expected);
}

#[test]
fn a_claim_of_another_batch_that_stays_so() {
    let start = Instant::now();
    let [one, other] = [1, 2].map(|byte| ContentHash(B256::repeat_byte(byte)));
    let late = after(start, 30);
    let mut seen = Observed { l1_answer: late, derived: late, planned: late, ..all_fine(start) };
    seen.see_unjudged(&[one].into(), start);
    seen.see_unjudged(&[one, other].into(), after(start, 5));
    assert_eq!(seen.problems(&LIMITS, after(start, 10)), []);
    let problem = |content, seconds| Problem::ClaimUnjudged { content, seconds };
    assert_eq!(seen.problems(&LIMITS, after(start, 11)), [problem(one, 11)]);
    assert_eq!(seen.problems(&LIMITS, after(start, 16)), [problem(one, 16), problem(other, 11)]);
    assert!(problem(one, 11).is_kind_of(&problem(one, 12)));
    assert!(!problem(one, 11).is_kind_of(&problem(other, 11)), "each is logged");
    // Judged meanwhile, it begins anew.
    seen.see_unjudged(&[other].into(), after(start, 17));
    seen.see_unjudged(&[one, other].into(), after(start, 18));
    assert_eq!(seen.problems(&LIMITS, after(start, 28)), [problem(other, 23)]);
}
