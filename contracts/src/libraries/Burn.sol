// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Ether that nobody gets
/// @notice Sent to the zero address, whose key nobody has and which holds no code: it can't be had back, it can't reenter,
/// and a block explorer shows it. Ether that merely stayed here would blur the books.
library Burn {
    /// @notice The ether could not be sent, so this contract does not hold it.
    error BurnFailed(uint256 amount);

    function burn(uint256 amount) internal {
        if (amount == 0) return;
        (bool success,) = address(0).call{value: amount}("");
        require(success, BurnFailed(amount));
    }
}
