//! Random moves: half of them such as a player would make, half spoiled, late, early, or somebody else's.

use alloy_primitives::{Address, B256, U256};
use recourse_bisection::{
    RevealedGap, Shape,
    model::{Carried, Chunk, MAX_BILL, Move, Proof, World},
};
use recourse_protocol::{
    Attempt, AttemptId, AttemptStatus, BatchIndex, CheckpointHash, ContentHash, MAX_INLINE_BYTES,
    SegmentId, StepIndex,
    bindings::{IRollup, Segment},
};

use crate::{
    compare::{Pair, Step, fate_of},
    l1::{CHALLENGE_BOND, CLAIM_BOND, MANY, PLAYERS, RESPONSE},
    toy::{STEPS, lie, truth},
};

/// Batches of the longest game.
const BATCHES: usize = 6;

/// Numbers out of one number (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides.max(1)
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        list.get(self.roll(list.len() as u64) as usize).cloned()
    }
}

/// What comes next.
pub fn next(entropy: u64, pair: &mut Pair) -> Step {
    let mut dice = Dice(entropy);
    let sender = dice.pick(&PLAYERS).unwrap();
    let call = match dice.roll(38) {
        0 if pair.model.world().batches.len() < BATCHES => return Step::Append,
        0..=4 => return Step::Wait(wait(&mut dice, pair)),
        5..=7 => Some(propose(&mut dice, pair)),
        8..=12 => challenge_claim(&mut dice, pair),
        13..=15 => challenge_gap(&mut dice, pair),
        16..=20 => return reveal(&mut dice, pair, sender).unwrap_or(Step::Wait(1)),
        21 => Some(prove(&mut dice, pair)),
        22..=25 => kill_gap(&mut dice, pair, sender),
        26 | 27 => kill_claim(&mut dice, pair, sender),
        28 => beyond(&mut dice, pair, sender),
        29 => timeout(&mut dice, pair),
        30 | 31 => any_attempt(&mut dice, pair).map(|attempt| Move::Confirm { attempt }),
        32 => Some(Move::MarkVoid { content: any_content(&mut dice, pair) }),
        33 => any_attempt(&mut dice, pair).map(|attempt| Move::SettleAttempt { attempt }),
        34 => settle_challenge(&mut dice, pair),
        35 | 36 => return stage(&mut dice, sender),
        _ => Some(Move::Withdraw),
    };
    call.map_or(Step::Wait(1), |call| Step::Move(sender, Box::new(call)))
}

// ---------------------------------------------------------------- picking

fn any_content(dice: &mut Dice, pair: &Pair) -> ContentHash {
    let game = pair.model.game();
    if dice.one_in(40) {
        return ContentHash(B256::with_last_byte(1));
    }
    if dice.one_in(3) {
        return game.tip;
    }
    let all: Vec<_> = game.contents.keys().copied().collect();
    dice.pick(&all).unwrap()
}

fn any_attempt(dice: &mut Dice, pair: &Pair) -> Option<AttemptId> {
    if dice.one_in(60) {
        return Some(AttemptId(B256::with_last_byte(1)));
    }
    let all = &pair.model.game().attempts;
    let live = all.iter().filter(|(_, a)| a.status == AttemptStatus::Live);
    let ids: Vec<_> = if dice.one_in(5) {
        all.keys().copied().collect()
    } else {
        live.map(|(id, _)| *id).collect()
    };
    dice.pick(&ids)
}

fn known_attempt(dice: &mut Dice, pair: &Pair) -> Option<(AttemptId, Attempt)> {
    let id = any_attempt(dice, pair)?;
    Some((id, pair.model.game().attempts.get(&id)?.clone()))
}

/// A revealed segment of an attempt, with what revealed it.
fn revealed(
    dice: &mut Dice,
    pair: &Pair,
) -> Option<(AttemptId, Segment, std::sync::Arc<[CheckpointHash]>)> {
    let (id, attempt) = known_attempt(dice, pair)?;
    let all: Vec<_> = attempt.segments.iter().filter(|(_, s)| s.reveal.is_some()).collect();
    let (segment_id, state) = dice.pick(&all)?;
    let elements = pair.revealed(id, *segment_id)?;
    // Sometimes against somebody else.
    let id = if dice.one_in(20) { any_attempt(dice, pair)? } else { id };
    Some((id, state.segment.clone(), elements))
}

