// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {Checkpoint, Gap, Segment} from "../../src/interfaces/Types.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Game} from "../support/Game.sol";
import {Toy, ToyVerifier} from "../support/ToyVerifier.sol";

contract ProveStepTest is Game {
    function test_recordsTruth() public {
        bytes32 pre = CheckpointLib.h248(Toy.truth(3));
        bytes32 post = CheckpointLib.h248(Toy.truth(4));
        vm.assertEq(rollup.truth(pre), bytes32(0));
        expectEvent(address(rollup));
        emit IRollup.StepProven(pre, post, BOB);
        vm.prank(BOB);
        vm.assertEq(rollup.proveStep(Toy.truth(3), noProof()), post);
        vm.assertEq(rollup.truth(pre), post);
    }

    function test_onceForAll() public {
        verifierIsAsked(1);
        prove(3);
        vm.assertEq(rollup.proveStep(Toy.truth(3), noProof()), CheckpointLib.h248(Toy.truth(4)));
    }

    function test_whatTheVerifierRefusesIsNotRecorded() public {
        Checkpoint memory poisoned = Toy.lie(3);
        reverts(
            address(rollup),
            abi.encodeCall(IRollup.proveStep, (poisoned, noProof())),
            abi.encodeWithSelector(ToyVerifier.NotTrue.selector, poisoned.stateRoot)
        );
        reverts(
            address(rollup),
            abi.encodeCall(IRollup.proveStep, (Toy.truth(32), noProof())),
            abi.encodeWithSelector(IStepVerifier.UnknownBatch.selector, 5)
        );
        vm.assertEq(rollup.truth(CheckpointLib.h248(poisoned)), bytes32(0));
    }
}

contract KillGapTest is Game {
    function refuses(bytes32 attempt, Gap memory g, address beneficiary, bytes memory expected) private {
        reverts(address(rollup), abi.encodeCall(IRollup.killGap, (attempt, g, beneficiary)), expected);
    }

    function test_kills() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        prove(5);
        Gap memory g = gap(s, "lieGap", 1);
        uint128 reward = CLAIM_BOND / 2;
        uint256 burntBefore = address(0).balance;
        expectEvent(address(rollup));
        emit IRollup.Died(attempt, idOf(attempt, s), BOB, false, reward, CLAIM_BOND - reward);
        vm.prank(ALICE);
        rollup.killGap(attempt, g, BOB);

        assertFate(attempt, IRollup.Fate.Dead);
        vm.assertTrue(rollup.attemptOf(attempt).settled);
        vm.assertEq(rollup.owed(BOB), reward);
        vm.assertEq(rollup.owed(ALICE), uint256(0));
        vm.assertEq(rollup.contentOf(contentOf(attempt)).liveAttempts, uint256(0));
        vm.assertEq(address(0).balance - burntBefore, CLAIM_BOND - reward);
    }

    /// The last gap of a longer stride is one step too.
    function test_lastGapOfAStride() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(1005, 1), 5);
        challenge(attempt);
        reveal(attempt, claimOf(attempt), "short");
        prove(4);
        rollup.killGap(attempt, gap(claimOf(attempt), "short", 2), BOB);
        assertFate(attempt, IRollup.Fate.Dead);
    }

    function test_withTheDefaultArity() public {
        deploy(4095, 2);
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(1008, 1), 8, revealing("wideLie"));
        prove(5);
        rollup.killGap(attempt, gap(claimOf(attempt), "wideLie", 5), BOB);
        assertFate(attempt, IRollup.Fate.Dead);
    }

    function test_afterTheWindowUntilConfirmation() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        prove(5);
        vm.warp(START + 10 * WINDOW);
        rollup.killGap(attempt, gap(s, "lieGap", 1), BOB);
        assertFate(attempt, IRollup.Fate.Dead);
    }

    function test_truePairs() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        prove(4);
        refuses(
            attempt,
            gap(s, "lieGap", 0),
            BOB,
            abi.encodeWithSelector(
                IRollup.StepIsTrue.selector, CheckpointLib.h248(Toy.truth(4)), CheckpointLib.h248(Toy.truth(5))
            )
        );
    }

    function test_unprovenSteps() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        refuses(
            attempt,
            gap(s, "lieGap", 1),
            BOB,
            abi.encodeWithSelector(IRollup.StepNotProven.selector, CheckpointLib.h248(Toy.truth(5)))
        );
    }

    function test_widerGaps() public {
        (bytes32 attempt,) = dissectedLie();
        prove(4);
        refuses(
            attempt, gap(claimOf(attempt), "lie", 2), BOB, abi.encodeWithSelector(IRollup.NotOneStep.selector, 4, 6)
        );
    }

    function test_openings() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        prove(5);
        Gap memory g = gap(s, "lieGap", 1);
        g.right = CheckpointLib.h248(Toy.truth(7));
        refuses(
            attempt,
            g,
            BOB,
            abi.encodeWithSelector(BlobReader.WrongOpening.selector, history("lieGap").versionedHash, 2, g.right)
        );
        g = gap(s, "lieGap", 1);
        g.index = 2;
        refuses(attempt, g, BOB, abi.encodeWithSelector(IRollup.GapOutOfRange.selector, 2, 2));
    }

    function test_unrevealedSegments() public {
        (, Segment memory s) = dissectedLie();
        bytes32 good = truly(ALICE);
        prove(5);
        refuses(good, gap(s, "lieGap", 1), BOB, abi.encodeWithSelector(IRollup.NotRevealed.selector, idOf(good, s)));
    }

    function test_beneficiary() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        prove(5);
        refuses(attempt, gap(s, "lieGap", 1), address(0), abi.encodeWithSelector(IRollup.ZeroBeneficiary.selector));
    }

    function test_onlyPending() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        bytes32 good = truly(ALICE);
        prove(5);
        Gap memory g = gap(s, "lieGap", 1);
        afterWindow();
        confirmed(good);
        refuses(attempt, g, BOB, notPending(attempt, IRollup.Fate.Contradicted));
    }

    function test_twice() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        prove(5);
        Gap memory g = gap(s, "lieGap", 1);
        rollup.killGap(attempt, g, BOB);
        refuses(attempt, g, BOB, notPending(attempt, IRollup.Fate.Dead));
    }

    /// A true claim whose owner reveals it truly has no false pair.
    function test_aTrueClaimSurvivesAllItsProofs() public {
        deploy(4095, 2);
        bytes32 attempt = propose(ALICE, genesis, Toy.truth(8), 8, revealing("wide"));
        Segment memory claim = claimOf(attempt);
        for (uint32 i = 0; i < 8; ++i) {
            prove(i);
            Gap memory g = gap(claim, "wide", i);
            refuses(attempt, g, BOB, abi.encodeWithSelector(IRollup.StepIsTrue.selector, g.left, g.right));
            reverts(
                address(rollup),
                abi.encodeCall(IRollup.killGapBeyond, (attempt, g, Toy.truth(i), BOB)),
                abi.encodeWithSelector(IRollup.NotBeyond.selector, 1, 1)
            );
        }
    }
}

