// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {Fixtures, OpenedBlob} from "../support/Fixtures.sol";

contract BlobReaderHarness {
    function verify(
        bytes32 versionedHash,
        uint256 index,
        bytes32 element,
        bytes calldata commitment,
        bytes calldata proof
    ) external view {
        BlobReader.verify(versionedHash, index, element, commitment, proof);
    }

    function rootOfUnity(uint256 index) external pure returns (uint256) {
        return BlobReader.rootOfUnity(index);
    }
}

/// @dev Against the real precompile and blobs of the reference library.
contract BlobReaderTest is Fixtures {
    BlobReaderHarness private harness = new BlobReaderHarness();
    OpenedBlob private blob;

    function setUp() public {
        blob = blobOf(".tape");
    }

    function call(bytes32 versionedHash, uint256 index, bytes32 element, bytes memory commitment, bytes memory proof)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(BlobReaderHarness.verify, (versionedHash, index, element, commitment, proof));
    }

    function test_opensEveryFixture() public view {
        for (uint256 i = 0; i < blob.indices.length; ++i) {
            harness.verify(blob.versionedHash, blob.indices[i], blob.elements[i], blob.commitment, blob.proofs[i]);
        }
    }

    function test_rootsOfUnityAreThoseOfTheSpecs() public view {
        uint256[] memory indices = vm.parseJsonUintArray(json(), ".roots.indices");
        bytes32[] memory values = vm.parseJsonBytes32Array(json(), ".roots.values");
        for (uint256 i = 0; i < indices.length; ++i) {
            vm.assertEq(bytes32(harness.rootOfUnity(indices[i])), values[i]);
        }
    }

    /// Elements come in pairs of a root and its negative: bit-reversed order puts w^(e + 2048) beside w^e.
    function testFuzz_neighboursAreNegatives(uint256 index) public view {
        index = (index % 2048) * 2;
        vm.assertEq(
            addmod(harness.rootOfUnity(index), harness.rootOfUnity(index + 1), BlobReader.BLS_MODULUS), uint256(0)
        );
    }

    function test_wrongElement() public {
        bytes32 wrong = bytes32(uint256(blob.elements[2]) ^ 1);
        reverts(
            address(harness),
            call(blob.versionedHash, 2, wrong, blob.commitment, blob.proofs[2]),
            abi.encodeWithSelector(BlobReader.WrongOpening.selector, blob.versionedHash, 2, wrong)
        );
    }

    function test_wrongIndex() public {
        reverts(
            address(harness),
            call(blob.versionedHash, 3, blob.elements[2], blob.commitment, blob.proofs[2]),
            abi.encodeWithSelector(BlobReader.WrongOpening.selector, blob.versionedHash, 3, blob.elements[2])
        );
    }

    function test_elementMustBeCanonical() public {
        bytes32 same = bytes32(uint256(blob.elements[2]) + BlobReader.BLS_MODULUS);
        reverts(
            address(harness),
            call(blob.versionedHash, 2, same, blob.commitment, blob.proofs[2]),
            abi.encodeWithSelector(BlobReader.WrongOpening.selector, blob.versionedHash, 2, same)
        );
    }

    function test_wrongCommitment() public {
        OpenedBlob memory other = blobOf(".history.honest");
        reverts(
            address(harness),
            call(blob.versionedHash, 0, blob.elements[0], other.commitment, blob.proofs[0]),
            abi.encodeWithSelector(BlobReader.WrongCommitment.selector, blob.versionedHash, other.versionedHash)
        );
    }

    function test_pointsHave48Bytes() public {
        bytes memory longer = bytes.concat(blob.commitment, blob.proofs[0]);
        reverts(
            address(harness),
            call(blob.versionedHash, 0, blob.elements[0], longer, ""),
            abi.encodeWithSelector(BlobReader.WrongPointLength.selector, 96, 0)
        );
        reverts(
            address(harness),
            call(blob.versionedHash, 0, blob.elements[0], blob.commitment, ""),
            abi.encodeWithSelector(BlobReader.WrongPointLength.selector, 48, 0)
        );
    }

    function test_indexBeyondTheBlob() public {
        reverts(
            address(harness),
            call(blob.versionedHash, 4096, blob.elements[0], blob.commitment, blob.proofs[0]),
            abi.encodeWithSelector(BlobReader.ElementOutOfRange.selector, 4096)
        );
    }

    /// A failing precompile burns what it gets: that is capped.
    function test_failureLeavesGas() public {
        bytes memory data = call(blob.versionedHash, 2, bytes32(0), blob.commitment, blob.proofs[2]);
        uint256 before = gasleft();
        (bool success,) = address(harness).call{gas: 5_000_000}(data);
        vm.assertFalse(success);
        vm.assertTrue(before - gasleft() < 300_000);
    }

    /// On a chain without the precompile the call succeeds and answers nothing.
    function test_emptyAnswerIsNoProof() public {
        vm.mockCall(address(0x0a), "", "");
        reverts(
            address(harness),
            call(blob.versionedHash, 0, blob.elements[0], blob.commitment, blob.proofs[0]),
            abi.encodeWithSelector(BlobReader.WrongOpening.selector, blob.versionedHash, 0, blob.elements[0])
        );
    }
}
