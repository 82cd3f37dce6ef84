// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IL2Withdrawals} from "../interfaces/IL2Withdrawals.sol";
import {Withdrawal} from "../interfaces/Types.sol";

/// @title L2Withdrawals
/// @notice The only contract here that runs on L2. Its code stands in the genesis, so it has neither constructor nor immutables.
/// See {IL2Withdrawals}.
// What comes in stays: it is paid out on L1.
// slither-disable-next-line locked-ether
contract L2Withdrawals is IL2Withdrawals {
    /// @notice An L1 transaction has 2^24 gas (EIP-7825); what proofs and data cost is left beside this.
    uint64 public constant MAX_GAS_LIMIT = 10_000_000;
    uint256 public constant MAX_DATA_BYTES = 32_768;

    /// @dev Slot 0: the bridge on L1 proves its entries.
    mapping(bytes32 hash => bool) private _recorded;
    uint64 private _count;

    /// @inheritdoc IL2Withdrawals
    function withdraw(address target, uint64 gasLimit, bytes calldata data) external payable returns (bytes32 hash) {
        require(target != address(0), ZeroTarget());
        require(gasLimit <= MAX_GAS_LIMIT, GasLimitTooHigh(gasLimit, MAX_GAS_LIMIT));
        require(data.length <= MAX_DATA_BYTES, DataTooLong(data.length, MAX_DATA_BYTES));

        uint64 nonce = _count++;
        Withdrawal memory withdrawal = Withdrawal(nonce, msg.sender, target, msg.value, gasLimit, data);
        hash = keccak256(abi.encode(withdrawal));
        _recorded[hash] = true;
        emit WithdrawalRecorded(nonce, msg.sender, target, hash, withdrawal);
    }

    /// @inheritdoc IL2Withdrawals
    function recorded(bytes32 hash) external view returns (bool) {
        return _recorded[hash];
    }

    /// @inheritdoc IL2Withdrawals
    function count() external view returns (uint64) {
        return _count;
    }
}
