//! The reference model of `bisection` against the contract: random moves, sensible and not, must be accepted and refused by
//! both, and leave the same game and the same money.

mod calls;
mod choose;
mod proofs;
mod world;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_bisection::model::{self, Model, Move, Outcome, Proof};
use recourse_protocol::Game;
use recourse_trace_builder::{ProvenStep, kzg::Committed};

use crate::{arena::Arena, l2::PERIODS};
use world::{Known, known};

const PARTIES: [Address; 3] =
    [Address::repeat_byte(0xc1), Address::repeat_byte(0xc2), Address::repeat_byte(0xc3)];

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
            let fresh = |proof: &Proof| matches!(proof, Proof::Fresh(carried) if !carried.chunks.is_empty());
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
