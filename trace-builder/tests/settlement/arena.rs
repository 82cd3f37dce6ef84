//! A dispute on the real contracts: honest parties by planner and responder, a liar by hand.

use std::{collections::BTreeMap, sync::Arc};

use alloy_eips::eip4844::Blob;
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use alloy_sol_types::{SolCall, SolEvent};
use recourse_bisection::{
    Action, Boundary, ClaimRange, History, Knowledge, Party, Role, Shape, next_actions,
};
use recourse_protocol::{
    Attempt, AttemptId, AttemptStatus, BatchIndex, Challenge, Checkpoint, CheckpointHash, Content,
    ContentHash, Game, RevealState, SegmentId, SegmentState, StepIndex,
    bindings::{IRollup, Reveal, Segment},
    genesis_content,
};
use recourse_trace_builder::{
    Call, ClaimHistory, L1Limits, NO_REVEAL, Responder, Stager, StepProver,
    kzg::{Committed, read_elements},
};

use crate::{
    l1::L1,
    l2::{self, Chain, PERIODS, limits},
};

pub const PROPOSER: Address = Address::repeat_byte(0xb1);
pub const WATCHTOWER: Address = Address::repeat_byte(0xb2);
pub const LIAR: Address = Address::repeat_byte(0xb6);

/// A derived L2 and what is on L1.
struct Node<'a> {
    l1: &'a L1,
    chain: &'a Chain,
}

impl Knowledge for Node<'_> {
    type History = ClaimHistory;

    fn newest(&self) -> BatchIndex {
        BatchIndex(self.chain.batches.len() as u64)
    }

    fn boundary(&self, batch: BatchIndex) -> Option<Boundary> {
        use recourse_protocol::Inputs;
        let before = self.chain.batches.get(..batch.0 as usize)?;
        let end = before.last().map_or(&self.chain.start, |batch| batch.end());
        let known = self.l1.events.batch(batch).unwrap();
        Some(Boundary {
            batch_hash: known.map(|batch| batch.hash()).unwrap_or_default(),
            checkpoint: end.checkpoint.h248(),
            steps: before.iter().map(|batch| batch.steps()).sum(),
        })
    }

    fn history(&self, range: ClaimRange) -> Option<ClaimHistory> {
        Some(self.chain.claim(range.after.0 as usize, range.upto.0 as usize))
    }

    fn elements(&self, versioned_hash: B256) -> Option<Arc<[CheckpointHash]>> {
        use recourse_trace_builder::Blobs;
        Some(read_elements(&*self.l1.events.blob(versioned_hash).ok()?))
    }
}

#[derive(Clone)]
pub struct Arena {
    pub l1: L1,
    pub chain: Chain,
    pub game: Game,
    /// Honest moves and their gas.
    pub log: Vec<(Address, Action, u64)>,
    /// Bytes and gas of the chunks that were staged.
    pub staged: Vec<(usize, u64)>,
    /// Bytes of the honest moves.
    pub calldata: Vec<usize>,
    /// What honest parties think one L1 transaction can carry.
    pub l1_limits: L1Limits,
}

/// A false claim: the truth up to a step, then hashes of nothing, then a false or misplaced end.
#[derive(Clone, Copy)]
pub struct Lie {
    pub attempt: AttemptId,
    pub steps: u64,
    /// The last step whose checkpoint is true.
    pub true_up_to: u64,
}

impl Arena {
    pub fn new(arity: u32) -> Self {
        Self::on(arity, l2::chain(arity))
    }

    /// A game on another L2.
    pub fn on(arity: u32, (l1, chain): (L1, Chain)) -> Self {
        let start = chain.start.checkpoint.h248();
        let tip = genesis_content(start);
        let genesis = Content {
            parent: ContentHash::default(),
            batch: BatchIndex(0),
            batch_hash: B256::ZERO,
            checkpoint: start,
            steps: 0,
            confirmed: true,
            contradicted: false,
            voided: false,
        };
        let game = Game {
            now: l1.now,
            periods: PERIODS,
            limits: limits(arity),
            tip,
            contents: BTreeMap::from([(tip, genesis)]),
            attempts: BTreeMap::new(),
            truths: BTreeMap::new(),
        };
        assert_eq!(read_tip(&l1), tip, "the contract and the crate agree on the genesis");
        let (log, staged, calldata) = Default::default();
        Self { l1, chain, game, log, staged, calldata, l1_limits: L1Limits::default() }
    }

