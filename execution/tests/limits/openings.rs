//! Openings over hostile contents of the two contracts: system calls cost a flat fee, so their work must not grow.

use std::collections::BTreeMap;

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolValue;
use recourse_execution::{
    Claim, GenesisAccount, Recorded, Recorder, State, StateExecutor, Witness, block::Opening,
};
use recourse_protocol::Executor;

use crate::{
    scene::{self, block, schedule},
    small::{MIB, QUARTER, ask_on},
};

/// Slots that either contract writes: see EIP-2935 and EIP-4788.
fn written() -> [(Address, Vec<u64>); 2] {
    let time = block().timestamp % 8_191;
    let number = (block().number - 1) % 8_191;
    [
        (eip4788::BEACON_ROOTS_ADDRESS, vec![time, time + 8_191]),
        (eip2935::HISTORY_STORAGE_ADDRESS, vec![number]),
    ]
}

/// The scene with these slots in both contracts, which are otherwise as rich and as used as an account can be.
fn state(slots: impl Fn(&[u64]) -> Vec<u64>) -> State {
    let mut accounts = scene::genesis().alloc;
    for (address, own) in written() {
        let code = if address == eip2935::HISTORY_STORAGE_ADDRESS {
            eip2935::HISTORY_STORAGE_CODE.clone()
        } else {
            eip4788::BEACON_ROOTS_CODE.clone()
        };
        let storage: BTreeMap<_, _> =
            slots(&own).into_iter().map(|slot| (U256::from(slot), U256::MAX)).collect();
        accounts
            .insert(address, GenesisAccount { nonce: u64::MAX, balance: U256::MAX, code, storage });
    }
    // The caller of system calls, as a contract.
    accounts.insert(eip4788::SYSTEM_ADDRESS, scene::contract(vec![0xfe; 32].into()));
    State::of(&accounts).unwrap()
}

fn opened(state: &State, opening: Opening) -> Recorded {
    let schedule = schedule();
    // The limit is for transactions: system calls are exempt.
    Recorder::new(&schedule, 0).open(state, &block(), opening).unwrap()
}

/// True in the engine and in `EXECUTE`, for no gas, and without any part of the witness false.
fn settles(state: &State, opening: Opening) -> usize {
    let recorded = opened(state, opening);
    let mut engine = StateExecutor::new(state.clone(), schedule(), 0);
    let root = engine.open(state.root(), &block(), opening.parent_hash, opening.anchor).unwrap();
    assert_eq!(root, recorded.state_root);

    let trace = recorded.trace.abi_encode();
    let claim = Claim { pre: state.root(), post: recorded.state_root, trace: &trace, gas_used: 0 };
    let (answer, bytes) = ask_on(QUARTER, &claim, &schedule());
    assert_eq!(answer, Ok(()));
    assert!(ask_on(QUARTER, &Claim { gas_used: 1, ..claim }, &schedule()).0.is_err());
    for at in 0..recorded.witness.nodes.len() {
        let mut witness = recorded.witness.clone();
        witness.nodes.remove(at);
        let trace = with(&recorded, &witness);
        assert!(ask_on(QUARTER, &Claim { trace: &trace, ..claim }, &schedule()).0.is_err());
    }
    assert!(bytes < MIB, "{bytes}");
    trace.len()
}

fn with(recorded: &Recorded, witness: &Witness) -> Vec<u8> {
    let mut trace = recorded.trace.clone();
    trace.witness = witness.encode();
    trace.abi_encode()
}

/// Zero removes what is there: the last slot, one of two, one of thousands.
#[test]
fn whatever_the_contracts_hold() {
    let one = B256::repeat_byte(1);
    for (parent_hash, anchor) in [(B256::ZERO, B256::ZERO), (one, one), (B256::ZERO, one)] {
        let opening = Opening { parent_hash, anchor };
        settles(&state(|_| Vec::new()), opening);
        settles(&state(<[u64]>::to_vec), opening);
        settles(&state(|own| [own, &[7]].concat()), opening);
        let long = settles(&state(|_| (0..16_382).collect()), opening);
        assert!(long < 16 << 10, "{long} bytes prove it");
    }
}
