//! The contract and the model, side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_sol_types::{SolInterface, SolValue};
use recourse_bisection::{
    is_recorded_void,
    model::{Model, Move, Outcome, Revert},
};
use recourse_protocol::{
    Attempt, AttemptId, AttemptStatus, CheckpointHash, Content, ContentHash, Game, Limits, Periods,
    SegmentId, SegmentState,
    bindings::IRollup::{self, IRollupErrors as Error},
};

use crate::{
    calls::{name, versioned_hash},
    l1::{CHALLENGE_BOND, CHUNK_REWARD, CLAIM_BOND, L1, PLAYERS, RESPONSE, WINDOW},
    toy::{Toy, truth},
};

/// What happens next.
#[derive(Debug)]
pub enum Step {
    Wait(u64),
    Append,
    /// Who stages how many bytes.
    Stage(Address, u32),
    Move(Address, Box<Move>),
}

/// What came of it: the move's name, and why it was refused.
pub type Told = Option<(&'static str, Option<Revert>)>;

pub struct Pair {
    pub l1: L1,
    pub model: Model<Toy>,
    /// When which content was confirmed, from which withdrawals count their delay.
    confirmed_at: BTreeMap<ContentHash, u64>,
    /// Fates that attempts have met.
    pub fates: BTreeSet<u8>,
}

impl Pair {
    pub fn new(mut l1: L1, arity: u32, levels: u8) -> Self {
        let periods = Periods {
            challenge_window: WINDOW,
            response_period: RESPONSE,
            force_delay: 0,
            withdrawal_delay: 0,
        };
        let limits = Limits {
            arity,
            levels,
            claim_bond: U256::from(CLAIM_BOND),
            challenge_bond: U256::from(CHALLENGE_BOND),
            force_fee: U256::ZERO,
            min_deposit_gwei: 0,
            chunk_reward: U256::from(CHUNK_REWARD),
        };
        let mut toy = Toy::default();
        let genesis = toy.learn(truth(0));
        toy.batches = (0..3).map(|_| l1.append()).collect();
        // Whoever derives the L2 knows its checkpoints.
        for position in 0..80 {
            toy.learn(truth(position));
        }
        let model = Model::new(toy, genesis, periods, limits, l1.now);
        let confirmed_at = BTreeMap::from([(model.game().tip, l1.now)]);
        Self { l1, model, confirmed_at, fates: BTreeSet::new() }
    }

    /// The elements that a segment was revealed by.
    pub fn revealed(&self, attempt: AttemptId, id: SegmentId) -> Option<Arc<[CheckpointHash]>> {
        let segment = self.model.game().attempts.get(&attempt)?.segments.get(&id)?;
        self.model.elements(segment.reveal?.versioned_hash)
    }

    /// Plays a step on both.
    pub fn play(&mut self, step: Step) -> Result<Told, String> {
        match step {
            Step::Wait(seconds) => {
                self.l1.now += seconds;
                self.model.advance(seconds);
                Ok(None)
            }
            Step::Append => {
                let hash = self.l1.append();
                self.model.world_mut().batches.push(hash);
                Ok(None)
            }
            Step::Stage(poster, size) => {
                self.l1.stage(poster, size);
                Ok(None)
            }
            Step::Move(sender, call) => self.play_move(sender, *call).map(Some),
        }
    }

    fn play_move(
        &mut self,
        sender: Address,
        call: Move,
    ) -> Result<(&'static str, Option<Revert>), String> {
        let told = name(&call);
        let sent = self.call(sender, &call);
        let mut blobs = Vec::new();
        if let Some(elements) = sent.blob {
            let hash = versioned_hash(&elements);
            self.l1.posted.insert(hash, elements.into());
            blobs.push(hash);
        }
        let contract = self.l1.send(sender, self.l1.rollup, sent.data, sent.value, &blobs);
        let model = self.model.apply(sender, call.clone());
        let refused = match (contract, model) {
            (Ok(output), Ok(outcome)) => {
                check_answer(&output, outcome).map_err(|why| format!("{call:?}: {why}"))?;
                if let Move::Confirm { attempt } = &call {
                    let content = self.model.game().attempts[attempt].content;
                    self.confirmed_at.insert(content, self.l1.now);
                }
                self.check().map_err(|why| format!("after {call:?}: {why}"))?;
                None
            }
            (Err(data), Err(revert)) => {
                let reasons = reasons(&data);
                if !reasons.contains(&revert) {
                    return Err(format!("{call:?}: contract {data} {reasons:?}, model {revert:?}"));
                }
                Some(revert)
            }
            (contract, model) => {
                return Err(format!("{call:?}: contract {contract:?}, model {model:?}"));
            }
        };
        Ok((told, refused))
    }

    /// Everything that both know.
    fn check(&mut self) -> Result<(), String> {
        let rollup = self.l1.rollup;
        let game = self.model.game().clone();
        same("tip", self.l1.read(rollup, &IRollup::tipCall {}), game.tip.0)?;
        for (id, attempt) in &game.attempts {
            self.check_attempt(*id, attempt, &game)?;
            for (segment, state) in &attempt.segments {
                self.check_segment(*id, *segment, state)?;
            }
        }
        for (id, content) in &game.contents {
            self.check_content(*id, content, &game)?;
        }
        for (pre, post) in &game.truths {
            let got = self.l1.read(rollup, &IRollup::truthCall { pre: pre.0 });
            same("truth", got, post.0)?;
            self.check_bill(*pre)?;
        }
        self.check_money()
    }

    fn check_attempt(&mut self, id: AttemptId, a: &Attempt, game: &Game) -> Result<(), String> {
        let rollup = self.l1.rollup;
        let got = self.l1.read(rollup, &IRollup::attemptOfCall { attempt: id.0 });
        let fate = self.l1.read(rollup, &IRollup::fateOfCall { attempt: id.0 });
        same("fate", fate as u8, fate_of(a, game) as u8)?;
        self.fates.insert(fate as u8);
        let status = match a.status {
            AttemptStatus::Live => IRollup::Status::Live,
            AttemptStatus::Dead => IRollup::Status::Dead,
            AttemptStatus::Confirmed => IRollup::Status::Confirmed,
        };
        same("status", got.status as u8, status as u8)?;
        let bonds: U256 = a.segments.values().filter_map(|s| Some(s.challenge?.bond)).sum();
        let expected = (a.content.0, a.owner, a.beneficiary, a.window_end, a.quiet_until);
        let read = (got.content, got.owner, got.beneficiary, got.windowEnd, got.quietUntil);
        same("who and when", read, expected)?;
        let expected = (a.settled, a.open_challenges().count() as u32, a.bond, bonds);
        let (bond, bonds) = (U256::from(got.bond), U256::from(got.challengeBonds));
        same("bonds and counters", (got.settled, got.openChallenges, bond, bonds), expected)
    }

    fn check_content(&mut self, id: ContentHash, c: &Content, game: &Game) -> Result<(), String> {
        let rollup = self.l1.rollup;
        let got = self.l1.read(rollup, &IRollup::contentOfCall { content: id.0 });
        let live = game.attempts_of(id).filter(|(_, a)| a.status != AttemptStatus::Dead).count();
        let read = (got.parent, got.checkpoint, got.batch, got.steps, got.confirmed, got.voided);
        let expected = (c.parent.0, c.checkpoint.0, c.batch.0, c.steps, c.confirmed, c.voided);
        same("content", read, expected)?;
        let confirmed_at = self.confirmed_at.get(&id).copied().unwrap_or_default();
        same("time of confirmation", got.confirmedAt, confirmed_at)?;
        same("live attempts", u64::from(got.liveAttempts), live as u64)?;
        let contradicted = self.l1.read(rollup, &IRollup::isContradictedCall { content: id.0 });
        same("contradicted", contradicted, c.contradicted)?;
        let void = self.l1.read(rollup, &IRollup::isVoidCall { content: id.0 });
        same("void", void, is_recorded_void(game, id))
    }

    fn check_segment(
        &mut self,
        attempt: AttemptId,
        id: SegmentId,
        state: &SegmentState,
    ) -> Result<(), String> {
        let rollup = self.l1.rollup;
        let got = self.l1.read(rollup, &IRollup::challengeOfCall { segmentId: id.0 });
        let read = (got.challenger, got.deadline, got.settled, got.answered, U256::from(got.bond));
        let expected = state.challenge.map_or_else(Default::default, |c| {
            (c.challenger, c.deadline, c.settled, state.reveal.is_some(), c.bond)
        });
        same("challenge", read, expected)?;
        let got = self.l1.read(rollup, &IRollup::revealedOfCall { segmentId: id.0 });
        same("revealed at", got.revealedAt, state.reveal.map_or(0, |reveal| reveal.at))?;
        let blob = self.l1.posted.get(&got.versionedHash).cloned();
        same("blob", blob, self.revealed(attempt, id))
    }

    /// Who is still to be paid; the order says nothing.
    fn check_bill(&mut self, pre: CheckpointHash) -> Result<(), String> {
        let got = self.l1.read(self.l1.rollup, &IRollup::billOfCall { pre: pre.0 });
        let mut got: Vec<_> = got.iter().map(|c| (c.poster, c.stagedAt, c.size)).collect();
        let bill = self.model.bill(pre).iter();
        let mut model: Vec<_> = bill.map(|c| (c.poster, c.staged_at, c.size)).collect();
        got.sort_unstable();
        model.sort_unstable();
        same("bill", got, model)
    }

    fn check_money(&mut self) -> Result<(), String> {
        let rollup = self.l1.rollup;
        let ledger = self.model.ledger().clone();
        let mut owed = U256::ZERO;
        for who in PLAYERS {
            let got = self.l1.read(rollup, &IRollup::owedCall { who });
            same("owed", got, ledger.owed_to(who))?;
            owed += got;
        }
        same("balance", self.l1.balance(rollup), ledger.held + owed)?;
        same("burned", self.l1.balance(Address::ZERO), ledger.burned)
    }
}

fn same<T: PartialEq + core::fmt::Debug>(what: &str, got: T, model: T) -> Result<(), String> {
    if got == model { Ok(()) } else { Err(format!("{what}: contract {got:?}, model {model:?}")) }
}

fn check_answer(output: &Bytes, outcome: Outcome) -> Result<(), String> {
    let word = || U256::abi_decode(output).unwrap();
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::Attempt(id) => same("attempt", word(), id.0.into()),
        Outcome::Challenge(id) => same("segment", word(), id.0.into()),
        Outcome::Paid(amount) => same("amount", word(), amount),
    }
}

