//! What a fuzzer does to a claim, one change after the other.

use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_protocol::bindings::Credit;

use super::{
    claims::{KNOWN, Known},
    input::Input,
};

/// What a change can spoil at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nothing: the claim must stay what it was.
    None,
    /// The claim may be false now.
    Some,
}

/// Changes a claim in one way.
pub fn mutate(claim: &mut Known, input: &mut Input<'_>) -> Harm {
    match input.byte() % 8 {
        0 => harmless(claim, input),
        1 | 2 => in_list(&mut claim.witness.nodes, input),
        3 => in_list(&mut claim.witness.codes, input),
        4 => lists(claim, input),
        5 => answer(claim, input),
        6 => block(claim, input),
        _ => body(claim, input),
    }
    .unwrap_or(Harm::Some)
}

type Done = Option<Harm>;

/// Order, copies and surplus do not matter.
fn harmless(claim: &mut Known, input: &mut Input<'_>) -> Done {
    let witness = &mut claim.witness;
    let list = if input.byte().is_multiple_of(2) { &mut witness.nodes } else { &mut witness.codes };
    let (one, other) = (input.index(list.len()), input.index(list.len()));
    match input.byte() % 4 {
        0 => list.reverse(),
        1 if !list.is_empty() => list.swap(one, other),
        2 if !list.is_empty() => list.push(list[one].clone()),
        _ => {
            let fill = input.byte();
            list.insert(one, Bytes::from(vec![fill; 40]));
        }
    }
    Some(Harm::None)
}

/// One item is dropped, cut, changed, or replaced.
fn in_list(list: &mut Vec<Bytes>, input: &mut Input<'_>) -> Done {
    let index = input.index(list.len());
    let item = list.get(index)?.to_vec();
    match input.byte() % 5 {
        0 => drop(list.remove(index)),
        1 => list[index] = item[..input.index(item.len())].to_vec().into(),
        2 => list[index] = flipped(item, input),
        3 => list[index] = list[input.index(list.len())].clone(),
        _ => list[index] = [&item[..], input.take(3)].concat().into(),
    }
    Some(Harm::Some)
}

/// Nodes among codes, codes among nodes, those of other claims, none at all.
fn lists(claim: &mut Known, input: &mut Input<'_>) -> Done {
    let witness = &mut claim.witness;
    let other = &KNOWN[input.index(KNOWN.len())].witness;
    match input.byte() % 4 {
        0 => std::mem::swap(&mut witness.nodes, &mut witness.codes),
        1 => witness.nodes.append(&mut witness.codes),
        2 => *witness = other.clone(),
        _ => witness.nodes.clear(),
    }
    Some(Harm::Some)
}

/// Roots, gas and digest.
fn answer(claim: &mut Known, input: &mut Input<'_>) -> Done {
    match input.byte() % 5 {
        0 => flip(&mut claim.post, input),
        1 => flip(&mut claim.pre, input),
        2 => flip(&mut claim.trace.receiptDigestAfter, input),
        3 => claim.gas_used = claim.gas_used.wrapping_add_signed((input.byte() as i8).into()),
        _ => claim.gas_used = number(input),
    }
    Some(Harm::Some)
}

/// What the block is, and where in it the piece stands.
fn block(claim: &mut Known, input: &mut Input<'_>) -> Done {
    let trace = &mut claim.trace;
    let context = &mut trace.context;
    match input.byte() % 14 {
        0 => context.chainId = number(input),
        1 => context.number = number(input),
        2 => context.timestamp = number(input),
        3 => context.gasLimit = number(input),
        4 => context.baseFee = U256::from(number(input)) << (input.byte() % 80),
        5 => flip(&mut context.prevRandao, input),
        6 => context.coinbase = address(input),
        7 => trace.opens ^= true,
        8 => trace.seals ^= true,
        9 => flip(&mut trace.parentHash, input),
        10 => trace.gasUsedBefore = number(input),
        11 => flip(&mut trace.receiptDigestBefore, input),
        12 => trace.maxWitnessBytes = input.u16().into(),
        _ => trace.pointers.push(address(input)),
    }
    Some(Harm::Some)
}

/// Transactions and credits.
fn body(claim: &mut Known, input: &mut Input<'_>) -> Done {
    let trace = &mut claim.trace;
    let list = &mut trace.transactions;
    let index = input.index(list.len());
    match input.byte() % 7 {
        0 => drop(list.get(index).is_some().then(|| list.remove(index))),
        1 => list.push(list.get(index)?.clone()),
        2 => list.reverse(),
        3 => *list.get_mut(index)? = flipped(list.get(index)?.to_vec(), input),
        4 => list.extend(KNOWN[input.index(KNOWN.len())].trace.transactions.iter().cloned()),
        5 => trace.credits.push(Credit { to: address(input), amountGwei: number(input) }),
        _ => drop(trace.credits.pop()),
    }
    Some(Harm::Some)
}

/// Numbers near 0, near the powers of two, and others.
fn number(input: &mut Input<'_>) -> u64 {
    let small = u64::from(input.byte());
    match input.byte() % 4 {
        0 => small,
        1 => 1_u64.wrapping_shl(input.byte().into()).wrapping_sub(small),
        2 => u64::MAX - small,
        _ => input.u64(),
    }
}

/// Accounts that are there, and others.
fn address(input: &mut Input<'_>) -> Address {
    let index = input.byte();
    match input.byte() % 4 {
        0 => super::world::SENDERS[usize::from(index % 4)],
        1 => super::world::neighbour(index),
        2 => super::world::STORER,
        _ => Address::with_last_byte(index),
    }
}

fn flip(word: &mut B256, input: &mut Input<'_>) {
    let bit = input.byte();
    word[usize::from(bit / 8)] ^= 1 << (bit % 8);
}

fn flipped(mut bytes: Vec<u8>, input: &mut Input<'_>) -> Bytes {
    let (at, bit) = (input.index(bytes.len()), input.byte() % 8);
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
    }
    bytes.into()
}
