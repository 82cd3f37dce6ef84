//! A dispute on the real contracts: honest parties by planner and responder, a liar by hand.

mod liar;
mod node;
mod observe;

use std::collections::BTreeMap;

use alloy_eips::eip4844::Blob;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use recourse_bisection::{Action, History, Knowledge, Need, Party, Role, next_actions};
use recourse_protocol::{
    AttemptId, AttemptStatus, BatchIndex, Checkpoint, Content, ContentHash, Game, StepIndex,
    bindings::IRollup, genesis_content,
};
use recourse_trace_builder::{Call, ClaimHashes, L1Limits, Responder, Stager, StepProver};

use crate::{
    l1::{Events, L1},
    l2::{self, Chain, PERIODS, limits},
};

pub use liar::Lie;
use node::Node;

pub const PROPOSER: Address = Address::repeat_byte(0xb1);
pub const WATCHTOWER: Address = Address::repeat_byte(0xb2);
pub const LIAR: Address = Address::repeat_byte(0xb6);

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

    /// The call that an honest party would make for that, from no more of the history than it needs: of states, one batch.
    pub fn call_for(&self, address: Address, action: &Action) -> Call {
        let responder = self.responder(address);
        let node = Node { l1: &self.l1, chain: &self.chain };
        match action.need() {
            Need::Nothing => responder.claim(action, None::<&ClaimHashes>).unwrap(),
            Need::Hashes(range) => responder.claim(action, node.history(range).as_ref()).unwrap(),
            Need::Step(range, at) => {
                let (start, batch) = self.chain.batch_of(range, at);
                responder.prove(action, start, &batch).unwrap()
            }
        }
    }

    pub fn responder(&self, beneficiary: Address) -> Responder<'_, Events, Events> {
        let prover =
            StepProver { derivation: self.chain.derivation(&self.l1), blobs: &self.l1.events };
        let stager = Stager { store: self.l1.store, limits: self.l1_limits };
        Responder { game: &self.game, prover, stager, beneficiary }
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
