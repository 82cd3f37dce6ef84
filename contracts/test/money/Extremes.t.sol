// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {StepProof} from "../../src/interfaces/Types.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

/// @notice The least and the largest bonds and rewards that a deployment may have.
contract ExtremeMoneyTest is Game {
    uint128 private constant MOST = type(uint128).max;

    function configured(uint128 claimBond, uint128 challengeBond, uint128 chunkReward) private {
        IRollup.Config memory c = configuration(4, 12);
        (c.claimBond, c.challengeBond, c.chunkReward) = (claimBond, challengeBond, chunkReward);
        rollup = newRollup(c);
        vm.deal(MALLORY, 10 * uint256(MOST));
        vm.deal(BOB, 10 * uint256(MOST));
    }

    /// @dev A false claim of one step.
    function lies() private returns (bytes32 attempt) {
        uint256 bond = rollup.config().claimBond;
        bytes memory move = proposal(genesis, Toy.end(1001, 1), 1, MALLORY, nothing());
        vm.prank(MALLORY);
        (bool success, bytes memory answer) = address(rollup).call{value: bond}(move);
        vm.assertTrue(success);
        return abi.decode(answer, (bytes32));
    }

    function kills(bytes32 attempt, StepProof memory proof) private {
        rollup.proveFraudClaim(attempt, Toy.truth(0), proof, BOB);
    }

    function staged(uint256 size) private returns (StepProof memory proof) {
        vm.prank(ALICE);
        address chunk = store.stage(new bytes(size));
        proof.execution.pointers = new address[](1);
        proof.execution.pointers[0] = chunk;
    }

    function test_theLeastBonds() public {
        configured(2, 1, 1);
        uint256 burnt = address(0).balance;
        bytes32 attempt = lies();
        kills(attempt, staged(100));
        // Of one wei there is no sixteenth: the poster takes all there is.
        vm.assertEq(rollup.owed(ALICE), 1);
        vm.assertEq(rollup.owed(BOB), 0);
        vm.assertEq(address(0).balance - burnt, 1);
        vm.assertEq(address(rollup).balance, 1);
    }

    function test_noChunkReward() public {
        configured(CLAIM_BOND, CHALLENGE_BOND, 0);
        kills(lies(), staged(24_575));
        vm.assertEq(rollup.owed(ALICE), 0);
        vm.assertEq(rollup.owed(BOB), CLAIM_BOND / 2);
    }

    function test_theLargestChunkReward() public {
        configured(CLAIM_BOND, CHALLENGE_BOND, MOST);
        kills(lies(), staged(24_575));
        vm.assertEq(rollup.owed(BOB), CLAIM_BOND / 2 / 16);
        vm.assertEq(rollup.owed(ALICE), CLAIM_BOND / 2 - CLAIM_BOND / 2 / 16);
        vm.assertEq(address(rollup).balance, CLAIM_BOND / 2);
    }

    /// Everything at its largest: no sum wraps, nothing reverts.
    function test_theLargestClaimBond() public {
        configured(MOST, CHALLENGE_BOND, MOST);
        uint256 burnt = address(0).balance;
        (bytes32 first, bytes32 second) = (lies(), lies());
        kills(first, staged(24_575));
        kills(second, noProof());
        vm.assertEq(rollup.owed(ALICE), MOST / 2 - MOST / 2 / 16);
        vm.assertEq(rollup.owed(BOB), MOST / 2 / 16 + MOST / 2);
        vm.assertEq(address(0).balance - burnt, 2 * (uint256(MOST) - MOST / 2));
        vm.prank(BOB);
        vm.assertEq(rollup.withdraw(BOB), MOST / 2 / 16 + MOST / 2);
    }

    function challengeWith(uint256 bond, bytes memory move) private returns (bool success) {
        vm.prank(BOB);
        (success,) = address(rollup).call{value: bond}(move);
    }

    /// The bonds of all challenges of an attempt are summed in 128 bits. Ether that fills them does not exist: there are fewer
    /// than 2^87 wei. If it did, a further challenge would revert, and the challenger keep the bond.
    function test_theLargestChallengeBond() public {
        configured(CLAIM_BOND, MOST, CHUNK_REWARD);
        bytes32 attempt = truly(ALICE);
        vm.assertTrue(challengeWith(MOST, abi.encodeCall(IRollup.challengeClaim, (attempt))));
        reveal(attempt, claimOf(attempt), "honest");
        bytes memory further = abi.encodeCall(IRollup.challengeGap, (attempt, gap(claimOf(attempt), "honest", 1)));
        uint256 before = BOB.balance;
        vm.assertFalse(challengeWith(MOST, further));
        vm.assertEq(BOB.balance, before);
        afterWindow();
        rollup.confirm(attempt);
        rollup.settleAttempt(attempt);
        vm.assertEq(rollup.owed(ALICE), uint256(MOST) + CLAIM_BOND);
    }

    /// All ether that there will ever be, in bonds against one attempt, is summed without a wrap.
    function test_allEtherFitsTheSum() public {
        uint128 all = 2 ** 87;
        configured(CLAIM_BOND, all, CHUNK_REWARD);
        bytes32 attempt = truly(ALICE);
        vm.assertTrue(challengeWith(all, abi.encodeCall(IRollup.challengeClaim, (attempt))));
        reveal(attempt, claimOf(attempt), "honest");
        for (uint32 i = 0; i < 4; ++i) {
            bytes memory move = abi.encodeCall(IRollup.challengeGap, (attempt, gap(claimOf(attempt), "honest", i)));
            vm.assertTrue(challengeWith(all, move));
        }
        vm.assertEq(rollup.attemptOf(attempt).challengeBonds, 5 * uint256(all));
    }

    /// One wei more or less is refused, and so is ether where none belongs.
    function test_ether() public {
        bytes32 attempt = truly(ALICE);
        bytes memory claim = proposal(genesis, Toy.truth(8), 8, BOB, nothing());
        for (uint256 i = 0; i < 3; ++i) {
            uint256 sent = [uint256(0), CLAIM_BOND - 1, uint256(CLAIM_BOND) + 1][i];
            bytes memory expected = abi.encodeWithSelector(IRollup.WrongBond.selector, sent, CLAIM_BOND);
            reverts(BOB, sent, address(rollup), claim, expected);
        }
        reverts(BOB, 1, address(rollup), abi.encodeCall(IRollup.confirm, (attempt)), "");
        reverts(BOB, 1, address(rollup), abi.encodeCall(IRollup.withdraw, (BOB)), "");
        reverts(BOB, 1, address(rollup), "", "");
        vm.assertEq(address(rollup).balance, uint256(CLAIM_BOND));
    }
}
