"""Executes a piece of a block on its witness alone, as far as that goes without an EVM."""

import rlp
from ends import NeedsEvm, No
from keccak import keccak
from transaction import Invalid, check_alone, decode, floor, intrinsic
from trie import EMPTY_CODE, EMPTY_ROOT, Trie, account_value, nibbles, slot_value

BEACON_ROOTS = 0x000F3DF6D732807EF1319FB7B8BB8522D0BEAC02
HISTORY_STORAGE = 0x0000F90827F1C53A10CB7A02335B175320002935
STANDARD = {
    BEACON_ROOTS: "f57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c",
    HISTORY_STORAGE: "6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d",
}
RING = 8_191
PRECOMPILES = [*range(1, 18), 0x100]
ABSENT = (0, 0, EMPTY_ROOT, EMPTY_CODE)
EMPTY_BLOOM = bytes(256)


class Exhausted(Exception):
    """More bytes are used than can be proven."""


def is_empty(account):
    """In the sense of EIP-161: its storage does not matter."""
    nonce, balance, _, code_hash = account
    return nonce == 0 and balance == 0 and code_hash == EMPTY_CODE


def hashed(address):
    return nibbles(keccak(address.to_bytes(20, "big")))


def hashed_slot(slot):
    return nibbles(keccak((slot % 2**256).to_bytes(32, "big")))


def decode_witness(data):
    """Nodes and codes by their hashes."""
    try:
        lists = rlp.decode(data)
    except rlp.Malformed:
        raise No("WITNESS_ENCODING") from None
    if not isinstance(lists, list) or len(lists) != 2 or not all(isinstance(part, list) for part in lists):
        raise No("WITNESS_ENCODING")
    items = lists[0] + lists[1]
    if len(items) > len(data) // 32 or any(isinstance(item, list) for item in items):
        raise No("WITNESS_ENCODING")
    return [{keccak(item): item for item in part} for part in lists]


