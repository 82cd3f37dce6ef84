//! Time of the chain: the wall clock, shifted on request.

use std::time::{SystemTime, UNIX_EPOCH};

use recourse_rpc::ChainError;

/// No block is told to be later: the next ones must have times, too, and the clock's shift is an `i64`.
const LATEST: u64 = i64::MAX.unsigned_abs();

/// Time of the chain.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    /// Seconds that the chain is ahead of the wall clock.
    offset: i64,
    /// Timestamp of the next block, when somebody fixed it.
    next: Option<u64>,
}

impl Clock {
    /// A clock that shows this time now.
    pub(crate) fn starting_at(timestamp: u64) -> Self {
        let mut clock = Self::default();
        clock.set(timestamp);
        clock
    }

    /// Timestamp of a block mined now, strictly after its parent's, so that every block has a
    /// slot of its own.
    pub(crate) fn next_timestamp(&self, parent: u64) -> u64 {
        self.next.unwrap_or_else(|| self.now()).max(parent.saturating_add(1))
    }

    /// A block with this timestamp was mined: a fixed time is used up, and goes on from there.
    pub(crate) fn mined(&mut self, timestamp: u64) {
        if self.next.take().is_some() {
            self.set(timestamp);
        }
    }

    /// Moves on by `seconds` from the chain's time, which is ahead of the clock's when blocks
    /// came faster than one a second. Returns the whole shift.
    pub(crate) fn increase(&mut self, parent: u64, seconds: u64) -> i64 {
        self.set(self.now().max(parent).saturating_add(seconds));
        self.offset
    }

    /// Fixes the timestamp of the next block.
    ///
    /// # Errors
    /// When it is not after the parent's, or leaves no time for other blocks.
    pub(crate) fn set_next(&mut self, parent: u64, timestamp: u64) -> Result<(), ChainError> {
        if timestamp <= parent {
            return Err(ChainError::InvalidParams(format!(
                "timestamp {timestamp} is not after the head's, {parent}"
            )));
        }
        if timestamp > LATEST {
            return Err(ChainError::InvalidParams(format!(
                "timestamp {timestamp} is too late: {LATEST} is the last one"
            )));
        }
        self.next = Some(timestamp);
        Ok(())
    }

    /// Seconds that the chain is ahead of the wall clock.
    pub(crate) const fn offset(&self) -> i64 {
        self.offset
    }

    /// Sets the clock so many seconds ahead of the wall clock.
    pub(crate) const fn shift_to(&mut self, offset: i64) {
        self.offset = offset;
    }

    fn now(&self) -> u64 {
        wall().saturating_add_signed(self.offset)
    }

    fn set(&mut self, timestamp: u64) {
        let ahead = i128::from(timestamp.min(LATEST)).saturating_sub(i128::from(wall()));
        self.offset = i64::try_from(ahead).unwrap_or(i64::MAX);
    }
}

/// Seconds since 1970.
pub(crate) fn wall() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_ends_where_times_end() {
        let mut clock = Clock::default();
        clock.increase(0, u64::MAX);
        let next = clock.next_timestamp(0);
        assert!((LATEST..u64::MAX).contains(&next), "{next}");
        assert_eq!(clock.next_timestamp(next), next.saturating_add(1));
    }
}
