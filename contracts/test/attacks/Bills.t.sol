// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {StepProof} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {BillAttacks} from "./BillBase.sol";

/// @notice Attacks on the bill of a step: on what BOB gets for the chunks that he staged to kill a lie, and on who kills with
/// them.
contract BillAttacksTest is BillAttacks {
    // ---------------------------------------------------------------- junk

    /// Surplus chunks are no fault of a witness, so MALLORY proves with BOB's, and in front of them with as much of her own as a
    /// bill takes, staged in one second by one sender. BOB gets at least 86 % of his price all the same: as much as staging costs at 43 gwei a gas.
    function test_putsJunkInFrontOfTheChunksThatAreNeeded() public {
        bytes32 attempt = lies(MALLORY);
        address[] memory needed = stageMany(BOB, NEEDED, LARGEST, 0);
        address[] memory junk = stageMany(MALLORY, rollup.maxBill() - NEEDED, LARGEST, 1000);
        proves(MALLORY, join(junk, needed));
        kills(MALLORY, attempt);
        uint256 price = NEEDED * LARGEST * PRICE;
        vm.assertTrue(rollup.owed(BOB) < price && rollup.owed(BOB) * 100 >= price * 86);
        vm.assertTrue(HALF - rollup.owed(MALLORY) - rollup.owed(BOB) < 64, "more than rounding");
    }

    /// One more, and the proof is refused, with nothing recorded. BOB's is not.
    function test_putsMoreJunkThanABillTakes() public {
        bytes32 attempt = lies(MALLORY);
        address[] memory needed = stageMany(BOB, NEEDED, LARGEST, 0);
        address[] memory junk = stageMany(MALLORY, rollup.maxBill() - NEEDED + 1, 1, 1000);
        reverts(
            address(rollup),
            abi.encodeCall(IRollup.proveStep, (Toy.truth(0), join(junk, needed))),
            abi.encodeWithSelector(IRollup.BillTooLong.selector, rollup.maxBill())
        );
        vm.assertEq(rollup.truth(CheckpointLib.h248(Toy.truth(0))), bytes32(0));
        proves(BOB, only(needed));
        kills(BOB, attempt);
        vm.assertEq(rollup.owed(BOB), HALF);
    }

    /// 65 posters do not fit, 64 do, and the kill that pays them all is a small part of an L1 transaction.
    function test_makesAKillDearByManyPosters() public {
        (bytes32 attempt, uint256 most) = (lies(MALLORY), rollup.maxBill());
        address[] memory chunks = new address[](most + 1);
        for (uint256 i = 0; i <= most; ++i) {
            chunks[i] = stage(address(uint160(0x10000 + i)), 3, i);
        }
        reverts(
            address(rollup),
            abi.encodeCall(IRollup.proveStep, (Toy.truth(0), only(chunks))),
            abi.encodeWithSelector(IRollup.BillTooLong.selector, most)
        );
        chunks[most] = chunks[0];
        proves(MALLORY, only(chunks));
        vm.assertEq(bill().length, most);
        uint256 spent = gasOf(address(rollup), abi.encodeCall(IRollup.killClaim, (attempt, BOB)));
        vm.assertTrue(spent < 1 << 22, "dear");
        vm.assertEq(rollup.owed(address(0x10000)), 3 * PRICE);
        vm.assertEq(rollup.owed(address(uint160(0x10000 + most - 1))), 3 * PRICE);
        vm.assertEq(rollup.owed(BOB), HALF - most * 3 * PRICE);
        vm.assertEq(bill().length, 0);
    }

    /// Junk that was staged before the lie is worth nothing, however often it is put on a bill: BOB gets his whole price.
    function test_putsOldJunkOnEveryBill() public {
        address[] memory junk = stageMany(MALLORY, 30, LARGEST, 1000);
        vm.warp(block.timestamp + 12);
        bytes32 attempt = lies(MALLORY);
        address[] memory needed = stageMany(BOB, 30, LARGEST, 0);
        proves(MALLORY, join(junk, needed));
        vm.assertEq(bill().length, 60);
        kills(BOB, attempt);
        vm.assertEq(rollup.owed(MALLORY), 0);
        vm.assertEq(rollup.owed(BOB), HALF);
    }

    /// A second is enough to be too old; in the claim's own second it is not.
    function test_stagesASecondBeforeTheLie() public {
        address[] memory junk = stageMany(MALLORY, 1, 100, 1000);
        vm.warp(block.timestamp + 1);
        bytes32 attempt = lies(MALLORY);
        address[] memory chunk = stageMany(BOB, 1, 100, 0);
        proves(MALLORY, join(junk, chunk));
        kills(ALICE, attempt);
        vm.assertEq(rollup.owed(MALLORY), 0);
        vm.assertEq(rollup.owed(BOB), 100 * PRICE);
        // What nobody was paid for stays on the bill, for an older attempt of the same; there is none here.
        vm.assertEq(bill().length, 1);
        vm.assertEq(bill()[0].poster, MALLORY);
    }

    /// One chunk, pointed to a hundred times, is one chunk.
    function test_pointsToOneChunkAgainAndAgain() public {
        bytes32 attempt = lies(MALLORY);
        address[] memory chunks = new address[](100);
        address chunk = stage(MALLORY, LARGEST, 0);
        for (uint256 i = 0; i < 100; ++i) {
            chunks[i] = chunk;
        }
        StepProof memory proof = only(chunks);
        proof.opening.pointers = chunks;
        proves(MALLORY, proof);
        kills(BOB, attempt);
        vm.assertEq(rollup.owed(MALLORY), LARGEST * PRICE);
    }

    // ---------------------------------------------------------------- the bill of others

    /// MALLORY proves with what BOB staged, and kills, all in a transaction before BOB's. He gets his price, as by his own kill;
    /// she gets what the beneficiary of his kill would have got.
    function test_takesAKillWithTheChunksOfItsSender() public {
        bytes32 attempt = lies(MALLORY);
        address[] memory needed = stageMany(BOB, NEEDED, LARGEST, 0);
        proves(MALLORY, only(needed));
        kills(MALLORY, attempt);
        vm.assertEq(rollup.owed(BOB), NEEDED * LARGEST * PRICE);
        vm.assertEq(rollup.owed(MALLORY), HALF - NEEDED * LARGEST * PRICE);
    }

    /// A bill is paid once: of many equal lies, which die of one proof, the first pays for it, and all others their killers.
    function test_isPaidForOneBillByEveryEqualLie() public {
        bytes32[3] memory attempts = [lies(MALLORY), lies(MALLORY), lies(MALLORY)];
        proves(MALLORY, only(stageMany(MALLORY, 10, LARGEST, 0)));
        kills(BOB, attempts[0]);
        uint256 price = 10 * LARGEST * PRICE;
        vm.assertEq(rollup.owed(MALLORY), price);
        vm.assertEq(rollup.owed(BOB), HALF - price);
        kills(BOB, attempts[1]);
        kills(BOB, attempts[2]);
        vm.assertEq(rollup.owed(MALLORY), price);
        vm.assertEq(rollup.owed(BOB), 3 * HALF - price);
    }

    /// MALLORY tells the lie again when BOB has staged, and kills that with his chunks: it is too young for his bill, which waits
    /// for the lie that he staged for.
    function test_killsAYoungerLieToUseUpTheBill() public {
        bytes32 attempt = lies(MALLORY);
        address[] memory needed = stageMany(BOB, 20, LARGEST, 0);
        vm.warp(block.timestamp + 12);
        bytes32 younger = lies(MALLORY);
        proves(MALLORY, only(needed));
        kills(MALLORY, younger);
        vm.assertEq(rollup.owed(BOB), 0);
        vm.assertEq(rollup.owed(MALLORY), HALF);
        kills(MALLORY, attempt);
        vm.assertEq(rollup.owed(BOB), 20 * LARGEST * PRICE);
        vm.assertEq(rollup.owed(MALLORY), 2 * HALF - 20 * LARGEST * PRICE);
    }

    /// So the bill is long, and of both ages: each death takes its own items off it, whatever their order.
    function test_mixesOldAndYoungChunks() public {
        address[] memory chunks = new address[](9);
        bytes32[3] memory attempts;
        for (uint256 i = 0; i < 3; ++i) {
            attempts[i] = lies(MALLORY);
            for (uint256 j = i; j < 9; j += 3) {
                chunks[j] = stage(i == 1 ? BOB : ALICE, 100 + j, j);
            }
            vm.warp(block.timestamp + 10);
        }
        proves(MALLORY, only(chunks));
        vm.assertEq(bill().length, 9);
        kills(MALLORY, attempts[2]); // 2, 5, 8
        vm.assertEq(rollup.owed(ALICE), (102 + 105 + 108) * PRICE);
        vm.assertEq(bill().length, 6);
        kills(MALLORY, attempts[1]); // 1, 4, 7
        vm.assertEq(rollup.owed(BOB), (101 + 104 + 107) * PRICE);
        vm.assertEq(bill().length, 3);
        kills(MALLORY, attempts[0]); // 0, 3, 6
        vm.assertEq(rollup.owed(ALICE), (102 + 105 + 108 + 100 + 103 + 106) * PRICE);
        vm.assertEq(bill().length, 0);
    }

    // ---------------------------------------------------------------- the bill of the liar

    /// The liar stages, proves and kills himself: as poster and beneficiary together he gets half of his bond, as by killing
    /// himself without a chunk, less what staging costs.
    function test_stagesForHisOwnLie() public {
        bytes32 attempt = lies(MALLORY);
        proves(MALLORY, only(stageMany(MALLORY, rollup.maxBill(), LARGEST, 0)));
        uint256 burnt = address(0).balance;
        kills(MALLORY, attempt);
        vm.assertEq(rollup.owed(MALLORY), HALF);
        vm.assertEq(address(0).balance - burnt, BOND - HALF);
    }

    /// The liar fills the bill, and lets others kill: they still get a sixteenth of the half, an ether, for a kill that costs a
    /// tenth of that at 50 gwei.
    function test_leavesTheKillerNothing() public {
        bytes32 attempt = lies(MALLORY);
        proves(MALLORY, only(stageMany(MALLORY, rollup.maxBill(), LARGEST, 0)));
        kills(BOB, attempt);
        vm.assertTrue(rollup.owed(BOB) >= KILLERS);
        vm.assertEq(rollup.owed(BOB) + rollup.owed(MALLORY), HALF);
    }

    /// The liar proves the step before he lies, so that the bill is his: all on it is older than the lie, and the killer, who has to
    /// stage nothing, gets all.
    function test_provesTheStepBeforeHisLie() public {
        proves(MALLORY, only(stageMany(MALLORY, rollup.maxBill(), LARGEST, 0)));
        vm.warp(block.timestamp + 12);
        bytes32 attempt = lies(MALLORY);
        kills(BOB, attempt);
        vm.assertEq(rollup.owed(BOB), HALF);
        vm.assertEq(rollup.owed(MALLORY), 0);
    }

    /// Not prevented, but it costs what it costs BOB: MALLORY cuts the same bytes elsewhere, stages them all herself, and is first.
    /// BOB's chunks are on no bill, as those of any watcher who comes second.
    function test_stagesAllOfItAnew() public {
        bytes32 attempt = lies(MALLORY);
        stageMany(BOB, 20, LARGEST, 0);
        proves(MALLORY, only(stageMany(MALLORY, 20, LARGEST, 1000)));
        kills(MALLORY, attempt);
        vm.assertEq(rollup.owed(BOB), 0);
        vm.assertEq(rollup.owed(MALLORY), HALF);
    }
}
