// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInbox} from "../../src/interfaces/IInbox.sol";
import {Batch, View} from "../../src/interfaces/Types.sol";
import {Test} from "../support/Test.sol";
import {TestInbox} from "../support/TestInbox.sol";

/// @notice An inbox with one sequencer, at L1 block 1000.
abstract contract InboxBase is Test {
    uint64 internal constant START = 1_800_000_000;
    uint64 internal constant DELAY = 12 hours;
    uint256 internal constant FEE = 0.001 ether;
    uint64 internal constant MINIMUM = 100_000;
    bytes32 internal constant BLOB = bytes32(uint256(1 << 248) + 1);

    TestInbox internal inbox;

    function setUp() public virtual {
        vm.roll(1000);
        vm.warp(START);
        vm.setBlockhash(999, keccak256("999"));
        vm.prevrandao(keccak256("randao"));
        inbox = deploy(ALICE, address(0));
    }

    function deploy(address sequencer, address gasToken) internal returns (TestInbox) {
        return new TestInbox(IInbox.Config(sequencer, DELAY, FEE, MINIMUM, gasToken, BRIDGE));
    }

    /// @dev The next L1 block, with a transaction of one blob, `time` seconds after the start.
    function nextBlock(uint64 time) internal {
        vm.roll(block.number + 1);
        vm.setBlockhash(block.number - 1, keccak256(abi.encode(block.number - 1)));
        vm.warp(START + time);
        inbox.nextTransaction();
        setBlobs(BLOB);
    }

    function append(uint32 minView) internal returns (uint64) {
        vm.prank(ALICE);
        return inbox.append(BOB, minView, 0);
    }

    function force(bytes memory raw) internal returns (uint64) {
        vm.deal(BOB, FEE);
        vm.prank(BOB);
        return inbox.force{value: FEE}(raw);
    }

    function deposit(uint256 amount) internal returns (uint64) {
        vm.deal(BOB, amount);
        vm.prank(BOB);
        return inbox.deposit{value: amount}(ALICE);
    }

    function hashOf(Batch memory b) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(b.previous, b.l1Hash, b.versionedHashes, b.feeRecipient, b.l1Timestamp, b.viewCount, b.minView)
        );
    }
}
