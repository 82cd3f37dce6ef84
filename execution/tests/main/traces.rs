//! The encoding of traces, and where witnesses lie.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolValue;
use proptest::prelude::*;
use recourse_execution::{Claim, ExecuteError, TraceShape, Witness, execute, replay};
use recourse_protocol::{bindings::Credit, bindings::Trace};

use crate::{
    scene::{STORER, account, call, filler, schedule, sign, state, transfer, writes},
    settle::{claim, is_true, no_pointers, run},
};

#[test]
fn witness_parts_lie_behind_pointers() {
    let pre = state();
    let recorded = run(&pre, &sign(0, call(0, STORER, writes(&[(1, 0)]))));
    let witness = recorded.witness.encode();
    let (first, rest) = witness.split_at(10);
    let (second, third) = rest.split_at(300);
    let code = |part: &[u8]| Bytes::from([&[0], part].concat());
    let (one, two) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let trace = Trace {
        witness: Bytes::copy_from_slice(first),
        pointers: vec![one, two],
        ..recorded.trace.clone()
    }
    .abi_encode();
    let claim = claim(pre.root(), &recorded, &trace);
    let parts = |address: Address| match address {
        at if at == one => Some(code(second)),
        at if at == two => Some(code(third)),
        _ => None,
    };
    assert!(execute(&claim, &schedule(), &parts));
    assert!(!execute(&claim, &schedule(), &no_pointers));
    // Without the leading zero byte.
    let bare = |address: Address| parts(address).map(|code| [&[1], &code[1..]].concat().into());
    assert!(
        matches!(replay(&claim, &schedule(), &bare), Err(ExecuteError::Pointer(at)) if at == one)
    );
}

#[test]
fn only_the_canonical_encoding_is_true() {
    let pre = state();
    let recorded = run(&pre, &sign(0, transfer(0, account(1), 1)));
    let good = recorded.trace.abi_encode();
    let says =
        |trace: &[u8]| replay(&claim(pre.root(), &recorded, trace), &schedule(), &no_pointers);
    assert_eq!(says(&good), Ok(()));
    assert_eq!(says(&[&good[..], &[0; 32]].concat()), Err(ExecuteError::Trace));
    assert_eq!(says(&good[..good.len() - 32]), Err(ExecuteError::Trace));
    assert_eq!(says(&[]), Err(ExecuteError::Trace));
    // A dirty bool, and credits that nobody seals.
    let mut dirty = good.clone();
    dirty[32 + 7 * 32 + 31] = 2;
    assert_eq!(says(&dirty), Err(ExecuteError::Trace));
    let mut credits = recorded.trace.clone();
    credits.credits.push(Credit { to: account(1), amountGwei: 1 });
    assert_eq!(says(&credits.abi_encode()), Err(ExecuteError::CreditsWithoutSeal));
}

/// A thousand offsets that name the same bytes: 0.8 MB, or 0.8 GB once each is copied. Strict decoding sees that at once.
#[test]
fn transactions_that_share_their_bytes_are_false() {
    let trace = Trace { transactions: vec![Bytes::from(vec![7; 800_000])], ..Trace::default() };
    let mut bytes = trace.abi_encode();
    let word = |bytes: &[u8], at: usize| {
        usize::try_from(U256::from_be_slice(&bytes[at..at + 32])).unwrap()
    };
    let array = 32 + word(&bytes, 32 + 15 * 32);
    assert_eq!((word(&bytes, array), word(&bytes, array + 32)), (1, 32));
    let copies = 1_000;
    let put = |bytes: &mut Vec<u8>, at: usize, value: usize| {
        bytes[at..at + 32].copy_from_slice(&U256::from(value).to_be_bytes::<32>());
    };
    // The array's old item becomes the first offset; the bytes move behind the new head.
    let tail = bytes.split_off(array + 64);
    put(&mut bytes, array, copies);
    bytes.truncate(array + 32);
    for _ in 0..copies {
        bytes.extend_from_slice(&U256::from(copies * 32).to_be_bytes::<32>());
    }
    bytes.extend_from_slice(&tail);
    for field in [17, 18] {
        let (at, moved) = (32 + field * 32, (copies - 1) * 32);
        let value = word(&bytes, at) + moved;
        put(&mut bytes, at, value);
    }
    assert_eq!(TraceShape::of(&bytes).transactions, 1_000);
    let claim = Claim { pre: B256::ZERO, post: B256::ZERO, trace: &bytes, gas_used: 0 };
    assert_eq!(replay(&claim, &schedule(), &no_pointers), Err(ExecuteError::Trace));
}

