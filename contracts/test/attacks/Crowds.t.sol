// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Gap, Reveal, Segment} from "../../src/interfaces/Types.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {OpenedBlob} from "../support/Fixtures.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {Attacks} from "./Base.sol";

/// @notice Attacks by number: siblings, descendants, levels. Nothing that the honest side does may cost more for it.
contract CrowdAttacksTest is Attacks {
    /// @dev What measuring the same call twice may differ by: a storage slot that is warm or not, and calldata.
    uint256 private constant NOISE = 5_000;

    function append(uint64 upTo) private {
        for (uint64 i = inbox.batchCount() + 1; i <= upTo; ++i) {
            setBlobs(bytes32(uint256(1 << 248) + i));
            inbox.nextTransaction();
            inbox.append(ALICE, 0, i);
        }
        noBlobs();
    }

    function confirmation(bytes32 attempt) private pure returns (bytes memory) {
        return abi.encodeCall(IRollup.confirm, (attempt));
    }

    function gasOfConfirmation(bytes32 attempt) private returns (uint256 spent) {
        uint256 id = vm.snapshotState();
        spent = gasOf(address(rollup), confirmation(attempt));
        vm.revertToState(id);
    }

    function assertSame(uint256 a, uint256 b) private pure {
        vm.assertTrue(a < b + NOISE && b < a + NOISE);
    }

    /// Three hundred false siblings of the true claim. Its confirmation is not dearer, and contradicts them all without a
    /// word: all their bonds burn, and nobody had to touch one.
    function test_drownsTheTruthInFalseSiblings() public {
        bytes32 honest = truly(ALICE);
        timeIs(WINDOW + 1);
        uint256 alone = gasOfConfirmation(honest);
        timeIs(0);
        vm.deal(MALLORY, 300 * uint256(CLAIM_BOND));
        bytes32[] memory lies = new bytes32[](300);
        for (uint256 i = 0; i < 300; ++i) {
            lies[i] = propose(MALLORY, genesis, Toy.end(2000 + i, 1), 8);
        }
        afterWindow();
        assertSame(gasOfConfirmation(honest), alone);
        rollup.confirm(honest);
        uint256 burnt = address(0).balance;
        for (uint256 i = 0; i < 300; ++i) {
            assertFate(lies[i], IRollup.Fate.Contradicted);
            rollup.settleAttempt(lies[i]);
        }
        vm.assertEq(wealth(MALLORY), uint256(0));
        vm.assertEq(address(0).balance - burnt, 300 * uint256(CLAIM_BOND));
        assertLost(ALICE, CLAIM_BOND); // not settled yet
        rollup.settleAttempt(honest);
        assertWon(ALICE, 0);
    }

    /// A chain of two hundred claims below a lie. The lie dies at the price of any lie, and death is looked up, not handed down:
    /// no call grows with the chain, and none of the two hundred ever confirms.
    function test_hangsADeepChainOnADeadAncestor() public {
        append(210);
        uint256 id = vm.snapshotState();
        uint256 alone = killTheRoot(0);
        vm.revertToState(id);
        assertSame(killTheRoot(200), alone);
    }

    function killTheRoot(uint64 depth) private returns (uint256 spent) {
        bytes32 honest = truly(ALICE);
        (bytes32 root, Segment memory s) = dissectedLie();
        vm.deal(MALLORY, (depth + 1) * uint256(CLAIM_BOND));
        bytes32[] memory chain = new bytes32[](depth);
        bytes32 parent = contentOf(root);
        for (uint64 i = 0; i < depth; ++i) {
            chain[i] = propose(MALLORY, parent, Toy.end(3000 + i, i + 2), 8);
            parent = contentOf(chain[i]);
        }
        spent = gasOf(
            address(rollup),
            abi.encodeCall(IRollup.proveFraudGap, (root, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB))
        );
        afterWindow();
        spent += gasOf(address(rollup), confirmation(honest));
        for (uint64 i = 0; i < depth; ++i) {
            vm.assertFalse(possible(MALLORY, 0, confirmation(chain[i])));
        }
        if (depth > 0) givesTheChainBack(chain);
    }

    /// @dev Marks go down one level a call, at the same price on every level, and the bonds of those below come back.
    function givesTheChainBack(bytes32[] memory chain) private {
        uint256 before = rollup.owed(MALLORY);
        uint256 first;
        for (uint256 i = 0; i < chain.length; ++i) {
            uint256 spent = gasOf(address(rollup), abi.encodeCall(IRollup.settleAttempt, (chain[i])));
            if (i == 1) first = spent;
            if (i > 1) assertSame(spent, first);
        }
        vm.assertEq(rollup.owed(MALLORY) - before, chain.length * uint256(CLAIM_BOND));
    }

    /// Ten names for one lie. The first costs a proof, the others only the openings, and each pays.
    function test_liesUnderManyNames() public {
        (bytes32 first, Segment memory s) = dissectedLie();
        bytes32[] memory others = new bytes32[](9);
        for (uint256 i = 0; i < 9; ++i) {
            (others[i],) = dissectedLie();
        }
        verifierIsAsked(1);
        rollup.proveFraudGap(first, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        for (uint256 i = 0; i < 9; ++i) {
            rollup.killGap(others[i], gap(s, "lieGap", 1), BOB);
        }
        assertLost(MALLORY, 10 * uint256(CLAIM_BOND));
        // 20 challenge bonds of BOB's are still to be settled.
        vm.assertEq(rollup.owed(BOB), 10 * uint256(CLAIM_BOND / 2));
    }
}

/// @notice Hundreds of challenges of one true claim at once. What the blobs say is not the point here: the precompile is mocked,
/// as nobody opens anything wrongly.
contract ChallengeCrowdAttackTest is Attacks {
    uint64 private constant BATCHES = 100;
    uint32 private constant GAPS = 400; // of two steps each
    bytes private commitment = new bytes(48);

    function setUp() public override {
        deploy(GAPS, 3);
        for (uint64 i = inbox.batchCount() + 1; i <= BATCHES; ++i) {
            setBlobs(bytes32(uint256(1 << 248) + i));
            inbox.nextTransaction();
            inbox.append(ALICE, 0, i);
        }
        vm.mockCall(address(0x0a), "", abi.encode(uint256(4096), BlobReader.BLS_MODULUS));
        fund();
    }

    function gapAt(Segment memory claim, uint32 i) private view returns (Gap memory) {
        (bytes32 left, bytes32 right) = (CheckpointLib.h248(Toy.truth(2 * i)), CheckpointLib.h248(Toy.truth(2 * i + 2)));
        return Gap(claim, i, left, right, commitment, commitment, commitment);
    }

    /// All four hundred gaps. The owner has the same time for all of them, is paid a bond for each, and confirms at the same price
    /// as if nobody had challenged.
    function test_challengesHundredsOfGapsOfATrueClaim() public {
        setBlobs(bytes32((uint256(sha256(commitment)) & (type(uint256).max >> 8)) | (1 << 248)));
        Reveal memory data = Reveal(0, commitment, commitment, commitment);
        bytes32 attempt = propose(ALICE, genesis, Toy.truth(8 * BATCHES), 8 * BATCHES, data);
        Segment memory claim = claimOf(attempt);
        afterWindow();
        uint256 id = vm.snapshotState();
        uint256 alone = gasOf(address(rollup), abi.encodeCall(IRollup.confirm, (attempt)));
        vm.revertToState(id);

        timeIs(WINDOW);
        for (uint32 i = 0; i < GAPS; ++i) {
            vm.prank(MALLORY);
            rollup.challengeGap{value: CHALLENGE_BOND}(attempt, gapAt(claim, i));
        }
        timeIs(WINDOW + RESPONSE);
        for (uint32 i = 0; i < GAPS; ++i) {
            Gap memory g = gapAt(claim, i);
            vm.prank(ALICE);
            rollup.reveal(attempt, Segment(2 * i, 2 * i + 2, g.left, g.right), data);
        }
        timeIs(WINDOW + 2 * RESPONSE + 1);
        uint256 spent = gasOf(address(rollup), abi.encodeCall(IRollup.confirm, (attempt)));
        vm.assertTrue(spent < alone + 5_000);
        rollup.settleAttempt(attempt);
        assertLost(MALLORY, GAPS * uint256(CHALLENGE_BOND));
        assertWon(ALICE, GAPS * uint256(CHALLENGE_BOND));
    }
}

/// @notice The longest claim that the defaults allow, 16,769,025 steps: false from its first on, so that as much as can be
/// hides it.
contract LongestClaimAttackTest is Attacks {
    uint64 private constant STEPS = 4095 * 4095;

    function setUp() public override {
        deploy(4095, 2);
        fund();
    }

    function sparse(string memory name) private view returns (OpenedBlob memory) {
        return blobOf(string.concat(".sparse.", name));
    }

    function answer(OpenedBlob memory blob) private returns (Reveal memory) {
        setBlobs(blob.versionedHash);
        return Reveal(0, blob.commitment, blob.proofs[0], blob.proofs[2]);
    }

    function firstGap(Segment memory parent, OpenedBlob memory blob) private pure returns (Gap memory) {
        return Gap(parent, 0, blob.elements[0], blob.elements[1], blob.commitment, blob.proofs[0], blob.proofs[1]);
    }

    function test_hidesALieInTheLongestClaim() public {
        OpenedBlob memory top = sparse("deepest");
        OpenedBlob memory low = sparse("deepestGap");
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(1008, 1), STEPS);
        Segment memory claim = claimOf(attempt);
        challenge(attempt);
        Reveal memory data = answer(top);
        vm.prank(MALLORY);
        rollup.reveal(attempt, claim, data);
        bytes32 id = challenge(attempt, firstGap(claim, top));
        Segment memory s = Segment(0, 4095, top.elements[0], top.elements[1]);
        vm.assertEq(id, idOf(attempt, s));
        data = answer(low);
        vm.prank(MALLORY);
        rollup.reveal(attempt, s, data);
        // Two reveals, and the first step of sixteen million is at hand.
        rollup.proveFraudGap(attempt, firstGap(s, low), Toy.truth(0), noProof(), BOB);
        rollup.settleChallenge(attempt, id);
        rollup.settleChallenge(attempt, idOf(attempt, claim));
        assertLost(MALLORY, CLAIM_BOND);
        assertWon(BOB, CLAIM_BOND / 2);
    }
}

