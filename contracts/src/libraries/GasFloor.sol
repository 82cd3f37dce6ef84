// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Calls whose caller can't starve them
/// @notice Of what is left at most all but one 64th goes along with a call (EIP-150), and asking for more is no error. So who
/// calls for others must look first: a target may do something else with less gas, and call that success.
library GasFloor {
    /// @dev What a call costs itself at most, a cold account (2,600), value (9,000), a new account (25,000), and what is done
    /// between looking at the gas and calling.
    uint256 private constant CALL_COST = 40_000;

    /// @notice How much gas must be left, for a call to get `gasForCall`.
    function needed(uint256 gasForCall) internal pure returns (uint256) {
        // All but one 64th of what is left can go along; rounded up.
        return (gasForCall * 64 + 62) / 63 + CALL_COST;
    }

    /// @notice Calls with `gasForCall` gas, or with all that can go along if that is less. The answer is not copied, however
    /// long it is.
    function call(address target, uint256 value, uint256 gasForCall, bytes memory data)
        internal
        returns (bool success)
    {
        assembly ("memory-safe") {
            success := call(gasForCall, target, value, add(data, 0x20), mload(data), 0, 0)
        }
    }
}
