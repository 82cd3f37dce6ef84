//! False claims, one or more for every reason.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use eyre::{OptionExt, ensure};
use recourse_execution::{Claim, Recorded, Schedule, Witness, replay};
use recourse_protocol::bindings::{Credit, Trace};
use recourse_tests::published::{L1, Reason};

use crate::{envelope, piece::Played, raw, scene::account};

/// A claim that is meant to be false.
#[derive(Clone, Debug)]
pub(crate) struct Lie {
    pub(crate) name: String,
    pub(crate) description: &'static str,
    pub(crate) reason: Reason,
    pub(crate) l1: L1,
    pub(crate) pre: B256,
    pub(crate) post: B256,
    pub(crate) trace: Bytes,
    pub(crate) gas_used: u64,
}

impl Lie {
    pub(crate) fn input(&self) -> Bytes {
        envelope::encode(self.pre, self.post, &self.trace, self.gas_used)
    }

    /// Fails unless the claim is false for the reason meant.
    pub(crate) fn check(&self) -> eyre::Result<()> {
        let trace = &self.trace;
        let claim = Claim { pre: self.pre, post: self.post, trace, gas_used: self.gas_used };
        let answer = replay(&claim, &Schedule::osaka(), &|at| self.l1.codes.get(&at).cloned());
        let got = answer.as_ref().err().map(Reason::from);
        ensure!(got == Some(self.reason), "{}: {answer:?}", self.name);
        Ok(())
    }
}

/// The pieces that lies are made of, by name.
pub(crate) type Truths = BTreeMap<&'static str, Played>;

/// All of them.
pub(crate) fn all(truths: &Truths) -> eyre::Result<Vec<Lie>> {
    let lists = [
        claims(truths)?,
        traces(truths)?,
        encodings(truths)?,
        witnesses(truths)?,
        nodes(truths)?,
        pointers(truths)?,
    ];
    Ok(lists.into_iter().flatten().collect())
}

fn find<'a>(truths: &'a Truths, name: &str) -> eyre::Result<&'a Played> {
    truths.get(name).ok_or_eyre("a lie is about nothing")
}

/// The true claim, to be changed.
fn of(truths: &Truths, name: &str, lie: &str, reason: Reason) -> eyre::Result<Lie> {
    let played = find(truths, name)?;
    let Recorded { state_root, gas_used, trace, .. } = &played.recorded;
    Ok(Lie {
        name: format!("{name}/{lie}"),
        description: "",
        reason,
        l1: L1::default(),
        pre: played.pre,
        post: *state_root,
        trace: trace.abi_encode().into(),
        gas_used: *gas_used,
    })
}

/// What is claimed is not so.
fn claims(truths: &Truths) -> eyre::Result<Vec<Lie>> {
    let lie = |what, reason| of(truths, "lonely", what, reason);
    let true_gas = lie("", Reason::GasUsed)?.gas_used;
    let mut all = Vec::new();
    for (what, description, gas_used, reason) in [
        ("gas-more", "a unit of gas too much", true_gas.saturating_add(1), Reason::GasUsed),
        (
            "gas-less",
            "a unit of gas too little, within a quarter",
            true_gas.saturating_sub(1),
            Reason::GasUsed,
        ),
        ("gas-none", "no gas: the transaction is not even started", 0, Reason::GasBound),
    ] {
        all.push(Lie { description, gas_used, ..lie(what, reason)? });
    }
    let honest = lie("", Reason::StateRoot)?;
    all.push(Lie {
        description: "nothing changed",
        post: honest.pre,
        ..lie("post", Reason::StateRoot)?
    });
    all.push(Lie {
        description: "another state before: no node of the witness is its root",
        pre: honest.post,
        ..lie("pre", Reason::MissingNode)?
    });
    all.push(Lie {
        description: "the empty state before: nobody could pay",
        pre: alloy_trie::EMPTY_ROOT_HASH,
        ..lie("pre-empty", Reason::GasUsed)?
    });
    all.push(Lie {
        description: "a loop that takes 1,000,000 gas is claimed to take 30,000",
        gas_used: 30_000,
        ..of(truths, "loop", "gas-bound", Reason::GasBound)?
    });
    all.push(Lie {
        description: "a no-op that would change the state",
        post: B256::repeat_byte(1),
        ..of(truths, "no-op-chain", "post", Reason::StateRoot)?
    });
    Ok(all)
}