    pub fn wait(&mut self, seconds: u64) {
        self.l1.mine(seconds);
        self.game.now = self.l1.now;
    }

    /// What an honest party would do now.
    pub fn next(&self, address: Address) -> Vec<Action> {
        let role = if address == PROPOSER {
            Role::Proposer { min_batches: 1, reveal_at_once: false }
        } else {
            Role::Watchtower
        };
        let owed = self.owed(address);
        let node = Node { l1: &self.l1, chain: &self.chain };
        next_actions(&self.game, &node, &Party { address, owed, role })
    }

    /// The call that an honest party would make for that.
    pub fn call_for(&self, address: Address, action: &Action) -> Call {
        let prover =
            StepProver { derivation: self.chain.derivation(&self.l1), blobs: &self.l1.events };
        let stager = Stager { store: self.l1.store, limits: self.l1_limits };
        let responder = Responder { game: &self.game, prover, stager, beneficiary: address };
        let node = Node { l1: &self.l1, chain: &self.chain };
        let history = action.range().and_then(|range| node.history(range));
        responder.respond(action, history.as_ref()).unwrap()
    }

    /// All moves of an honest party; none may be refused.
    pub fn honest(&mut self, address: Address) -> Vec<Action> {
        let actions = self.next(address);
        for action in &actions {
            let call = self.call_for(address, action);
            for chunk in &call.chunks {
                let gas = self.l1.stage(address, chunk).gas;
                self.staged.push((chunk.bytes.len(), gas));
            }
            // The public pool takes none that is larger, signature and all.
            assert!(call.data.len() + 256 <= 128 * 1024, "{action:?}: {}", call.data.len());
            self.calldata.push(call.data.len());
            let gas = self
                .send(address, call.data, call.value, &call.blobs)
                .unwrap_or_else(|revert| panic!("{action:?} was refused: {revert}"));
            self.log.push((address, action.clone(), gas));
        }
        actions
    }

    /// Honest parties take turns for some time, the liar answers what it is asked.
    pub fn run(&mut self, parties: &[Address], lies: &[Lie], seconds: u64) {
        let tick = PERIODS.response_period / 5;
        for _ in 0..seconds.div_ceil(tick) {
            for party in parties {
                self.honest(*party);
            }
            for lie in lies {
                self.answer(lie);
            }
            self.wait(tick);
        }
    }

    pub fn send(
        &mut self,
        from: Address,
        data: impl Into<Bytes>,
        value: U256,
        blobs: &[Box<Blob>],
    ) -> Result<u64, Bytes> {
        let receipt = self.l1.send(from, self.l1.rollup, data, value, blobs)?;
        for log in &receipt.logs {
            self.observe(log);
        }
        Ok(receipt.gas)
    }

    /// Claims batches falsely.
    pub fn lie(
        &mut self,
        parent: ContentHash,
        batch: u64,
        end: Checkpoint,
        (steps, true_up_to): (u64, u64),
        reveal: bool,
    ) -> Lie {
        let start = self.game.contents[&parent];
        let mut lie = Lie { attempt: AttemptId::default(), steps, true_up_to };
        let segment =
            Segment { start: 0, end: steps, startHash: start.checkpoint.0, endHash: end.h248().0 };
        let own = self.chain.claim(start.batch.0 as usize, batch as usize);
        let (reveal, blobs) = if reveal {
            let (reveal, blob) = self.false_reveal(&lie, &segment, &own);
            (reveal, vec![blob])
        } else {
            (Reveal { blobIndex: NO_REVEAL, ..Reveal::default() }, Vec::new())
        };
        let node = Node { l1: &self.l1, chain: &self.chain };
        let call = IRollup::proposeCall {
            parent: parent.0,
            batchHash: node.boundary(BatchIndex(batch)).unwrap().batch_hash,
            checkpoint: end.into(),
            steps,
            beneficiary: LIAR,
            reveal,
        };
        let known: Vec<_> = self.game.attempts.keys().copied().collect();
        self.send(LIAR, call.abi_encode(), self.game.limits.claim_bond, &blobs).expect("proposed");
        lie.attempt = *self.game.attempts.keys().find(|id| !known.contains(id)).unwrap();
        lie
    }

