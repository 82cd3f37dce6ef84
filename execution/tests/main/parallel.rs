//! Many threads have the result of one: random blocks full of conflicts, under random rules, limits, thread counts and
//! schedules, against [`Sequential`].
//!
//! `PARALLEL_CASES` in the environment says how many blocks; a few by default.

use std::{collections::BTreeMap, sync::Arc};

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use proptest::prelude::*;
use recourse_execution::{
    GenesisAccount, RuleSet, Schedule, State,
    block::{BlockBody, BlockExecutor, BlockOutcome, Opening, Sequential},
    parallel::{Parallel, Workers},
};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit},
};
use revm::{bytecode::opcode as op, primitives::hardfork::SpecId};

use crate::{
    assembler::{self, Code},
    random::{Act, assemble},
    scene::{
        self, CODE_READER, COINBASE, STORER, account, block, call, contract, create, delegation,
        filler, legacy, sign, transfer, writes,
    },
};

const COUNTER: Address = Address::repeat_byte(0x61);
const MIXER: Address = Address::repeat_byte(0x62);
const WATCHER: Address = Address::repeat_byte(0x63);
const PURSE: Address = Address::repeat_byte(0x64);
const PAYER: Address = Address::repeat_byte(0x65);
const FACTORY: Address = Address::repeat_byte(0x66);
const MORTAL: Address = Address::repeat_byte(0x67);
const WALKER: Address = Address::repeat_byte(0x68);

/// `storage[0] += 1`
fn counter() -> Bytes {
    Code::new()
        .ops(&[op::PUSH0, op::SLOAD, op::PUSH1, 1, op::ADD, op::PUSH0, op::SSTORE])
        .ops(&[op::PUSH0, op::PUSH0, op::LOG0])
        .build()
}

/// `storage[word 1] = storage[word 0] + 1`; reverts when that is a multiple of 5.
fn mixer() -> Bytes {
    Code::new()
        .ops(&[op::PUSH0, op::CALLDATALOAD, op::SLOAD, op::PUSH1, 1, op::ADD])
        .ops(&[op::DUP1, op::PUSH1, 32, op::CALLDATALOAD, op::SSTORE])
        .ops(&[op::PUSH1, 5, op::SWAP1, op::MOD, op::PUSH1, 24, op::JUMPI])
        .ops(&[op::PUSH0, op::PUSH0, op::REVERT])
        .ops(&[op::STOP, op::JUMPDEST, op::STOP])
        .build()
}

/// `storage[word 0] = balance(word 0)`
fn watcher() -> Bytes {
    Code::new()
        .ops(&[op::PUSH0, op::CALLDATALOAD, op::DUP1, op::BALANCE, op::SWAP1, op::SSTORE])
        .build()
}

/// `storage[0] = its balance`
fn purse() -> Bytes {
    Code::new().ops(&[op::SELFBALANCE, op::PUSH0, op::SSTORE]).build()
}

/// Calls word 0 with what it got.
fn payer() -> Bytes {
    Code::new()
        .ops(&[op::PUSH0; 4])
        .ops(&[op::CALLVALUE, op::PUSH0, op::CALLDATALOAD, op::GAS, op::CALL])
        .ops(&[op::PUSH0, op::SSTORE])
        .build()
}

/// Ends when it is called, in favour of whoever calls.
fn mortal() -> Bytes {
    Code::new().ops(&[op::CALLER, op::SELFDESTRUCT]).build()
}

/// What [`FACTORY`] creates: it has storage, and it is mortal.
fn child() -> Bytes {
    let len = mortal().len() as u8;
    Code::new()
        .store(0, 7)
        .ops(&[op::PUSH1, len, op::PUSH1, 14, op::PUSH0, op::CODECOPY])
        .ops(&[op::PUSH1, len, op::PUSH0, op::RETURN])
        .ops(&mortal())
        .build()
}

/// `create2(value, child, word 0)`; then `storage[0] = what that gave`
fn factory() -> Bytes {
    let child = child();
    let mut code = Code::new().op(op::PUSH0 + child.len() as u8).ops(&child);
    let start = 32 - child.len() as u8;
    code = code.ops(&[op::PUSH0, op::MSTORE, op::PUSH0, op::CALLDATALOAD]);
    code.ops(&[op::PUSH1, child.len() as u8, op::PUSH1, start, op::CALLVALUE, op::CREATE2])
        .ops(&[op::PUSH0, op::SSTORE])
        .build()
}

fn child_of(salt: u64) -> Address {
    FACTORY.create2(B256::from(U256::from(salt)), keccak256(child()))
}

/// A contract whose code is of one kilobyte, of which there are many.
fn heavy(index: u64) -> Address {
    Address::from_slice(&keccak256((index + 1_000_000).to_be_bytes())[..20])
}

