// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The contracts of one rollup, made so that one address vouches for all
/// @notice The constructor gets a commitment to each part, and whoever has what it commits to can have the part made, in
/// order. The address of this contract, made by CREATE2, commits to the commitments: so it and the parts' addresses stand for
/// exactly one configuration and one code, whoever sends the transactions.
interface IDeployment {
    /// @notice A word of a part's creation code, constructor arguments included, in whose place the address of a part stands.
    struct Link {
        uint32 offset; // bytes
        uint8 part; // its number, of any part, made or not
    }

    /// @notice A part was made.
    event PartCreated(uint256 indexed part, address created);

    /// @notice The address of a part is computed from a nonce of one byte.
    error TooManyParts(uint256 parts, uint256 atMost);
    /// @notice There are only so many parts.
    error UnknownPart(uint256 part, uint256 parts);
    /// @notice This is not what the next part was committed to.
    error WrongPart(uint256 part, bytes32 expected, bytes32 got);
    /// @notice The word does not lie in the creation code.
    error LinkOutOfRange(uint256 offset, uint256 length);

    /// @notice Makes the next part. Reverts as its constructor does.
    /// @param creationCode With the constructor's arguments; what stands in the places of the links is replaced.
    /// @return part Its address.
    function create(bytes calldata creationCode, Link[] calldata links) external returns (address part);

    /// @notice How many parts were made.
    function created() external view returns (uint256);
    /// @notice `keccak256(abi.encode(creationCode, links))` of each part, in order.
    function commitments() external view returns (bytes32[] memory);
    /// @notice Where a part is, or will be.
    function addressOf(uint256 part) external view returns (address);
}
