// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Reveal, Segment} from "../../src/interfaces/Types.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {OpenedBlob} from "../support/Fixtures.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

contract RevealTest is Game {
    bytes32 private attempt;
    Segment private claim;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        attempt = truly(ALICE);
        claim = claimOf(attempt);
        id = challenge(attempt);
    }

    function refuses(address who, bytes32 which, Segment memory s, Reveal memory data, bytes memory expected) private {
        reverts(who, 0, address(rollup), abi.encodeCall(IRollup.reveal, (which, s, data)), expected);
    }

    function test_records() public {
        Reveal memory data = revealing("honest");
        bytes32 versionedHash = history("honest").versionedHash;
        vm.warp(START + 50);
        expectEvent(address(rollup));
        emit IRollup.SegmentRevealed(attempt, id, claim, versionedHash, 2, 4);
        vm.prank(ALICE);
        rollup.reveal(attempt, claim, data);
        vm.assertEq(abi.encode(rollup.revealedOf(id)), abi.encode(IRollup.Revealed(versionedHash, START + 50)));
        vm.assertTrue(rollup.challengeOf(id).answered);
        vm.assertEq(rollup.attemptOf(attempt).openChallenges, uint256(0));
        vm.assertEq(rollup.attemptOf(attempt).quietUntil, START + 50 + RESPONSE);
    }

    function test_anyBlobOfTheTransaction() public {
        OpenedBlob memory blob = history("honest");
        setBlobs(history("lie").versionedHash, blob.versionedHash);
        vm.prank(ALICE);
        rollup.reveal(attempt, claim, Reveal(1, blob.commitment, blob.proofs[0], blob.proofs[4]));
        vm.assertEq(rollup.revealedOf(id).versionedHash, blob.versionedHash);
    }

    /// Anybody else could plant a false history under a true claim.
    function test_onlyTheOwner() public {
        refuses(BOB, attempt, claim, revealing("honest"), abi.encodeWithSelector(IRollup.NotOwner.selector, BOB, ALICE));
    }

    function test_untilTheLastSecond() public {
        Reveal memory data = revealing("honest");
        vm.warp(START + RESPONSE + 1);
        refuses(
            ALICE,
            attempt,
            claim,
            data,
            abi.encodeWithSelector(IRollup.TooLate.selector, START + RESPONSE + 1, START + RESPONSE)
        );
        vm.warp(START + RESPONSE);
        reveal(attempt, claim, "honest");
    }

    function test_onlyWhatIsChallenged() public {
        Segment memory s = segment(2, 4, Toy.truth(2), Toy.truth(4));
        refuses(
            ALICE,
            attempt,
            s,
            revealing("honestGap"),
            abi.encodeWithSelector(IRollup.NotChallenged.selector, idOf(attempt, s))
        );
    }

    function test_notAnotherAttemptsSegment() public {
        bytes32 other = truly(ALICE);
        refuses(
            ALICE,
            other,
            claim,
            revealing("honest"),
            abi.encodeWithSelector(IRollup.NotChallenged.selector, idOf(other, claim))
        );
    }

    function test_once() public {
        reveal(attempt, claim, "honest");
        refuses(
            ALICE, attempt, claim, revealing("honest"), abi.encodeWithSelector(IRollup.AlreadyRevealed.selector, id)
        );
    }

    function test_needsABlob() public {
        Reveal memory data = revealing("honest");
        noBlobs();
        refuses(ALICE, attempt, claim, data, abi.encodeWithSelector(IRollup.NoBlob.selector, 0));
        data.blobIndex = NONE;
        refuses(ALICE, attempt, claim, data, abi.encodeWithSelector(IRollup.NoBlob.selector, NONE));
    }

    function test_startsAtTheStart() public {
        Reveal memory data = revealing("honestGap");
        refuses(
            ALICE,
            attempt,
            claim,
            data,
            abi.encodeWithSelector(
                BlobReader.WrongOpening.selector,
                history("honestGap").versionedHash,
                0,
                CheckpointLib.h248(Toy.truth(0))
            )
        );
    }

    function test_endsAtTheEnd() public {
        Reveal memory data = revealing("lie");
        refuses(
            ALICE,
            attempt,
            claim,
            data,
            abi.encodeWithSelector(
                BlobReader.WrongOpening.selector, history("lie").versionedHash, 4, CheckpointLib.h248(Toy.truth(8))
            )
        );
    }

    function test_anotherCommitment() public {
        Reveal memory data = revealing("honest");
        setBlobs(history("lie").versionedHash);
        refuses(
            ALICE,
            attempt,
            claim,
            data,
            abi.encodeWithSelector(
                BlobReader.WrongCommitment.selector, history("lie").versionedHash, history("honest").versionedHash
            )
        );
    }

    function test_onlyPending() public {
        bytes32 sibling = truly(BOB);
        afterWindow();
        confirmed(sibling);
        refuses(ALICE, attempt, claim, revealing("honest"), notPending(attempt, IRollup.Fate.Confirmed));
    }

    function test_dissectsALevel() public {
        reveal(attempt, claim, "honest");
        challenge(attempt, gap(claim, "honest", 1));
        Segment memory s = segment(2, 4, Toy.truth(2), Toy.truth(4));
        Reveal memory data = revealing("honestGap");
        bytes32 versionedHash = history("honestGap").versionedHash;
        expectEvent(address(rollup));
        emit IRollup.SegmentRevealed(attempt, idOf(attempt, s), s, versionedHash, 1, 2);
        vm.prank(ALICE);
        rollup.reveal(attempt, s, data);
    }
}

