// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Segment} from "../../src/interfaces/Types.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

contract SettleAttemptTest is Game {
    function refuses(bytes32 attempt, bytes memory expected) private {
        reverts(address(rollup), abi.encodeCall(IRollup.settleAttempt, (attempt)), expected);
    }

    function settles(bytes32 attempt, address to, uint256 paid, uint256 burnt) private {
        uint256 owedBefore = rollup.owed(to);
        uint256 burntBefore = address(0).balance;
        expectEvent(address(rollup));
        emit IRollup.Settled(attempt, to, paid, burnt);
        vm.prank(MALLORY); // whoever calls
        rollup.settleAttempt(attempt);
        vm.assertEq(rollup.owed(to) - owedBefore, paid);
        vm.assertEq(address(0).balance - burntBefore, burnt);
        vm.assertTrue(rollup.attemptOf(attempt).settled);
        refuses(attempt, abi.encodeWithSelector(IRollup.AlreadySettled.selector, attempt));
    }

    function test_confirmedEarnsTheChallengeBonds() public {
        bytes32 attempt = truly(ALICE);
        challenge(attempt);
        reveal(attempt, claimOf(attempt), "honest");
        challenge(attempt, gap(claimOf(attempt), "honest", 1));
        reveal(attempt, segment(2, 4, Toy.truth(2), Toy.truth(4)), "honestGap");
        afterWindow();
        rollup.confirm(attempt);
        settles(attempt, ALICE, CLAIM_BOND + 2 * CHALLENGE_BOND, 0);
    }

    function test_siblingsShareTheFate() public {
        bytes32 attempt = truly(ALICE);
        bytes32 sibling = truly(BOB);
        challenge(sibling); // unanswered, but what it says is confirmed
        afterWindow();
        rollup.confirm(attempt);
        settles(sibling, BOB, CLAIM_BOND + CHALLENGE_BOND, 0);
        vm.assertEq(uint256(rollup.attemptOf(sibling).status), uint256(IRollup.Status.Confirmed));
    }

    function test_toTheBeneficiary() public {
        bytes32 batchHash = inbox.batchHash(1);
        vm.prank(ALICE);
        bytes32 attempt = rollup.propose{value: CLAIM_BOND}(genesis, batchHash, Toy.truth(8), 8, BOB, nothing());
        afterWindow();
        rollup.confirm(attempt);
        settles(attempt, BOB, CLAIM_BOND, 0);
    }

    function test_contradictedBurns() public {
        bytes32 good = truly(ALICE);
        bytes32 bad = falsely(MALLORY);
        challenge(bad);
        afterWindow();
        rollup.confirm(good);
        settles(bad, MALLORY, 0, CLAIM_BOND);
        vm.assertFalse(rollup.contentOf(contentOf(bad)).voided); // that is another fate
    }

    function test_voidGivesBackAndMarks() public {
        bytes32 good = truly(ALICE);
        bytes32 bad = falsely(MALLORY);
        bytes32 orphan = propose(BOB, contentOf(bad), Toy.end(5, 2), 8);
        bytes32 twin = propose(BOB, contentOf(bad), Toy.end(5, 2), 8);
        afterWindow();
        rollup.confirm(good);
        settles(orphan, BOB, CLAIM_BOND, 0);
        vm.assertTrue(rollup.contentOf(contentOf(orphan)).voided);
        settles(twin, BOB, CLAIM_BOND, 0);
    }

    function test_deadIsSettled() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challenge(attempt);
        vm.warp(START + RESPONSE + 1);
        rollup.timeout(attempt, id);
        refuses(attempt, abi.encodeWithSelector(IRollup.AlreadySettled.selector, attempt));
    }

    /// Its content is confirmed by another attempt, but it died: its bond is gone.
    function test_deathComesFirst() public {
        bytes32 gone = truly(ALICE);
        bytes32 good = truly(BOB);
        bytes32 id = challenge(gone);
        vm.warp(START + RESPONSE + 1);
        rollup.timeout(gone, id);
        afterWindow();
        rollup.confirm(good);
        refuses(gone, abi.encodeWithSelector(IRollup.AlreadySettled.selector, gone));
    }

    function test_notWhilePending() public {
        bytes32 attempt = truly(ALICE);
        refuses(attempt, abi.encodeWithSelector(IRollup.FateUndecided.selector, attempt));
        refuses(bytes32(uint256(3)), abi.encodeWithSelector(IRollup.UnknownAttempt.selector, bytes32(uint256(3))));
    }
}