    pub fn answer(&mut self, lie: &Lie) {
        let attempt = self.game.attempts[&lie.attempt].clone();
        let content = self.game.contents[&attempt.content];
        let after = self.game.contents[&content.parent].batch.0 as usize;
        let own = self.chain.claim(after, content.batch.0 as usize);
        for (_, state) in attempt.open_challenges() {
            let (data, blob) = self.false_reveal(lie, &state.segment, &own);
            let segment = state.segment.clone();
            let call = IRollup::revealCall { attempt: lie.attempt.0, segment, data };
            // Too late, or killed meanwhile: a liar does not care.
            let _refused = self.send(LIAR, call.abi_encode(), U256::ZERO, &[blob]);
        }
    }

    fn false_reveal(
        &self,
        lie: &Lie,
        segment: &Segment,
        own: &ClaimHistory,
    ) -> (Reveal, Box<Blob>) {
        let shape = Shape::of(segment, self.game.limits.arity).unwrap();
        let mut blob = Box::new(Blob::ZERO);
        for (element, at) in blob.chunks_exact_mut(32).zip(shape.waypoints()) {
            let hash = if at.0 == segment.end {
                segment.endHash
            } else if at.0 <= lie.true_up_to {
                own.hash(at).unwrap().0
            } else {
                B256::right_padding_from(&[0, 0xfa, at.0 as u8])
            };
            element.copy_from_slice(hash.as_slice());
        }
        let committed = Committed::to(&blob).unwrap();
        let reveal = Reveal {
            blobIndex: 0,
            commitment: committed.commitment(),
            startProof: committed.open(0).unwrap(),
            endProof: committed.open(shape.gaps() as usize).unwrap(),
        };
        (reveal, blob)
    }

    pub fn is_dead(&self, attempt: AttemptId) -> bool {
        let known = self.game.attempts[&attempt].status == AttemptStatus::Dead;
        let answer = self.view(&IRollup::attemptOfCall { attempt: attempt.0 });
        assert_eq!(known, answer.status == IRollup::Status::Dead);
        known
    }

    pub fn tip_batch(&self) -> u64 {
        assert_eq!(read_tip(&self.l1), self.game.tip);
        self.game.contents[&self.game.tip].batch.0
    }

    pub fn owed(&self, who: Address) -> U256 {
        self.view(&IRollup::owedCall { who })
    }

    pub fn view<C: SolCall>(&self, call: &C) -> C::Return {
        view(&self.l1, call)
    }

    pub fn moves(&self, is: impl Fn(&Action) -> bool) -> usize {
        self.log.iter().filter(|(_, action, _)| is(action)).count()
    }

    /// The true end of a batch.
    pub fn end(&self, batch: u64) -> Checkpoint {
        self.chain.batches[batch as usize - 1].end().checkpoint
    }

    pub fn steps(&self, after: u64, upto: u64) -> u64 {
        self.chain.claim(after as usize, upto as usize).steps()
    }

