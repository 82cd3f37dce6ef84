//! Whether the watchtower can do its duty. It never fails quietly: each thing that keeps it from judging or from
//! moving is a [`Problem`], shown by /health and logged as an error.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

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
    /// A claim of a batch that L1 does not have, so that it is neither true nor false; nobody acts on it.
    ClaimUnjudged {
        /// The content.
        content: ContentHash,
        /// Seconds since it was first seen so.
        seconds: u64,
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
            (Self::ClaimUnjudged { content: a, .. }, Self::ClaimUnjudged { content: b, .. }) => {
                a == b
            }
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
    /// Claims of other batches than those that were derived, and since when.
    pub unjudged: BTreeMap<ContentHash, Instant>,
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
            unjudged: BTreeMap::new(),
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

    /// Notes which claims can't be judged now, derived as their batches are.
    pub fn see_unjudged(&mut self, now_unjudged: &BTreeSet<ContentHash>, now: Instant) {
        self.unjudged.retain(|content, _| now_unjudged.contains(content));
        for content in now_unjudged {
            self.unjudged.entry(*content).or_insert(now);
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
        problems.extend(self.unjudged.iter().filter_map(|(content, since)| {
            let seconds = late(*since, limits.lag)?;
            Some(Problem::ClaimUnjudged { content: *content, seconds })
        }));
        let confirmed = self.confirmed.iter().copied();
        problems
            .extend(confirmed.map(|(content, batch)| Problem::FalseConfirmed { content, batch }));
        let unopposed = self.unopposed.iter().copied();
        problems.extend(unopposed.map(|attempt| Problem::FalseUnopposed { attempt }));
        problems
    }
}

#[cfg(test)]
mod tests;
