// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Checkpoint} from "../interfaces/Types.sol";

/// @title Hashes of checkpoints, and the digests that they carry
library CheckpointLib {
    /// @notice `keccak256(abi.encode(checkpoint))` with the first byte zeroed: below 2^248, so a canonical BLS12-381 field
    /// element. 248 bits are as good as 256 here: a second preimage or a collision still costs 2^124 at least.
    function h248(Checkpoint memory checkpoint) internal pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encode(checkpoint))) & (type(uint256).max >> 8));
    }

    /// @notice How transactions and receipts fold into the running digests of a block.
    function fold(bytes32 digest, bytes32 item) internal pure returns (bytes32) {
        return keccak256(abi.encode(digest, item));
    }
}