pub fn state() -> State {
    let mut accounts = scene::genesis().alloc;
    for index in 5..8 {
        // Those who can pay only once somebody paid them.
        accounts.get_mut(&account(index)).unwrap().balance = U256::from(index - 5);
    }
    let storage: BTreeMap<_, _> = (0..4).map(|slot| (U256::from(slot), U256::from(slot))).collect();
    let with_storage = |code| GenesisAccount { storage: storage.clone(), ..contract(code) };
    accounts.insert(COUNTER, contract(counter()));
    accounts.insert(MIXER, with_storage(mixer()));
    accounts.insert(WATCHER, contract(watcher()));
    accounts.insert(PURSE, contract(purse()));
    accounts.insert(PAYER, contract(payer()));
    accounts.insert(FACTORY, contract(factory()));
    accounts.insert(MORTAL, with_storage(mortal()));
    accounts.insert(WALKER, contract(assembler::code_reader()));
    for index in 0..120_u64 {
        let mut code = vec![0; 1_000];
        code[1..9].copy_from_slice(&index.to_be_bytes());
        accounts.insert(heavy(index), contract(code.into()));
    }
    // EIP-7610: storage, but neither nonce nor code.
    let hollow = GenesisAccount { balance: U256::from(3), storage, ..GenesisAccount::default() };
    accounts.insert(child_of(3), hollow.clone());
    accounts.insert(account(0).create(1), hollow);
    let state = State::of(&accounts).unwrap();
    let _ = state.root();
    state
}

#[derive(Clone, Debug)]
pub enum Tx {
    Transfer(Address, u64),
    Fund(u8),
    Legacy(Address),
    TooDear(Address),
    TooLittleGas,
    Count,
    Mix(u64, u64),
    Watch(Address),
    Purse(u64),
    Pay(Address, u64),
    Make(u64, u64),
    Write(Vec<(u64, u64)>),
    Walk(u64, u64),
    Acts(Vec<Act>),
    Deploys(Vec<Act>),
    Delegation(u8, u64, Address),
    Skip,
    Garbage(Vec<u8>),
}

fn addresses() -> impl Strategy<Value = Address> {
    prop_oneof![
        4 => (0_u8..8).prop_map(account),
        2 => (0_u64..6).prop_map(filler),
        1 => (1_000_u64..1_004).prop_map(filler),
        2 => (0_u8..4, 0_u64..4).prop_map(|(sender, nonce)| account(sender).create(nonce)),
        3 => (0_u64..4).prop_map(child_of),
        1 => (0_u8..18).prop_map(Address::with_last_byte),
        6 => prop::sample::select(vec![
            STORER, COUNTER, PURSE, PAYER, FACTORY, MORTAL, COINBASE, Address::ZERO,
        ]),
    ]
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0_u64..4, 0_u64..3).prop_map(|(slot, value)| Act::Store(slot, value)),
        addresses().prop_map(Act::Balance),
        addresses().prop_map(Act::CodeHash),
        (addresses(), 0_u64..2).prop_map(|(to, value)| Act::Call(to, value)),
        addresses().prop_map(Act::Delegate),
        (0_u64..3).prop_map(Act::BlockHash),
        addresses().prop_map(Act::Destruct),
        Just(Act::Create),
        Just(Act::Revert),
    ];
    prop::collection::vec(act, 0..5)
}

fn txs() -> impl Strategy<Value = Tx> {
    let pairs = prop::collection::vec((prop_oneof![0_u64..4, 500_u64..504], 0_u64..3), 0..5);
    prop_oneof![
        4 => (addresses(), 0_u64..3).prop_map(|(to, value)| Tx::Transfer(to, value)),
        2 => (5_u8..8).prop_map(Tx::Fund),
        1 => addresses().prop_map(Tx::Legacy),
        1 => addresses().prop_map(Tx::TooDear),
        1 => Just(Tx::TooLittleGas),
        3 => Just(Tx::Count),
        4 => (0_u64..5, 0_u64..5).prop_map(|(from, to)| Tx::Mix(from, to)),
        3 => addresses().prop_map(Tx::Watch),
        2 => (0_u64..3).prop_map(Tx::Purse),
        3 => (addresses(), 0_u64..3).prop_map(|(to, value)| Tx::Pay(to, value)),
        3 => (0_u64..4, 0_u64..2).prop_map(|(salt, value)| Tx::Make(salt, value)),
        2 => pairs.prop_map(Tx::Write),
        1 => (0_u64..120, 0_u64..120).prop_map(|(from, count)| Tx::Walk(from, count)),
        2 => acts().prop_map(Tx::Acts),
        1 => acts().prop_map(Tx::Deploys),
        2 => (0_u8..8, 0_u64..4, addresses()).prop_map(|(who, nonce, to)| Tx::Delegation(who, nonce, to)),
        1 => Just(Tx::Skip),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Tx::Garbage),
    ]
}

