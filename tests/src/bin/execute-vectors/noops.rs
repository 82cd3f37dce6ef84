//! Invalid transactions: no-ops.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEip4844, TxEip7702},
    signers::SignerSync,
};
use alloy_primitives::{B256, Bytes, Signature, U256, uint};
use eyre::{OptionExt, ensure};
use recourse_protocol::{TxPosition, bindings::Credit};

use crate::{
    piece::{Expect, Piece},
    scene::{CHAIN, NOBODY, STORER, account, key},
    transactions::{PRICE, call, delegation, encode, legacy, sign, transfer},
};

/// The order of secp256k1.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

/// All of them.
pub(crate) fn all() -> eyre::Result<Vec<Piece>> {
    let mut all = stateless()?;
    all.extend(stateful()?);
    all.push(small());
    Ok(all)
}

/// Little, of every kind: two transactions and a credit, without any state.
fn small() -> Piece {
    let (one, two) = (Bytes::from_static(b"no transaction"), Bytes::from_static(b"neither"));
    Piece::new("small", "two no-ops and a credit on the empty root")
        .on("empty")
        .runs(one, Expect::NoOp)
        .runs(two, Expect::NoOp)
        .seals(vec![Credit { to: NOBODY, amountGwei: 1 }])
}

fn no_op(name: &'static str, description: &'static str, raw: Bytes) -> Piece {
    Piece::new(name, description).runs(raw, Expect::NoOp)
}

/// Those that need no witness at all.
fn stateless() -> eyre::Result<Vec<Piece>> {
    let good = || -> eyre::Result<TxEip1559> { Ok(transfer(0, account(1)?, 1)) };
    let sent = sign(0, good()?)?;
    let sent_ = sent.clone();
    let data = call(0, account(1)?, Bytes::from(vec![1; 200]));
    let none = TxEip7702 { authorization_list: vec![], ..delegation(1, 0, STORER, Bytes::new())? };
    let floor = TxEip1559 { gas_limit: 28_900, ..data.clone() };
    let late = Piece {
        position: TxPosition { gas_used_before: (1 << 28) - 999_999, ..TxPosition::default() },
        ..Piece::new("no-op-block-gas", "its gas limit is one over what is left of the block")
    };
    Ok(vec![
        no_op("no-op-empty", "no bytes at all", Bytes::new()),
        no_op("no-op-garbage", "no transaction", Bytes::from_static(b"garbage")),
        no_op("no-op-trailing", "a byte behind it", [&sent[..], &[0]].concat().into()),
        no_op("no-op-blob", "type 3", sign(0, blob())?),
        late.runs(sent, Expect::NoOp),
        no_op("no-op-signature", "nobody's: r is zero", unsigned(good()?)),
        no_op("no-op-high-s", "s is over half the order (EIP-2)", high_s(good()?)?),
        no_op("no-op-parity", "a y_parity of 2", with_parity(&sent_, 2)?),
        no_op(
            "no-op-v",
            "type 0 with a v of 29",
            with_parity(&sign(0, legacy(None, STORER))?, 29)?,
        ),
        no_op("no-op-chain", "another chain's", sign(0, TxEip1559 { chain_id: 1, ..good()? })?),
        no_op(
            "no-op-cap",
            "more gas than EIP-7825 allows",
            sign(0, TxEip1559 { gas_limit: (1 << 24) + 1, ..good()? })?,
        ),
        no_op(
            "no-op-tip",
            "the tip is over the fee",
            sign(0, TxEip1559 { max_priority_fee_per_gas: PRICE + 1, ..good()? })?,
        ),
        no_op(
            "no-op-fee",
            "the fee is under the base fee",
            sign(0, TxEip1559 { max_fee_per_gas: 999_999_999, ..good()? })?,
        ),
        no_op("no-op-no-authorization", "type 4 without authorizations", sign(0, none)?),
        no_op(
            "no-op-nonce-max",
            "nonce 2^64 - 1 (EIP-2681)",
            sign(0, TxEip1559 { nonce: u64::MAX, ..good()? })?,
        ),
        no_op(
            "no-op-intrinsic",
            "less gas than a transfer's",
            sign(0, TxEip1559 { gas_limit: 20_999, ..good()? })?,
        ),
        no_op(
            "no-op-floor",
            "less gas than its data's floor (EIP-7623), more than intrinsic",
            sign(0, floor)?,
        ),
    ])
}

/// Those that the sender's account shows.
fn stateful() -> eyre::Result<Vec<Piece>> {
    let good = || -> eyre::Result<TxEip1559> { Ok(transfer(0, account(1)?, 1)) };
    let sent = sign(0, good()?)?;
    let huge = TxEip1559 { max_fee_per_gas: 1 << 120, ..good()? };
    Ok(vec![
        no_op("no-op-code", "the sender has code (EIP-3607)", sent.clone()).on("contract-sender"),
        no_op("no-op-nonce-high", "the nonce is one too high", sign(0, transfer(1, STORER, 1))?),
        no_op("no-op-nonce-low", "the nonce is one too low", sign(1, good()?)?).on("delegated"),
        no_op("no-op-poor", "nobody, without a wei", sign(20, good()?)?),
        no_op("no-op-poor-empty", "the same on the empty root", sent).on("empty"),
        no_op(
            "no-op-value",
            "fee and value together overflow",
            sign(0, TxEip1559 { value: U256::MAX, ..good()? })?,
        ),
        no_op(
            "no-op-fee-overflow",
            "gas limit times fee is over 2^128 - 1, though the sender has \
                                     that much",
            sign(0, huge)?,
        )
        .on("rich"),
    ])
}

fn blob() -> TxEip4844 {
    TxEip4844 {
        chain_id: CHAIN,
        gas_limit: 100_000,
        max_fee_per_gas: PRICE,
        max_fee_per_blob_gas: PRICE,
        blob_versioned_hashes: vec![B256::with_last_byte(1)],
        ..TxEip4844::default()
    }
}

fn unsigned(tx: TxEip1559) -> Bytes {
    encode(tx.into_signed(Signature::new(U256::ZERO, U256::ONE, false)))
}

fn high_s(tx: TxEip1559) -> eyre::Result<Bytes> {
    let low = key(0)?.sign_hash_sync(&tx.signature_hash())?;
    let high = Signature::new(low.r(), ORDER.wrapping_sub(low.s()), !low.v());
    Ok(encode(tx.into_signed(high)))
}

/// A signed transaction with another parity (or v), which stands before r and s of 32 bytes each.
fn with_parity(raw: &Bytes, parity: u8) -> eyre::Result<Bytes> {
    let mut raw = raw.to_vec();
    let [.., before, r, _] = [67, 66, 33].map(|back| raw.len().checked_sub(back));
    let (before, r) = before.zip(r).ok_or_eyre("too short")?;
    ensure!(raw.get(r) == Some(&0xa0), "r is short: take another transaction");
    *raw.get_mut(before).ok_or_eyre("too short")? = parity;
    Ok(raw.into())
}
