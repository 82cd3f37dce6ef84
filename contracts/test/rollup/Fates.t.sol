// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Checkpoint, Segment} from "../../src/interfaces/Types.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

contract ConfirmTest is Game {
    function refuses(bytes32 attempt, bytes memory expected) private {
        reverts(address(rollup), abi.encodeCall(IRollup.confirm, (attempt)), expected);
    }

    function test_confirms() public {
        bytes32 attempt = truly(ALICE);
        bytes32 content = contentOf(attempt);
        afterWindow();
        expectEvent(address(rollup));
        emit IRollup.Confirmed(attempt, content, 1);
        vm.prank(BOB); // whoever calls
        rollup.confirm(attempt);
        vm.assertEq(rollup.tip(), content);
        IRollup.Content memory c = rollup.contentOf(content);
        vm.assertTrue(c.confirmed);
        vm.assertEq(c.confirmedAt, block.timestamp);
        vm.assertFalse(rollup.isContradicted(content));
        vm.assertEq(uint256(rollup.attemptOf(attempt).status), uint256(IRollup.Status.Confirmed));
        assertFate(attempt, IRollup.Fate.Confirmed);
    }

    function test_notWithinTheWindow() public {
        bytes32 attempt = truly(ALICE);
        vm.warp(START + WINDOW);
        refuses(attempt, abi.encodeWithSelector(IRollup.TooEarly.selector, START + WINDOW, START + WINDOW));
    }

    function test_notWithOpenChallenges() public {
        bytes32 attempt = truly(ALICE);
        challenge(attempt);
        afterWindow();
        refuses(attempt, abi.encodeWithSelector(IRollup.ChallengesOpen.selector, 1));
    }

    function test_everyRevealHasItsPeriod() public {
        bytes32 attempt = truly(ALICE);
        vm.warp(START + WINDOW);
        challenge(attempt);
        vm.warp(START + WINDOW + RESPONSE);
        reveal(attempt, claimOf(attempt), "honest");
        uint64 last = START + WINDOW + 2 * RESPONSE;
        vm.warp(last);
        refuses(attempt, abi.encodeWithSelector(IRollup.TooEarly.selector, last, last));
        vm.warp(last + 1);
        rollup.confirm(attempt);
    }

    /// Window + 2 responses for each level: no game is longer.
    function test_worstCase() public {
        bytes32 attempt = truly(ALICE);
        vm.warp(START + WINDOW);
        challenge(attempt);
        vm.warp(START + WINDOW + RESPONSE);
        reveal(attempt, claimOf(attempt), "honest");
        vm.warp(START + WINDOW + 2 * RESPONSE);
        challenge(attempt, gap(claimOf(attempt), "honest", 1));
        vm.warp(START + WINDOW + 3 * RESPONSE);
        reveal(attempt, segment(2, 4, Toy.truth(2), Toy.truth(4)), "honestGap");
        vm.warp(START + WINDOW + 4 * RESPONSE + 1);
        rollup.confirm(attempt);
        vm.assertEq(WINDOW + 4 * RESPONSE, 13 days);
    }

    function test_parentsFirst() public {
        bytes32 parent = truly(ALICE);
        bytes32 child = propose(ALICE, contentOf(parent), Toy.truth(16), 8);
        afterWindow();
        refuses(child, abi.encodeWithSelector(IRollup.ParentNotConfirmed.selector, contentOf(parent)));
        rollup.confirm(parent);
        rollup.confirm(child);
        vm.assertEq(rollup.tip(), contentOf(child));
    }

    function test_aChildOfADeadContentCanNot() public {
        (bytes32 dead, Segment memory s) = dissectedLie();
        bytes32 child = propose(MALLORY, contentOf(dead), Toy.end(5, 2), 8);
        prove(5);
        rollup.killGap(dead, gap(s, "lieGap", 1), BOB);
        afterWindow();
        refuses(child, abi.encodeWithSelector(IRollup.ParentNotConfirmed.selector, contentOf(dead)));
    }

    function test_onlyPending() public {
        bytes32 good = truly(ALICE);
        bytes32 sibling = truly(BOB);
        bytes32 bad = falsely(MALLORY);
        bytes32 orphan = propose(MALLORY, contentOf(bad), Toy.end(5, 2), 8);
        afterWindow();
        rollup.confirm(good);
        refuses(good, notPending(good, IRollup.Fate.Confirmed));
        refuses(sibling, notPending(sibling, IRollup.Fate.Confirmed));
        refuses(bad, notPending(bad, IRollup.Fate.Contradicted));
        refuses(orphan, notPending(orphan, IRollup.Fate.Void));
        refuses(bytes32(uint256(3)), abi.encodeWithSelector(IRollup.UnknownAttempt.selector, bytes32(uint256(3))));
    }

    /// The tip is of the newest batch, whatever the order; the first confirmed if two name it.
    function test_tip() public {
        bytes32 first = truly(ALICE); // batch 1
        bytes32 second = propose(ALICE, contentOf(first), Toy.truth(16), 8); // batch 2
        bytes32 both = propose(BOB, genesis, Toy.truth(16), 16); // batches 1 and 2
        afterWindow();
        rollup.confirm(both);
        vm.assertEq(rollup.tip(), contentOf(both));
        rollup.confirm(first);
        vm.assertEq(rollup.tip(), contentOf(both));
        rollup.confirm(second);
        vm.assertEq(rollup.tip(), contentOf(both));
    }

    /// A claim that died can be made again, by whoever.
    function test_againAfterADeath() public {
        bytes32 gone = truly(ALICE);
        bytes32 id = challenge(gone);
        vm.warp(START + RESPONSE + 1);
        rollup.timeout(gone, id);
        bytes32 again = truly(BOB);
        vm.assertEq(contentOf(gone), contentOf(again));
        vm.warp(START + RESPONSE + 1 + WINDOW + 1);
        rollup.confirm(again);
        assertFate(gone, IRollup.Fate.Dead);
        assertFate(again, IRollup.Fate.Confirmed);
    }
}

