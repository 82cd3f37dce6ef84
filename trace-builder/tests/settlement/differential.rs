//! The reference model of `bisection` against the contract: random moves, sensible and not, must be accepted and refused by
//! both, and leave the same game and the same money.

use std::collections::BTreeMap;

use alloy_eips::eip4844::Blob;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use recourse_bisection::{
    RevealedGap, Shape,
    model::{self, Model, Move, Outcome, Proof, World},
};
use recourse_protocol::{
    AttemptId, BatchIndex, Checkpoint, CheckpointHash, ContentHash, Game, Inputs, StepIndex,
    bindings::{Gap, IRollup, Reveal, Segment, StepProof},
};
use recourse_trace_builder::{
    Chunk, NO_REVEAL, ProvenStep, StepProver, kzg::Committed, staging::pointer_of,
};

use crate::{arena::Arena, l2::PERIODS};

const PARTIES: [Address; 3] =
    [Address::repeat_byte(0xc1), Address::repeat_byte(0xc2), Address::repeat_byte(0xc3)];

/// The batches and checkpoints of the test chain, as the model asks for them.
#[derive(Clone)]
struct Known {
    batches: Vec<B256>,
    truth: Vec<Checkpoint>,
    /// Where each batch ends in `truth`; batch 0 at 0.
    ends: Vec<usize>,
    preimages: BTreeMap<CheckpointHash, Checkpoint>,
}

impl World for Known {
    fn batch_hash(&self, batch: BatchIndex) -> Option<B256> {
        self.batches.get((batch.0 as usize).checked_sub(1)?).copied()
    }

    fn step(&self, pre: CheckpointHash) -> Option<CheckpointHash> {
        let at = self.truth.iter().position(|checkpoint| checkpoint.h248() == pre)?;
        self.truth.get(at + 1).map(Checkpoint::h248)
    }

    fn batch_of(&self, checkpoint: CheckpointHash) -> Option<BatchIndex> {
        self.preimages.get(&checkpoint).map(|checkpoint| checkpoint.batch)
    }

    fn ends_batch(&self, checkpoint: CheckpointHash, batch: BatchIndex) -> bool {
        self.preimages.get(&checkpoint).is_some_and(|checkpoint| checkpoint.ends_batch(batch))
    }
}

struct Match {
    arity: u32,
    arena: Arena,
    model: Model<Known>,
    known: Known,
    steps: BTreeMap<u64, ProvenStep>,
    blobs: BTreeMap<B256, Committed>,
    openings: BTreeMap<(B256, u32), Bytes>,
    /// Of steps whose witness is not inline.
    staged: BTreeMap<u64, Vec<model::Chunk>>,
    /// By whom and when each chunk was staged.
    posters: BTreeMap<Address, (Address, u64)>,
    /// Kills that somebody staged for.
    rewarded: u32,
    random: u64,
    accepted: BTreeMap<&'static str, u32>,
}

impl Match {
    fn new(seed: u64, arity: u32) -> Self {
        let arena = Arena::new(arity);
        let known = known(&arena);
        let game = &arena.game;
        let start = arena.chain.start.checkpoint.h248();
        let model = Model::new(known.clone(), start, game.periods, game.limits, game.now);
        Self {
            arity,
            arena,
            model,
            known,
            steps: BTreeMap::new(),
            blobs: BTreeMap::new(),
            openings: BTreeMap::new(),
            staged: BTreeMap::new(),
            posters: BTreeMap::new(),
            rewarded: 0,
            random: seed,
            accepted: BTreeMap::new(),
        }
    }

    /// splitmix64
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn turn(&mut self) {
        if self.one_in(7) {
            let seconds = [1, 12, 300, PERIODS.response_period / 2, PERIODS.response_period + 1];
            let seconds = seconds[self.below(seconds.len())];
            self.arena.wait(seconds);
            self.model.advance(seconds);
            return;
        }
        let Some((sender, name, call)) = self.choose() else { return };
        let (data, value, blobs) = self.calldata(sender, &call);
        let modelled = self.model.apply(sender, call.clone());
        let real = self.arena.send(sender, data, value, &blobs);
        assert_eq!(
            modelled.is_ok(),
            real.is_ok(),
            "{name} of {sender}: {call:?}\nmodel {modelled:?}\ncontract {real:?}"
        );
        if let Ok(outcome) = modelled {
            *self.accepted.entry(name).or_default() += 1;
            let fresh = |proof: &Proof| matches!(proof, Proof::Fresh(chunks) if !chunks.is_empty());
            if let Move::KillGap { proof, .. } | Move::KillClaim { proof, .. } = &call {
                self.rewarded += u32::from(fresh(proof));
            }
            if let Outcome::Attempt(id) = outcome {
                assert!(self.arena.game.attempts.contains_key(&id), "another attempt id");
            }
        }
        self.compare();
    }

