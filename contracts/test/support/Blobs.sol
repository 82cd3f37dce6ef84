// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ChunkStore} from "../../src/ChunkStore.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {Fixtures} from "./Fixtures.sol";

/// @notice A real blob of which no list of elements is stored: {Blobs.scattered} makes them.
struct WholeFixture {
    bytes32 versionedHash;
    bytes commitment;
    uint256 z;
    uint256 y;
    bytes proof;
}

/// @notice Whole blobs, and ways to hand them over.
abstract contract Blobs is Fixtures {
    /// @dev Bytes of the transaction that the blob's only item carries.
    uint32 internal constant LONGEST = 126_972;

    function wholeFixture() internal view returns (WholeFixture memory) {
        string memory file = json();
        return WholeFixture({
            versionedHash: vm.parseJsonBytes32(file, ".whole.versionedHash"),
            commitment: vm.parseJsonBytes(file, ".whole.commitment"),
            z: uint256(vm.parseJsonBytes32(file, ".whole.z")),
            y: uint256(vm.parseJsonBytes32(file, ".whole.y")),
            proof: vm.parseJsonBytes(file, ".whole.proof")
        });
    }

    /// @dev As `scattered` in test/fixtures/generate.py.
    function scattered() internal pure returns (bytes32[] memory elements) {
        elements = new bytes32[](4096);
        for (uint256 i = 0; i < 4096; ++i) {
            elements[i] = bytes32(uint256(keccak256(abi.encode(i))) % BlobReader.BLS_MODULUS);
        }
        uint256 header = (uint256(0x02) << 24 | LONGEST) << 216;
        uint256 kept = uint256(elements[0]) & ~(uint256(type(uint32).max) << 216);
        elements[0] = bytes32(kept | header);
    }

    function part(bytes32[] memory elements, uint256 start, uint256 end) internal pure returns (bytes32[] memory some) {
        some = new bytes32[](end - start);
        for (uint256 i = start; i < end; ++i) {
            some[i - start] = elements[i];
        }
    }

    /// @dev Stages elements `[start, end)`, so many a chunk.
    function staged(ChunkStore store, bytes32[] memory elements, uint256 start, uint256 size)
        internal
        returns (address[] memory pointers)
    {
        pointers = new address[]((elements.length - start + size - 1) / size);
        for (uint256 i = 0; i < pointers.length; ++i) {
            uint256 end = start + size < elements.length ? start + size : elements.length;
            pointers[i] = store.stage(abi.encodePacked(part(elements, start, end)));
            start = end;
        }
    }
}
