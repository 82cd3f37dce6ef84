// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The base fee of the next block (EIP-1559)
library BaseFee {
    uint256 private constant ELASTICITY = 2;
    uint256 private constant DENOMINATOR = 8;
    /// @dev What the EVM implementations carry, in wei per gas.
    uint256 private constant MAX = type(uint64).max;

    /// @notice The base fee after a block with this base fee and gas; at most 2^64 - 1. `gasLimit` is at least 2.
    /// @dev No overflow: every factor is below 2^64.
    function next(uint256 baseFee, uint64 gasUsed, uint64 gasLimit) internal pure returns (uint256) {
        if (baseFee > MAX) baseFee = MAX;
        uint256 target = gasLimit / ELASTICITY;
        if (gasUsed > target) {
            uint256 more = baseFee * (gasUsed - target) / target / DENOMINATOR;
            baseFee += more == 0 ? 1 : more;
            return baseFee > MAX ? MAX : baseFee;
        }
        return baseFee - baseFee * (target - gasUsed) / target / DENOMINATOR;
    }
}