    fn compare(&self) {
        for party in PARTIES {
            assert_eq!(self.arena.owed(party), self.model.ledger().owed_to(party));
        }
        assert_eq!(blobless(&self.arena.game), blobless(self.model.game()));
        let ledger = self.model.ledger();
        let owed = ledger.owed.values().fold(U256::ZERO, |sum, amount| sum + amount);
        assert_eq!(self.arena.l1.balance(self.arena.l1.rollup), ledger.held + owed);
    }

    // ------------------------------------------------------------ choosing

    /// Random moves are mostly nonsense, and nonsense is refused alike: most of it is left out.
    fn choose(&mut self) -> Option<(Address, &'static str, Move)> {
        let mut chosen = None;
        for _ in 0..12 {
            let mut sender = PARTIES[self.below(PARTIES.len())];
            let Some((name, call)) = self.random_move(sender) else { continue };
            if let (Move::Reveal { attempt, .. }, false) = (&call, self.one_in(10)) {
                sender = self.model.game().attempts[attempt].owner;
            }
            let sensible = self.model.clone().apply(sender, call.clone()).is_ok();
            chosen = Some((sender, name, call));
            if sensible || self.one_in(20) {
                break;
            }
        }
        chosen
    }

    fn random_move(&mut self, sender: Address) -> Option<(&'static str, Move)> {
        let kind = self.below(18);
        if kind < 3 {
            return Some(("propose", self.random_proposal()));
        }
        if kind == 3 {
            return Some(("withdraw", Move::Withdraw));
        }
        if kind == 4 {
            let content = self.any_content();
            return Some(("markVoid", Move::MarkVoid { content }));
        }
        let attempt = self.any_attempt()?;
        let limits = self.model.game().limits;
        let bond = if self.one_in(12) { limits.claim_bond } else { limits.challenge_bond };
        let beneficiary = if self.one_in(15) { Address::ZERO } else { sender };
        let fresh = !self.one_in(4);
        Some(match kind {
            5 => ("challengeClaim", Move::ChallengeClaim { attempt, bond }),
            6 => ("timeout", Move::Timeout { attempt, segment: self.any_segment(attempt)?.0 }),
            7 => ("confirm", Move::Confirm { attempt }),
            8 => ("settleAttempt", Move::SettleAttempt { attempt }),
            9 => {
                let segment = self.any_segment(attempt)?.0;
                ("settleChallenge", Move::SettleChallenge { attempt, segment })
            }
            10 => {
                let game = self.model.game();
                let parent = game.contents[&game.attempts[&attempt].content].parent;
                let left = game.contents[&parent].checkpoint;
                let proof = self.proof(left, fresh);
                ("killClaim", Move::KillClaim { attempt, beneficiary, proof })
            }
            11 | 12 => {
                let asked: Vec<_> = self.model.game().attempts[&attempt]
                    .open_challenges()
                    .map(|(_, state)| state.segment.clone())
                    .collect();
                let segment = match asked.first() {
                    Some(asked) if !self.one_in(6) => asked.clone(),
                    _ => self.any_segment(attempt)?.1,
                };
                let elements = self.random_elements(attempt, &segment)?;
                ("reveal", Move::Reveal { attempt, segment, elements })
            }
            13 | 14 => {
                let gap = self.false_pair(attempt, false)?;
                let proof = self.proof(gap.left, fresh);
                ("killGap", Move::KillGap { attempt, gap, beneficiary, proof })
            }
            15 => {
                let gap = self.any_gap(attempt)?;
                ("challengeGap", Move::ChallengeGap { attempt, gap, bond })
            }
            _ => {
                let gap = self.false_pair(attempt, true)?;
                ("killGapBeyond", Move::KillGapBeyond { attempt, gap, beneficiary })
            }
        })
    }

