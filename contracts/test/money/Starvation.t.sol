// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChunkStore} from "../../src/interfaces/IChunkStore.sol";
import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Gap, Segment, StepProof} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

/// @dev Notes every payment, which takes more gas than a transfer's stipend.
contract Ledger {
    uint256 public sum;

    receive() external payable {
        sum += msg.value;
    }
}

/// @notice Whoever sends a transaction chooses its gas, and a call gets 63/64 of what is left. Every move is tried with every
/// amount of gas, in small steps: it does all that it does, or nothing at all.
contract StarvationTest is Game {
    uint256 private constant TRIES = 120;

    /// @dev Some gas of what `move` takes: from nothing to a little more than all.
    function amount(uint256 i, uint256 all) private pure returns (uint256) {
        return all * i / (TRIES - 20);
    }

    /// @dev Calls with so much gas, and says whether it succeeded.
    function starved(address sender, address target, bytes memory move, uint256 gas_) private returns (bool success) {
        vm.prank(sender);
        (success,) = target.call{gas: gas_}(move);
    }

    function state(bytes32 attempt, address who) private view returns (bytes32) {
        IRollup.Attempt memory a = rollup.attemptOf(attempt);
        bytes32 known = rollup.truth(CheckpointLib.h248(Toy.truth(5)));
        IChunkStore.Chunk[] memory bill = rollup.billOf(CheckpointLib.h248(Toy.truth(5)));
        return keccak256(abi.encode(a, rollup.owed(who), address(rollup).balance, address(0).balance, known, bill));
    }

    /// @dev Tries `move` with ever more gas, each time from the same state: that changes only when the call succeeds, and then
    /// always to the same. Both happen.
    function allOrNothing(bytes32 attempt, address who, address sender, bytes memory move, uint256 all) private {
        bytes32 before = state(attempt, who);
        bytes32 done;
        uint256 failures;
        uint256 start = vm.snapshotState();
        for (uint256 i = 0; i < TRIES; ++i) {
            bool success = starved(sender, address(rollup), move, amount(i, all));
            bytes32 afterwards = state(attempt, who);
            if (!success) {
                vm.assertEq(afterwards, before);
                ++failures;
            } else {
                vm.assertNotEq(afterwards, before);
                if (done == 0) done = afterwards;
                vm.assertEq(afterwards, done);
            }
            vm.revertToState(start);
        }
        vm.assertTrue(failures > TRIES / 4, "never starved");
        vm.assertTrue(done != 0, "never done");
    }

    /// Proof, posters' parts, kill and burning: not one without the others. In particular the step is not recorded by a
    /// transaction whose kill has run out of gas.
    function test_proofsWithPosters() public {
        StepProof memory proof;
        vm.prank(ALICE);
        proof.execution.pointers = new address[](1);
        proof.execution.pointers[0] = store.stage(new bytes(1000));
        (bytes32 attempt, Segment memory s) = dissectedLie();
        bytes memory move =
            abi.encodeCall(IRollup.proveFraudGap, (attempt, gap(s, "lieGap", 1), Toy.truth(5), proof, BOB));
        allOrNothing(attempt, BOB, MALLORY, move, 380_000);
        allOrNothing(attempt, ALICE, MALLORY, move, 380_000);
        rollup.proveStep(Toy.truth(5), proof);
        move = abi.encodeCall(IRollup.killGap, (attempt, gap(s, "lieGap", 1), BOB));
        allOrNothing(attempt, ALICE, MALLORY, move, 280_000);
    }

    function test_settlementsThatBurn() public {
        bytes32 good = truly(ALICE);
        bytes32 bad = falsely(MALLORY);
        afterWindow();
        rollup.confirm(good);
        allOrNothing(bad, MALLORY, MALLORY, abi.encodeCall(IRollup.settleAttempt, (bad)), 60_000);
    }

    /// A recipient that runs out of gas is not paid, and is still owed.
    function test_withdrawals() public {
        Ledger ledger = new Ledger();
        (bytes32 attempt, Segment memory s) = dissectedLie();
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        bytes memory move = abi.encodeCall(IRollup.withdraw, (address(ledger)));
        allOrNothing(attempt, BOB, BOB, move, 45_000);
        uint256 start = vm.snapshotState();
        for (uint256 i = 0; i < TRIES; ++i) {
            starved(BOB, address(rollup), move, amount(i, 45_000));
            vm.assertEq(ledger.sum() + rollup.owed(BOB), CLAIM_BOND / 2);
            vm.revertToState(start);
        }
    }

    /// The point-evaluation precompile, out of gas, is no false opening: the answer is refused, and can be given again.
    function test_reveals() public {
        bytes32 attempt = truly(ALICE);
        challenge(attempt);
        bytes memory move = abi.encodeCall(IRollup.reveal, (attempt, claimOf(attempt), revealing("honest")));
        allOrNothing(attempt, ALICE, ALICE, move, 210_000);
    }

    /// A false opening makes the precompile burn what it is given: at most 150,000 gas each, however much the caller has.
    function test_aFalseOpeningBurnsLittle() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        prove(5);
        Gap memory pair = gap(s, "lieGap", 1);
        pair.right = bytes32(uint256(1));
        bytes memory move = abi.encodeCall(IRollup.killGap, (attempt, pair, BOB));
        uint256 before = gasleft();
        vm.assertFalse(starved(MALLORY, address(rollup), move, 16_000_000));
        vm.assertTrue(before - gasleft() < 400_000);
        assertFate(attempt, IRollup.Fate.Pending);
    }
}
