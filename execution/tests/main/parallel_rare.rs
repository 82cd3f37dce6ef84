//! What many threads can't run, or have to ask the tries about.

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use recourse_execution::{
    GenesisAccount, State, TxRun,
    block::{BlockBody, BlockOutcome},
    parallel::Workers,
};
use revm::primitives::hardfork::SpecId;

use crate::{
    parallel::{Case, Tx, same, signed, state, under},
    scene::{self, COINBASE, STORER, account, call, contract, filler, sign},
};

/// Rules that are not known to many threads, and balances whose sums could overflow: one thread does it.
#[test]
fn what_many_threads_cannot_run_one_runs() {
    let mut accounts = scene::genesis().alloc;
    accounts.get_mut(&account(1)).unwrap().balance = U256::MAX;
    let state = State::of(&accounts).unwrap();
    let body = BlockBody {
        transactions: signed(&[
            (1, Tx::Transfer(account(2), 7)),
            (2, Tx::Transfer(account(1), 7)),
            (0, Tx::Deploys(vec![])),
        ]),
        ..BlockBody::default()
    };
    for spec in [SpecId::OSAKA, SpecId::HOMESTEAD] {
        let case = Case {
            txs: Vec::new(),
            schedule: under(spec),
            limit: None,
            gas_limit: 1 << 28,
            coinbase: COINBASE,
            credits: Vec::new(),
        };
        let workers = Arc::new(Workers::new(2).with_pauses(1));
        let parallel = case.parallel(&state, &body, Arc::clone(&workers));
        same(&parallel, &case.sequential(&state, &body));
        assert_eq!(workers.failures(), 1);
    }
}

/// Transactions that use a little more and a little less state than they may, among others.
#[test]
fn the_provability_rule_holds_to_the_byte_among_others() {
    let state = state();
    let mut txs = Vec::new();
    for sender in 0..5 {
        txs.push((sender, Tx::Count));
        txs.push((sender, Tx::Walk(u64::from(sender) * 20, 100)));
        txs.push((sender, Tx::Transfer(filler(u64::from(sender)), 1)));
    }
    let body = BlockBody { transactions: signed(&txs), ..BlockBody::default() };
    let mut seen = std::collections::BTreeSet::new();
    // What a walk uses lies between; a few bytes decide.
    for limit in (100_000_u32..160_000).step_by(997).chain([1_000, 1 << 20, 1 << 24]) {
        let case = Case {
            txs: Vec::new(),
            schedule: under(SpecId::OSAKA),
            limit: Some(limit),
            gas_limit: 1 << 28,
            coinbase: COINBASE,
            credits: Vec::new(),
        };
        let expected = case.sequential(&state, &body);
        seen.insert(exhausted(&expected));
        for threads in [1, 2, 5] {
            let workers = Arc::new(Workers::new(threads).with_pauses(limit.into()));
            same(&case.parallel(&state, &body, Arc::clone(&workers)), &expected);
            assert_eq!(workers.failures(), 0);
        }
    }
    assert!(seen.len() > 2, "all, some and none fail: {seen:?}");
}

fn exhausted(outcome: &BlockOutcome) -> usize {
    let failed = |run: &&TxRun| matches!(run, TxRun::Included(run) if run.exhausted);
    outcome.runs.iter().filter(failed).count()
}

fn case(limit: Option<u32>) -> Case {
    Case {
        txs: Vec::new(),
        schedule: under(SpecId::OSAKA),
        limit,
        gas_limit: 1 << 28,
        coinbase: COINBASE,
        credits: Vec::new(),
    }
}

/// An account that has storage and nothing else ends when it is touched (EIP-161).
#[test]
fn an_account_of_nothing_but_storage() {
    let (hollow, bare) = (Address::repeat_byte(0xaa), Address::repeat_byte(0xab));
    let mut accounts = scene::genesis().alloc;
    let storage = [(U256::ONE, U256::ONE)].into();
    accounts.insert(hollow, GenesisAccount { storage, ..GenesisAccount::default() });
    accounts.insert(bare, GenesisAccount::default());
    let state = State::of(&accounts).unwrap();
    let mut txs: Vec<_> = (0..6).map(|sender| (sender, Tx::Count)).collect();
    txs.insert(3, (6, Tx::Transfer(hollow, 0)));
    txs.insert(4, (7, Tx::Transfer(bare, 0)));
    let body = BlockBody { transactions: signed(&txs), ..BlockBody::default() };
    for limit in [None, Some(1 << 20)] {
        let case = case(limit);
        let expected = case.sequential(&state, &body);
        for threads in [1, 3] {
            let workers = Arc::new(Workers::new(threads).with_pauses(5));
            same(&case.parallel(&state, &body, workers), &expected);
        }
    }
}

