// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Checkpoint, Segment} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {Attacks} from "./Base.sol";

/// @notice Attacks by what is claimed: odd claims, names for them, and what they may stand on.
contract ClaimAttacksTest is Attacks {
    function refusesProposal(Checkpoint memory end, bytes32 batchHash, uint64 steps, bytes memory expected) private {
        bytes memory data = abi.encodeCall(IRollup.propose, (genesis, batchHash, end, steps, MALLORY, nothing()));
        reverts(MALLORY, CLAIM_BOND, address(rollup), data, expected);
    }

    // ---------------------------------------------------------------- what ids name

    /// The same claim with other calldata is the same claim: nobody gets a second id for it, under which it would be judged by
    /// itself.
    function test_namesAClaimTwiceByExtraCalldata() public {
        bytes32 attempt = truly(ALICE);
        bytes memory data = proposal(genesis, Toy.truth(8), 8, MALLORY, nothing());
        vm.prank(MALLORY);
        (bool success, bytes memory answer) =
            address(rollup).call{value: CLAIM_BOND}(bytes.concat(data, "and some more"));
        vm.assertTrue(success);
        bytes32 other = abi.decode(answer, (bytes32));
        vm.assertEq(contentOf(other), contentOf(attempt));
        // So one confirmation is that of both.
        afterWindow();
        rollup.confirm(attempt);
        assertFate(other, IRollup.Fate.Confirmed);
        // And a challenge with more bytes would be a second challenge of one segment.
        bytes32 child = propose(ALICE, contentOf(attempt), Toy.truth(16), 8);
        bytes memory again = bytes.concat(abi.encodeCall(IRollup.challengeClaim, (child)), "more");
        challenge(child);
        reverts(
            MALLORY,
            CHALLENGE_BOND,
            address(rollup),
            again,
            abi.encodeWithSelector(IRollup.AlreadyChallenged.selector, idOf(child, claimOf(child)))
        );
    }

    /// Calldata that ends too soon is never filled up with zeros.
    function test_leavesTheEndOfTheCalldataAway() public {
        bytes memory data = proposal(genesis, Toy.truth(8), 8, MALLORY, nothing());
        for (uint256 i = 0; i < 12; ++i) {
            bytes memory short = new bytes(data.length - 1 - 32 * i);
            for (uint256 k = 0; k < short.length; ++k) {
                short[k] = data[k];
            }
            vm.assertFalse(possible(MALLORY, CLAIM_BOND, short));
        }
        vm.assertTrue(possible(MALLORY, CLAIM_BOND, data));
    }

    /// A batch number so high that nobody could ever claim a newer one.
    function test_claimsTheHighestBatchToBlockAllLaterClaims() public {
        uint64[4] memory batches = [type(uint64).max, type(uint64).max - 1, 1 << 63, 6];
        for (uint256 i = 0; i < batches.length; ++i) {
            Checkpoint memory end = Toy.end(1, batches[i] - 1);
            refusesProposal(end, 0, 8, abi.encodeWithSelector(IRollup.WrongBatchHash.selector, batches[i] - 1, 0, 0));
        }
        Checkpoint memory none;
        refusesProposal(none, 0, 8, abi.encodeWithSelector(IRollup.NotBatchEnd.selector, 0, 0, 0, false));
        truly(ALICE);
    }

    /// All other fields of a claimed checkpoint as large as can be. It is a lie like any other.
    function test_claimsACheckpointOfMaxima() public {
        bytes32 all = bytes32(type(uint256).max);
        Checkpoint memory end = Toy.end(0, 1);
        (end.stateRoot, end.parentHash, end.txDigest, end.receiptDigest) = (all, all, all, all);
        (end.number, end.timestamp, end.gasUsed) = (type(uint64).max, type(uint64).max, type(uint64).max);
        (end.baseFee, end.viewIndex) = (type(uint256).max, type(uint32).max);
        (end.forcedDone, end.depositsDone) = (type(uint64).max, type(uint64).max);
        bytes32 attempt = propose(MALLORY, genesis, end, 1);
        rollup.proveFraudClaim(attempt, Toy.truth(0), noProof(), BOB);
        assertLost(MALLORY, CLAIM_BOND);
        assertWon(BOB, CLAIM_BOND / 2);
    }

    // ---------------------------------------------------------------- steps

    /// No steps, or more than two reveals can dissect (2^24 is just too many for 4,095 * 4,095).
    function test_claimsNoStepsOrMoreThanCanBeDissected() public {
        deploy(4095, 2);
        uint64 most = 4095 * 4095;
        uint64[4] memory steps = [0, most + 1, 1 << 24, type(uint64).max];
        for (uint256 i = 0; i < steps.length; ++i) {
            bytes memory expected = abi.encodeWithSelector(IRollup.StepsOutOfRange.selector, steps[i], most);
            refusesProposal(Toy.end(1008, 1), inbox.batchHash(1), steps[i], expected);
        }
    }

    /// One step can't be challenged, as there is nothing to reveal. It needs no challenge: it dies at once.
    function test_claimsOneStepSoThatNobodyCanChallengeIt() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(1008, 1), 1);
        reverts(
            BOB,
            CHALLENGE_BOND,
            address(rollup),
            abi.encodeCall(IRollup.challengeClaim, (attempt)),
            abi.encodeWithSelector(IRollup.SegmentTooShort.selector, 0, 1)
        );
        vm.deal(BOB, RICH);
        verifierIsAsked(1);
        rollup.proveFraudClaim(attempt, Toy.truth(0), noProof(), BOB);
        assertLost(MALLORY, CLAIM_BOND);
        assertWon(BOB, CLAIM_BOND / 2);
        // The same lie again, by any name, is not even proven again.
        bytes32 again = propose(MALLORY, genesis, Toy.end(77, 2), 1);
        rollup.killClaim(again, BOB);
        assertLost(MALLORY, 2 * CLAIM_BOND);
    }

    /// A lie that goes on for a step after the batch has ended: that pair starts in a later batch, which the claim does not
    /// span.
    function test_goesOnAfterTheEndOfTheBatch() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(2009, 1), 9);
        challenge(attempt);
        reveal(attempt, claimOf(attempt), "over");
        challenge(attempt, gap(claimOf(attempt), "over", 2));
        Segment memory s = Segment(6, 9, CheckpointLib.h248(Toy.truth(6)), CheckpointLib.h248(Toy.end(2009, 1)));
        reveal(attempt, s, "overGap");
        // Every step that it shows within its batch is true.
        prove(6);
        prove(7);
        for (uint32 i = 0; i < 2; ++i) {
            vm.assertFalse(possible(BOB, 0, abi.encodeCall(IRollup.killGap, (attempt, gap(s, "overGap", i), BOB))));
        }
        rollup.killGapBeyond(attempt, gap(s, "overGap", 2), Toy.truth(8), BOB);
        rollup.settleChallenge(attempt, idOf(attempt, claimOf(attempt)));
        rollup.settleChallenge(attempt, idOf(attempt, s));
        assertLost(MALLORY, CLAIM_BOND);
        assertWon(BOB, CLAIM_BOND / 2);
    }

    /// The history that is revealed leaves the truth, comes back to it, and leaves it again before its end. Each departure is
    /// enough.
    function test_returnsToTheTruthBeforeItsLastElement() public {
        bytes32 attempt = falsely(MALLORY);
        challenge(attempt);
        reveal(attempt, claimOf(attempt), "returning");
        challenge(attempt, gap(claimOf(attempt), "returning", 2));
        Segment memory s = segment(4, 6, Toy.truth(4), Toy.lie(6));
        reveal(attempt, s, "lieGap");
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        assertLost(MALLORY, CLAIM_BOND);
    }

    // ---------------------------------------------------------------- attempts

    /// A stranger answers for a true claim with a history of his own, which would kill it.
    function test_revealsAFalseHistoryUnderAStrangersTrueClaim() public {
        bytes32 attempt = truly(ALICE);
        Segment memory claim = claimOf(attempt);
        challengeAs(MALLORY, attempt);
        reverts(
            MALLORY,
            0,
            address(rollup),
            abi.encodeCall(IRollup.reveal, (attempt, claim, revealing("planted"))),
            abi.encodeWithSelector(IRollup.NotOwner.selector, MALLORY, ALICE)
        );
        timeIs(RESPONSE);
        reveal(attempt, claim, "honest");
        afterWindow();
        rollup.confirm(attempt);
        rollup.settleAttempt(attempt);
        assertLost(MALLORY, CHALLENGE_BOND);
        assertWon(ALICE, CHALLENGE_BOND);
    }

    /// The owner of a true claim plants a false history under it himself and proves that it is false, so that the truth looks
    /// dead. Another attempt of the same content is untouched; the attacker pays half a bond.
    function test_plantsAFalseHistoryUnderHisOwnTrueClaimAndKillsIt() public {
        bytes32 bait = truly(MALLORY);
        bytes32 honest = truly(ALICE);
        challengeAs(MALLORY, bait);
        reveal(bait, claimOf(bait), "planted");
        Segment memory claim = claimOf(bait);
        bytes32 id;
        vm.prank(MALLORY);
        id = rollup.challengeGap{value: CHALLENGE_BOND}(bait, gap(claim, "planted", 0));
        Segment memory s = segment(0, 2, Toy.truth(0), Toy.lie(2));
        reveal(bait, s, "plantedGap");
        timeIs(WINDOW);
        vm.prank(MALLORY);
        rollup.proveFraudGap(bait, gap(s, "plantedGap", 0), Toy.truth(0), noProof(), MALLORY);
        assertFate(bait, IRollup.Fate.Dead);

        afterWindow();
        rollup.confirm(honest);
        rollup.settleAttempt(honest);
        rollup.settleChallenge(bait, id);
        rollup.settleChallenge(bait, idOf(bait, claim));
        vm.assertEq(rollup.tip(), contentOf(bait));
        assertLost(MALLORY, CLAIM_BOND - CLAIM_BOND / 2);
        assertWon(ALICE, 0);
    }

    /// The right claim is made first by an attacker, who lets it die, again and again, so that its id would be burnt. Each
    /// attempt has an id of its own, and each death costs half a bond at least.
    function test_makesTheRightClaimFirstAndLetsItDie() public {
        bytes32 first = truly(MALLORY);
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 attempt = i == 0 ? first : truly(MALLORY);
            bytes32 id = challengeAs(MALLORY, attempt);
            vm.warp(block.timestamp + RESPONSE + 1);
            rollup.timeout(attempt, id);
            rollup.settleChallenge(attempt, id);
        }
        assertLost(MALLORY, 3 * (CLAIM_BOND - CLAIM_BOND / 2));
        bytes32 honest = truly(ALICE);
        vm.assertEq(contentOf(honest), contentOf(first));
        vm.warp(block.timestamp + WINDOW + 1);
        rollup.confirm(honest);
        vm.assertEq(rollup.tip(), contentOf(honest));
    }

    /// A lie that died is claimed again at once. Truth is kept: it dies again without EXECUTE and without a dissection below the
    /// level that shows it, and pays again.
    function test_claimsADeadLieAgain() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        verifierIsAsked(1);
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        (bytes32 again, Segment memory t) = dissectedLie();
        vm.assertEq(contentOf(again), contentOf(attempt));
        rollup.proveFraudGap(again, gap(t, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        assertLost(MALLORY, 2 * CLAIM_BOND);
    }

    // ---------------------------------------------------------------- parents

    /// A second history of settled batches, on a content that was confirmed long ago, whose blobs nobody keeps any more.
    function test_buildsOnALongConfirmedParent() public {
        bytes32 first = truly(ALICE);
        afterWindow();
        rollup.confirm(first);
        bytes32 second = propose(ALICE, contentOf(first), Toy.truth(16), 8);
        vm.warp(block.timestamp + 365 days);
        rollup.confirm(second);
        bytes32[2] memory parents = [genesis, contentOf(first)];
        for (uint256 i = 0; i < 2; ++i) {
            for (uint64 batch = 2; batch <= 4; ++batch) {
                reverts(
                    MALLORY,
                    CLAIM_BOND,
                    address(rollup),
                    proposal(parents[i], Toy.end(1008, batch), 8, MALLORY, nothing()),
                    abi.encodeWithSelector(IRollup.UnfitParent.selector, parents[i])
                );
            }
        }
        propose(ALICE, contentOf(second), Toy.truth(24), 8);
    }

    /// A child that follows from a false parent by true steps: nothing can be proven against it, and nothing needs to be.
    function test_buildsOnAPoisonedPreState() public {
        bytes32 poisoned = falsely(MALLORY);
        bytes32 child = propose(MALLORY, contentOf(poisoned), Toy.end(1016, 2), 8);
        bytes32 honest = truly(ALICE);
        afterWindow();
        confirmIsRefused(child, abi.encodeWithSelector(IRollup.ParentNotConfirmed.selector, contentOf(poisoned)));
        rollup.confirm(honest);
        // Nor later, nor as a parent of others.
        confirmIsRefused(child, notPending(child, IRollup.Fate.Void));
        confirmIsRefused(poisoned, notPending(poisoned, IRollup.Fate.Contradicted));
        reverts(
            MALLORY,
            CLAIM_BOND,
            address(rollup),
            proposal(contentOf(poisoned), Toy.end(1016, 2), 8, MALLORY, nothing()),
            abi.encodeWithSelector(IRollup.UnfitParent.selector, contentOf(poisoned))
        );
        rollup.settleAttempt(poisoned);
        rollup.settleAttempt(child);
        vm.deal(MALLORY, MALLORY.balance - CLAIM_BOND); // what `reverts` gave
        assertLost(MALLORY, CLAIM_BOND);
        vm.assertEq(rollup.tip(), contentOf(honest));
    }

    /// Every move on every kind of attempt that is over.
    function test_movesAfterTheEnd() public {
        (bytes32 dead, Segment memory s) = dissectedLie();
        rollup.proveFraudGap(dead, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        bytes32 good = truly(ALICE);
        bytes32 contradicted = propose(MALLORY, genesis, Toy.end(7, 1), 8);
        bytes32 id = challenge(contradicted);
        bytes32 void = propose(MALLORY, contentOf(contradicted), Toy.end(8, 2), 8);
        afterWindow();
        rollup.confirm(good);
        everythingIsRefused(dead, s, idOf(dead, s), IRollup.Fate.Dead);
        everythingIsRefused(good, claimOf(good), idOf(good, claimOf(good)), IRollup.Fate.Confirmed);
        everythingIsRefused(contradicted, claimOf(contradicted), id, IRollup.Fate.Contradicted);
        everythingIsRefused(void, claimOf(void), idOf(void, claimOf(void)), IRollup.Fate.Void);
    }

    function everythingIsRefused(bytes32 attempt, Segment memory s, bytes32 id, IRollup.Fate fate) private {
        assertFate(attempt, fate);
        bytes[8] memory moves = [
            abi.encodeCall(IRollup.challengeClaim, (attempt)),
            abi.encodeCall(IRollup.challengeGap, (attempt, gap(s, "lieGap", 0))),
            abi.encodeCall(IRollup.reveal, (attempt, s, revealing("lieGap"))),
            abi.encodeCall(IRollup.killGap, (attempt, gap(s, "lieGap", 1), MALLORY)),
            abi.encodeCall(IRollup.killClaim, (attempt, MALLORY)),
            abi.encodeCall(IRollup.killGapBeyond, (attempt, gap(s, "lieGap", 1), Toy.truth(5), MALLORY)),
            abi.encodeCall(IRollup.timeout, (attempt, id)),
            abi.encodeCall(IRollup.confirm, (attempt))
        ];
        address owner = rollup.attemptOf(attempt).owner;
        for (uint256 i = 0; i < moves.length; ++i) {
            uint256 value = i < 2 ? CHALLENGE_BOND : 0;
            reverts(owner, value, address(rollup), moves[i], notPending(attempt, fate));
        }
    }
}
