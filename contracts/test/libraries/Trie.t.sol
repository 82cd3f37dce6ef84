// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixtures} from "../support/Fixtures.sol";
import {Entry, Trie} from "../support/Trie.sol";
import {StateProof} from "../../src/libraries/StateProof.sol";

/// @notice So that a failing proof is a call that reverts.
contract StateProofHarness {
    function slot(bytes32 root, bytes32 index, bytes[] calldata proof) external pure returns (uint256) {
        return StateProof.slot(root, index, proof);
    }
}

contract TrieTest is Fixtures {
    StateProofHarness private harness = new StateProofHarness();

    /// The trie that tests build is the one of py-trie: same root, same proofs.
    function test_matchesAnotherImplementation() public view {
        (bytes32 root, bytes[] memory proof2935, bytes[] memory proof4788) = genesisProofs("good");
        Entry[] memory accounts = new Entry[](42);
        for (uint256 i = 0; i < 40; ++i) {
            accounts[i] = entry(address(uint160(i)), 1 ether + i, "");
        }
        address history = 0x0000F90827F1C53a10cb7A02335B175320002935;
        address roots = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;
        accounts[40] = entry(history, 0, vm.parseJsonBytes(json(), ".genesis.code2935"));
        accounts[41] = entry(roots, 0, vm.parseJsonBytes(json(), ".genesis.code4788"));
        vm.assertEq(Trie.root(accounts), root);
        vm.assertEq(abi.encode(Trie.prove(accounts, accounts[40].key)), abi.encode(proof2935));
        vm.assertEq(abi.encode(Trie.prove(accounts, accounts[41].key)), abi.encode(proof4788));
    }

    function entry(address who, uint256 balance, bytes memory code) private pure returns (Entry memory) {
        bytes memory account = Trie.account(1, balance, Trie.EMPTY_ROOT, keccak256(code));
        return Entry(keccak256(abi.encodePacked(who)), account);
    }

    /// Any slot of any storage is proven with its value, and with no other root.
    function testFuzz_slots(uint256 seed, uint8 count, uint256 wanted) public {
        Entry[] memory slots = new Entry[](uint256(count) % 24 + 1);
        for (uint256 i = 0; i < slots.length; ++i) {
            slots[i].key = keccak256(abi.encodePacked(keccak256(abi.encode(seed, i))));
            slots[i].value = abi.encodePacked(uint8(i + 1));
        }
        wanted = wanted % slots.length;
        bytes32 slot = keccak256(abi.encode(seed, wanted));
        bytes[] memory proof = Trie.prove(slots, slots[wanted].key);
        vm.assertEq(harness.slot(Trie.root(slots), slot, proof), wanted + 1);
        bytes32 absent = keccak256(abi.encode(seed, slots.length));
        (bool success,) = address(harness).call(abi.encodeCall(harness.slot, (Trie.root(slots), absent, proof)));
        vm.assertFalse(success);
        (success,) = address(harness).call(abi.encodeCall(harness.slot, (keccak256("other"), slot, proof)));
        vm.assertFalse(success);
    }
}