contract KillClaimTest is Game {
    function refuses(bytes32 attempt, address beneficiary, bytes memory expected) private {
        reverts(address(rollup), abi.encodeCall(IRollup.killClaim, (attempt, beneficiary)), expected);
    }

    function test_kills() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        prove(0);
        bytes32 id = idOf(attempt, claimOf(attempt));
        expectEvent(address(rollup));
        emit IRollup.Died(attempt, id, BOB, false, CLAIM_BOND / 2, CLAIM_BOND - CLAIM_BOND / 2);
        rollup.killClaim(attempt, BOB);
        assertFate(attempt, IRollup.Fate.Dead);
        vm.assertEq(rollup.owed(BOB), CLAIM_BOND / 2);
    }

    function test_longerClaims() public {
        bytes32 attempt = falsely(MALLORY);
        prove(0);
        refuses(attempt, BOB, abi.encodeWithSelector(IRollup.NotOneStep.selector, 0, 8));
    }

    function test_unprovenSteps() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        refuses(attempt, BOB, abi.encodeWithSelector(IRollup.StepNotProven.selector, CheckpointLib.h248(Toy.truth(0))));
    }

    function test_trueSteps() public {
        // A parent that stands one step before the end of batch 2.
        Checkpoint memory almost = Toy.end(99, 1);
        bytes32 parent = contentOf(propose(ALICE, genesis, almost, 8));
        bytes32 attempt = propose(ALICE, parent, Toy.end(100, 2), 1);
        vm.mockCall(
            address(verifier), abi.encodeCall(IStepVerifier.step, (almost, noProof())), abi.encode(Toy.end(100, 2))
        );
        rollup.proveStep(almost, noProof());
        refuses(
            attempt,
            BOB,
            abi.encodeWithSelector(
                IRollup.StepIsTrue.selector, CheckpointLib.h248(almost), CheckpointLib.h248(Toy.end(100, 2))
            )
        );
    }

    function test_beneficiary() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        prove(0);
        refuses(attempt, address(0), abi.encodeWithSelector(IRollup.ZeroBeneficiary.selector));
    }

    function test_onlyPending() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        prove(0);
        rollup.killClaim(attempt, BOB);
        refuses(attempt, BOB, notPending(attempt, IRollup.Fate.Dead));
    }
}

