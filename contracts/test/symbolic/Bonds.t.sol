// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {StepProof} from "../../src/interfaces/Types.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev Whatever the bonds are, every wei of them is owed, burned, or still held.
contract BondsSymbolicTest is Symbolic {
    address internal constant CAROL = address(0xCA401); // stages
    uint256 internal constant CHUNK = 64; // bytes; a power of two, so that solvers divide by it

    function burnt() private view returns (uint256) {
        return address(0).balance;
    }

    /// A death by the clock: half, rounded down, to the challenger, the rest burned; the challenge bond comes back.
    function check_timeout() public {
        bytes32 attempt = propose(8);
        bytes32 id = challenge(attempt);
        uint256 before = burnt();
        vm.warp(uint256(rollup.challengeOf(id).deadline) + 1);
        done(abi.encodeCall(IRollup.timeout, (attempt, id)));
        vm.assertEq(rollup.owed(BOB), claimBond / 2);
        vm.assertEq(rollup.owed(BOB) + burnt() - before, claimBond);
        settled(attempt, id);
        vm.assertEq(rollup.owed(BOB), uint256(claimBond / 2) + challengeBond);
        vm.assertEq(address(rollup).balance, rollup.owed(BOB));
    }

    function staged() private returns (StepProof memory proof) {
        vm.prank(CAROL);
        address pointer = store.stage(new bytes(CHUNK));
        proof.opening.pointers = new address[](1);
        proof.execution.pointers = new address[](1);
        (proof.opening.pointers[0], proof.execution.pointers[0]) = (pointer, pointer);
    }

    /// What posters of `CHUNK` bytes get: their price, and at most 15/16 of the paid half.
    function due() private view returns (uint256) {
        uint256 half = claimBond / 2;
        uint256 price = CHUNK * uint256(chunkReward);
        return price < half - half / 16 ? price : half - half / 16;
    }

    /// A death by proof: posters are paid at most 15/16 of half, each chunk once, the beneficiary gets what is left of that half.
    /// If it does not revert: that a bill's division never does is more than solvers decide here, and is left to the fuzzers.
    function check_proof() public {
        bytes32 attempt = propose(1);
        StepProof memory proof = staged();
        uint256 before = burnt();
        rollup.proveFraudClaim(attempt, Toy.truth(0), proof, BOB);
        uint256 half = claimBond / 2;
        vm.assertEq(rollup.owed(CAROL), due());
        vm.assertEq(rollup.owed(CAROL) + rollup.owed(BOB), half);
        vm.assertEq(half + burnt() - before, claimBond);
        vm.assertEq(address(rollup).balance, half);
    }

    /// The same when the step was proven before, by anybody. A second death by that step has no bill left.
    function check_proofBefore() public {
        (bytes32 attempt, bytes32 other) = (propose(1), propose(1));
        StepProof memory proof = staged();
        done(abi.encodeCall(IRollup.proveStep, (Toy.truth(0), proof)));
        rollup.killClaim(attempt, BOB);
        uint256 half = claimBond / 2;
        vm.assertEq(rollup.owed(CAROL), due());
        vm.assertEq(rollup.owed(CAROL) + rollup.owed(BOB), half);
        rollup.killClaim(other, BOB);
        vm.assertEq(rollup.owed(CAROL), due());
        vm.assertEq(rollup.owed(CAROL) + rollup.owed(BOB), 2 * half);
        vm.assertEq(address(rollup).balance, 2 * half);
    }

    /// A confirmed claim that nobody challenged: its bond, to its beneficiary; nothing is burned.
    function check_confirmed() public {
        bytes32 attempt = propose(1);
        uint256 before = burnt();
        confirmed(attempt);
        settled(attempt);
        vm.assertEq(rollup.owed(MALLORY), claimBond);
        vm.assertEq(burnt(), before);
        vm.assertEq(address(rollup).balance, claimBond);
    }

    function confirmed(bytes32 attempt) private {
        vm.warp(uint256(rollup.attemptOf(attempt).windowEnd) + 1);
        done(abi.encodeCall(IRollup.confirm, (attempt)));
    }

    function settled(bytes32 attempt) private {
        done(abi.encodeCall(IRollup.settleAttempt, (attempt)));
    }

    function settled(bytes32 attempt, bytes32 segmentId) private {
        done(abi.encodeCall(IRollup.settleChallenge, (attempt, segmentId)));
    }

    /// What another claim's confirmation contradicts: burned, all of it; its challenger has his own again.
    function check_contradicted() public {
        (bytes32 attempt, bytes32 other) = (propose(1), propose(2));
        bytes32 id = challenge(other);
        confirmed(attempt);
        uint256 before = burnt();
        settled(other);
        vm.assertEq(burnt() - before, claimBond);
        vm.assertEq(rollup.owed(MALLORY), 0);
        settled(other, id);
        vm.assertEq(rollup.owed(BOB), challengeBond);
        vm.assertEq(address(rollup).balance, uint256(claimBond) + challengeBond);
    }

    /// What stands on a contradicted claim is void: all bonds go back to who gave them, nothing is burned.
    function check_void() public {
        (bytes32 attempt, bytes32 parent) = (propose(1), propose(2));
        bytes32 child = propose(rollup.attemptOf(parent).content, 2, 2);
        bytes32 id = challenge(child);
        confirmed(attempt);
        uint256 before = burnt();
        settled(child);
        vm.assertEq(rollup.owed(MALLORY), claimBond);
        settled(child, id);
        vm.assertEq(rollup.owed(BOB), challengeBond);
        vm.assertEq(burnt(), before);
        vm.assertEq(address(rollup).balance, 3 * uint256(claimBond) + challengeBond);
    }

    /// What is owed is paid, once.
    function check_withdraw() public {
        bytes32 attempt = propose(1);
        confirmed(attempt);
        settled(attempt);
        uint256 before = CAROL.balance;
        vm.prank(MALLORY);
        bytes memory answer = done(abi.encodeCall(IRollup.withdraw, (CAROL)));
        vm.assertEq(abi.decode(answer, (uint256)), claimBond);
        vm.assertEq(CAROL.balance - before, claimBond);
        vm.assertEq(rollup.owed(MALLORY), 0);
        vm.assertEq(address(rollup).balance, 0);
    }
}
