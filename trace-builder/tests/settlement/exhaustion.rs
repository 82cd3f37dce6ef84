//! The provability rule on L1: a transaction that touches hundreds of large contracts, on the tape and in the forced queue,
//! just under and just over the limit that the deployed StepVerifier pins.

use std::collections::BTreeMap;

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::{SolCall, SolError};
use recourse_bisection::History;
use recourse_execution::{Genesis, GenesisAccount, Recorder, Schedule, State, TxRun, Witness};
use recourse_protocol::{
    DEFAULT_WITNESS_BYTES, L2Config, LEAST_WITNESS_BYTES, MAX_TX_GAS, Payload, Rule, StepIndex,
    TapeWriter, TransactionSource, TxPosition,
    bindings::{BlockContext, IInbox, IRollup, IStepVerifier, StepProof},
};
use recourse_trace_builder::{
    BatchHistory, ClaimHistory, Derivation, L1Limits, ProvenStep, Snapshot, Stager, StepProver,
};

use crate::{
    l1::{Absent, FORCE_DELAY, L1},
    l2::{self, PERIODS, SINK, key, limits},
};

/// Reads the codes of as many of the crowd as its calldata says.
const READER: Address = Address::repeat_byte(0x52);
const CROWD: u64 = 300;
/// The longest code (EIP-170).
const BIG: usize = 24_576;
const LEAST: u32 = LEAST_WITNESS_BYTES;
const BY_DEFAULT: u32 = DEFAULT_WITNESS_BYTES;

fn big(index: u64) -> Address {
    Address::from_word(U256::from((0xb1 << 64) + u128::from(index)).into())
}

/// A large code, most of it zeros: the cheapest calldata.
fn big_code(index: u64) -> Bytes {
    let mut code = vec![0; BIG];
    code[8..16].copy_from_slice(&index.to_be_bytes());
    code.into()
}

/// `for i in 0..calldata { extcodesize(big(i)) }`
fn reader() -> Bytes {
    let mut code = hex!("5f5b8073").to_vec(); // PUSH0, JUMPDEST, DUP1, PUSH20
    code.extend(big(0));
    // ADD, EXTCODESIZE, POP, PUSH1 1, ADD, DUP1, PUSH0, CALLDATALOAD, GT, PUSH1 1, JUMPI, STOP
    code.extend(hex!("013b50600101805f351160015700"));
    code.into()
}

fn contract(code: Bytes) -> GenesisAccount {
    GenesisAccount { nonce: 1, code, ..GenesisAccount::default() }
}

fn genesis() -> State {
    let rich = GenesisAccount { balance: U256::from(10).pow(U256::from(20)), ..Default::default() };
    let mut alloc: BTreeMap<_, _> =
        (0..4).map(|index| (key(index).address(), rich.clone())).collect();
    alloc.extend((0..CROWD).map(|index| (big(index), contract(big_code(index)))));
    alloc.insert(READER, contract(reader()));
    Genesis { alloc }.build().unwrap()
}

const fn config(max_witness_bytes: u32) -> L2Config {
    L2Config { max_witness_bytes, ..l2::L2 }
}

/// From an account with nonce 0.
fn reads(from: u8, count: u64) -> Bytes {
    let input = U256::from(count).to_be_bytes::<32>().into();
    let tx = TxEip1559 { gas_limit: MAX_TX_GAS, ..l2::tx(0, READER.into(), 0, input) };
    l2::sign(from, tx)
}

/// How many of the crowd fit under a limit.
fn last_under(state: &State, limit: u32) -> u64 {
    let schedule = Schedule::osaka();
    let block = BlockContext {
        chainId: l2::L2.chain_id,
        number: 1,
        timestamp: 1,
        gasLimit: l2::L2.gas_limit,
        baseFee: U256::from(1),
        coinbase: SINK,
        ..BlockContext::default()
    };
    let passes = |count: &u64| {
        let ran = Recorder::new(&schedule, limit)
            .transact(state, &block, TxPosition::default(), &reads(0, *count))
            .unwrap();
        matches!(&ran.runs[0], TxRun::Included(run) if !run.exhausted)
    };
    let over = (1..CROWD).find(|count| !passes(count)).unwrap();
    over - 1
}

