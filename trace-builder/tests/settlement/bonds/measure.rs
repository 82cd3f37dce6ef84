//! Gas of every move, the dearest that the rules let it be, on the real contracts and an EVM with EXECUTE.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use recourse_bisection::{Action, model::MAX_BILL};
use recourse_protocol::{
    MAX_TX_GAS, PAYLOAD_BYTES, Payload, TX_HEADER_BYTES, TapeWriter,
    bindings::{IChunkStore, IInbox, IRollup},
};
use recourse_trace_builder::{
    Chunk,
    staging::{CHUNK_BYTES, pointer_of},
};

use crate::{
    arena::{Arena, LIAR, Lie, PROPOSER, WATCHTOWER},
    fraud::lie_from,
    l1::{L1, Sent},
    l2::{self, Chain, L2, PERIODS, SINK, limits},
    staged::{genesis, noise, prove, reading_with},
};

/// More contracts than a witness holds: a transaction that reads them fails by the provability rule, and pays for all its gas.
const CONTRACTS: u64 = 50;
/// The longest forced transaction, in bytes.
const LONGEST_FORCED: usize = 126_971;
/// The longest on a tape: a blob of its own.
const LONGEST_ITEM: usize = PAYLOAD_BYTES - TX_HEADER_BYTES;
/// Steps of the batch: after the opening the forced transaction, the end of the first blob, and the transaction in the second.
const FORCED: u64 = 1;
const ON_TAPE: u64 = 3;
/// More than one reveal shows.
const STEPS_OF_TWO_LEVELS: u64 = 10_000;

/// The dearest kill by reference: the first by a proof whose chunks all have other posters, none of whom was ever owed anything.
pub const FULL_BILL: &str = "killGap, 64 posters";

/// What one maximal lie costs who kills it.
#[derive(Debug, Clone, Default)]
pub struct Kill {
    pub what: &'static str,
    /// Of the false step's witness, in bytes.
    pub witness: usize,
    /// Chunks: bytes and gas.
    pub staged: Vec<(usize, u64)>,
    /// `proveFraudGap`.
    pub proof_gas: u64,
    pub proof_bytes: usize,
}

impl Kill {
    pub fn staged_bytes(&self) -> usize {
        self.staged.iter().map(|chunk| chunk.0).sum()
    }

    pub fn staged_gas(&self) -> u64 {
        self.staged.iter().map(|chunk| chunk.1).sum()
    }

    pub fn gas(&self) -> u64 {
        self.staged_gas() + self.proof_gas
    }
}

/// The dearest of everything.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// By function; `propose+blob` is one with a reveal.
    pub moves: BTreeMap<&'static str, Sent>,
    pub kills: Vec<Kill>,
    /// A chunk of the largest size, no byte of it zero: in bytes and gas.
    pub chunk: (usize, u64),
    /// Staging it when somebody else was first.
    pub chunk_again: u64,
    /// The cheapest forced transaction.
    pub least_force: u64,
}

impl Measured {
    /// Plays all games.
    pub fn now() -> Self {
        let mut measured = Self::default();
        let apart = [proven_apart(0), proven_apart(6)];
        for arena in [full_game(), silence(), orphans(), short_claims()].iter().chain(&apart) {
            measured.add(&arena.l1);
        }
        measured.add_full_bill();
        for (what, step) in [("forced", FORCED), ("on the tape", ON_TAPE)] {
            let (arena, kill) = maximal_kill(what, step);
            measured.add(&arena.l1);
            measured.kills.push(kill);
        }
        measured.stage();
        measured.force();
        measured
    }

    pub fn gas(&self, name: &str) -> u64 {
        self.moves.get(name).unwrap_or_else(|| panic!("{name} was not played")).gas
    }

    /// The dearest kill.
    pub fn kill(&self) -> &Kill {
        self.kills.iter().max_by_key(|kill| kill.gas()).expect("some")
    }

    fn add(&mut self, l1: &L1) {
        for sent in l1.sent.iter().filter(|sent| sent.to == l1.rollup) {
            let Some(name) = name_of(sent) else { continue };
            let known = self.moves.entry(name).or_insert(*sent);
            if known.gas < sent.gas {
                *known = *sent;
            }
        }
    }

    fn add_full_bill(&mut self) {
        let arena = full_bill();
        let is_kill = |sent: &&Sent| sent.selector == IRollup::killGapCall::SELECTOR;
        let kill = arena.l1.sent.iter().find(is_kill).expect("killed by reference");
        self.moves.insert(FULL_BILL, *kill);
    }

    /// What another poster on the bill makes a kill dearer by, rounded up.
    pub fn poster_gas(&self) -> u64 {
        (self.gas(FULL_BILL) - self.gas("killGap")).div_ceil(MAX_BILL as u64)
    }

