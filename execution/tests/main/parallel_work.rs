//! What many threads can be made to do for nothing is bounded, whatever the block; what can't be run by them is left to one.
//! Work is counted in gas that was run: every run counts, also those that come to nothing.

use std::{collections::BTreeMap, thread::sleep, time::Duration};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use recourse_execution::{
    RuleSet, StateError, cfg_env,
    parallel::{
        ALLOWANCE, Failure, FlatAccount, FlatBlock, FlatChange, FlatOutcome, FlatState, FlatTx,
        TxEnd, Weighed, Workers,
    },
};
use recourse_protocol::MAX_TX_GAS;
use revm::{
    bytecode::opcode as op,
    context::{BlockEnv, TxEnv},
    primitives::hardfork::SpecId,
    state::Bytecode,
};

use crate::assembler::Code;

const BURNER: Address = Address::repeat_byte(0x71);
pub const SWEEPER: Address = Address::repeat_byte(0x72);
const PAYS_ALL: Address = Address::repeat_byte(0x73);
pub const HOT: Address = Address::repeat_byte(0x74);
const ETHER: u64 = 1_000_000_000_000_000_000;

/// A state in memory. Reading some of it takes a while, or panics.
#[derive(Default)]
pub struct Memory {
    accounts: BTreeMap<Address, FlatAccount>,
    codes: BTreeMap<B256, Bytes>,
    slow: Option<Address>,
    panics: Option<Address>,
}

impl FlatState for Memory {
    fn account(&self, address: Address) -> Result<Weighed<Option<FlatAccount>>, StateError> {
        assert!(self.panics != Some(address), "as this test wants it");
        if self.slow == Some(address) {
            sleep(Duration::from_millis(30));
        }
        Ok(self.accounts.get(&address).copied().into())
    }

    fn storage(&self, _: Address, _: U256) -> Result<Weighed<U256>, StateError> {
        Ok(U256::ZERO.into())
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        let code = self.codes.get(&hash).ok_or(StateError::MissingCode(hash))?;
        Ok(Bytecode::new_raw(code.clone()))
    }
}

pub fn person(index: u64) -> Address {
    Address::from_slice(&keccak256(index.to_be_bytes())[12..])
}

impl Memory {
    pub fn insert(&mut self, address: Address, balance: U256, code: Option<Bytes>) {
        let code_hash = code.as_ref().map_or(KECCAK256_EMPTY, keccak256);
        let nonce = code.is_some().into();
        self.codes.extend(code.map(|code| (code_hash, code)));
        let account = FlatAccount { nonce, balance, code_hash, has_storage: false };
        self.accounts.insert(address, account);
    }

    pub fn contract(&mut self, address: Address, code: Code) {
        self.insert(address, U256::ZERO, Some(code.build()));
    }

    /// People with money, and the contracts.
    pub fn new() -> Self {
        let mut state = Self::default();
        for index in 0..400 {
            state.insert(person(index), U256::from(ETHER), None);
        }
        state.contract(BURNER, Code::new().op(op::INVALID));
        // To whoever calls.
        let pays = Code::new().ops(&[op::PUSH0; 4]);
        state.contract(PAYS_ALL, pays.ops(&[op::SELFBALANCE, op::CALLER, op::GAS, op::CALL]));
        // Calls everybody in its calldata.
        let sweeps = Code::new()
            .op(op::PUSH0)
            .op(op::JUMPDEST) // 1
            .ops(&[op::CALLDATASIZE, op::DUP2, op::LT, op::ISZERO, op::PUSH1, 25, op::JUMPI])
            .ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0])
            .ops(&[op::DUP6, op::CALLDATALOAD, op::GAS, op::CALL, op::POP])
            .ops(&[op::PUSH1, 32, op::ADD, op::PUSH1, 1, op::JUMP])
            .op(op::JUMPDEST)
            .op(op::STOP);
        state.contract(SWEEPER, sweeps);
        // Counts, and burns a million in between.
        let counts = Code::new().ops(&[op::PUSH0, op::SLOAD]).call(BURNER, 0, 1_000_000);
        state.contract(HOT, counts.ops(&[op::PUSH1, 1, op::ADD, op::PUSH0, op::SSTORE]));
        state
    }

    /// Lets an account pay all that it has to whoever calls it (EIP-7702).
    fn delegate(&mut self, who: Address, balance: U256) {
        let mut code = vec![0xef, 0x01, 0x00];
        code.extend(PAYS_ALL);
        self.insert(who, balance, Some(code.into()));
        self.accounts.get_mut(&who).unwrap().nonce = 0;
    }

    fn run(
        &self,
        workers: &Workers,
        txs: &[TxEnv],
        available: u64,
    ) -> Result<FlatOutcome, Failure> {
        self.run_under(RuleSet::OSAKA, workers, txs, available)
    }

    fn run_under(
        &self,
        rules: RuleSet,
        workers: &Workers,
        txs: &[TxEnv],
        available: u64,
    ) -> Result<FlatOutcome, Failure> {
        self.run_within(None, rules, workers, txs, available)
    }

    /// With a limit on bytes of state.
    pub fn run_limited(
        &self,
        workers: &Workers,
        txs: &[TxEnv],
        limit: u64,
    ) -> Result<FlatOutcome, Failure> {
        self.run_within(Some(limit), RuleSet::OSAKA, workers, txs, u64::MAX)
    }

    fn run_within(
        &self,
        max_witness_bytes: Option<u64>,
        rules: RuleSet,
        workers: &Workers,
        txs: &[TxEnv],
        available: u64,
    ) -> Result<FlatOutcome, Failure> {
        let txs: Vec<_> = txs.iter().cloned().map(FlatTx::Ready).collect();
        let block = BlockEnv { gas_limit: u64::MAX, ..BlockEnv::default() };
        workers.run(&FlatBlock {
            state: self,
            cfg: &cfg_env(1, rules),
            block: &block,
            number: 0,
            ancestors: None,
            available,
            max_witness_bytes,
            transactions: &txs,
        })
    }
}