/// As the contract's classifier.
pub fn fate_of(attempt: &Attempt, game: &Game) -> IRollup::Fate {
    let content = &game.contents[&attempt.content];
    if attempt.status == AttemptStatus::Dead {
        IRollup::Fate::Dead
    } else if content.confirmed {
        IRollup::Fate::Confirmed
    } else if content.contradicted {
        IRollup::Fate::Contradicted
    } else if is_recorded_void(game, attempt.content) {
        IRollup::Fate::Void
    } else {
        IRollup::Fate::Pending
    }
}

/// What the model may call the contract's error.
fn reasons(data: &[u8]) -> Vec<Revert> {
    let Ok(error) = Error::abi_decode(data) else { return reasons_of_others(data) };
    let reason = match error {
        Error::NotChallenged(_) => {
            // The contract knows challenges by their segment alone.
            return vec![Revert::NotChallenged, Revert::UnknownSegment, Revert::UnknownAttempt];
        }
        Error::NotPending(error) => match error.fate {
            IRollup::Fate::Dead | IRollup::Fate::Confirmed => Revert::NotLive,
            _ => Revert::Hopeless,
        },
        Error::WrongBond(_) => Revert::WrongBond,
        Error::ZeroBeneficiary(_) => Revert::ZeroBeneficiary,
        Error::UnknownContent(_) => Revert::UnknownContent,
        Error::UnknownAttempt(_) => Revert::UnknownAttempt,
        Error::UnfitParent(_) => Revert::BadParent,
        Error::WrongBatchHash(_) | Error::BatchNotNewer(_) => Revert::BadBatch,
        Error::NotBatchEnd(_) => Revert::BadCheckpoint,
        Error::StepsOutOfRange(_) => Revert::BadSteps,
        Error::ParentNotConfirmed(_) => Revert::ParentNotConfirmed,
        Error::ChallengesOpen(_) => Revert::OpenChallenges,
        Error::TooLate(_) => Revert::TooLate,
        Error::TooEarly(_) => Revert::TooEarly,
        Error::SegmentTooShort(_) => Revert::TooShort,
        Error::AlreadyChallenged(_) => Revert::AlreadyChallenged,
        Error::AlreadyRevealed(_) => Revert::AlreadyRevealed,
        Error::NotRevealed(_) => Revert::NotRevealed,
        Error::NotOwner(_) => Revert::NotOwner,
        Error::GapOutOfRange(_) => Revert::BadOpening,
        Error::NotOneStep(_) => Revert::NotAPair,
        Error::StepNotProven(_) | Error::WrongPreimage(_) => Revert::NotProven,
        Error::TooMuchInline(_) => Revert::TooMuchInline,
        Error::BillTooLong(_) => Revert::BillTooLong,
        Error::StepIsTrue(_) => Revert::PairIsTrue,
        Error::NotBeyond(_) => Revert::NotBeyond,
        Error::NotVoid(_) => Revert::NotVoid,
        Error::FateUndecided(_) | Error::ChallengeLost(_) => Revert::FateUnknown,
        Error::AlreadySettled(_) => Revert::AlreadySettled,
        Error::NothingOwed(_) => Revert::NothingOwed,
        _ => return Vec::new(),
    };
    vec![reason]
}

/// Errors of the libraries and of the verifier.
fn reasons_of_others(data: &[u8]) -> Vec<Revert> {
    let is = |signature: &str| data.starts_with(&keccak256(signature)[..4]);
    if is("WrongOpening(bytes32,uint256,bytes32)") || is("WrongCommitment(bytes32,bytes32)") {
        return vec![Revert::BadOpening];
    }
    if is("NotTrue(bytes32)") || is("UnknownBatch(uint64)") {
        return vec![Revert::NotProven];
    }
    Vec::new()
}