/// Where an attempt starts, in steps since genesis.
fn start_of(pair: &Pair, attempt: &Attempt) -> u64 {
    let game = pair.model.game();
    let parent = game.contents[&attempt.content].parent;
    game.contents[&parent].batch.0 * STEPS
}

fn beneficiary(dice: &mut Dice, who: Address) -> Address {
    if dice.one_in(20) { Address::ZERO } else { who }
}

// ---------------------------------------------------------------- moves

/// Most often to the second around a clock.
fn wait(dice: &mut Dice, pair: &Pair) -> u64 {
    let game = pair.model.game();
    let mut clocks = Vec::new();
    for attempt in game.attempts.values().filter(|a| a.status == AttemptStatus::Live) {
        clocks.extend([attempt.window_end, attempt.quiet_until]);
        clocks.extend(attempt.open_challenges().filter_map(|(_, s)| Some(s.challenge?.deadline)));
    }
    clocks.retain(|clock| *clock >= game.now);
    clocks.sort_unstable();
    clocks.truncate(4);
    let clock = dice.pick(&clocks).filter(|_| dice.one_in(2));
    let random = dice.roll(RESPONSE / 4);
    // The clock's second is the last that counts.
    clock.map_or(random + 1, |clock| clock - game.now + random % 2)
}

fn propose(dice: &mut Dice, pair: &mut Pair) -> Move {
    let parent = any_content(dice, pair);
    let after = pair.model.game().contents.get(&parent).map_or(0, |content| content.batch.0);
    let batch = after + 1 + dice.roll(2);
    let mut end =
        if dice.one_in(2) { truth(batch * STEPS) } else { lie(batch * STEPS, dice.roll(2)) };
    let mut steps = match dice.roll(6) {
        0 => 1,
        1 => dice.roll(8) + 1,
        // Past the end.
        2 => (batch - after) * STEPS + 1 + dice.roll(4),
        _ => (batch - after) * STEPS,
    };
    let arity = u64::from(pair.model.game().limits.arity);
    // One that takes a second level of dissection.
    if arity >= 40 && dice.one_in(6) {
        steps = arity + 1 + dice.roll(2 * arity);
    }
    let (mut bond, mut to) = (CLAIM_BOND, dice.pick(&PLAYERS).unwrap());
    let mut batch_hash = pair.model.world().batch_hash(BatchIndex(batch)).unwrap_or_default();
    match dice.roll(40) {
        0 => bond += 1,
        1 => to = Address::ZERO,
        2 => batch_hash = B256::with_last_byte(3),
        3 => end.offset = 1,
        4 => end.open = true,
        5 => steps = 0,
        6 => steps = u64::MAX,
        7 => end.blob = 1,
        _ => {}
    }
    let checkpoint = pair.model.world_mut().learn(end);
    let start = pair.model.game().contents.get(&parent).map(|content| content.checkpoint);
    let whole = Segment {
        start: 0,
        end: steps.min(100.max(3 * arity)),
        startHash: start.unwrap_or_default().0,
        endHash: checkpoint.0,
    };
    let elements = dice.one_in(4).then(|| elements(dice, pair, &whole, after * STEPS));
    Move::Propose {
        parent,
        batch: BatchIndex(batch),
        batch_hash,
        checkpoint,
        steps,
        beneficiary: to,
        elements,
        bond: U256::from(bond),
    }
}

/// What an owner shows of a segment: the truth, from some position on a lie, rarely not even the segment's ends.
fn elements(
    dice: &mut Dice,
    pair: &mut Pair,
    segment: &Segment,
    start: u64,
) -> Vec<CheckpointHash> {
    let arity = pair.model.game().limits.arity;
    // Too short a segment has no shape: anything will do, it is refused.
    let Some(shape) = Shape::of(segment, arity) else { return vec![truth(0).h248(); 2] };
    let lie_at = dice.roll(2 * (segment.end - segment.start));
    let salt = dice.roll(2);
    let mut shown = Vec::new();
    for StepIndex(at) in shape.waypoints() {
        let position = start + at;
        let shown_here =
            if at - segment.start < lie_at { truth(position) } else { lie(position, salt) };
        shown.push(pair.model.world_mut().learn(shown_here));
    }
    let last = shown.len() - 1;
    shown[0] = CheckpointHash(segment.startHash);
    shown[last] = CheckpointHash(segment.endHash);
    if dice.one_in(12) {
        let spoilt = if dice.one_in(2) { 0 } else { last };
        shown[spoilt] = lie(1000, 1).h248();
    }
    shown
}

