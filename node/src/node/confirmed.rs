//! Which claim L1 has confirmed last.

use recourse_protocol::{BatchIndex, Checkpoint};

use crate::{derivation::Chain, mirror::L1State};

/// The newest batch whose claim is confirmed, unless the chain has that one at hand already. After a reorg it may be an older
/// one than before.
pub(super) fn newly(l1: &L1State, chain: &Chain) -> Option<BatchIndex> {
    let batch = tip(l1, chain)?;
    let known = chain.confirmed().map(|(known, _)| known);
    (known != Some(batch)).then_some(batch)
}

/// The newest batch whose claim is confirmed, if it is the one that was derived: a false claim may win where nobody watches.
fn tip(l1: &L1State, chain: &Chain) -> Option<BatchIndex> {
    let tip = l1.game.contents.get(&l1.game.tip).filter(|tip| tip.confirmed)?;
    let is_ours = chain.batch_hash(tip.batch) == Some(tip.batch_hash)
        && chain.checkpoint_after(tip.batch).map(Checkpoint::h248) == Some(tip.checkpoint);
    is_ours.then_some(tip.batch)
}
