//! Witnesses that somebody spoiled: what is lacking is named, and nothing makes a wrong claim true.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use recourse_execution::{
    Claim, ExecuteError, ExecutionError, Recorded, Recorder, State, StateError, Witness,
    block::{BlockBody, Opening},
    replay,
    trie::TrieError,
};
use recourse_protocol::{TxPosition, bindings::Credit, bindings::Trace};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    scene::{
        MAX_WITNESS, STORER, account, block, call, create, delegation, filler, schedule, sign,
        state, transfer, writes,
    },
    settle::{claim, no_pointers, with_witness},
    spoil::Spoil,
};

/// Every node and every code spoiled in every way, and lists as a whole: the claim stays true where nothing is lost, else the
/// answer is the hash of what is lost. With none of these witnesses is a wrong claim true.
pub fn withstands(pre: B256, recorded: &Recorded) {
    let whole = &recorded.witness;
    assert_eq!(ask(pre, recorded, whole), Ok(()));
    for (index, node) in whole.nodes.iter().enumerate() {
        let spoiled = |spoil: Spoil, witness: &mut Witness| spoil.apply(&mut witness.nodes, index);
        each_spoil(pre, recorded, &missing_node(keccak256(node)), spoiled);
    }
    for (index, code) in whole.codes.iter().enumerate() {
        let spoiled = |spoil: Spoil, witness: &mut Witness| spoil.apply(&mut witness.codes, index);
        each_spoil(pre, recorded, &missing_code(keccak256(code)), spoiled);
    }
    lists(pre, recorded);
}

pub fn missing_node(hash: B256) -> ExecuteError {
    ExecuteError::Execution(ExecutionError::State(StateError::Trie(TrieError::Missing(hash))))
}

pub fn missing_code(hash: B256) -> ExecuteError {
    ExecuteError::Execution(ExecutionError::State(StateError::MissingCode(hash)))
}

/// What `execute` says to the recorded claim with another witness, and why.
pub fn ask(pre: B256, recorded: &Recorded, witness: &Witness) -> Result<(), ExecuteError> {
    let trace = Trace { witness: witness.encode(), ..recorded.trace.clone() }.abi_encode();
    replay(&claim(pre, recorded, &trace), &schedule(), &no_pointers)
}

fn each_spoil(
    pre: B256,
    recorded: &Recorded,
    missing: &ExecuteError,
    apply: impl Fn(Spoil, &mut Witness),
) {
    for spoil in Spoil::ALL {
        let mut witness = recorded.witness.clone();
        apply(spoil, &mut witness);
        let says = ask(pre, recorded, &witness);
        match says {
            Ok(()) => assert!(spoil.is_harmless(), "{spoil:?}: {missing}"),
            Err(got) => {
                assert!(!spoil.is_harmless(), "{spoil:?}: {got}");
                assert_eq!(&got, missing, "{spoil:?}");
            }
        }
        lies_stay_false(pre, recorded, &witness);
    }
}

/// Wrong roots, wrong gas, a wrong digest.
pub fn lies_stay_false(pre: B256, recorded: &Recorded, witness: &Witness) {
    let trace = &recorded.trace;
    let encoded = trace.abi_encode();
    let truth = claim(pre, recorded, &encoded);
    let other = |root: B256| keccak256(root);
    let lies = [
        Claim { post: other(truth.post), ..truth },
        Claim { pre: other(truth.pre), ..truth },
        Claim { gas_used: truth.gas_used + 1, ..truth },
        Claim { gas_used: truth.gas_used.wrapping_sub(1), ..truth },
        Claim { gas_used: u64::MAX, ..truth },
    ];
    for lie in lies {
        assert!(!with_witness(&lie, trace, witness.encode()), "{lie:?}");
    }
    let digest = other(trace.receiptDigestAfter);
    let lying = Trace { receiptDigestAfter: digest, ..trace.clone() };
    assert!(!with_witness(&truth, &lying, witness.encode()));
}

/// Order, copies and surplus do not matter; the wrong list and an empty one do.
fn lists(pre: B256, recorded: &Recorded) {
    let Witness { nodes, codes } = recorded.witness.clone();
    let both = [&nodes[..], &codes[..]].concat();
    let backwards = |list: &[Bytes]| list.iter().rev().cloned().collect::<Vec<_>>();
    let enough = [
        Witness { nodes: backwards(&nodes), codes: backwards(&codes) },
        Witness { nodes: [&nodes[..], &nodes].concat(), codes: [&codes[..], &codes].concat() },
        Witness { nodes: both.clone(), codes: both },
    ];
    for witness in enough {
        assert_eq!(ask(pre, recorded, &witness), Ok(()));
        lies_stay_false(pre, recorded, &witness);
    }
    let needs = |list: &[Bytes]| !list.is_empty();
    let lacking = [
        (needs(&nodes), Witness { nodes: vec![], codes: codes.clone() }),
        (needs(&codes), Witness { nodes: nodes.clone(), codes: vec![] }),
        (needs(&nodes) || needs(&codes), Witness { nodes: codes, codes: nodes }),
    ];
    for (lacks, witness) in lacking {
        assert_eq!(ask(pre, recorded, &witness).is_err(), lacks);
        lies_stay_false(pre, recorded, &witness);
    }
}

