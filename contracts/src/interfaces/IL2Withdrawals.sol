// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Withdrawal} from "./Types.sol";

/// @title Where money leaves the L2: a predeploy of its genesis
/// @notice What is sent here stays here for ever, and a message for L1 is recorded; the bridge on L1 pays it out of the
/// deposits. Nobody owns it, and nothing that was recorded is ever changed.
interface IL2Withdrawals {
    /// @notice A message was recorded. `hash` is `keccak256(abi.encode(withdrawal))`.
    event WithdrawalRecorded(
        uint64 indexed nonce, address indexed sender, address indexed target, bytes32 hash, Withdrawal withdrawal
    );

    /// @notice Nobody would have that money.
    error ZeroTarget();
    /// @notice The call of the target would not fit a transaction on L1.
    error GasLimitTooHigh(uint64 gasLimit, uint64 atMost);
    /// @notice The message would not fit a transaction on L1.
    error DataTooLong(uint256 length, uint256 atMost);

    /// @notice Records a message to `target` on L1, with the value of this call.
    /// @param gasLimit Gas of L1 that the call of the target gets, at least; 0 is enough for an account without code.
    /// @param data What the target is called with.
    function withdraw(address target, uint64 gasLimit, bytes calldata data) external payable returns (bytes32 hash);

    /// @notice Whether a message of this hash was recorded. In storage it is `keccak256(abi.encode(hash, 0))`: 1 or 0.
    function recorded(bytes32 hash) external view returns (bool);
    /// @notice How many messages there are: the nonce of the next.
    function count() external view returns (uint64);
}
