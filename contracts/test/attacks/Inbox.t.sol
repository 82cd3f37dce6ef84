// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Inbox} from "../../src/Inbox.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {View} from "../../src/interfaces/Types.sol";
import {InboxBase} from "../inbox/Base.sol";

/// @dev Appends as often as it can in one transaction.
contract Spammer {
    function appendAll(IInbox inbox, uint256 times) external returns (uint256 succeeded) {
        for (uint256 i = 0; i < times; ++i) {
            try inbox.append(address(this), 0, 0) {
                ++succeeded;
            } catch {}
        }
    }
}

/// @notice Attacks on what the L2 reads: batches, views, queues. ALICE is the sequencer here, and not always honest; BOB is a
/// user.
contract InboxAttacksTest is InboxBase {
    function appendAs(address who, uint32 minView) private returns (uint64) {
        vm.prank(who);
        return inbox.append(who, minView, 0);
    }

    function canAppend(address who, uint32 minView) private returns (bool success) {
        uint256 id = vm.snapshotState();
        vm.prank(who);
        (success,) = address(inbox).call(abi.encodeCall(IInbox.append, (who, minView, 0)));
        vm.revertToState(id);
    }

    /// @dev The oldest view that the sequencer can name now.
    function oldestView() private returns (uint32 viewIndex) {
        while (!canAppend(ALICE, viewIndex)) ++viewIndex;
    }

    /// @dev How many forced transactions he owes by it.
    function leastOwed() private returns (uint64) {
        return inbox.viewAt(oldestView()).forcedEnd;
    }

    // ---------------------------------------------------------------- batches

    /// One blob, paid once, as a hundred batches, each of which would cost every node a derivation and every claim its steps.
    /// The real Inbox, in one real transaction.
    function test_appendsOneBlobManyTimesInATransaction() public {
        IInbox.Config memory open = inbox.config();
        open.sequencer = address(0);
        Inbox real = new Inbox(open);
        setBlobs(BLOB);
        vm.assertEq(new Spammer().appendAll(real, 100), 1);
        vm.assertEq(new Spammer().appendAll(real, 100), uint256(0)); // nor by another contract of the same transaction
        vm.assertEq(real.batchCount(), 1);
    }

    /// A hundred blobs in a hundred transactions cost their blob gas; their number in one transaction is L1's to bound, and all
    /// of them are in the batch's hash.
    function test_namesTheSameBlobTwiceInOneTransaction() public {
        nextBlock(12);
        setBlobs(BLOB, BLOB);
        appendAs(ALICE, 0);
        bytes32 twice = inbox.batchHash(1);
        nextBlock(24);
        setBlobs(BLOB);
        appendAs(ALICE, 0);
        vm.assertNotEq(twice, inbox.batchHash(2));
        vm.assertEq(inbox.batchCount(), 2);
    }

    /// Somebody else's batch comes first, so that a tape that was made for one place lands in another: `expectedIndex` makes it
    /// fail instead, so that it costs a failed transaction and no wrong history.
    function test_movesAnothersBatchToAnotherPlace() public {
        nextBlock(DELAY);
        appendAs(MALLORY, 0);
        inbox.nextTransaction();
        reverts(
            BOB,
            0,
            address(inbox),
            abi.encodeCall(IInbox.append, (BOB, 0, 1)),
            abi.encodeWithSelector(IInbox.UnexpectedIndex.selector, 1, 2)
        );
    }

    // ---------------------------------------------------------------- the fall-back

    /// The sequencer is silent, the fall-back opens, and an attacker posts an empty batch in the first second, again and again:
    /// only the sequencer's own batches close it.
    function test_closesTheFallBackByEmptyBatches() public {
        for (uint64 i = 0; i < 5; ++i) {
            nextBlock(DELAY + i);
            appendAs(MALLORY, 0);
            vm.assertTrue(inbox.mayAppend(BOB));
        }
        inbox.nextTransaction();
        appendAs(BOB, 0);
    }

    /// The sequencer posts an empty batch just before each fall-back, for ever, so that nobody else ever may. He pays a blob each
    /// time and withholds nothing that was forced for longer than FORCE_DELAY from its view: the batch itself owes it.
    function test_keepsTheFallBackClosedByEmptyBatches() public {
        nextBlock(12);
        force("let me in");
        nextBlock(24);
        inbox.poke(); // by anybody
        uint64 owedAt = 0;
        for (uint64 i = 1; i <= 3; ++i) {
            nextBlock(i * (DELAY - 1));
            vm.assertFalse(inbox.mayAppend(BOB));
            uint32 minView = oldestView();
            if (owedAt == 0 && inbox.viewAt(minView).forcedEnd == 1) owedAt = i * (DELAY - 1);
            appendAs(ALICE, minView);
        }
        vm.assertTrue(owedAt > 0 && owedAt <= 24 + 2 * DELAY);
    }

    /// He never pokes, and appends as seldom as he may, so that no view knows of the forced transaction. His own next batch
    /// records one, and the one after it owes it; who does not want to wait for that pokes.
    function test_recordsNoViewOfAForcedTransaction() public {
        nextBlock(12);
        force("let me in");
        nextBlock(DELAY - 1);
        appendAs(ALICE, 0); // his own view, number 1, knows of it
        vm.assertEq(inbox.viewAt(1).forcedEnd, 1);
        nextBlock(2 * DELAY - 2);
        appendAs(ALICE, 0);
        nextBlock(2 * DELAY);
        vm.assertEq(leastOwed(), 1);
        vm.assertFalse(canAppend(ALICE, 0));
    }

    /// He names a view of long ago with every batch. It must not be overdue.
    function test_namesAnOldViewForEver() public {
        nextBlock(12);
        force("let me in");
        nextBlock(24);
        inbox.poke();
        nextBlock(24 + DELAY);
        vm.assertTrue(canAppend(ALICE, 0));
        nextBlock(24 + DELAY + 1);
        vm.assertFalse(canAppend(ALICE, 0));
        vm.assertTrue(canAppend(ALICE, 1));
    }

    /// The longest that he can delay: his last batch comes in the last second in which he need not name the view that knows of
    /// the forced transaction, FORCE_DELAY after it, and then he is silent. Anybody may append another FORCE_DELAY later, that
    /// second included, and has to name the view.
    function test_appendsJustBeforeTheViewIsOverdueAndIsSilent() public {
        nextBlock(12);
        force("let me in");
        nextBlock(24);
        inbox.poke();
        nextBlock(24 + DELAY);
        appendAs(ALICE, 0);
        nextBlock(24 + 2 * DELAY - 1);
        vm.assertFalse(inbox.mayAppend(BOB));
        vm.assertFalse(canAppend(BOB, 1));
        nextBlock(24 + 2 * DELAY);
        vm.assertTrue(inbox.mayAppend(BOB));
        vm.assertFalse(canAppend(BOB, 0));
        vm.assertEq(inbox.viewAt(1).forcedEnd, 1);
        appendAs(BOB, 1);
    }

    // ---------------------------------------------------------------- views

    /// Three thousand pokes before an append. It is looked at two views, whatever their number, and the right one can be named.
    function test_pokesThousandsOfTimesBeforeAnAppend() public {
        nextBlock(12);
        uint256 alone = gasOfAppend(0);
        for (uint64 i = 1; i <= 3000; ++i) {
            nextBlock(12 + 12 * i);
            inbox.poke();
            inbox.poke(); // a second one in a block is none
        }
        vm.assertEq(inbox.viewCount(), uint256(3001));
        nextBlock(12 + 12 * 3001);
        uint256 spent = gasOfAppend(1000);
        vm.assertTrue(spent < alone + 15_000);
    }

    function gasOfAppend(uint32 minView) private returns (uint256 spent) {
        uint256 id = vm.snapshotState();
        vm.prank(ALICE);
        spent = gasleft();
        inbox.append(BOB, minView, 0);
        spent -= gasleft();
        vm.revertToState(id);
    }

    /// A view in the block of a deposit, before and after it: both say what stood at the end of the block before, so the order
    /// within a block changes nothing.
    function test_recordsAViewInTheMiddleOfABlock() public {
        nextBlock(12);
        force("one");
        uint256 id = vm.snapshotState();
        View memory late = inbox.viewAt(inbox.poke());
        vm.revertToState(id);
        nextBlock(24);
        View memory early = inbox.viewAt(inbox.poke());
        force("two");
        vm.assertEq(late.forcedEnd, uint256(0));
        vm.assertEq(early.forcedEnd, 1);
        // It does not change any more.
        inbox.poke();
        vm.assertEq(inbox.viewAt(1).forcedEnd, 1);
    }

    // ---------------------------------------------------------------- queues

    /// A forced transaction that no proof could carry: its length is that of what a blob can, and it is in calldata and in the
    /// event, not in a blob that expires.
    function test_forcesMoreThanAProofCanCarry() public {
        bytes memory raw = new bytes(126_972);
        vm.deal(MALLORY, FEE);
        vm.prank(MALLORY);
        (bool success,) = address(inbox).call{value: FEE}(abi.encodeCall(IInbox.force, (raw)));
        vm.assertFalse(success);
        bytes memory longest = new bytes(126_971);
        expectEvent(address(inbox));
        emit IInbox.Forced(0, keccak256(longest), longest);
        force(longest);
    }

    /// Ten thousand forced transactions that do nothing, to make every block of the L2 serve them: each burns the fee.
    function test_floodsTheForcedQueue() public {
        uint256 burnt = address(0).balance;
        vm.deal(MALLORY, 10_000 * FEE);
        for (uint256 i = 0; i < 10_000; ++i) {
            vm.prank(MALLORY);
            inbox.force{value: FEE}("");
        }
        vm.assertEq(address(0).balance - burnt, 10 ether);
        nextBlock(12);
        vm.assertEq(force("honest"), 10_000);
    }
}
