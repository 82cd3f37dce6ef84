//! Timestamps of L2 blocks.

use std::time::{Duration, Instant};

/// L1's clock as far as it is known. A block's timestamp must not be past that of the L1 block that will append
/// it, which is later than the L1 head; so L2 time trails L1 time by one L1 block and runs evenly.
#[derive(Debug, Clone, Copy)]
pub struct L1Clock {
    /// Timestamp of the block before the head, in seconds.
    previous: u64,
    /// Timestamp of the head, in seconds.
    head: u64,
    /// When this node saw the head.
    seen: Instant,
    /// How long L1 must have been silent before L2 time goes past its head.
    patience: Duration,
}

impl L1Clock {
    /// A clock that knows one head.
    #[must_use]
    pub const fn new(head: u64, now: Instant, patience: Duration) -> Self {
        Self { previous: head, head, seen: now, patience }
    }

    /// A new head (also an older one, after a reorg).
    pub const fn saw(&mut self, head: u64, now: Instant) {
        if head != self.head {
            self.previous = if head > self.head { self.head } else { head };
            self.head = head;
            self.seen = now;
        }
    }

    /// The timestamp of the head, in seconds.
    #[must_use]
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// The timestamp for a block that must be at least at `lowest`; none if it has to wait for L1.
    #[must_use]
    pub fn timestamp(&self, lowest: u64, now: Instant) -> Option<u64> {
        let highest = self.latest(now);
        (lowest <= highest).then(|| self.even(now).clamp(lowest, highest))
    }

    /// L2 time now, if blocks were made without end.
    #[must_use]
    pub fn even(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.seen).as_secs();
        self.previous.saturating_add(elapsed).min(self.latest(now))
    }

    /// The newest timestamp that the next L1 block is sure to reach.
    #[must_use]
    pub fn latest(&self, now: Instant) -> u64 {
        let silent = now.saturating_duration_since(self.seen);
        self.head.saturating_add(silent.saturating_sub(self.patience).as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(24);

    #[test]
    fn trails_l1_by_one_block_and_waits_for_it() {
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        let mut clock = L1Clock::new(1_000, start, PATIENCE);
        assert_eq!(clock.timestamp(900, start), Some(1_000));
        assert_eq!(clock.timestamp(1_001, start), None);
        clock.saw(1_012, start);
        assert_eq!(clock.timestamp(900, at(0)), Some(1_000));
        assert_eq!(clock.timestamp(900, at(5)), Some(1_005));
        assert_eq!(clock.timestamp(1_010, at(5)), Some(1_010));
        assert_eq!(clock.timestamp(900, at(20)), Some(1_012));
        assert_eq!(clock.timestamp(1_013, at(20)), None);
    }

    #[test]
    fn a_silent_l1_does_not_stop_time() {
        let start = Instant::now();
        let clock = L1Clock::new(1_000, start, PATIENCE);
        let at = |s: u64| start + Duration::from_secs(s);
        assert_eq!(clock.timestamp(1_001, at(24)), None);
        assert_eq!(clock.timestamp(1_001, at(25)), Some(1_001));
        assert_eq!(clock.timestamp(1_001, at(100)), Some(1_076));
    }

    #[test]
    fn a_reorg_may_go_back_in_time() {
        let start = Instant::now();
        let mut clock = L1Clock::new(1_000, start, PATIENCE);
        clock.saw(990, start);
        assert_eq!(clock.timestamp(0, start), Some(990));
        assert_eq!(clock.timestamp(991, start), None);
    }
}
