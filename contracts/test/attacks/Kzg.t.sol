// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Checkpoint, Gap, Reveal, Segment, StepProof} from "../../src/interfaces/Types.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {WholeBlob} from "../../src/libraries/WholeBlob.sol";
import {OpenedBlob} from "../support/Fixtures.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {WholeBase} from "../verifier/WholeBase.sol";
import {Attacks} from "./Base.sol";

/// @notice Attacks on what blobs are shown to say in a dissection. Blobs, proofs and the precompile are real.
contract KzgAttacksTest is Attacks {
    uint256 private constant R = BlobReader.BLS_MODULUS;

    function setUp() public override {
        deploy(4095, 2);
        fund();
    }

    function refusesKill(bytes32 attempt, Gap memory g, bytes memory expected) private {
        reverts(MALLORY, 0, address(rollup), abi.encodeCall(IRollup.killGap, (attempt, g, MALLORY)), expected);
    }

    function confirms(bytes32 attempt) private {
        vm.warp(block.timestamp + WINDOW + RESPONSE + 1);
        rollup.confirm(attempt);
    }

    /// A true claim is framed by its own blob: what stands at another root of unity, which means nothing, is presented as element
    /// 1. In natural order its place is `w^1`, where the blob has its element 2,048.
    function test_opensAnElementAtTheIndexInsteadOfTheBitReversedRoot() public {
        bytes32 attempt = propose(ALICE, genesis, Toy.truth(8), 8, revealing("wide"));
        OpenedBlob memory blob = blobOf(".sparse.wide");
        vm.assertEq(blob.versionedHash, history("wide").versionedHash);
        vm.assertEq(blob.indices[4], 2048);
        prove(0);
        Gap memory g = Gap({
            parent: claimOf(attempt),
            index: 0,
            left: blob.elements[0],
            right: blob.elements[4],
            commitment: blob.commitment,
            leftProof: blob.proofs[0],
            rightProof: blob.proofs[4]
        });
        refusesKill(
            attempt, g, abi.encodeWithSelector(BlobReader.WrongOpening.selector, blob.versionedHash, 1, g.right)
        );
        confirms(attempt);
    }

    /// A second name of the same field element: `f + r`. It would be another hash, and the pair false.
    function test_opensANonCanonicalElementOfATrueClaim() public {
        bytes32 attempt = propose(ALICE, genesis, Toy.truth(8), 8, revealing("wide"));
        prove(3);
        Gap memory g = gap(claimOf(attempt), "wide", 3);
        g.right = bytes32(uint256(g.right) + R);
        refusesKill(
            attempt,
            g,
            abi.encodeWithSelector(BlobReader.WrongOpening.selector, history("wide").versionedHash, 4, g.right)
        );
        confirms(attempt);
    }

    /// Neighbours that are none: the left of one gap, the right of the next.
    function test_leavesAnElementOut() public {
        bytes32 attempt = propose(ALICE, genesis, Toy.truth(8), 8, revealing("wide"));
        prove(3);
        Gap memory g = gap(claimOf(attempt), "wide", 3);
        Gap memory next = gap(claimOf(attempt), "wide", 4);
        (g.right, g.rightProof) = (next.right, next.rightProof);
        refusesKill(
            attempt,
            g,
            abi.encodeWithSelector(BlobReader.WrongOpening.selector, history("wide").versionedHash, 4, g.right)
        );
        confirms(attempt);
    }

    /// A liar answers with the blob of another transaction, which he need not pay, or with none; he dies by the clock.
    function test_revealsTheBlobOfAnotherTransaction() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challenge(attempt);
        Reveal memory data = revealing("wideLie");
        bytes32 named = history("wideLie").versionedHash;
        bytes32 other = history("wide").versionedHash;
        // It was in an earlier transaction; this one has another blob, or none.
        setBlobs(other);
        refusesReveal(attempt, data, abi.encodeWithSelector(BlobReader.WrongCommitment.selector, other, named));
        noBlobs();
        uint32[4] memory indices = [uint32(0), 6, type(uint32).max - 1, NONE];
        for (uint256 i = 0; i < 4; ++i) {
            data.blobIndex = indices[i];
            refusesReveal(attempt, data, abi.encodeWithSelector(IRollup.NoBlob.selector, indices[i]));
        }
        timeIs(RESPONSE + 1);
        rollup.timeout(attempt, id);
        rollup.settleChallenge(attempt, id);
        assertLost(MALLORY, CLAIM_BOND);
        assertWon(BOB, CLAIM_BOND / 2);
    }

    function refusesReveal(bytes32 attempt, Reveal memory data, bytes memory expected) private {
        reverts(
            MALLORY, 0, address(rollup), abi.encodeCall(IRollup.reveal, (attempt, claimOf(attempt), data)), expected
        );
    }

    /// A truth revealed for another claim is no answer: the blob must end where this claim ends.
    function test_answersWithTheTrueHistory() public {
        bytes32 attempt = falsely(MALLORY);
        challenge(attempt);
        bytes32 claimed = CheckpointLib.h248(Toy.end(1008, 1));
        Reveal memory data = revealing("wide");
        refusesReveal(
            attempt,
            data,
            abi.encodeWithSelector(BlobReader.WrongOpening.selector, history("wide").versionedHash, 8, claimed)
        );
    }
}

