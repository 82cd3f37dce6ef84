//! Whatever is asked, `execute` answers; nothing in it panics. So these ask `replay`, which catches nothing.

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolValue;
use proptest::prelude::*;
use recourse_execution::{Claim, Recorded, Recorder, State, TraceShape, Witness, replay};
use recourse_protocol::{TxPosition, bindings::Trace};

use crate::{
    scene::{self, MAX_WITNESS, STORER, block, call, create, schedule, sign, state, writes},
    settle::{claim, no_pointers},
};

fn code_of(address: Address) -> Option<Bytes> {
    (address.0[0].is_multiple_of(2)).then(|| Bytes::copy_from_slice(&[&[0], &address[..]].concat()))
}

fn recorded(state: &State, raw: &Bytes) -> Recorded {
    let schedule = schedule();
    Recorder::new(&schedule, MAX_WITNESS)
        .transact(state, &block(), TxPosition::default(), raw)
        .unwrap()
}

fn samples() -> Vec<(State, Recorded)> {
    let state = state();
    let raws = [
        sign(0, call(0, STORER, writes(&[(1, 0), (2, 0), (300, 5)]))),
        sign(0, create(0, crate::assembler::Code::new().store(1, 2).deployer().build())),
        sign(0, scene::delegation(0, 1, 0, STORER)),
    ];
    raws.iter().map(|raw| (state.clone(), recorded(&state, raw))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes(pre: [u8; 32], trace in prop::collection::vec(any::<u8>(), 0..2_000), gas_used: u64) {
        let claim = Claim { pre: pre.into(), post: B256::ZERO, trace: &trace, gas_used };
        prop_assert!(replay(&claim, &schedule(), &code_of).is_err());
        let _ = TraceShape::of(&trace);
    }

    /// Words that are small numbers read as offsets and lengths.
    #[test]
    fn random_small_words(words in prop::collection::vec(prop_oneof![0_u64..900, Just(u64::MAX)], 0..60)) {
        let trace: Vec<u8> = words.iter().flat_map(|word| B256::from(alloy_primitives::U256::from(*word))).collect();
        let claim = Claim { pre: B256::ZERO, post: B256::ZERO, trace: &trace, gas_used: 0 };
        prop_assert!(replay(&claim, &schedule(), &code_of).is_err());
        let shape = TraceShape::of(&trace);
        prop_assert!(shape.transactions <= words.len() as u64);
    }

    #[test]
    fn random_witnesses(nodes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6), raw in prop::collection::vec(any::<u8>(), 0..200)) {
        let nodes: Vec<Bytes> = nodes.into_iter().map(Bytes::from).collect();
        let pre = alloy_primitives::keccak256(&nodes[0]);
        let trace = Trace {
            context: block(),
            opens: true,
            transactions: vec![raw.into(), sign(0, scene::transfer(0, scene::account(1), 1))],
            witness: Witness { nodes, codes: vec![] }.encode(),
            ..Trace::default()
        }.abi_encode();
        let claim = Claim { pre, post: B256::ZERO, trace: &trace, gas_used: 21_000 };
        prop_assert!(replay(&claim, &schedule(), &code_of).is_err());
    }

    #[test]
    fn witness_encoding_round_trips(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(witness) = Witness::decode(&bytes) {
            prop_assert_eq!(&witness.encode()[..], &bytes[..]);
        }
    }
}

/// Every bit of a true trace: what is flipped is false, or is a part that nothing depends on.
#[test]
fn flipped_bits() {
    for (state, recorded) in samples() {
        let good = recorded.trace.abi_encode();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            let claim = claim(state.root(), &recorded, &bad);
            let says = replay(&claim, &schedule(), &no_pointers);
            assert!(says.is_err() || harmless(&recorded.trace, &bad), "byte {at}");
            let _ = TraceShape::of(&bad);
        }
    }
}

/// Fields of the block that this transaction does not look at, and limits that are not reached.
pub fn harmless(good: &Trace, bad: &[u8]) -> bool {
    let bad = Trace::abi_decode(bad).unwrap();
    let mut same = bad.clone();
    same.context.number = good.context.number;
    same.context.timestamp = good.context.timestamp;
    same.context.gasLimit = good.context.gasLimit;
    same.context.prevRandao = good.context.prevRandao;
    same.parentHash = good.parentHash;
    same.anchor = good.anchor;
    same.seals = good.seals;
    same.maxWitnessBytes = good.maxWitnessBytes;
    same == *good
}

/// Nodes that are valid but make no sense where they stand: every node in the place of every other.
#[test]
fn swapped_roots() {
    for (_, recorded) in samples() {
        let trace = recorded.trace.abi_encode();
        for node in &recorded.witness.nodes {
            let pre = alloy_primitives::keccak256(node);
            let claim = Claim { pre, ..claim(pre, &recorded, &trace) };
            let truth = replay(&claim, &schedule(), &no_pointers).is_ok();
            assert!(!truth || pre == alloy_primitives::keccak256(&recorded.witness.nodes[0]));
        }
    }
}

/// A path of 64 branches, the deepest that a trie can be, on a small stack.
#[test]
fn the_deepest_trie_needs_little_stack() {
    let deep = || {
        use alloy_trie::Nibbles;
        use recourse_execution::trie::{InMemory, Trie};
        let zero = Nibbles::from_nibbles([0; 64]);
        let other = |depth| {
            let mut key = zero;
            key.set_at(depth, 1);
            key
        };
        let keys: Vec<_> = (0..64).map(other).chain([zero]).collect();
        let mut trie = Trie::<Bytes>::default();
        let value = Bytes::from(vec![7; 40]);
        for key in &keys {
            trie.apply([(key, Some(value.clone()))], &mut InMemory).unwrap();
        }
        assert_eq!(trie.proof(&keys[63]).unwrap().len(), 65);
        let _ = trie.root();
        for key in &keys {
            trie.apply([(key, None)], &mut InMemory).unwrap();
        }
        assert!(trie.is_empty());
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(deep);
    thread.unwrap().join().unwrap();
}
