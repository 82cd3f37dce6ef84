// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";

/// @title What stands in a state, by Merkle-Patricia proofs as `eth_getProof` gives them
/// @notice Presence only: a proof that something is absent makes these revert, and absence is never taken for zero.
library StateProof {
    using RLP for Memory.Slice;

    struct Account {
        bytes32 storageRoot;
        bytes32 codeHash;
    }

    /// @notice The account `who` under `stateRoot`.
    function account(bytes32 stateRoot, address who, bytes[] memory proof) internal pure returns (Account memory) {
        // rlp([nonce, balance, storageRoot, codeHash]), in a trie whose values are such accounts.
        Memory.Slice[] memory fields = RLP.decodeList(TrieProof.traverse(stateRoot, _key(abi.encodePacked(who)), proof));
        return Account(fields[2].readBytes32(), fields[3].readBytes32());
    }

    /// @notice What the slot holds under `storageRoot`; never zero, since zeros are not stored.
    function slot(bytes32 storageRoot, bytes32 index, bytes[] memory proof) internal pure returns (uint256 value) {
        return RLP.decodeUint256(TrieProof.traverse(storageRoot, _key(abi.encodePacked(index)), proof));
    }

    /// @dev Secure tries: the path is the key's hash.
    function _key(bytes memory raw) private pure returns (bytes memory) {
        return abi.encodePacked(keccak256(raw));
    }
}