class Piece:
    """A state under way, and what its parts use."""

    def __init__(self, root, nodes, codes):
        self.store, self.codes = dict(nodes), codes
        self.accounts = self._trie(root, account_value)
        self.begin()

    def begin(self):
        """A new part: nothing is used yet, without a limit."""
        self.seen, self.used, self.limit = set(), 0, None

    def enforce(self, limit):
        self.limit = limit
        self._check()

    def _count(self, kind, name, size):
        if (kind, name) not in self.seen:
            self.seen.add((kind, name))
            self.used += size
            self._check()

    def _check(self):
        if self.limit is not None and self.used > self.limit:
            raise Exhausted

    def _trie(self, root, read_value):
        return Trie(root, self.store, read_value, lambda name, size: self._count("node", name, size))

    def account(self, address):
        """Nonce, balance, storage root, code hash; None if there is none."""
        value = self.accounts.get(hashed(address))
        return None if value is None else account_value(value)

    def code(self, name):
        if name == EMPTY_CODE:
            return b""
        if name not in self.codes:
            raise No("MISSING_CODE")
        self._count("code", name, len(self.codes[name]))
        return self.codes[name]

    def storage(self, root):
        return self._trie(root, slot_value)

    def write(self, changes):
        """Accounts by address, as they are afterwards; an empty one is not there (EIP-161), an unchanged one is not written."""
        changed = {address: account for address, account in changes.items() if tuple(account) != tuple(self.account(address) or ABSENT)}
        values = {hashed(address): None if is_empty(account) else rlp.encode(list(account)) for address, account in changed.items()}
        self.accounts.apply(values)
        self.accounts.root()

    def system_call(self, address, slots):
        """What the standard code at `address` does: it writes these slots."""
        self.begin()
        nonce, balance, root, code_hash = self.account(address)
        self.code(code_hash)
        storage = self.storage(root)
        held = {slot: storage.get(hashed_slot(slot)) for slot in slots}
        changed = {slot: value for slot, value in slots.items() if value != (slot_value(held[slot]) if held[slot] else 0)}
        values = {hashed_slot(slot): rlp.encode(value) if value else None for slot, value in changed.items()}
        storage.apply(values)
        self.write({address: (nonce, balance, storage.root(), code_hash)})

    def open(self, trace):
        for address in (BEACON_ROOTS, HISTORY_STORAGE):
            if (self.account(address) or ABSENT)[3].hex() != STANDARD[address]:
                raise No("PREDEPLOY_CODE")
        _, number, timestamp, *_ = trace["context"]
        ring, anchor = timestamp % RING, int.from_bytes(trace["anchor"], "big")
        self.system_call(BEACON_ROOTS, {ring: timestamp, ring + RING: anchor})
        parent = (number - 1) % 2**256 % RING
        self.system_call(HISTORY_STORAGE, {parent: int.from_bytes(trace["parentHash"], "big")})

    def credit(self, credits):
        self.begin()
        changes = {}
        for to, gwei in credits:
            account = changes.get(to) or self.account(to) or ABSENT
            balance = account[1] + gwei * 10**9
            if balance >> 256:
                raise No("CREDIT_OVERFLOW")
            account = (account[0], balance) + account[2:]
            # As the specs have it: what is empty after a credit is gone, with its storage.
            changes[to] = ABSENT if is_empty(account) else account
        self.write(changes)

    def transact(self, raw, trace, gas_before, gross_left):
        """Gas used, the receipt's bytes or None for a no-op, and the gross gas."""
        self.begin()
        context = trace["context"]
        tx = decode(raw)
        sender = check_alone(tx, context, max(0, context[3] - gas_before))
        nonce, balance, root, code_hash = self.account(sender) or ABSENT
        code = self.code(code_hash)
        if code and not (len(code) == 23 and code[:3] == b"\xef\x01\x00"):
            raise Invalid("a sender with code")
        most = tx["gas"] * tx["price"]
        if nonce != tx["nonce"] or most >> 128 or balance < most + tx["value"]:
            raise Invalid("nonce or balance")
        if intrinsic(tx) > gross_left:
            raise No("GAS_BOUND")
        coinbase, base_fee = context[6], context[4]
        price = min(tx["price"], base_fee + tx["tip"]) if tx["kind"] >= 2 else tx["price"]
        try:
            self.account(coinbase)
            self.enforce(trace["maxWitnessBytes"])
            gas, gross, value, to, status = *self.run(tx), tx["value"], int.from_bytes(tx["to"], "big"), 1
        except Exhausted:
            gas, gross, value, to, status = tx["gas"], tx["gas"], 0, sender, 0
        self.limit = None
        changes = {}
        self.add(changes, sender, -gas * price - value, 1)
        self.add(changes, to, value)
        self.add(changes, coinbase, gas * (price - base_fee))
        self.write(changes)
        receipt = rlp.encode([status, gas_before + gas, EMPTY_BLOOM, []])
        return gas, (bytes([tx["kind"]]) if tx["kind"] else b"") + receipt, gross

    def run(self, tx):
        """Gas used and gross gas of a transfer to an account without code."""
        if tx["kind"] == 4 or not tx["to"]:
            raise NeedsEvm
        to = int.from_bytes(tx["to"], "big")
        code = self.code((self.account(to) or ABSENT)[3])
        if code or to in PRECOMPILES:
            raise NeedsEvm
        return max(intrinsic(tx), floor(tx)), intrinsic(tx)

    def add(self, changes, address, wei, nonce=0):
        account = changes.get(address) or self.account(address) or ABSENT
        changes[address] = (account[0] + nonce, account[1] + wei) + account[2:]


def replay(pre, post, trace, witness, gas_used):
    """Returns if the answer is true."""
    nodes, codes = decode_witness(witness)
    if trace["context"][4] >> 64:
        raise No("BASE_FEE_RANGE")
    piece = Piece(pre, nodes, codes)
    if trace["opens"]:
        piece.open(trace)
    digest, total, gross_left = trace["receiptDigestBefore"], 0, gas_used + gas_used // 4
    for raw in trace["transactions"]:
        try:
            gas, receipt, gross = piece.transact(raw, trace, trace["gasUsedBefore"] + total, gross_left)
        except Invalid:
            continue
        if gross > gross_left:
            raise No("GAS_BOUND")
        total, gross_left = total + gas, gross_left - gross
        digest = keccak(digest + keccak(receipt))
    if trace["seals"]:
        piece.credit(trace["credits"])
    if total != gas_used:
        raise No("GAS_USED")
    if digest != trace["receiptDigestAfter"]:
        raise No("RECEIPT_DIGEST")
    if piece.accounts.root() != post:
        raise No("STATE_ROOT")
