"""The call: what it costs, and how it ends."""

import abi
from ends import Fails, No
from piece import replay

BASE_GAS, POINTER_GAS, ITEM_GAS, OPEN_GAS, QUERY_GAS = 30_000, 2_600, 6_000, 60_000, 100
RATE_UNIT, MIN_RATE, MAX_RATE = 1 << 30, 1 << 24, 1 << 28
UPDATE_FRACTION, EXCESS_MAX = 213_662_000, 592_396_852


def fake_exponential(factor, numerator, denominator):
    """EIP-4844's."""
    i, output, term = 1, 0, factor * denominator
    while term > 0:
        output += term
        term = term * numerator // (denominator * i)
        i += 1
    return output // denominator


def rate(excess):
    return min(MAX_RATE, fake_exponential(MIN_RATE, min(excess, EXCESS_MAX), UPDATE_FRACTION))


def _up(number, by):
    return -(-number // by)


def answer(l1, data):
    """Output, L1 gas, and L2 gas that is left of the block. Raises `Fails`; `No` and `NeedsEvm` come with `.gas`, `.left`."""
    gas, left, price = l1["gasForwarded"], l1["gasLeft"], rate(l1["excess"])
    if not data:
        if gas < QUERY_GAS:
            raise Fails("OUT_OF_GAS")
        return abi.word(_up(price * l1["baseFee"], RATE_UNIT)) + abi.word(left), QUERY_GAS, left
    if BASE_GAS + max(0, len(data) - 191) > gas:
        raise Fails("OUT_OF_GAS")
    try:
        pre, post, trace, gas_used = abi.decode_envelope(data)
    except abi.NotCanonical:
        raise Fails("ENVELOPE_ENCODING") from None
    opens, transactions, credits, pointers = abi.shape(trace)
    cost = BASE_GAS + len(trace) + POINTER_GAS * len(pointers) + ITEM_GAS * (transactions + credits)
    cost += (OPEN_GAS if opens else 0) + _up(gas_used * price, RATE_UNIT)
    if cost > gas:
        raise Fails("OUT_OF_GAS")
    cost += sum(max(0, len(l1["codes"].get(pointer, b"")) - 1) for pointer in pointers)
    if cost > gas:
        raise Fails("OUT_OF_GAS")
    if gas_used > left:
        raise Fails("BLOCK_LIMIT")
    left -= gas_used
    try:
        judge(pre, post, trace, gas_used, l1["codes"])
    except Exception as end:
        end.gas, end.left = cost, left
        raise
    return abi.word(1), cost, left


def judge(pre, post, data, gas_used, codes):
    """Returns if the answer is true."""
    try:
        trace = abi.decode_trace(data)
    except abi.NotCanonical:
        raise No("TRACE_ENCODING") from None
    if trace["credits"] and not trace["seals"]:
        raise No("CREDITS_WITHOUT_SEAL")
    witness = trace["witness"]
    for pointer in trace["pointers"]:
        code = codes.get(pointer, b"")
        if code[:1] != b"\0":
            raise No("POINTER_CODE")
        witness += code[1:]
    replay(pre, post, trace, witness, gas_used)