    fn random_proposal(&mut self) -> Move {
        let parent = self.any_content();
        let after = self.model.game().contents[&parent].batch.0 as usize;
        let batch = 1 + self.below(3);
        let start = self.known.ends[after];
        let length = self.known.ends[batch].saturating_sub(start) as u64;
        let lies = self.one_in(2);
        let mut checkpoint = self.known.truth[self.known.ends[batch]];
        if lies {
            checkpoint.state_root = B256::repeat_byte(0xee);
        }
        let steps = match self.below(6) {
            0 => 1,
            1 => length + 2,
            2 => length.saturating_sub(1),
            _ => length,
        };
        let bond = if self.one_in(15) { U256::ONE } else { self.model.game().limits.claim_bond };
        let segment = Segment {
            start: 0,
            end: steps,
            startHash: self.known.truth[start].h248().0,
            endHash: checkpoint.h248().0,
        };
        let elements = if self.one_in(3) { self.elements(start, &segment) } else { None };
        let wrong_hash = self.one_in(15);
        Move::Propose {
            parent,
            batch: BatchIndex(batch as u64),
            batch_hash: if wrong_hash { B256::ZERO } else { self.known.batches[batch - 1] },
            checkpoint: checkpoint.h248(),
            steps,
            beneficiary: PARTIES[self.below(PARTIES.len())],
            elements,
            bond,
        }
    }

    /// More often than not one that is still played.
    fn any_attempt(&mut self) -> Option<AttemptId> {
        let played = !self.one_in(4);
        let game = self.model.game();
        let attempts: Vec<_> = game
            .attempts
            .iter()
            .filter(|(_, a)| {
                let content = game.contents[&a.content];
                let over = a.settled || content.confirmed || content.contradicted;
                !(played && over)
            })
            .map(|(id, _)| *id)
            .collect();
        attempts.get(self.below(attempts.len().max(1))).copied()
    }

    /// More often than not the tip: most others are no parents any more.
    fn any_content(&mut self) -> ContentHash {
        let contents: Vec<_> = self.model.game().contents.keys().copied().collect();
        let any = contents[self.below(contents.len())];
        if self.one_in(2) { any } else { self.model.game().tip }
    }

    /// A segment that is known of an attempt, or its whole claim.
    fn any_segment(&mut self, id: AttemptId) -> Option<(recourse_protocol::SegmentId, Segment)> {
        let game = self.model.game();
        let attempt = &game.attempts[&id];
        let content = game.contents[&attempt.content];
        let whole = Segment {
            start: 0,
            end: content.steps,
            startHash: game.contents[&content.parent].checkpoint.0,
            endHash: content.checkpoint.0,
        };
        let mut segments: Vec<_> =
            attempt.segments.iter().map(|(key, state)| (*key, state.segment.clone())).collect();
        segments.push((recourse_protocol::segment_id(id, &whole), whole));
        let index = self.below(segments.len());
        segments.into_iter().nth(index)
    }

    /// A pair that can be killed, if there is one; sometimes any gap.
    fn false_pair(&mut self, id: AttemptId, beyond: bool) -> Option<RevealedGap> {
        let game = self.model.game();
        let last = game.contents[&game.attempts[&id].content].batch;
        let mut pairs = Vec::new();
        for state in game.attempts[&id].segments.values() {
            let Some(reveal) = state.reveal else { continue };
            let elements = self.model.elements(reveal.versioned_hash)?;
            let gaps = Shape::of(&state.segment, self.arity)?.gaps();
            pairs.extend((0..gaps).filter_map(|index| {
                let gap = RevealedGap::of(&state.segment, self.arity, index, &elements)?;
                let ends_in = self.known.batch_of(gap.left)?;
                let is_false = self.known.step(gap.left)? != gap.right;
                let wanted = if beyond { ends_in > last } else { is_false };
                (gap.is_pair() && wanted).then_some(gap)
            }));
        }
        if pairs.is_empty() || self.one_in(6) {
            return self.any_gap(id);
        }
        let index = self.below(pairs.len());
        pairs.into_iter().nth(index)
    }

