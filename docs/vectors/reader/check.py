"""Checks the published vectors against the specification alone: written from docs/execute.md, sharing nothing with the Rust.

Without an EVM: a call whose transactions only move value is re-executed on its witness to its end; another one is followed
up to the first instruction, and what it comes to is held against the published state, receipts and witness.

    python3 docs/vectors/reader/check.py
"""

import json
import pathlib
import sys

import abi
import rlp
from call import answer, judge
from ends import Fails, NeedsEvm, No
from keccak import keccak
from piece import Piece, decode_witness, hashed, hashed_slot
from trie import EMPTY_ROOT, Trie, account_value, slot_value

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "execute"
BEFORE_EVM = ("TRACE_ENCODING", "CREDITS_WITHOUT_SEAL", "POINTER_CODE", "WITNESS_ENCODING", "BASE_FEE_RANGE",
              "PREDEPLOY_CODE", "CREDIT_OVERFLOW", "MALFORMED_NODE")
"""Reasons that need no EVM to be found."""
LEAST_IN_FULL = 150
"""So many calls are followed to their end, lest this program checks less and less and nobody notices."""


def load(name):
    with open(FOLDER / name, encoding="utf-8") as file:
        return json.load(file)


def data(text):
    assert text.startswith("0x"), text
    return bytes.fromhex(text[2:])


def call_ends(call):
    """Whether the call was followed to its end."""
    l1 = dict(call["l1"], codes={int(at, 16): data(code) for at, code in call["l1"]["codes"].items()})
    everything = l1["gasForwarded"]
    try:
        output, gas, left = answer(l1, data(call["input"]))
        end = ("true" if call["input"] != "0x" else "query", None, output, gas, left)
    except Fails as fails:
        end = ("fails", str(fails), b"", everything, l1["gasLeft"])
    except No as no:
        end = ("false", str(no), abi.word(0), no.gas, no.left)
    except NeedsEvm as evm:
        assert call["result"] in ("true", "false"), call["name"]
        assert (call["gas"], call["gasLeftAfter"]) == (evm.gas, evm.left), call["name"]
        assert call["reason"] not in BEFORE_EVM, call["name"]
        return False
    told = (call["result"], call["reason"], data(call["output"]), call["gas"], call["gasLeftAfter"])
    assert end == told, f"{call['name']}: {end}, published {told}"
    return True


def root_of(accounts):
    """The root of a state that is wholly known."""
    store, values = {}, {}
    for address, account in accounts.items():
        storage = Trie(EMPTY_ROOT, store, slot_value)
        slots = {int(slot, 16): int(value, 16) for slot, value in account["storage"].items()}
        storage.apply({hashed_slot(slot): rlp.encode(value) for slot, value in slots.items()})
        fields = [account["nonce"], int(account["balance"], 16), storage.root(), keccak(data(account["code"]))]
        values[hashed(int(address, 16))] = rlp.encode(fields)
    trie = Trie(EMPTY_ROOT, store, account_value)
    trie.apply(values)
    return trie.root()


def piece_agrees(piece, states, call):
    """The trace of the call is the published one, and its parts are those of the published states."""
    name, told = piece["name"], piece["trace"]
    pre, post, encoded, gas_used = abi.decode_envelope(data(call["input"]))
    trace = abi.decode_trace(encoded)
    context = told["context"]
    fields = [context[key] for key in ("chainId", "number", "timestamp", "gasLimit")]
    fields += [int(context["baseFee"], 16), int(context["prevRandao"], 16), int(context["coinbase"], 16)]
    assert trace["context"] == fields, name
    for key in ("opens", "seals", "gasUsedBefore", "maxWitnessBytes"):
        assert trace[key] == told[key], (name, key)
    for key in ("parentHash", "anchor", "receiptDigestBefore", "receiptDigestAfter"):
        assert trace[key] == data(told[key]), (name, key)
    assert trace["credits"] == [(int(c["to"], 16), c["amountGwei"]) for c in told["credits"]], name
    assert trace["transactions"] == [data(raw) for raw in told["transactions"]], name
    assert not trace["pointers"], name
    assert (pre, post) == (data(piece["preStateRoot"]), data(piece["postStateRoot"])), name
    assert gas_used == piece["gasUsed"], name
    assert pre == data(states[piece["state"]]["root"]), name
    receipts_fold(piece, trace)
    witness_is_least(piece, trace, pre)
    after = dict(states[piece["state"]]["accounts"])
    after.update(piece["post"])
    assert root_of({at: account for at, account in after.items() if account}) == post, name
    if len(trace["transactions"]) == 1 and not trace["opens"] and not trace["seals"]:
        changes_apply(piece, trace, pre, post)


