// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInbox} from "../../src/interfaces/IInbox.sol";
import {Batch, View} from "../../src/interfaces/Types.sol";
import {InboxBase} from "./Base.sol";

contract AppendTest is InboxBase {
    function refuses(address who, uint32 minView, uint64 expectedIndex, bytes memory expected) private {
        reverts(who, 0, address(inbox), abi.encodeCall(IInbox.append, (BOB, minView, expectedIndex)), expected);
    }

    function test_records() public {
        nextBlock(12);
        setBlobs(BLOB, keccak256("second"));
        bytes32[] memory hashes = new bytes32[](2);
        (hashes[0], hashes[1]) = (BLOB, keccak256("second"));
        Batch memory first = Batch(0, keccak256(abi.encode(1000)), hashes, BOB, START + 12, 2, 0);
        expectEvent(address(inbox));
        emit IInbox.ViewRecorded(1, View(first.l1Hash, 1000, START + 12, keccak256("randao"), 0, 0));
        expectEvent(address(inbox));
        emit IInbox.BatchAppended(1, hashOf(first), first);
        vm.assertEq(append(0), uint256(1));
        vm.assertEq(inbox.batchHash(1), hashOf(first));

        nextBlock(24);
        hashes = new bytes32[](1);
        hashes[0] = BLOB;
        Batch memory second = Batch(hashOf(first), keccak256(abi.encode(1001)), hashes, BOB, START + 24, 3, 0);
        expectEvent(address(inbox));
        emit IInbox.BatchAppended(2, hashOf(second), second);
        vm.prank(ALICE);
        vm.assertEq(inbox.append(BOB, 0, 2), uint256(2));
        vm.assertEq(inbox.batchHash(2), hashOf(second));
        vm.assertEq(inbox.batchCount(), uint256(2));
        vm.assertEq(inbox.batchHash(3), bytes32(0));
    }

    function test_takesTheViewThatTheBlockHas() public {
        nextBlock(12);
        inbox.poke();
        append(0);
        vm.assertEq(inbox.viewCount(), uint256(2));
    }

    function test_oncePerTransaction() public {
        setBlobs(BLOB);
        append(0);
        refuses(ALICE, 0, 0, abi.encodeWithSelector(IInbox.AlreadyAppended.selector));
        inbox.nextTransaction();
        append(0);
    }

    function test_needsABlob() public {
        noBlobs();
        refuses(ALICE, 0, 0, abi.encodeWithSelector(IInbox.NoBlob.selector));
    }

    function test_expectedIndex() public {
        setBlobs(BLOB);
        refuses(ALICE, 0, 2, abi.encodeWithSelector(IInbox.UnexpectedIndex.selector, 2, 1));
        vm.prank(ALICE);
        inbox.append(BOB, 0, 1);
    }

    // ---------------------------------------------------------------- who may

    function test_onlyTheSequencerAtFirst() public {
        vm.assertTrue(inbox.mayAppend(ALICE));
        vm.assertFalse(inbox.mayAppend(BOB));
        refuses(BOB, 0, 0, abi.encodeWithSelector(IInbox.NotSequencer.selector, BOB, START + DELAY));
    }

    function test_everybodyAfterTheDelay() public {
        nextBlock(DELAY - 1);
        vm.assertFalse(inbox.mayAppend(BOB));
        nextBlock(DELAY);
        vm.assertTrue(inbox.mayAppend(BOB));
        vm.prank(BOB);
        inbox.append(BOB, 0, 0);
        // Somebody else's batch does not close it again.
        nextBlock(DELAY + 1);
        vm.assertTrue(inbox.mayAppend(BOB));
        // The sequencer's does.
        append(0);
        vm.assertFalse(inbox.mayAppend(BOB));
        refuses(BOB, 0, 0, abi.encodeWithSelector(IInbox.NotSequencer.selector, BOB, START + 2 * DELAY + 1));
    }

    function test_basedRollup() public {
        setBlobs(BLOB);
        inbox = deploy(address(0), address(0));
        vm.assertTrue(inbox.mayAppend(BOB));
        vm.prank(BOB);
        inbox.append(BOB, 0, 0);
    }

    // ---------------------------------------------------------------- minView

    function test_unknownView() public {
        nextBlock(12);
        refuses(ALICE, 2, 0, abi.encodeWithSelector(IInbox.UnknownView.selector, 2, 2));
    }

    function test_tooYoung() public {
        nextBlock(12);
        inbox.poke(); // view 1
        nextBlock(12 + DELAY / 2 - 1);
        refuses(ALICE, 1, 0, abi.encodeWithSelector(IInbox.ViewTooYoung.selector, 1, DELAY / 2 - 1, DELAY / 2));
        nextBlock(12 + DELAY / 2);
        append(1);
    }

    /// The batch's own view is never old enough.
    function test_itsOwnView() public {
        nextBlock(12);
        refuses(ALICE, 1, 0, abi.encodeWithSelector(IInbox.ViewTooYoung.selector, 1, 0, DELAY / 2));
    }

    function test_overdue() public {
        nextBlock(12);
        inbox.poke(); // view 1
        nextBlock(24);
        inbox.poke(); // view 2
        nextBlock(12 + DELAY);
        append(0);
        nextBlock(12 + DELAY + 1);
        refuses(ALICE, 0, 0, abi.encodeWithSelector(IInbox.ViewOverdue.selector, 1, DELAY + 1, DELAY));
        append(1);
    }

    function test_viewZeroIsNeverTooYoung() public {
        nextBlock(1);
        append(0);
    }

    /// There is always a view that passes, and every view is owed once it is older than the delay.
    function testFuzz_alwaysPossible(uint16[8] memory gaps, uint16 last) public {
        uint64 time = 0;
        for (uint256 i = 0; i < gaps.length; ++i) {
            time += gaps[i];
            nextBlock(time);
            inbox.poke();
        }
        nextBlock(time + last);
        uint32 minView = 0;
        for (uint32 i = 0; i < inbox.viewCount(); ++i) {
            if (block.timestamp - inbox.viewAt(i).l1Timestamp > DELAY) minView = i;
        }
        append(minView);
    }
}