    fn stage(&mut self) {
        let mut arena = Arena::new(4095);
        let bytes: Bytes = noise(7, CHUNK_BYTES).iter().map(|byte| byte | 1).collect();
        let pointer = IChunkStore::pointerOfCall { chunk: bytes.clone() }.abi_encode();
        let pointer = Address::from_word(
            arena.l1.ask(arena.l1.store, pointer).unwrap().as_ref().try_into().unwrap(),
        );
        let chunk = Chunk { pointer, bytes };
        self.chunk = (chunk.bytes.len(), arena.l1.stage(LIAR, &chunk).gas);
        self.chunk_again = arena.l1.stage(WATCHTOWER, &chunk).gas;
    }

    fn force(&mut self) {
        let mut arena = Arena::new(4095);
        let mut force = |bytes: Bytes| {
            let call = IInbox::forceCall { rawTransaction: bytes };
            arena.l1.call(arena.l1.inbox, &call, limits(4095).force_fee).gas
        };
        // The first of a block also notes where the queue stood.
        force(Bytes::new());
        self.least_force = force(Bytes::new());
    }
}

/// A claim that is challenged without cause and confirmed, lies of all kinds below it, everything settled and withdrawn.
fn full_game() -> Arena {
    let mut arena = Arena::new(4095);
    let _killed_by_reference: Vec<_> = (0..2).map(|_| lie_from(&mut arena, 6, true)).collect();
    arena.honest(PROPOSER);
    let attempts: Vec<_> =
        arena.game.attempts.iter().filter(|(_, a)| a.owner == PROPOSER).collect();
    let baseless = IRollup::challengeClaimCall { attempt: attempts[0].0.0 };
    let bond = arena.game.limits.challenge_bond;
    arena.send(LIAR, baseless.abi_encode(), bond, &[]).unwrap();
    arena.run(&[PROPOSER, WATCHTOWER], &[], PERIODS.challenge_window + PERIODS.response_period * 2);
    assert_eq!(arena.tip_batch(), 3);
    arena
}

/// A false claim that nobody answers for.
fn silence() -> Arena {
    let mut arena = Arena::new(4095);
    lie_from(&mut arena, 10, false);
    arena.run(&[WATCHTOWER], &[], PERIODS.response_period * 2);
    arena
}

/// A claim below a lie, marked void.
fn orphans() -> Arena {
    let mut arena = Arena::new(4095);
    let parent = lie_from(&mut arena, 10, true);
    let content = arena.game.attempts[&parent.attempt].content;
    let end = arena.end(2);
    let [child, twin] = [5, 6].map(|steps| arena.lie(content, 2, end, (steps, 0), false));
    arena.run(&[PROPOSER, WATCHTOWER], &[], PERIODS.challenge_window + PERIODS.response_period * 2);
    let orphan = arena.game.attempts[&child.attempt].content.0;
    let mark = IRollup::markVoidCall { content: orphan }.abi_encode();
    arena.send(LIAR, mark, U256::ZERO, &[]).unwrap();
    let settle = IRollup::settleAttemptCall { attempt: twin.attempt.0 }.abi_encode();
    arena.send(LIAR, settle, U256::ZERO, &[]).unwrap();
    arena
}

/// Lies of one step, and one that goes on after its end.
fn short_claims() -> Arena {
    let mut arena = Arena::new(4095);
    let (tip, end, steps) = (arena.game.tip, arena.end(1), arena.steps(0, 1));
    arena.lie(tip, 1, end, (steps + 3, steps), true);
    for _ in 0..2 {
        arena.lie(tip, 1, end, (1, 0), false);
    }
    for _ in 0..2 {
        arena.honest(WATCHTOWER);
    }
    arena
}

/// A lie about a step that somebody else has proven, and the kill by reference: the first money that the watchtower is ever owed.
fn proven_apart(step: u64) -> Arena {
    let mut arena = Arena::new(4095);
    let proven = prove(&arena, step);
    let proof = proven.evidence.plain().unwrap();
    let call = IRollup::proveStepCall { pre: proven.pre.into(), proof };
    arena.send(LIAR, call.abi_encode(), U256::ZERO, &[]).unwrap();
    let lie = if step == 0 {
        let (tip, end) = (arena.game.tip, arena.end(1));
        arena.lie(tip, 1, end, (1, 0), false)
    } else {
        lie_from(&mut arena, step, true)
    };
    arena.honest(WATCHTOWER);
    assert!(arena.is_dead(lie.attempt), "step {step}");
    arena
}

/// A lie about a step that is proven with a witness in as many chunks as a bill takes, each by a poster of its own.
fn full_bill() -> Arena {
    let mut arena = Arena::new(4095);
    let lie = lie_from(&mut arena, 6, true);
    let proven = prove(&arena, 6);
    let mut proof = proven.evidence.plain().unwrap();
    let witness = core::mem::take(&mut proof.execution.witness);
    for index in 0..MAX_BILL {
        let cut = |index| witness.len() * index / MAX_BILL;
        let bytes = witness.slice(cut(index)..cut(index + 1));
        let chunk = Chunk { pointer: pointer_of(arena.l1.store, &bytes), bytes };
        arena.l1.stage(Address::with_last_byte(index as u8 + 0x80), &chunk);
        proof.execution.pointers.push(chunk.pointer);
    }
    let call = IRollup::proveStepCall { pre: proven.pre.into(), proof };
    arena.send(LIAR, call.abi_encode(), U256::ZERO, &[]).unwrap();
    let bill = IRollup::billOfCall { pre: proven.pre.h248().0 }.abi_encode();
    let bill = arena.l1.ask(arena.l1.rollup, bill).unwrap();
    assert_eq!(IRollup::billOfCall::abi_decode_returns(&bill).unwrap().len(), MAX_BILL);
    arena.honest(WATCHTOWER);
    assert!(arena.is_dead(lie.attempt));
    arena
}

