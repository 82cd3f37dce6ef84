// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bridge} from "../../src/Bridge.sol";
import {L2Withdrawals} from "../../src/l2/L2Withdrawals.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {Checkpoint} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Entry, Trie} from "../support/Trie.sol";
import {BridgeBase} from "./Base.sol";

contract BridgeConstructorTest is BridgeBase {
    bytes32 private codeHash = keccak256(type(L2Withdrawals).runtimeCode);

    function make(Entry[] memory accounts) external returns (Bridge) {
        return new Bridge(IBridge.Config(rollup, DELAY), Trie.root(accounts), predeployProof(accounts));
    }

    function refuses(Entry[] memory accounts, bytes memory expected) private {
        reverts(address(this), abi.encodeCall(this.make, (accounts)), expected);
    }

    function test_configIsKept() public view {
        vm.assertEq(abi.encode(bridge.config()), abi.encode(IBridge.Config(rollup, DELAY)));
    }

    function test_theInboxNamesThisBridge() public {
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        refuses(
            world(Trie.EMPTY_ROOT, codeHash),
            abi.encodeWithSelector(IBridge.WrongBridge.selector, next, address(bridge))
        );
    }

    /// @dev So that the inbox names what is deployed next here.
    function expectBridge() private {
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.mockCall(address(inbox), abi.encodeCall(inbox.config, ()), abi.encode(configFor(next)));
    }

    function configFor(address next) private view returns (IInbox.Config memory c) {
        c = inbox.config();
        c.bridge = next;
    }

    function test_theGenesisIsTheRollups() public {
        expectBridge();
        Checkpoint memory other;
        other.stateRoot = keccak256("other");
        vm.mockCall(address(verifier), abi.encodeWithSelector(IStepVerifier.genesis.selector), abi.encode(other));
        bytes32 content = keccak256(abi.encode(bytes32(0), bytes32(0), CheckpointLib.h248(other), uint64(0)));
        refuses(world(Trie.EMPTY_ROOT, codeHash), abi.encodeWithSelector(IBridge.NotGenesis.selector, content));
    }

    function test_thePredeployHasItsCodeAndNoMessages() public {
        expectBridge();
        bytes32 other = keccak256("other");
        refuses(
            world(Trie.EMPTY_ROOT, other), abi.encodeWithSelector(IBridge.NotPredeploy.selector, Trie.EMPTY_ROOT, other)
        );
        refuses(world(other, codeHash), abi.encodeWithSelector(IBridge.NotPredeploy.selector, other, codeHash));
        this.make(world(Trie.EMPTY_ROOT, codeHash));
    }
}