fn word(address: Address) -> Bytes {
    address.into_word().to_vec().into()
}

fn words(all: &[u64]) -> Bytes {
    all.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>()).collect::<Vec<_>>().into()
}

/// Calldata that names this many heavy contracts.
fn heavies(from: u64, count: u64) -> Bytes {
    (from..from + count)
        .flat_map(|index| heavy(index % 120).into_word().0)
        .collect::<Vec<_>>()
        .into()
}

pub fn signed(txs: &[(u8, Tx)]) -> Vec<Bytes> {
    let mut nonces = [0_u64; 8];
    txs.iter().map(|(from, tx)| one(*from, tx, &mut nonces[usize::from(*from)])).collect()
}

fn one(from: u8, tx: &Tx, next: &mut u64) -> Bytes {
    let nonce = *next;
    *next += 1;
    let with = |value: u64, tx: TxEip1559| TxEip1559 { value: U256::from(value), ..tx };
    let tx = match tx {
        Tx::Transfer(to, value) => transfer(nonce, *to, *value),
        Tx::Fund(who) => transfer(nonce, account(*who), 20_000_000_000_000_000),
        Tx::Legacy(to) => return sign(from, legacy(nonce, *to)),
        Tx::TooDear(to) => {
            *next -= 1;
            TxEip1559 { value: U256::MAX >> 2, ..transfer(nonce, *to, 0) }
        }
        Tx::TooLittleGas => {
            *next -= 1;
            TxEip1559 { gas_limit: 20_999, ..transfer(nonce, STORER, 0) }
        }
        Tx::Count => call(nonce, COUNTER, Bytes::new()),
        Tx::Mix(from, to) => call(nonce, MIXER, words(&[*from, *to])),
        Tx::Watch(who) => call(nonce, WATCHER, word(*who)),
        Tx::Purse(value) => with(*value, call(nonce, PURSE, Bytes::new())),
        Tx::Pay(to, value) => with(*value, call(nonce, PAYER, word(*to))),
        Tx::Make(salt, value) => with(*value, call(nonce, FACTORY, words(&[*salt]))),
        Tx::Write(pairs) => call(nonce, STORER, writes(pairs)),
        Tx::Walk(from, count) => call(nonce, CODE_READER, heavies(*from, *count)),
        Tx::Acts(acts) => create(nonce, assemble(acts).build()),
        Tx::Deploys(acts) => create(nonce, assemble(acts).deployer().build()),
        Tx::Delegation(who, at, to) => return sign(from, delegation(nonce, *who, *at, *to)),
        Tx::Skip => {
            *next -= 1;
            transfer(nonce + 3, STORER, 1)
        }
        Tx::Garbage(bytes) => {
            *next -= 1;
            return bytes.clone().into();
        }
    };
    sign(from, tx)
}

/// The same in every respect.
pub fn same(one: &BlockOutcome, other: &BlockOutcome) {
    for (index, (one, other)) in one.runs.iter().zip(&other.runs).enumerate() {
        assert_eq!(format!("{one:#?}"), format!("{other:#?}"), "transaction {index}");
    }
    assert_eq!(one.runs.len(), other.runs.len());
    assert_eq!(one.position, other.position);
    assert_eq!(one.state.root(), other.state.root());
}

pub fn under(spec: SpecId) -> Schedule {
    Schedule::new(RuleSet { spec, blobs: None }, Vec::new())
}

/// With the one earlier block that there is, where the state does not hold its hash.
fn after_genesis(spec: SpecId) -> Schedule {
    match spec.is_enabled_in(SpecId::PRAGUE) {
        true => under(spec),
        false => under(spec).with_ancestors(BTreeMap::from([(0, B256::repeat_byte(9))])),
    }
}

#[derive(Clone, Debug)]
pub struct Case {
    pub txs: Vec<(u8, Tx)>,
    pub schedule: Schedule,
    /// None: no limit.
    pub limit: Option<u32>,
    pub gas_limit: u64,
    pub coinbase: Address,
    pub credits: Vec<Credit>,
}

fn cases() -> impl Strategy<Value = Case> {
    let specs = prop::sample::select(vec![
        SpecId::OSAKA,
        SpecId::OSAKA,
        SpecId::PRAGUE,
        SpecId::CANCUN,
        SpecId::SHANGHAI,
    ]);
    let limits = prop_oneof![
        Just(None),
        Just(None),
        Just(Some(1 << 20)),
        (2_000_u32..200_000).prop_map(Some),
        // From here on one thread alone can hold it, just above what plain transfers may use.
        (105_876_u32..140_000).prop_map(Some)
    ];
    let coinbases =
        prop::sample::select(vec![COINBASE, COINBASE, account(0), PURSE, MORTAL, filler(1_000)]);
    let credit = (addresses(), 0_u64..3).prop_map(|(to, gwei)| Credit { to, amountGwei: gwei });
    (
        prop::collection::vec((0_u8..8, txs()), 0..50),
        specs,
        limits,
        prop_oneof![3 => Just(1_u64 << 28), 1 => 1_000_000_u64..6_000_000],
        coinbases,
        prop::collection::vec(credit, 0..3),
    )
        .prop_map(|(txs, spec, limit, gas_limit, coinbase, credits)| Case {
            txs,
            schedule: after_genesis(spec),
            limit,
            gas_limit,
            coinbase,
            credits,
        })
}

