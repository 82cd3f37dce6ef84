// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {Withdrawal} from "../../src/interfaces/Types.sol";
import {L2Withdrawals} from "../../src/l2/L2Withdrawals.sol";
import {BridgeBase} from "./Base.sol";
import {Bomb, Dearer, Frugal, Reenterer, Witness} from "./Targets.sol";

/// @notice What targets and payers of messages try.
contract CallsTest is BridgeBase {
    address private constant CAROL = address(0xCA401);

    function test_aFailedCallCanBeTriedAgain() public {
        Witness target = new Witness();
        target.close(true);
        Withdrawal memory message = send(address(target), 1 ether, 400_000, "data");
        IBridge.WithdrawalProof memory proof = payable_(message);
        refuses(message, proof, abi.encodeWithSelector(IBridge.CallFailed.selector, hashOf(message)));
        vm.assertFalse(bridge.paid(hashOf(message)));
        vm.warp(block.timestamp + 365 days);
        refuses(message, proof, abi.encodeWithSelector(IBridge.CallFailed.selector, hashOf(message)));

        target.close(false);
        pay(message, proof);
        vm.assertEq(target.value(), 1 ether);
    }

    /// With any gas that a payer gives, the target gets what it was promised, or nothing happens.
    function testFuzz_starvedTargets(uint256 gas_, uint64 gasLimit) public {
        gasLimit = gasLimit % 2_000_000;
        gas_ = gas_ % 4_000_000;
        Frugal target = new Frugal();
        Withdrawal memory message = send(address(target), 1 ether, gasLimit, "");
        bytes memory call = abi.encodeCall(IBridge.withdraw, (message, payable_(message)));
        vm.prank(MALLORY);
        (bool success,) = address(bridge).call{gas: gas_}(call);
        vm.assertEq(bridge.paid(hashOf(message)), success);
        // Its first instructions took a few, and the call brings a stipend.
        if (success) vm.assertTrue(target.got() + 200 >= gasLimit, "starved");
        else vm.assertEq(inbox.locked(), LOCKED);
    }

    /// Exactly at the bound: one gas less is refused before the call, and the bound is no more than it has to be.
    function test_theBoundOfGas() public {
        Frugal target = new Frugal();
        uint64 gasLimit = 5_000_000;
        Withdrawal memory message = send(address(target), 1 ether, gasLimit, "");
        bytes memory call = abi.encodeCall(IBridge.withdraw, (message, payable_(message)));
        (uint256 low, uint256 high) = (gasLimit, 2 * gasLimit);
        while (low + 1 < high) {
            uint256 middle = (low + high) / 2;
            (, bytes memory answer_) = address(this).call(abi.encodeCall(this.tries, (call, middle)));
            (low, high) = abi.decode(answer_, (bool)) ? (low, middle) : (middle, high);
        }
        (bool enough, bytes memory answer) = address(bridge).call{gas: low}(call);
        vm.assertFalse(enough);
        vm.assertEq(bytes32(bytes4(answer)), bytes32(IBridge.NotEnoughGas.selector));
        (enough,) = address(bridge).call{gas: high}(call);
        vm.assertTrue(enough);
        vm.assertTrue(target.got() + 200 >= gasLimit && target.got() <= gasLimit + 2300);
        vm.assertTrue(high < gasLimit + 600_000, "asks for too much");
    }

    /// A stranger makes the target dearer than the message foresaw: its payer gives it more, and can't give it less.
    function test_makesTheTargetDearerThanTheMessageForesaw() public {
        Dearer target = new Dearer();
        Withdrawal memory message = send(address(target), 1 ether, 60_000, "");
        IBridge.WithdrawalProof memory proof = payable_(message);
        vm.prank(MALLORY);
        target.grow(5);
        bytes32 hash = keccak256(abi.encode(message));
        bytes memory call = abi.encodeCall(IBridge.withdraw, (message, proof));
        reverts(address(bridge), call, abi.encodeWithSelector(IBridge.CallFailed.selector, hash));
        call = abi.encodeCall(IBridge.withdrawWithGas, (message, proof, 59_999));
        reverts(address(bridge), call, abi.encodeWithSelector(IBridge.LessThanGasLimit.selector, 59_999, 60_000));
        call = abi.encodeCall(IBridge.withdrawWithGas, (message, proof, 60_000)); // as foreseen
        reverts(address(bridge), call, abi.encodeWithSelector(IBridge.CallFailed.selector, hash));
        bridge.withdrawWithGas(message, proof, 300_000);
        vm.assertEq(address(target).balance, 1 ether);
        call = abi.encodeCall(IBridge.withdrawWithGas, (message, proof, 300_000));
        reverts(address(bridge), call, abi.encodeWithSelector(IBridge.AlreadyPaid.selector, hash));
    }

    /// @dev Whether that is enough gas; says so by reverting, which undoes it.
    function tries(bytes calldata call, uint256 gas_) external {
        (bool success,) = address(bridge).call{gas: gas_}(call);
        bytes memory answer = abi.encode(success);
        assembly {
            revert(add(answer, 0x20), mload(answer))
        }
    }

    function test_aLongAnswerCostsThePayerNothing() public {
        for (uint256 i = 0; i < 2; ++i) {
            Bomb target = new Bomb(i == 1);
            uint64 gasLimit = 3_000_000;
            Withdrawal memory message = send(address(target), 0, gasLimit, "");
            (bytes32 claim, IBridge.WithdrawalProof memory proof) = claimed(only(message), uint64(i) + 1);
            vm.warp(block.timestamp + WINDOW + 1);
            rollup.confirm(claim);
            vm.warp(block.timestamp + DELAY);
            bytes memory call = abi.encodeCall(IBridge.withdraw, (message, proof));
            vm.prank(MALLORY);
            uint256 before = gasleft();
            (bool success, bytes memory answer) = address(bridge).call(call);
            uint256 used = before - gasleft();
            vm.assertEq(success, i == 0);
            vm.assertTrue(answer.length < 100);
            // 1.67 million for the target's own memory, some for the proof; another 1.67 million if it were copied.
            vm.assertTrue(used > 1_600_000 && used < 2_300_000, "copied");
        }
    }

    function test_reentering() public {
        Reenterer target = new Reenterer(bridge);
        Withdrawal[] memory messages = new Withdrawal[](2);
        messages[0] = send(address(target), 1 ether, 2_000_000, "");
        messages[1] = send(CAROL, 1 ether, 0, "");
        IBridge.WithdrawalProof memory proof = payable_(messages[0]);
        // The same again, and another one that is due.
        (messages[0], messages[1]) = (messages[1], messages[0]);
        (bytes32 claim, IBridge.WithdrawalProof memory other) = claimed(messages, 2);
        vm.warp(block.timestamp + WINDOW + 1);
        rollup.confirm(claim);
        vm.warp(block.timestamp + DELAY);

        target.set(messages[0], other);
        pay(messages[1], proof);
        vm.assertFalse(target.succeeded());
        vm.assertEq(target.answer(), abi.encodeWithSelector(IBridge.Reentered.selector));
        vm.assertEq(address(target).balance, 1 ether);
        vm.assertEq(inbox.locked(), LOCKED - 1 ether);
        // Afterwards it is paid as any other.
        pay(messages[0], other);
        vm.assertEq(CAROL.balance, 1 ether);
    }

    function test_reenteringWithTheSame() public {
        Reenterer target = new Reenterer(bridge);
        Withdrawal memory message = send(address(target), 1 ether, 2_000_000, "");
        IBridge.WithdrawalProof memory proof = payable_(message);
        target.set(message, proof);
        pay(message, proof);
        vm.assertFalse(target.succeeded());
        vm.assertEq(address(target).balance, 1 ether);
        vm.assertEq(inbox.locked(), LOCKED - 1 ether);
    }

    /// What L2 takes, L1 can pay in one transaction: calldata and all, EIP-7825 leaves 2^24 gas.
    function test_theLargestMessageFitsATransaction() public {
        Frugal target = new Frugal();
        L2Withdrawals limits = new L2Withdrawals();
        bytes memory data = new bytes(limits.MAX_DATA_BYTES());
        for (uint256 i = 0; i < data.length; ++i) {
            data[i] = 0xff;
        }
        Withdrawal memory message = send(address(target), 1 ether, limits.MAX_GAS_LIMIT(), data);
        bytes memory call = abi.encodeCall(IBridge.withdraw, (message, payable_(message)));
        // All that is not here, as if not a byte were zero: calldata, and proofs 8 nodes deeper.
        uint256 outside = 21_000 + 16 * (call.length + 16 * 600) + 16 * 30_000;
        vm.prank(MALLORY);
        (bool success,) = address(bridge).call{gas: (1 << 24) - outside}(call);
        vm.assertTrue(success);
        vm.assertTrue(target.got() + 200 >= limits.MAX_GAS_LIMIT());
    }
}