fn challenge_claim(dice: &mut Dice, pair: &Pair) -> Option<Move> {
    let attempt = any_attempt(dice, pair)?;
    let bond = U256::from(CHALLENGE_BOND + u64::from(dice.one_in(20)));
    Some(Move::ChallengeClaim { attempt, bond })
}

fn challenge_gap(dice: &mut Dice, pair: &Pair) -> Option<Move> {
    let (attempt, segment, elements) = revealed(dice, pair)?;
    let gap = any_gap(dice, pair, &segment, &elements)?;
    let bond = U256::from(CHALLENGE_BOND + u64::from(dice.one_in(20)));
    Some(Move::ChallengeGap { attempt, gap, bond })
}

fn any_gap(
    dice: &mut Dice,
    pair: &Pair,
    segment: &Segment,
    elements: &[CheckpointHash],
) -> Option<RevealedGap> {
    let arity = pair.model.game().limits.arity;
    let gaps = u64::from(Shape::of(segment, arity)?.gaps());
    let mut gap = RevealedGap::of(segment, arity, dice.roll(gaps) as u32, elements)?;
    match dice.roll(30) {
        0 => gap.left = lie(500, 0).h248(),
        1 => gap.right = lie(500, 0).h248(),
        2 => gap.index = gaps as u32,
        // A segment that nobody revealed.
        3 => gap.parent.end += 1,
        _ => {}
    }
    Some(gap)
}

fn reveal(dice: &mut Dice, pair: &mut Pair, sender: Address) -> Option<Step> {
    let (id, attempt) = known_attempt(dice, pair)?;
    let open: Vec<_> = attempt.open_challenges().map(|(_, s)| s.segment.clone()).collect();
    let all: Vec<_> = attempt.segments.values().map(|s| s.segment.clone()).collect();
    let segment = if dice.one_in(8) { dice.pick(&all)? } else { dice.pick(&open)? };
    let start = start_of(pair, &attempt);
    let elements = elements(dice, pair, &segment, start);
    let sender = if dice.one_in(10) { sender } else { attempt.owner };
    let segment =
        if dice.one_in(20) { Segment { end: segment.end + 1, ..segment } } else { segment };
    Some(Step::Move(sender, Box::new(Move::Reveal { attempt: id, segment, elements })))
}

fn prove(dice: &mut Dice, pair: &mut Pair) -> Move {
    let position = dice.roll(8 * STEPS);
    let known = if dice.one_in(5) { lie(position, 0) } else { truth(position) };
    let known = pair.model.world_mut().learn(known);
    let needed = false_pairs(pair).first().map(|(_, gap)| gap.left).filter(|_| dice.one_in(2));
    let chunks = if dice.one_in(2) { chunks(dice, pair) } else { Vec::new() };
    let carried = Carried { inline: inline(dice), chunks };
    Move::ProveStep { pre: needed.unwrap_or(known), carried }
}

/// All revealed pairs of pending attempts, with the last batch of what they claim.
fn pairs(pair: &Pair) -> Vec<(AttemptId, BatchIndex, RevealedGap)> {
    let game = pair.model.game();
    let arity = game.limits.arity;
    let mut found = Vec::new();
    let pending = |a: &Attempt| fate_of(a, game) == IRollup::Fate::Pending;
    for (id, attempt) in game.attempts.iter().filter(|(_, a)| pending(a)) {
        let batch = game.contents[&attempt.content].batch;
        for (segment_id, state) in &attempt.segments {
            let Some(elements) = pair.revealed(*id, *segment_id) else { continue };
            let gaps = Shape::of(&state.segment, arity).unwrap().gaps();
            let all = (0..gaps)
                .filter_map(|index| RevealedGap::of(&state.segment, arity, index, &elements));
            found.extend(all.filter(RevealedGap::is_pair).map(|gap| (*id, batch, gap)));
        }
    }
    found
}

/// Those that kill.
fn false_pairs(pair: &Pair) -> Vec<(AttemptId, RevealedGap)> {
    let is_false =
        |gap: &RevealedGap| pair.model.world().step(gap.left).is_some_and(|next| next != gap.right);
    let all = pairs(pair).into_iter().map(|(id, _, gap)| (id, gap));
    all.filter(|(_, gap)| is_false(gap)).collect()
}

