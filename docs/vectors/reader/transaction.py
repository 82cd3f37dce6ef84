"""Transactions: which ones are invalid by what they say themselves, and who sent the others."""

import rlp
from keccak import keccak
from secp256k1 import recover

_FIELDS = {
    0: ("nonce", "price", "gas", "to", "value", "data"),
    1: ("chain", "nonce", "price", "gas", "to", "value", "data", "access"),
    2: ("chain", "nonce", "tip", "price", "gas", "to", "value", "data", "access"),
    4: ("chain", "nonce", "tip", "price", "gas", "to", "value", "data", "access", "authorizations"),
}
_BITS = {"chain": 64, "nonce": 64, "gas": 64, "tip": 128, "price": 128, "value": 256}


class Invalid(Exception):
    """A no-op."""


def decode(raw):
    """The fields by name, with the type, what was signed, and the signature."""
    try:
        return _decode(raw)
    except rlp.Malformed as error:
        raise Invalid(str(error)) from None


def _decode(raw):
    kind = raw[0] if raw and raw[0] < 0x80 else 0
    if kind not in _FIELDS:
        raise Invalid("blobs, or no type")
    items = rlp.decode(raw[1:] if kind else raw)
    names = _FIELDS[kind]
    if not isinstance(items, list) or len(items) != len(names) + 3:
        raise Invalid("not a transaction")
    tx = dict(zip(names, items))
    for name, value in tx.items():
        if isinstance(value, list) != (name in ("access", "authorizations")):
            raise Invalid("a list or a string where the other belongs")
        if name in _BITS:
            tx[name] = rlp.integer(value, _BITS[name])
    if len(tx["to"]) not in ((20,) if kind == 4 else (0, 20)):
        raise Invalid("not an address")
    v, r, s = (rlp.integer(item, 256) for item in items[-3:])
    signed = items[:-3]
    if kind == 0:
        tx["chain"] = None
        if v >= 35:
            tx["chain"], v = (v - 35) // 2, 27 + (v - 35) % 2
            signed = signed + [tx["chain"], 0, 0]
        v -= 27
    if v not in (0, 1) or (tx["chain"] or 0) >> 64:
        raise Invalid("no parity")
    tx.setdefault("tip", tx["price"])
    payload = rlp.encode(signed)
    tx.update(kind=kind, signature=(keccak((bytes([kind]) if kind else b"") + payload), v, r, s))
    return tx


def check_alone(tx, context, available):
    """Checks 2 to 5: the sender, if all is well."""
    chain, _, _, _, base_fee, _, _ = context
    if tx["gas"] > available:
        raise Invalid("over what is left of the block")
    sender = recover(*tx["signature"])
    if sender is None:
        raise Invalid("nobody signed")
    if tx["chain"] != chain and not (tx["kind"] == 0 and tx["chain"] is None):
        raise Invalid("another chain's")
    if tx["gas"] > 1 << 24 or tx["tip"] > tx["price"] or tx["price"] < base_fee:
        raise Invalid("gas or fees")
    if tx["kind"] == 4 and not tx["authorizations"]:
        raise Invalid("no authorization")
    if (not tx["to"] and len(tx["data"]) > 49_152) or tx["nonce"] == (1 << 64) - 1:
        raise Invalid("init code or nonce")
    if tx["gas"] < max(intrinsic(tx), floor(tx)):
        raise Invalid("too little gas")
    return sender


def _tokens(tx):
    zeros = tx["data"].count(0)
    return zeros + 4 * (len(tx["data"]) - zeros)


def intrinsic(tx):
    """Gas before anything runs."""
    gas = 21_000 + 4 * _tokens(tx)
    for _, keys in tx.get("access", ()):
        gas += 2_400 + 1_900 * len(keys)
    if not tx["to"]:
        gas += 32_000 + 2 * -(-len(tx["data"]) // 32)
    return gas + 25_000 * len(tx.get("authorizations", ()))


def floor(tx):
    """Gas that is used at least (EIP-7623)."""
    return 21_000 + 10 * _tokens(tx)