    fn any_gap(&mut self, id: AttemptId) -> Option<RevealedGap> {
        let revealed: Vec<_> = self.model.game().attempts[&id]
            .segments
            .values()
            .filter_map(|state| Some((state.segment.clone(), state.reveal?.versioned_hash)))
            .collect();
        let (segment, hash) = revealed.get(self.below(revealed.len().max(1)))?.clone();
        let elements = self.model.elements(hash)?;
        let gaps = Shape::of(&segment, self.arity)?.gaps();
        let index = self.below(gaps as usize) as u32;
        let mut gap = RevealedGap::of(&segment, self.arity, index, &elements)?;
        if self.one_in(12) {
            gap.right = gap.left;
        }
        Some(gap)
    }

    fn random_elements(&mut self, id: AttemptId, segment: &Segment) -> Option<Vec<CheckpointHash>> {
        let game = self.model.game();
        let content = game.contents[&game.attempts[&id].content];
        let start = self.known.ends[game.contents[&content.parent].batch.0 as usize];
        self.elements(start, segment)
    }

    /// The truth up to some step, then nothing known; mostly with the right ends.
    fn elements(&mut self, start: usize, segment: &Segment) -> Option<Vec<CheckpointHash>> {
        let shape = Shape::of(segment, self.arity)?;
        let true_up_to = if self.one_in(3) { u64::MAX } else { self.below(40) as u64 };
        let mut elements: Vec<_> = shape
            .waypoints()
            .map(|StepIndex(step)| {
                let truth = self.known.truth.get(start + step as usize);
                let fake = CheckpointHash(B256::right_padding_from(&[0, 0xfa, step as u8]));
                truth.filter(|_| step <= true_up_to).map_or(fake, Checkpoint::h248)
            })
            .collect();
        if !self.one_in(12) {
            elements[0] = CheckpointHash(segment.startHash);
            *elements.last_mut()? = CheckpointHash(segment.endHash);
        }
        Some(elements)
    }

    // ------------------------------------------------------------ calling

    fn calldata(&mut self, sender: Address, call: &Move) -> (Bytes, U256, Vec<Box<Blob>>) {
        match call.clone() {
            Move::Propose {
                parent,
                batch_hash,
                checkpoint,
                steps,
                beneficiary,
                elements,
                bond,
                ..
            } => {
                let (reveal, blobs) = self.revealing(elements.as_deref());
                let call = IRollup::proposeCall {
                    parent: parent.0,
                    batchHash: batch_hash,
                    checkpoint: self.known.preimages[&checkpoint].into(),
                    steps,
                    beneficiary,
                    reveal,
                };
                (call.abi_encode().into(), bond, blobs)
            }
            Move::Reveal { attempt, segment, elements } => {
                let (data, blobs) = self.revealing(Some(&elements));
                let call = IRollup::revealCall { attempt: attempt.0, segment, data };
                (call.abi_encode().into(), U256::ZERO, blobs)
            }
            Move::ChallengeGap { attempt, gap, bond } => {
                let gap = self.gap(attempt, &gap);
                let call = IRollup::challengeGapCall { attempt: attempt.0, gap };
                (call.abi_encode().into(), bond, Vec::new())
            }
            Move::ChallengeClaim { attempt, bond } => {
                let call = IRollup::challengeClaimCall { attempt: attempt.0 };
                (call.abi_encode().into(), bond, Vec::new())
            }
            other => (self.free(sender, other), U256::ZERO, Vec::new()),
        }
    }

