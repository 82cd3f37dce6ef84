// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Reveal, Segment} from "../../src/interfaces/Types.sol";
import {Symbolic} from "./Symbolic.sol";

contract ClocksSymbolicTest is Symbolic {
    /// The window ends exactly so many seconds after the proposal, whenever that is: no sum wraps.
    function check_windowEnd() public {
        uint64 time = anyTime("time");
        vm.warp(time);
        bytes32 attempt = propose(8);
        vm.assertEq(uint256(rollup.attemptOf(attempt).windowEnd), uint256(time) + window);
    }

    function check_deadline() public {
        bytes32 attempt = propose(8);
        uint64 time = anyTime("time");
        vm.assume(time >= START && time <= rollup.attemptOf(attempt).windowEnd);
        vm.warp(time);
        bytes32 id = challenge(attempt);
        vm.assertEq(uint256(rollup.challengeOf(id).deadline), uint256(time) + response);
    }

    /// At every second a claim can be challenged or confirmed, never both, never neither.
    function check_challengedOrConfirmed() public {
        bytes32 attempt = propose(8);
        uint64 time = anyTime("time");
        vm.assume(time >= START);
        vm.warp(time);
        bool inWindow = time <= rollup.attemptOf(attempt).windowEnd;
        vm.prank(BOB);
        (bool challenged, bytes4 why) = outcome(challengeBond, abi.encodeCall(IRollup.challengeClaim, (attempt)));
        vm.assertEq(challenged, inWindow);
        if (!challenged) vm.assertTrue(why == IRollup.TooLate.selector);
        bool confirmed;
        (confirmed, why) = outcome(abi.encodeCall(IRollup.confirm, (attempt)));
        vm.assertEq(confirmed, !inWindow);
        if (!confirmed) vm.assertTrue(why == IRollup.TooEarly.selector);
    }

    /// At every second a challenge can be answered or times out, never both, never neither.
    function check_answeredOrTimedOut() public {
        bytes32 attempt = propose(8);
        bytes32 id = challenge(attempt);
        uint64 time = anyTime("time");
        vm.assume(time >= START);
        vm.warp(time);
        bool due = time > rollup.challengeOf(id).deadline;
        if (due) {
            Reveal memory none;
            bytes memory late = abi.encodeCall(IRollup.reveal, (attempt, claimOf(attempt), none));
            vm.prank(MALLORY);
            (bool answered, bytes4 why) = outcome(late);
            vm.assertTrue(!answered && why == IRollup.TooLate.selector);
        }
        (bool timedOut, bytes4 reason) = outcome(abi.encodeCall(IRollup.timeout, (attempt, id)));
        vm.assertEq(timedOut, due);
        if (!timedOut) vm.assertTrue(reason == IRollup.TooEarly.selector);
    }

    /// An unanswered challenge holds confirmation back for ever.
    function check_notConfirmedWhileChallenged() public {
        bytes32 attempt = propose(8);
        challenge(attempt);
        vm.warp(anyTime("time"));
        (bool confirmed,) = outcome(abi.encodeCall(IRollup.confirm, (attempt)));
        vm.assertFalse(confirmed);
    }

    /// What timed out stays dead.
    function check_deadForEver() public {
        bytes32 attempt = propose(8);
        bytes32 id = challenge(attempt);
        vm.warp(uint256(rollup.challengeOf(id).deadline) + 1);
        done(abi.encodeCall(IRollup.timeout, (attempt, id)));
        vm.warp(anyTime("time"));
        vm.assertTrue(rollup.fateOf(attempt) == IRollup.Fate.Dead);
        (bool again,) = outcome(abi.encodeCall(IRollup.timeout, (attempt, id)));
        (bool confirmed,) = outcome(abi.encodeCall(IRollup.confirm, (attempt)));
        vm.assertFalse(again || confirmed);
    }

    function claimOf(bytes32 attempt) private view returns (Segment memory) {
        IRollup.Content memory c = rollup.contentOf(rollup.attemptOf(attempt).content);
        return Segment(0, c.steps, rollup.contentOf(c.parent).checkpoint, c.checkpoint);
    }
}
