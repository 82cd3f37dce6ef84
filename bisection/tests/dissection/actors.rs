//! Who plays: honest parties by the planner, and liars of every kind.

use alloy_primitives::Address;
use recourse_bisection::{
    Action, ClaimRange, History, Knowledge, Party, RevealedGap, Role, Shape,
    model::{Carried, Model, Move, Outcome, Proof},
    next_actions,
};
use recourse_protocol::{
    AttemptId, AttemptStatus, BatchIndex, CheckpointHash, ContentHash, StepIndex, bindings::Segment,
};

use crate::arena::TICK;
use crate::toy::{Chain, GARBAGE, Honest, TRUTH, hash};

pub const PROPOSER: Address = Address::with_last_byte(1);
pub const WATCHTOWER: Address = Address::with_last_byte(2);
pub const LIAR: Address = Address::with_last_byte(0x66);

pub fn proposer(reveal_at_once: bool) -> (Address, Role) {
    (PROPOSER, Role::Proposer { min_batches: 1, reveal_at_once })
}

/// Makes all moves of an honest party. None may revert: the planner knows the contract's rules.
pub fn play(model: &mut Model<Chain>, (address, role): (Address, Role)) -> Vec<Action> {
    let owed = model.ledger().owed_to(address);
    let actions = next_actions(model.game(), &Honest(model), &Party { address, owed, role });
    for action in &actions {
        let call = respond(model, address, action);
        if let Err(revert) = model.apply(address, call) {
            panic!("{action:?} of {address} was refused: {revert}");
        }
    }
    actions
}

/// The responder of the toy: truth in, moves out.
fn respond(model: &Model<Chain>, beneficiary: Address, action: &Action) -> Move {
    match action.clone() {
        Action::Reveal { attempt, range, segment, .. } => {
            let elements = true_elements(model, range, &segment);
            Move::Reveal { attempt, segment, elements }
        }
        Action::ProveFraudGap { attempt, gap, .. } => {
            Move::KillGap { attempt, gap, beneficiary, proof: Proof::Fresh(Carried::default()) }
        }
        Action::KillGap { attempt, gap } => {
            Move::KillGap { attempt, gap, beneficiary, proof: Proof::Known }
        }
        Action::ProveFraudClaim { attempt, .. } => {
            Move::KillClaim { attempt, beneficiary, proof: Proof::Fresh(Carried::default()) }
        }
        Action::KillClaim { attempt } => {
            Move::KillClaim { attempt, beneficiary, proof: Proof::Known }
        }
        Action::KillGapBeyond { attempt, gap, .. } => {
            Move::KillGapBeyond { attempt, gap, beneficiary }
        }
        Action::Timeout { attempt, segment } => Move::Timeout { attempt, segment },
        Action::ChallengeClaim { attempt, bond } => Move::ChallengeClaim { attempt, bond },
        Action::ChallengeGap { attempt, gap, bond } => Move::ChallengeGap { attempt, gap, bond },
        Action::Confirm { attempt } => Move::Confirm { attempt },
        Action::Propose { parent, range, batch_hash, checkpoint, steps, reveal, bond, .. } => {
            let segment = Segment {
                start: 0,
                end: steps,
                startHash: hash(TRUTH, model.world().end(range.after)).0,
                endHash: checkpoint.0,
            };
            let elements = reveal.then(|| true_elements(model, range, &segment));
            let batch = range.upto;
            Move::Propose {
                parent,
                batch,
                batch_hash,
                checkpoint,
                steps,
                beneficiary,
                elements,
                bond,
            }
        }
        Action::MarkVoid { content } => Move::MarkVoid { content },
        Action::SettleAttempt { attempt } => Move::SettleAttempt { attempt },
        Action::SettleChallenge { attempt, segment } => Move::SettleChallenge { attempt, segment },
        Action::Withdraw { .. } => Move::Withdraw,
    }
}

fn true_elements(
    model: &Model<Chain>,
    range: ClaimRange,
    segment: &Segment,
) -> Vec<CheckpointHash> {
    let own = Honest(model).history(range).unwrap();
    let shape = Shape::of(segment, model.game().limits.arity).unwrap();
    shape.waypoints().map(|at| own.hash(at).unwrap()).collect()
}

/// What a dishonest owner claims of a range that truly has `n` steps, and shows when asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// From this step on another world.
    From(u64),
    /// Another world from the first step to the second, then the truth, and at the end a false checkpoint.
    Wavers(u64, u64),
    /// The right end so many steps too early.
    TooFew(u64),
    /// The right end so many steps too late.
    TooMany(u64),
    /// A false end, and hashes of nothing on the way.
    Garbage,
    /// A false end, and no answer ever.
    Silent,
    /// A true claim, whose reveals are garbage between the true ends.
    TrueButGarbage,
    /// A true claim whose owner never answers.
    TrueButSilent,
}

impl Lie {
    pub const fn content_is_true(self) -> bool {
        matches!(self, Self::TrueButGarbage | Self::TrueButSilent)
    }

    const fn answers(self) -> bool {
        !matches!(self, Self::Silent | Self::TrueButSilent)
    }
}

/// A claim of a liar.
#[derive(Debug, Clone, Copy)]
pub struct Liar {
    pub lie: Lie,
    pub attempt: AttemptId,
    start: u64,
    pub steps: u64,
}

