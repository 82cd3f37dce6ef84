"""Canonical RLP."""


class Malformed(Exception):
    """Not canonical RLP."""


def encode(item):
    """Of bytes, integers, and lists of such."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, (bytes, bytearray)):
        if len(item) == 1 and item[0] < 0x80:
            return bytes(item)
        return _header(0x80, len(item)) + bytes(item)
    return wrap(b"".join(encode(part) for part in item))


def wrap(payload):
    """A list of items that are encoded already."""
    return _header(0xC0, len(payload)) + payload


def _header(kind, length):
    if length < 56:
        return bytes([kind + length])
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([kind + 55 + len(size)]) + size


def split(data):
    """The first item: whether it is a list, its payload, its whole encoding, and what follows."""
    if not data:
        raise Malformed("nothing is left")
    first = data[0]
    if first < 0x80:
        return False, data[:1], data[:1], data[1:]
    is_list = first >= 0xC0
    short = first - (0xC0 if is_list else 0x80)
    if short < 56:
        start, length = 1, short
    else:
        size = data[1 : short - 54]
        if len(size) != short - 55 or size[0] == 0:
            raise Malformed("a length is not the least one")
        start, length = 1 + len(size), int.from_bytes(size, "big")
        if length < 56:
            raise Malformed("a length is not the least one")
    payload = data[start : start + length]
    if len(payload) != length:
        raise Malformed("an item is cut")
    if not is_list and length == 1 and payload[0] < 0x80:
        raise Malformed("a byte is its own encoding")
    return is_list, payload, data[: start + length], data[start + length :]


def items(payload):
    """The items of a list, as `split` gives them without what follows."""
    found = []
    while payload:
        is_list, inner, raw, payload = split(payload)
        found.append((is_list, inner, raw))
    return found


def decode(data):
    """One item that fills `data`, as bytes and lists."""
    is_list, payload, _, rest = split(data)
    if rest:
        raise Malformed("bytes trail")
    return _tree(is_list, payload)


def _tree(is_list, payload):
    if not is_list:
        return payload
    return [_tree(inner_list, inner) for inner_list, inner, _ in items(payload)]


def integer(data, bits):
    """A canonical integer."""
    if data[:1] == b"\0" or len(data) * 8 > bits:
        raise Malformed("not a canonical integer")
    return int.from_bytes(data, "big")
