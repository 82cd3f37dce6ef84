// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

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

    /// @notice The item at `offset`, which is below PAYLOAD. `elements` are the blob's from number `first` on, and that is not
    /// after the one that byte `offset` lies in.
    function read(bytes32[] memory elements, uint256 first, uint32 offset) internal pure returns (Item memory) {
        uint256 left = PAYLOAD - offset;
        uint256 start = offset - first * ELEMENT_BYTES;
        uint8 kind = uint8(slice(elements, start, 1)[0]);
        if (kind == 1 && left >= OPEN_BYTES) {
            bytes memory header = slice(elements, start, OPEN_BYTES);
            // Bytes 1..8 and 9..12 of 13.
            uint256 word = uint256(bytes32(header)) >> 152;
            return Item(Kind.Open, OPEN_BYTES, OPEN_BYTES, uint64(word >> 32), uint32(word));
        }
        if (kind == 2 && left >= TRANSACTION_HEADER_BYTES) {
            bytes memory header = slice(elements, start, TRANSACTION_HEADER_BYTES);
            uint32 length = TRANSACTION_HEADER_BYTES + uint32((uint256(bytes32(header)) >> 224) & 0xffffff);
            if (length <= left) return Item(Kind.Transaction, TRANSACTION_HEADER_BYTES, length, 0, 0);
            return Item(Kind.End, TRANSACTION_HEADER_BYTES, TRANSACTION_HEADER_BYTES, 0, 0);
        }
        return Item(Kind.End, 1, 1, 0, 0);
    }

    /// @notice The bytes of the transaction that the item at `offset` carries.
    function transaction(bytes32[] memory elements, uint256 first, uint32 offset, Item memory item)
        internal
        pure
        returns (bytes memory)
    {
        return slice(elements, offset + item.header - first * ELEMENT_BYTES, item.length - item.header);
    }

    /// @notice How many elements the bytes `[offset, offset + length)` lie in; `length` is not zero.
    function elementsOf(uint256 offset, uint256 length) internal pure returns (uint256) {
        return (offset + length - 1) / ELEMENT_BYTES - offset / ELEMENT_BYTES + 1;
    }

    /// @dev Bytes `[start, start + length)` of the payload that `elements` hold.
    function slice(bytes32[] memory elements, uint256 start, uint256 length)
        private
        pure
        returns (bytes memory payload)
    {
        uint256 first = start / ELEMENT_BYTES;
        uint256 end = (start + length + ELEMENT_BYTES - 1) / ELEMENT_BYTES;
        require(end <= elements.length, TooFewElements(end, elements.length));
        // One byte more: each word written below ends with a byte of zero.
        payload = new bytes((end - first) * ELEMENT_BYTES + 1);
        // Rounding is the point: `skip` is the remainder.
        // slither-disable-next-line divide-before-multiply
        uint256 skip = start - first * ELEMENT_BYTES;
        // Element i of [first, end), which the array has, goes to payload[31 (i - first)..], whose 32 bytes end at most at the
        // last byte of the payload. What was asked for, `skip + length <= 31 (end - first)`, is then moved to the front.
        assembly ("memory-safe") {
            let begin := add(payload, 0x20)
            let to := begin
            let last := add(elements, add(0x20, shl(5, end)))
            for { let from := add(elements, add(0x20, shl(5, first))) } lt(from, last) { from := add(from, 0x20) } {
                mstore(to, shl(8, mload(from)))
                to := add(to, 31)
            }
            mcopy(begin, add(begin, skip), length)
            mstore(payload, length)
        }
    }
}
