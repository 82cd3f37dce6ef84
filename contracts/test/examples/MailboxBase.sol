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
abstract contract MailboxBase is Fixtures {
    using RLP for RLP.Encoder;

    uint256 internal constant TIME = 1_800_000_000;
    uint64 internal constant GAS_LIMIT = 200_000;
    /// @dev What {header} says.
    uint256 internal constant L1_NUMBER = 1000;
    uint256 internal constant L1_TIMESTAMP = 4000;

    L1Mailbox internal l1;
    L2Mailbox internal l2;
    Reader internal target;

    function setUp() public {
        vm.etch(L1State.BEACON_ROOTS, vm.parseJsonBytes(json(), ".genesis.code4788"));
        l1 = new L1Mailbox();
        l2 = new L2Mailbox(l1);
        target = new Reader();
        vm.warp(TIME);
    }

    function send() internal returns (Message memory) {
        return send(address(target), GAS_LIMIT, "hello");
    }

    function send(address to, uint64 gasLimit, bytes memory data) internal returns (Message memory message) {
        message = Message(l1.count(), BOB, to, gasLimit, data);
        vm.prank(BOB);
        vm.assertEq(l1.send(to, gasLimit, data), hashOf(message));
    }

    function hashOf(Message memory message) internal pure returns (bytes32) {
        return keccak256(abi.encode(message));
    }

    /// @dev An L1 block with this message, which the L2 block of now knows.
    function known(Message memory message) internal returns (L1Proof memory proof) {
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

    /// @dev The first fields of an Ethereum header; all but the state root are any. The numbers count in thousands from 0, the
    /// difficulty.
    function header(bytes32 stateRoot) internal pure returns (bytes memory) {
        RLP.Encoder memory fields = RLP.encoder();
        fields.push(keccak256("parent")).push(keccak256("ommers")).push(ALICE).push(stateRoot);
        fields.push(keccak256("transactions")).push(keccak256("receipts")).push(new bytes(256));
        for (uint256 i = 0; i < 5; ++i) {
            fields.push(i * 1000);
        }
        fields.push(bytes("extra")).push(keccak256("randao")).push(new bytes(8));
        return fields.encode();
    }
}
