// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "./Test.sol";

/// @notice A real blob, opened at some indices.
struct OpenedBlob {
    bytes32 versionedHash;
    bytes commitment;
    uint256[] indices;
    bytes32[] elements;
    bytes[] proofs;
}

/// @notice Data made by test/fixtures/generate.py.
abstract contract Fixtures is Test {
    function json() internal view returns (string memory) {
        return vm.readFile("test/fixtures/fixtures.json");
    }

    function blobOf(string memory path) internal view returns (OpenedBlob memory) {
        string memory file = json();
        return OpenedBlob({
            versionedHash: vm.parseJsonBytes32(file, string.concat(path, ".versionedHash")),
            commitment: vm.parseJsonBytes(file, string.concat(path, ".commitment")),
            indices: vm.parseJsonUintArray(file, string.concat(path, ".indices")),
            elements: vm.parseJsonBytes32Array(file, string.concat(path, ".elements")),
            proofs: vm.parseJsonBytesArray(file, string.concat(path, ".proofs"))
        });
    }

    function genesisProofs(string memory which)
        internal
        view
        returns (bytes32 root, bytes[] memory proof2935, bytes[] memory proof4788)
    {
        string memory file = json();
        string memory path = string.concat(".genesis.", which);
        root = vm.parseJsonBytes32(file, string.concat(path, ".root"));
        proof2935 = vm.parseJsonBytesArray(file, string.concat(path, ".proof2935"));
        proof4788 = vm.parseJsonBytesArray(file, string.concat(path, ".proof4788"));
    }
}