fn proof(dice: &mut Dice, pair: &Pair) -> Proof {
    if dice.one_in(3) {
        return Proof::Known;
    }
    Proof::Fresh(Carried { inline: inline(dice), chunks: chunks(dice, pair) })
}

/// A little, rarely as much as there may be, or a byte more.
fn inline(dice: &mut Dice) -> usize {
    match dice.roll(40) {
        0 => MAX_INLINE_BYTES + 1,
        1 => MAX_INLINE_BYTES,
        _ => dice.roll(200) as usize,
    }
}

/// Nothing, or a few, those staged last before others, maybe one of them twice. Rarely as many as a bill takes, or one more.
fn chunks(dice: &mut Dice, pair: &Pair) -> Vec<Chunk> {
    let all = &pair.l1.chunks;
    match dice.roll(24) {
        0 => return all[..MANY].to_vec(),
        1 => return all[..MAX_BILL].to_vec(),
        _ => {}
    }
    let last = &all[all.len().saturating_sub(6)..];
    let some = |dice: &mut Dice| {
        let list = if dice.one_in(4) { all.as_slice() } else { last };
        dice.pick(list).unwrap()
    };
    (0..dice.roll(6)).map(|_| some(dice)).collect()
}

/// Sizes from a few bytes to more than half of a bond pays for.
fn stage(dice: &mut Dice, sender: Address) -> Step {
    let most = if dice.one_in(4) { 1200 } else { 100 };
    Step::Stage(sender, 100 + dice.roll(most) as u32)
}

fn kill_gap(dice: &mut Dice, pair: &Pair, sender: Address) -> Option<Move> {
    let pairs = false_pairs(pair);
    let (attempt, gap) = match dice.pick(&pairs).filter(|_| !dice.one_in(4)) {
        Some(found) => found,
        None => {
            let (attempt, segment, elements) = revealed(dice, pair)?;
            (attempt, any_gap(dice, pair, &segment, &elements)?)
        }
    };
    let beneficiary = beneficiary(dice, sender);
    Some(Move::KillGap { attempt, gap, beneficiary, proof: proof(dice, pair) })
}

fn kill_claim(dice: &mut Dice, pair: &Pair, sender: Address) -> Option<Move> {
    let game = pair.model.game();
    let short = game.attempts.iter().filter(|(_, a)| game.contents[&a.content].steps == 1);
    let short: Vec<_> = short.map(|(id, _)| *id).collect();
    let attempt = if dice.one_in(5) { any_attempt(dice, pair)? } else { dice.pick(&short)? };
    let beneficiary = beneficiary(dice, sender);
    Some(Move::KillClaim { attempt, beneficiary, proof: proof(dice, pair) })
}

/// Some of them within the claim's batches, where it is refused.
fn beyond(dice: &mut Dice, pair: &Pair, sender: Address) -> Option<Move> {
    let mut all = pairs(pair);
    all.retain(|(_, last, gap)| pair.model.world().batch_of(gap.left) > Some(*last));
    let (attempt, gap) = match dice.pick(&all).filter(|_| !dice.one_in(4)) {
        Some((attempt, _, gap)) => (attempt, gap),
        None => {
            let (attempt, segment, elements) = revealed(dice, pair)?;
            (attempt, any_gap(dice, pair, &segment, &elements)?)
        }
    };
    let beneficiary = beneficiary(dice, sender);
    Some(Move::KillGapBeyond { attempt, gap, beneficiary })
}

fn timeout(dice: &mut Dice, pair: &Pair) -> Option<Move> {
    let (attempt, state) = known_attempt(dice, pair)?;
    let segment = challenged(dice, &state)?;
    let attempt = if dice.one_in(10) { any_attempt(dice, pair)? } else { attempt };
    Some(Move::Timeout { attempt, segment })
}

fn settle_challenge(dice: &mut Dice, pair: &Pair) -> Option<Move> {
    let all: Vec<_> = pair.model.game().attempts.clone().into_iter().collect();
    let (attempt, state) = dice.pick(&all)?;
    let segment = challenged(dice, &state)?;
    Some(Move::SettleChallenge { attempt, segment })
}

/// A challenged segment; rarely one that is not.
fn challenged(dice: &mut Dice, attempt: &Attempt) -> Option<SegmentId> {
    if dice.one_in(30) {
        return Some(SegmentId(B256::with_last_byte(1)));
    }
    let all: Vec<_> = attempt.segments.keys().copied().collect();
    dice.pick(&all)
}