    /// Follows the contract's events, as a node does.
    fn observe(&mut self, log: &Log) {
        if let Ok(event) = IRollup::Proposed::decode_log(log) {
            self.on_proposed(&event.data);
        } else if let Ok(event) = IRollup::Challenged::decode_log(log) {
            let challenge = Challenge {
                challenger: event.challenger,
                bond: self.game.limits.challenge_bond,
                deadline: event.deadline,
                settled: false,
            };
            self.segment(event.attempt, event.segmentId, &event.segment).challenge =
                Some(challenge);
        } else if let Ok(event) = IRollup::SegmentRevealed::decode_log(log) {
            let (versioned_hash, at) = (event.versionedHash, self.l1.now);
            let reveal = RevealState { versioned_hash, at, l1_block: 0 };
            self.segment(event.attempt, event.segmentId, &event.segment).reveal = Some(reveal);
            self.attempt(event.attempt).quiet_until = at + PERIODS.response_period;
        } else if let Ok(event) = IRollup::StepProven::decode_log(log) {
            self.game.truths.insert(CheckpointHash(event.pre), CheckpointHash(event.post));
        } else if let Ok(event) = IRollup::Died::decode_log(log) {
            self.attempt(event.attempt).status = AttemptStatus::Dead;
            self.attempt(event.attempt).settled = true;
        } else if let Ok(event) = IRollup::Confirmed::decode_log(log) {
            self.on_confirmed(&event.data);
        } else if let Ok(event) = IRollup::Voided::decode_log(log) {
            self.game.contents.get_mut(&ContentHash(event.content)).unwrap().voided = true;
        } else if let Ok(event) = IRollup::Settled::decode_log(log) {
            self.on_settled(event.id);
        }
    }

    fn attempt(&mut self, id: B256) -> &mut Attempt {
        self.game.attempts.get_mut(&AttemptId(id)).unwrap()
    }

    fn segment(&mut self, attempt: B256, id: B256, segment: &Segment) -> &mut SegmentState {
        let fresh = SegmentState { segment: segment.clone(), challenge: None, reveal: None };
        self.attempt(attempt).segments.entry(SegmentId(id)).or_insert(fresh)
    }

    fn on_proposed(&mut self, event: &IRollup::Proposed) {
        let content = Content {
            parent: ContentHash(event.parent),
            batch: BatchIndex(event.batch),
            batch_hash: event.batchHash,
            checkpoint: CheckpointHash(event.checkpoint),
            steps: event.steps,
            confirmed: false,
            contradicted: false,
            voided: false,
        };
        self.game.contents.entry(ContentHash(event.content)).or_insert(content);
        let attempt = Attempt {
            content: ContentHash(event.content),
            owner: event.owner,
            beneficiary: event.beneficiary,
            window_end: event.windowEnd,
            quiet_until: 0,
            bond: self.game.limits.claim_bond,
            status: AttemptStatus::Live,
            settled: false,
            segments: BTreeMap::new(),
        };
        self.game.attempts.insert(AttemptId(event.attempt), attempt);
    }

    fn on_confirmed(&mut self, event: &IRollup::Confirmed) {
        let id = ContentHash(event.content);
        self.attempt(event.attempt).status = AttemptStatus::Confirmed;
        let (parent, batch) = (self.game.contents[&id].parent, self.game.contents[&id].batch);
        for (other, content) in &mut self.game.contents {
            if *other == id {
                content.confirmed = true;
            } else if (content.parent, content.batch) == (parent, batch) {
                content.contradicted = true;
            }
        }
        if batch > self.game.contents[&self.game.tip].batch {
            self.game.tip = id;
        }
    }

    fn on_settled(&mut self, id: B256) {
        if let Some(attempt) = self.game.attempts.get_mut(&AttemptId(id)) {
            attempt.settled = true;
            let confirmed = self.game.contents[&attempt.content].confirmed;
            if confirmed && attempt.status == AttemptStatus::Live {
                attempt.status = AttemptStatus::Confirmed;
            }
        }
        let segments = self.game.attempts.values_mut().flat_map(|a| a.segments.iter_mut());
        for (_, state) in segments.filter(|(segment, _)| segment.0 == id) {
            state.challenge.as_mut().unwrap().settled = true;
        }
    }
}

fn view<C: SolCall>(l1: &L1, call: &C) -> C::Return {
    let mut l1 = l1.clone();
    let rollup = l1.rollup;
    C::abi_decode_returns(&l1.call(rollup, call, U256::ZERO).output).unwrap()
}

fn read_tip(l1: &L1) -> ContentHash {
    ContentHash(view(l1, &IRollup::tipCall {}))
}

/// A position as the tests count it.
pub const fn at(step: u64) -> StepIndex {
    StepIndex(step)
}