/// A chain of one batch: two forced transactions and two on the tape, each time one under the limit and one over it.
struct Attack {
    l1: L1,
    config: L2Config,
    schedule: Schedule,
    start: Snapshot,
}

impl Attack {
    fn new(limit: u32) -> Self {
        let (state, config) = (genesis(), config(limit));
        let under = last_under(&state, limit);
        let mut l1 = L1::deploy(&state, &config, PERIODS, limits(4095));
        let call = IStepVerifier::genesisCall { stateRoot: state.root() };
        let answer = l1.call(l1.verifier, &call, U256::ZERO).output;
        let checkpoint = IStepVerifier::genesisCall::abi_decode_returns(&answer).unwrap();
        l1.mine(12);
        for raw in [reads(2, under), reads(3, under + 1)] {
            let call = IInbox::forceCall { rawTransaction: raw };
            l1.call(l1.inbox, &call, limits(4095).force_fee);
        }
        l1.mine(12);
        l1.call(l1.inbox, &IInbox::pokeCall {}, U256::ZERO);
        l1.mine(FORCE_DELAY / 2);
        let mut tape = TapeWriter::default();
        tape.open(l1.now - 1, 1).unwrap();
        tape.tx(&reads(0, under)).unwrap();
        tape.tx(&reads(1, under + 1)).unwrap();
        l1.append(SINK, 1, &[Payload::new(&tape.into_bytes()).unwrap().to_blob()]);
        l1.mine(12);
        let start = Snapshot { checkpoint: checkpoint.into(), state };
        Self { l1, config, schedule: Schedule::osaka(), start }
    }

    fn derivation(&self) -> Derivation<'_, crate::l1::Events> {
        Derivation { inputs: &self.l1.events, config: &self.config, schedule: &self.schedule }
    }

    /// The transactions of the batch: proven, and as [`StepProver`] checks, as the engine derived them.
    fn transactions(&self) -> Vec<ProvenStep> {
        let derivation = self.derivation();
        let batch = BatchHistory::derive(&derivation, self.start.clone()).unwrap();
        let history = ClaimHistory::new::<Absent>(vec![batch.into()]).unwrap();
        let prover = StepProver { derivation, blobs: &self.l1.events };
        (0..history.steps())
            .map(|at| prover.prove(&history, StepIndex(at)).unwrap())
            .filter(|step| matches!(step.rule, Rule::Transact(_)))
            .collect()
    }
}

fn is_forced(step: &ProvenStep) -> bool {
    matches!(&step.rule, Rule::Transact(tx) if matches!(tx.source, TransactionSource::Forced(_)))
}

/// Bytes of state that a step shows.
fn shown(step: &ProvenStep) -> usize {
    let Witness { nodes, codes } = Witness::decode(&step.evidence.execution.witness).unwrap();
    nodes.iter().chain(&codes).map(|part| part.len()).sum()
}

/// Two forced transactions, then two on the tape; of each kind the first passes and the second fails.
fn check_the_steps(steps: &[ProvenStep], limit: u32) {
    assert_eq!(steps.iter().map(is_forced).collect::<Vec<_>>(), [true, true, false, false]);
    for pair in steps.chunks(2) {
        let [passes, fails] = pair else { panic!("an even number") };
        let (passes_gas, fails_gas) =
            (passes.evidence.execution.gasUsed, fails.evidence.execution.gasUsed);
        assert!(shown(passes) <= limit as usize && passes_gas < 400_000, "{passes_gas}");
        assert!(shown(fails) > limit as usize && shown(fails) <= limit as usize + BIG);
        assert_eq!(fails_gas, MAX_TX_GAS);
    }
}

