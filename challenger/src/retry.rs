//! When to try again what failed, and what not to do twice.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

/// Pause after the first failure; doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// Failures in a row that are a problem.
const PROBLEM: u32 = 3;

/// What became of things that were tried, by name.
#[derive(Debug, Default)]
pub(crate) struct Retries(HashMap<String, Attempts>);

#[derive(Debug, Clone, Copy)]
enum Attempts {
    /// Failed so often in a row; not again before.
    Failed(u32, Instant),
    /// Done in this L1 block: until the own view of L1 includes it, it only looks as if it were to do.
    Done(u64),
}

impl Retries {
    /// Whether it may be tried, seen from L1 block `head`.
    pub(crate) fn may(&self, name: &str, head: u64, now: Instant) -> bool {
        match self.0.get(name) {
            None => true,
            Some(Attempts::Failed(_, not_before)) => now >= *not_before,
            Some(Attempts::Done(block)) => head >= *block,
        }
    }

    /// Notes a failure; tells how many there were in a row.
    pub(crate) fn failed(&mut self, name: &str, now: Instant) -> u32 {
        let before = match self.0.get(name) {
            Some(Attempts::Failed(times, _)) => *times,
            _ => 0,
        };
        let doubled = FIRST_PAUSE.saturating_mul(1u32.checked_shl(before).unwrap_or(u32::MAX));
        let pause = doubled.min(MAX_PAUSE);
        let times = before.saturating_add(1);
        let not_before = now.checked_add(pause).unwrap_or(now);
        self.0.insert(name.to_owned(), Attempts::Failed(times, not_before));
        times
    }

    /// Notes a success in an L1 block.
    pub(crate) fn done(&mut self, name: &str, block: u64) {
        self.0.insert(name.to_owned(), Attempts::Done(block));
    }

    /// Forgets what nobody wants any more.
    pub(crate) fn keep(&mut self, wanted: &HashSet<String>) {
        self.0.retain(|name, _| wanted.contains(name));
    }

    /// Whether something that failed may be tried again.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.0.values().any(|a| matches!(a, Attempts::Failed(_, not_before) if now >= *not_before))
    }

    /// What fails again and again: name and failures in a row.
    pub(crate) fn problems(&self) -> Vec<(String, u32)> {
        let mut problems: Vec<_> = self
            .0
            .iter()
            .filter_map(|(name, attempts)| match attempts {
                Attempts::Failed(times, _) if *times >= PROBLEM => Some((name.clone(), *times)),
                _ => None,
            })
            .collect();
        problems.sort();
        problems
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let now = Instant::now();
        let mut retries = Retries::default();
        assert!(retries.may("a", 0, now));
        assert_eq!(retries.failed("a", now), 1);
        assert!(!retries.may("a", 0, now + FIRST_PAUSE / 2));
        assert!(retries.may("a", 0, now + FIRST_PAUSE));
        assert_eq!(retries.failed("a", now), 2);
        assert!(!retries.may("a", 0, now + FIRST_PAUSE));
        for _ in 0..100 {
            retries.failed("a", now);
        }
        assert!(retries.may("a", 0, now + MAX_PAUSE));
        assert!(retries.may("b", 0, now));
    }

    #[test]
    fn a_problem_until_it_works() {
        let now = Instant::now();
        let mut retries = Retries::default();
        retries.failed("a", now);
        retries.failed("a", now);
        assert_eq!(retries.problems(), []);
        retries.failed("a", now);
        assert_eq!(retries.problems(), [("a".to_owned(), 3)]);
        retries.done("a", 7);
        assert_eq!(retries.problems(), []);
        assert_eq!(retries.failed("a", now), 1);
    }

    #[test]
    fn not_twice_before_the_block_is_seen() {
        let now = Instant::now();
        let mut retries = Retries::default();
        retries.done("a", 7);
        assert!(!retries.may("a", 6, now));
        assert!(retries.may("a", 7, now), "if it is still wanted, a reorganisation undid it");
    }

    #[test]
    fn forgets_what_is_not_wanted() {
        let now = Instant::now();
        let mut retries = Retries::default();
        for _ in 0..3 {
            retries.failed("a", now);
        }
        retries.keep(&HashSet::new());
        assert_eq!(retries.problems(), []);
    }
}