proptest! {
    /// Whatever it holds: what the encoder makes, `execute` reads.
    #[test]
    fn every_trace_decodes(
        credits in prop::collection::vec((any::<[u8; 20]>(), any::<u64>()), 0..4),
        sizes in prop::collection::vec(0_usize..70, 0..5),
        pointers in prop::collection::vec(any::<[u8; 20]>(), 0..4),
        witness in prop::collection::vec(any::<u8>(), 0..70),
        opens: bool,
        seals: bool,
    ) {
        let credit = |(to, gwei): &([u8; 20], u64)| Credit { to: to.into(), amountGwei: *gwei };
        let trace = Trace {
            opens,
            seals: seals || !credits.is_empty(),
            credits: credits.iter().map(credit).collect(),
            transactions: sizes.iter().map(|size| Bytes::from(vec![9; *size])).collect(),
            pointers: pointers.into_iter().map(Address::from).collect(),
            witness: witness.into(),
            ..Trace::default()
        };
        let bytes = trace.abi_encode();
        let claim = Claim { pre: B256::ZERO, post: B256::ZERO, trace: &bytes, gas_used: 0 };
        prop_assert_ne!(replay(&claim, &schedule(), &no_pointers), Err(ExecuteError::Trace));
        prop_assert_eq!(TraceShape::of(&bytes).transactions, sizes.len() as u64);
    }
}

/// Each item is hashed, which one byte would not pay for.
#[test]
fn a_witness_has_few_items_for_its_bytes() {
    let witness = |items| Witness { nodes: vec![Bytes::from(vec![7; 31]); items], codes: vec![] };
    let fits = |witness: &Witness| Witness::decode(&witness.encode()).is_ok();
    assert!(fits(&Witness::default()));
    assert!(fits(&witness(1_000)));
    let short = Witness { codes: vec![Bytes::from_static(&[7, 7]); 1_000], ..witness(1_000) };
    assert!(!fits(&short));
    assert!(!fits(&Witness { nodes: vec![Bytes::new(); 100], codes: vec![] }));
}

#[test]
fn a_base_fee_over_64_bits_is_false() {
    let pre = state();
    let recorded = run(&pre, &sign(0, transfer(0, account(1), 1)));
    let mut trace = recorded.trace.clone();
    trace.context.baseFee = U256::from(1) << 64;
    let bytes = trace.abi_encode();
    assert!(!is_true(&claim(pre.root(), &recorded, &bytes)));
}

#[test]
fn shapes_are_counted() {
    let trace = Trace {
        opens: true,
        credits: vec![Credit { to: account(1), amountGwei: 1 }; 3],
        transactions: vec![Bytes::from_static(&[1; 40]), Bytes::new()],
        pointers: vec![filler(1), filler(2)],
        ..Trace::default()
    };
    let bytes = trace.abi_encode();
    let whole = TraceShape {
        opens: true,
        transactions: 2,
        credits: 3,
        pointers: vec![filler(1), filler(2)],
    };
    assert_eq!(TraceShape::of(&bytes), whole);
    assert_eq!(TraceShape::of(&[]), TraceShape::default());
    // The last word is the second pointer: without it, all else still counts.
    let cut = TraceShape::of(&bytes[..bytes.len() - 1]);
    assert_eq!(cut, TraceShape { pointers: vec![filler(1)], ..whole });
}