/// @notice A stranger's true parent, let die when the tip has moved past where it started ("A stranger's parent" in
/// contracts/README.md): what it costs whom.
contract StrangersParentAttackTest is Attacks {
    /// MALLORY makes two true claims, ALICE builds on one of them, BOB looks on. MALLORY loses the burnt half of one bond, ALICE
    /// nothing but time: she begins anew from the tip.
    function test_letsAStrangersParentDie() public {
        bytes32 mover = truly(MALLORY);
        bytes32 parent = propose(MALLORY, genesis, Toy.truth(16), 16);
        bytes32 child = propose(ALICE, contentOf(parent), Toy.truth(24), 8);
        timeIs(WINDOW);
        bytes32 id = challengeAs(MALLORY, parent);
        timeIs(WINDOW + 1);
        rollup.confirm(mover);
        // ALICE sees that nobody answers, and need not wait for the end: what she claims now is from the tip.
        bytes32 anew = propose(ALICE, contentOf(mover), Toy.truth(24), 16);
        timeIs(WINDOW + RESPONSE + 1);
        rollup.timeout(parent, id);
        timeIs(2 * WINDOW + 2);
        rollup.confirm(anew);
        assertFate(child, IRollup.Fate.Void);

        rollup.settleAttempt(child);
        rollup.settleAttempt(anew);
        rollup.settleAttempt(mover);
        rollup.settleChallenge(parent, id);
        assertLost(MALLORY, CLAIM_BOND - CLAIM_BOND / 2);
        assertWon(ALICE, 0);
        vm.assertEq(rollup.tip(), contentOf(anew));
    }

    /// The other use of it: lies below the true parent get their bonds back with its death, ten for the burnt half of one bond.
    /// BOB, who challenged them, has his bonds back and no reward.
    function test_savesLiesByLettingTheirTrueParentDie() public {
        bytes32 parent = truly(MALLORY);
        bytes32 mover = propose(MALLORY, genesis, Toy.truth(16), 16);
        timeIs(WINDOW);
        bytes32 id = challengeAs(MALLORY, parent);
        // In the last second before the tip moves, so that the lies' own deadlines come after the parent's death.
        timeIs(WINDOW + 1);
        bytes32[10] memory lies;
        bytes32[10] memory challenges;
        for (uint256 i = 0; i < 10; ++i) {
            lies[i] = propose(MALLORY, contentOf(parent), Toy.end(2000 + i, 2), 8);
            challenges[i] = challenge(lies[i]);
        }
        rollup.confirm(mover);
        timeIs(WINDOW + RESPONSE + 1);
        vm.assertFalse(possible(BOB, 0, abi.encodeCall(IRollup.timeout, (lies[0], challenges[0]))));
        rollup.timeout(parent, id);
        for (uint256 i = 0; i < 10; ++i) {
            assertFate(lies[i], IRollup.Fate.Void);
            rollup.settleAttempt(lies[i]);
            rollup.settleChallenge(lies[i], challenges[i]);
        }
        rollup.settleAttempt(mover);
        rollup.settleChallenge(parent, id);
        assertLost(MALLORY, CLAIM_BOND - CLAIM_BOND / 2);
        assertWon(BOB, 0);
        vm.assertEq(rollup.tip(), contentOf(mover));
    }

    /// Who claims the parent too takes both uses away: it confirms, and so do its children; the lies below it die and pay.
    function test_anOwnAttemptOfTheParentEndsIt() public {
        bytes32 parent = truly(MALLORY);
        bytes32 own = truly(BOB);
        bytes32 mover = propose(MALLORY, genesis, Toy.truth(16), 16);
        bytes32 lie = propose(MALLORY, contentOf(parent), Toy.end(2000, 2), 8);
        bytes32 child = propose(ALICE, contentOf(parent), Toy.truth(16), 8);
        bytes32 asked = challenge(lie);
        timeIs(WINDOW);
        bytes32 id = challengeAs(MALLORY, parent);
        timeIs(WINDOW + 1);
        rollup.confirm(mover);
        rollup.timeout(lie, asked);
        timeIs(WINDOW + RESPONSE + 1);
        rollup.timeout(parent, id);
        rollup.confirm(own);
        rollup.confirm(child);
        rollup.settleAttempt(own);
        rollup.settleAttempt(mover);
        rollup.settleChallenge(parent, id);
        rollup.settleChallenge(lie, asked);
        assertLost(MALLORY, CLAIM_BOND + CLAIM_BOND - CLAIM_BOND / 2);
        assertWon(BOB, CLAIM_BOND / 2);
    }
}
