// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {L1Mailbox, L2Mailbox, Message} from "../../src/examples/Mailboxes.sol";
import {L1Proof, L1State} from "../../src/libraries/L1State.sol";
import {Fixtures} from "../support/Fixtures.sol";
import {Entry, Trie} from "../support/Trie.sol";

/// @notice Remembers who on L1 sent it what.
contract Reader {
    address public from;
    bytes public data;
    bool public closed;

    function close(bool closed_) external {
        closed = closed_;
    }

    fallback() external {
        require(!closed);
        (from, data) = (L2Mailbox(msg.sender).sender(), msg.data);
    }
}

/// @notice Both mailboxes stand here; what the one on L1 wrote is put into a trie and a header, whose hash the real EIP-4788
/// contract is told as L2 tells it.
contract MailboxTest is Fixtures {
    using RLP for RLP.Encoder;

    uint256 private constant TIME = 1_800_000_000;

    L1Mailbox private l1;
    L2Mailbox private l2;
    Reader private target;

    function setUp() public {
        vm.etch(L1State.BEACON_ROOTS, vm.parseJsonBytes(json(), ".genesis.code4788"));
        l1 = new L1Mailbox();
        l2 = new L2Mailbox(l1);
        target = new Reader();
        vm.warp(TIME);
    }

    function send() private returns (Message memory message) {
        message = Message(l1.count(), BOB, address(target), "hello");
        vm.prank(BOB);
        vm.assertEq(l1.send(address(target), "hello"), hashOf(message));
    }

    function hashOf(Message memory message) private pure returns (bytes32) {
        return keccak256(abi.encode(message));
    }

    /// @dev An L1 block with this message, which the L2 block of now knows.
    function known(Message memory message) private returns (L1Proof memory proof) {
        bytes32 slot = keccak256(abi.encode(hashOf(message), uint256(0)));
        bytes memory stored = abi.encodePacked(uint8(uint256(vm.load(address(l1), slot))));
        Entry[] memory slots = new Entry[](2);
        slots[0] = Entry(keccak256(abi.encodePacked(slot)), stored);
        slots[1] = Entry(keccak256(abi.encodePacked(uint256(1))), hex"07");
        Entry[] memory accounts = new Entry[](3);
        bytes memory account = Trie.account(1, 0, Trie.root(slots), keccak256(address(l1).code));
        accounts[0] = Entry(keccak256(abi.encodePacked(address(l1))), account);
        accounts[1] = Entry(keccak256(abi.encodePacked(BOB)), Trie.account(1, 1, Trie.EMPTY_ROOT, keccak256("")));
        accounts[2] = Entry(keccak256(abi.encodePacked(ALICE)), Trie.account(0, 1, Trie.EMPTY_ROOT, keccak256("")));
        proof.timestamp = block.timestamp;
        proof.header = header(Trie.root(accounts));
        proof.accountProof = Trie.prove(accounts, accounts[0].key);
        proof.storageProof = Trie.prove(slots, slots[0].key);
        vm.prank(0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE);
        (bool success,) = L1State.BEACON_ROOTS.call(abi.encode(keccak256(proof.header)));
        vm.assertTrue(success);
    }

    /// @dev The first fields of an Ethereum header; all but the state root are any.
    function header(bytes32 stateRoot) private pure returns (bytes memory) {
        RLP.Encoder memory fields = RLP.encoder();
        fields.push(keccak256("parent")).push(keccak256("ommers")).push(ALICE).push(stateRoot);
        fields.push(keccak256("transactions")).push(keccak256("receipts")).push(new bytes(256));
        for (uint256 i = 0; i < 5; ++i) {
            fields.push(i * 1000);
        }
        fields.push(bytes("extra")).push(keccak256("randao")).push(new bytes(8));
        return fields.encode();
    }

    function refuses(Message memory message, L1Proof memory proof, bytes memory expected) private {
        reverts(address(l2), abi.encodeCall(L2Mailbox.deliver, (message, proof)), expected);
    }

    function test_deliversOnce() public {
        Message memory message = send();
        L1Proof memory proof = known(message);
        expectEvent(address(l2));
        emit L2Mailbox.Delivered(hashOf(message), address(target));
        l2.deliver(message, proof);
        vm.assertEq(target.from(), BOB);
        vm.assertEq(target.data(), "hello");
        vm.assertEq(l2.sender(), address(0));
        refuses(message, proof, abi.encodeWithSelector(L2Mailbox.AlreadyDelivered.selector, hashOf(message)));
    }

    function test_aFailedCallCanBeTriedAgain() public {
        Message memory message = send();
        L1Proof memory proof = known(message);
        target.close(true);
        refuses(message, proof, abi.encodeWithSelector(L2Mailbox.CallFailed.selector, hashOf(message)));
        target.close(false);
        // Some blocks later the anchor of then is still remembered.
        vm.warp(TIME + 1000);
        l2.deliver(message, proof);
        vm.assertEq(target.data(), "hello");
    }

    function test_onlyHeadersThatL2Knows() public {
        Message memory message = send();
        L1Proof memory proof = known(message);
        bytes32 expected = keccak256(proof.header);
        proof.header[100] ^= 0x01; // in the state root
        refuses(message, proof, abi.encodeWithSelector(L1State.WrongHeader.selector, expected, keccak256(proof.header)));
        proof.header[100] ^= 0x01;
        proof.timestamp = TIME - 1;
        refuses(message, proof, abi.encodeWithSelector(L1State.UnknownTimestamp.selector, TIME - 1));
    }

    /// Forged in any field, it is another message, which nobody sent.
    function testFuzz_onlyWhatWasSent(uint8 field, uint64 change) public {
        change = change == 0 ? 1 : change;
        Message memory message = send();
        L1Proof memory proof = known(message);
        field %= 4;
        unchecked {
            if (field == 0) message.nonce += change;
            if (field == 1) message.sender = address(uint160(message.sender) + change);
            if (field == 2) message.target = address(uint160(message.target) + change);
            if (field == 3) message.data = abi.encode(change);
        }
        (bool success,) = address(l2).call(abi.encodeCall(L2Mailbox.deliver, (message, proof)));
        vm.assertFalse(success);
        vm.assertFalse(l2.delivered(hashOf(message)));
    }

    /// The same storage in another account of L1 says nothing.
    function test_onlyTheMailboxOnL1() public {
        Message memory message = send();
        L1Proof memory proof = known(message);
        L2Mailbox other = new L2Mailbox(new L1Mailbox());
        (bool success,) = address(other).call(abi.encodeCall(L2Mailbox.deliver, (message, proof)));
        vm.assertFalse(success);
    }
}
