//! Which blocks are safe and which are final.

use parking_lot::Mutex;
use recourse_rpc::Finality;

use crate::Config;

/// How far behind the head the tags `safe` and `finalized` are, unless they stand still.
#[derive(Debug)]
pub(crate) struct FinalityClock {
    lag: u64,
    stalled: Mutex<Option<Finality>>,
}

impl FinalityClock {
    pub(crate) fn new(config: &Config) -> Self {
        Self { lag: config.finality_lag(), stalled: Mutex::new(None) }
    }

    /// The safe block is half as far behind as the finalized one: one epoch and two, as on mainnet when all goes well.
    pub(crate) fn at(&self, head: u64) -> Finality {
        let running = Finality {
            safe: head.saturating_sub(self.lag / 2),
            finalized: head.saturating_sub(self.lag),
        };
        // A reorg may have gone further back.
        self.stalled.lock().map_or(running, |stalled| Finality {
            safe: stalled.safe.min(head),
            finalized: stalled.finalized.min(head),
        })
    }

    /// From now on both stand still, or go on.
    pub(crate) fn stall(&self, on: bool, head: u64) {
        let now = self.at(head);
        *self.stalled.lock() = on.then_some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(clock: &FinalityClock, head: u64) -> (u64, u64) {
        let finality = clock.at(head);
        (finality.safe, finality.finalized)
    }

    #[test]
    fn two_epochs_behind_unless_told_otherwise() {
        let clock = FinalityClock::new(&Config::default());
        assert_eq!(tags(&clock, 100), (68, 36));
        assert_eq!(tags(&clock, 40), (8, 0));
        let clock = FinalityClock::new(&Config { finality_lag: Some(5), ..Config::default() });
        assert_eq!(tags(&clock, 100), (98, 95));
        let clock = FinalityClock::new(&Config { finality_lag: Some(0), ..Config::default() });
        assert_eq!(tags(&clock, 100), (100, 100));
    }

    #[test]
    fn a_stall_holds_both_until_it_ends() {
        let clock = FinalityClock::new(&Config { finality_lag: Some(10), ..Config::default() });
        clock.stall(true, 100);
        assert_eq!(tags(&clock, 200), (95, 90));
        assert_eq!(tags(&clock, 93), (93, 90), "the chain went back");
        clock.stall(true, 300);
        assert_eq!(tags(&clock, 400), (95, 90), "it is the same stall");
        clock.stall(false, 400);
        assert_eq!(tags(&clock, 400), (395, 390));
    }
}