/// A code that many accounts have is proven once, so that reading all of them needs no tries.
#[test]
fn a_code_that_accounts_share_counts_once() {
    let mut accounts = scene::genesis().alloc;
    let with_code =
        |index: u64| Address::from_word((U256::from(index) + U256::from(1 << 20)).into());
    for index in 0..40 {
        accounts.insert(with_code(index), contract(vec![0; 20_000].into()));
    }
    let state = State::of(&accounts).unwrap();
    let all: Vec<u8> = (0..40).flat_map(|index| with_code(index).into_word().0).collect();
    let txs = (0..8).map(|who| sign(who, call(0, scene::CODE_READER, all.clone().into())));
    let body = BlockBody { transactions: txs.collect(), ..BlockBody::default() };
    // Forty times the code would be 800,000.
    let case = case(Some(400_000));
    for threads in [1, 2] {
        let workers = Arc::new(Workers::new(threads).with_pauses(5));
        let parallel = case.parallel(&state, &body, Arc::clone(&workers));
        same(&parallel, &case.sequential(&state, &body));
        assert_eq!(exhausted(&parallel), 0);
        let gas: u64 = parallel.runs.iter().map(TxRun::gas_used).sum();
        assert_eq!(workers.gas_run() - workers.gas_wasted(), gas, "none had to ask the tries");
    }
}

/// Rows of plain transfers, with something else among them, wherever it stands.
#[test]
fn plain_transfers_have_the_result_of_one() {
    let state = state();
    let row = |len: u64| {
        let to = |at: u64| match at % 7 {
            0 => filler(at),
            1 => filler(1_000 + at),
            2 => account(((at + 1) % 5) as u8),
            3 => account((at % 5) as u8),
            4 => filler(at % 3),
            5 => Address::with_last_byte((30 + at) as u8),
            _ => Address::ZERO,
        };
        let tx = |at: u64| match at % 11 {
            9 => Tx::Legacy(to(at)),
            10 => Tx::TooDear(to(at)),
            8 if at.is_multiple_of(3) => Tx::TooLittleGas,
            8 => Tx::Garbage(vec![2; 70]),
            7 => Tx::Skip,
            _ => Tx::Transfer(to(at), at % 4),
        };
        (0..len).map(|at| ((at % 5) as u8, tx(at))).collect::<Vec<_>>()
    };
    let others = [
        Tx::Count,
        Tx::Transfer(STORER, 1),
        Tx::Transfer(COINBASE, 1),
        Tx::Transfer(Address::with_last_byte(4), 1),
        Tx::Deploys(vec![]),
    ];
    for limit in [None, Some(1_000), Some(110_000), Some(1 << 20)] {
        for (at, len) in [(0, 5), (4, 5), (0, 150), (20, 150), (63, 150), (64, 150), (149, 150)] {
            for other in &others {
                let mut txs = row(len);
                txs.insert(at, (6, other.clone()));
                txs.push((6, Tx::Transfer(filler(3), 1)));
                let body = BlockBody { transactions: signed(&txs), ..BlockBody::default() };
                let case = Case {
                    txs: Vec::new(),
                    schedule: under(SpecId::OSAKA),
                    limit,
                    gas_limit: if len == 5 { 100_000 } else { 2_000_000 },
                    coinbase: if at == 20 { account(2) } else { COINBASE },
                    credits: Vec::new(),
                };
                let expected = case.sequential(&state, &body);
                for threads in [1, 2] {
                    let workers = Arc::new(Workers::new(threads));
                    same(&case.parallel(&state, &body, workers), &expected);
                }
            }
        }
    }
}

/// Contracts that are paid among plain transfers send nothing to the tries: all gas is run by the threads.
#[test]
fn what_is_paid_to_contracts_among_transfers_stays_off_the_tries() {
    let state = state();
    let to = |at: u64| if at % 20 == 19 { STORER } else { filler(at) };
    let txs: Vec<_> = (0..300).map(|at| ((at % 5) as u8, Tx::Transfer(to(at), 1))).collect();
    let body = BlockBody { transactions: signed(&txs), ..BlockBody::default() };
    let case = Case {
        txs: Vec::new(),
        schedule: under(SpecId::OSAKA),
        limit: Some(1 << 20),
        gas_limit: 1 << 28,
        coinbase: COINBASE,
        credits: Vec::new(),
    };
    let expected = case.sequential(&state, &body);
    let gas: u64 = expected.runs.iter().map(TxRun::gas_used).sum();
    for threads in [1, 2] {
        let workers = Arc::new(Workers::new(threads));
        same(&case.parallel(&state, &body, Arc::clone(&workers)), &expected);
        assert_eq!((workers.gas_run(), workers.failures()), (gas, 0));
    }
}