/// A lie of two levels about the dearest step there is, from the first challenge to the withdrawal.
fn maximal_kill(what: &'static str, step: u64) -> (Arena, Kill) {
    let mut arena = Arena::on(4095, dearest_chain());
    let proven = prove(&arena, step);
    assert_eq!(proven.evidence.execution.gasUsed, MAX_TX_GAS, "{what}: all the gas there is");
    let witness = proven.evidence.execution.witness.len();
    assert!(witness > 1 << 20, "{what}: a witness of {witness} bytes is not the largest");
    let (tip, end) = (arena.game.tip, arena.end(1));
    let lie = arena.lie(tip, 1, end, (STEPS_OF_TWO_LEVELS, step), false);
    play(&mut arena, lie);
    let challenges = arena.moves(|action| {
        matches!(action, Action::ChallengeClaim { .. } | Action::ChallengeGap { .. })
    });
    assert_eq!(challenges, 2, "{what}: one for each level");
    arena.honest(WATCHTOWER);
    arena.honest(WATCHTOWER);
    let is_proof = |sent: &&Sent| sent.selector == IRollup::proveFraudGapCall::SELECTOR;
    let proof = arena.l1.sent.iter().find(is_proof).expect("killed by proof and kill in one");
    let kill = Kill {
        what,
        witness,
        staged: arena.staged.clone(),
        proof_gas: proof.gas,
        proof_bytes: proof.bytes,
    };
    (arena, kill)
}

fn play(arena: &mut Arena, lie: Lie) {
    for _ in 0..8 {
        if arena.is_dead(lie.attempt) {
            return;
        }
        arena.honest(WATCHTOWER);
        arena.answer(&lie);
    }
    panic!("the lie lives");
}

/// One batch: a forced transaction and one on the tape, both as long as can be, both of 2^24 gas and a maximal witness.
fn dearest_chain() -> (L1, Chain) {
    let state = genesis(CONTRACTS).build().unwrap();
    let mut l1 = L1::deploy(&state, &L2, PERIODS, limits(4095));
    let checkpoint = l2::genesis_checkpoint(&mut l1, &state);
    l1.mine(12);
    let raw = reading_with(1, 0, CONTRACTS, LONGEST_FORCED, MAX_TX_GAS);
    l1.call(l1.inbox, &IInbox::forceCall { rawTransaction: raw }, limits(4095).force_fee);
    l1.mine(12);
    l1.call(l1.inbox, &IInbox::pokeCall {}, U256::ZERO);
    l1.mine(60);
    let (mut first, mut second) = (TapeWriter::default(), TapeWriter::default());
    first.open(l1.now - 1, 1).unwrap();
    second.tx(&reading_with(0, 0, CONTRACTS, LONGEST_ITEM, MAX_TX_GAS)).unwrap();
    let blobs = [first, second].map(|tape| Payload::new(&tape.into_bytes()).unwrap().to_blob());
    l1.append(SINK, 0, &blobs);
    l1.mine(12);
    let chain = Chain::at(checkpoint, state).derive(&l1, 1);
    (l1, chain)
}

/// The function that a transaction to the Rollup called; none for those that no dispute needs.
fn name_of(sent: &Sent) -> Option<&'static str> {
    Some(match sent.selector {
        IRollup::proposeCall::SELECTOR if sent.blobs > 0 => "propose+blob",
        IRollup::proposeCall::SELECTOR => "propose",
        IRollup::challengeClaimCall::SELECTOR => "challengeClaim",
        IRollup::challengeGapCall::SELECTOR => "challengeGap",
        IRollup::revealCall::SELECTOR => "reveal",
        IRollup::timeoutCall::SELECTOR => "timeout",
        IRollup::killGapCall::SELECTOR => "killGap",
        IRollup::killGapBeyondCall::SELECTOR => "killGapBeyond",
        IRollup::killClaimCall::SELECTOR => "killClaim",
        IRollup::proveFraudGapCall::SELECTOR => "proveFraudGap",
        IRollup::proveFraudClaimCall::SELECTOR => "proveFraudClaim",
        IRollup::confirmCall::SELECTOR => "confirm",
        IRollup::markVoidCall::SELECTOR => "markVoid",
        IRollup::settleAttemptCall::SELECTOR => "settleAttempt",
        IRollup::settleChallengeCall::SELECTOR => "settleChallenge",
        IRollup::withdrawCall::SELECTOR => "withdraw",
        _ => return None,
    })
}
