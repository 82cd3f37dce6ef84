// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ChunkStore} from "../../src/ChunkStore.sol";
import {Batch, BlobOpening, Checkpoint, StepProof, View} from "../../src/interfaces/Types.sol";
import {Blobs, WholeFixture} from "../support/Blobs.sol";
import {VerifierBase} from "./Base.sol";

/// @notice A third batch, whose blob is opened as a whole.
abstract contract WholeBase is VerifierBase, Blobs {
    ChunkStore internal store = new ChunkStore();
    Batch internal third; // its blob is that of the whole fixture
    bytes32[] internal elements;

    function setUp() public virtual override {
        super.setUp();
        elements = scattered();
        vm.roll(block.number + 1);
        vm.warp(block.timestamp + 12);
        inbox.nextTransaction();
        setBlobs(wholeFixture().versionedHash);
        inbox.append(BOB, 1, 0);
        View memory newest = inbox.viewAt(inbox.viewCount() - 1);
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = wholeFixture().versionedHash;
        third = Batch(inbox.batchHash(2), newest.l1Hash, hashes, BOB, uint64(block.timestamp), inbox.viewCount(), 1);
        noBlobs();
    }

    function inThird(Checkpoint memory c) internal pure returns (Checkpoint memory) {
        (c.batch, c.forcedDone, c.depositsDone, c.viewIndex) = (3, 1, 20, 1);
        return c;
    }

    /// @dev The first so many elements inline, the rest from pointers.
    function whole(uint256 inlined) internal returns (StepProof memory proof) {
        WholeFixture memory blob = wholeFixture();
        proof.batch = third;
        proof.opening = BlobOpening({
            commitment: blob.commitment,
            elements: part(elements, 0, inlined),
            proofs: new bytes[](1),
            pointers: staged(store, elements, inlined, 767)
        });
        proof.opening.proofs[0] = blob.proof;
    }
}
