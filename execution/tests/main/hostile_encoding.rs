//! Lengths that lie, lists within lists, paths of any length: in the ABI of a trace, in the RLP of a witness and of its nodes.

use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_rlp::{Encodable, Header};
use alloy_sol_types::SolValue;
use recourse_execution::{
    Account, Claim, ExecuteError, Recorder, TraceShape, Witness,
    block::{BlockBody, Opening},
    execute, replay,
    trie::Value,
};
use recourse_protocol::{TxPosition, bindings::Credit, bindings::Trace};

use crate::{
    hostile::harmless,
    hostile_tries::{Handmade, malformed, trace_of},
    scene::{MAX_WITNESS, account, block, filler, schedule, sign, state, transfer},
    settle::{claim, no_pointers},
};

/// Every word of a trace in turn holds a length or an offset that is too large, or off by one.
#[test]
fn oversized_words_are_false() {
    let pre = state();
    let schedule = schedule();
    let body = BlockBody {
        opening: Some(Opening::default()),
        transactions: vec![sign(0, transfer(0, filler(1), 1)), sign(1, transfer(0, filler(2), 1))],
        credits: Some(vec![Credit { to: account(2), amountGwei: 1 }; 2]),
    };
    let recorder = Recorder::new(&schedule, MAX_WITNESS);
    let recorded = recorder.piece(&pre, &block(), TxPosition::default(), &body).unwrap();
    let good = recorded.trace.abi_encode();
    let claim = claim(pre.root(), &recorded, &good);
    assert!(execute(&claim, &schedule, &no_pointers));
    let (length, word) = (U256::from(good.len()), U256::from(32));
    let witness = good.len() - recorded.trace.witness.len() - 31;
    for at in (0..witness / 32 * 32).step_by(32) {
        let old = U256::from_be_slice(&good[at..at + 32]);
        let one = U256::from(1);
        let bit = |index: usize| one << index;
        let others = [
            U256::MAX,
            bit(255),
            bit(64),
            bit(64) - one,
            bit(63),
            bit(32),
            bit(31),
            length,
            length + one,
            length - word,
            old.wrapping_add(one),
            old.wrapping_sub(one),
            old.wrapping_add(word),
            old.wrapping_sub(word),
        ];
        for value in others.into_iter().filter(|value| *value != old) {
            let mut bad = good.clone();
            bad[at..at + 32].copy_from_slice(&value.to_be_bytes::<32>());
            let says = replay(&Claim { trace: &bad, ..claim }, &schedule, &no_pointers);
            assert!(says.is_err() || harmless(&recorded.trace, &bad), "word {at}: {value}");
            let shape = TraceShape::of(&bad);
            let most = (good.len() / 32) as u64;
            assert!(shape.transactions <= most && shape.credits <= most);
        }
    }
}

/// A trace cut at every byte.
#[test]
fn a_cut_trace_is_false() {
    let pre = state();
    let schedule = schedule();
    let recorder = Recorder::new(&schedule, MAX_WITNESS);
    let raw = sign(0, transfer(0, filler(1), 1));
    let recorded = recorder.transact(&pre, &block(), TxPosition::default(), &raw).unwrap();
    let good = recorded.trace.abi_encode();
    for end in 0..good.len() {
        let claim = claim(pre.root(), &recorded, &good[..end]);
        assert_eq!(replay(&claim, &schedule, &no_pointers), Err(ExecuteError::Trace));
        let _ = TraceShape::of(&good[..end]);
    }
}

/// A list of these items, each as it is.
fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let payload = items.concat();
    let mut out = Vec::new();
    Header { list: true, payload_length: payload.len() }.encode(&mut out);
    [out, payload].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    bytes.encode(&mut out);
    out
}

/// The header of a string (from 0xb7 on) or list (from 0xf7 on) whose length takes `bytes`.
fn long_header(base: u8, bytes: &[u8]) -> Vec<u8> {
    [&[base + bytes.len() as u8], bytes].concat()
}

