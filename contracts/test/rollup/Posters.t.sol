// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChunkStore} from "../../src/interfaces/IChunkStore.sol";
import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Segment, StepProof} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {Vm} from "../support/Vm.sol";

/// @dev Who staged what the proof of a step pointed to is paid first. The toy verifier takes any proof.
contract PostersTest is Game {
    address internal constant CAROL = address(0xCA401); // stages
    uint128 internal constant HALF = CLAIM_BOND / 2;
    /// @dev The rest of the half is the killer's.
    uint128 internal constant MOST = HALF - HALF / 16;

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

        bytes32 pre = CheckpointLib.h248(Toy.truth(5));
        expectEvent(address(rollup));
        emit IRollup.StepProven(pre, CheckpointLib.h248(Toy.truth(6)), ALICE);
        IChunkStore.Chunk[] memory bill = new IChunkStore.Chunk[](4);
        bill[0] = IChunkStore.Chunk(CAROL, START, 100);
        bill[1] = IChunkStore.Chunk(MALLORY, START, 200);
        bill[2] = IChunkStore.Chunk(CAROL, START, 300);
        bill[3] = IChunkStore.Chunk(ALICE, START, 400);
        expectEvent(address(rollup));
        emit IRollup.Billed(pre, bill);
        emitPaid(attempt, pre, ALICE, 400);
        emitPaid(attempt, pre, CAROL, 300);
        emitPaid(attempt, pre, MALLORY, 200);
        emitPaid(attempt, pre, CAROL, 100);
        expectEvent(address(rollup));
        emit IRollup.Died(attempt, idOf(attempt, s), BOB, false, rest, CLAIM_BOND - HALF);
        vm.prank(ALICE);
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), pointing(first, second), BOB);

        vm.assertEq(rollup.owed(CAROL), 400 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(MALLORY), 200 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(ALICE), 400 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(BOB), rest);
    }

    function emitPaid(bytes32 attempt, bytes32 pre, address poster, uint256 size) private {
        expectEvent(address(rollup));
        emit IRollup.PosterPaid(attempt, pre, poster, size, size * CHUNK_REWARD);
    }

    /// Elements, then witness, each chunk once, with its own second.
    function test_whatIsBilled() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        address a = stage(CAROL, new bytes(1));
        address b = stage(CAROL, new bytes(20));
        vm.warp(START + 1);
        address c = stage(MALLORY, new bytes(300));
        rollup.proveStep(Toy.truth(5), pointing(list(b, a, b), list(a, address(this), c)));
        IChunkStore.Chunk[] memory bill = new IChunkStore.Chunk[](3);
        bill[0] = IChunkStore.Chunk(CAROL, START, 20);
        bill[1] = IChunkStore.Chunk(CAROL, START, 1);
        bill[2] = IChunkStore.Chunk(MALLORY, START + 1, 300);
        vm.assertEq(abi.encode(rollup.billOf(CheckpointLib.h248(Toy.truth(5)))), abi.encode(bill));
        rollup.killGap(attempt, gap(s, "lieGap", 1), BOB);
        vm.assertEq(rollup.owed(CAROL), 21 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(MALLORY), 300 * CHUNK_REWARD);
        // Another step, another bill.
        rollup.proveStep(Toy.truth(4), pointing(list(a, a, a), none()));
        vm.assertEq(rollup.billOf(CheckpointLib.h248(Toy.truth(4))).length, 1);
    }

    /// A chunk may be used in several places (a blob may repeat itself), but it was paid for once.
    function test_everyChunkOnce() public {
        address a = stage(CAROL, new bytes(100));
        killed(pointing(list(a, a, a), list(a, a, a)));
        vm.assertEq(rollup.owed(CAROL), 100 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(BOB), HALF - 100 * CHUNK_REWARD);
    }

    /// A chunk that two steps need stands on the bill of both: each of two deaths in one transaction pays.
    function test_everyStepHasItsOwnBill() public {
        address a = stage(CAROL, new bytes(100));
        bytes32 other = propose(MALLORY, genesis, Toy.end(1001, 1), 1);
        killed(pointing(list(a, a, a), none()));
        rollup.proveFraudClaim(other, Toy.truth(0), pointing(none(), list(a, a, a)), BOB);
        vm.assertEq(rollup.owed(CAROL), 200 * CHUNK_REWARD);
        vm.assertEq(rollup.owed(BOB), 2 * HALF - 200 * CHUNK_REWARD);
    }

    /// Two chunks of three fifths of the paid half each, and one of a tenth: together they get 15/16 of it, and all the same for a
    /// byte. The beneficiary gets the rest.
    function test_allGetTheSameForAByte() public {
        IRollup.Config memory c = configuration(4, 12);
        c.chunkReward = HALF * 3 / 5 / 600;
        rollup = newRollup(c);
        killed(
            pointing(
                list(stage(CAROL, new bytes(600)), stage(MALLORY, bytes.concat(hex"01", new bytes(599))), address(0)),
                list(stage(ALICE, new bytes(100)), address(0), address(0))
            )
        );
        vm.assertEq(rollup.owed(CAROL), uint256(MOST) * 600 / 1300);
        vm.assertEq(rollup.owed(MALLORY), uint256(MOST) * 600 / 1300);
        vm.assertEq(rollup.owed(ALICE), uint256(MOST) * 100 / 1300);
        uint256 toPosters = 2 * rollup.owed(CAROL) + rollup.owed(ALICE);
        vm.assertTrue(MOST - toPosters < 3, "more than rounding");
        vm.assertEq(rollup.owed(BOB), HALF - toPosters);
    }

    /// At exactly 15/16 all still get their price.
    function test_aBillOfAllThatPostersCanGet() public {
        IRollup.Config memory c = configuration(4, 12);
        (c.claimBond, c.chunkReward) = (3200, 15);
        rollup = newRollup(c);
        address[] memory pointers = new address[](2);
        (pointers[0], pointers[1]) = (stage(CAROL, new bytes(70)), stage(MALLORY, new bytes(30)));
        bytes32 batchHash = inbox.batchHash(1);
        vm.prank(MALLORY);
        bytes32 attempt = rollup.propose{value: 3200}(genesis, batchHash, Toy.end(1001, 1), 1, MALLORY, nothing());
        rollup.proveFraudClaim(attempt, Toy.truth(0), pointing(none(), pointers), BOB);
        vm.assertEq(rollup.owed(CAROL), 1050);
        vm.assertEq(rollup.owed(MALLORY), 450);
        vm.assertEq(rollup.owed(BOB), 100);
    }

    function test_othersAccountsAreNotPaid() public {
        killed(pointing(list(ALICE, address(rollup), address(0)), none()));
        vm.assertEq(rollup.owed(BOB), HALF);
        vm.assertEq(rollup.owed(ALICE), 0);
    }

    /// Who rebuilds the bills from events finds none of no chunks.
    function test_noBillOfNothing() public {
        vm.recordLogs();
        rollup.proveStep(Toy.truth(5), pointing(list(ALICE, address(rollup), address(0)), none()));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].topics[0], IRollup.StepProven.selector);
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

        uint256 budget = least(uint256(price) * (uint256(sizeA) + sizeB), MOST);
        uint256 toCarol = budget * sizeA / (uint256(sizeA) + sizeB);
        uint256 toMallory = budget * sizeB / (uint256(sizeA) + sizeB);
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

    /// A proof that is not looked at may point to anything: it is on no bill.
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