    /// Calls without value or blobs.
    fn free(&mut self, sender: Address, call: Move) -> Bytes {
        let data = match call {
            Move::KillGap { attempt, gap, beneficiary, proof: Proof::Known } => {
                let (attempt, gap) = (attempt.0, self.gap(attempt, &gap));
                IRollup::killGapCall { attempt, gap, beneficiary }.abi_encode()
            }
            Move::KillGap { attempt, gap, beneficiary, proof: Proof::Fresh(_) } => {
                let (pre, proof) = self.step(gap.left);
                let (attempt, gap) = (attempt.0, self.gap(attempt, &gap));
                let call = IRollup::proveFraudGapCall { attempt, gap, pre, proof, beneficiary };
                call.abi_encode()
            }
            Move::KillClaim { attempt, beneficiary, proof: Proof::Known } => {
                IRollup::killClaimCall { attempt: attempt.0, beneficiary }.abi_encode()
            }
            Move::KillClaim { attempt, beneficiary, proof: Proof::Fresh(_) } => {
                let game = self.model.game();
                let parent = game.contents[&game.attempts[&attempt].content].parent;
                let (pre, proof) = self.step(game.contents[&parent].checkpoint);
                let attempt = attempt.0;
                IRollup::proveFraudClaimCall { attempt, pre, proof, beneficiary }.abi_encode()
            }
            Move::KillGapBeyond { attempt, gap, beneficiary } => {
                let pre = self.known.preimages.get(&gap.left).copied().unwrap_or_default().into();
                let (attempt, gap) = (attempt.0, self.gap(attempt, &gap));
                IRollup::killGapBeyondCall { attempt, gap, pre, beneficiary }.abi_encode()
            }
            Move::Timeout { attempt, segment } => {
                IRollup::timeoutCall { attempt: attempt.0, segmentId: segment.0 }.abi_encode()
            }
            Move::Confirm { attempt } => IRollup::confirmCall { attempt: attempt.0 }.abi_encode(),
            Move::MarkVoid { content } => IRollup::markVoidCall { content: content.0 }.abi_encode(),
            Move::SettleAttempt { attempt } => {
                IRollup::settleAttemptCall { attempt: attempt.0 }.abi_encode()
            }
            Move::SettleChallenge { attempt, segment } => {
                let (attempt, segment_id) = (attempt.0, segment.0);
                IRollup::settleChallengeCall { attempt, segmentId: segment_id }.abi_encode()
            }
            _ => IRollup::withdrawCall { to: sender }.abi_encode(),
        };
        data.into()
    }

    /// How a kill proves: a fresh proof points to what it does not carry inline. Sometimes that is all of the witness, in two
    /// chunks of somebody's.
    fn proof(&mut self, left: CheckpointHash, fresh: bool) -> Proof {
        if !fresh {
            return Proof::Known;
        }
        let at = self.position(left);
        if !self.staged.contains_key(&at) && !self.one_in(4) {
            self.stage_witness(at);
        }
        Proof::Fresh(self.staged.get(&at).cloned().unwrap_or_default())
    }

    fn stage_witness(&mut self, at: u64) {
        let witness = self.proven(at).evidence.execution.witness.clone();
        let mut chunks = Vec::new();
        for half in witness.chunks(witness.len().div_ceil(2).max(1)) {
            let first = PARTIES[self.below(PARTIES.len())];
            let bytes = Bytes::copy_from_slice(half);
            let chunk = Chunk { pointer: pointer_of(self.arena.l1.store, &bytes), bytes };
            self.arena.l1.stage(first, &chunk);
            // A second time changes nothing, and steps share witnesses.
            let other = PARTIES[self.below(PARTIES.len())];
            self.arena.l1.stage(other, &chunk);
            let now = self.arena.l1.now;
            let (poster, staged_at) = *self.posters.entry(chunk.pointer).or_insert((first, now));
            let size = chunk.bytes.len() as u32;
            chunks.push(model::Chunk { pointer: chunk.pointer, poster, size, staged_at });
        }
        self.staged.insert(at, chunks);
    }

    /// The position of a checkpoint; another one if it is not in the true history.
    fn position(&self, pre: CheckpointHash) -> u64 {
        let last = self.known.truth.len() - 2;
        let found = self.known.truth[..=last].iter().position(|c| c.h248() == pre);
        found.unwrap_or(last) as u64
    }

    fn proven(&mut self, at: u64) -> &ProvenStep {
        let arena = &self.arena;
        self.steps.entry(at).or_insert_with(|| {
            let prover = StepProver {
                derivation: arena.chain.derivation(&arena.l1),
                blobs: &arena.l1.events,
            };
            prover.prove(&arena.chain.claim(0, 3), StepIndex(at)).unwrap()
        })
    }

    /// The proof of the step from a checkpoint.
    fn step(
        &mut self,
        pre: CheckpointHash,
    ) -> (recourse_protocol::bindings::Checkpoint, StepProof) {
        let at = self.position(pre);
        let staged = self.staged.get(&at).cloned().unwrap_or_default();
        let step = self.proven(at);
        let mut proof = step.evidence.plain().unwrap();
        if !staged.is_empty() {
            proof.execution.witness = Bytes::new();
            proof.execution.pointers = staged.iter().map(|chunk| chunk.pointer).collect();
        }
        (step.pre.into(), proof)
    }

