//! One thread alone, where bytes of state are limited.

use alloy_primitives::{Address, U256};
use recourse_execution::parallel::Workers;
use revm::{bytecode::opcode as op, context::TxEnv};

use crate::{
    assembler::Code,
    parallel_work::{HOT, Memory, SWEEPER, alone, changes, ends, gas, person, tx},
};

/// With a limit on bytes of state, one thread stops at the first transaction that may use more: it did not happen, and was run
/// for nothing. Where the limit is so low that plain transfers could pass it, it works over versions.
#[test]
fn one_thread_stops_at_what_may_use_too_much() {
    const LARGE: Address = Address::repeat_byte(0x75);
    let mut state = Memory::new();
    state.insert(LARGE, U256::ZERO, Some(vec![op::STOP; 120_000].into()));
    let mut txs: Vec<_> = (0..20)
        .map(|index| match index % 2 {
            0 => TxEnv { value: U256::ONE, ..tx(person(index), 0, person(index + 500), 21_000) },
            _ => tx(person(index), 0, HOT, 2_000_000),
        })
        .collect();
    // It has no code to run, but its code is used; with a payment, too.
    txs[13] = tx(person(13), 0, LARGE, 50_000);
    txs[16] = TxEnv { value: U256::ONE, ..tx(person(16), 0, LARGE, 50_000) };
    let plain = TxEnv { value: U256::ONE, ..tx(person(13), 0, person(513), 21_000) };
    let mut later = txs.clone();
    later[13] = plain;
    for (txs, at) in [(&txs, 13), (&later, 16)] {
        let [some, all] = [at, 20].map(|end| alone(&state, &txs[..end], u64::MAX));
        for (limit, expected) in [(100_000, &some), (110_000, &some), (130_000, &all)] {
            let workers = Workers::new(1);
            let outcome = state.run_limited(&workers, txs, limit).unwrap();
            assert_eq!(ends(&outcome), ends(expected));
            assert_eq!(changes(&outcome), changes(expected));
            assert_eq!(outcome.failure, None);
            let for_nothing = if expected.ends.len() < 20 { 21_000 } else { 0 };
            // Over versions the next one may have run, too.
            if limit > 100_000 {
                assert_eq!(workers.gas_wasted(), for_nothing, "{limit}");
            }
            assert_eq!(workers.gas_run(), gas(&outcome) + workers.gas_wasted());
            assert_eq!(workers.failures(), 0);
        }
    }
}

/// What transactions add to a trie lengthens the ways of those behind them, also what plain transfers add.
#[test]
fn what_one_thread_added_counts_for_what_comes_behind() {
    const KEEPER: Address = Address::repeat_byte(0x76);
    let mut state = Memory::new();
    // Reads accounts that its calldata names.
    state.contract(SWEEPER, for_each_word(op::BALANCE));
    // Reads slots, or writes one.
    state.contract(KEEPER, for_each_word(op::SLOAD));
    let words = |to: Address, words: std::ops::Range<u64>| -> TxEnv {
        let data: Vec<u8> = words.flat_map(|index| person(index).into_word().0).collect();
        TxEnv { data: data.into(), ..tx(person(0), 0, to, 500_000) }
    };
    let (accounts, slots) = (words(SWEEPER, 600..650), words(KEEPER, 600..650));
    let pays =
        |index| TxEnv { value: U256::ONE, ..tx(person(index), 0, person(index + 1_000), 21_000) };
    // 50 ways, each with one branch and a leaf: 712 bytes, and what those that are written may take beside.
    let limit = 106_000;
    let workers = Workers::new(1);
    let run = |txs: &[TxEnv]| {
        let outcome = state.run_limited(&workers, txs, limit).unwrap();
        assert!(outcome.ends.iter().all(|end| end.gas_used() > 0));
        assert_eq!(outcome.failure, None);
        outcome.ends.len()
    };
    // Of some hundred more keys in a trie, two share three nibbles: now each way may be four branches long.
    let free = |index| TxEnv { gas_price: 0, ..tx(person(index + 1_000), 0, person(1), 21_000) };
    let calls = |index| TxEnv { data: vec![0; 32].into(), gas_limit: 50_000, ..pays(index) };
    let writes = |index| TxEnv { caller: person(index), ..words(KEEPER, index..index + 1) };
    // These add nothing.
    let among = |index| TxEnv { kind: person(index % 300).into(), ..pays(index) };
    let kinds: [(_, &dyn Fn(u64) -> TxEnv, _, _); 7] = [
        ("pays", &pays, &accounts, false),
        ("free", &free, &accounts, false),
        ("calls", &calls, &accounts, false),
        ("writes", &writes, &slots, false),
        ("among", &among, &accounts, true),
        ("among, slots", &among, &slots, true),
        ("writes, accounts", &writes, &accounts, true),
    ];
    for (kind, adds, read, admitted) in kinds {
        let txs: Vec<_> = (1..350).map(adds).chain([read.clone()]).collect();
        assert_eq!(run(&txs), if admitted { 350 } else { 349 }, "{kind}");
    }
}

/// Does something for each word of its calldata; one word alone is a slot to be written.
fn for_each_word(what: u8) -> Code {
    Code::new()
        .ops(&[op::CALLDATASIZE, op::PUSH1, 32, op::EQ, op::PUSH1, 28, op::JUMPI])
        .op(op::PUSH0)
        .op(op::JUMPDEST) // 8
        .ops(&[op::CALLDATASIZE, op::DUP2, op::LT, op::ISZERO, op::PUSH1, 26, op::JUMPI])
        .ops(&[op::DUP1, op::CALLDATALOAD, what, op::POP])
        .ops(&[op::PUSH1, 32, op::ADD, op::PUSH1, 8, op::JUMP])
        .ops(&[op::JUMPDEST, op::STOP]) // 26
        .op(op::JUMPDEST) // 28
        .ops(&[op::PUSH1, 1, op::PUSH0, op::CALLDATALOAD, op::SSTORE, op::STOP])
}