impl Liar {
    /// Claims a range falsely. The lie is bent to what the contract accepts; none if it can't be told of this range.
    pub fn claim(
        model: &mut Model<Chain>,
        lie: Lie,
        parent: ContentHash,
        upto: BatchIndex,
        reveal_at_once: bool,
    ) -> Option<Self> {
        let after = model.game().contents.get(&parent)?.batch;
        let (start, end) = (model.world().end(after), model.world().end(upto));
        let length = end - start;
        let steps = match lie {
            Lie::TooFew(less) => length.checked_sub(less)?.max(1),
            Lie::TooMany(more) => length + more.max(1),
            _ => length,
        };
        if !lie.content_is_true() && steps == length && matches!(lie, Lie::TooFew(_)) {
            return None;
        }
        let checkpoint = match lie {
            Lie::From(_) | Lie::Wavers(..) | Lie::Garbage | Lie::Silent => hash(1, end),
            _ => hash(TRUTH, end),
        };
        let batch_hash = recourse_bisection::model::World::batch_hash(model.world(), upto)?;
        let mut liar = Self { lie, attempt: AttemptId::default(), start, steps };
        let whole = Segment {
            start: 0,
            end: steps,
            startHash: model.game().contents[&parent].checkpoint.0,
            endHash: checkpoint.0,
        };
        let elements =
            (reveal_at_once && steps > 1).then(|| liar.elements(&whole, model.game().limits.arity));
        let bond = model.game().limits.claim_bond;
        let call = Move::Propose {
            parent,
            batch: upto,
            batch_hash,
            checkpoint,
            steps,
            beneficiary: LIAR,
            elements,
            bond,
        };
        let Ok(Outcome::Attempt(attempt)) = model.apply(LIAR, call) else { return None };
        liar.attempt = attempt;
        Some(liar)
    }

    /// Answers what is asked, with the lie.
    pub fn play(&self, model: &mut Model<Chain>) {
        if !self.lie.answers() {
            return;
        }
        let asked: Vec<_> = model.game().attempts[&self.attempt]
            .open_challenges()
            .map(|(_, state)| state.segment.clone())
            .collect();
        for segment in asked {
            let elements = self.elements(&segment, model.game().limits.arity);
            // Too late, or killed meanwhile: a liar does not care.
            let _refused =
                model.apply(LIAR, Move::Reveal { attempt: self.attempt, segment, elements });
        }
    }

    /// Kills itself by a revealed pair, when its clocks have nearly run out.
    pub fn sabotage(&self, model: &mut Model<Chain>) {
        let game = model.game();
        let attempt = &game.attempts[&self.attempt];
        if game.now + 2 * TICK < attempt.window_end.max(attempt.quiet_until) {
            return;
        }
        let arity = game.limits.arity;
        let segments: Vec<_> = attempt.segments.values().cloned().collect();
        for state in segments {
            let Some(reveal) = state.reveal else { continue };
            let elements = model.elements(reveal.versioned_hash).unwrap();
            let gap = RevealedGap::of(&state.segment, arity, 0, &elements).unwrap();
            let (attempt, beneficiary) = (self.attempt, LIAR);
            let kill = Move::KillGap {
                attempt,
                gap,
                beneficiary,
                proof: Proof::Fresh(Carried::default()),
            };
            let _refused = model.apply(LIAR, kill);
        }
    }

    fn elements(&self, segment: &Segment, arity: u32) -> Vec<CheckpointHash> {
        let shape = Shape::of(segment, arity).unwrap();
        let mut elements: Vec<_> = shape.waypoints().map(|at| self.at(at)).collect();
        elements[0] = CheckpointHash(segment.startHash);
        *elements.last_mut().unwrap() = CheckpointHash(segment.endHash);
        elements
    }

    fn at(&self, StepIndex(step): StepIndex) -> CheckpointHash {
        let position = self.start + step;
        let world = match self.lie {
            Lie::From(first) if step >= first => 1,
            Lie::Wavers(first, last) if (first..last).contains(&step) => 2,
            Lie::Garbage | Lie::TrueButGarbage => GARBAGE,
            _ => TRUTH,
        };
        hash(world, position)
    }
}

/// Challenges everything that lives and can be challenged, true or not.
pub fn harass(model: &mut Model<Chain>) {
    let bond = model.game().limits.challenge_bond;
    let arity = model.game().limits.arity;
    let live: Vec<_> = model
        .game()
        .attempts
        .iter()
        .filter(|(_, attempt)| attempt.status == AttemptStatus::Live)
        .map(|(id, attempt)| (*id, attempt.clone()))
        .collect();
    for (attempt, state) in live {
        let _refused = model.apply(LIAR, Move::ChallengeClaim { attempt, bond });
        for segment in state.segments.values() {
            let Some(reveal) = segment.reveal else { continue };
            let elements = model.elements(reveal.versioned_hash).unwrap();
            let gaps = Shape::of(&segment.segment, arity).unwrap().gaps();
            for index in [0, gaps / 2, gaps - 1] {
                let gap = RevealedGap::of(&segment.segment, arity, index, &elements).unwrap();
                let _refused = model.apply(LIAR, Move::ChallengeGap { attempt, gap, bond });
            }
        }
    }
}