contract KillGapBeyondTest is Game {
    bytes32 private attempt;
    Segment private s;

    function setUp() public override {
        super.setUp();
        // Nine steps where eight are true: the last pair starts in batch 2.
        attempt = propose(MALLORY, genesis, Toy.end(2009, 1), 9);
        challenge(attempt);
        reveal(attempt, claimOf(attempt), "over");
        challenge(attempt, gap(claimOf(attempt), "over", 2));
        s = Segment(6, 9, CheckpointLib.h248(Toy.truth(6)), CheckpointLib.h248(Toy.end(2009, 1)));
        reveal(attempt, s, "overGap");
    }

    function refuses(Gap memory g, Checkpoint memory pre, address beneficiary, bytes memory expected) private {
        reverts(address(rollup), abi.encodeCall(IRollup.killGapBeyond, (attempt, g, pre, beneficiary)), expected);
    }

    function test_kills() public {
        Gap memory g = gap(s, "overGap", 2);
        expectEvent(address(rollup));
        emit IRollup.Died(attempt, idOf(attempt, s), BOB, false, CLAIM_BOND / 2, CLAIM_BOND - CLAIM_BOND / 2);
        rollup.killGapBeyond(attempt, g, Toy.truth(8), BOB);
        assertFate(attempt, IRollup.Fate.Dead);
        vm.assertEq(rollup.owed(BOB), CLAIM_BOND / 2);
    }

    function test_withinTheClaim() public {
        refuses(gap(s, "overGap", 1), Toy.truth(7), BOB, abi.encodeWithSelector(IRollup.NotBeyond.selector, 1, 1));
    }

    function test_preimage() public {
        refuses(
            gap(s, "overGap", 2),
            Toy.truth(9),
            BOB,
            abi.encodeWithSelector(
                IRollup.WrongPreimage.selector, CheckpointLib.h248(Toy.truth(8)), CheckpointLib.h248(Toy.truth(9))
            )
        );
    }

    function test_openings() public {
        Gap memory g = gap(s, "overGap", 2);
        g.index = 1;
        refuses(
            g,
            Toy.truth(8),
            BOB,
            abi.encodeWithSelector(BlobReader.WrongOpening.selector, history("overGap").versionedHash, 1, g.left)
        );
    }

    /// A wide gap beyond the end is challenged, not killed.
    function test_widerGaps() public {
        bytes32 wide = propose(MALLORY, genesis, Toy.end(2009, 1), 12);
        challenge(wide);
        reveal(wide, claimOf(wide), "overWide");
        reverts(
            address(rollup),
            abi.encodeCall(IRollup.killGapBeyond, (wide, gap(claimOf(wide), "overWide", 3), Toy.truth(9), BOB)),
            abi.encodeWithSelector(IRollup.NotOneStep.selector, 9, 12)
        );
    }

    function test_beneficiary() public {
        refuses(
            gap(s, "overGap", 2), Toy.truth(8), address(0), abi.encodeWithSelector(IRollup.ZeroBeneficiary.selector)
        );
    }

    function test_onlyPending() public {
        Gap memory g = gap(s, "overGap", 2);
        rollup.killGapBeyond(attempt, g, Toy.truth(8), BOB);
        refuses(g, Toy.truth(8), BOB, notPending(attempt, IRollup.Fate.Dead));
    }
}

