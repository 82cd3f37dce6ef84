// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @notice What all tests share.
abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address internal constant ALICE = address(0xA11CE); // honest
    address internal constant BOB = address(0xB0B); // watches
    address internal constant MALLORY = address(0xBAD); // lies
    address internal constant BRIDGE = address(0xB41D6E); // releases deposits

    /// @dev The next call must emit the event that is emitted next here, topics and data.
    function expectEvent(address emitter) internal {
        vm.expectEmit(true, true, true, true, emitter);
    }

    /// @dev `who` calls `target`, which must revert with exactly `expected`.
    function reverts(address who, uint256 value, address target, bytes memory data, bytes memory expected) internal {
        vm.deal(who, who.balance + value);
        vm.prank(who);
        (bool success, bytes memory answer) = target.call{value: value}(data);
        vm.assertFalse(success);
        vm.assertEq(answer, expected);
    }

    function reverts(address target, bytes memory data, bytes memory expected) internal {
        reverts(BOB, 0, target, data, expected);
    }

    function setBlobs(bytes32 a) internal {
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = a;
        vm.blobhashes(hashes);
    }

    function setBlobs(bytes32 a, bytes32 b) internal {
        bytes32[] memory hashes = new bytes32[](2);
        (hashes[0], hashes[1]) = (a, b);
        vm.blobhashes(hashes);
    }

    function noBlobs() internal {
        vm.blobhashes(new bytes32[](0));
    }
}
