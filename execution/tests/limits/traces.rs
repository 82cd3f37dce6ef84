//! Long traces: thousands of transactions, hundreds of credits, pointers that repeat.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolValue;
use recourse_execution::{
    Claim, Recorder, TraceShape, Witness,
    block::{BlockBody, Opening},
};
use recourse_protocol::{
    TxPosition,
    bindings::{Credit, Trace},
};

use crate::{
    scene::{self, account, block, filler, schedule, sign, state, transfer},
    small::{MIB, QUARTER, ask_on, ask_with},
};

/// The most bytes allocated for each byte of a trace and of what it points to.
const PER_BYTE: usize = 24;

fn most(bytes: usize) -> usize {
    MIB + PER_BYTE * bytes
}

/// Every third is valid; the others do not decode, or have a wrong nonce.
fn transactions(count: u64) -> Vec<Bytes> {
    let raw = |index: u64| match index % 3 {
        0 => sign(0, transfer(index / 3, filler(index), 1)),
        1 => sign(0, transfer(1 << 40, filler(index), 1)),
        _ => index.to_be_bytes().to_vec().into(),
    };
    (0..count).map(raw).collect()
}

/// Also to the same address again and again, and of nothing.
fn credits(count: u64) -> Vec<Credit> {
    let credit = |index| Credit {
        to: if index % 2 == 0 { filler(index) } else { account(1) },
        amountGwei: if index % 5 == 0 { 0 } else { u64::MAX - index },
    };
    (0..count).map(credit).collect()
}

#[test]
fn thousands_of_transactions_and_hundreds_of_credits() {
    let (state, schedule) = (state(), schedule());
    let body = BlockBody {
        opening: Some(Opening { parent_hash: B256::repeat_byte(3), anchor: B256::repeat_byte(4) }),
        transactions: transactions(3_000),
        credits: Some(credits(600)),
    };
    let recorded = Recorder::new(&schedule, scene::MAX_WITNESS)
        .piece(&state, &block(), TxPosition::default(), &body)
        .unwrap();
    assert_eq!(recorded.runs.iter().filter(|run| run.gas_used() > 0).count(), 1_000);
    let trace = recorded.trace.abi_encode();
    let shape = TraceShape::of(&trace);
    assert_eq!((shape.transactions, shape.credits, shape.opens), (3_000, 600, true));
    let claim = Claim {
        pre: state.root(),
        post: recorded.state_root,
        trace: &trace,
        gas_used: recorded.gas_used,
    };
    let (answer, bytes) = ask_on(QUARTER, &claim, &schedule);
    assert_eq!(answer, Ok(()));
    println!("{} bytes of trace took {bytes}", trace.len());
    assert!(bytes < most(trace.len()), "{bytes} for {}", trace.len());
    // Stopped long before the end.
    let answer = ask_on(QUARTER, &Claim { gas_used: 21_000 * 500, ..claim }, &schedule).0;
    assert!(answer.is_err());
}

/// Up to the 16 credits that a block of the rollup ends with, and one more.
#[test]
fn credits_up_to_those_of_a_block() {
    let (state, schedule) = (state(), schedule());
    for count in 0..=17 {
        let recorder = Recorder::new(&schedule, 0);
        let recorded = recorder.seal(&state, &block(), &credits(count)).unwrap();
        let trace = recorded.trace.abi_encode();
        let claim =
            Claim { pre: state.root(), post: recorded.state_root, trace: &trace, gas_used: 0 };
        assert_eq!(ask_on(QUARTER, &claim, &schedule).0, Ok(()));
    }
    // A balance that overflows makes the claim false, whatever it claims.
    let mut rich = scene::genesis().alloc;
    rich.get_mut(&account(1)).unwrap().balance = U256::MAX;
    let state = recourse_execution::State::of(&rich).unwrap();
    let recorder = Recorder::new(&schedule, 0);
    let credits = vec![Credit { to: account(1), amountGwei: 1 }];
    assert!(recorder.seal(&state, &block(), &credits).is_err());
}

/// A witness whose first node lies behind one pointer and whose rest lies behind another.
struct Pointed {
    first: Bytes,
    rest: Bytes,
}

const FIRST: Address = Address::with_last_byte(1);
const REST: Address = Address::with_last_byte(2);

