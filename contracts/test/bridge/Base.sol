// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bridge} from "../../src/Bridge.sol";
import {L2Withdrawals} from "../../src/l2/L2Withdrawals.sol";
import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IL2Withdrawals} from "../../src/interfaces/IL2Withdrawals.sol";
import {Checkpoint, Withdrawal} from "../../src/interfaces/Types.sol";
import {Game} from "../support/Game.sol";
import {Entry, Trie} from "../support/Trie.sol";
import {Toy} from "../support/ToyVerifier.sol";

/// @notice A rollup with a bridge and deposits, and L2 states with messages in them that are claimed and confirmed.
/// The messages are recorded by the predeploy itself, here; its slots are what stands in the tries.
abstract contract BridgeBase is Game {
    uint64 internal constant DELAY = 1 days;
    uint256 internal constant LOCKED = 100 ether;

    Bridge internal bridge;
    IL2Withdrawals internal l2;

    function setUp() public virtual override {
        super.setUp();
        l2 = new L2Withdrawals();
        bridge = deployBridge(DELAY);
        fund();
    }

    /// @dev Where {setUp} puts it: after the inbox, the verifier, the store, the rollup and the predeploy's stand-in.
    function bridgeAddress() internal virtual override returns (address) {
        return vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 5);
    }

    function fund() internal virtual {
        vm.deal(BOB, BOB.balance + LOCKED);
        vm.prank(BOB);
        inbox.deposit{value: LOCKED}(BOB);
    }

    function deployBridge(uint64 delay) internal returns (Bridge) {
        Entry[] memory accounts = world(Trie.EMPTY_ROOT, keccak256(type(L2Withdrawals).runtimeCode));
        return new Bridge(IBridge.Config(rollup, delay), Trie.root(accounts), predeployProof(accounts));
    }

    // ---------------------------------------------------------------- L2

    function predeploy() internal pure returns (address) {
        return 0x8079000000000000000000000000000000000001;
    }

    /// @dev Some accounts, the predeploy among them.
    function world(bytes32 storageRoot, bytes32 codeHash) internal pure returns (Entry[] memory accounts) {
        accounts = new Entry[](20);
        for (uint256 i = 0; i < 19; ++i) {
            bytes memory account = Trie.account(i, 1 ether, Trie.EMPTY_ROOT, keccak256(""));
            accounts[i] = Entry(keccak256(abi.encodePacked(address(uint160(i + 1)))), account);
        }
        bytes memory ours = Trie.account(1, 0, storageRoot, codeHash);
        accounts[19] = Entry(keccak256(abi.encodePacked(predeploy())), ours);
    }

    function predeployProof(Entry[] memory accounts) internal pure returns (bytes[] memory) {
        return Trie.prove(accounts, keccak256(abi.encodePacked(predeploy())));
    }

    /// @dev Records a message of BOB on L2, and gives it.
    function send(address target, uint256 value, uint64 gasLimit, bytes memory data)
        internal
        returns (Withdrawal memory withdrawal)
    {
        withdrawal = Withdrawal(l2.count(), BOB, target, value, gasLimit, data);
        vm.deal(BOB, BOB.balance + value);
        vm.prank(BOB);
        bytes32 hash = l2.withdraw{value: value}(target, gasLimit, data);
        vm.assertEq(hash, hashOf(withdrawal));
    }

    function hashOf(Withdrawal memory withdrawal) internal pure returns (bytes32) {
        return keccak256(abi.encode(withdrawal));
    }

    function slotOf(Withdrawal memory withdrawal) internal pure returns (bytes32) {
        return keccak256(abi.encode(hashOf(withdrawal), uint256(0)));
    }

    /// @dev The storage of the predeploy after these messages: what its code left in those slots.
    function storageOf(Withdrawal[] memory messages) internal view returns (Entry[] memory slots) {
        slots = new Entry[](messages.length + 1);
        slots[0] = slotEntry(bytes32(uint256(1)));
        for (uint256 i = 0; i < messages.length; ++i) {
            slots[i + 1] = slotEntry(slotOf(messages[i]));
        }
    }

    function slotEntry(bytes32 slot) private view returns (Entry memory) {
        // rlp of a number below 128 is that byte.
        return Entry(keccak256(abi.encodePacked(slot)), abi.encodePacked(uint8(uint256(vm.load(address(l2), slot)))));
    }

    // ---------------------------------------------------------------- claims

    function only(Withdrawal memory message) internal pure returns (Withdrawal[] memory messages) {
        messages = new Withdrawal[](1);
        messages[0] = message;
    }

    /// @dev Claims a state that holds these messages, up to `batch`, and proves the first of them in it.
    function claimed(Withdrawal[] memory messages, uint64 batch)
        internal
        returns (bytes32 attempt, IBridge.WithdrawalProof memory proof)
    {
        Entry[] memory slots = storageOf(messages);
        Entry[] memory accounts = world(Trie.root(slots), keccak256(type(L2Withdrawals).runtimeCode));
        Checkpoint memory end = Toy.end(uint256(Trie.root(accounts)), batch);
        attempt = propose(ALICE, rollup.tip(), end, 8);
        bytes[] memory storageProof = Trie.prove(slots, keccak256(abi.encodePacked(slotOf(messages[0]))));
        proof = IBridge.WithdrawalProof(contentOf(attempt), end, predeployProof(accounts), storageProof);
    }

    /// @dev As {claimed}, up to batch 1, confirmed, and old enough.
    function payable_(Withdrawal memory message) internal returns (IBridge.WithdrawalProof memory proof) {
        bytes32 attempt;
        (attempt, proof) = claimed(only(message), 1);
        vm.warp(block.timestamp + WINDOW + 1);
        rollup.confirm(attempt);
        vm.warp(block.timestamp + DELAY);
    }

    function pay(Withdrawal memory message, IBridge.WithdrawalProof memory proof) internal {
        vm.prank(MALLORY); // whoever calls
        bridge.withdraw(message, proof);
    }

    function refuses(Withdrawal memory message, IBridge.WithdrawalProof memory proof, bytes memory expected) internal {
        reverts(MALLORY, 0, address(bridge), abi.encodeCall(IBridge.withdraw, (message, proof)), expected);
        vm.assertEq(inbox.locked(), LOCKED);
    }
}
