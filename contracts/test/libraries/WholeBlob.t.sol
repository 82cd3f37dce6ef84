// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ChunkStore} from "../../src/ChunkStore.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {WholeBlob} from "../../src/libraries/WholeBlob.sol";
import {Blobs, WholeFixture} from "../support/Blobs.sol";

contract WholeBlobHarness {
    function read(
        bytes32 versionedHash,
        bytes32[] calldata inlined,
        address[] calldata pointers,
        bytes calldata commitment,
        bytes calldata proof
    ) external view returns (bytes32 all, uint256 gas) {
        gas = gasleft();
        bytes32[] memory elements = WholeBlob.read(versionedHash, inlined, pointers, commitment, proof);
        gas -= gasleft();
        all = keccak256(abi.encodePacked(elements));
    }

    function challenge(bytes calldata commitment, bytes32[] memory elements) external pure returns (uint256) {
        return WholeBlob.challenge(commitment, elements);
    }

    function evaluate(bytes32[] memory elements, uint256 z) external pure returns (uint256) {
        return WholeBlob.evaluate(elements, z);
    }
}

/// @dev Against the real precompile, and the reference library's value at the same point.
contract WholeBlobTest is Blobs {
    uint256 private constant R = BlobReader.BLS_MODULUS;

    WholeBlobHarness private harness = new WholeBlobHarness();
    ChunkStore private store = new ChunkStore();
    WholeFixture private blob;
    address[] private nowhere;

    function setUp() public {
        blob = wholeFixture();
    }

    function call(bytes32[] memory inlined, address[] memory pointers) private view returns (bytes memory) {
        return
            abi.encodeCall(WholeBlobHarness.read, (blob.versionedHash, inlined, pointers, blob.commitment, blob.proof));
    }

    function accepts(bytes32[] memory inlined, address[] memory pointers) private view returns (uint256 gas) {
        bytes32 all;
        (all, gas) = harness.read(blob.versionedHash, inlined, pointers, blob.commitment, blob.proof);
        vm.assertEq(all, keccak256(abi.encodePacked(scattered())));
    }

    function refuses(bytes32[] memory inlined, address[] memory pointers, bytes4 expected) private view {
        (bool success, bytes memory answer) = address(harness).staticcall(call(inlined, pointers));
        vm.assertFalse(success);
        vm.assertEq(bytes32(bytes4(answer)), bytes32(expected));
    }

    // ---------------------------------------------------------------- what is accepted

    function test_pointAndValueAreThoseOfTheReferenceLibrary() public view {
        bytes32[] memory elements = scattered();
        vm.assertEq(harness.challenge(blob.commitment, elements), blob.z);
        vm.assertEq(harness.evaluate(elements, blob.z), blob.y);
    }

    function test_inline() public view {
        uint256 gas = accepts(scattered(), nowhere);
        vm.assertTrue(gas < 1_300_000, "as much as 25 single openings");
    }

    function test_fromPointers() public {
        accepts(new bytes32[](0), staged(store, scattered(), 0, 767));
        accepts(new bytes32[](0), staged(store, scattered(), 0, 512));
    }

    /// forge-config: default.fuzz.runs = 24
    function testFuzz_mixed(uint16 inlined, uint16 size) public {
        bytes32[] memory elements = scattered();
        uint256 start = inlined % 4097;
        accepts(part(elements, 0, start), staged(store, elements, start, uint256(size) % 700 + 68));
    }

    // ---------------------------------------------------------------- what is not

    /// forge-config: default.fuzz.runs = 24
    function testFuzz_wrongElement(uint16 index, uint256 value) public view {
        bytes32[] memory elements = scattered();
        value %= R;
        vm.assume(elements[index % 4096] != bytes32(value));
        elements[index % 4096] = bytes32(value);
        refuses(elements, nowhere, BlobReader.WrongEvaluation.selector);
    }

    /// forge-config: default.fuzz.runs = 24
    function testFuzz_elementsAreCanonical(uint16 index) public view {
        bytes32[] memory elements = scattered();
        elements[index % 4096] = bytes32(uint256(elements[index % 4096]) + R);
        refuses(elements, nowhere, WholeBlob.NotCanonical.selector);
    }

    function test_noElementIsTheModulusOrMore() public view {
        bytes32[] memory elements = scattered();
        for (uint256 i = 0; i < 2; ++i) {
            (bytes32 kept, bytes32[2] memory worst) = (elements[i], [bytes32(R), bytes32(type(uint256).max)]);
            for (uint256 j = 0; j < 2; ++j) {
                elements[i] = worst[j];
                refuses(elements, nowhere, WholeBlob.NotCanonical.selector);
            }
            elements[i] = kept;
        }
    }

    /// forge-config: default.fuzz.runs = 24
    function testFuzz_wrongOrder(uint16 a, uint16 b) public view {
        bytes32[] memory elements = scattered();
        vm.assume(a % 4096 != b % 4096);
        (elements[a % 4096], elements[b % 4096]) = (elements[b % 4096], elements[a % 4096]);
        refuses(elements, nowhere, BlobReader.WrongEvaluation.selector);
    }

    function test_pointersInAnotherOrder() public {
        address[] memory pointers = staged(store, scattered(), 0, 512);
        (pointers[0], pointers[7]) = (pointers[7], pointers[0]);
        refuses(new bytes32[](0), pointers, BlobReader.WrongEvaluation.selector);
    }

    function refusesCount(bytes32[] memory inlined, address[] memory pointers, uint256 count) private {
        reverts(
            address(harness),
            call(inlined, pointers),
            abi.encodeWithSelector(WholeBlob.WrongBlobSize.selector, 4096, count)
        );
    }

    function test_anyOtherNumberOfElements() public {
        bytes32[] memory elements = scattered();
        bytes32[] memory more = new bytes32[](4097);
        for (uint256 i = 0; i < 4096; ++i) {
            more[i] = elements[i];
        }
        refusesCount(part(elements, 0, 4095), nowhere, 4095);
        refusesCount(more, nowhere, 4097);
        refusesCount(part(elements, 0, 4000), staged(store, part(elements, 0, 4095), 4000, 95), 4095);
        refusesCount(part(elements, 0, 4000), staged(store, more, 4000, 97), 4097);
        refusesCount(new bytes32[](0), nowhere, 0);
    }

    function refusesPointer(address pointer, uint256 size) private {
        address[] memory pointers = new address[](1);
        pointers[0] = pointer;
        reverts(
            address(harness),
            call(part(scattered(), 0, 4095), pointers),
            abi.encodeWithSelector(WholeBlob.RaggedPointer.selector, pointer, size)
        );
    }

    function test_pointersHoldWholeElements() public {
        refusesPointer(store.stage(new bytes(31)), 32);
        refusesPointer(store.stage(new bytes(33)), 34);
        refusesPointer(address(0x1234), 0);
        address stop = address(0x5678);
        vm.etch(stop, hex"00");
        refusesPointer(stop, 1);
    }

    /// The precompile itself refuses proofs of anything else.
    function test_proofAndCommitmentAreThoseOfTheBlob() public {
        bytes32[] memory elements = scattered();
        bytes memory other = blobOf(".tape").commitment;
        bytes memory data =
            abi.encodeCall(WholeBlobHarness.read, (blob.versionedHash, elements, nowhere, other, blob.proof));
        bytes32 named = blobOf(".tape").versionedHash;
        bytes memory expected = abi.encodeWithSelector(BlobReader.WrongCommitment.selector, blob.versionedHash, named);
        reverts(address(harness), data, expected);
        data = abi.encodeCall(
            WholeBlobHarness.read, (blob.versionedHash, elements, nowhere, blob.commitment, blob.commitment)
        );
        expected = abi.encodeWithSelector(BlobReader.WrongEvaluation.selector, blob.versionedHash, blob.z, blob.y);
        reverts(address(harness), data, expected);
    }

    // ---------------------------------------------------------------- the point

    /// A point that did not depend on all of it could be aimed at.
    /// forge-config: default.fuzz.runs = 24
    function testFuzz_thePointDependsOnEverything(uint16 index, uint8 bit) public view {
        bytes32[] memory elements = scattered();
        elements[index % 4096] ^= bytes32(1 << bit);
        vm.assertNotEq(bytes32(harness.challenge(blob.commitment, elements)), bytes32(blob.z));
        elements[index % 4096] ^= bytes32(1 << bit);
        bytes memory commitment = blob.commitment;
        commitment[index % 48] ^= bytes1(uint8(1 << (bit % 8)));
        vm.assertNotEq(bytes32(harness.challenge(commitment, elements)), bytes32(blob.z));
    }

    // ---------------------------------------------------------------- the value

    function power(uint256 base, uint256 exponent) private pure returns (uint256 result) {
        result = 1;
        for (; exponent > 0; exponent >>= 1) {
            if (exponent & 1 == 1) result = mulmod(result, base, R);
            base = mulmod(base, base, R);
        }
    }

    /// The values of `a + b X^k`, k below 4,096, at the roots of unity: whatever they are, the polynomial is known.
    /// forge-config: default.fuzz.runs = 24
    function testFuzz_valuesOfKnownPolynomials(uint256 a, uint256 b, uint16 k, uint256 z) public view {
        (a, b, k, z) = (a % R, b % R, k % 4096, z % R);
        bytes32[] memory elements = new bytes32[](4096);
        for (uint256 i = 0; i < 4096; ++i) {
            elements[i] = bytes32(addmod(a, mulmod(b, power(BlobReader.rootOfUnity(i), k), R), R));
        }
        vm.assertEq(harness.evaluate(elements, z), addmod(a, mulmod(b, power(z, k), R), R));
    }

    /// No point is special: at a root of unity the value is the element, in bit-reversed order.
    /// forge-config: default.fuzz.runs = 24
    function testFuzz_atARootOfUnityTheValueIsTheElement(uint16 index) public view {
        bytes32[] memory elements = scattered();
        uint256 root = BlobReader.rootOfUnity(index % 4096);
        vm.assertEq(harness.evaluate(elements, root), uint256(elements[index % 4096]));
    }

    /// The values of X in natural order are those of another polynomial.
    function test_naturalOrderIsAnotherPolynomial() public view {
        bytes32[] memory elements = new bytes32[](4096);
        uint256 root = 1;
        for (uint256 i = 0; i < 4096; ++i) {
            elements[i] = bytes32(root);
            root = mulmod(root, 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306, R);
        }
        vm.assertNotEq(bytes32(harness.evaluate(elements, blob.z)), bytes32(blob.z));
    }
}
