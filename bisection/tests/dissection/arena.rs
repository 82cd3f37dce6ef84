//! A game and its players, in one breath.

use alloy_primitives::{Address, U256};
use recourse_bisection::{
    Action, Party, Role,
    model::Model,
    rules::{check_move, check_state},
    unopposed,
};
use recourse_protocol::{AttemptStatus, BatchIndex, ContentHash, Limits, Periods};

use crate::{
    actors::{LIAR, Liar, Lie, PROPOSER, WATCHTOWER, harass, play, proposer},
    toy::{Chain, Honest, TRUTH, hash},
};

pub const WINDOW: u64 = 700;
pub const RESPONSE: u64 = 160;
/// An honest party looks at the chain at least this often.
pub const TICK: u64 = 20;

pub struct Arena {
    pub model: Model<Chain>,
    pub liars: Vec<Liar>,
    pub proposer: bool,
    pub watchtower: bool,
    pub harasser: bool,
    /// Kills its own garbage under true claims, shortly before it would confirm.
    pub saboteur: bool,
    /// The watchtower looks at the chain every so many ticks.
    pub every: u64,
    ticks: u64,
    pub reveal_at_once: bool,
    pub log: Vec<(Address, Action)>,
}

pub const fn levels_for(arity: u32) -> u8 {
    match arity {
        2 => 24,
        3 => 16,
        4..=15 => 12,
        16..=4094 => 6,
        _ => 2,
    }
}

impl Arena {
    pub fn new(arity: u32, batches: &[u64]) -> Self {
        let periods = Periods {
            challenge_window: WINDOW,
            response_period: RESPONSE,
            force_delay: 0,
            withdrawal_delay: 0,
        };
        let limits = Limits {
            arity,
            levels: levels_for(arity),
            claim_bond: U256::from(1001),
            challenge_bond: U256::from(107),
            force_fee: U256::ZERO,
            min_deposit_gwei: 0,
            chunk_reward: U256::from(3),
        };
        let model = Model::new(Chain::new(batches), hash(TRUTH, 0), periods, limits, 1000);
        Self {
            model,
            liars: Vec::new(),
            proposer: true,
            watchtower: true,
            harasser: false,
            saboteur: false,
            every: 1,
            ticks: 0,
            reveal_at_once: false,
            log: Vec::new(),
        }
    }

    pub fn tip(&self) -> ContentHash {
        self.model.game().tip
    }

    pub fn lie(&mut self, lie: Lie, parent: ContentHash, upto: u64) -> Option<Liar> {
        let at_once = self.reveal_at_once;
        let liar = Liar::claim(&mut self.model, lie, parent, BatchIndex(upto), at_once)?;
        self.liars.push(liar);
        Some(liar)
    }

    /// Everybody moves once, then time goes on.
    pub fn tick(&mut self) {
        if self.proposer {
            self.honest(proposer(self.reveal_at_once));
        }
        self.ticks += 1;
        if self.watchtower && self.ticks.is_multiple_of(self.every) {
            self.honest((WATCHTOWER, Role::Watchtower));
            self.nothing_is_unopposed();
        }
        if self.harasser {
            self.observed(harass);
        }
        for liar in self.liars.clone() {
            if self.saboteur {
                self.observed(|model| liar.sabotage(model));
            }
            self.observed(|model| liar.play(model));
        }
        self.model.advance(TICK);
    }

    pub fn run(&mut self, seconds: u64) {
        for _ in 0..seconds.div_ceil(TICK) {
            self.tick();
        }
    }

    fn honest(&mut self, party: (Address, Role)) {
        let actions = self.observed(|model| play(model, party));
        self.log.extend(actions.into_iter().map(|action| (party.0, action)));
    }

    /// No alarm in a game that is watched.
    fn nothing_is_unopposed(&self) {
        let party = Party { address: WATCHTOWER, owed: U256::ZERO, role: Role::Watchtower };
        let found = unopposed(self.model.game(), &Honest(&self.model), &party);
        assert!(found.is_empty(), "{found:?}");
    }

    /// Holds every rule after every party's moves.
    pub fn observed<T>(&mut self, moves: impl FnOnce(&mut Model<Chain>) -> T) -> T {
        let before = self.model.game().clone();
        let result = moves(&mut self.model);
        check_move(&before, self.model.game()).unwrap();
        check_state(&self.model, &Honest(&self.model), self.watchtower).unwrap();
        result
    }

    pub fn is_dead(&self, liar: &Liar) -> bool {
        self.model.game().attempts[&liar.attempt].status == AttemptStatus::Dead
    }

    pub fn tip_batch(&self) -> u64 {
        self.model.game().contents[&self.tip()].batch.0
    }

    /// What a party gained, in wei; all its bonds must be settled.
    pub fn gain(&self, who: Address) -> i128 {
        let ledger = self.model.ledger();
        let bonds = self.bonds(who);
        let back = ledger.withdrawn_by(who) + ledger.owed_to(who);
        back.to::<i128>() - bonds.to::<i128>()
    }

    fn bonds(&self, who: Address) -> U256 {
        let game = self.model.game();
        let claims = game.attempts.values().filter(|a| a.owner == who).map(|a| a.bond);
        let challenges = game
            .attempts
            .values()
            .flat_map(|a| a.segments.values())
            .filter_map(|s| s.challenge)
            .filter(|c| c.challenger == who)
            .map(|c| c.bond);
        claims.chain(challenges).sum()
    }

    /// Nobody honest ever loses, and whoever lied has not gained.
    pub fn check_fortunes(&self) {
        for who in [PROPOSER, WATCHTOWER] {
            let own = self.model.game().attempts.values().filter(|a| a.owner == who);
            assert!(own.clone().all(|a| a.status != AttemptStatus::Dead), "{who} lost a claim");
            assert!(self.gain(who) >= 0, "{who} lost {}", self.gain(who));
        }
        assert!(self.gain(LIAR) <= 0, "lying paid {}", self.gain(LIAR));
    }
}
