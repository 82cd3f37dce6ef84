// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {Withdrawal} from "../../src/interfaces/Types.sol";
import {Picky, TetherLike} from "../support/Tokens.sol";
import {BridgeBase} from "./Base.sol";
import {Witness} from "./Targets.sol";

/// @notice Withdrawals where a token of six decimals is the gas of L2.
contract TokenBridgeTest is BridgeBase {
    address private constant CAROL = address(0xCA401);
    TetherLike private token;

    function gasToken() internal override returns (address) {
        token = new TetherLike(BOB, 1e12);
        return address(token);
    }

    function fund() internal override {
        vm.prank(BOB);
        token.approve(address(inbox), 100e6);
        vm.prank(BOB);
        inbox.depositToken(BOB, 100e9);
    }

    function test_paysTokens() public {
        Withdrawal memory message = send(CAROL, 3 ether, 0, "");
        pay(message, payable_(message));
        vm.assertEq(token.balanceOf(CAROL), 3e6);
        vm.assertEq(inbox.locked(), 97e6);
        vm.assertEq(token.balanceOf(address(bridge)), uint256(0));
    }

    function test_thenCallsWithTheDataWithoutValue() public {
        Witness target = new Witness();
        Withdrawal memory message = send(address(target), 3 ether, 400_000, "data");
        pay(message, payable_(message));
        vm.assertEq(target.data(), "data");
        vm.assertEq(target.value(), uint256(0));
        vm.assertEq(target.l2Sender(), BOB);
        vm.assertEq(token.balanceOf(address(target)), 3e6);
    }

    function test_aContractIsNotCalledWithoutData() public {
        Witness target = new Witness();
        target.close(true);
        Withdrawal memory message = send(address(target), 1 ether, 400_000, "");
        pay(message, payable_(message));
        vm.assertEq(token.balanceOf(address(target)), 1e6);
    }

    function test_aFailedCallMovesNoTokens() public {
        Witness target = new Witness();
        target.close(true);
        Withdrawal memory message = send(address(target), 1 ether, 400_000, "data");
        IBridge.WithdrawalProof memory proof = payable_(message);
        bytes memory expected = abi.encodeWithSelector(IBridge.CallFailed.selector, hashOf(message));
        reverts(MALLORY, 0, address(bridge), abi.encodeCall(IBridge.withdraw, (message, proof)), expected);
        vm.assertEq(token.balanceOf(address(target)), uint256(0));
        target.close(false);
        pay(message, proof);
        vm.assertEq(token.balanceOf(address(target)), 1e6);
    }

    /// The bridge could be told to move tokens that it holds, or to approve: it holds none, and is not told.
    function test_notTheToken() public {
        Withdrawal memory message =
            send(address(token), 1 ether, 400_000, abi.encodeCall(token.transfer, (MALLORY, 1e6)));
        IBridge.WithdrawalProof memory proof = payable_(message);
        reverts(
            MALLORY,
            0,
            address(bridge),
            abi.encodeCall(IBridge.withdraw, (message, proof)),
            abi.encodeWithSelector(IBridge.ForbiddenTarget.selector, address(token))
        );
    }

    /// Less than a unit of the token is nothing on L1: the message is delivered, and the token is not asked to move nothing.
    function test_lessThanAUnit() public {
        vm.etch(address(token), address(new Picky()).code);
        Witness target = new Witness();
        Withdrawal memory message = send(address(target), 1e12 - 1, 400_000, "data");
        IBridge.WithdrawalProof memory proof = payable_(message);
        pay(message, proof);
        vm.assertEq(target.calls(), uint256(1));
        vm.assertEq(token.balanceOf(address(target)), uint256(0));
        vm.assertEq(inbox.locked(), 100e6);
        reverts(
            MALLORY,
            0,
            address(bridge),
            abi.encodeCall(IBridge.withdraw, (message, proof)),
            abi.encodeWithSelector(IBridge.AlreadyPaid.selector, hashOf(message))
        );
    }

    /// Without data there is nothing to do, and it counts as paid.
    function test_lessThanAUnitWithoutData() public {
        vm.etch(address(token), address(new Picky()).code);
        Withdrawal memory message = send(CAROL, 1e12 - 1, 0, "");
        pay(message, payable_(message));
        vm.assertTrue(bridge.paid(hashOf(message)));
        vm.assertEq(inbox.locked(), 100e6);
    }

    function test_exactlyAUnit() public {
        vm.etch(address(token), address(new Picky()).code);
        Withdrawal memory message = send(CAROL, 1e12, 0, "");
        pay(message, payable_(message));
        vm.assertEq(token.balanceOf(CAROL), uint256(1));
        vm.assertEq(inbox.locked(), 100e6 - 1);
    }
}