contract SettleChallengeTest is Game {
    function refuses(bytes32 attempt, bytes32 id, bytes memory expected) private {
        reverts(address(rollup), abi.encodeCall(IRollup.settleChallenge, (attempt, id)), expected);
    }

    function settles(bytes32 attempt, bytes32 id) private {
        uint256 before = rollup.owed(BOB);
        expectEvent(address(rollup));
        emit IRollup.Settled(id, BOB, CHALLENGE_BOND, 0);
        vm.prank(MALLORY); // whoever calls
        rollup.settleChallenge(attempt, id);
        vm.assertEq(rollup.owed(BOB) - before, CHALLENGE_BOND);
        refuses(attempt, id, abi.encodeWithSelector(IRollup.AlreadySettled.selector, id));
    }

    function test_backIfItDies() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challenge(attempt);
        vm.warp(START + RESPONSE + 1);
        rollup.timeout(attempt, id);
        settles(attempt, id);
        vm.assertEq(rollup.owed(BOB), CLAIM_BOND / 2 + CHALLENGE_BOND);
    }

    function test_backIfContradicted() public {
        bytes32 good = truly(ALICE);
        bytes32 bad = falsely(MALLORY);
        bytes32 id = challenge(bad);
        afterWindow();
        rollup.confirm(good);
        settles(bad, id);
    }

    function test_backIfVoid() public {
        bytes32 good = truly(ALICE);
        bytes32 bad = falsely(MALLORY);
        bytes32 orphan = propose(MALLORY, contentOf(bad), Toy.end(5, 2), 8);
        bytes32 id = challenge(orphan);
        afterWindow();
        rollup.confirm(good);
        settles(orphan, id);
    }

    function test_lostIfItConfirms() public {
        bytes32 attempt = truly(ALICE);
        bytes32 id = challenge(attempt);
        reveal(attempt, claimOf(attempt), "honest");
        afterWindow();
        rollup.confirm(attempt);
        refuses(attempt, id, abi.encodeWithSelector(IRollup.ChallengeLost.selector, id));
    }

    function test_notWhilePending() public {
        bytes32 attempt = truly(ALICE);
        bytes32 id = challenge(attempt);
        refuses(attempt, id, abi.encodeWithSelector(IRollup.FateUndecided.selector, attempt));
    }

    function test_notWithAnotherAttempt() public {
        bytes32 attempt = truly(ALICE);
        bytes32 id = challenge(attempt);
        bytes32 dead = falsely(MALLORY);
        bytes32 deadId = challenge(dead);
        vm.warp(START + RESPONSE + 1);
        rollup.timeout(dead, deadId);
        refuses(dead, id, abi.encodeWithSelector(IRollup.NotChallenged.selector, id));
        refuses(dead, bytes32(0), abi.encodeWithSelector(IRollup.NotChallenged.selector, bytes32(0)));
    }
}

/// @dev Takes nothing.
contract Refuses {
    receive() external payable {
        revert("no");
    }

    function withdraw(IRollup rollup, address to) external returns (uint256) {
        return rollup.withdraw(to);
    }
}

/// @dev Tries to be paid twice.
contract Reenters {
    IRollup private immutable ROLLUP;
    bytes public failure;

    constructor(IRollup rollup) {
        ROLLUP = rollup;
    }

    receive() external payable {
        try ROLLUP.withdraw(address(this)) {}
        catch (bytes memory reason) {
            failure = reason;
        }
    }

    function withdraw() external {
        ROLLUP.withdraw(address(this));
    }
}

contract WithdrawTest is Game {
    function owes(address who) private {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        rollup.proveFraudClaim(attempt, Toy.truth(0), noProof(), who);
    }

    function test_pays() public {
        owes(BOB);
        address to = address(0x1234);
        expectEvent(address(rollup));
        emit IRollup.Withdrawn(BOB, to, CLAIM_BOND / 2);
        vm.prank(BOB);
        vm.assertEq(rollup.withdraw(to), CLAIM_BOND / 2);
        vm.assertEq(to.balance, CLAIM_BOND / 2);
        vm.assertEq(rollup.owed(BOB), uint256(0));
        vm.assertEq(address(rollup).balance, uint256(0));
    }

    function test_nothingOwed() public {
        reverts(
            address(rollup),
            abi.encodeCall(IRollup.withdraw, (BOB)),
            abi.encodeWithSelector(IRollup.NothingOwed.selector, BOB)
        );
    }

    function test_zeroRecipient() public {
        owes(BOB);
        reverts(
            address(rollup),
            abi.encodeCall(IRollup.withdraw, (address(0))),
            abi.encodeWithSelector(IRollup.ZeroRecipient.selector)
        );
    }

    function test_aRecipientThatRefuses() public {
        Refuses stubborn = new Refuses();
        owes(address(stubborn));
        reverts(
            address(stubborn),
            abi.encodeCall(Refuses.withdraw, (rollup, address(stubborn))),
            abi.encodeWithSelector(IRollup.TransferFailed.selector, address(stubborn), CLAIM_BOND / 2)
        );
        // It hurts nobody else, and the money can go elsewhere.
        vm.assertEq(rollup.owed(address(stubborn)), CLAIM_BOND / 2);
        stubborn.withdraw(rollup, BOB);
    }

    function test_reentrance() public {
        Reenters thief = new Reenters(rollup);
        owes(address(thief));
        falsely(MALLORY); // more money to steal
        thief.withdraw();
        vm.assertEq(address(thief).balance, CLAIM_BOND / 2);
        vm.assertEq(thief.failure(), abi.encodeWithSelector(IRollup.NothingOwed.selector, address(thief)));
    }

    /// What comes in goes out, is burned or stays owed.
    function test_wholeGame() public {
        (bytes32 dead, Segment memory s) = dissectedLie();
        bytes32 good = truly(ALICE);
        challenge(good);
        reveal(good, claimOf(good), "honest");
        rollup.proveFraudGap(dead, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        afterWindow();
        rollup.confirm(good);
        rollup.settleAttempt(good);
        rollup.settleChallenge(dead, idOf(dead, claimOf(dead)));
        rollup.settleChallenge(dead, idOf(dead, s));
        vm.prank(BOB);
        vm.assertEq(rollup.withdraw(BOB), CLAIM_BOND / 2 + 2 * CHALLENGE_BOND);
        vm.prank(ALICE);
        vm.assertEq(rollup.withdraw(ALICE), CLAIM_BOND + CHALLENGE_BOND);
        vm.assertEq(address(rollup).balance, uint256(0));
    }
}