    fn revealing(&mut self, elements: Option<&[CheckpointHash]>) -> (Reveal, Vec<Box<Blob>>) {
        let Some(elements) = elements else {
            return (Reveal { blobIndex: NO_REVEAL, ..Reveal::default() }, Vec::new());
        };
        let mut blob = Box::new(Blob::ZERO);
        for (element, hash) in blob.chunks_exact_mut(32).zip(elements) {
            element.copy_from_slice(hash.0.as_slice());
        }
        // The model's name for the same blob.
        let mut name = keccak256(elements.iter().flat_map(|e| e.0.0).collect::<Vec<_>>());
        name.0[0] = 1;
        self.blobs.entry(name).or_insert_with(|| Committed::to(&blob).unwrap());
        let reveal = Reveal {
            blobIndex: 0,
            commitment: self.blobs[&name].commitment(),
            startProof: self.open(name, 0),
            endProof: self.open(name, elements.len() as u32 - 1),
        };
        (reveal, vec![blob])
    }

    fn open(&mut self, name: B256, index: u32) -> Bytes {
        let committed = &self.blobs[&name];
        let open = || committed.open(index as usize).unwrap();
        self.openings.entry((name, index)).or_insert_with(open).clone()
    }

    fn gap(&mut self, attempt: AttemptId, gap: &RevealedGap) -> Gap {
        let id = recourse_protocol::segment_id(attempt, &gap.parent);
        let state = &self.model.game().attempts[&attempt].segments[&id];
        let name = state.reveal.unwrap().versioned_hash;
        Gap {
            parent: gap.parent.clone(),
            index: gap.index,
            left: gap.left.0,
            right: gap.right.0,
            commitment: self.blobs[&name].commitment(),
            leftProof: self.open(name, gap.index),
            rightProof: self.open(name, gap.index + 1),
        }
    }
}

fn known(arena: &Arena) -> Known {
    let history = arena.chain.claim(0, 3);
    let derivation = arena.chain.derivation(&arena.l1);
    let steps = arena.steps(0, 3);
    let truth: Vec<_> = (0..=steps)
        .map(|at| history.snapshot(&derivation, StepIndex(at)).unwrap().checkpoint)
        .collect();
    let ends = [0, 1, 2, 3].map(|upto| if upto == 0 { 0 } else { arena.steps(0, upto) as usize });
    let lies = ends.map(|end| Checkpoint { state_root: B256::repeat_byte(0xee), ..truth[end] });
    let batches = (1..=3)
        .map(|batch| arena.l1.events.batch(BatchIndex(batch)).unwrap().unwrap().hash())
        .collect();
    let preimages = truth.iter().chain(&lies).map(|c| (c.h248(), *c)).collect();
    Known { batches, ends: ends.to_vec(), preimages, truth }
}

/// A game without what names blobs, which are no blobs in the model.
fn blobless(game: &Game) -> Game {
    let mut game = game.clone();
    for state in game.attempts.values_mut().flat_map(|attempt| attempt.segments.values_mut()) {
        if let Some(reveal) = &mut state.reveal {
            reveal.versioned_hash = B256::ZERO;
            reveal.l1_block = 0;
        }
    }
    game
}

#[test]
fn the_model_and_the_contract_agree() {
    let mut accepted: BTreeMap<&str, u32> = BTreeMap::new();
    let mut rewarded = 0;
    for (seed, arity) in [(0, 4), (1, 4095), (2, 4095)] {
        let mut game = Match::new(seed, arity);
        for _ in 0..200 {
            game.turn();
        }
        rewarded += game.rewarded;
        for (name, times) in game.accepted {
            *accepted.entry(name).or_default() += times;
        }
    }
    assert!(rewarded > 0, "no kill used what somebody had staged");
    // Agreement on refusals alone would say little.
    for name in [
        "propose",
        "challengeClaim",
        "challengeGap",
        "reveal",
        "timeout",
        "killGap",
        "killClaim",
        "killGapBeyond",
        "confirm",
        "markVoid",
        "settleAttempt",
        "settleChallenge",
        "withdraw",
    ] {
        assert!(accepted.contains_key(name), "never accepted: {name}; {accepted:?}");
    }
}