/// RLP whose lengths lie, or that has one more form for what has a shorter one.
fn lying_rlp() -> Vec<Vec<u8>> {
    let mut lies = Vec::new();
    for base in [0xb7, 0xf7] {
        for length in [
            &[0xff; 8][..],
            &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xff; 4],
            &[0x10, 0, 0],
            &[0, 60],
            &[3],
            &[],
        ] {
            lies.push([&long_header(base, length)[..], &[7; 60]].concat());
        }
    }
    lies.extend([
        vec![0x81, 5],
        vec![0xb8],
        vec![0xf8],
        vec![0xbf],
        vec![0xff],
        vec![0xc1],
        vec![0x9f, 1],
    ]);
    lies
}

/// `[[[...]]]`, many levels deep.
fn nested(levels: usize) -> Vec<u8> {
    // Each header is as long as its list needs: built from the inside, kept backwards.
    let mut backwards = vec![0xc0];
    for _ in 1..levels {
        let mut header = Vec::new();
        Header { list: true, payload_length: backwards.len() }.encode(&mut header);
        backwards.extend(header.iter().rev());
    }
    backwards.reverse();
    backwards
}

fn says(pre: B256, witness: Vec<u8>) -> Result<(), ExecuteError> {
    let trace = Trace { witness: witness.into(), ..trace_of(sign(0, transfer(0, filler(1), 1))) };
    let trace = trace.abi_encode();
    let claim = Claim { pre, post: pre, trace: &trace, gas_used: 21_000 };
    assert!(!execute(&claim, &schedule(), &no_pointers));
    replay(&claim, &schedule(), &no_pointers)
}

#[test]
fn a_witness_whose_lengths_lie_is_malformed() {
    let pre = B256::repeat_byte(1);
    let empty = || list(&[]);
    let fine = [list(&[empty(), empty()]), list(&[list(&[string(&[7; 90])]), empty()])];
    for bytes in fine {
        assert!(!matches!(says(pre, bytes), Err(ExecuteError::Witness(_))));
    }
    let mut bad: Vec<Vec<u8>> = lying_rlp();
    for lie in lying_rlp() {
        bad.push(list(&[lie.clone(), empty()]));
        bad.push(list(&[list(std::slice::from_ref(&lie)), empty()]));
        bad.push(list(&[empty(), list(&[string(&[7; 90]), lie])]));
    }
    let item = || list(&[string(&[7; 90])]);
    bad.extend([
        vec![],
        empty(),
        list(&[empty()]),
        list(&[empty(), empty(), empty()]),
        string(&[7; 90]),
        // A list where a node belongs, and where lists belong a string.
        list(&[list(&[item()]), empty()]),
        list(&[string(&[7; 90]), empty()]),
        [list(&[empty(), empty()]), vec![0]].concat(),
        nested(3),
        nested(100),
        nested(100_000),
        list(&[nested(100_000), empty()]),
    ]);
    for bytes in bad {
        let shown = Bytes::copy_from_slice(&bytes[..bytes.len().min(20)]);
        let answer = says(pre, bytes);
        assert!(matches!(answer, Err(ExecuteError::Witness(_))), "{shown}: {answer:?}");
    }
}

/// As the root of a state: its hash is right, what it holds is not.
#[test]
fn a_node_whose_lengths_lie_is_malformed() {
    let path = |first: u8| string(&[&[first], &[0x11; 31][..]].concat());
    let value = || string(&rich().encode());
    let mut bad = lying_rlp();
    for lie in lying_rlp() {
        bad.push(list(&[lie.clone(), value()]));
        bad.push(list(&[path(0x20), lie.clone()]));
        let mut branch = vec![string(&[]); 17];
        branch[3] = lie;
        bad.push(list(&branch));
    }
    let branch = |child: Vec<u8>| {
        let mut items = vec![string(&[]); 17];
        items[3] = child;
        list(&items)
    };
    bad.extend([
        nested(10),
        nested(100_000),
        list(&[nested(40), value()]),
        list(&[path(0x20), nested(40)]),
        // A child of 31 and of 33 bytes, one that is embedded though it is long, one deep in embedded lists.
        branch(string(&[9; 31])),
        branch(string(&[9; 33])),
        branch(list(&[path(0x20), value()])),
        branch(nested(25)),
        list(&vec![string(&[]); 16]),
        list(&vec![string(&[]); 18]),
        list(&vec![string(&[]); 10_000]),
    ]);
    for node in bad {
        let shown = Bytes::copy_from_slice(&node[..node.len().min(20)]);
        let witness =
            Witness { nodes: vec![node.clone().into(), vec![0; 60].into()], codes: vec![] };
        let answer = says(keccak256(&node), witness.encode().to_vec());
        let text = answer.unwrap_err().to_string();
        assert!(text.starts_with("malformed trie node"), "{shown}: {text}");
    }
}

