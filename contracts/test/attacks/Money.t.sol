// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Gap, Segment, StepProof} from "../../src/interfaces/Types.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {Attacks} from "./Base.sol";

/// @dev Takes no ether, or answers a payment with a megabyte that the payer would have to copy.
contract HostileRecipient {
    bool private immutable BOMB;

    constructor(bool bomb) {
        BOMB = bomb;
    }

    receive() external payable {
        if (!BOMB) revert("no");
        assembly ("memory-safe") {
            return(0, 1000000)
        }
    }
}

/// @dev Comes back with every other way to get money out.
contract Reenterer {
    IRollup private immutable ROLLUP;
    bytes32 private immutable ATTEMPT;
    bytes32 private immutable SEGMENT;
    uint256 public succeeded;

    constructor(IRollup rollup, bytes32 attempt, bytes32 segmentId) {
        (ROLLUP, ATTEMPT, SEGMENT) = (rollup, attempt, segmentId);
    }

    receive() external payable {
        bytes[4] memory calls = [
            abi.encodeCall(IRollup.withdraw, (address(this))),
            abi.encodeCall(IRollup.settleAttempt, (ATTEMPT)),
            abi.encodeCall(IRollup.settleChallenge, (ATTEMPT, SEGMENT)),
            abi.encodeCall(IRollup.timeout, (ATTEMPT, SEGMENT))
        ];
        for (uint256 i = 0; i < 4; ++i) {
            (bool success,) = address(ROLLUP).call(calls[i]);
            if (success) ++succeeded;
        }
    }

    function withdraw() external {
        ROLLUP.withdraw(address(this));
    }
}

