//! Whether the watchtower can do its duty. It never fails quietly: each thing that keeps it from judging or from
//! moving is a [`Problem`], shown by /health and logged as an error.

use std::time::{Duration, Instant};

use alloy_primitives::{B256, U256};
use recourse_protocol::{AttemptId, BatchIndex, ContentHash};
use serde::Serialize;

/// From when on something is a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// An L1 head that is older; none never.
    pub head_age: Option<Duration>,
    /// No answer of L1, derivation behind L1, or no planning, for so long.
    pub lag: Duration,
    /// Batches that wait to be derived for so long.
    pub behind: Duration,
    /// The least balance, in wei.
    pub balance: U256,
}

/// What keeps the watchtower from its duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Problem {
    /// L1 has not answered.
    L1Unreachable {
        /// Seconds since its last answer, or since the start.
        seconds: u64,
    },
    /// L1 answers with a head of the past: always the same, or one that lags.
    L1Stale {
        /// Age of the head in seconds: by its timestamp when it was first seen, and since then.
        seconds: u64,
    },
    /// Batches of L1 are not derived.
    DerivationStuck {
        /// Seconds since every batch was derived.
        seconds: u64,
    },
    /// Derivation goes on, but L1 has batches that have waited for long: L2 outruns this machine, or it has just started.
    DerivationBehind {
        /// Seconds for which some have waited, at least.
        seconds: u64,
    },
    /// No round of planning was finished.
    PlanningStuck {
        /// Seconds since the last one.
        seconds: u64,
    },
    /// Bonds can't be paid.
    BalanceTooLow {
        /// In wei.
        expected: U256,
        /// In wei.
        got: U256,
    },
    /// A move fails again and again.
    MoveFails {
        /// Its name.
        action: String,
        /// Failures in a row.
        times: u32,
    },
    /// L1 endpoints disagree, or one contradicts itself: nothing is challenged on its word.
    InputsDisputed {
        /// What differs.
        what: String,
    },
    /// Lost: a false content is final.
    FalseConfirmed {
        /// The content.
        content: ContentHash,
        /// Its last batch.
        batch: BatchIndex,
    },
    /// A false claim is about to be final, or can't be kept from it any more: nobody has challenged it, and there is no
    /// move against it.
    FalseUnopposed {
        /// The attempt.
        attempt: AttemptId,
    },
}

impl Problem {
    /// Whether two problems differ in their numbers only.
    #[must_use]
    pub fn is_kind_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::MoveFails { action: a, .. }, Self::MoveFails { action: b, .. }) => a == b,
            (Self::FalseConfirmed { .. }, Self::FalseConfirmed { .. })
            | (Self::FalseUnopposed { .. }, Self::FalseUnopposed { .. }) => self == other,
            _ => core::mem::discriminant(self) == core::mem::discriminant(other),
        }
    }
}

/// What was observed last; a clock reading for each.
#[derive(Debug, Clone)]
pub struct Observed {
    /// L1 answered.
    pub l1_answer: Instant,
    /// The newest head, and when it was first seen.
    pub head: (B256, Instant),
    /// How old it was then, by its timestamp; nothing if that lies in the future.
    pub head_age: Duration,
    /// Every batch of L1 was derived, or one more.
    pub derived: Instant,
    /// How many were derived then.
    pub batches_derived: u64,
    /// Batches that L1 had when those that it had before were derived, and when that was.
    pub goal: (u64, Instant),
    /// A round of planning was finished.
    pub planned: Instant,
    /// Of the own account, in wei; none before it was first read.
    pub balance: Option<U256>,
    /// What it takes to make the moves that wait for money, in wei; zero when none does.
    pub wanted: U256,
    /// Confirmed contents that are false.
    pub confirmed: Vec<(ContentHash, BatchIndex)>,
    /// False claims that nobody opposes although it is late.
    pub unopposed: Vec<AttemptId>,
    /// Moves that failed repeatedly: name and failures in a row.
    pub failing: Vec<(String, u32)>,
    /// Inputs that could not be confirmed.
    pub disputed: Option<String>,
}

impl Observed {
    /// Before anything was seen.
    #[must_use]
    pub const fn at_start(now: Instant) -> Self {
        Self {
            l1_answer: now,
            head: (B256::ZERO, now),
            head_age: Duration::ZERO,
            derived: now,
            batches_derived: 0,
            goal: (0, now),
            planned: now,
            balance: None,
            wanted: U256::ZERO,
            confirmed: Vec::new(),
            unopposed: Vec::new(),
            failing: Vec::new(),
            disputed: None,
        }
    }

    /// Notes the newest head, and how old it is by its timestamp.
    pub fn see_head(&mut self, hash: B256, age: Duration, now: Instant) {
        if self.head.0 != hash {
            (self.head, self.head_age) = ((hash, now), age);
        }
    }

    /// Notes how far derivation is; a chain that grows all the time is never derived to its end, so progress counts.
    pub const fn see_derived(&mut self, derived: u64, batches: u64, now: Instant) {
        if derived >= batches || derived != self.batches_derived {
            self.derived = now;
        }
        self.batches_derived = derived;
        // A reorganisation may have taken some away.
        if self.goal.0 > batches {
            self.goal.0 = batches;
        }
        if derived >= self.goal.0 || derived >= batches {
            self.goal = (batches, now);
        }
    }

    fn behind(&self, limits: &Thresholds, now: Instant) -> Option<Problem> {
        let waiting = now.saturating_duration_since(self.goal.1);
        let is_behind = self.batches_derived < self.goal.0 && waiting > limits.behind;
        is_behind.then_some(Problem::DerivationBehind { seconds: waiting.as_secs() })
    }

    /// What is wrong; nothing when healthy.
    #[must_use]
    pub fn problems(&self, limits: &Thresholds, now: Instant) -> Vec<Problem> {
        let over = |age: Duration, limit| (age > limit).then_some(age.as_secs());
        let late = |since, limit| over(now.saturating_duration_since(since), limit);
        let head_age = self.head_age.saturating_add(now.saturating_duration_since(self.head.1));
        let stale = limits.head_age.and_then(|limit| over(head_age, limit));
        let expected = limits.balance.max(self.wanted);
        let balance = self.balance.filter(|got| *got < expected);
        let mut problems: Vec<Problem> = [
            late(self.l1_answer, limits.lag).map(|seconds| Problem::L1Unreachable { seconds }),
            stale.map(|seconds| Problem::L1Stale { seconds }),
            late(self.derived, limits.lag).map(|seconds| Problem::DerivationStuck { seconds }),
            self.behind(limits, now),
            late(self.planned, limits.lag).map(|seconds| Problem::PlanningStuck { seconds }),
            balance.map(|got| Problem::BalanceTooLow { expected, got }),
            self.disputed.clone().map(|what| Problem::InputsDisputed { what }),
        ]
        .into_iter()
        .flatten()
        .collect();
        let failing = self.failing.iter().cloned();
        problems.extend(failing.map(|(action, times)| Problem::MoveFails { action, times }));
        let confirmed = self.confirmed.iter().copied();
        problems
            .extend(confirmed.map(|(content, batch)| Problem::FalseConfirmed { content, batch }));
        let unopposed = self.unopposed.iter().copied();
        problems.extend(unopposed.map(|attempt| Problem::FalseUnopposed { attempt }));
        problems
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may fail loudly")]
mod tests {
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
        let mut seen =
            Observed { l1_answer: late, derived: late, planned: late, ..all_fine(start) };
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
}