/// What is left of a witness without its last code.
fn without_its_last_code(witness: &[u8]) -> Bytes {
    let mut witness = Witness::decode(witness).unwrap();
    witness.codes.pop();
    witness.encode()
}

/// The proofs are longer than one L1 transaction can be: they are staged, and settled all the same.
fn is_settled_in_stages(limit: u32) {
    let mut attack = Attack::new(limit);
    let steps = attack.transactions();
    check_the_steps(&steps, limit);
    for step in steps {
        let pre: recourse_protocol::bindings::Checkpoint = step.pre.into();
        let mut short = step.evidence.plain().unwrap();
        short.execution.witness = without_its_last_code(&short.execution.witness);
        let ask = IStepVerifier::stepCall { pre: pre.clone(), proof: short }.abi_encode();
        assert!(attack.l1.ask(attack.l1.verifier, ask).is_err());

        let prove = |proof| IRollup::proveStepCall { pre: pre.clone(), proof }.abi_encode();
        let stager = Stager { store: attack.l1.store, limits: L1Limits::default() };
        let around = prove(StepProof::default()).len();
        let staged = stager.plan(&step.evidence, around).unwrap().unwrap();
        for chunk in &staged.chunks {
            attack.l1.stage(L1::OWNER, chunk);
        }
        let (rollup, data) = (attack.l1.rollup, prove(staged.proof));
        assert!(data.len() < stager.limits.bytes);
        let receipt = attack.l1.send(L1::OWNER, rollup, data, U256::ZERO, &[]).unwrap();
        eprintln!(
            "{} bytes of witness, {} gas of L2: {} chunks, proveStep {} gas",
            step.evidence.execution.witness.len(),
            step.evidence.execution.gasUsed,
            staged.chunks.len(),
            receipt.gas
        );
        assert!(receipt.gas <= staged.bill.gas, "{} gas, at most {:?}", receipt.gas, staged.bill);
        let call = IRollup::truthCall { pre: step.pre.h248().0 };
        let post = attack.l1.call(rollup, &call, U256::ZERO).output;
        assert_eq!(B256::from_slice(&post), step.post.h248().0);
    }
}

#[test]
fn under_and_over_the_least_limit_is_settled_in_stages() {
    is_settled_in_stages(LEAST);
}

#[test]
fn under_and_over_the_default_limit_is_settled_in_stages() {
    is_settled_in_stages(BY_DEFAULT);
}

/// The contracts pin what they are deployed with, and have the same least and greatest value as Rust.
#[test]
fn rust_and_the_contracts_have_the_same_limits() {
    let mut l1 = L1::deploy(&genesis(), &config(BY_DEFAULT), PERIODS, limits(4095));
    let answer = l1.call(l1.verifier, &IStepVerifier::configCall {}, U256::ZERO).output;
    let got = IStepVerifier::configCall::abi_decode_returns(&answer).unwrap();
    assert_eq!(got.maxWitnessBytes, BY_DEFAULT);

    assert!(l1.deploy_verifier(&config(LEAST)).is_ok());
    let refusal = l1.deploy_verifier(&config(LEAST - 1)).unwrap_err();
    let error = IStepVerifier::WitnessLimitTooLow::abi_decode(&refusal).unwrap();
    assert_eq!(error, IStepVerifier::WitnessLimitTooLow { got: LEAST - 1, atLeast: LEAST });

    assert!(l1.deploy_verifier(&config(BY_DEFAULT)).is_ok());
    let refusal = l1.deploy_verifier(&config(BY_DEFAULT + 1)).unwrap_err();
    let error = IStepVerifier::WitnessLimitTooHigh::abi_decode(&refusal).unwrap();
    let expected = IStepVerifier::WitnessLimitTooHigh { got: BY_DEFAULT + 1, atMost: BY_DEFAULT };
    assert_eq!(error, expected);
}
