// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Gap, Segment} from "../../src/interfaces/Types.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

contract ChallengeClaimTest is Game {
    function refuses(bytes32 attempt, bytes memory expected) private {
        reverts(BOB, CHALLENGE_BOND, address(rollup), abi.encodeCall(IRollup.challengeClaim, (attempt)), expected);
    }

    function test_records() public {
        bytes32 attempt = truly(ALICE);
        Segment memory claim = claimOf(attempt);
        bytes32 id = idOf(attempt, claim);
        vm.warp(START + 5);
        expectEvent(address(rollup));
        emit IRollup.Challenged(attempt, id, BOB, claim, START + 5 + RESPONSE);
        vm.assertEq(challenge(attempt), id);

        vm.assertEq(
            abi.encode(rollup.challengeOf(id)),
            abi.encode(IRollup.Challenge(BOB, START + 5 + RESPONSE, false, false, CHALLENGE_BOND, attempt))
        );
        vm.assertEq(rollup.attemptOf(attempt).openChallenges, uint256(1));
        vm.assertEq(rollup.attemptOf(attempt).challengeBonds, CHALLENGE_BOND);
        vm.assertEq(address(rollup).balance, CLAIM_BOND + CHALLENGE_BOND);
    }

    function test_untilTheLastSecondOfTheWindow() public {
        bytes32 attempt = truly(ALICE);
        vm.warp(START + WINDOW + 1);
        refuses(attempt, abi.encodeWithSelector(IRollup.TooLate.selector, START + WINDOW + 1, START + WINDOW));
        vm.warp(START + WINDOW);
        challenge(attempt);
    }

    function test_bondIsExact() public {
        bytes32 attempt = truly(ALICE);
        reverts(
            BOB,
            CHALLENGE_BOND + 1,
            address(rollup),
            abi.encodeCall(IRollup.challengeClaim, (attempt)),
            abi.encodeWithSelector(IRollup.WrongBond.selector, CHALLENGE_BOND + 1, CHALLENGE_BOND)
        );
    }

    function test_once() public {
        bytes32 attempt = truly(ALICE);
        bytes32 id = challenge(attempt);
        refuses(attempt, abi.encodeWithSelector(IRollup.AlreadyChallenged.selector, id));
        reveal(attempt, claimOf(attempt), "honest");
        refuses(attempt, abi.encodeWithSelector(IRollup.AlreadyChallenged.selector, id));
    }

    function test_notIfRevealedByTheProposal() public {
        bytes32 attempt = propose(ALICE, genesis, Toy.truth(8), 8, revealing("honest"));
        refuses(attempt, abi.encodeWithSelector(IRollup.AlreadyRevealed.selector, idOf(attempt, claimOf(attempt))));
    }

    function test_notOneStep() public {
        bytes32 attempt = propose(ALICE, genesis, Toy.truth(8), 1);
        refuses(attempt, abi.encodeWithSelector(IRollup.SegmentTooShort.selector, 0, 1));
    }

    function test_everyAttemptByItself() public {
        bytes32 first = truly(ALICE);
        bytes32 second = truly(ALICE);
        vm.assertNotEq(challenge(first), challenge(second));
    }

    function test_unknownAttempt() public {
        refuses(bytes32(uint256(1)), abi.encodeWithSelector(IRollup.UnknownAttempt.selector, bytes32(uint256(1))));
    }

    function test_onlyPending() public {
        (bytes32 dead, Segment memory s) = dissectedLie();
        bytes32 sibling = truly(BOB);
        bytes32 contradicted = propose(MALLORY, genesis, Toy.end(7, 1), 8);
        bytes32 void_ = propose(MALLORY, contentOf(contradicted), Toy.end(8, 2), 8);
        bytes32 good = truly(ALICE);
        prove(5);
        rollup.killGap(dead, gap(s, "lieGap", 1), BOB);
        afterWindow();
        confirmed(good);
        refuses(dead, notPending(dead, IRollup.Fate.Dead));
        refuses(good, notPending(good, IRollup.Fate.Confirmed));
        refuses(sibling, notPending(sibling, IRollup.Fate.Confirmed));
        refuses(contradicted, notPending(contradicted, IRollup.Fate.Contradicted));
        refuses(void_, notPending(void_, IRollup.Fate.Void));
    }
}

