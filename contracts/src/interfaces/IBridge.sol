// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "./IRollup.sol";
import {Checkpoint, Withdrawal} from "./Types.sol";

/// @title Withdrawals: messages from L2 that L1 pays and delivers
/// @notice Anybody may pay a message that stands in the state of a confirmed claim. It is paid once. If the target's call
/// fails, nothing has happened, and it can be tried again at any time.
interface IBridge {
    struct Config {
        IRollup rollup;
        uint64 withdrawalDelay; // seconds, from the confirmation of a content to the first payment against it
    }

    /// @notice That the message stands in the state of a confirmed content.
    struct WithdrawalProof {
        bytes32 content; // confirmed
        Checkpoint checkpoint; // that content's
        bytes[] accountProof; // of the L2 predeploy, under the checkpoint's state root
        bytes[] storageProof; // of the message's slot, under the account's storage root
    }

    event Paid(bytes32 indexed hash, address indexed sender, address indexed target, uint256 value);

    // Configuration.

    /// @notice The rollup's inbox releases deposits to another account.
    error WrongBridge(address expected, address got);
    /// @notice That state root is not the rollup's genesis.
    error NotGenesis(bytes32 content);
    /// @notice The genesis lacks the L2 predeploy, or has it with messages in it.
    error NotPredeploy(bytes32 storageRoot, bytes32 codeHash);

    // Payments.

    error AlreadyPaid(bytes32 hash);
    error NotConfirmed(bytes32 content);
    /// @notice Payable from `from` (seconds) on.
    error TooEarly(uint256 time, uint256 from);
    error WrongCheckpoint(bytes32 expected, bytes32 got);
    /// @notice There is something in the slot, but not a recorded message: unreachable.
    error NotRecorded(bytes32 hash);
    /// @notice The bridge has rights there, or the call could not reach it.
    error ForbiddenTarget(address target);
    /// @notice The target must get all the gas that the message promises it.
    error NotEnoughGas(uint256 left, uint256 needed);
    /// @notice The payer may give the target more gas than the message promises, never less.
    error LessThanGasLimit(uint256 got, uint256 gasLimit);
    /// @notice The target did not take it. It can be tried again.
    error CallFailed(bytes32 hash);
    /// @notice One payment at a time.
    error Reentered();
    /// @notice Ether comes from the inbox only.
    error NotInbox(address caller);
    /// @notice No message is being delivered.
    error NoMessage();

    /// @notice Pays and delivers a message. In ether the target is called with the value and the data; in a gas token it gets
    /// the tokens, then, if there is data, it is called with that.
    function withdraw(Withdrawal calldata withdrawal, WithdrawalProof calldata proof) external;
    /// @notice The same with another amount of gas for the call: for targets that have become dearer since the message was sent.
    function withdrawWithGas(Withdrawal calldata withdrawal, WithdrawalProof calldata proof, uint256 gasForCall)
        external;

    /// @notice Whether the message of this hash was paid.
    function paid(bytes32 hash) external view returns (bool);
    /// @notice For targets, while they are called: who on L2 sent the message.
    function sender() external view returns (address);
    function config() external view returns (Config memory);
}
