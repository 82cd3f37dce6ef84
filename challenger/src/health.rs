//! Whether the watchtower can do its duty. It never fails quietly: each thing that keeps it from judging or from
//! moving is a [`Problem`], shown by /health and logged as an error.

use std::time::{Duration, Instant};

use alloy_primitives::{B256, U256};
use serde::Serialize;

/// From when on something is a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// An L1 head that has not changed for so long; none never.
    pub head_age: Option<Duration>,
    /// No answer of L1, derivation behind L1, or no planning, for so long.
    pub lag: Duration,
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
    /// L1 answers, always with the same head.
    L1Stale {
        /// Seconds since the head changed.
        seconds: u64,
    },
    /// Batches of L1 are not derived.
    DerivationStuck {
        /// Seconds since every batch was derived.
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
}

impl Problem {
    /// Whether two problems differ in their numbers only.
    #[must_use]
    pub fn is_kind_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::MoveFails { action: a, .. }, Self::MoveFails { action: b, .. }) => a == b,
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
    /// Every batch of L1 was derived, or one more.
    pub derived: Instant,
    /// How many were derived then.
    pub batches_derived: u64,
    /// A round of planning was finished.
    pub planned: Instant,
    /// Of the own account, in wei; none before it was first read.
    pub balance: Option<U256>,
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
            derived: now,
            batches_derived: 0,
            planned: now,
            balance: None,
            failing: Vec::new(),
            disputed: None,
        }
    }

    /// Notes the newest head.
    pub fn see_head(&mut self, hash: B256, now: Instant) {
        if self.head.0 != hash {
            self.head = (hash, now);
        }
    }

    /// Notes how far derivation is; a chain that grows all the time is never derived to its end, so progress counts.
    pub const fn see_derived(&mut self, derived: u64, batches: u64, now: Instant) {
        if derived >= batches || derived != self.batches_derived {
            self.derived = now;
        }
        self.batches_derived = derived;
    }

    /// What is wrong; nothing when healthy.
    #[must_use]
    pub fn problems(&self, limits: &Thresholds, now: Instant) -> Vec<Problem> {
        let late = |since: Instant, limit: Duration| {
            let age = now.saturating_duration_since(since);
            (age > limit).then_some(age.as_secs())
        };
        let stale = limits.head_age.and_then(|limit| late(self.head.1, limit));
        let balance = self.balance.filter(|got| *got < limits.balance);
        let mut problems: Vec<Problem> = [
            late(self.l1_answer, limits.lag).map(|seconds| Problem::L1Unreachable { seconds }),
            stale.map(|seconds| Problem::L1Stale { seconds }),
            late(self.derived, limits.lag).map(|seconds| Problem::DerivationStuck { seconds }),
            late(self.planned, limits.lag).map(|seconds| Problem::PlanningStuck { seconds }),
            balance.map(|got| Problem::BalanceTooLow { expected: limits.balance, got }),
            self.disputed.clone().map(|what| Problem::InputsDisputed { what }),
        ]
        .into_iter()
        .flatten()
        .collect();
        let failing = self.failing.iter().cloned();
        problems.extend(failing.map(|(action, times)| Problem::MoveFails { action, times }));
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
        seen.see_head(B256::ZERO, late);
        assert_eq!(seen.problems(&LIMITS, late), [Problem::L1Stale { seconds: 101 }]);
        seen.see_head(B256::with_last_byte(1), late);
        assert_eq!(seen.problems(&LIMITS, late), []);
        let never = Thresholds { head_age: None, ..LIMITS };
        assert_eq!(all_fine(late).problems(&never, late), []);
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
    fn too_little_for_the_bonds() {
        let start = Instant::now();
        let seen = Observed { balance: Some(U256::from(4)), ..all_fine(start) };
        let (expected, got) = (U256::from(5), U256::from(4));
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
