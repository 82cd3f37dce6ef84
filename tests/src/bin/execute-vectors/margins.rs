//! Calls at the margins: of gas, of the block's limit, of the envelope's encoding; witnesses behind pointers; queries.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolValue;
use eyre::OptionExt;
use recourse_execution::Witness;
use recourse_protocol::bindings::Trace;
use recourse_tests::published::{L1, Reason, Verdict};

use crate::{envelope, lies::Truths, piece::Played, raw};

const ONE: Address = Address::repeat_byte(0xc1);
const TWO: Address = Address::repeat_byte(0xc2);
/// What a call takes at least.
const BASE: u64 = 30_000;
/// Over the excess from which on the rate is at its greatest.
const FAR: u64 = 1 << 30;

/// A call and how it is meant to end.
#[derive(Clone, Debug)]
pub(crate) struct Margin {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) l1: L1,
    pub(crate) input: Bytes,
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<Reason>,
}

/// All of them.
pub(crate) fn all(truths: &Truths) -> eyre::Result<Vec<Margin>> {
    let transfer = truths.get("lonely").ok_or_eyre("no transfer")?;
    let lists =
        [queries(), gas(transfer), limit(transfer), envelopes(transfer)?, pointers(transfer)?];
    Ok(lists.into_iter().flatten().collect())
}

fn told(name: &'static str, description: &'static str, l1: L1, input: &Bytes) -> Margin {
    let input = input.clone();
    Margin { name, description, l1, input, verdict: Verdict::True, reason: None }
}

impl Margin {
    fn fails(self, reason: Reason) -> Self {
        Self { verdict: Verdict::Fails, reason: Some(reason), ..self }
    }

    fn lies(self, reason: Reason) -> Self {
        Self { verdict: Verdict::False, reason: Some(reason), ..self }
    }

    fn asks(self) -> Self {
        Self { verdict: Verdict::Query, ..self }
    }
}

fn nonsense(gas_used: u64) -> Bytes {
    envelope::encode(B256::ZERO, B256::ZERO, &[], gas_used)
}

fn queries() -> Vec<Margin> {
    let none = Bytes::new();
    let with = |gas_forwarded, excess, base_fee, gas_left| L1 {
        gas_forwarded,
        excess,
        base_fee,
        gas_left,
        ..L1::default()
    };
    vec![
        told("query", "the price at rest, the whole limit", L1::default(), &none).asks(),
        told(
            "query-rounded",
            "a base fee of 65: the price is rounded up",
            with(100, 0, 65, 5),
            &none,
        )
        .asks(),
        told(
            "query-after-full-block",
            "the excess that one full block leaves",
            with(1_000, (1 << 25) - (1 << 23), 1_000_000_000, 1 << 25),
            &none,
        )
        .asks(),
        told("query-dear", "the greatest rate", with(1_000, FAR, 1_000_000_000, 1 << 25), &none)
            .asks(),
        told("query-out-of-gas", "99 gas", with(99, 0, 1, 1 << 25), &none).fails(Reason::OutOfGas),
    ]
}

/// L1 gas of the transfer at a rate of 2^-`shift`.
fn cost(transfer: &Played, shift: u32) -> u64 {
    let trace = transfer.recorded.trace.abi_encode().len();
    let execution = transfer.recorded.gas_used.div_ceil(1_u64.checked_shl(shift).unwrap_or(1));
    BASE.saturating_add(u64::try_from(trace).unwrap_or_default())
        .saturating_add(6_000)
        .saturating_add(execution)
}

