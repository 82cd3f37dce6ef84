"""The precompile's input and the trace: canonical ABI encoding."""

WORD = 32
CONTEXT = [64, 64, 64, 64, 256, 256, 160]
"""Widths of the fields of `BlockContext`, in bits."""


class NotCanonical(Exception):
    """Not the one encoding of the decoded values."""


def word(value):
    return value.to_bytes(WORD, "big")


def number(data, at):
    """The word at a byte, or None if it does not lie wholly in the data."""
    if at < 0 or at + WORD > len(data):
        return None
    return int.from_bytes(data[at : at + WORD], "big")


def small(data, at):
    """The word at a byte; None also for 2^64 and more."""
    value = None if at is None else number(data, at)
    return value if value is not None and value < 1 << 64 else None


def _bytes(data):
    return word(len(data)) + data + bytes(-len(data) % WORD)


def envelope(pre, post, trace, gas_used):
    return pre + post + word(128) + word(gas_used) + _bytes(trace)


def decode_envelope(data):
    """Pre-state root, post-state root, trace, gas used."""
    length = small(data, 128)
    gas_used = small(data, 96)
    if length is None or gas_used is None or length > len(data):
        raise NotCanonical("envelope")
    fields = data[:32], data[32:64], data[160 : 160 + length], gas_used
    if envelope(*fields) != data:
        raise NotCanonical("envelope")
    return fields


def encode_trace(trace):
    """Of a dictionary with the names of the specification."""
    context = b"".join(word(value) for value in trace["context"])
    credits = b"".join(word(to) + word(gwei) for to, gwei in trace["credits"])
    bodies = [_bytes(raw) for raw in trace["transactions"]]
    offsets, at = [], WORD * len(bodies)
    for body in bodies:
        offsets.append(word(at))
        at += len(body)
    tails = [
        word(len(trace["credits"])) + credits,
        word(len(bodies)) + b"".join(offsets) + b"".join(bodies),
        _bytes(trace["witness"]),
        word(len(trace["pointers"])) + b"".join(word(to) for to in trace["pointers"]),
    ]
    places, at = [], 19 * WORD
    for tail in tails:
        places.append(word(at))
        at += len(tail)
    head = [
        word(trace["opens"]), trace["parentHash"], trace["anchor"], word(trace["seals"]), places[0],
        word(trace["gasUsedBefore"]), trace["receiptDigestBefore"], trace["receiptDigestAfter"],
        places[1], word(trace["maxWitnessBytes"]), places[2], places[3],
    ]
    return word(WORD) + context + b"".join(head) + b"".join(tails)


def decode_trace(data):
    """Reads along the offsets, within bounds and widths; then only the one encoding counts."""
    head = data[WORD:]

    def field(at, bits):
        value = number(head, WORD * at)
        if value is None or value >> bits:
            raise NotCanonical("a field is cut or too wide")
        return value

    def array(at):
        start = small(head, WORD * at)
        length = small(head, start)
        if length is None or length > len(head):
            raise NotCanonical("an array is cut")
        return length, head[start + WORD :]

    def fixed(at):
        return word(field(at, 256))

    count, tail = array(11)
    credits = [(number(tail, 64 * i), number(tail, 64 * i + 32)) for i in range(count)]
    if any(to is None or gwei is None or to >> 160 or gwei >> 64 for to, gwei in credits):
        raise NotCanonical("credits")
    count, tail = array(18)
    pointers = [number(tail, WORD * i) for i in range(count)]
    if any(to is None or to >> 160 for to in pointers):
        raise NotCanonical("pointers")
    length, tail = array(17)
    trace = {
        "context": [field(i, bits) for i, bits in enumerate(CONTEXT)],
        "opens": field(7, 1), "parentHash": fixed(8), "anchor": fixed(9), "seals": field(10, 1),
        "credits": credits, "gasUsedBefore": field(12, 64), "receiptDigestBefore": fixed(13),
        "receiptDigestAfter": fixed(14), "transactions": _transactions(*array(15)),
        "maxWitnessBytes": field(16, 32), "witness": tail[:length], "pointers": pointers,
    }
    if encode_trace(trace) != data:
        raise NotCanonical("trace")
    return trace


def _transactions(count, tail):
    found, total = [], 0
    for i in range(count):
        at = small(tail, WORD * i)
        size = small(tail, at)
        # Many offsets to the same bytes: a canonical encoding is at least as long as all items together.
        total += size or 0
        if size is None or total > len(tail):
            raise NotCanonical("transactions")
        found.append(tail[at + WORD : at + WORD + size])
    return found


def shape(trace):
    """What is paid for by the piece: opens, transactions, credits, and the pointers, of any bytes."""
    start = small(trace, 0)
    if start is None or start > len(trace):
        return False, 0, 0, []
    head = trace[start:]

    def array(field):
        at = small(head, WORD * field)
        count = small(head, at)
        if count is None or at + WORD > len(head):
            return 0, b""
        return count, head[at + WORD :]

    def leading(field, good):
        count, tail = array(field)
        found = []
        for i in range(count):
            item = good(tail, i)
            if item is None:
                break
            found.append(item)
        return found

    return bool(number(head, 224)), len(leading(15, _transaction)), len(leading(11, _credit)), leading(18, _pointer)


def _transaction(tail, i):
    at = small(tail, WORD * i)
    size = small(tail, at)
    return size if size is not None and at + WORD + size <= len(tail) else None


def _credit(tail, i):
    to, gwei = number(tail, 64 * i), number(tail, 64 * i + WORD)
    return to if to is not None and gwei is not None and not to >> 160 and not gwei >> 64 else None


def _pointer(tail, i):
    to = number(tail, WORD * i)
    return to if to is not None and not to >> 160 else None