pub fn tx(caller: Address, nonce: u64, to: Address, gas_limit: u64) -> TxEnv {
    TxEnv { caller, nonce, gas_limit, gas_price: 7, kind: to.into(), ..TxEnv::default() }
}

pub fn gas(outcome: &FlatOutcome) -> u64 {
    outcome.ends.iter().map(TxEnd::gas_used).sum()
}

pub fn changes(outcome: &FlatOutcome) -> Vec<FlatChange> {
    let mut changes = outcome.changes.clone();
    changes.sort_unstable_by_key(|change| change.address);
    changes
}

pub fn ends(outcome: &FlatOutcome) -> Vec<String> {
    outcome.ends.iter().map(|end| format!("{end:?}")).collect()
}

/// What one thread makes of it.
pub fn alone(state: &Memory, txs: &[TxEnv], available: u64) -> FlatOutcome {
    state.run(&Workers::new(1), txs, available).unwrap()
}

/// Many transactions for whose gas limits the block has no room: none of them runs.
#[test]
fn what_has_no_gas_left_in_its_block_does_not_run() {
    let state = Memory { slow: Some(BURNER), ..Memory::new() };
    let txs: Vec<_> = (0..100).map(|index| tx(person(index), 0, BURNER, MAX_TX_GAS)).collect();
    for threads in [2, 3, 8] {
        let workers = Workers::new(threads).with_pauses(threads as u64);
        let available = 2 * MAX_TX_GAS + 100_000;
        let outcome = state.run(&workers, &txs, available).unwrap();
        assert_eq!(gas(&outcome), 2 * MAX_TX_GAS);
        assert_eq!(ends(&outcome), ends(&alone(&state, &txs, available)));
        assert_eq!((workers.gas_run(), workers.gas_wasted()), (2 * MAX_TX_GAS, 0));
    }
}

/// Senders who can pay for all gas, until a transaction before theirs takes all that they have: what they run ahead comes to
/// nothing. Block after block, until no more may be run for nothing.
#[test]
fn what_becomes_invalid_by_the_one_before_runs_for_nothing_only_so_often() {
    let mut state = Memory { slow: Some(SWEEPER), ..Memory::new() };
    let victims: Vec<_> = (1_000..1_040).map(person).collect();
    for victim in &victims {
        state.delegate(*victim, U256::from(ETHER));
    }
    let data: Vec<u8> = victims.iter().flat_map(|victim| victim.into_word().0).collect();
    let mut txs = vec![TxEnv { data: data.into(), ..tx(person(0), 0, SWEEPER, 4_000_000) }];
    txs.extend(victims.iter().map(|victim| tx(*victim, 0, BURNER, MAX_TX_GAS)));
    let available = 100 * MAX_TX_GAS;
    let expected = alone(&state, &txs, available);
    let valid = expected.ends.iter().filter(|end| end.gas_used() > 0).count();
    assert_eq!(valid, 1, "all victims are swept");

    let workers = Workers::new(3).with_pauses(1);
    let mut committed = 0;
    for block in 0..4 {
        let outcome = state.run(&workers, &txs, available).unwrap();
        assert_eq!(ends(&outcome), ends(&expected));
        assert_eq!(outcome.changes.len(), expected.changes.len());
        committed += gas(&outcome);
        if block == 0 {
            let most = ALLOWANCE / MAX_TX_GAS;
            assert!(workers.gas_wasted() > 0, "some ran while the sweeper was slow");
            assert!(workers.gas_wasted() <= most * MAX_TX_GAS);
        }
        assert!(workers.gas_wasted() <= ALLOWANCE + committed);
    }
    // Without the bound it could be four times forty of the largest.
    assert!(workers.gas_run() <= 2 * committed * 5 / 4 + ALLOWANCE);
}

