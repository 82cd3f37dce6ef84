// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {Checkpoint, StepProof} from "../../src/interfaces/Types.sol";
import {WholeBlob} from "../../src/libraries/WholeBlob.sol";
import {Tapes} from "../support/Tapes.sol";
import {WholeBase} from "./WholeBase.sol";

/// @dev Steps that are proven by a whole blob.
contract WholeOpeningTest is WholeBase {
    /// @dev Byte `i` of the payload.
    function payload(uint256 i) private view returns (bytes1) {
        return elements[i / 31][i % 31 + 1];
    }

    function longest() private view returns (bytes memory raw) {
        raw = new bytes(LONGEST);
        bytes32[] memory all = elements;
        for (uint256 i = 0; i < LONGEST; ++i) {
            raw[i] = all[(i + 4) / 31][(i + 4) % 31 + 1];
        }
    }

    function test_aTransactionThatFillsTheBlob() public {
        Checkpoint memory pre = inThird(opened(0));
        bytes memory raw = longest();
        uint256[3] memory inlined = [uint256(4096), 3000, 0];
        for (uint256 i = 0; i < 3; ++i) {
            StepProof memory proof = execution(whole(inlined[i]), 21_000, keccak256("receipt"));
            Checkpoint memory post = copy(pre);
            post.offset = Tapes.PAYLOAD;
            post.stateRoot = proof.execution.postStateRoot;
            post.gasUsed += 21_000;
            post.receiptDigest = keccak256("receipt");
            post.txDigest = keccak256(abi.encode(pre.txDigest, keccak256(raw)));
            executes(pre.stateRoot, proof, transaction(traceOf(pre, proof), raw));
            becomes(pre, proof, post);
        }
    }

    /// Wherever the scattered bytes make a header of a transaction that fits, behind the first element.
    function test_transactionsInTheMiddle() public {
        bytes memory all = new bytes(Tapes.PAYLOAD);
        bytes32[] memory field = elements;
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = field[i / 31][i % 31 + 1];
        }
        uint256 found = 0;
        for (uint32 offset = 31; offset + 4 < Tapes.PAYLOAD; ++offset) {
            if (all[offset] != 0x02) continue;
            uint256 length = uint24(bytes3(abi.encodePacked(all[offset + 1], all[offset + 2], all[offset + 3])));
            if (offset + 4 + length > Tapes.PAYLOAD) continue;
            ++found;
            bytes memory raw = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                raw[i] = all[offset + 4 + i];
            }
            Checkpoint memory pre = inThird(opened(offset));
            StepProof memory proof = execution(whole(4096), 21_000, keccak256("receipt"));
            Checkpoint memory post = copy(pre);
            post.offset = offset + 4 + uint32(length);
            post.stateRoot = proof.execution.postStateRoot;
            post.gasUsed += 21_000;
            post.receiptDigest = keccak256("receipt");
            post.txDigest = keccak256(abi.encode(pre.txDigest, keccak256(raw)));
            executes(pre.stateRoot, proof, transaction(traceOf(pre, proof), raw));
            becomes(pre, proof, post);
        }
        require(found > 0, "no transaction found");
    }

    /// What a step reads of a whole blob is its own matter: also a header only.
    function test_skippedWithoutABlock() public {
        Checkpoint memory pre = inThird(closed(0));
        Checkpoint memory post = copy(pre);
        post.offset = Tapes.PAYLOAD;
        becomes(pre, whole(4096), post);
    }

    /// forge-config: default.fuzz.runs = 24
    function testFuzz_anEndAnywhere(uint32 offset) public {
        offset %= Tapes.PAYLOAD;
        bytes1 kind = payload(offset);
        vm.assume(kind != 0x01 && kind != 0x02);
        Checkpoint memory pre = inThird(opened(offset));
        Checkpoint memory post = copy(pre);
        (post.blob, post.offset) = (1, 0);
        becomes(pre, whole(4096), post);
    }

    function test_oneProofForAll() public {
        StepProof memory proof = whole(4000);
        proof.opening.proofs = new bytes[](2);
        refuses(inThird(closed(0)), proof, abi.encodeWithSelector(IStepVerifier.WrongElementCount.selector, 1, 2));
        proof.opening.proofs = new bytes[](0);
        refuses(inThird(closed(0)), proof, abi.encodeWithSelector(IStepVerifier.WrongElementCount.selector, 1, 0));
    }

    /// With pointers an opening is of the whole blob, however few elements the step reads.
    function test_singleOpeningsPointNowhere() public {
        StepProof memory proof = opening(closed(Tapes.HELLO), 4);
        proof.opening.pointers = new address[](1);
        proof.opening.pointers[0] = store.stage(abi.encode(elements[0]));
        refuses(closed(Tapes.HELLO), proof, abi.encodeWithSelector(WholeBlob.WrongBlobSize.selector, uint256(4096), 2));
    }

    function test_notWhereNothingIsRead() public {
        StepProof memory proof = bare(closed(0));
        proof.batch = third;
        proof.opening.pointers = new address[](1);
        refuses(inThird(closed(Tapes.PAYLOAD)), proof, IStepVerifier.UnneededOpening.selector);
    }
}
