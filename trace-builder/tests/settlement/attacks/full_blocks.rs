//! Forced transactions that find the block full. "Over what is left of the block" is one of the reasons for which a transaction
//! is a no-op, so whoever fills blocks could have others' forced transactions eaten: served, and without effect.

use std::collections::BTreeMap;

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, U256, hex};
use alloy_sol_types::{SolCall, SolError};
use recourse_bisection::History;
use recourse_execution::{Genesis, GenesisAccount, Schedule, State};
use recourse_protocol::{
    L2Config, MAX_TX_GAS, Payload, Rule, StepIndex, TapeWriter, TransactionSource,
    bindings::{IInbox, IStepVerifier},
};
use recourse_trace_builder::{
    BatchHistory, ClaimHistory, Derivation, ProvenStep, Snapshot, StepProver,
};

use crate::{
    l1::{Absent, FORCE_DELAY, L1},
    l2::{self, PERIODS, SINK, key, limits},
};

/// `JUMPDEST PUSH0 JUMP`: takes all gas.
const BURNER: Address = Address::repeat_byte(0x53);
/// Room for two of the largest transactions.
const CONFIG: L2Config = L2Config { gas_limit: 2 * MAX_TX_GAS, ..l2::L2 };
const VALUE: u64 = 5;

fn genesis() -> State {
    let rich = GenesisAccount { balance: U256::from(10).pow(U256::from(20)), ..Default::default() };
    let mut alloc: BTreeMap<_, _> =
        (0..4).map(|index| (key(index).address(), rich.clone())).collect();
    let code = hex!("5b5f56").into();
    alloc.insert(BURNER, GenesisAccount { nonce: 1, code, ..Default::default() });
    Genesis { alloc }.build().unwrap()
}

fn burning(from: u8, nonce: u64) -> Bytes {
    let tx = TxEip1559 { gas_limit: MAX_TX_GAS, ..l2::tx(nonce, BURNER.into(), 0, Bytes::new()) };
    l2::sign(from, tx)
}

/// What the steps execute: whose queue, the number of the block, the gas that the block has used before, gas used.
fn transactions(steps: &[ProvenStep]) -> Vec<(bool, u64, u64, u64)> {
    let told = |step: &ProvenStep| {
        let Rule::Transact(tx) = &step.rule else { return None };
        let forced = matches!(tx.source, TransactionSource::Forced(_));
        let gas = step.evidence.execution.gasUsed;
        Some((forced, step.pre.number, step.pre.gas_used, gas))
    };
    steps.iter().filter_map(told).collect()
}

/// The attacker forces two transactions that fill a block, just before the victim's; the sequencer, who is with him, puts a
/// third right behind them on the tape. The victim's waits for the next block, and runs in it.
#[test]
fn full_blocks_eat_a_forced_transaction() {
    let state = genesis();
    let mut l1 = L1::deploy(&state, &CONFIG, PERIODS, limits(4095));
    let call = IStepVerifier::genesisCall { stateRoot: state.root() };
    let answer = l1.call(l1.verifier, &call, U256::ZERO).output;
    let checkpoint = IStepVerifier::genesisCall::abi_decode_returns(&answer).unwrap().into();
    l1.mine(12);
    for raw in [burning(1, 0), burning(1, 1), l2::transfer(2, 0, VALUE)] {
        let call = IInbox::forceCall { rawTransaction: raw };
        l1.call(l1.inbox, &call, limits(4095).force_fee);
    }
    l1.mine(12);
    l1.call(l1.inbox, &IInbox::pokeCall {}, U256::ZERO);
    l1.mine(FORCE_DELAY / 2);
    let mut tape = TapeWriter::default();
    tape.open(l1.now - 1, 1).unwrap();
    tape.tx(&burning(0, 0)).unwrap();
    l1.append(SINK, 1, &[Payload::new(&tape.into_bytes()).unwrap().to_blob()]);
    l1.mine(12);

    let schedule = Schedule::osaka();
    let derivation = Derivation { inputs: &l1.events, config: &CONFIG, schedule: &schedule };
    let batch = BatchHistory::derive(&derivation, Snapshot { checkpoint, state }).unwrap();
    let end = batch.end().clone();
    let history = ClaimHistory::new::<Absent>(vec![batch.into()]).unwrap();
    let prover = StepProver { derivation, blobs: &l1.events };
    let steps: Vec<_> =
        (0..history.steps()).map(|at| prover.prove(&history, StepIndex(at)).unwrap()).collect();

    assert_eq!(
        transactions(&steps),
        [
            (true, 1, 0, MAX_TX_GAS),
            (true, 1, MAX_TX_GAS, MAX_TX_GAS),
            // The tape's finds no room: that is its own sequencer's affair.
            (false, 1, 2 * MAX_TX_GAS, 0),
            (true, 2, 0, 21_000),
        ]
    );
    assert_eq!(end.checkpoint.forced_done, 3);
    // The sink is the fee recipient too; the tip is 3 wei per gas.
    let tips = 3 * (2 * MAX_TX_GAS + 21_000);
    assert_eq!(end.state.account(SINK).unwrap().unwrap().balance, U256::from(VALUE + tips));

    // L1 says the same of every step, and refuses to serve the victim's in the full block.
    for step in &steps {
        let call =
            IStepVerifier::stepCall { pre: step.pre.into(), proof: step.evidence.plain().unwrap() };
        let receipt = l1.send(L1::OWNER, l1.verifier, call.abi_encode(), U256::ZERO, &[]).unwrap();
        let post = IStepVerifier::stepCall::abi_decode_returns(&receipt.output).unwrap();
        assert_eq!(recourse_protocol::Checkpoint::from(post).h248(), step.post.h248());
    }
    let full = steps.iter().find(|step| step.pre.gas_used == CONFIG.gas_limit).unwrap();
    let mut eaten = full.evidence.plain().unwrap();
    eaten.forcedTransaction = l2::transfer(2, 0, VALUE);
    let call = IStepVerifier::stepCall { pre: full.pre.into(), proof: eaten };
    let why = l1.ask(l1.verifier, call.abi_encode()).unwrap_err();
    IStepVerifier::UnneededForcedTransaction::abi_decode(&why).unwrap();
}
