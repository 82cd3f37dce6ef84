//! A piece of a block, played and written down.

use std::collections::BTreeMap;

use alloy::consensus::Transaction;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolValue;
use eyre::ensure;
use recourse_execution::{
    GenesisAccount, Recorded, Recorder, Schedule, State, TxRun,
    block::{BlockBody, Opening},
};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit},
};
use recourse_tests::published::{AccountFields, RunFields, TraceVector, WitnessSize};

use crate::{
    envelope,
    scene::{self, Accounts, MAX_WITNESS, block},
};

/// Slots of the EIP-4788 and EIP-2935 contracts.
const RING: u64 = 8_191;

/// What a transaction is meant to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Success,
    Failure,
    Exhausted,
    NoOp,
}

/// A piece of a block.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) state: &'static str,
    pub(crate) block: BlockContext,
    pub(crate) position: TxPosition,
    pub(crate) body: BlockBody,
    pub(crate) limit: u32,
    /// Accounts that it may make beside those that it names.
    pub(crate) makes: Vec<Address>,
    pub(crate) expects: Vec<Expect>,
}

/// A piece and what it came to.
#[derive(Clone, Debug)]
pub(crate) struct Played {
    pub(crate) piece: Piece,
    pub(crate) pre: B256,
    pub(crate) recorded: Recorded,
}

impl Piece {
    /// Nothing, in the state `plain`.
    pub(crate) fn new(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            description,
            state: "plain",
            block: block(),
            position: TxPosition::default(),
            body: BlockBody::default(),
            limit: MAX_WITNESS,
            makes: Vec::new(),
            expects: Vec::new(),
        }
    }

    pub(crate) fn on(self, state: &'static str) -> Self {
        Self { state, ..self }
    }

    pub(crate) fn limited(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    pub(crate) fn opens(mut self, parent_hash: B256, anchor: B256) -> Self {
        self.body.opening = Some(Opening { parent_hash, anchor });
        self
    }

    pub(crate) fn runs(mut self, raw: Bytes, expect: Expect) -> Self {
        self.body.transactions.push(raw);
        self.expects.push(expect);
        self
    }

    pub(crate) fn seals(mut self, credits: Vec<Credit>) -> Self {
        self.body.credits = Some(credits);
        self
    }

    /// Executes it. Fails unless its transactions come to what is expected.
    pub(crate) fn play(self) -> eyre::Result<Played> {
        let state = scene::state(self.state)?;
        let schedule = Schedule::osaka();
        let recorder = Recorder::new(&schedule, self.limit);
        let recorded = recorder.piece(&state, &self.block, self.position, &self.body)?;
        let got: Vec<_> = recorded.runs.iter().map(expectation).collect();
        ensure!(got == self.expects, "{}: {got:?} instead of {:?}", self.name, self.expects);
        Ok(Played { pre: state.root(), piece: self, recorded })
    }

    /// Bytes of state that it uses.
    pub(crate) fn bytes_used(&self) -> eyre::Result<u32> {
        let state = scene::state(self.state)?;
        let schedule = Schedule::osaka();
        let recorder = Recorder::new(&schedule, u32::MAX);
        let recorded = recorder.piece(&state, &self.block, self.position, &self.body)?;
        Ok(size(&recorded).bytes.try_into()?)
    }
}

fn expectation(run: &TxRun) -> Expect {
    match run {
        TxRun::NoOp(_) => Expect::NoOp,
        TxRun::Included(run) if run.exhausted => Expect::Exhausted,
        TxRun::Included(run) if run.receipt.status() => Expect::Success,
        TxRun::Included(_) => Expect::Failure,
    }
}

fn size(recorded: &Recorded) -> WitnessSize {
    let (nodes, codes) = (&recorded.witness.nodes, &recorded.witness.codes);
    let bytes = nodes.iter().chain(codes).fold(0_usize, |sum, item| sum.saturating_add(item.len()));
    WitnessSize { nodes: nodes.len(), codes: codes.len(), bytes }
}

impl Played {
    /// The precompile's input that proves it.
    pub(crate) fn input(&self) -> Bytes {
        let trace = self.recorded.trace.abi_encode();
        envelope::encode(self.pre, self.recorded.state_root, &trace, self.recorded.gas_used)
    }

    pub(crate) fn vector(&self) -> eyre::Result<TraceVector> {
        Ok(TraceVector {
            name: self.piece.name.to_owned(),
            description: self.piece.description.to_owned(),
            state: self.piece.state.to_owned(),
            trace: (&self.recorded.trace).into(),
            witness: size(&self.recorded),
            pre_state_root: self.pre,
            post_state_root: self.recorded.state_root,
            gas_used: self.recorded.gas_used,
            runs: self.recorded.runs.iter().map(run_fields).collect(),
            post: self.difference()?,
        })
    }

    /// The accounts that differ afterwards: checked by the root of the state made of them and of all others.
    fn difference(&self) -> eyre::Result<BTreeMap<Address, Option<AccountFields>>> {
        let before = scene::accounts(self.piece.state)?;
        let mut after = Accounts::new();
        for address in self.concerned(&before)? {
            if let Some(account) = self.account(address, before.get(&address))? {
                after.insert(address, account);
            }
        }
        let root = State::of(&after)?.root();
        ensure!(root == self.recorded.state_root, "{}: accounts are missing", self.piece.name);
        let addresses = before.keys().chain(after.keys());
        let differs = addresses.filter(|address| before.get(*address) != after.get(*address));
        Ok(differs.map(|address| (*address, after.get(address).map(Into::into))).collect())
    }

    fn concerned(&self, before: &Accounts) -> eyre::Result<Vec<Address>> {
        let mut all: Vec<_> = before.keys().copied().collect();
        all.push(self.piece.block.coinbase);
        all.extend(&self.piece.makes);
        all.extend(self.piece.body.credits.iter().flatten().map(|credit| credit.to));
        for run in &self.recorded.runs {
            if let TxRun::Included(run) = run {
                all.extend(run.transaction.to());
                all.extend(run.contract_address);
            }
        }
        Ok(all)
    }

    fn account(
        &self,
        address: Address,
        before: Option<&GenesisAccount>,
    ) -> eyre::Result<Option<GenesisAccount>> {
        let state = &self.recorded.state;
        let Some(account) = state.account(address)? else { return Ok(None) };
        let ring = self.piece.block.timestamp % RING;
        let parent = self.piece.block.number.saturating_sub(1) % RING;
        let known = before.into_iter().flat_map(|account| account.storage.keys().copied());
        let slots = (0..130).chain([ring, ring.saturating_add(RING), parent]).map(U256::from);
        let mut storage = BTreeMap::new();
        for slot in known.chain(slots) {
            let value = state.storage(address, slot)?;
            if !value.is_zero() {
                storage.insert(slot, value);
            }
        }
        let code = state.code_at(address)?;
        Ok(Some(GenesisAccount { nonce: account.nonce, balance: account.balance, code, storage }))
    }
}

fn run_fields(run: &TxRun) -> RunFields {
    match run {
        TxRun::NoOp(why) => RunFields {
            included: false,
            invalid: Some(why.to_string()),
            exhausted: false,
            gas_used: 0,
            receipt: Bytes::new(),
        },
        TxRun::Included(run) => RunFields {
            included: true,
            invalid: None,
            exhausted: run.exhausted,
            gas_used: run.gas_used,
            receipt: run.receipt.encoded_2718().into(),
        },
    }
}