fn record(pre: &State, body: &BlockBody) -> Recorded {
    let schedule = schedule();
    let recorder = Recorder::new(&schedule, MAX_WITNESS);
    recorder.piece(pre, &block(), TxPosition::default(), body).unwrap()
}

fn opening() -> Option<Opening> {
    Some(Opening { parent_hash: B256::repeat_byte(0xaa), anchor: B256::repeat_byte(0xbb) })
}

/// A block of everything: creations, calls, churn, a no-op, a delegation and its use, a failure, a destruction, credits.
fn busy_block() -> BlockBody {
    let runtime = Code::new().store(1, 5).op(op::STOP);
    let gone = Code::new().store(1, 5).address(filler(3)).op(op::SELFDESTRUCT);
    BlockBody {
        opening: opening(),
        transactions: vec![
            sign(0, create(0, runtime.deployer().build())),
            sign(1, call(0, account(0).create(0), Bytes::new())),
            sign(2, call(0, STORER, writes(&[(1, 0), (2, 0), (200, 3), (5, 9)]))),
            Bytes::from_static(b"garbage"),
            sign(3, delegation(0, 4, 0, STORER)),
            sign(2, call(1, account(4), writes(&[(7, 8)]))),
            sign(1, create(1, Bytes::from_static(&[op::INVALID]))),
            sign(5, create(0, gone.build())),
            sign(6, transfer(0, filler(9), 5)),
        ],
        credits: Some(vec![Credit { to: filler(11), amountGwei: 5 }]),
    }
}

#[test]
fn an_opening_withstands() {
    let pre = state();
    let body = BlockBody { opening: opening(), ..BlockBody::default() };
    withstands(pre.root(), &record(&pre, &body));
}

#[test]
fn credits_withstand() {
    let pre = state();
    let credit = |to| Credit { to, amountGwei: 7 };
    let credits = Some(vec![credit(filler(1)), credit(account(1)), credit(Address::ZERO)]);
    let body = BlockBody { credits, ..BlockBody::default() };
    withstands(pre.root(), &record(&pre, &body));
}

#[test]
fn a_whole_block_withstands() {
    let pre = state();
    withstands(pre.root(), &record(&pre, &busy_block()));
}

/// The steps of that block one by one, each from the state that the one before left.
#[test]
fn each_step_of_a_block_withstands() {
    let (schedule, body) = (schedule(), busy_block());
    let recorder = Recorder::new(&schedule, MAX_WITNESS);
    let (mut at, mut position) = (state(), TxPosition::default());
    for raw in &body.transactions {
        let step = recorder.transact(&at, &block(), position, raw).unwrap();
        withstands(at.root(), &step);
        position = step.runs[0].after(position);
        at = step.state;
    }
}

/// What proves one piece proves nothing of another, and does not get in its way.
#[test]
fn the_witness_of_another_piece_is_surplus() {
    let pre = state();
    let transactions = |raw| BlockBody { transactions: vec![raw], ..BlockBody::default() };
    let one = record(&pre, &transactions(sign(0, call(0, STORER, writes(&[(1, 0)])))));
    let other = record(&pre, &transactions(sign(1, transfer(0, filler(200), 1))));
    for (this, that) in [(&one, &other), (&other, &one)] {
        assert!(ask(pre.root(), this, &that.witness).is_err());
        let union = Witness {
            nodes: [&that.witness.nodes[..], &this.witness.nodes].concat(),
            codes: [&that.witness.codes[..], &this.witness.codes].concat(),
        };
        assert_eq!(ask(pre.root(), this, &union), Ok(()));
        lies_stay_false(pre.root(), this, &union);
    }
}

/// The state after the piece, put beside the state before, makes no end out of a beginning.
#[test]
fn nodes_of_the_state_after_are_surplus() {
    let pre = state();
    let raw = sign(0, call(0, STORER, writes(&[(1, 0), (2, 0), (200, 3)])));
    let recorded = record(&pre, &BlockBody { transactions: vec![raw], ..BlockBody::default() });
    let slots: Vec<_> = [1, 2, 200].into_iter().map(alloy_primitives::U256::from).collect();
    let after = recorded.state.proof(STORER, &slots).unwrap();
    let mut witness = recorded.witness.clone();
    witness.nodes.extend(after.nodes);
    witness.nodes.extend(after.storage.into_iter().flat_map(|slot| slot.nodes));
    assert_eq!(ask(pre.root(), &recorded, &witness), Ok(()));
    lies_stay_false(pre.root(), &recorded, &witness);
}
