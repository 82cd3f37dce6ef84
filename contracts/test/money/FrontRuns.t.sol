// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Segment, StepProof} from "../../src/interfaces/Types.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

/// @notice MALLORY sees every move of BOB's in the public pool, copies it, and is first.
contract FrontRunTest is Game {
    function staged(address who) private returns (StepProof memory proof) {
        vm.prank(who);
        proof.execution.pointers = new address[](1);
        proof.execution.pointers[0] = store.stage(new bytes(24_575));
    }

    /// Proving the step of a pending kill, as its sender would have, takes nothing from him.
    function test_theStepOfAKillProvenFirst() public {
        StepProof memory proof = staged(BOB);
        (bytes32 attempt, Segment memory s) = dissectedLie();
        vm.prank(MALLORY);
        rollup.proveStep(Toy.truth(5), proof);
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), proof, BOB);
        vm.assertEq(rollup.owed(BOB), CLAIM_BOND / 2);
    }

    /// Whoever proves the step of a pending kill, with what its sender staged, and kills by that proof in the same transaction,
    /// gets what a mere copy of the kill with another beneficiary gets: what is left when the poster is paid his price.
    function test_aStagedKillThatIsTakenPaysItsPoster() public {
        uint256 price = 24_575 * uint256(CHUNK_REWARD);
        StepProof memory proof = staged(BOB);
        (bytes32 attempt, Segment memory s) = dissectedLie();
        uint256 start = vm.snapshotState();
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), proof, MALLORY);
        uint256 copied = rollup.owed(MALLORY);
        vm.revertToState(start);

        vm.prank(MALLORY);
        rollup.proveStep(Toy.truth(5), proof);
        vm.prank(MALLORY);
        rollup.killGap(attempt, gap(s, "lieGap", 1), MALLORY);
        vm.assertEq(rollup.owed(BOB), price);
        vm.assertEq(rollup.owed(MALLORY), CLAIM_BOND / 2 - price);
        vm.assertEq(rollup.owed(MALLORY), copied);
    }

    /// The same of a claim of one step.
    function test_aStagedKillOfAClaimThatIsTakenPaysItsPoster() public {
        uint256 price = 24_575 * uint256(CHUNK_REWARD);
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(1001, 1), 1);
        StepProof memory proof = staged(BOB);
        vm.prank(MALLORY);
        rollup.proveStep(Toy.truth(0), proof);
        vm.prank(MALLORY);
        rollup.killClaim(attempt, MALLORY);
        vm.assertEq(rollup.owed(BOB), price);
        vm.assertEq(rollup.owed(MALLORY), CLAIM_BOND / 2 - price);
    }

    /// An attempt names its owner: a copied proposal is another attempt, and ALICE's is where it would have been.
    function test_aCopiedProposal() public {
        bytes32 copied = truly(MALLORY);
        bytes32 own = truly(ALICE);
        vm.assertEq(own, keccak256(abi.encode(contentOf(copied), ALICE, uint256(0))));
        afterWindow();
        rollup.confirm(copied);
        rollup.settleAttempt(own);
        vm.assertEq(rollup.owed(ALICE), uint256(CLAIM_BOND));
    }

    /// Settling is for anybody, and pays whom it must.
    function test_aStrangerSettles() public {
        bytes32 attempt = truly(ALICE);
        challenge(attempt);
        reveal(attempt, claimOf(attempt), "honest");
        afterWindow();
        rollup.confirm(attempt);
        vm.prank(MALLORY);
        rollup.settleAttempt(attempt);
        vm.assertEq(rollup.owed(ALICE), uint256(CLAIM_BOND) + CHALLENGE_BOND);
        vm.assertEq(rollup.owed(MALLORY), 0);
    }

    /// A withdrawal pays what is owed to its sender: copied, it pays nothing.
    function test_aCopiedWithdrawal() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        bytes memory copy = abi.encodeCall(IRollup.withdraw, (MALLORY));
        bytes memory expected = abi.encodeWithSelector(IRollup.NothingOwed.selector, MALLORY);
        reverts(MALLORY, 0, address(rollup), copy, expected);
        vm.prank(BOB);
        vm.assertEq(rollup.withdraw(BOB), CLAIM_BOND / 2);
    }

    /// A confirmation a moment before a challenge: it reverts, and its bond with it.
    function test_aConfirmationBeforeAChallenge() public {
        bytes32 attempt = truly(ALICE);
        afterWindow();
        rollup.confirm(attempt);
        bytes memory late = abi.encodeCall(IRollup.challengeClaim, (attempt));
        uint256 before = BOB.balance;
        reverts(BOB, CHALLENGE_BOND, address(rollup), late, notPending(attempt, IRollup.Fate.Confirmed));
        vm.assertEq(BOB.balance - before, uint256(CHALLENGE_BOND));
    }
}
