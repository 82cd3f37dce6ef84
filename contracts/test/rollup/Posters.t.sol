// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Segment, StepProof} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

/// @dev Who staged what a fraud proof used is paid first. The toy verifier takes any proof.
contract PostersTest is Game {
    address internal constant CAROL = address(0xCA401); // stages
    uint128 internal constant HALF = CLAIM_BOND / 2;

    function stage(address who, bytes memory chunk) private returns (address) {
        vm.prank(who);
        return store.stage(chunk);
    }

    function pointing(address[] memory elements, address[] memory witness)
        private
        pure
        returns (StepProof memory proof)
    {
        proof.opening.pointers = elements;
        proof.execution.pointers = witness;
    }

    function list(address a, address b, address c) private pure returns (address[] memory pointers) {
        pointers = new address[](3);
        (pointers[0], pointers[1], pointers[2]) = (a, b, c);
    }

    function none() private pure returns (address[] memory) {
        return new address[](0);
    }

    function killed(StepProof memory proof) private returns (bytes32 attempt) {
        Segment memory s;
        (attempt, s) = dissectedLie();
        vm.prank(ALICE);
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), proof, BOB);
    }

    function test_postersThenTheBeneficiary() public {
        address[] memory first =
            list(stage(CAROL, new bytes(100)), stage(MALLORY, new bytes(200)), stage(CAROL, new bytes(300)));
        address[] memory second = new address[](1);
        second[0] = stage(ALICE, new bytes(400));
        uint128 rest = HALF - 1000 * CHUNK_REWARD;
        (bytes32 attempt, Segment memory s) = dissectedLie();

        expectEvent(address(rollup));
        emit IRollup.StepProven(CheckpointLib.h248(Toy.truth(5)), CheckpointLib.h248(Toy.truth(6)), ALICE);
        emitRewarded(attempt, first[0], CAROL, 100);
        emitRewarded(attempt, first[1], MALLORY, 200);
        emitRewarded(attempt, first[2], CAROL, 300);
        emitRewarded(attempt, second[0], ALICE, 400);
        expectEvent(address(rollup));
        emit IRollup.Died(attempt, idOf(attempt, s), BOB, false, rest, CLAIM_BOND - HALF);
        vm.prank(ALICE);
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), pointing(first, second), BOB);

        vm.assertEq(rollup.owed(CAROL), 400 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(MALLORY), 200 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(ALICE), 400 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(BOB), rest);
    }

    function emitRewarded(bytes32 attempt, address pointer, address poster, uint256 size) private {
        expectEvent(address(rollup));
        emit IRollup.ChunkRewarded(attempt, pointer, poster, size * CHUNK_REWARD);
    }

    /// A chunk may be used in several places (a blob may repeat itself), but it was paid for once.
    function test_everyChunkOnce() public {
        address a = stage(CAROL, new bytes(100));
        killed(pointing(list(a, a, a), list(a, a, a)));
        vm.assertEq(rollup.owed(CAROL), 100 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(BOB), HALF - 100 * CHUNK_REWARD);
    }

    /// Each of two deaths in one transaction pays.
    function test_everyDeathPaysItsOwn() public {
        address a = stage(CAROL, new bytes(100));
        bytes32 other = propose(MALLORY, genesis, Toy.end(1001, 1), 1);
        killed(pointing(list(a, a, a), none()));
        rollup.proveFraudClaim(other, Toy.truth(0), pointing(none(), list(a, a, a)), BOB);
        vm.assertEq(rollup.owed(CAROL), 200 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(BOB), 2 * HALF - 200 * CHUNK_REWARD);
    }

    /// Two chunks of three fifths of the paid half each: the second poster gets the two fifths that are left, the beneficiary nothing.
    function test_theLastChunkGetsWhatIsLeft() public {
        IRollup.Config memory c = configuration(4, 12);
        c.chunkReward = HALF * 3 / 5 / 100;
        rollup = newRollup(c);
        address[] memory pointers = new address[](2);
        pointers[0] = stage(CAROL, bytes.concat(hex"01", new bytes(99)));
        pointers[1] = stage(MALLORY, bytes.concat(hex"02", new bytes(99)));
        killed(pointing(pointers, none()));
        vm.assertEq(rollup.owed(CAROL), c.chunkReward * 100);
        vm.assertEq(rollup.owed(MALLORY), HALF - c.chunkReward * 100);
        vm.assertEq(rollup.owed(BOB), 0);
    }

    function test_othersAccountsAreNotPaid() public {
        killed(pointing(list(ALICE, address(rollup), address(0)), none()));
        vm.assertEq(rollup.owed(BOB), HALF);
        vm.assertEq(rollup.owed(ALICE), 0);
    }

    /// forge-config: default.fuzz.runs = 100
    function testFuzz_neverMoreThanThePaidHalf(uint128 price, uint16 sizeA, uint16 sizeB, bool split) public {
        IRollup.Config memory c = configuration(4, 12);
        c.chunkReward = price;
        rollup = newRollup(c);
        (sizeA, sizeB) = (sizeA % 24_575 + 1, sizeB % 24_574 + 2);
        address[] memory one = new address[](1);
        one[0] = stage(MALLORY, bytes.concat(hex"01", new bytes(sizeB - 1)));
        address a = stage(CAROL, new bytes(sizeA));
        bytes32 attempt = split ? killed(pointing(list(a, a, a), one)) : killed(pointing(none(), list(a, one[0], a)));

        uint256 toCarol = least(uint256(price) * sizeA, HALF);
        uint256 toMallory = least(uint256(price) * sizeB, HALF - toCarol);
        vm.assertEq(rollup.owed(CAROL), toCarol);
        vm.assertEq(rollup.owed(MALLORY), toMallory);
        vm.assertEq(rollup.owed(BOB), HALF - toCarol - toMallory);
        // What is left here are the two challenge bonds and what is owed.
        vm.assertEq(address(rollup).balance, uint256(HALF) + 2 * CHALLENGE_BOND);
        assertFate(attempt, IRollup.Fate.Dead);
    }

    function least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    /// A proof that is not looked at may point to anything: then nobody is paid for it.
    function test_notForAStepThatIsProvenAlready() public {
        prove(5);
        killed(pointing(list(stage(CAROL, new bytes(100)), address(0), address(0)), none()));
        vm.assertEq(rollup.owed(CAROL), 0);
        vm.assertEq(rollup.owed(BOB), HALF);
    }

    function test_aClaimOfOneStep() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(1001, 1), 1);
        address a = stage(CAROL, new bytes(24_575));
        rollup.proveFraudClaim(attempt, Toy.truth(0), pointing(none(), list(a, a, a)), BOB);
        vm.assertEq(rollup.owed(CAROL), 24_575 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(BOB), HALF - 24_575 * CHUNK_REWARD);
    }

    /// Who stages and kills the own claim gets the paid half back, as ever; the rest is burned.
    function test_killingOneselfCostsTheBurntHalf() public {
        address a = stage(MALLORY, new bytes(24_575));
        (bytes32 attempt, Segment memory s) = dissectedLie();
        uint256 burntBefore = address(0).balance;
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), pointing(none(), list(a, a, a)), MALLORY);
        vm.assertEq(rollup.owed(MALLORY), HALF);
        vm.assertEq(address(0).balance - burntBefore, CLAIM_BOND - HALF);
    }

    function test_withdrawn() public {
        killed(pointing(list(stage(CAROL, new bytes(100)), address(0), address(0)), none()));
        vm.prank(CAROL);
        vm.assertEq(rollup.withdraw(CAROL), 100 * CHUNK_REWARD);
    }
}
