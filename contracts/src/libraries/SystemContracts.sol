// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {StateProof} from "./StateProof.sol";

/// @title The system contracts that opening a block calls
/// @notice EXECUTE opens a block only if both addresses hold standard code. A genesis without it could never open one, and
/// the L1 would settle nothing.
library SystemContracts {
    address internal constant HISTORY_STORAGE = 0x0000F90827F1C53a10cb7A02335B175320002935; // EIP-2935
    address internal constant BEACON_ROOTS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02; // EIP-4788

    /// @dev keccak256 of the runtime code that each EIP gives; a test holds them against those bytes.
    bytes32 internal constant HISTORY_STORAGE_CODE_HASH =
        0x6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d;
    bytes32 internal constant BEACON_ROOTS_CODE_HASH =
        0xf57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c;

    /// @notice Reverts unless both accounts hold their code under `stateRoot`.
    function check(bytes32 stateRoot, bytes[] memory proof2935, bytes[] memory proof4788) internal pure {
        _check(stateRoot, HISTORY_STORAGE, HISTORY_STORAGE_CODE_HASH, proof2935);
        _check(stateRoot, BEACON_ROOTS, BEACON_ROOTS_CODE_HASH, proof4788);
    }

    function _check(bytes32 stateRoot, address account, bytes32 expected, bytes[] memory proof) private pure {
        bytes32 got = StateProof.account(stateRoot, account, proof).codeHash;
        require(got == expected, IRollup.NotStandardCode(account, expected, got));
    }
}