fn gas(transfer: &Played) -> Vec<Margin> {
    let input = transfer.input();
    let with = |gas_forwarded, excess| L1 { gas_forwarded, excess, ..L1::default() };
    let (cheap, dear) = (cost(transfer, 6), cost(transfer, 2));
    let bytes = u64::try_from(input.len()).unwrap_or_default();
    let least = BASE.saturating_add(bytes).saturating_sub(191);
    vec![
        told("gas-exact", "exactly what it costs", with(cheap, 0), &input),
        told("gas-short", "a unit less", with(cheap.saturating_sub(1), 0), &input)
            .fails(Reason::OutOfGas),
        told("gas-dear", "exactly what it costs at the greatest rate", with(dear, FAR), &input),
        told("gas-dear-short", "a unit less", with(dear.saturating_sub(1), FAR), &input)
            .fails(Reason::OutOfGas),
        told(
            "gas-unread",
            "too little for a trace that long: nothing is read",
            with(least.saturating_sub(1), 0),
            &input,
        )
        .fails(Reason::OutOfGas),
        told("gas-none", "no gas at all", with(0, 0), &input).fails(Reason::OutOfGas),
        told(
            "gas-false",
            "a false claim costs what a true one does",
            with(BASE.saturating_add(16), 0),
            &nonsense(1_000),
        )
        .lies(Reason::TraceEncoding),
        told("gas-most", "2^64 - 1 L2 gas", L1::default(), &nonsense(u64::MAX))
            .fails(Reason::OutOfGas),
    ]
}

fn limit(transfer: &Played) -> Vec<Margin> {
    let input = transfer.input();
    let with = |gas_left| L1 { gas_left, ..L1::default() };
    vec![
        told("limit-exact", "declares all that is left of the block", with(21_000), &input),
        told("limit-over", "declares a unit more", with(20_999), &input).fails(Reason::BlockLimit),
        told("limit-none", "nothing is left, nothing is declared", with(0), &nonsense(0))
            .lies(Reason::TraceEncoding),
        told(
            "limit-whole",
            "a false claim takes the whole block",
            L1::default(),
            &nonsense(1 << 25),
        )
        .lies(Reason::TraceEncoding),
        told(
            "limit-whole-over",
            "more than any block has",
            L1::default(),
            &nonsense((1 << 25) + 1),
        )
        .fails(Reason::BlockLimit),
    ]
}

/// Bytes that are not the one encoding of an envelope.
fn envelopes(transfer: &Played) -> eyre::Result<Vec<Margin>> {
    let good = transfer.input();
    let put = |at: usize, word: U256| -> eyre::Result<Bytes> {
        let mut bytes = good.to_vec();
        let place = bytes.get_mut(at..at.saturating_add(32)).ok_or_eyre("out of bounds")?;
        place.copy_from_slice(&word.to_be_bytes::<32>());
        Ok(bytes.into())
    };
    let fixed = |word: u64| U256::from(word);
    let mut dirty = nonsense(0).to_vec();
    dirty.extend_from_slice(&[0; 31]);
    dirty.push(1);
    // One byte of trace, and padding that is not zero.
    if let Some(length) = dirty.get_mut(159) {
        *length = 1;
    }
    let end = good.len();
    let bad = [
        ("envelope-byte", "one byte", Bytes::from_static(&[0])),
        ("envelope-short", "four words: no trace", good.slice(..128)),
        (
            "envelope-cut",
            "the last byte of padding is missing",
            good.slice(..end.saturating_sub(1)),
        ),
        ("envelope-trailing", "a word behind it", [&good[..], &[0; 32]].concat().into()),
        ("envelope-offset", "the offset of the trace is 160", put(64, fixed(160))?),
        ("envelope-far", "the offset of the trace is 2^256 - 1", put(64, U256::MAX)?),
        ("envelope-length", "the trace is longer than the input", put(128, fixed(1 << 40))?),
        ("envelope-gas", "gasUsed is 2^64", put(96, raw::TWO_64)?),
        ("envelope-padding", "padding that is not zero", dirty.into()),
    ];
    let fails = |(name, description, input): (_, _, Bytes)| {
        told(name, description, L1::default(), &input).fails(Reason::EnvelopeEncoding)
    };
    Ok(bad.into_iter().map(fails).collect())
}

