// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L2Withdrawals} from "../../src/l2/L2Withdrawals.sol";
import {IL2Withdrawals} from "../../src/interfaces/IL2Withdrawals.sol";
import {Withdrawal} from "../../src/interfaces/Types.sol";
import {Test} from "../support/Test.sol";

contract L2WithdrawalsTest is Test {
    L2Withdrawals private l2 = new L2Withdrawals();

    function test_recordsAMessage() public {
        vm.deal(BOB, 5 ether);
        Withdrawal memory first = Withdrawal(0, BOB, ALICE, 2 ether, 7, "data");
        bytes32 hash = keccak256(abi.encode(first));
        vm.assertFalse(l2.recorded(hash));
        expectEvent(address(l2));
        emit IL2Withdrawals.WithdrawalRecorded(0, BOB, ALICE, hash, first);
        vm.prank(BOB);
        vm.assertEq(l2.withdraw{value: 2 ether}(ALICE, 7, "data"), hash);
        vm.assertTrue(l2.recorded(hash));
        vm.assertEq(l2.count(), uint256(1));
        vm.assertEq(address(l2).balance, 2 ether);
        // What the bridge on L1 looks at.
        vm.assertEq(vm.load(address(l2), keccak256(abi.encode(hash, uint256(0)))), bytes32(uint256(1)));

        Withdrawal memory second = Withdrawal(1, BOB, ALICE, 2 ether, 7, "data");
        vm.prank(BOB);
        vm.assertEq(l2.withdraw{value: 2 ether}(ALICE, 7, "data"), keccak256(abi.encode(second)));
    }

    function test_limits() public {
        uint64 gas_ = l2.MAX_GAS_LIMIT();
        uint256 bytes_ = l2.MAX_DATA_BYTES();
        refuses(address(0), 0, "", abi.encodeWithSelector(IL2Withdrawals.ZeroTarget.selector));
        refuses(ALICE, gas_ + 1, "", abi.encodeWithSelector(IL2Withdrawals.GasLimitTooHigh.selector, gas_ + 1, gas_));
        refuses(
            ALICE,
            0,
            new bytes(bytes_ + 1),
            abi.encodeWithSelector(IL2Withdrawals.DataTooLong.selector, bytes_ + 1, bytes_)
        );
        l2.withdraw(ALICE, gas_, new bytes(bytes_));
    }

    /// Money that comes without a message would be lost.
    function test_takesNoEtherElsewhere() public {
        reverts(BOB, 1 ether, address(l2), "", "");
    }

    function refuses(address target, uint64 gas_, bytes memory data, bytes memory expected) private {
        reverts(BOB, 1 ether, address(l2), abi.encodeCall(IL2Withdrawals.withdraw, (target, gas_, data)), expected);
    }
}
