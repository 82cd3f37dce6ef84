//! What a block teaches the next ones: who reads a slot over which transactions had to run again waits for those before it. A
//! state that answers only when others have come as far as a test wants makes it certain who reads too early.

use std::{
    collections::BTreeSet,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::sleep,
    time::Duration,
};

use alloy_primitives::{Address, B256, U256};
use recourse_execution::{
    RuleSet, StateError, cfg_env,
    parallel::{FlatAccount, FlatBlock, FlatOutcome, FlatState, FlatTx, Weighed, Workers},
};
use revm::{
    bytecode::opcode as op,
    context::{BlockEnv, TxEnv},
    state::Bytecode,
};

use crate::{
    assembler::Code,
    parallel_work::{Memory, changes, ends, person, tx},
};

/// `storage[0] += 1`, and in between it looks at the balance of word 0.
const COUNTER: Address = Address::repeat_byte(0x79);

/// At whose balance a transaction looks.
fn gate(index: u64) -> Address {
    person(index + 5_000)
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// Nobody waits.
    Open,
    /// All three have read the slot before one of them writes it.
    Together,
    /// Each begins when the one before it has read the slot; the first one writes it a while after the second one began.
    OneByOne,
}

struct Gated {
    memory: Memory,
    mode: Mode,
    asked: Mutex<BTreeSet<Address>>,
    more: Condvar,
    in_vain: AtomicBool,
}

impl Gated {
    fn new(mode: Mode) -> Self {
        let mut memory = Memory::new();
        let counts = Code::new()
            .ops(&[op::PUSH0, op::SLOAD, op::PUSH0, op::CALLDATALOAD, op::BALANCE, op::POP])
            .ops(&[op::PUSH1, 1, op::ADD, op::PUSH0, op::SSTORE]);
        memory.contract(COUNTER, counts);
        Self {
            memory,
            mode,
            asked: Mutex::default(),
            more: Condvar::new(),
            in_vain: AtomicBool::new(false),
        }
    }

    /// Until somebody asked for all of these. Not for ever: a test that waits in vain shall fail.
    fn wait(&self, all: &[Address]) {
        let mut asked = self.asked.lock().unwrap();
        while !all.iter().all(|address| asked.contains(address)) {
            let (now, timeout) = self.more.wait_timeout(asked, Duration::from_secs(10)).unwrap();
            asked = now;
            if timeout.timed_out() {
                self.in_vain.store(true, Relaxed);
                break;
            }
        }
    }
}

impl FlatState for Gated {
    fn account(&self, address: Address) -> Result<Weighed<Option<FlatAccount>>, StateError> {
        self.asked.lock().unwrap().insert(address);
        self.more.notify_all();
        let gates = [0, 1, 2].map(gate);
        match self.mode {
            Mode::Together if gates.contains(&address) => self.wait(&gates),
            Mode::OneByOne if address == person(1) => self.wait(&[gate(0)]),
            Mode::OneByOne if address == person(2) => self.wait(&[gate(1)]),
            Mode::OneByOne if address == gate(0) => {
                self.wait(&[person(1)]);
                sleep(Duration::from_millis(30));
            }
            _ => {}
        }
        self.memory.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<Weighed<U256>, StateError> {
        self.memory.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.memory.code(hash)
    }
}

/// Runs so many calls.
fn run(workers: &Workers, mode: Mode, calls: u64) -> FlatOutcome {
    let call = |index| {
        let data = gate(index).into_word().to_vec().into();
        FlatTx::Ready(TxEnv { data, ..tx(person(index), 0, COUNTER, 100_000) })
    };
    let block = BlockEnv { gas_limit: u64::MAX, ..BlockEnv::default() };
    let state = Gated::new(mode);
    let outcome = workers.run(&FlatBlock {
        state: &state,
        cfg: &cfg_env(1, RuleSet::OSAKA),
        block: &block,
        number: 0,
        ancestors: None,
        available: u64::MAX,
        max_witness_bytes: None,
        transactions: &(0..calls).map(call).collect::<Vec<_>>(),
    });
    assert!(!state.in_vain.load(Relaxed), "nobody came whom another waited for");
    outcome.unwrap()
}

/// How many transactions ran again, of three; the result is that of one thread.
fn again(workers: &Workers, mode: Mode) -> u64 {
    let (outcome, alone) = (run(workers, mode, 3), run(&Workers::new(1), Mode::Open, 3));
    assert_eq!(ends(&outcome), ends(&alone));
    assert_eq!(changes(&outcome), changes(&alone));
    outcome.again
}

#[test]
fn a_slot_that_was_disputed_is_waited_for_in_the_next_block() {
    for seed in 0..4 {
        let workers = Workers::new(3).with_pauses(seed);
        assert_eq!(again(&workers, Mode::Together), 2);
        // Nothing of that is left in the block itself: only the hint lets the second one wait.
        assert_eq!(again(&workers, Mode::OneByOne), 0);
        assert_eq!(again(&workers, Mode::OneByOne), 0);
        workers.forget_hints();
        assert_eq!(again(&workers, Mode::Together), 2);
    }
}

/// Where all read the slot before anybody writes it, nobody may wait for another.
#[test]
fn a_slot_is_forgotten_when_blocks_use_it_without_a_conflict() {
    let workers = Workers::new(3).with_pauses(5);
    assert_eq!(again(&workers, Mode::Together), 2);
    for _ in 0..2 {
        assert_eq!(run(&workers, Mode::Open, 1).again, 0);
    }
    assert_eq!(again(&workers, Mode::Together), 2);
}