def receipts_fold(piece, trace):
    """Gas, no-ops and the digest of receipts."""
    digest, cumulative = trace["receiptDigestBefore"], trace["gasUsedBefore"]
    assert len(piece["runs"]) == len(trace["transactions"]), piece["name"]
    for run, raw in zip(piece["runs"], trace["transactions"]):
        assert run["included"] == (run["gasUsed"] > 0) == (run["receipt"] != "0x"), piece["name"]
        if not run["included"]:
            continue
        receipt = data(run["receipt"])
        kind = receipt[0] if receipt[0] < 0x80 else 0
        assert kind == (raw[0] if raw[0] < 0x80 else 0), piece["name"]
        status, gas, bloom, logs = rlp.decode(receipt[1:] if kind else receipt)
        cumulative += run["gasUsed"]
        assert rlp.integer(gas, 64) == cumulative and bloom == bloom_of(logs), piece["name"]
        assert status in (b"", b"\1") and not (logs and not status), piece["name"]
        digest = keccak(digest + keccak(receipt))
    assert digest == trace["receiptDigestAfter"], piece["name"]
    assert cumulative - trace["gasUsedBefore"] == piece["gasUsed"], piece["name"]


def bloom_of(logs):
    bits = 0
    for address, topics, _ in logs:
        for item in [address, *topics]:
            name = keccak(item)
            for i in (0, 2, 4):
                bits |= 1 << (int.from_bytes(name[i : i + 2], "big") % 2048)
    return bits.to_bytes(256, "big")


def witness_is_least(piece, trace, pre):
    """As large as published, without duplicates; every node is named by the root or by another one."""
    nodes, codes = decode_witness(trace["witness"])
    sizes = [len(nodes), len(codes), sum(map(len, [*nodes.values(), *codes.values()]))]
    told = piece["witness"]
    assert sizes == [told["nodes"], told["codes"], told["bytes"]], piece["name"]
    named = pre + b"".join(nodes.values())
    assert all(name in named for name in [*nodes, *codes]), piece["name"]


def changes_apply(piece, trace, pre, post):
    """What the transaction changes, applied to nothing but its witness, gives the root: inserts before removals, and no
    sibling is missing."""
    state = Piece(pre, *decode_witness(trace["witness"]))
    changes = {}
    for address, account in piece["post"].items():
        at = int(address, 16)
        before = state.account(at)
        if account is None:
            changes[at] = (0, 0, EMPTY_ROOT, keccak(b""))
            continue
        storage = state.storage(before[2] if before else EMPTY_ROOT)
        storage.apply(changed_slots(piece, address, account))
        changes[at] = (account["nonce"], int(account["balance"], 16), storage.root(), keccak(data(account["code"])))
    state.write(changes)
    assert state.accounts.root() == post, piece["name"]


def changed_slots(piece, address, account):
    """Slots with another value than in the state before; None for those that are gone."""
    before = STATES[piece["state"]]["accounts"].get(address)
    old, new = before["storage"] if before else {}, account["storage"]
    slots = [slot for slot in {**old, **new} if old.get(slot) != new.get(slot)]
    return {hashed_slot(int(slot, 16)): rlp.encode(int(new[slot], 16)) if slot in new else None for slot in slots}


STATES = load("states.json")


def main():
    calls, pieces = load("calls.json"), load("traces.json")
    for name, state in STATES.items():
        assert root_of(state["accounts"]) == data(state["root"]), name
    in_full = sum(call_ends(call) for call in calls)
    by_name = {call["name"]: call for call in calls}
    assert len(by_name) == len(calls)
    for piece in pieces:
        assert by_name[piece["name"]]["result"] == "true", piece["name"]
        piece_agrees(piece, STATES, by_name[piece["name"]])
    assert in_full >= LEAST_IN_FULL, f"only {in_full} calls were followed to their end"
    print(f"{len(calls)} calls agree, {in_full} of them followed to their end; {len(pieces)} pieces of blocks, "
          f"{len(STATES)} states agree")


if __name__ == "__main__":
    sys.exit(main())