contract TimeoutTest is Game {
    function test_kills() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challenge(attempt);
        vm.warp(START + RESPONSE + 1);
        uint128 reward = CLAIM_BOND / 2;
        uint256 burntBefore = address(0).balance;
        expectEvent(address(rollup));
        emit IRollup.Died(attempt, id, BOB, true, reward, CLAIM_BOND - reward);
        vm.prank(ALICE); // whoever calls
        rollup.timeout(attempt, id);

        assertFate(attempt, IRollup.Fate.Dead);
        vm.assertEq(uint256(rollup.attemptOf(attempt).status), uint256(IRollup.Status.Dead));
        vm.assertTrue(rollup.attemptOf(attempt).settled);
        vm.assertEq(rollup.contentOf(contentOf(attempt)).liveAttempts, uint256(0));
        vm.assertEq(rollup.owed(BOB), reward);
        vm.assertEq(address(0).balance - burntBefore, CLAIM_BOND - reward);
    }

    function refuses(bytes32 attempt, bytes32 id, bytes memory expected) private {
        reverts(address(rollup), abi.encodeCall(IRollup.timeout, (attempt, id)), expected);
    }

    function test_notBeforeTheDeadlineHasPassed() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challenge(attempt);
        vm.warp(START + RESPONSE);
        refuses(attempt, id, abi.encodeWithSelector(IRollup.TooEarly.selector, START + RESPONSE, START + RESPONSE));
    }

    function test_notAfterTheAnswer() public {
        bytes32 attempt = truly(ALICE);
        bytes32 id = challenge(attempt);
        reveal(attempt, claimOf(attempt), "honest");
        vm.warp(START + RESPONSE + 1);
        refuses(attempt, id, abi.encodeWithSelector(IRollup.AlreadyRevealed.selector, id));
    }

    function test_notByAnotherAttemptsChallenge() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 good = truly(ALICE);
        bytes32 id = challenge(attempt);
        vm.warp(START + RESPONSE + 1);
        refuses(good, id, abi.encodeWithSelector(IRollup.NotChallenged.selector, id));
        bytes32 none = bytes32(uint256(9));
        refuses(attempt, none, abi.encodeWithSelector(IRollup.NotChallenged.selector, none));
    }

    function test_onlyPending() public {
        bytes32 attempt = truly(ALICE);
        bytes32 id = challenge(attempt);
        bytes32 sibling = truly(BOB);
        afterWindow();
        confirmed(sibling);
        refuses(attempt, id, notPending(attempt, IRollup.Fate.Confirmed));
    }

    function test_twice() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challenge(attempt);
        vm.warp(START + RESPONSE + 1);
        rollup.timeout(attempt, id);
        refuses(attempt, id, notPending(attempt, IRollup.Fate.Dead));
    }
}
