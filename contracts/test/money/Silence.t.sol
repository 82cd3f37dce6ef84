// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Game} from "../support/Game.sol";

/// @notice What it costs others when nobody attacks a lie: the one assumption, that somebody honest acts in time, is needed.
contract SilenceTest is Game {
    /// A lie that nobody killed is confirmed, and with it the true claim beside it is contradicted: its owner, who watched the lie
    /// and did nothing, loses the bond, and the liar nothing.
    function test_aLieThatNobodyKills() public {
        bytes32 lie = falsely(MALLORY);
        bytes32 good = truly(ALICE);
        uint256 burnt = address(0).balance;
        afterWindow();
        rollup.confirm(lie);
        assertFate(good, IRollup.Fate.Contradicted);
        rollup.settleAttempt(good);
        rollup.settleAttempt(lie);
        vm.assertEq(address(0).balance - burnt, uint256(CLAIM_BOND));
        vm.assertEq(rollup.owed(ALICE), 0);
        vm.assertEq(rollup.owed(MALLORY), uint256(CLAIM_BOND));
    }

    /// One challenge is enough to prevent it, whoever sends it: the liar is silent, and the truth is confirmed.
    function test_oneChallengeIsEnough() public {
        bytes32 lie = falsely(MALLORY);
        bytes32 good = truly(ALICE);
        bytes32 id = challenge(lie);
        afterWindow();
        rollup.timeout(lie, id);
        rollup.confirm(good);
        rollup.settleAttempt(good);
        vm.assertEq(rollup.owed(ALICE), uint256(CLAIM_BOND));
        vm.assertEq(rollup.owed(BOB), CLAIM_BOND / 2);
    }
}
