// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GasFloor} from "../libraries/GasFloor.sol";
import {L1Proof, L1State, L1Value} from "../libraries/L1State.sol";

/// @notice A message from L1 to L2. Its hash is `keccak256(abi.encode(message))`.
struct Message {
    uint256 nonce;
    address sender; // on L1
    address target; // on L2
    uint64 gasLimit; // gas of L2 that the call of the target gets, at least
    bytes data;
}

/// @title Where messages are written, on L1
/// @notice An example of how to talk to L2 without the rollup's help: whatever stands in the storage of an L1 contract can be
/// proven on L2. This is no part of the rollup, and knows nothing of it.
contract L1Mailbox {
    /// @notice An L2 transaction has 2^24 gas (EIP-7825); what proofs and data cost is left beside this.
    uint64 public constant MAX_GAS_LIMIT = 10_000_000;
    uint256 public constant MAX_DATA_BYTES = 32_768;

    /// @dev Slot 0, which {L2Mailbox} proves.
    mapping(bytes32 hash => bool) public sent;
    uint256 public count;

    event Sent(bytes32 indexed hash, Message message);

    /// @notice The message would not fit a transaction on L2.
    error GasLimitTooHigh(uint64 gasLimit, uint64 atMost);
    /// @notice The message would not fit a transaction on L2.
    error DataTooLong(uint256 length, uint256 atMost);

    /// @notice Writes a message.
    function send(address target, uint64 gasLimit, bytes calldata data) external returns (bytes32 hash) {
        require(gasLimit <= MAX_GAS_LIMIT, GasLimitTooHigh(gasLimit, MAX_GAS_LIMIT));
        require(data.length <= MAX_DATA_BYTES, DataTooLong(data.length, MAX_DATA_BYTES));

        Message memory message = Message(count++, msg.sender, target, gasLimit, data);
        hash = keccak256(abi.encode(message));
        sent[hash] = true;
        emit Sent(hash, message);
    }
}

/// @title Where they are read, on L2
/// @notice Anybody delivers; each message once. If the target's call fails, or there is nobody yet who could read the data, it
/// can be tried again.
contract L2Mailbox {
    L1Mailbox private immutable L1_MAILBOX;

    mapping(bytes32 hash => bool) public delivered;
    /// @notice While a target is called: who on L1 sent it the message.
    address public transient sender;

    /// @notice `l1Number` and `l1Timestamp` are of the L1 block that it was proven in: that of the message, or a later one.
    event Delivered(bytes32 indexed hash, address indexed target, uint256 l1Number, uint256 l1Timestamp);

    error AlreadyDelivered(bytes32 hash);
    /// @notice Unreachable: a proof of absence reverts before, and only `true` is ever written there.
    error NotSent(bytes32 hash);
    /// @notice The target must get all the gas that the message promises it.
    error NotEnoughGas(uint256 left, uint256 needed);
    /// @notice There is no code that the data could reach: a call would succeed and do nothing.
    error NobodyReads(address target);
    error Reentered();
    error CallFailed(bytes32 hash);

    constructor(L1Mailbox l1Mailbox) {
        L1_MAILBOX = l1Mailbox;
    }

    /// @notice Calls the message's target with its data, with all the gas that is left, which must be enough for its limit.
    // What is written after the call is the lock.
    // slither-disable-next-line reentrancy-no-eth
    function deliver(Message calldata message, L1Proof calldata proof) external {
        require(sender == address(0), Reentered());
        bytes32 hash = keccak256(abi.encode(message));
        require(!delivered[hash], AlreadyDelivered(hash));
        L1Value memory found = L1State.read(address(L1_MAILBOX), keccak256(abi.encode(hash, uint256(0))), proof);
        require(found.value == 1, NotSent(hash));
        require(message.data.length == 0 || message.target.code.length > 0, NobodyReads(message.target));

        delivered[hash] = true;
        sender = message.sender;
        emit Delivered(hash, message.target, found.number, found.timestamp);

        require(_call(message.target, message.gasLimit, message.data), CallFailed(hash));
        sender = address(0);
    }

    /// @dev With all gas there is, so that who delivers can give a target more than its message foresaw, and never less.
    function _call(address target, uint256 gasLimit, bytes memory data) private returns (bool) {
        uint256 needed = GasFloor.needed(gasLimit);
        require(gasleft() >= needed, NotEnoughGas(gasleft(), needed));
        return GasFloor.call(target, 0, gasleft(), data);
    }
}
