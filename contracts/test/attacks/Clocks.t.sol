// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Gap, Reveal, Segment} from "../../src/interfaces/Types.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {Attacks} from "./Base.sol";

/// @notice Attacks on time: moves in the last second, moves that run into each other, delay without end.
contract ClockAttacksTest is Attacks {
    /// A liar lets each period run to its last second, so that nothing is left for the next move of a watcher, who sleeps as
    /// long as can be. He wins six days, not the claim.
    function test_answersInTheLastSecondOfEveryLevel() public {
        bytes32 attempt = falsely(MALLORY);
        timeIs(WINDOW);
        challenge(attempt);
        timeIs(WINDOW + RESPONSE);
        reveal(attempt, claimOf(attempt), "lie");
        timeIs(WINDOW + 2 * RESPONSE);
        confirmIsRefused(attempt, tooEarly(WINDOW + 2 * RESPONSE));
        challenge(attempt, gap(claimOf(attempt), "lie", 2));
        timeIs(WINDOW + 3 * RESPONSE);
        Segment memory s = segment(4, 6, Toy.truth(4), Toy.lie(6));
        reveal(attempt, s, "lieGap");
        timeIs(WINDOW + 4 * RESPONSE);
        confirmIsRefused(attempt, tooEarly(WINDOW + 4 * RESPONSE));
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);

        rollup.settleChallenge(attempt, idOf(attempt, claimOf(attempt)));
        rollup.settleChallenge(attempt, idOf(attempt, s));
        assertLost(MALLORY, CLAIM_BOND);
        assertWon(BOB, CLAIM_BOND / 2);
        vm.assertEq(rollup.tip(), genesis);
    }

    /// A griefer challenges a true claim in the last second of each period, all gaps at once. The worst that comes of it is
    /// the stated worst case, and every challenge is a bond for the owner.
    function test_challengesEveryGapOfATrueClaimInTheLastSecond() public {
        bytes32 attempt = truly(ALICE);
        Segment memory claim = claimOf(attempt);
        timeIs(WINDOW);
        challengeAs(MALLORY, attempt);
        timeIs(WINDOW + RESPONSE);
        reveal(attempt, claim, "honest");
        timeIs(WINDOW + 2 * RESPONSE);
        for (uint32 i = 0; i < 4; ++i) {
            Gap memory g = gap(claim, "honest", i);
            vm.prank(MALLORY);
            rollup.challengeGap{value: CHALLENGE_BOND}(attempt, g);
        }
        timeIs(WINDOW + 3 * RESPONSE);
        string[4] memory blobs = ["honestGap0", "honestGap", "honestGap2", "honestGap3"];
        for (uint64 i = 0; i < 4; ++i) {
            reveal(attempt, segment(2 * i, 2 * i + 2, Toy.truth(2 * i), Toy.truth(2 * i + 2)), blobs[i]);
        }
        timeIs(WINDOW + 4 * RESPONSE + 1);
        rollup.confirm(attempt);
        rollup.settleAttempt(attempt);
        vm.assertEq(rollup.tip(), contentOf(attempt));
        assertLost(MALLORY, 5 * CHALLENGE_BOND);
        assertWon(ALICE, 5 * CHALLENGE_BOND);
    }

    /// At every second around the end of the window one of the two is possible, never both and never neither: a challenge
    /// can't be slipped in beside the confirmation, nor the confirmation before it.
    function test_challengesInTheSecondOfTheConfirmation() public {
        bytes32 attempt = truly(ALICE);
        for (uint64 time = WINDOW - 1; time <= WINDOW + 2; ++time) {
            timeIs(time);
            bool late = possible(MALLORY, CHALLENGE_BOND, abi.encodeCall(IRollup.challengeClaim, (attempt)));
            bool confirms = possible(ALICE, 0, abi.encodeCall(IRollup.confirm, (attempt)));
            vm.assertEq(late, time <= WINDOW);
            vm.assertEq(confirms, !late);
        }
        rollup.confirm(attempt);
        reverts(
            MALLORY,
            CHALLENGE_BOND,
            address(rollup),
            abi.encodeCall(IRollup.challengeClaim, (attempt)),
            notPending(attempt, IRollup.Fate.Confirmed)
        );
    }

    /// The same of a gap of a late reveal, whose period outlives the window.
    function test_challengesAGapInTheSecondOfTheConfirmation() public {
        bytes32 attempt = truly(ALICE);
        timeIs(WINDOW);
        challengeAs(MALLORY, attempt);
        timeIs(WINDOW + RESPONSE);
        reveal(attempt, claimOf(attempt), "honest");
        bytes memory late = abi.encodeCall(IRollup.challengeGap, (attempt, gap(claimOf(attempt), "honest", 1)));
        for (uint64 time = WINDOW + 2 * RESPONSE - 1; time <= WINDOW + 2 * RESPONSE + 2; ++time) {
            timeIs(time);
            bool challenges = possible(MALLORY, CHALLENGE_BOND, late);
            vm.assertEq(challenges, time <= WINDOW + 2 * RESPONSE);
            vm.assertEq(possible(ALICE, 0, abi.encodeCall(IRollup.confirm, (attempt))), !challenges);
        }
    }

    /// An answer in the second of the timeout: at every second one of the two is possible.
    function test_timesOutInTheSecondOfTheAnswer() public {
        bytes32 attempt = truly(ALICE);
        bytes32 id = challengeAs(MALLORY, attempt);
        Reveal memory data = revealing("honest");
        bytes memory answer = abi.encodeCall(IRollup.reveal, (attempt, claimOf(attempt), data));
        for (uint64 time = RESPONSE - 1; time <= RESPONSE + 2; ++time) {
            timeIs(time);
            bool answers = possible(ALICE, 0, answer);
            vm.assertEq(answers, time <= RESPONSE);
            vm.assertEq(possible(MALLORY, 0, abi.encodeCall(IRollup.timeout, (attempt, id))), !answers);
        }
    }

    /// A lie with an overdue challenge and a false pair can die in two ways. It dies once, and is paid once.
    function test_isPaidForADeathByProofAndByTheClock() public {
        for (uint256 i = 0; i < 2; ++i) {
            uint256 state = vm.snapshotState();
            (bytes32 attempt, Segment memory s) = dissectedLie();
            bytes32 overdue = challenge(attempt, gap(claimOf(attempt), "lie", 1));
            prove(5);
            timeIs(RESPONSE + 1);
            bytes memory byClock = abi.encodeCall(IRollup.timeout, (attempt, overdue));
            bytes memory byProof = abi.encodeCall(IRollup.killGap, (attempt, gap(s, "lieGap", 1), BOB));
            (bytes memory first, bytes memory second) = i == 0 ? (byClock, byProof) : (byProof, byClock);
            (bool success,) = address(rollup).call(first);
            vm.assertTrue(success);
            reverts(address(rollup), second, notPending(attempt, IRollup.Fate.Dead));
            vm.assertEq(rollup.owed(BOB), CLAIM_BOND / 2);
            vm.revertToState(state);
        }
    }

    /// A liar reveals, on time, more often than he is asked, to push the end away. Each segment is answered once.
    function test_revealsAgainToMoveTheEndAway() public {
        bytes32 attempt = falsely(MALLORY);
        Segment memory claim = claimOf(attempt);
        challenge(attempt);
        reveal(attempt, claim, "lie");
        timeIs(RESPONSE);
        reverts(
            MALLORY,
            0,
            address(rollup),
            abi.encodeCall(IRollup.reveal, (attempt, claim, revealing("lie"))),
            abi.encodeWithSelector(IRollup.AlreadyRevealed.selector, idOf(attempt, claim))
        );
        vm.assertEq(rollup.attemptOf(attempt).quietUntil, START + RESPONSE);
        // Nor by asking himself for what was asked already.
        reverts(
            MALLORY,
            CHALLENGE_BOND,
            address(rollup),
            abi.encodeCall(IRollup.challengeClaim, (attempt)),
            abi.encodeWithSelector(IRollup.AlreadyChallenged.selector, idOf(attempt, claim))
        );
    }

    /// Time that a claim spends below an unconfirmed parent is not lost: its clocks run, and nobody gains a window of his own
    /// by holding the parent back.
    function test_holdsAParentBackToReopenItsChildren() public {
        bytes32 parent = truly(ALICE);
        bytes32 child = propose(ALICE, contentOf(parent), Toy.truth(16), 8);
        timeIs(WINDOW);
        challengeAs(MALLORY, parent);
        timeIs(WINDOW + RESPONSE);
        reveal(parent, claimOf(parent), "honest");
        timeIs(WINDOW + 2 * RESPONSE + 1);
        rollup.confirm(parent);
        vm.assertFalse(possible(MALLORY, CHALLENGE_BOND, abi.encodeCall(IRollup.challengeClaim, (child))));
        rollup.confirm(child);
        vm.assertEq(rollup.tip(), contentOf(child));
    }
}