contract ChallengeGapTest is Game {
    bytes32 private attempt;
    Segment private claim;

    function setUp() public override {
        super.setUp();
        attempt = truly(ALICE);
        claim = claimOf(attempt);
        challenge(attempt);
        vm.warp(START + 100);
        reveal(attempt, claim, "honest");
    }

    function refuses(Gap memory g, bytes memory expected) private {
        reverts(BOB, CHALLENGE_BOND, address(rollup), abi.encodeCall(IRollup.challengeGap, (attempt, g)), expected);
    }

    function test_records() public {
        Segment memory s = segment(2, 4, Toy.truth(2), Toy.truth(4));
        bytes32 id = idOf(attempt, s);
        Gap memory g = gap(claim, "honest", 1);
        expectEvent(address(rollup));
        emit IRollup.Challenged(attempt, id, BOB, s, START + 100 + RESPONSE);
        vm.assertEq(challenge(attempt, g), id);
        vm.assertEq(
            abi.encode(rollup.challengeOf(id)),
            abi.encode(IRollup.Challenge(BOB, START + 100 + RESPONSE, false, false, CHALLENGE_BOND, attempt))
        );
        vm.assertEq(rollup.attemptOf(attempt).openChallenges, uint256(1));
        vm.assertEq(rollup.attemptOf(attempt).challengeBonds, 2 * CHALLENGE_BOND);
    }

    function test_manyAtOnce() public {
        for (uint32 i = 0; i < 4; ++i) {
            challenge(attempt, gap(claim, "honest", i));
        }
        vm.assertEq(rollup.attemptOf(attempt).openChallenges, uint256(4));
    }

    function test_once() public {
        Gap memory g = gap(claim, "honest", 1);
        bytes32 id = challenge(attempt, g);
        refuses(g, abi.encodeWithSelector(IRollup.AlreadyChallenged.selector, id));
    }

    function test_untilTheLastSecondOfTheWindow() public {
        Gap memory g = gap(claim, "honest", 1);
        vm.warp(START + WINDOW + 1);
        refuses(g, abi.encodeWithSelector(IRollup.TooLate.selector, START + WINDOW + 1, START + WINDOW));
        vm.warp(START + WINDOW);
        challenge(attempt, g);
    }

    function test_aLateRevealGivesAWholePeriod() public {
        bytes32 late = truly(ALICE);
        uint64 windowEnd = START + 100 + WINDOW;
        vm.warp(windowEnd);
        challenge(late);
        vm.warp(windowEnd + RESPONSE);
        reveal(late, claim, "honest");
        uint64 last = windowEnd + 2 * RESPONSE;
        Gap memory g = gap(claim, "honest", 1);
        vm.warp(last + 1);
        reverts(
            BOB,
            CHALLENGE_BOND,
            address(rollup),
            abi.encodeCall(IRollup.challengeGap, (late, g)),
            abi.encodeWithSelector(IRollup.TooLate.selector, last + 1, last)
        );
        vm.warp(last);
        challenge(late, g);
    }

    /// The clock is the one of the segment that the gap lies in, not of the newest reveal.
    function test_anotherRevealDoesNotReopenOldGaps() public {
        vm.warp(START + WINDOW);
        challenge(attempt, gap(claim, "honest", 1));
        vm.warp(START + WINDOW + RESPONSE);
        reveal(attempt, segment(2, 4, Toy.truth(2), Toy.truth(4)), "honestGap");
        refuses(
            gap(claim, "honest", 2),
            abi.encodeWithSelector(IRollup.TooLate.selector, START + WINDOW + RESPONSE, START + WINDOW)
        );
    }

    function test_notOneStep() public {
        challenge(attempt, gap(claim, "honest", 1));
        Segment memory s = segment(2, 4, Toy.truth(2), Toy.truth(4));
        reveal(attempt, s, "honestGap");
        refuses(gap(s, "honestGap", 1), abi.encodeWithSelector(IRollup.SegmentTooShort.selector, 3, 4));
    }

    function test_ofARevealedSegmentOnly() public {
        Segment memory s = segment(2, 4, Toy.truth(2), Toy.truth(4));
        refuses(gap(s, "honestGap", 0), abi.encodeWithSelector(IRollup.NotRevealed.selector, idOf(attempt, s)));
    }

    function test_elementsBeyondTheLastMeanNothing() public {
        Gap memory g = gap(claim, "honest", 3);
        g.index = 4;
        refuses(g, abi.encodeWithSelector(IRollup.GapOutOfRange.selector, 4, 4));
    }

    function test_bothEndsAreOpened() public {
        bytes32 versionedHash = history("honest").versionedHash;
        Gap memory g = gap(claim, "honest", 1);
        g.left = bytes32(uint256(5));
        refuses(g, abi.encodeWithSelector(BlobReader.WrongOpening.selector, versionedHash, 1, g.left));
        g = gap(claim, "honest", 1);
        g.right = bytes32(uint256(5));
        refuses(g, abi.encodeWithSelector(BlobReader.WrongOpening.selector, versionedHash, 2, g.right));
    }

    function test_bondIsExact() public {
        reverts(
            BOB,
            0,
            address(rollup),
            abi.encodeCall(IRollup.challengeGap, (attempt, gap(claim, "honest", 1))),
            abi.encodeWithSelector(IRollup.WrongBond.selector, 0, CHALLENGE_BOND)
        );
    }

    function test_onlyPending() public {
        Gap memory g = gap(claim, "honest", 1);
        afterWindow();
        confirmed(attempt);
        refuses(g, notPending(attempt, IRollup.Fate.Confirmed));
    }
}
