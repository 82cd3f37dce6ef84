"""Keccak-256, which is not FIPS 202's SHA3-256: the padding differs."""

_MASK = (1 << 64) - 1
_RATE = 136


def _round_constants():
    """One bit a step from an 8-bit LFSR (x^8 + x^6 + x^5 + x^4 + 1), at the positions 2^j - 1."""
    state, constants = 1, []
    for _ in range(24):
        constant = 0
        for j in range(7):
            if state & 1:
                constant |= 1 << ((1 << j) - 1)
            state = (state << 1) ^ (0x171 if state & 0x80 else 0)
        constants.append(constant)
    return constants


def _rho_pi():
    """Where each carried lane goes, and by how much it turns: lane (x, y) goes to (y, 2x + 3y)."""
    walk, x, y = [], 1, 0
    for t in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        walk.append((x + 5 * y, ((t + 1) * (t + 2) // 2) % 64))
    return walk


_CONSTANTS = _round_constants()
_RHO_PI = _rho_pi()


def _permute(a):
    for constant in _CONSTANTS:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        for x in range(5):
            n = c[(x + 1) % 5]
            d = c[(x + 4) % 5] ^ (((n << 1) | (n >> 63)) & _MASK)
            for y in range(x, 25, 5):
                a[y] ^= d
        carried = a[1]
        for lane, turn in _RHO_PI:
            kept = a[lane]
            a[lane] = ((carried << turn) | (carried >> (64 - turn))) & _MASK
            carried = kept
        for y in range(0, 25, 5):
            row = a[y : y + 5]
            for x in range(5):
                a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & _MASK)
        a[0] ^= constant


def keccak(data):
    """The hash of bytes."""
    padded = bytearray(data)
    padded.append(1)
    padded.extend(bytes(-len(padded) % _RATE))
    padded[-1] |= 0x80
    lanes = [0] * 25
    for block in range(0, len(padded), _RATE):
        for i in range(_RATE // 8):
            at = block + 8 * i
            lanes[i] ^= int.from_bytes(padded[at : at + 8], "little")
        _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])
