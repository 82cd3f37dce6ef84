//! Marks, over months.
#![allow(clippy::arithmetic_side_effects, reason = "a test may fail loudly")]

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use recourse_protocol::{
    Attempt, AttemptId, AttemptStatus, CheckpointHash, Content, ContentHash, Game, Limits,
};

use super::*;
use crate::{inbox::InboxSnapshot, store::MemoryStore};

const DAY: u64 = 86_400;
const PERIODS: Periods = Periods {
    challenge_window: 7 * DAY,
    response_period: DAY + DAY / 2,
    force_delay: DAY / 2,
    withdrawal_delay: 0,
};

fn id(seed: u8) -> ContentHash {
    ContentHash(B256::repeat_byte(seed))
}

fn content(parent: u8, batch: u64, confirmed: bool) -> Content {
    Content {
        parent: id(parent),
        batch: BatchIndex(batch),
        batch_hash: B256::ZERO,
        checkpoint: CheckpointHash::default(),
        steps: 9,
        confirmed,
        contradicted: false,
        voided: false,
    }
}

/// The genesis, 0, and a confirmed chain of contents 1, 2, 3 that end at batches 10, 20, 30.
struct Play {
    needed: Needed,
    store: Arc<MemoryStore>,
    game: Game,
    now: u64,
    head: BlockRef,
    /// Blocks from the finalized one to the head; none where L1 has no finality.
    finality: Option<u64>,
    /// Told apart by it from other branches.
    branch: u8,
}

impl Play {
    fn new() -> Self {
        let limits = Limits {
            arity: 4095,
            levels: 2,
            claim_bond: U256::ONE,
            challenge_bond: U256::ONE,
            chunk_reward: U256::ONE,
            force_fee: U256::ONE,
            min_deposit_gwei: 1,
        };
        let contents = BTreeMap::from([
            (id(0), content(9, 0, true)),
            (id(1), content(0, 10, true)),
            (id(2), content(1, 20, true)),
            (id(3), content(2, 30, true)),
        ]);
        let game = Game {
            now: 0,
            periods: PERIODS,
            limits,
            tip: id(3),
            contents,
            attempts: BTreeMap::new(),
            truths: BTreeMap::new(),
        };
        let store = Arc::new(MemoryStore::default());
        let needed = Needed::open(store.clone(), &PERIODS, 2).unwrap();
        let (now, head) = (1_000_000_000, BlockRef::default());
        Self { needed, store, game, now, head, finality: Some(2), branch: 0 }
    }

    fn attempt(&mut self, seed: u8, parent: u8, batch: u64) {
        self.game.contents.insert(id(seed), content(parent, batch, false));
        let attempt = Attempt {
            content: id(seed),
            owner: Address::ZERO,
            beneficiary: Address::ZERO,
            window_end: 0,
            quiet_until: 0,
            bond: U256::ONE,
            status: AttemptStatus::Live,
            settled: false,
            segments: BTreeMap::new(),
        };
        self.game.attempts.insert(AttemptId(id(seed).0), attempt);
    }

    fn kill(&mut self, seed: u8) {
        let attempt = self.game.attempts.get_mut(&AttemptId(id(seed).0)).unwrap();
        attempt.status = AttemptStatus::Dead;
    }

    /// The next block of L1, so many seconds later by both clocks.
    fn later(&mut self, seconds: u64) -> Advice {
        self.apart(seconds, seconds)
    }

    /// The next block, so many seconds later by this machine's clock, and by L1's.
    fn apart(&mut self, here: u64, l1: u64) -> Advice {
        self.now += here;
        let number = self.head.number + 1;
        self.head = BlockRef {
            number,
            hash: B256::from(U256::from(number) << usize::from(self.branch)),
            parent_hash: self.head.hash,
            timestamp: self.head.timestamp + l1,
        };
        let bytes = serde_json::to_vec(&self.head).unwrap();
        let key = number.to_be_bytes().to_vec();
        self.store.apply(vec![Write::Put(Table::Blocks, key, bytes)]).unwrap();
        self.look()
    }

    fn look(&mut self) -> Advice {
        let l1 = L1State {
            head: self.head,
            finalized: self.finality.map(|behind| self.head.number.saturating_sub(behind)),
            inbox: InboxSnapshot::empty(self.store.clone()),
            game: Arc::new(self.game.clone()),
        };
        self.needed.look(&l1, self.now).unwrap().unwrap()
    }

    fn restart(&mut self) {
        self.needed = Needed::open(self.store.clone(), &PERIODS, 2).unwrap();
    }
}

const fn advice(needed: u64, forget_before: u64) -> Advice {
    Advice { needed: BatchIndex(needed), forget_before: BatchIndex(forget_before) }
}

#[test]
fn what_stands_long_enough_is_forgotten() {
    let mut play = Play::new();
    assert_eq!(play.later(12), advice(30, 0));
    for _ in 0..13 {
        assert_eq!(play.later(DAY), advice(30, 0));
        play.restart();
    }
    assert_eq!(play.later(DAY - 1), advice(30, 0));
    assert_eq!(play.later(1), advice(30, 30));
    play.restart();
    assert_eq!(play.later(12), advice(30, 30), "for ever");
    // The next claim waits as long.
    play.game.contents.insert(id(4), content(3, 40, true));
    play.game.tip = id(4);
    assert_eq!(play.later(12), advice(40, 30));
    play.later(12);
    play.later(12);
    assert_eq!(play.later(14 * DAY - 25), advice(40, 30));
    assert_eq!(play.later(1), advice(40, 40));
}