/// All write one slot, after long work: each may run twice, none more often.
#[test]
fn transactions_in_each_others_way_run_twice_at_most() {
    let state = Memory { slow: Some(HOT), ..Memory::new() };
    let txs: Vec<_> = (0..300).map(|index| tx(person(index), 0, HOT, 2_000_000)).collect();
    let expected = alone(&state, &txs, u64::MAX);
    for threads in [2, 5] {
        let workers = Workers::new(threads).with_pauses(threads as u64);
        let outcome = state.run(&workers, &txs, u64::MAX).unwrap();
        assert_eq!(ends(&outcome), ends(&expected));
        // Nothing is refunded here.
        assert!(workers.gas_run() <= 2 * gas(&outcome), "{}", workers.gas_run());
        assert_eq!(workers.gas_run(), gas(&outcome) + workers.gas_wasted());
    }
}

/// The others wait for what the thread does that panics.
#[test]
fn a_thread_that_panics_leaves_nobody_waiting() {
    let mut state = Memory { panics: Some(person(399)), ..Memory::new() };
    let mut txs: Vec<_> = (0..60).map(|index| tx(person(index), 0, HOT, 2_000_000)).collect();
    txs.insert(30, tx(person(398), 0, person(399), 100_000));
    let workers = Workers::new(4).with_pauses(3);
    let outcome = state.run(&workers, &txs, u64::MAX);
    assert_eq!(outcome.err(), Some(Failure::Panicked));
    let outcome = state.run_limited(&Workers::new(1), &txs, 1 << 20);
    assert_eq!(outcome.err(), Some(Failure::Panicked));
    state.panics = None;
    let outcome = state.run(&workers, &txs, u64::MAX).unwrap();
    assert_eq!(ends(&outcome), ends(&alone(&state, &txs, u64::MAX)));
}

/// What was committed before a thread panicked does not stand: it was run for nothing, and earned nothing.
#[test]
fn what_does_not_stand_was_run_for_nothing() {
    let state = Memory { panics: Some(person(399)), ..Memory::new() };
    // Each burns a little more than a million. The last one starts, and is read, only when 38 before it are committed: until then
    // what they have set aside and have not used leaves no gas for it.
    let mut txs: Vec<_> = (0..40).map(|nonce| tx(person(0), nonce, HOT, 2_000_000)).collect();
    txs.push(tx(person(0), 40, person(399), 5_000_000));
    let workers = Workers::new(2).with_pauses(5);
    assert_eq!(state.run(&workers, &txs, 48_000_000).err(), Some(Failure::Panicked));
    assert!(workers.gas_wasted() > 38 * 1_000_000, "{}", workers.gas_wasted());
}

/// What can't be run here ends the row, and what ran before it stands.
#[test]
fn what_ran_before_a_failure_stands() {
    let mut state = Memory::new();
    // Its code can't be had.
    state.accounts.get_mut(&person(399)).unwrap().code_hash = B256::repeat_byte(1);
    let mut txs: Vec<_> = (0..60).map(|index| tx(person(index), 0, HOT, 2_000_000)).collect();
    let before = alone(&state, &txs[..30], u64::MAX);
    txs.insert(30, tx(person(398), 0, person(399), 100_000));
    for threads in [1, 2, 4] {
        let workers = Workers::new(threads).with_pauses(threads as u64);
        let outcome = state.run(&workers, &txs, u64::MAX).unwrap();
        assert_eq!(ends(&outcome), ends(&before));
        let missing = StateError::MissingCode(B256::repeat_byte(1));
        assert_eq!(outcome.failure, Some(Failure::State(missing)));
        assert_eq!(changes(&outcome), changes(&before));
        assert_eq!(workers.failures(), 1);
        // It was run for nothing, with its whole limit.
        assert!(workers.gas_wasted() >= 100_000);
    }
    let workers = Workers::new(1);
    let outcome = state.run_limited(&workers, &txs, 1 << 20).unwrap();
    assert_eq!(changes(&outcome), changes(&before));
    assert_eq!((outcome.ends.len(), workers.gas_wasted()), (30, 100_000));
}

