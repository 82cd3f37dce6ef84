"""The tries of the specification: nodes by their hashes, what is not there is an error."""

import rlp
from ends import No
from keccak import keccak

EMPTY_ROOT = keccak(b"\x80")
EMPTY_CODE = keccak(b"")
MAX_NIBBLES = 64


def nibbles(data):
    return tuple(nibble for byte in data for nibble in (byte >> 4, byte & 15))


def account_value(data):
    """`rlp([nonce, balance, storageRoot, codeHash])`, read."""
    fields = rlp.decode(data)
    if not isinstance(fields, list) or len(fields) != 4 or any(isinstance(f, list) for f in fields):
        raise rlp.Malformed("not an account")
    if len(fields[2]) != 32 or len(fields[3]) != 32 or not any(fields[3]):
        raise rlp.Malformed("not an account")
    return rlp.integer(fields[0], 64), rlp.integer(fields[1], 256), fields[2], fields[3]


def slot_value(data):
    """A word that is not zero."""
    field = rlp.decode(data)
    if isinstance(field, list) or not field:
        raise rlp.Malformed("not a slot's value")
    return rlp.integer(field, 256)


class Trie:
    """A node is None, a hash (bytes), or a tuple: ("leaf", path, value), ("ext", path, child), ("branch", children, value)."""

    def __init__(self, root, store, read_value, visit=lambda name, size: None):
        self.root_node = None if root == EMPTY_ROOT else root
        self.store, self.read_value, self.visit = store, read_value, visit

    def get(self, key):
        """The value under 64 nibbles, or None."""
        node = self._stand(self.root_node, is_root=True)
        while node:
            kind, path, below = node
            if kind == "leaf":
                return below if path == key else None
            if kind == "ext":
                if key[: len(path)] != path:
                    return None
                key, following = key[len(path) :], below
            elif not key:
                return below
            else:
                key, following = key[1:], path[key[0]]
            node = self._stand(following)
        return None

    def apply(self, changes):
        """Inserts and updates first, then removals (None), both in the order of the keys."""
        for key in sorted(k for k, v in changes.items() if v is not None):
            self.root_node = self._insert(self.root_node, key, changes[key], is_root=True)
        for key in sorted(k for k, v in changes.items() if v is None):
            if self.get(key) is not None:
                self.root_node = self._remove(self.root_node, key, is_root=True)

    def root(self):
        """Hashes, and names by its hash, what has changed."""
        if self.root_node is None:
            return EMPTY_ROOT
        if not isinstance(self.root_node, bytes):
            raw = self._encode(self.root_node)
            self.root_node = keccak(raw)
            self.store[self.root_node] = raw
        return self.root_node

    def _stand(self, node, is_root=False):
        if not isinstance(node, bytes):
            return node
        raw = self.store.get(node)
        if raw is None:
            raise No("MISSING_NODE")
        try:
            decoded = self._decode(raw)
        except rlp.Malformed:
            raise No("MALFORMED_NODE") from None
        if len(raw) < 32 and not is_root:
            raise No("MALFORMED_NODE")
        self.visit(node, len(raw))
        return decoded

    def _decode(self, raw):
        is_list, payload, _, rest = rlp.split(raw)
        if not is_list or rest:
            raise rlp.Malformed("not one list")
        items = rlp.items(payload)
        if len(items) == 17:
            return "branch", [self._reference(item) for item in items[:16]], self._value(items[16])
        if len(items) != 2:
            raise rlp.Malformed("neither 2 nor 17 items")
        is_leaf, path = _path(items[0])
        if is_leaf:
            value = self._value(items[1])
            if value is None:
                raise rlp.Malformed("a leaf without a value")
            return "leaf", path, value
        child = self._reference(items[1])
        if not path or child is None:
            raise rlp.Malformed("an empty extension")
        return "ext", path, child

    def _value(self, item):
        is_list, payload, _ = item
        if is_list:
            raise rlp.Malformed("a value is a string")
        if not payload:
            return None
        self.read_value(payload)
        return payload

    def _reference(self, item):
        is_list, payload, raw = item
        if not is_list:
            if len(payload) not in (0, 32):
                raise rlp.Malformed("a reference of a wrong length")
            return payload or None
        if len(raw) >= 32:
            raise rlp.Malformed("a long node is embedded")
        return self._decode(raw)

    def _insert(self, node, key, value, is_root=False):
        node = self._stand(node, is_root)
        if node is None:
            return "leaf", key, value
        kind, path, below = node
        if kind == "branch":
            children = list(path)
            if not key:
                return "branch", children, value
            children[key[0]] = self._insert(children[key[0]], key[1:], value)
            return "branch", children, below
        if kind == "leaf" and path == key:
            return "leaf", key, value
        if kind == "ext" and key[: len(path)] == path:
            return _extend(path, self._insert(below, key[len(path) :], value))
        shared = 0
        while shared < min(len(path), len(key)) and path[shared] == key[shared]:
            shared += 1
        children, own = [None] * 16, None
        for rest, hung in ((path[shared:], "old"), (key[shared:], "new")):
            content = value if hung == "new" else below
            if not rest:
                own = content
            elif hung == "old" and kind == "ext":
                children[rest[0]] = _extend(rest[1:], below)
            else:
                children[rest[0]] = ("leaf", rest[1:], content)
        return _extend(key[:shared], ("branch", children, own))

    def _remove(self, node, key, is_root=False):
        kind, path, below = self._stand(node, is_root)
        if kind == "leaf":
            return None
        if kind == "ext":
            return _extend(path, self._remove(below, key[len(path) :]))
        children = list(path)
        if not key:
            return self._collapse(children, None)
        children[key[0]] = self._remove(children[key[0]], key[1:])
        return self._collapse(children, below)

    def _collapse(self, children, value):
        ways = [nibble for nibble, child in enumerate(children) if child is not None]
        if not ways:
            return None if value is None else ("leaf", (), value)
        if len(ways) == 1 and value is None:
            return _extend((ways[0],), self._stand(children[ways[0]]))
        return "branch", children, value

    def _encode(self, node):
        kind, path, below = node
        if kind == "leaf":
            return rlp.wrap(rlp.encode(_hex_prefix(path, 2)) + rlp.encode(below))
        if kind == "ext":
            return rlp.wrap(rlp.encode(_hex_prefix(path, 0)) + self._name(below))
        return rlp.wrap(b"".join(self._name(child) for child in path) + rlp.encode(below or b""))

    def _name(self, node):
        """How a parent names a node: by its hash, or itself if it is short."""
        if node is None or isinstance(node, bytes):
            return rlp.encode(node or b"")
        raw = self._encode(node)
        if len(raw) < 32:
            return raw
        name = keccak(raw)
        self.store[name] = raw
        return rlp.encode(name)


def _extend(path, node):
    if not path or node is None:
        return node
    if isinstance(node, bytes) or node[0] == "branch":
        return "ext", path, node
    if len(path) + len(node[1]) > MAX_NIBBLES:
        raise No("MALFORMED_NODE")
    return node[0], path + node[1], node[2]


def _path(item):
    is_list, data, _ = item
    if is_list or not 1 <= len(data) <= 33:
        raise rlp.Malformed("no path")
    flag, low = data[0] >> 4, data[0] & 15
    if flag > 3 or (flag in (0, 2) and low):
        raise rlp.Malformed("a bad prefix")
    path = ((low,) if flag & 1 else ()) + nibbles(data[1:])
    if len(path) > MAX_NIBBLES:
        raise rlp.Malformed("a long path")
    return flag >= 2, path


def _hex_prefix(path, flag):
    odd = len(path) % 2
    padded = (flag + odd,) + (() if odd else (0,)) + path
    return bytes(padded[i] << 4 | padded[i + 1] for i in range(0, len(padded), 2))