/// It outlives the claim that was confirmed beside it, and may be revealed at any time.
#[test]
fn a_pending_rival_with_an_old_parent_keeps_that_parents_state() {
    let mut play = Play::new();
    play.attempt(50, 1, 25);
    for _ in 0..40 {
        let said = play.later(DAY);
        assert!(said.needed.0 == 10 && said.forget_before.0 <= 10, "{said:?}");
    }
    assert_eq!(play.look(), advice(10, 10));
    play.kill(50);
    assert_eq!(play.later(DAY), advice(30, 10));
    for _ in 0..13 {
        assert_eq!(play.later(DAY), advice(30, 10));
    }
    assert_eq!(play.later(DAY), advice(30, 30));
}

/// What never can be confirmed pins nothing: a bond that comes back would be too little for that.
#[test]
fn what_is_void_or_contradicted_keeps_nothing() {
    let mut play = Play::new();
    // A false child of 1, dead, and what was built on it.
    play.attempt(50, 1, 15);
    play.attempt(51, 50, 16);
    play.attempt(52, 51, 40);
    assert_eq!(play.later(12), advice(10, 0));
    play.kill(50);
    assert_eq!(play.later(12), advice(30, 0), "also the child of a void one, marked or not");
    // A rival of 3.
    play.attempt(53, 2, 30);
    assert_eq!(play.later(12), advice(20, 0));
    play.game.contents.get_mut(&id(53)).unwrap().contradicted = true;
    assert_eq!(play.later(12), advice(30, 0));
    // Another attempt of a confirmed content.
    play.attempt(54, 0, 5);
    play.game.contents.get_mut(&id(54)).unwrap().confirmed = true;
    assert_eq!(play.later(12), advice(30, 0));
}

#[test]
fn a_reorganisation_below_a_mark_takes_it_away() {
    let mut play = Play::new();
    play.later(12);
    // Another branch, on which the newest claim is not confirmed yet.
    play.head = BlockRef::default();
    play.branch = 1;
    play.game.tip = id(2);
    play.game.contents.get_mut(&id(3)).unwrap().confirmed = false;
    assert_eq!(play.later(12), advice(20, 0));
    for _ in 0..14 {
        play.later(DAY);
    }
    assert_eq!(play.look(), advice(20, 20));

    // A branch that was left while nobody looked, and needs the same in the end.
    let mut play = Play::new();
    play.later(12);
    play.head = BlockRef::default();
    play.branch = 1;
    for _ in 0..3 {
        play.later(5 * DAY);
    }
    assert_eq!(play.look(), advice(30, 0), "the mark was set in a block that is no more");
    for _ in 0..4 {
        play.later(5 * DAY);
    }
    assert_eq!(play.look(), advice(30, 30));
}

/// An endpoint that calls everything final, or makes L1's clock run, gains nothing without this machine's clock.
#[test]
fn nobody_can_hurry() {
    let mut play = Play::new();
    for _ in 0..10 {
        assert_eq!(play.apart(12, 100 * DAY), advice(30, 0));
    }
    let mut play = Play::new();
    for _ in 0..10 {
        assert_eq!(play.apart(100 * DAY, 12), advice(30, 0));
    }
    // Nor is anything forgotten where nothing is final.
    let mut play = Play::new();
    play.finality = None;
    for _ in 0..40 {
        assert_eq!(play.later(DAY), advice(30, 0));
    }
}

#[test]
fn a_wrong_clock_hurries_nothing_and_holds_nothing_up() {
    // Behind: set right a moment later, it seems that the mark has stood for years.
    let mut play = Play::new();
    (play.now, play.head.timestamp) = (999_998_000, 1_000_000_000);
    play.later(12);
    play.now = 1_000_000_000 + 14 * DAY - 1;
    play.apart(0, 15 * DAY);
    play.later(0);
    assert_eq!(play.later(0), advice(30, 0));
    assert_eq!(play.later(20), advice(30, 30));
    // Ahead.
    let mut play = Play::new();
    play.now = 2_000_000_000;
    play.later(12);
    play.now = 1_000_000_000;
    for _ in 0..14 {
        assert_eq!(play.later(DAY), advice(30, 0));
    }
    assert_eq!(play.later(DAY), advice(30, 30));
}

#[test]
fn marks_do_not_pile_up() {
    let mut play = Play::new();
    play.finality = None;
    for batch in 31..=31 + MOST as u64 {
        play.game.contents.get_mut(&id(3)).unwrap().batch = BatchIndex(batch);
        play.later(APART);
    }
    assert_eq!(play.needed.marks.len(), MOST);
    assert_eq!(play.needed.marks[0].needed, BatchIndex(32));
}

#[test]
fn what_is_needed_again_is_said() {
    let mut play = Play::new();
    for _ in 0..20 {
        play.later(DAY);
    }
    assert_eq!(play.look(), advice(30, 30));
    play.attempt(50, 1, 40);
    assert_eq!(play.later(12), advice(10, 0));
}
