// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInbox} from "../../src/interfaces/IInbox.sol";
import {View} from "../../src/interfaces/Types.sol";
import {InboxBase} from "./Base.sol";

contract ConstructorTest is InboxBase {
    function test_recordsViewZero() public view {
        vm.assertEq(inbox.viewCount(), uint256(1));
        vm.assertEq(
            abi.encode(inbox.viewAt(0)), abi.encode(View(keccak256("999"), 999, START, keccak256("randao"), 0, 0))
        );
    }

    function test_nothingElse() public view {
        vm.assertEq(inbox.batchCount(), uint256(0));
        vm.assertEq(inbox.batchHash(0), bytes32(0));
        vm.assertEq(inbox.forcedCount(), uint256(0));
        vm.assertEq(inbox.depositCount(), uint256(0));
    }

    function test_configIsKept() public view {
        vm.assertEq(
            abi.encode(inbox.config()), abi.encode(IInbox.Config(ALICE, DELAY, FEE, MINIMUM, address(0), BRIDGE))
        );
    }
}

contract PokeTest is InboxBase {
    function test_records() public {
        nextBlock(12);
        View memory expected = View(keccak256(abi.encode(1000)), 1000, START + 12, keccak256("randao"), 0, 0);
        expectEvent(address(inbox));
        emit IInbox.ViewRecorded(1, expected);
        vm.prank(BOB);
        vm.assertEq(inbox.poke(), uint256(1));
        vm.assertEq(abi.encode(inbox.viewAt(1)), abi.encode(expected));
        vm.assertEq(inbox.viewCount(), uint256(2));
    }

    function test_onceInABlock() public {
        vm.assertEq(inbox.poke(), uint256(0));
        nextBlock(12);
        inbox.poke();
        vm.assertEq(inbox.poke(), uint256(1));
        append(0);
        vm.assertEq(inbox.viewCount(), uint256(2));
    }

    function test_neverChanges() public {
        bytes memory before = abi.encode(inbox.viewAt(0));
        nextBlock(12);
        inbox.poke();
        vm.assertEq(abi.encode(inbox.viewAt(0)), before);
    }

    /// Queue ends are those of the end of the block before, whatever came first in this one.
    function test_queueEndsOfThePreviousBlock() public {
        force("a");
        deposit(1 ether);
        nextBlock(12);
        force("b");
        inbox.poke();
        deposit(1 ether);
        deposit(1 ether);
        View memory v = inbox.viewAt(1);
        vm.assertEq(v.forcedEnd, uint256(1));
        vm.assertEq(v.depositsEnd, uint256(1));
        nextBlock(24);
        nextBlock(36);
        deposit(1 ether);
        deposit(1 ether);
        inbox.poke();
        v = inbox.viewAt(2);
        vm.assertEq(v.forcedEnd, uint256(2));
        vm.assertEq(v.depositsEnd, uint256(3));
        vm.assertEq(inbox.depositCount(), uint256(5));
    }

    function test_unknownView() public {
        reverts(
            address(inbox),
            abi.encodeCall(IInbox.viewAt, (1)),
            abi.encodeWithSelector(IInbox.UnknownView.selector, 1, 1)
        );
    }
}
