//! At most so many requests a second.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Gives out moments, evenly spaced.
#[derive(Debug)]
pub(super) struct Limiter {
    spacing: Duration,
    next: Mutex<Option<Instant>>,
}

impl Limiter {
    /// Moments `1/rate` seconds apart; without a rate, now.
    pub(super) fn new(rate: Option<u32>) -> Self {
        let spacing = rate.and_then(|rate| Duration::from_secs(1).checked_div(rate));
        Self { spacing: spacing.unwrap_or_default(), next: Mutex::new(None) }
    }

    /// Waits for the next moment.
    pub(super) async fn wait(&self) {
        if !self.spacing.is_zero() {
            tokio::time::sleep_until(self.reserve(Instant::now())).await;
        }
    }

    fn reserve(&self, now: Instant) -> Instant {
        let mut next = self.next.lock();
        let mine = next.map_or(now, |next| next.max(now));
        *next = mine.checked_add(self.spacing);
        mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spaced_and_unused_ones_are_lost() {
        let limiter = Limiter::new(Some(10));
        let spacing = Duration::from_millis(100);
        let start = Instant::now();
        assert_eq!(limiter.reserve(start), start);
        assert_eq!(limiter.reserve(start), start + spacing);
        assert_eq!(limiter.reserve(start), start + spacing * 2);
        let later = start + spacing * 50;
        assert_eq!(limiter.reserve(later), later);
        assert_eq!(limiter.reserve(later), later + spacing);
    }
}