impl Case {
    fn body(&self) -> BlockBody {
        BlockBody {
            opening: Some(Opening {
                parent_hash: B256::repeat_byte(1),
                anchor: B256::repeat_byte(2),
            }),
            transactions: signed(&self.txs),
            credits: Some(self.credits.clone()),
        }
    }

    fn context(&self) -> BlockContext {
        BlockContext { gasLimit: self.gas_limit, coinbase: self.coinbase, ..block() }
    }

    pub fn sequential(&self, state: &State, body: &BlockBody) -> BlockOutcome {
        let schedule = self.schedule.clone();
        let executor = match self.limit {
            Some(limit) => Sequential::new(schedule, limit),
            None => Sequential::without_limit(schedule),
        };
        executor.execute(state, &self.context(), TxPosition::default(), body).unwrap()
    }

    pub fn parallel(&self, state: &State, body: &BlockBody, workers: Arc<Workers>) -> BlockOutcome {
        let schedule = self.schedule.clone();
        let executor = match self.limit {
            Some(limit) => Parallel::new(schedule, limit, workers),
            None => Parallel::without_limit(schedule, workers),
        };
        executor.execute(state, &self.context(), TxPosition::default(), body).unwrap()
    }
}

fn count() -> u32 {
    std::env::var("PARALLEL_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(count()))]

    #[test]
    fn many_threads_have_the_result_of_one(
        row in prop::collection::vec(cases(), 1..4),
        seed: u64,
    ) {
        let state = state();
        let blocks = row.iter().map(|case| (case, case.body()));
        let mut blocks: Vec<_> =
            blocks.map(|(case, body)| (case, case.sequential(&state, &body), body)).collect();
        // What blocks teach is kept for the next ones: also for one that is as they were.
        blocks.extend(blocks.first().cloned());
        for threads in [1, 2 + (seed % 7) as usize] {
            // Without pauses light blocks are run as nodes run them: by one thread, or on the tries.
            let workers = Workers::new(threads);
            let pauses = seed % 3 > 0;
            let workers = Arc::new(if pauses { workers.with_pauses(seed) } else { workers });
            for (case, expected, body) in &blocks {
                same(&case.parallel(&state, body, Arc::clone(&workers)), expected);
            }
            assert_eq!(workers.failures(), 0, "not by falling back to one thread");
        }
    }
}

/// What an account wrote before it ended is gone, also when somebody pays it in the same block, or creates it again.
#[test]
fn what_ended_comes_back_empty() {
    let state = state();
    let gone = account(0).create(0);
    let ends = Tx::Acts(vec![Act::Store(1, 2), Act::Destruct(account(1))]);
    let again = [
        vec![(0, ends.clone())],
        vec![(0, ends.clone()), (1, Tx::Transfer(gone, 1))],
        vec![
            (0, ends),
            (1, Tx::Transfer(gone, 1)),
            (2, Tx::Watch(gone)),
            (3, Tx::Transfer(gone, 1)),
        ],
        // Mortal: under rules before EIP-6780 also later.
        vec![
            (0, Tx::Make(0, 1)),
            (1, Tx::Transfer(child_of(0), 1)),
            (2, Tx::Transfer(child_of(0), 1)),
        ],
        vec![(0, Tx::Make(0, 1)), (1, Tx::Transfer(child_of(0), 0)), (2, Tx::Make(0, 0))],
    ];
    for txs in again {
        for (spec, limit) in [
            (SpecId::OSAKA, None),
            (SpecId::SHANGHAI, None),
            (SpecId::OSAKA, Some(1 << 20)),
            (SpecId::SHANGHAI, Some(1 << 20)),
        ] {
            let case = Case {
                txs: txs.clone(),
                schedule: after_genesis(spec),
                limit,
                gas_limit: 1 << 28,
                coinbase: COINBASE,
                credits: Vec::new(),
            };
            let body = case.body();
            let expected = case.sequential(&state, &body);
            for workers in
                [Workers::new(1), Workers::new(1).with_pauses(1), Workers::new(2).with_pauses(1)]
            {
                same(&case.parallel(&state, &body, Arc::new(workers)), &expected);
            }
        }
    }
}