contract ProveFraudGapTest is Game {
    function data(bytes32 attempt, Gap memory g, Checkpoint memory pre, address beneficiary)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IRollup.proveFraudGap, (attempt, g, pre, noProof(), beneficiary));
    }

    function test_provesAndKills() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        Gap memory g = gap(s, "lieGap", 1);
        expectEvent(address(rollup));
        emit IRollup.StepProven(CheckpointLib.h248(Toy.truth(5)), CheckpointLib.h248(Toy.truth(6)), ALICE);
        expectEvent(address(rollup));
        emit IRollup.Died(attempt, idOf(attempt, s), BOB, false, CLAIM_BOND / 2, CLAIM_BOND - CLAIM_BOND / 2);
        vm.prank(ALICE);
        rollup.proveFraudGap(attempt, g, Toy.truth(5), noProof(), BOB);
        assertFate(attempt, IRollup.Fate.Dead);
        vm.assertEq(rollup.truth(CheckpointLib.h248(Toy.truth(5))), CheckpointLib.h248(Toy.truth(6)));
    }

    /// Being first with the step's proof does not stop the kill.
    function test_afterSomebodyProvedTheStep() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        verifierIsAsked(1);
        prove(5);
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        assertFate(attempt, IRollup.Fate.Dead);
    }

    function test_equalLiesDieByReference() public {
        (bytes32 first, Segment memory s) = dissectedLie();
        (bytes32 second,) = dissectedLie();
        verifierIsAsked(1);
        rollup.proveFraudGap(first, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        rollup.killGap(second, gap(s, "lieGap", 1), BOB);
        assertFate(second, IRollup.Fate.Dead);
    }

    function test_preimage() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        reverts(
            address(rollup),
            data(attempt, gap(s, "lieGap", 1), Toy.truth(4), BOB),
            abi.encodeWithSelector(
                IRollup.WrongPreimage.selector, CheckpointLib.h248(Toy.truth(5)), CheckpointLib.h248(Toy.truth(4))
            )
        );
    }

    function test_trueSteps() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        reverts(
            address(rollup),
            data(attempt, gap(s, "lieGap", 0), Toy.truth(4), BOB),
            abi.encodeWithSelector(
                IRollup.StepIsTrue.selector, CheckpointLib.h248(Toy.truth(4)), CheckpointLib.h248(Toy.truth(5))
            )
        );
        // Nothing of it stays.
        vm.assertEq(rollup.truth(CheckpointLib.h248(Toy.truth(4))), bytes32(0));
    }

    function test_whatTheVerifierRefuses() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        vm.mockCallRevert(
            address(verifier),
            abi.encodeCall(IStepVerifier.step, (Toy.truth(5), noProof())),
            abi.encodeWithSelector(IStepVerifier.ExecuteCouldNotRun.selector)
        );
        reverts(
            address(rollup),
            data(attempt, gap(s, "lieGap", 1), Toy.truth(5), BOB),
            abi.encodeWithSelector(IStepVerifier.ExecuteCouldNotRun.selector)
        );
        assertFate(attempt, IRollup.Fate.Pending);
    }

    function test_onlyPending() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        Gap memory g = gap(s, "lieGap", 1);
        rollup.proveFraudGap(attempt, g, Toy.truth(5), noProof(), BOB);
        reverts(address(rollup), data(attempt, g, Toy.truth(5), BOB), notPending(attempt, IRollup.Fate.Dead));
    }
}

contract ProveFraudClaimTest is Game {
    function data(bytes32 attempt, Checkpoint memory pre) private pure returns (bytes memory) {
        return abi.encodeCall(IRollup.proveFraudClaim, (attempt, pre, noProof(), BOB));
    }

    function test_provesAndKills() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        bytes32 id = idOf(attempt, claimOf(attempt));
        expectEvent(address(rollup));
        emit IRollup.StepProven(CheckpointLib.h248(Toy.truth(0)), CheckpointLib.h248(Toy.truth(1)), ALICE);
        expectEvent(address(rollup));
        emit IRollup.Died(attempt, id, BOB, false, CLAIM_BOND / 2, CLAIM_BOND - CLAIM_BOND / 2);
        vm.prank(ALICE);
        rollup.proveFraudClaim(attempt, Toy.truth(0), noProof(), BOB);
        assertFate(attempt, IRollup.Fate.Dead);
    }

    function test_afterSomebodyProvedTheStep() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        prove(0);
        rollup.proveFraudClaim(attempt, Toy.truth(0), noProof(), BOB);
        assertFate(attempt, IRollup.Fate.Dead);
    }

    function test_preimage() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        reverts(
            address(rollup),
            data(attempt, Toy.truth(1)),
            abi.encodeWithSelector(
                IRollup.WrongPreimage.selector, CheckpointLib.h248(Toy.truth(0)), CheckpointLib.h248(Toy.truth(1))
            )
        );
    }

    function test_longerClaims() public {
        bytes32 attempt = falsely(MALLORY);
        reverts(address(rollup), data(attempt, Toy.truth(0)), abi.encodeWithSelector(IRollup.NotOneStep.selector, 0, 8));
    }

    function test_onlyPending() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        rollup.proveFraudClaim(attempt, Toy.truth(0), noProof(), BOB);
        reverts(address(rollup), data(attempt, Toy.truth(0)), notPending(attempt, IRollup.Fate.Dead));
    }
}
