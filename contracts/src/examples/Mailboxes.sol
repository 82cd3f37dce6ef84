// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Proof, L1State} from "../libraries/L1State.sol";

/// @notice A message from L1 to L2. Its hash is `keccak256(abi.encode(message))`.
struct Message {
    uint256 nonce;
    address sender; // on L1
    address target; // on L2
    bytes data;
}

/// @title Where messages are written, on L1
/// @notice An example of how to talk to L2 without the rollup's help: whatever stands in the storage of an L1 contract can be
/// proven on L2. This is no part of the rollup, and knows nothing of it.
contract L1Mailbox {
    /// @dev Slot 0, which {L2Mailbox} proves.
    mapping(bytes32 hash => bool) public sent;
    uint256 public count;

    event Sent(bytes32 indexed hash, Message message);

    /// @notice Writes a message.
    function send(address target, bytes calldata data) external returns (bytes32 hash) {
        Message memory message = Message(count++, msg.sender, target, data);
        hash = keccak256(abi.encode(message));
        sent[hash] = true;
        emit Sent(hash, message);
    }
}

/// @title Where they are read, on L2
/// @notice Anybody delivers; each message once. If the target's call fails, it can be tried again.
contract L2Mailbox {
    L1Mailbox private immutable L1_MAILBOX;

    mapping(bytes32 hash => bool) public delivered;
    /// @notice While a target is called: who on L1 sent it the message.
    address public transient sender;

    event Delivered(bytes32 indexed hash, address indexed target);

    error AlreadyDelivered(bytes32 hash);
    /// @notice Unreachable: a proof of absence reverts before, and only `true` is ever written there.
    error NotSent(bytes32 hash);
    error Reentered();
    error CallFailed(bytes32 hash);

    constructor(L1Mailbox l1Mailbox) {
        L1_MAILBOX = l1Mailbox;
    }

    /// @notice Calls the message's target with its data.
    // What is written after the call is the lock.
    // slither-disable-next-line reentrancy-no-eth
    function deliver(Message calldata message, L1Proof calldata proof) external {
        require(sender == address(0), Reentered());
        bytes32 hash = keccak256(abi.encode(message));
        require(!delivered[hash], AlreadyDelivered(hash));
        uint256 value = L1State.read(address(L1_MAILBOX), keccak256(abi.encode(hash, uint256(0))), proof);
        require(value == 1, NotSent(hash));

        delivered[hash] = true;
        sender = message.sender;
        emit Delivered(hash, message.target);

        (bool success,) = message.target.call(message.data);
        require(success, CallFailed(hash));
        sender = address(0);
    }
}
