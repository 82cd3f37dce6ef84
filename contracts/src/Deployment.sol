// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IDeployment} from "./interfaces/IDeployment.sol";

/// @title Deployment
/// @notice See {IDeployment}. The Inbox must know the Bridge, which must know the Rollup, which must know the Inbox: no CREATE2
/// of each can give that, for an address would depend on itself. Here the parts are made by CREATE, so that their addresses
/// depend on this contract's and their number only.
contract Deployment is IDeployment {
    /// @dev RLP writes a nonce of up to 0x7f as one byte; the first part has nonce 1 (EIP-161).
    uint256 private constant MAX_PARTS = 0x7f;

    bytes32[] private _commitments;
    /// @inheritdoc IDeployment
    uint256 public created;

    /// @param parts {commitments}.
    constructor(bytes32[] memory parts) {
        require(parts.length <= MAX_PARTS, TooManyParts(parts.length, MAX_PARTS));
        _commitments = parts;
    }

    /// @inheritdoc IDeployment
    function create(bytes calldata creationCode, Link[] calldata links) external returns (address part) {
        uint256 index = created;
        require(index < _commitments.length, UnknownPart(index, _commitments.length));
        bytes32 expected = _commitments[index];
        bytes32 got = keccak256(abi.encode(creationCode, links));
        require(got == expected, WrongPart(index, expected, got));
        bytes memory code = _linked(creationCode, links);

        created = index + 1;
        part = addressOf(index);
        emit PartCreated(index, part);

        _create(code);
    }

    /// @inheritdoc IDeployment
    function commitments() external view returns (bytes32[] memory) {
        return _commitments;
    }

    /// @inheritdoc IDeployment
    function addressOf(uint256 part) public view returns (address) {
        require(part < _commitments.length, UnknownPart(part, _commitments.length));
        // rlp([address, nonce]); each creation takes one nonce, and this contract creates nothing but parts, in order.
        bytes memory list = abi.encodePacked(bytes2(0xd694), address(this), uint8(part + 1));
        return address(uint160(uint256(keccak256(list))));
    }

    function _linked(bytes calldata creationCode, Link[] calldata links) private view returns (bytes memory code) {
        code = creationCode;
        for (uint256 i = 0; i < links.length; ++i) {
            uint256 offset = links[i].offset;
            require(offset + 32 <= code.length, LinkOutOfRange(offset, code.length));
            // Widened in Solidity, which cleans what is above the 160 bits.
            uint256 word = uint160(addressOf(links[i].part));
            // A word within `code`, as was just seen.
            assembly ("memory-safe") {
                mstore(add(add(code, 0x20), offset), word)
            }
        }
    }

    /// @dev CREATE with a nonce that was never used, so what stands at its address was made by this very instruction.
    function _create(bytes memory code) private {
        // Reads `code`; copies to the free memory what the constructor reverted with, and reverts with it.
        assembly ("memory-safe") {
            if iszero(create(0, add(code, 0x20), mload(code))) {
                let data := mload(0x40)
                returndatacopy(data, 0, returndatasize())
                revert(data, returndatasize())
            }
        }
    }
}
