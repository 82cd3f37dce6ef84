// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// @notice What a trie holds: `key` is hashed already.
struct Entry {
    bytes32 key;
    bytes value;
}

/// @title A Merkle-Patricia trie, built whole, so that tests have real proofs of what they put in
/// @notice Checked against another implementation by Trie.t.sol.
library Trie {
    bytes32 internal constant EMPTY_ROOT = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    function root(Entry[] memory entries) internal pure returns (bytes32) {
        return entries.length == 0 ? EMPTY_ROOT : keccak256(_node(entries, 0));
    }

    /// @notice The nodes on the way to `key`, root first; those that stand in their parent are left out, as in eth_getProof.
    function prove(Entry[] memory entries, bytes32 key) internal pure returns (bytes[] memory proof) {
        bytes[] memory nodes = new bytes[](65);
        uint256 count = 0;
        uint256 depth = 0;
        while (entries.length > 0) {
            bytes memory node = _node(entries, depth);
            if (depth == 0 || node.length >= 32) nodes[count++] = node;
            if (entries.length == 1) break;
            uint256 common = _common(entries, depth);
            if (common > 0) {
                depth += common;
                bytes memory branch = _branch(entries, depth);
                if (branch.length >= 32) nodes[count++] = branch;
            }
            entries = _below(entries, depth, _nibble(key, depth));
            ++depth;
        }
        proof = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            proof[i] = nodes[i];
        }
    }

    function account(uint256 nonce, uint256 balance, bytes32 storageRoot, bytes32 codeHash)
        internal
        pure
        returns (bytes memory)
    {
        bytes[] memory fields = new bytes[](4);
        fields[0] = RLP.encode(nonce);
        fields[1] = RLP.encode(balance);
        fields[2] = RLP.encode(storageRoot);
        fields[3] = RLP.encode(codeHash);
        return RLP.encode(fields);
    }

    function _node(Entry[] memory entries, uint256 depth) private pure returns (bytes memory) {
        if (entries.length == 1) return _pair(entries[0].key, depth, 64, true, RLP.encode(entries[0].value));
        uint256 common = _common(entries, depth);
        if (common == 0) return _branch(entries, depth);
        return _pair(entries[0].key, depth, depth + common, false, _reference(_branch(entries, depth + common)));
    }

    function _branch(Entry[] memory entries, uint256 depth) private pure returns (bytes memory) {
        bytes[] memory items = new bytes[](17);
        for (uint256 i = 0; i < 16; ++i) {
            Entry[] memory child = _below(entries, depth, i);
            items[i] = child.length == 0 ? RLP.encode(bytes("")) : _reference(_node(child, depth + 1));
        }
        items[16] = RLP.encode(bytes(""));
        return RLP.encode(items);
    }

    /// @dev A leaf or an extension: [hex-prefix of the nibbles from `start` to `end`, item].
    function _pair(bytes32 key, uint256 start, uint256 end, bool leaf, bytes memory item)
        private
        pure
        returns (bytes memory)
    {
        uint256 odd = (end - start) % 2;
        bytes memory path = new bytes((end - start) / 2 + 1);
        uint256 flag = (leaf ? 2 : 0) + odd;
        path[0] = bytes1(uint8(flag << 4 | (odd == 1 ? _nibble(key, start) : 0)));
        for (uint256 i = 1; i < path.length; ++i) {
            uint256 nibble = start + odd + 2 * (i - 1);
            path[i] = bytes1(uint8(_nibble(key, nibble) << 4 | _nibble(key, nibble + 1)));
        }
        bytes[] memory items = new bytes[](2);
        items[0] = RLP.encode(path);
        items[1] = item;
        return RLP.encode(items);
    }

    function _reference(bytes memory node) private pure returns (bytes memory) {
        return node.length < 32 ? node : RLP.encode(keccak256(node));
    }

    function _below(Entry[] memory entries, uint256 depth, uint256 nibble) private pure returns (Entry[] memory found) {
        uint256 count = 0;
        for (uint256 i = 0; i < entries.length; ++i) {
            if (_nibble(entries[i].key, depth) == nibble) ++count;
        }
        found = new Entry[](count);
        for (uint256 i = entries.length; i > 0; --i) {
            if (_nibble(entries[i - 1].key, depth) == nibble) found[--count] = entries[i - 1];
        }
    }

    /// @dev How many nibbles from `depth` on all keys share.
    function _common(Entry[] memory entries, uint256 depth) private pure returns (uint256 length) {
        while (true) {
            uint256 nibble = _nibble(entries[0].key, depth + length);
            for (uint256 i = 1; i < entries.length; ++i) {
                if (_nibble(entries[i].key, depth + length) != nibble) return length;
            }
            ++length;
        }
    }

    function _nibble(bytes32 key, uint256 index) private pure returns (uint256) {
        return uint256(key) >> (4 * (63 - index)) & 15;
    }
}