/// @notice A history whose middle is an element that no checkpoint hashes to, so that nobody could prove the step from it.
contract UnhashableAttackTest is Attacks {
    /// The step *to* it is a true checkpoint's, and that is provable.
    function test_hidesBehindAnElementThatNoCheckpointHashesTo() public {
        bytes32 attempt = truly(MALLORY);
        challenge(attempt);
        reveal(attempt, claimOf(attempt), "unhashable");
        Gap memory g = gap(claimOf(attempt), "unhashable", 1);
        bytes32 id = challenge(attempt, g);
        Segment memory s = Segment(2, 4, g.left, g.right);
        vm.assertEq(id, idOf(attempt, s));
        reveal(attempt, s, "unhashableGap");
        rollup.proveFraudGap(attempt, gap(s, "unhashableGap", 1), Toy.truth(3), noProof(), BOB);
        rollup.settleChallenge(attempt, id);
        rollup.settleChallenge(attempt, idOf(attempt, claimOf(attempt)));
        assertLost(MALLORY, CLAIM_BOND);
        assertWon(BOB, CLAIM_BOND / 2);
    }
}

/// @notice Attacks on whole blobs as parts of a step's proof: whoever could change one element there could execute any
/// transaction that he likes.
contract WholeBlobAttacksTest is WholeBase {
    uint256 private constant R = BlobReader.BLS_MODULUS;

    /// An element and itself plus the modulus have the same value in every polynomial, and other bytes. Each of them, at either
    /// end and in the middle.
    function test_addsTheModulusToAnElementOfAWholeBlob() public {
        Checkpoint memory pre = inThird(closed(0));
        uint16[4] memory indices = [0, 1, 2047, 4095];
        for (uint256 i = 0; i < 4; ++i) {
            StepProof memory proof = whole(4096);
            bytes32[] memory changed = proof.opening.elements;
            uint256 z = this.pointOf(proof.opening.commitment, changed);
            uint256 y = WholeBlob.evaluate(changed, z);
            changed[indices[i]] = bytes32(uint256(changed[indices[i]]) + R);
            refuses(pre, proof, WholeBlob.NotCanonical.selector);
            // What makes it an attack: nothing but that check tells them apart.
            changed[indices[i]] = bytes32(uint256(changed[indices[i]]) - R);
            vm.assertEq(WholeBlob.evaluate(changed, z), y);
        }
    }

    /// Two elements are changed so that the polynomial keeps its value at the point that the true list gives. It would pass if
    /// the point did not depend on every element.
    function test_choosesElementsForAPointThatIsKnown() public {
        Checkpoint memory pre = inThird(closed(0));
        StepProof memory proof = whole(4096);
        bytes32[] memory list = proof.opening.elements;
        uint256 z = this.pointOf(proof.opening.commitment, list);
        uint256 y = WholeBlob.evaluate(list, z);
        // Another first byte of the tape, and the last element in return.
        uint256 delta = 1 << 240;
        uint256 returned = mulmod(delta, mulmod(weight(0, z), inverse(weight(4095, z)), R), R);
        list[0] = bytes32(addmod(uint256(list[0]), delta, R));
        list[4095] = bytes32(addmod(uint256(list[4095]), R - returned, R));
        vm.assertEq(WholeBlob.evaluate(list, z), y);
        uint256 moved = this.pointOf(proof.opening.commitment, list);
        vm.assertTrue(moved != z);
        refuses(
            pre,
            proof,
            abi.encodeWithSelector(
                BlobReader.WrongEvaluation.selector,
                wholeFixture().versionedHash,
                moved,
                WholeBlob.evaluate(list, moved)
            )
        );
    }

    function pointOf(bytes calldata commitment, bytes32[] calldata list) external pure returns (uint256) {
        return WholeBlob.challenge(commitment, list);
    }

    /// @dev What one in element `index` and zero elsewhere is worth at `z`.
    function weight(uint256 index, uint256 z) private pure returns (uint256) {
        bytes32[] memory unit = new bytes32[](4096);
        unit[index] = bytes32(uint256(1));
        return WholeBlob.evaluate(unit, z);
    }

    /// @dev `a^(r - 2)`.
    function inverse(uint256 a) private view returns (uint256) {
        (bool success, bytes memory answer) =
            address(5).staticcall(abi.encode(uint256(32), uint256(32), uint256(32), a, R - 2, R));
        require(success);
        return abi.decode(answer, (uint256));
    }

    /// Elements that were staged by somebody else, and changed: the same bytes stand at the same address for ever, others at
    /// another, and what they hold is proven again by each proof.
    function test_pointsToOthersElements() public {
        Checkpoint memory pre = inThird(closed(0));
        StepProof memory proof = whole(3000);
        bytes32[] memory forged = part(elements, 3000, 3767);
        forged[0] = bytes32(uint256(forged[0]) ^ 1);
        address pointer = store.stage(abi.encodePacked(forged));
        vm.assertTrue(pointer != proof.opening.pointers[0]);
        proof.opening.pointers[0] = pointer;
        (bool success,) = address(verifier).call(abi.encodeCall(verifier.step, (pre, proof)));
        vm.assertFalse(success);
    }

    /// An element opened singly, with its other name.
    function test_addsTheModulusToAnElementOpenedSingly() public {
        Checkpoint memory pre = closed(0);
        StepProof memory proof = opening(pre, 13);
        bytes32 changed = bytes32(uint256(proof.opening.elements[0]) + R);
        proof.opening.elements[0] = changed;
        refuses(pre, proof, abi.encodeWithSelector(BlobReader.WrongOpening.selector, tape.versionedHash, 0, changed));
    }
}
