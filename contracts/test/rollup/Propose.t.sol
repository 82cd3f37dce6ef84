// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Checkpoint, Reveal, Segment} from "../../src/interfaces/Types.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {OpenedBlob} from "../support/Fixtures.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

contract ProposeTest is Game {
    function refuses(Checkpoint memory end, uint64 steps, bytes memory expected) private {
        reverts(ALICE, CLAIM_BOND, address(rollup), proposal(genesis, end, steps, ALICE, nothing()), expected);
    }

    function refusesParent(bytes32 parent, uint64 batch) private {
        reverts(
            ALICE,
            CLAIM_BOND,
            address(rollup),
            proposal(parent, Toy.end(5, batch), 1, ALICE, nothing()),
            abi.encodeWithSelector(IRollup.UnfitParent.selector, parent)
        );
    }

    function test_records() public {
        bytes32 batchHash = inbox.batchHash(1);
        bytes32 checkpoint = CheckpointLib.h248(Toy.truth(8));
        bytes32 content = keccak256(abi.encode(genesis, batchHash, checkpoint, uint64(8)));
        bytes32 attempt = keccak256(abi.encode(content, ALICE, uint256(0)));

        expectEvent(address(rollup));
        emit IRollup.Proposed(attempt, content, ALICE, genesis, 1, batchHash, checkpoint, 8, BOB, START + WINDOW);
        vm.prank(ALICE);
        bytes32 got = rollup.propose{value: CLAIM_BOND}(genesis, batchHash, Toy.truth(8), 8, BOB, nothing());

        vm.assertEq(got, attempt);
        vm.assertEq(
            abi.encode(rollup.contentOf(content)),
            abi.encode(IRollup.Content(genesis, checkpoint, 1, 8, 1, false, false, 0))
        );
        vm.assertEq(
            abi.encode(rollup.attemptOf(attempt)),
            abi.encode(
                IRollup.Attempt(content, ALICE, START + WINDOW, IRollup.Status.Live, false, BOB, 0, 0, CLAIM_BOND, 0)
            )
        );
        vm.assertEq(rollup.nonceOf(ALICE), uint256(1));
        vm.assertEq(address(rollup).balance, CLAIM_BOND);
        assertFate(attempt, IRollup.Fate.Pending);
        vm.assertEq(rollup.tip(), genesis);
    }

    function test_sameContentAgainIsAnotherAttempt() public {
        bytes32 first = truly(ALICE);
        bytes32 second = truly(ALICE);
        bytes32 third = truly(BOB);
        vm.assertEq(contentOf(first), contentOf(third));
        vm.assertEq(second, keccak256(abi.encode(contentOf(first), ALICE, uint256(1))));
        vm.assertEq(third, keccak256(abi.encode(contentOf(first), BOB, uint256(0))));
        vm.assertEq(rollup.contentOf(contentOf(first)).liveAttempts, uint256(3));
    }

    function test_withItsReveal() public {
        Reveal memory data = revealing("honest");
        bytes32 versionedHash = history("honest").versionedHash;
        bytes32 content =
            keccak256(abi.encode(genesis, inbox.batchHash(1), CheckpointLib.h248(Toy.truth(8)), uint64(8)));
        bytes32 attempt = keccak256(abi.encode(content, ALICE, uint256(0)));
        Segment memory claim = segment(0, 8, Toy.truth(0), Toy.truth(8));
        bytes32 batchHash = inbox.batchHash(1);
        expectEvent(address(rollup));
        emit IRollup.SegmentRevealed(attempt, idOf(attempt, claim), claim, versionedHash, 2, 4);
        vm.prank(ALICE);
        rollup.propose{value: CLAIM_BOND}(genesis, batchHash, Toy.truth(8), 8, ALICE, data);

        IRollup.Revealed memory revealed = rollup.revealedOf(idOf(attempt, claim));
        vm.assertEq(revealed.versionedHash, versionedHash);
        vm.assertEq(revealed.revealedAt, START);
        vm.assertEq(rollup.attemptOf(attempt).quietUntil, START + RESPONSE);
        vm.assertEq(rollup.attemptOf(attempt).openChallenges, uint256(0));
    }

    function test_spansSeveralBatches() public {
        bytes32 attempt = propose(ALICE, genesis, Toy.truth(24), 24);
        vm.assertEq(rollup.contentOf(contentOf(attempt)).batch, uint256(3));
    }

    function test_onALiveParent() public {
        bytes32 parent = contentOf(truly(ALICE));
        bytes32 child = propose(BOB, parent, Toy.truth(16), 8);
        vm.assertEq(rollup.contentOf(contentOf(child)).parent, parent);
    }

    function test_bondIsExact() public {
        bytes memory data = proposal(genesis, Toy.truth(8), 8, ALICE, nothing());
        for (uint256 sent = CLAIM_BOND - 1; sent <= CLAIM_BOND + 1; sent += 2) {
            reverts(
                ALICE, sent, address(rollup), data, abi.encodeWithSelector(IRollup.WrongBond.selector, sent, CLAIM_BOND)
            );
        }
    }

    function test_beneficiary() public {
        reverts(
            ALICE,
            CLAIM_BOND,
            address(rollup),
            proposal(genesis, Toy.truth(8), 8, address(0), nothing()),
            abi.encodeWithSelector(IRollup.ZeroBeneficiary.selector)
        );
    }

    function test_steps() public {
        uint64 most = 1 << 24;
        refuses(Toy.truth(8), 0, abi.encodeWithSelector(IRollup.StepsOutOfRange.selector, 0, most));
        refuses(Toy.truth(8), most + 1, abi.encodeWithSelector(IRollup.StepsOutOfRange.selector, most + 1, most));
        propose(ALICE, genesis, Toy.truth(8), most);
        propose(ALICE, genesis, Toy.truth(8), 1);
    }

    function test_endsWhereABatchEnds() public {
        Checkpoint memory end = Toy.truth(8);
        end.blob = 1;
        refuses(end, 8, abi.encodeWithSelector(IRollup.NotBatchEnd.selector, 2, 1, 0, false));
        end = Toy.truth(8);
        end.offset = 1;
        refuses(end, 8, abi.encodeWithSelector(IRollup.NotBatchEnd.selector, 2, 0, 1, false));
        end = Toy.truth(8);
        end.open = true;
        refuses(end, 8, abi.encodeWithSelector(IRollup.NotBatchEnd.selector, 2, 0, 0, true));
        end = Toy.truth(8);
        end.batch = 1;
        refuses(end, 8, abi.encodeWithSelector(IRollup.NotBatchEnd.selector, 1, 0, 0, false));
    }

    function test_batchHash() public {
        bytes32 expected = inbox.batchHash(1);
        reverts(
            ALICE,
            CLAIM_BOND,
            address(rollup),
            abi.encodeCall(IRollup.propose, (genesis, bytes32(uint256(1)), Toy.truth(8), 8, ALICE, nothing())),
            abi.encodeWithSelector(IRollup.WrongBatchHash.selector, 1, expected, bytes32(uint256(1)))
        );
        // Batch 5 is not there yet: its hash, zero, is no way in.
        refuses(Toy.end(1, 5), 8, abi.encodeWithSelector(IRollup.WrongBatchHash.selector, 5, 0, 0));
    }

    function test_batchIsNewerThanTheParents() public {
        bytes32 parent = contentOf(truly(ALICE));
        reverts(
            ALICE,
            CLAIM_BOND,
            address(rollup),
            proposal(parent, Toy.end(5, 1), 1, ALICE, nothing()),
            abi.encodeWithSelector(IRollup.BatchNotNewer.selector, 1, 1)
        );
    }

    function test_unknownParent() public {
        reverts(
            ALICE,
            CLAIM_BOND,
            address(rollup),
            proposal(bytes32(uint256(7)), Toy.truth(8), 8, ALICE, nothing()),
            abi.encodeWithSelector(IRollup.UnknownContent.selector, bytes32(uint256(7)))
        );
    }

    function test_parentWithoutALiveAttempt() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        bytes32 parent = contentOf(attempt);
        prove(5);
        rollup.killGap(attempt, gap(s, "lieGap", 1), BOB);
        refusesParent(parent, 2);
        // Another attempt makes it claimed again.
        falsely(MALLORY);
        propose(MALLORY, parent, Toy.end(5, 2), 1);
    }

    function test_parentOlderThanTheTip() public {
        bytes32 attempt = truly(ALICE);
        afterWindow();
        confirmed(attempt);
        refusesParent(genesis, 2);
        propose(ALICE, contentOf(attempt), Toy.truth(16), 8);
    }

    /// Claimed, undecided and true, but not newer than the tip.
    function test_parentOfTheTipsBatch() public {
        bytes32 both = propose(ALICE, genesis, Toy.truth(16), 16);
        bytes32 parent = propose(BOB, contentOf(truly(BOB)), Toy.truth(16), 8);
        afterWindow();
        confirmed(both);
        refusesParent(contentOf(parent), 3);
    }

    function test_contradictedParent() public {
        bytes32 good = propose(ALICE, genesis, Toy.truth(16), 16);
        bytes32 bad = propose(MALLORY, genesis, Toy.end(5, 2), 16);
        afterWindow();
        confirmed(good);
        refusesParent(contentOf(bad), 3);
    }

    function test_voidParent() public {
        bytes32 good = propose(ALICE, genesis, Toy.truth(8), 8);
        bytes32 bad = propose(MALLORY, genesis, Toy.end(5, 1), 8);
        bytes32 child = propose(MALLORY, contentOf(bad), Toy.end(6, 2), 8);
        afterWindow();
        confirmed(good);
        refusesParent(contentOf(child), 3);
    }

    // ---------------------------------------------------------------- reveals with the proposal

    function refusesReveal(uint64 steps, Reveal memory data, bytes memory expected) private {
        reverts(ALICE, CLAIM_BOND, address(rollup), proposal(genesis, Toy.truth(8), steps, ALICE, data), expected);
    }

    function test_noRevealMeansNoOpening() public {
        Reveal memory data = nothing();
        data.startProof = hex"00";
        refusesReveal(8, data, abi.encodeWithSelector(IRollup.UnneededOpening.selector));
        data = nothing();
        data.endProof = hex"00";
        refusesReveal(8, data, abi.encodeWithSelector(IRollup.UnneededOpening.selector));
        data = nothing();
        data.commitment = hex"00";
        refusesReveal(8, data, abi.encodeWithSelector(IRollup.UnneededOpening.selector));
    }

    function test_revealOfOneStep() public {
        refusesReveal(1, revealing("honest"), abi.encodeWithSelector(IRollup.SegmentTooShort.selector, 0, 1));
    }

    function test_revealWithoutABlob() public {
        Reveal memory data = revealing("honest");
        data.blobIndex = 1;
        refusesReveal(8, data, abi.encodeWithSelector(IRollup.NoBlob.selector, 1));
    }

    function test_revealWithAnotherEnd() public {
        Reveal memory data = revealing("lie");
        OpenedBlob memory blob = history("lie");
        refusesReveal(
            8,
            data,
            abi.encodeWithSelector(
                BlobReader.WrongOpening.selector, blob.versionedHash, 4, CheckpointLib.h248(Toy.truth(8))
            )
        );
    }

    function test_revealWithAnotherStart() public {
        Reveal memory data = revealing("lieGap");
        refusesReveal(
            8,
            data,
            abi.encodeWithSelector(
                BlobReader.WrongOpening.selector, history("lieGap").versionedHash, 0, CheckpointLib.h248(Toy.truth(0))
            )
        );
    }
}
