// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlobReader} from "./BlobReader.sol";

/// @title All elements of a blob, proven by one evaluation
/// @notice The elements are the blob's if, at a point that nobody could choose, the polynomial through them has the value that
/// the commitment opens to. The point is a hash of the commitment and of every element (Fiat-Shamir). Two different
/// polynomials of degree below 4,096 agree at fewer than 4,096 of 2^255 points, so that a false list would need some 2^240
/// hashes to be found.
library WholeBlob {
    /// @notice There must be exactly 4,096 elements, inline and pointed to.
    error WrongBlobSize(uint256 expected, uint256 got);
    /// @notice The account has no code, or its code is not a first byte and whole elements.
    error RaggedPointer(address pointer, uint256 codeSize);
    /// @notice An element is not below the BLS modulus.
    error NotCanonical();

    bytes32 private constant TAG = "recourse.whole-blob.1";
    uint256 private constant ELEMENTS = 4096;
    /// @dev BlobReader.BLS_MODULUS; assembly takes no constant of another library.
    uint256 private constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    /// @dev `w^-1`, where `w` is the root of unity that {BlobReader} speaks of.
    uint256 private constant W_INVERSE = 0x391b2856c609b4784ae25ffab9dc59865046d17864183203961a252dd8543362;
    /// @dev `4096^-1`.
    uint256 private constant ELEMENTS_INVERSE = 0x73e66878b46ae3705eb6a46a89213de7d3686828bfce5c19400fffff00100001;

    /// @notice The elements `inlined` and those in the codes of `pointers`, in order, if they are the blob of
    /// `versionedHash`; else reverts.
    function read(
        bytes32 versionedHash,
        bytes32[] calldata inlined,
        address[] calldata pointers,
        bytes calldata commitment,
        bytes calldata proof
    ) internal view returns (bytes32[] memory elements) {
        elements = load(inlined, pointers);
        uint256 z = challenge(commitment, elements);
        BlobReader.verifyAt(versionedHash, z, evaluate(elements, z), commitment, proof);
    }

    /// @notice Where the polynomial is asked. The elements come into it as one hash, which binds them all the same.
    function challenge(bytes calldata commitment, bytes32[] memory elements) internal pure returns (uint256) {
        bytes32 all;
        assembly ("memory-safe") {
            all := keccak256(add(elements, 0x20), shl(5, mload(elements)))
        }
        return uint256(keccak256(abi.encodePacked(TAG, commitment, all))) % R;
    }

    /// @dev The first byte of a code is no part of a chunk.
    function load(bytes32[] calldata inlined, address[] calldata pointers)
        internal
        view
        returns (bytes32[] memory elements)
    {
        uint256 count = inlined.length;
        require(count <= ELEMENTS, WrongBlobSize(ELEMENTS, count));
        elements = new bytes32[](ELEMENTS);
        assembly ("memory-safe") {
            calldatacopy(add(elements, 0x20), inlined.offset, shl(5, count))
        }
        for (uint256 i = 0; i < pointers.length; ++i) {
            address pointer = pointers[i];
            uint256 size = pointer.code.length;
            require(size > 1 && size % 32 == 1, RaggedPointer(pointer, size));
            uint256 start = count;
            count += size / 32;
            require(count <= ELEMENTS, WrongBlobSize(ELEMENTS, count));
            // Elements [start, count), which is within the array.
            assembly ("memory-safe") {
                extcodecopy(pointer, add(elements, add(0x20, shl(5, start))), 1, sub(size, 1))
            }
        }
        require(count == ELEMENTS, WrongBlobSize(ELEMENTS, count));
    }

    /// @notice The value at `z` of the polynomial that has value `elements[i]` at `w^reverse(i)`, `i` below 4,096, all
    /// canonical.
    /// @dev By folding. A polynomial is `p(X) = e(X^2) + X o(X^2)`, so `p(z) = g(z^2)` with `g(Y) = e(Y) + z o(Y)`, of half the
    /// degree. Bit-reversed order puts the values `a` at `x` and `b` at `-x` side by side, at `2k` and `2k + 1`, and
    /// `e(x^2) = (a + b) / 2`, `o(x^2) = (a - b) / (2x)`: so `2 g(x^2) = (a + b) + (z / x) (a - b)`, which is value `k` of
    /// `2 g`, in bit-reversed order again. After twelve times only the constant `4096 p(z)` is left.
    /// At the first level `x = w^reverse12(2k) = w^reverse11(k)` for `k` below 2,048. At the next, where the root is `w^2` and
    /// `k` below 1,024, `x = (w^2)^reverse10(k) = w^reverse11(k)` too, and so on: one table of `w^-reverse11(k)` does for all.
    /// That needs neither inversions nor a `z` that is no root of unity.
    function evaluate(bytes32[] memory elements, uint256 z) internal pure returns (uint256 value) {
        // Scratch past the free memory pointer, not kept: 2,048 words of the table, then 2,048 of folded values. Nobody else
        // writes there before this function ends, and what allocates it later clears it.
        uint256 table;
        uint256 values;
        assembly ("memory-safe") {
            table := mload(0x40)
            values := add(elements, 0x20)
        }
        _tabulate(table);
        bool canonical = true;
        uint256 folded = table + 0x10000;
        for (uint256 size = 0x10000; size >= 0x20; size /= 2) {
            canonical = _fold(values, folded, size, table, z) && canonical;
            z = mulmod(z, z, R);
            values = folded;
        }
        require(canonical, NotCanonical());
        assembly ("memory-safe") {
            value := mload(folded)
        }
        value = mulmod(value, ELEMENTS_INVERSE, R);
    }

    /// @dev `w^-reverse11(k)` for k below 2,048. Bit b of k, from 10 down, stands for the factor `s = w^-(2^(10 - b))`; `half`
    /// is 2^b words. Each round fills in the entries between those that there are.
    function _tabulate(uint256 table) private pure {
        uint256 s = W_INVERSE;
        assembly ("memory-safe") {
            // A variable: the compiler would make each use of the constant dearer than the multiplication.
            let r := R
            mstore(table, 1)
            for { let half := 0x8000 } gt(half, 0x1f) { half := shr(1, half) } {
                for { let at := table } lt(at, add(table, 0x10000)) { at := add(at, shl(1, half)) } {
                    mstore(add(at, half), mulmod(mload(at), s, r))
                }
                s := mulmod(s, s, r)
            }
        }
    }

    /// @dev Folds twice `size` bytes of values into `size` bytes, maybe in place: value k is written after values 2k and 2k + 1
    /// were read, and k is not above 2k. Tells whether all were below R; if not, the result means nothing.
    function _fold(uint256 from, uint256 to, uint256 size, uint256 root, uint256 z)
        private
        pure
        returns (bool canonical)
    {
        assembly ("memory-safe") {
            let r := R
            canonical := 1
            for { let end := add(to, size) } lt(to, end) { to := add(to, 0x20) } {
                let a := mload(from)
                let b := mload(add(from, 0x20))
                canonical := and(canonical, and(lt(a, r), lt(b, r)))
                // R is below 2^255: neither sum overflows, nor does the difference.
                mstore(to, addmod(add(a, b), mulmod(mulmod(z, mload(root), r), add(a, sub(r, b)), r), r))
                from := add(from, 0x40)
                root := add(root, 0x20)
            }
        }
    }
}
