// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Segment} from "../../src/interfaces/Types.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

/// @notice Nothing is paid twice, and who comes second loses gas only.
contract DuplicateMoneyTest is Game {
    /// The owner's own second attempt, and a stranger's: each has its bond, and each gets it back once.
    function test_secondClaimantOfAContent() public {
        bytes32[3] memory attempts = [truly(ALICE), truly(ALICE), truly(BOB)];
        afterWindow();
        rollup.confirm(attempts[2]);
        for (uint256 i = 0; i < 3; ++i) {
            rollup.settleAttempt(attempts[i]);
        }
        vm.assertEq(rollup.owed(ALICE), 2 * uint256(CLAIM_BOND));
        vm.assertEq(rollup.owed(BOB), uint256(CLAIM_BOND));
        vm.assertEq(address(rollup).balance, 3 * uint256(CLAIM_BOND));
    }

    /// A stranger who let the same content die takes nobody with him.
    function test_anotherClaimantsSilence() public {
        bytes32 own = truly(ALICE);
        bytes32 silent = truly(MALLORY);
        bytes32 id = challenge(silent);
        vm.warp(START + RESPONSE + 1);
        rollup.timeout(silent, id);
        afterWindow();
        rollup.confirm(own);
        rollup.settleAttempt(own);
        vm.assertEq(rollup.owed(ALICE), uint256(CLAIM_BOND));
        vm.assertEq(rollup.owed(MALLORY), 0);
    }

    function test_twoWatchersOfOneLie() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        bytes memory again =
            abi.encodeCall(IRollup.proveFraudGap, (attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), ALICE));
        reverts(address(rollup), again, notPending(attempt, IRollup.Fate.Dead));
        vm.assertEq(rollup.owed(BOB), CLAIM_BOND / 2);
        vm.assertEq(rollup.owed(ALICE), 0);
    }

    /// The second challenger keeps the ether: the call reverts with it.
    function test_secondChallengerOfASegment() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challenge(attempt);
        bytes memory again = abi.encodeCall(IRollup.challengeClaim, (attempt));
        uint256 before = ALICE.balance;
        bytes memory expected = abi.encodeWithSelector(IRollup.AlreadyChallenged.selector, id);
        reverts(ALICE, CHALLENGE_BOND, address(rollup), again, expected);
        vm.assertEq(ALICE.balance - before, uint256(CHALLENGE_BOND));
        vm.assertEq(rollup.attemptOf(attempt).challengeBonds, uint256(CHALLENGE_BOND));
    }

    function test_withdrawnTwice() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        vm.prank(BOB);
        rollup.withdraw(BOB);
        bytes memory again = abi.encodeCall(IRollup.withdraw, (BOB));
        reverts(address(rollup), again, abi.encodeWithSelector(IRollup.NothingOwed.selector, BOB));
    }
}