/// The transfer's input with this witness.
fn prove(transfer: &Played, witness: &[u8], pointers: &[Address]) -> Bytes {
    let witness = Bytes::copy_from_slice(witness);
    let trace = transfer.recorded.trace.clone();
    let trace = Trace { witness, pointers: pointers.to_vec(), ..trace }.abi_encode();
    let (post, gas_used) = (transfer.recorded.state_root, transfer.recorded.gas_used);
    envelope::encode(transfer.pre, post, &trace, gas_used)
}

/// An L1 with these parts of a witness behind the zero byte.
fn holding(parts: &[(Address, &[u8])], gas_forwarded: u64) -> L1 {
    let code = |part: &[u8]| Bytes::from([&[0], part].concat());
    let codes = parts.iter().map(|(at, part)| (*at, code(part))).collect();
    L1 { codes, gas_forwarded, ..L1::default() }
}

fn pointers(transfer: &Played) -> eyre::Result<Vec<Margin>> {
    let mut all = split(transfer)?;
    let whole = transfer.recorded.trace.witness.clone();
    let (inline, item, end) = doubled(&transfer.recorded.witness)?;
    let behind = prove(transfer, &[], &[ONE]);
    let twice = prove(transfer, &inline, &[ONE, ONE, TWO]);
    let crowded = prove(transfer, &raw::crowded(&transfer.recorded.witness, 0), &[]);
    all.push(told(
        "witness-crowded",
        "as many items that nobody needs as there may be: one for every 32 bytes",
        L1::default(),
        &crowded,
    ));
    all.push(told(
        "pointers-all",
        "all of the witness is behind a pointer",
        holding(&[(ONE, &whole)], 1_000_000),
        &behind,
    ));
    all.push(told(
        "pointers-twice",
        "a pointer named twice is paid for and appended twice: a node is there twice",
        holding(&[(ONE, &item), (TWO, &end)], 1_000_000),
        &twice,
    ));
    Ok(all)
}

/// A witness in three parts, and the gas for it.
fn split(transfer: &Played) -> eyre::Result<Vec<Margin>> {
    let whole = transfer.recorded.trace.witness.clone();
    let (first, rest) = whole.split_at(whole.len() / 3);
    let (second, last) = rest.split_at(rest.len() / 2);
    let parts = [(ONE, second), (TWO, last)];
    let input = prove(transfer, first, &[ONE, TWO]);
    // A trace is whole words long: an envelope adds five.
    let inline = u64::try_from(input.len().saturating_sub(160))?;
    let pointed = u64::try_from(rest.len())?;
    let unread = inline.saturating_add(BASE).saturating_add(2 * 2_600).saturating_add(6_329);
    let exact = unread.saturating_add(pointed);
    let with = |gas| holding(&parts, gas);
    Ok(vec![
        told(
            "pointers",
            "a witness in three parts: inline, and behind two pointers; exactly the gas for it",
            with(exact),
            &input,
        ),
        told(
            "pointers-short",
            "a unit less, which shows once the codes are read",
            with(exact.saturating_sub(1)),
            &input,
        )
        .fails(Reason::OutOfGas),
        told(
            "pointers-unread",
            "too little for the pointers: no code is read",
            with(unread.saturating_sub(1)),
            &input,
        )
        .fails(Reason::OutOfGas),
    ])
}

/// A witness with its last node twice, in three parts: up to that node, that node once, and what follows.
fn doubled(witness: &Witness) -> eyre::Result<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let mut nodes = witness.nodes.clone();
    let last = nodes.last().cloned().ok_or_eyre("a witness without nodes")?;
    nodes.push(last.clone());
    let encoded = Witness { nodes, codes: witness.codes.clone() }.encode();
    let item = alloy_rlp::encode(&last);
    let end = alloy_rlp::encode(&witness.codes);
    let behind = item.len().saturating_mul(2).saturating_add(end.len());
    let inline = encoded.get(..encoded.len().saturating_sub(behind)).unwrap_or_default();
    Ok((inline.to_vec(), item, end))
}