contract MarkVoidTest is Game {
    function refuses(bytes32 content) private {
        reverts(
            address(rollup),
            abi.encodeCall(IRollup.markVoid, (content)),
            abi.encodeWithSelector(IRollup.NotVoid.selector, content)
        );
    }

    function test_downAChain() public {
        bytes32 good = truly(ALICE);
        bytes32 a = contentOf(falsely(MALLORY));
        bytes32 b = contentOf(propose(MALLORY, a, Toy.end(5, 2), 8));
        bytes32 c = contentOf(propose(MALLORY, b, Toy.end(6, 3), 8));
        afterWindow();
        rollup.confirm(good);
        vm.assertTrue(rollup.isContradicted(a));
        refuses(a); // contradicted, not void
        refuses(c); // its parent is not marked yet
        vm.assertTrue(rollup.isVoid(b));
        expectEvent(address(rollup));
        emit IRollup.Voided(b);
        rollup.markVoid(b);
        vm.assertTrue(rollup.contentOf(b).voided);
        vm.assertTrue(rollup.isVoid(c));
        rollup.markVoid(c);
        refuses(b); // once
    }

    function test_deadParentThatTheTipPassed() public {
        bytes32 both = propose(ALICE, genesis, Toy.truth(16), 16);
        bytes32 parent = truly(BOB);
        bytes32 child = propose(BOB, contentOf(parent), Toy.truth(24), 16);
        bytes32 id = challenge(parent);
        vm.warp(START + RESPONSE + 1);
        rollup.timeout(parent, id);
        refuses(contentOf(child)); // the parent can still be claimed again
        afterWindow();
        rollup.confirm(both);
        vm.assertTrue(rollup.isVoid(contentOf(child)));
        assertFate(child, IRollup.Fate.Void);
        rollup.markVoid(contentOf(child));
    }

    /// "Newer than the tip" means a newer batch: one as old as the tip's can't be claimed again either.
    function test_deadParentOfTheTipsBatch() public {
        bytes32 both = propose(ALICE, genesis, Toy.truth(16), 16);
        bytes32 first = truly(BOB);
        bytes32 parent = propose(BOB, contentOf(first), Toy.truth(16), 8);
        bytes32 child = propose(BOB, contentOf(parent), Toy.truth(24), 8);
        bytes32 id = challenge(parent);
        vm.warp(START + RESPONSE + 1);
        rollup.timeout(parent, id);
        refuses(contentOf(child));
        afterWindow();
        rollup.confirm(both);
        assertFate(child, IRollup.Fate.Void);
    }

    function test_aLiveParentBehindTheTip() public {
        bytes32 both = propose(ALICE, genesis, Toy.truth(16), 16);
        bytes32 parent = truly(BOB);
        bytes32 child = propose(BOB, contentOf(parent), Toy.truth(24), 16);
        afterWindow();
        rollup.confirm(both);
        refuses(contentOf(child)); // the parent can confirm
        rollup.confirm(parent);
        rollup.confirm(child);
        vm.assertEq(rollup.tip(), contentOf(child));
    }

    function test_neverOfConfirmed() public {
        bytes32 attempt = truly(ALICE);
        afterWindow();
        rollup.confirm(attempt);
        refuses(contentOf(attempt));
        refuses(genesis);
    }

    function test_unknown() public {
        reverts(
            address(rollup),
            abi.encodeCall(IRollup.markVoid, (bytes32(uint256(1)))),
            abi.encodeWithSelector(IRollup.UnknownContent.selector, bytes32(uint256(1)))
        );
    }
}