/// Of which piece, what, in words, why it is false then, and what is done to the trace.
type Change = (&'static str, &'static str, &'static str, Reason, fn(&mut Trace));

/// Another trace than the one that the claim is true for.
fn traces(truths: &Truths) -> eyre::Result<Vec<Lie>> {
    let mut all = Vec::new();
    for (name, what, description, reason, change) in changes() {
        let mut trace = find(truths, name)?.recorded.trace.clone();
        change(&mut trace);
        let lie = of(truths, name, what, reason)?;
        all.push(Lie { description, trace: trace.abi_encode().into(), ..lie });
    }
    Ok(all)
}

fn changes() -> [Change; 10] {
    [
        ("lonely", "unsealed", "a credit without a seal", Reason::CreditsWithoutSeal, |t| {
            t.credits = vec![Credit { to: Address::ZERO, amountGwei: 1 }];
        }),
        ("lonely", "digest", "another digest of receipts", Reason::ReceiptDigest, |t| {
            t.receiptDigestAfter = keccak256(t.receiptDigestAfter);
        }),
        ("lonely", "chain", "another chain: the transaction is a no-op", Reason::GasUsed, |t| {
            t.context.chainId = 1;
        }),
        ("lonely", "no-transaction", "without its transaction", Reason::GasUsed, |t| {
            t.transactions.clear();
        }),
        ("lonely", "base-fee", "a base fee of 2^64", Reason::BaseFeeRange, |t| {
            t.context.baseFee = raw::TWO_64;
        }),
        ("open", "parent", "another parent hash", Reason::StateRoot, |t| {
            t.parentHash = B256::repeat_byte(1);
        }),
        ("open", "timestamp", "other slots of the ring are written", Reason::StateRoot, |t| {
            t.context.timestamp = t.context.timestamp.saturating_add(1);
        }),
        ("limit-exact", "limit", "a byte less may be used", Reason::GasBound, |t| {
            t.maxWitnessBytes = t.maxWitnessBytes.saturating_sub(1);
        }),
        (
            "limit-code",
            "limit",
            "a byte more may be used: it is not exhausted",
            Reason::GasUsed,
            |t| {
                t.maxWitnessBytes = t.maxWitnessBytes.saturating_add(1);
            },
        ),
        ("seal", "credit", "a credit is missing", Reason::StateRoot, |t| {
            t.credits.remove(1);
        }),
    ]
}

/// Bytes that are not the one encoding of a trace.
fn encodings(truths: &Truths) -> eyre::Result<Vec<Lie>> {
    let played = find(truths, "small")?;
    let mut all = Vec::new();
    for (what, description, trace) in raw::not_canonical(&played.recorded.trace)? {
        let lie = of(truths, "small", what, Reason::TraceEncoding)?;
        all.push(Lie { description, trace, ..lie });
    }
    Ok(all)
}

/// A claim with another witness.
fn with(
    truths: &Truths,
    name: &str,
    what: &str,
    reason: Reason,
    witness: Bytes,
) -> eyre::Result<Lie> {
    let trace = Trace { witness, ..find(truths, name)?.recorded.trace.clone() };
    Ok(Lie { trace: trace.abi_encode().into(), ..of(truths, name, what, reason)? })
}

/// Witnesses that are malformed, or lack something.
fn witnesses(truths: &Truths) -> eyre::Result<Vec<Lie>> {
    let mut all = Vec::new();
    let good = find(truths, "lonely")?.recorded.witness.clone();
    for (what, description, witness) in raw::no_witness(&good) {
        let lie = with(truths, "lonely", what, Reason::WitnessEncoding, witness)?;
        all.push(Lie { description, ..lie });
    }
    let mut lacking = |name, what, description, reason, change: fn(&mut Witness)| {
        let mut witness = find(truths, name)?.recorded.witness.clone();
        change(&mut witness);
        let lie = with(truths, name, what, reason, witness.encode())?;
        all.push(Lie { description, ..lie });
        eyre::Ok(())
    };
    let (node, code) = (Reason::MissingNode, Reason::MissingCode);
    lacking("transfer", "no-root", "without the root", node, |w| drop(w.nodes.remove(0)))?;
    lacking("transfer", "no-last", "without the last node", node, |w| drop(w.nodes.pop()))?;
    lacking(
        "transfer",
        "flipped",
        "a bit of the last node is another: it is not found",
        node,
        |w| {
            w.nodes = w.nodes.iter().map(|item| raw::flip_last(item)).collect();
        },
    )?;
    lacking("transfer", "as-codes", "its nodes among the codes", node, |w| {
        w.codes.append(&mut w.nodes);
    })?;
    lacking(
        "storage-collapse",
        "no-sibling",
        "without the leaf that is left: no slot read it, but the branch above collapses into it",
        node,
        |w| drop(w.nodes.pop()),
    )?;
    lacking("code-sizes", "no-code", "without a code", code, |w| drop(w.codes.pop()))?;
    lacking("code-sizes", "as-nodes", "its codes among the nodes", code, |w| {
        w.nodes.append(&mut w.codes);
    })?;
    Ok(all)
}

/// States that are none.
fn nodes(truths: &Truths) -> eyre::Result<Vec<Lie>> {
    let mut all = Vec::new();
    for (what, description, root, node) in raw::no_nodes() {
        let witness = Witness { nodes: vec![node], codes: vec![] }.encode();
        let lie = with(truths, "lonely", what, Reason::MalformedNode, witness)?;
        all.push(Lie { description, pre: root, ..lie });
    }
    for (name, what, description, reason) in [
        ("no-history-code", "open", "the EIP-2935 address has another code", Reason::PredeployCode),
        ("no-anchor-code", "open", "the EIP-4788 address has none", Reason::PredeployCode),
        ("rich", "seal", "a credit to who has 2^256 - 1 wei", Reason::CreditOverflow),
    ] {
        all.push(Lie { description, ..impossible(truths, name, what, reason)? });
    }
    Ok(all)
}

/// An opening, or a credit to account 0, on a state that does not allow it. The witness has all that is asked for.
fn impossible(
    truths: &Truths,
    state: &'static str,
    what: &str,
    reason: Reason,
) -> eyre::Result<Lie> {
    let pre = crate::scene::state(state)?;
    let mut trace = find(truths, what)?.recorded.trace.clone();
    let first = account(0)?;
    if trace.seals {
        trace.credits = vec![Credit { to: first, amountGwei: 1 }];
    }
    let mut witness = Witness::default();
    for address in [
        first,
        alloy_eips::eip4788::BEACON_ROOTS_ADDRESS,
        alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS,
    ] {
        for node in pre.proof(address, &[])?.nodes {
            if !witness.nodes.contains(&node) {
                witness.nodes.push(node);
            }
        }
    }
    trace.witness = witness.encode();
    Ok(Lie {
        name: format!("{what}/{state}"),
        description: "",
        reason,
        l1: L1::default(),
        pre: pre.root(),
        post: pre.root(),
        trace: trace.abi_encode().into(),
        gas_used: 0,
    })
}

/// Pointers to nothing, or in another order.
fn pointers(truths: &Truths) -> eyre::Result<Vec<Lie>> {
    let (one, two) = (Address::repeat_byte(0xc1), Address::repeat_byte(0xc2));
    let mut trace = find(truths, "transfer")?.recorded.trace.clone();
    let witness = trace.witness.clone();
    let third = witness.len() / 3;
    let part = |from: usize, to: usize| witness.get(from..to).unwrap_or_default();
    let code = |first: &[u8], part: &[u8]| Bytes::from([first, part].concat());
    let (second, last) =
        (part(third, third.saturating_mul(2)), part(third.saturating_mul(2), witness.len()));
    trace.witness = Bytes::copy_from_slice(part(0, third));
    trace.pointers = vec![one, two];
    let delegated = Bytes::from([&[0xef, 0x01, 0x00], one.as_slice()].concat());
    let good = || BTreeMap::from([(one, code(&[0], second)), (two, code(&[0], last))]);
    let swapped = BTreeMap::from([(two, code(&[0], second)), (one, code(&[0], last))]);
    let put = |address, code| {
        let mut codes = good();
        codes.insert(address, code);
        codes
    };
    let mut all = Vec::new();
    for (what, description, codes, reason) in [
        ("no-code", "no code at the second address", put(two, Bytes::new()), Reason::PointerCode),
        (
            "no-zero",
            "the code does not begin with a zero byte",
            put(two, code(&[1], last)),
            Reason::PointerCode,
        ),
        (
            "delegated",
            "the second address is delegated to the first",
            put(two, delegated),
            Reason::PointerCode,
        ),
        (
            "only-zero",
            "the second code is the zero byte alone",
            put(two, code(&[0], &[])),
            Reason::WitnessEncoding,
        ),
        ("swapped", "the parts in another order", swapped, Reason::WitnessEncoding),
    ] {
        let codes = codes.into_iter().filter(|(_, code)| !code.is_empty()).collect();
        all.push(Lie {
            description,
            l1: L1 { codes, ..L1::default() },
            trace: trace.abi_encode().into(),
            name: format!("pointers/{what}"),
            ..of(truths, "transfer", what, reason)?
        });
    }
    Ok(all)
}
