// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";

/// @title Items in a blob's payload
/// @notice A payload is the low 31 bytes of each of a blob's 4,096 elements. Every byte string is a tape: whatever is no whole
/// item is an end. Functions here read elements that the caller proves.
library Tape {
    /// @notice The opening does not cover what the item at the cursor needs.
    error TooFewElements(uint256 expected, uint256 got);

    enum Kind {
        End,
        Open,
        Transaction
    }

    struct Item {
        Kind kind;
        uint32 header; // bytes that must be read to know the item: 1, 4 or 13
        uint32 length; // bytes of the whole item, header included; of an end: the bytes that show it
        uint64 timestamp; // of Open
        uint32 viewIndex; // of Open
    }

    /// @notice Bytes of a payload.
    uint32 internal constant PAYLOAD = 126_976;
    uint256 internal constant ELEMENT_BYTES = 31;

    uint32 private constant OPEN_BYTES = 13;
    uint32 private constant TRANSACTION_HEADER_BYTES = 4;

    /// @notice The item at `offset`, which is below PAYLOAD. `elements` are the blob's from number `offset / 31` on.
    function read(bytes32[] calldata elements, uint32 offset) internal pure returns (Item memory) {
        uint256 left = PAYLOAD - offset;
        uint8 kind = uint8(slice(elements, offset, 1)[0]);
        if (kind == 1 && left >= OPEN_BYTES) {
            bytes memory header = slice(elements, offset, OPEN_BYTES);
            // Bytes 1..8 and 9..12 of 13.
            uint256 word = uint256(bytes32(header)) >> 152;
            return Item(Kind.Open, OPEN_BYTES, OPEN_BYTES, uint64(word >> 32), uint32(word));
        }
        if (kind == 2 && left >= TRANSACTION_HEADER_BYTES) {
            bytes memory header = slice(elements, offset, TRANSACTION_HEADER_BYTES);
            uint32 length = TRANSACTION_HEADER_BYTES + uint32((uint256(bytes32(header)) >> 224) & 0xffffff);
            if (length <= left) return Item(Kind.Transaction, TRANSACTION_HEADER_BYTES, length, 0, 0);
            return Item(Kind.End, TRANSACTION_HEADER_BYTES, TRANSACTION_HEADER_BYTES, 0, 0);
        }
        return Item(Kind.End, 1, 1, 0, 0);
    }

    /// @notice The bytes of the transaction that the item at `offset` carries.
    function transaction(bytes32[] calldata elements, uint32 offset, Item memory item)
        internal
        pure
        returns (bytes memory)
    {
        return slice(elements, offset + item.header, item.length - item.header, offset);
    }

    /// @notice How many elements the bytes `[offset, offset + length)` lie in; `length` is not zero.
    function elementsOf(uint256 offset, uint256 length) internal pure returns (uint256) {
        return (offset + length - 1) / ELEMENT_BYTES - offset / ELEMENT_BYTES + 1;
    }

    function slice(bytes32[] calldata elements, uint256 offset, uint256 length) private pure returns (bytes memory) {
        return slice(elements, offset, length, offset);
    }

    /// @dev `elements` begin with the one that byte `base` lies in; `base <= offset`.
    function slice(bytes32[] calldata elements, uint256 offset, uint256 length, uint256 base)
        private
        pure
        returns (bytes memory)
    {
        uint256 start = offset - (base / ELEMENT_BYTES) * ELEMENT_BYTES;
        uint256 first = start / ELEMENT_BYTES;
        uint256 end = (start + length + ELEMENT_BYTES - 1) / ELEMENT_BYTES;
        require(end <= elements.length, TooFewElements(end, elements.length));
        // One byte more: each word written below ends with a byte of zero.
        bytes memory payload = new bytes((end - first) * ELEMENT_BYTES + 1);
        for (uint256 i = first; i < end; ++i) {
            bytes32 element = elements[i];
            // Element i - first goes to payload[31 (i - first)..], whose 32 bytes end at most at the last byte of payload.
            assembly ("memory-safe") {
                mstore(add(add(payload, 0x20), mul(sub(i, first), 31)), shl(8, element))
            }
        }
        uint256 skip = start - first * ELEMENT_BYTES;
        return Bytes.slice(payload, skip, skip + length);
    }
}