/// @notice What MALLORY can do to claims built on hers, with two true claims that start at the same parent: one to be let die,
/// one to move the tip, after which nobody can claim the first again. See contracts/README.md.
contract StrangersParentTest is Game {
    /// @dev MALLORY challenges the whole of `attempt` herself, in the last second, and never answers.
    function sabotage(bytes32 attempt) private returns (bytes32 segmentId) {
        vm.warp(START + WINDOW);
        vm.prank(MALLORY);
        return rollup.challengeClaim{value: CHALLENGE_BOND}(attempt);
    }

    function aliceCanNotClaim(uint64 batch) private {
        Checkpoint memory end = Toy.truth(batch * Toy.STEPS);
        bytes memory move = proposal(genesis, end, batch * Toy.STEPS, ALICE, nothing());
        vm.prank(ALICE);
        (bool success, bytes memory why) = address(rollup).call{value: CLAIM_BOND}(move);
        vm.assertFalse(success);
        vm.assertEq(why, abi.encodeWithSelector(IRollup.UnfitParent.selector, genesis));
    }

    function test_tipMovesBelowIt() public {
        bytes32 mover = truly(MALLORY);
        bytes32 parent = propose(MALLORY, genesis, Toy.truth(16), 16);
        bytes32 child = propose(ALICE, contentOf(parent), Toy.truth(24), 8);
        bytes32 id = sabotage(parent);
        afterWindow();
        rollup.confirm(mover);
        aliceCanNotClaim(2);
        vm.warp(START + WINDOW + RESPONSE + 1);
        rollup.timeout(parent, id);

        // Neither confirmed nor void, until the tip has passed the dead parent.
        assertFate(child, IRollup.Fate.Pending);
        bytes32 anew = propose(ALICE, contentOf(mover), Toy.truth(16), 8);
        vm.warp(block.timestamp + WINDOW + 1);
        rollup.confirm(anew);
        assertFate(child, IRollup.Fate.Void);
    }

    function test_tipMovesBeyondIt() public {
        bytes32 parent = truly(MALLORY);
        bytes32 child = propose(ALICE, contentOf(parent), Toy.truth(32), 24);
        vm.warp(START + 1 hours);
        bytes32 mover = propose(MALLORY, genesis, Toy.truth(16), 16);
        bytes32 id = sabotage(parent);
        vm.warp(START + WINDOW + 1 hours + 1);
        rollup.confirm(mover);
        aliceCanNotClaim(1);
        vm.warp(START + WINDOW + RESPONSE + 1);
        rollup.timeout(parent, id);
        assertFate(child, IRollup.Fate.Void);
    }

    /// The same death gives the bonds of false claims below it back, if it comes before theirs.
    function test_takesLiesWithIt() public {
        bytes32 parent = truly(MALLORY);
        bytes32 lie = propose(MALLORY, contentOf(parent), Toy.end(1008, 3), 8);
        bytes32 mover = propose(MALLORY, genesis, Toy.truth(16), 16);
        bytes32 id = sabotage(parent);
        bytes32 attack = challenge(lie);
        afterWindow();
        rollup.confirm(mover);
        vm.warp(START + WINDOW + RESPONSE + 1);
        rollup.timeout(parent, id);
        reverts(address(rollup), abi.encodeCall(IRollup.timeout, (lie, attack)), notPending(lie, IRollup.Fate.Void));
        uint256 before = rollup.owed(MALLORY);
        rollup.settleAttempt(lie);
        vm.assertEq(rollup.owed(MALLORY) - before, uint256(CLAIM_BOND));
        rollup.settleChallenge(lie, attack);
        vm.assertEq(rollup.owed(BOB), uint256(CHALLENGE_BOND));
    }

    /// Own claims all the way up to what was the tip are out of reach of this.
    function test_ownParentsStand() public {
        bytes32 mover = truly(MALLORY);
        propose(MALLORY, genesis, Toy.truth(16), 16);
        bytes32 parent = propose(ALICE, genesis, Toy.truth(16), 16); // of the same content
        bytes32 child = propose(ALICE, contentOf(parent), Toy.truth(24), 8);
        afterWindow();
        rollup.confirm(mover);
        rollup.confirm(parent);
        rollup.confirm(child);
        vm.assertEq(rollup.tip(), contentOf(child));
    }
}