/// A genesis may give 2^200 wei and more, and transfers may bring an account there. Nothing of what pays it runs twice.
#[test]
fn balances_near_an_overflow_cost_no_second_run() {
    let mut state = Memory::new();
    let [huge, brim, full] = [500, 501, 502].map(person);
    state.insert(huge, U256::ONE << 200, None);
    state.insert(brim, (U256::ONE << 200) - U256::ONE, None);
    state.insert(full, U256::MAX, None);
    let pay = |index: u64, to| TxEnv { value: U256::ONE, ..tx(person(index), 0, to, 21_000) };
    let pays = |index| pay(index, if index % 2 == 0 { huge } else { brim });
    let mut txs: Vec<_> = (0..60).map(pays).collect();
    let expected = alone(&state, &txs, u64::MAX);
    // No account can hold what this one would then have: revm decides what comes of it.
    txs.insert(40, pay(60, full));
    let before = alone(&state, &txs[..40], u64::MAX);
    for threads in [2, 4] {
        let workers = Workers::new(threads).with_pauses(threads as u64);
        let some: Vec<_> = (0..60).map(pays).collect();
        let outcome = state.run(&workers, &some, u64::MAX).unwrap();
        assert_eq!(ends(&outcome), ends(&expected));
        assert_eq!(changes(&outcome), changes(&expected));
        assert_eq!((workers.failures(), workers.gas_wasted()), (0, 0));
        assert_eq!(workers.gas_run(), gas(&outcome));

        let outcome = state.run(&workers, &txs, u64::MAX).unwrap();
        assert_eq!(outcome.failure, Some(Failure::Huge));
        assert_eq!(ends(&outcome), ends(&before));
        assert_eq!(changes(&outcome), changes(&before));
    }
}

/// What the block has no gas for costs no look at the state.
#[test]
fn accounts_of_what_is_refused_are_not_read() {
    let state = Memory { panics: Some(person(399)), ..Memory::new() };
    let txs = [
        tx(person(0), 0, person(1), 21_000),
        tx(person(2), 0, person(399), 21_001),
        tx(person(399), 0, person(3), 21_001),
        tx(person(4), 0, person(5), 21_000),
        tx(person(6), 0, person(399), MAX_TX_GAS + 1), // no block has that
    ];
    for threads in [2, 4] {
        let workers = Workers::new(threads).with_pauses(threads as u64);
        let outcome = state.run(&workers, &txs, 42_000).unwrap();
        let used: Vec<_> = outcome.ends.iter().map(TxEnd::gas_used).collect();
        assert_eq!(used, [21_000, 0, 0, 21_000, 0]);
        assert_eq!(ends(&outcome), ends(&alone(&state, &txs, 42_000)));
    }
}

/// Each transaction touches the fee recipient, also one that leaves it nothing: one that is there but empty ends.
#[test]
fn an_empty_fee_recipient_is_left_to_one_thread() {
    let mut state = Memory::new();
    state.insert(Address::ZERO, U256::ZERO, None);
    let free = |index| TxEnv { gas_price: 0, ..tx(person(index), 0, person(index + 100), 21_000) };
    let txs: Vec<_> = (0..20).map(free).collect();
    for threads in [1, 2, 4] {
        let workers = Workers::new(threads).with_pauses(threads as u64);
        assert_eq!(state.run(&workers, &txs, u64::MAX).err(), Some(Failure::Hollow));
    }
}

/// Before Cancun an account with storage can end. If the transaction that ends it can't be run here, because the fee recipient
/// has too much, the account goes on, with its storage.
#[test]
fn what_is_not_committed_ends_no_account() {
    let mut state = Memory::new();
    state.insert(Address::ZERO, U256::MAX, None);
    // Ends when it is called with data.
    let ends_itself = Code::new()
        .ops(&[op::CALLDATASIZE, op::PUSH1, 5, op::JUMPI, op::STOP])
        .ops(&[op::JUMPDEST, op::CALLER, op::SELFDESTRUCT]);
    state.contract(BURNER, ends_itself);
    state.accounts.get_mut(&BURNER).unwrap().has_storage = true;
    let free = |index, to| TxEnv { gas_price: 0, ..tx(person(index), 0, to, 100_000) };
    let mut txs: Vec<_> = (0..20).map(|index| free(index, person(index + 100))).collect();
    txs.push(TxEnv { value: U256::ONE, ..free(20, BURNER) });
    let before = alone(&state, &txs, u64::MAX);
    txs.push(TxEnv { data: vec![1].into(), ..tx(person(21), 0, BURNER, 100_000) });
    let rules = RuleSet { spec: SpecId::SHANGHAI, ..RuleSet::OSAKA };
    for threads in [2, 4] {
        let workers = Workers::new(threads).with_pauses(threads as u64);
        let outcome = state.run_under(rules, &workers, &txs, u64::MAX).unwrap();
        assert_eq!(outcome.failure, Some(Failure::Huge));
        assert_eq!(changes(&outcome), changes(&before));
    }
}
