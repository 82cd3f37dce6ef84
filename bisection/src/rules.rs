//! Invariants of the game: what must hold whatever anybody does, each with the reason why it matters.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use recourse_protocol::{AttemptStatus, Game};

use crate::{
    Judgement, Knowledge, Verdict,
    model::{Ledger, Model, World},
};

/// A rule that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Withdrawals are paid against confirmed state roots: one false confirmation is theft. Holds while one
    /// watchtower acts in time.
    #[error("a false content was confirmed")]
    FalseConfirmed,
    /// Two histories can't both be final.
    #[error("two contents with one parent and one batch were confirmed")]
    Fork,
    /// A final child of a parent that is not final would make an unexamined history final.
    #[error("a content was confirmed before its parent")]
    Orphan,
    /// New claims build on the tip: an old or unconfirmed one would stop the chain.
    #[error("the tip is not the newest confirmed content")]
    StaleTip,
    /// The proven steps decide kills: a false one would kill true claims.
    #[error("a recorded step is not what step() gives")]
    FalseTruth,
    /// Every wei that was posted must be owed, taken, burned or still held, or somebody is robbed or the contract can't
    /// pay.
    #[error("money appeared or vanished")]
    Money,
    /// Death and confirmation are final; a clock that is set is never moved back.
    #[error("an attempt came back to life or its clocks went back")]
    Resurrection,
    /// No claim stays open longer than the window and two response periods per level, or finality could be put off for
    /// ever.
    #[error("an attempt can be held open past the worst case")]
    Delay,
}

/// The rules that any state must satisfy.
///
/// # Errors
/// The first rule that is broken.
pub fn check_state<W: World>(
    model: &Model<W>,
    knowledge: &impl Knowledge,
    watched: bool,
) -> Result<(), Broken> {
    let game = model.game();
    if watched {
        only_true_confirm(game, knowledge)?;
    }
    no_fork(game)?;
    no_orphan(game)?;
    tip_is_newest(game)?;
    truths_are_true(model)?;
    money_is_conserved(model.ledger())
}

/// The rules that any move must satisfy.
///
/// # Errors
/// The first rule that is broken.
pub fn check_move(before: &Game, after: &Game) -> Result<(), Broken> {
    for (id, old) in &before.attempts {
        let new = after.attempts.get(id).ok_or(Broken::Resurrection)?;
        // An attempt of a content that another one confirmed is confirmed when it is settled.
        let ended = old.status != AttemptStatus::Live && new.status != old.status;
        let unwound = new.quiet_until < old.quiet_until || new.window_end != old.window_end;
        if ended || unwound || (old.settled && !new.settled) {
            return Err(Broken::Resurrection);
        }
    }
    for attempt in after.attempts.values() {
        let responses = u64::from(after.limits.levels).saturating_mul(2);
        let most = responses.saturating_mul(after.periods.response_period);
        let latest = attempt.window_end.saturating_add(most);
        let deadlines = attempt.open_challenges().filter_map(|(_, s)| Some(s.challenge?.deadline));
        if deadlines.chain([attempt.quiet_until]).any(|clock| clock > latest) {
            return Err(Broken::Delay);
        }
    }
    Ok(())
}

fn only_true_confirm(game: &Game, knowledge: &impl Knowledge) -> Result<(), Broken> {
    let judged = Judgement::of(game, knowledge);
    let mut confirmed = game.contents.iter().filter(|(_, content)| content.confirmed);
    let all_true = confirmed.all(|(id, _)| judged.verdict(*id) == Verdict::True);
    if all_true { Ok(()) } else { Err(Broken::FalseConfirmed) }
}

fn no_fork(game: &Game) -> Result<(), Broken> {
    let mut seen = BTreeSet::new();
    let mut confirmed = game.contents.values().filter(|content| content.confirmed);
    let unique = confirmed.all(|content| seen.insert((content.parent, content.batch)));
    if unique { Ok(()) } else { Err(Broken::Fork) }
}

fn no_orphan(game: &Game) -> Result<(), Broken> {
    let mut confirmed = game.contents.values().filter(|content| content.confirmed);
    let founded = confirmed
        .all(|content| game.contents.get(&content.parent).is_none_or(|parent| parent.confirmed));
    if founded { Ok(()) } else { Err(Broken::Orphan) }
}

fn tip_is_newest(game: &Game) -> Result<(), Broken> {
    let tip = game.contents.get(&game.tip).filter(|tip| tip.confirmed).ok_or(Broken::StaleTip)?;
    let mut confirmed = game.contents.values().filter(|content| content.confirmed);
    if confirmed.all(|content| content.batch <= tip.batch) { Ok(()) } else { Err(Broken::StaleTip) }
}

fn truths_are_true<W: World>(model: &Model<W>) -> Result<(), Broken> {
    let mut truths = model.game().truths.iter();
    let hold = truths.all(|(pre, post)| model.world().step(*pre) == Some(*post));
    if hold { Ok(()) } else { Err(Broken::FalseTruth) }
}

fn money_is_conserved(ledger: &Ledger) -> Result<(), Broken> {
    let credited = ledger.owed.values().chain(ledger.withdrawn.values());
    let sum = credited.fold(ledger.held.saturating_add(ledger.burned), |sum, amount| {
        U256::saturating_add(sum, *amount)
    });
    if sum == ledger.posted { Ok(()) } else { Err(Broken::Money) }
}