fn rich() -> Account {
    Account { balance: U256::from(10).pow(U256::from(20)), ..Account::default() }
}

/// The hex-prefix encoding of some first nibbles of a key, repeated as often as it takes.
fn prefixed(key: B256, nibbles: usize, leaf: bool) -> Vec<u8> {
    let key = key.iter().flat_map(|byte| [byte >> 4, byte & 15]).cycle().take(nibbles);
    let flag = if leaf { 2 } else { 0 } + (nibbles % 2) as u8;
    let head: Vec<_> = if nibbles % 2 == 1 { vec![flag] } else { vec![flag, 0] };
    let all: Vec<_> = head.into_iter().chain(key).collect();
    all.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The state is one leaf with the sender's account, at a path of every length. Only that of 64 nibbles is the sender's.
#[test]
fn leaves_at_paths_of_every_length() {
    let key = keccak256(account(0));
    let raw = sign(0, transfer(0, filler(1), 1));
    for nibbles in 0..=70 {
        let leaf = list(&[string(&prefixed(key, nibbles, true)), string(&rich().encode())]);
        let state = Handmade { root: keccak256(&leaf), nodes: vec![leaf.into()] };
        match state.run(raw.clone(), vec![]) {
            // Nobody is there: the transaction is invalid.
            Ok(done) if nibbles < 64 => {
                assert_eq!((done.gas_used, done.state_root), (0, state.root))
            }
            Ok(done) => assert_eq!((nibbles, done.gas_used), (64, 21_000)),
            Err(why) => {
                assert!(nibbles > 64, "{nibbles}");
                assert_eq!(why, malformed("a path of more than 64 nibbles"));
            }
        }
    }
}

/// An extension of every length above a branch that holds the sender where its key ends, and writes beside it: whatever
/// comes out, it comes out again, and nothing else is true.
#[test]
fn extensions_of_every_length_and_writes_beside_them() {
    let (key, other) = (keccak256(account(0)), keccak256(filler(1)));
    let credits =
        vec![Credit { to: account(0), amountGwei: 1 }, Credit { to: filler(1), amountGwei: 2 }];
    for nibbles in 1..=70 {
        for of in [key, other] {
            let mut items = vec![string(&[]); 17];
            let below = list(&[
                string(&prefixed(key, 63 - nibbles.min(63), true)),
                string(&rich().encode()),
            ]);
            items[3] = string(&keccak256(&below)[..]);
            items[16] = string(&rich().encode());
            let branch = list(&items);
            let root =
                list(&[string(&prefixed(of, nibbles, false)), string(&keccak256(&branch)[..])]);
            let witness = Witness {
                nodes: vec![root.clone().into(), branch.into(), below.into()],
                codes: vec![],
            };
            credited_once(keccak256(&root), &credits, witness);
        }
    }
}

fn credited_once(pre: B256, credits: &[Credit], witness: Witness) {
    let trace = Trace {
        context: block(),
        seals: true,
        credits: credits.to_vec(),
        witness: witness.encode(),
        ..Trace::default()
    };
    let Ok(done) = recourse_execution::stateless(pre, &trace, &schedule(), witness) else { return };
    let encoded = trace.abi_encode();
    let claim = Claim { pre, post: done.state_root, trace: &encoded, gas_used: 0 };
    assert!(execute(&claim, &schedule(), &no_pointers));
    assert_ne!(done.state_root, pre);
    for post in [pre, keccak256(done.state_root)] {
        assert!(!execute(&Claim { post, ..claim }, &schedule(), &no_pointers));
    }
}
