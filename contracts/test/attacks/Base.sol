// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Game} from "../support/Game.sol";

/// @notice What attacks on the {Rollup} share: ALICE is honest, BOB watches, MALLORY attacks, and it is counted what each
/// has in the end. Gas is free here, so what they lose or win are bonds.
abstract contract Attacks is Game {
    uint256 internal constant RICH = 1000 ether;

    function setUp() public virtual override {
        super.setUp();
        fund();
    }

    function fund() internal {
        vm.deal(ALICE, RICH);
        vm.deal(BOB, RICH);
        vm.deal(MALLORY, RICH);
    }

    // ---------------------------------------------------------------- money

    /// @dev In hand and owed. A bond that is not settled yet is in neither.
    function wealth(address who) internal view returns (uint256) {
        return who.balance + rollup.owed(who);
    }

    function assertLost(address who, uint256 amount) internal view {
        vm.assertEq(wealth(who) + amount, RICH);
    }

    function assertWon(address who, uint256 amount) internal view {
        vm.assertEq(wealth(who), RICH + amount);
    }

    // ---------------------------------------------------------------- moves

    /// @dev Seconds after the start.
    function timeIs(uint64 time) internal {
        vm.warp(START + time);
    }

    function challengeAs(address who, bytes32 attempt) internal returns (bytes32) {
        vm.prank(who);
        return rollup.challengeClaim{value: CHALLENGE_BOND}(attempt);
    }

    function confirmIsRefused(bytes32 attempt, bytes memory expected) internal {
        reverts(address(rollup), abi.encodeCall(IRollup.confirm, (attempt)), expected);
    }

    function tooEarly(uint64 last) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IRollup.TooEarly.selector, block.timestamp, START + last);
    }

    /// @dev Whether a call would succeed. It changes nothing.
    function possible(address who, uint256 value, bytes memory data) internal returns (bool success) {
        uint256 id = vm.snapshotState();
        vm.prank(who);
        (success,) = address(rollup).call{value: value}(data);
        vm.revertToState(id);
    }

    /// @dev Gas of a call that must succeed.
    function gasOf(address target, bytes memory data) internal returns (uint256 spent) {
        spent = gasleft();
        (bool success,) = target.call(data);
        spent -= gasleft();
        vm.assertTrue(success);
    }
}