/// @notice Attacks on rewards, bonds and payouts.
contract MoneyAttacksTest is Attacks {
    uint256 private constant HALF = CLAIM_BOND / 2;
    uint256 private constant BURNT = CLAIM_BOND - CLAIM_BOND / 2;

    // ---------------------------------------------------------------- rewards

    /// A fraud proof from the public pool, sent by somebody else as it is: it pays whom it names. Its author has lost nothing but
    /// the gas of a transaction that is too late.
    function test_sendsACopyOfAFraudProof() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        bytes memory proof =
            abi.encodeCall(IRollup.proveFraudGap, (attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB));
        vm.prank(MALLORY);
        (bool success,) = address(rollup).call(proof);
        vm.assertTrue(success);
        vm.assertEq(rollup.owed(MALLORY), uint256(0));
        vm.assertEq(rollup.owed(BOB), HALF);
        reverts(BOB, 0, address(rollup), proof, notPending(attempt, IRollup.Fate.Dead));
    }

    /// The same with the copier's name in it. The liar can move the reward to himself, so that the lie costs him half its bond
    /// instead of all, and the watcher's gas is not repaid; but the lie is as dead. Those who staged are paid before him.
    function test_sendsACopyOfAFraudProofInHisOwnName() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        StepProof memory proof;
        proof.execution.pointers = new address[](1);
        vm.prank(BOB);
        proof.execution.pointers[0] = store.stage(new bytes(24_000));
        vm.prank(MALLORY);
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), proof, MALLORY);
        assertFate(attempt, IRollup.Fate.Dead);
        rollup.settleChallenge(attempt, idOf(attempt, claimOf(attempt)));
        rollup.settleChallenge(attempt, idOf(attempt, s));
        uint256 forBob = 24_000 * uint256(CHUNK_REWARD);
        assertWon(BOB, forBob);
        assertLost(MALLORY, BURNT + forBob);
    }

    /// A copied staging transaction: who goes first pays for the chunk and is its poster; the other gets what is left.
    function test_stagesACopyFirst() public {
        bytes memory chunk = new bytes(24_000);
        vm.prank(ALICE);
        address copy = store.stage(chunk);
        vm.prank(BOB);
        vm.assertEq(store.stage(chunk), copy); // no failure, so BOB's plan goes on
        (bytes32 attempt, Segment memory s) = dissectedLie();
        StepProof memory proof;
        proof.execution.pointers = new address[](1);
        proof.execution.pointers[0] = copy;
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), proof, BOB);
        vm.assertEq(rollup.owed(ALICE), 24_000 * uint256(CHUNK_REWARD));
        vm.assertEq(rollup.owed(BOB), HALF - 24_000 * uint256(CHUNK_REWARD));
    }

    /// A liar who is found out challenges himself and lets it expire, before the proof comes: half is burnt all the same.
    function test_challengesHimselfToGetHisBondBack() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challengeAs(MALLORY, attempt);
        timeIs(RESPONSE + 1);
        vm.prank(MALLORY);
        rollup.timeout(attempt, id);
        rollup.settleChallenge(attempt, id);
        assertLost(MALLORY, BURNT);
    }

    /// A liar who is challenged calls the timeout himself, so that the challenger gets nothing: it pays the challenger whoever
    /// calls.
    function test_timesHimselfOutToKeepTheChallengersReward() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challenge(attempt);
        timeIs(RESPONSE + 1);
        vm.prank(MALLORY);
        rollup.timeout(attempt, id);
        rollup.settleChallenge(attempt, id);
        assertLost(MALLORY, CLAIM_BOND);
        assertWon(BOB, HALF);
    }

    /// The attacker takes the place of the challenger: one segment can be challenged once, so a watcher's challenge is front-run.
    /// It does the watcher's work, at the attacker's cost.
    function test_takesThePlaceOfTheChallenger() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challengeAs(MALLORY, attempt);
        reverts(
            BOB,
            CHALLENGE_BOND,
            address(rollup),
            abi.encodeCall(IRollup.challengeClaim, (attempt)),
            abi.encodeWithSelector(IRollup.AlreadyChallenged.selector, id)
        );
        timeIs(RESPONSE + 1);
        rollup.timeout(attempt, id); // by anybody
        rollup.settleChallenge(attempt, id);
        assertLost(MALLORY, BURNT);
        // And against a true claim it is a gift, as ever.
        bytes32 honest = truly(ALICE);
        challengeAs(MALLORY, honest);
        reveal(honest, claimOf(honest), "honest");
        vm.warp(block.timestamp + WINDOW + 1);
        rollup.confirm(honest);
        rollup.settleAttempt(honest);
        assertWon(ALICE, CHALLENGE_BOND);
    }

    // ---------------------------------------------------------------- payouts

    /// A beneficiary that takes no money, or answers with a megabyte, stops nobody's death, confirmation or payment but its own.
    function test_bricksPayoutsByAHostileBeneficiary() public {
        for (uint256 i = 0; i < 2; ++i) {
            uint256 state = vm.snapshotState();
            address hostile = address(new HostileRecipient(i == 1));
            vm.prank(MALLORY);
            bytes32 attempt =
                rollup.propose{value: CLAIM_BOND}(genesis, inbox.batchHash(1), Toy.truth(8), 8, hostile, nothing());
            (bytes32 lie, Segment memory s) = dissectedLie();
            rollup.proveFraudGap(lie, gap(s, "lieGap", 1), Toy.truth(5), noProof(), hostile);
            afterWindow();
            rollup.confirm(attempt);
            rollup.settleAttempt(attempt);
            rollup.settleChallenge(lie, idOf(lie, s));
            vm.assertEq(rollup.owed(hostile), CLAIM_BOND + HALF);
            vm.prank(BOB);
            rollup.withdraw(BOB);
            // Who withdraws to it pays for its answer, and nobody else.
            vm.prank(hostile);
            (bool success,) = address(rollup).call{gas: 200_000}(abi.encodeCall(IRollup.withdraw, (hostile)));
            vm.assertFalse(success);
            vm.prank(hostile);
            rollup.withdraw(address(0x1234));
            vm.assertEq(address(0x1234).balance, CLAIM_BOND + HALF);
            vm.revertToState(state);
        }
    }

    /// A recipient that comes back by every function that pays.
    function test_reentersByEveryWay() public {
        bytes32 lie = falsely(MALLORY);
        bytes32 id = challenge(lie);
        timeIs(RESPONSE + 1);
        Reenterer thief = new Reenterer(rollup, lie, id);
        bytes32 other = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        rollup.proveFraudClaim(other, Toy.truth(0), noProof(), address(thief));
        rollup.timeout(lie, id);
        uint256 held = address(rollup).balance;
        thief.withdraw();
        // The one thing that it can do is what anybody may: credit BOB what is BOB's.
        vm.assertEq(thief.succeeded(), 1);
        vm.assertEq(rollup.owed(BOB), HALF + CHALLENGE_BOND);
        vm.assertEq(address(thief).balance, HALF);
        vm.assertEq(held - address(rollup).balance, HALF);
    }

    // ---------------------------------------------------------------- gas

    /// A death with too little gas for its inner call, the burn: either all of it happens or nothing, at every amount of gas.
    function test_starvesADeathOfGas() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challenge(attempt);
        timeIs(RESPONSE + 1);
        bytes memory data = abi.encodeCall(IRollup.timeout, (attempt, id));
        allOrNothing(data, attempt, 20_000, 130_000, 500);
    }

    /// A kill with too little gas for the point evaluations: the same.
    function test_starvesAKillOfGas() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        prove(5);
        Gap memory g = gap(s, "lieGap", 1);
        allOrNothing(abi.encodeCall(IRollup.killGap, (attempt, g, BOB)), attempt, 40_000, 500_000, 3_000);
    }

    function allOrNothing(bytes memory data, bytes32 attempt, uint256 least, uint256 most, uint256 step) private {
        uint256 state = vm.snapshotState();
        (uint256 failures, uint256 burnt, uint256 owed) = (0, address(0).balance, rollup.owed(BOB));
        for (uint256 limit = least; limit < most; limit += step) {
            (bool success,) = address(rollup).call{gas: limit}(data);
            if (success) {
                vm.assertEq(address(0).balance - burnt, BURNT);
                vm.assertEq(rollup.owed(BOB) - owed, HALF);
                vm.revertToState(state);
            } else {
                ++failures;
                vm.assertEq(address(0).balance, burnt);
                vm.assertEq(rollup.owed(BOB), owed);
                assertFate(attempt, IRollup.Fate.Pending);
            }
        }
        // Both were seen.
        vm.assertTrue(failures > 2 && failures < (most - least) / step - 2);
    }

    /// A proof that could not open a blob for want of gas is no proof, for or against: the true claim that it is held against
    /// lives, whatever gas it gets.
    function test_starvesAnOpeningOfATrueClaim() public {
        bytes32 attempt = truly(ALICE);
        challengeAs(MALLORY, attempt);
        reveal(attempt, claimOf(attempt), "honest");
        vm.prank(MALLORY);
        rollup.challengeGap{value: CHALLENGE_BOND}(attempt, gap(claimOf(attempt), "honest", 1));
        Segment memory s = segment(2, 4, Toy.truth(2), Toy.truth(4));
        reveal(attempt, s, "honestGap");
        prove(2);
        Gap memory g = gap(s, "honestGap", 0);
        g.right = gap(s, "honestGap", 1).right; // not the blob's second element
        for (uint256 limit = 40_000; limit < 500_000; limit += 5_000) {
            vm.prank(MALLORY);
            (bool success,) = address(rollup).call{gas: limit}(abi.encodeCall(IRollup.killGap, (attempt, g, MALLORY)));
            vm.assertFalse(success);
        }
        assertFate(attempt, IRollup.Fate.Pending);
    }
}
