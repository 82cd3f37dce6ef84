// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Elements of a blob, proven by the point-evaluation precompile (EIP-4844)
/// @notice A blob is a polynomial given by its values at the 4,096th roots of unity in *bit-reversed* order: element `i` is
/// the value at `w^reverse(i)`, never at `i` or at `w^i`.
library BlobReader {
    /// @notice The commitment is not the one that the versioned hash names.
    error WrongCommitment(bytes32 versionedHash, bytes32 got);
    /// @notice Commitments and proofs are compressed G1 points of 48 bytes.
    error WrongPointLength(uint256 commitment, uint256 proof);
    /// @notice The element is not the blob's at `index`, or not a canonical field element.
    error WrongOpening(bytes32 versionedHash, uint256 index, bytes32 element);
    /// @notice The blob's polynomial has another value there.
    error WrongEvaluation(bytes32 versionedHash, uint256 z, uint256 y);
    /// @notice A blob has 4,096 elements.
    error ElementOutOfRange(uint256 index);

    uint256 internal constant ELEMENTS = 4096;

    uint256 internal constant BLS_MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    address private constant POINT_EVALUATION = address(0x0a);

    /// @dev A failing call burns all gas forwarded, so it gets no more than this; it needs 50,000 today. Too little gas
    /// makes the call fail and this library revert: nothing is ever concluded from it.
    uint256 private constant POINT_EVALUATION_GAS = 150_000;

    /// @notice Reverts unless `element` is the element at `index` of the blob of `versionedHash`.
    function verify(
        bytes32 versionedHash,
        uint256 index,
        bytes32 element,
        bytes calldata commitment,
        bytes calldata proof
    ) internal view {
        bool opens = _opensTo(versionedHash, rootOfUnity(index), uint256(element), commitment, proof);
        require(opens, WrongOpening(versionedHash, index, element));
    }

    /// @notice Reverts unless the blob's polynomial has value `y` at `z`.
    function verifyAt(bytes32 versionedHash, uint256 z, uint256 y, bytes calldata commitment, bytes calldata proof)
        internal
        view
    {
        require(_opensTo(versionedHash, z, y, commitment, proof), WrongEvaluation(versionedHash, z, y));
    }

    function _opensTo(bytes32 versionedHash, uint256 z, uint256 y, bytes calldata commitment, bytes calldata proof)
        private
        view
        returns (bool)
    {
        require(commitment.length == 48 && proof.length == 48, WrongPointLength(commitment.length, proof.length));
        bytes32 named = versionedHashOf(commitment);
        require(named == versionedHash, WrongCommitment(versionedHash, named));
        bytes memory input = abi.encodePacked(versionedHash, z, y, commitment, proof);
        (bool success, bytes memory answer) = POINT_EVALUATION.staticcall{gas: POINT_EVALUATION_GAS}(input);
        // A call to an address without code succeeds with an empty answer, so the answer counts.
        return success && keccak256(answer) == keccak256(abi.encode(ELEMENTS, BLS_MODULUS));
    }

    /// @notice The EIP-4844 versioned hash of a KZG commitment.
    function versionedHashOf(bytes calldata commitment) internal pure returns (bytes32) {
        return bytes32((uint256(sha256(commitment)) & (type(uint256).max >> 8)) | (1 << 248));
    }

    /// @notice The point that element `index` is the value at: `w^reverse(index)`, where `reverse` mirrors 12 bits.
    /// @dev Bit `b` of the index becomes bit `11 - b` of the exponent, so it contributes the factor `w^(2^(11 - b))`.
    function rootOfUnity(uint256 index) internal pure returns (uint256 root) {
        require(index < ELEMENTS, ElementOutOfRange(index));
        root = 1;
        for (uint256 bit = 0; bit < 12; ++bit) {
            if ((index >> bit) & 1 == 1) root = mulmod(root, _factor(bit), BLS_MODULUS);
        }
    }

    /// @dev `w^(2^(11 - bit))` with `w = 7^((r - 1) / 4096)`, the consensus specs' primitive root.
    function _factor(uint256 bit) private pure returns (uint256) {
        if (bit == 0) return 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000;
        if (bit == 1) return 0x00000000000000008d51ccce760304d0ec030002760300000001000000000000;
        if (bit == 2) return 0x345766f603fa66e78c0625cd70d77ce2b38b21c28713b7007228fd3397743f7a;
        if (bit == 3) return 0x20b1ce9140267af9dd1c0af834cec32c17beb312f20b6f7653ea61d87742bcce;
        if (bit == 4) return 0x50e0903a157988bab4bcd40e22f55448bf6e88fb4c38fb8a360c60997369df4e;
        if (bit == 5) return 0x45af6345ec055e4d14a1e27164d8fdbd2d967f4be2f951558140d032f0a9ee53;
        if (bit == 6) return 0x6898111413588742b7c68b4d7fdd60d098d0caac87f5713c5130c2c1660125be;
        if (bit == 7) return 0x4f9b4098e2e9f12e6b368121ac0cf4ad0a0865a899e8deff4935bd2f817f694b;
        if (bit == 8) return 0x095166525526a65439feec240d80689fd697168a3a6000fe4541b8ff2ee0434e;
        if (bit == 9) return 0x325db5c3debf77a18f4de02c0f776af3ea437f9626fc085e3c28d666a5c2d854;
        if (bit == 10) return 0x6d031f1b5c49c83409f1ca610a08f16655ea6811be9c622d4a838b5d59cd79e5;
        return 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;
    }
}