impl Pointed {
    fn new(witness: &Witness) -> Self {
        let rest = witness.nodes[1..].iter().flat_map(alloy_rlp::encode).collect::<Vec<_>>();
        Self { first: alloy_rlp::encode(&witness.nodes[0]).into(), rest: rest.into() }
    }

    /// The trace with a witness that names the first pointer `times` times, then the other one. Inline is how it starts.
    fn trace(&self, trace: &Trace, witness: &Witness, times: usize) -> Vec<u8> {
        let nodes = times * self.first.len() + self.rest.len();
        let list = |payload_length| alloy_rlp::Header { list: true, payload_length };
        let codes = alloy_rlp::encode(&witness.codes);
        let mut inline = Vec::new();
        list(nodes + list(nodes).length() + codes.len()).encode(&mut inline);
        list(nodes).encode(&mut inline);
        let pointers = std::iter::repeat_n(FIRST, times).chain([REST]).collect();
        Trace { witness: inline.into(), pointers, ..trace.clone() }.abi_encode()
    }

    fn code(&self, address: Address, codes: &[u8]) -> Option<Bytes> {
        let part = match address {
            FIRST => self.first.to_vec(),
            REST => [&self.rest[..], codes].concat(),
            _ => return None,
        };
        Some([&[0], &part[..]].concat().into())
    }
}

/// What is pointed to twice is appended twice, and counts twice for L1's metering.
#[test]
fn pointers_that_repeat() {
    let (state, schedule) = (state(), schedule());
    let raw = sign(0, scene::call(0, scene::STORER, scene::writes(&[(1, 2)])));
    let recorded = Recorder::new(&schedule, scene::MAX_WITNESS)
        .transact(&state, &block(), TxPosition::default(), &raw)
        .unwrap();
    let pointed = Pointed::new(&recorded.witness);
    let codes = alloy_rlp::encode(&recorded.witness.codes);
    let code_of = |address| pointed.code(address, &codes);
    for times in [1, 2, 500, 5_000] {
        let trace = pointed.trace(&recorded.trace, &recorded.witness, times);
        assert_eq!(TraceShape::of(&trace).pointers.len(), times + 1);
        let claim = Claim {
            pre: state.root(),
            post: recorded.state_root,
            trace: &trace,
            gas_used: recorded.gas_used,
        };
        let (answer, bytes) = ask_with(QUARTER, &claim, &schedule, &code_of);
        assert_eq!(answer, Ok(()), "{times}");
        let all = trace.len() + times * pointed.first.len() + pointed.rest.len();
        assert!(bytes < most(all), "{times}: {bytes} for {all}");
        // One fewer than the length inline says.
        let trace = pointed.trace(&recorded.trace, &recorded.witness, times);
        let shorter = Trace::abi_decode(&trace).map(|mut trace| {
            trace.pointers.remove(0);
            trace.abi_encode()
        });
        let claim = Claim { trace: &shorter.unwrap(), ..claim };
        assert!(ask_with(QUARTER, &claim, &schedule, &code_of).0.is_err());
    }
}

/// The witness with the most nodes for its bytes, none of which is of use, in a trace as long as a block's calldata.
#[test]
fn a_long_witness_of_little_nodes() {
    let schedule = schedule();
    let nodes = (0..60_000_u64).map(|index| U256::from(index).to_be_bytes::<32>().to_vec().into());
    let witness = Witness { nodes: nodes.collect(), codes: Vec::new() };
    let raw = sign(0, transfer(0, account(1), 1));
    let mut recorded = Recorder::new(&schedule, scene::MAX_WITNESS)
        .transact(&state(), &block(), TxPosition::default(), &raw)
        .unwrap();
    let own = recorded.witness.nodes.clone();
    recorded.trace.witness =
        Witness { nodes: [own, witness.nodes].concat(), codes: Vec::new() }.encode();
    let trace = recorded.trace.abi_encode();
    let claim = Claim {
        pre: state().root(),
        post: recorded.state_root,
        trace: &trace,
        gas_used: recorded.gas_used,
    };
    let (answer, bytes) = ask_on(QUARTER, &claim, &schedule);
    assert_eq!(answer, Ok(()));
    println!("{} bytes of witness took {bytes}", trace.len());
    assert!(bytes < most(trace.len()), "{bytes} for {}", trace.len());
}
