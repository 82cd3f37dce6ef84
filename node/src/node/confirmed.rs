//! What nobody can dispute any more.

use std::collections::VecDeque;

use recourse_protocol::{BatchIndex, Checkpoint};

use crate::{derivation::Chain, mirror::L1State};

/// Follows what L1 confirms. That can't be disputed any more once L1 has finalized it: until then a reorg could bring the
/// dispute back.
#[derive(Debug, Default)]
pub(super) struct Confirmed {
    /// L1 blocks at which a newer batch was seen confirmed, with that batch; ascending.
    seen: VecDeque<(u64, BatchIndex)>,
    /// The newest that is final.
    settled: BatchIndex,
}

/// What is new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct News {
    /// A newer batch whose claim is confirmed, and was derived.
    pub(super) confirmed: Option<BatchIndex>,
    /// A newer batch whose claim L1 has confirmed and finalized. None ever on an L1 that knows no finality.
    pub(super) undisputed: Option<BatchIndex>,
}

impl Confirmed {
    pub(super) fn look(&mut self, l1: &L1State, chain: &Chain) -> News {
        // Another branch of L1 may not have what was seen on this one.
        while self.seen.back().is_some_and(|(block, _)| *block > l1.head.number) {
            self.seen.pop_back();
        }
        let newest = self.seen.back().map_or(self.settled, |(_, batch)| *batch);
        let confirmed = tip(l1, chain).filter(|batch| *batch > newest);
        if let Some(batch) = confirmed {
            self.seen.push_back((l1.head.number, batch));
        }
        News { confirmed, undisputed: self.settle(l1.finalized) }
    }

    fn settle(&mut self, finalized: Option<u64>) -> Option<BatchIndex> {
        let mut settled = None;
        while let Some((block, batch)) = self.seen.front()
            && finalized.is_some_and(|finalized| *block <= finalized)
        {
            settled = Some(*batch);
            self.seen.pop_front();
        }
        self.settled = settled.unwrap_or(self.settled);
        settled
    }
}

/// The newest batch whose claim is confirmed, if it is the one that was derived: a false claim may win where nobody watches.
fn tip(l1: &L1State, chain: &Chain) -> Option<BatchIndex> {
    let tip = l1.game.contents.get(&l1.game.tip).filter(|tip| tip.confirmed)?;
    let is_ours = chain.batch_hash(tip.batch) == Some(tip.batch_hash)
        && chain.checkpoint_after(tip.batch).map(Checkpoint::h248) == Some(tip.checkpoint);
    is_ours.then_some(tip.batch)
}
