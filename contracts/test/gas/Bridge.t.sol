// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {Withdrawal} from "../../src/interfaces/Types.sol";
import {BridgeBase} from "../bridge/Base.sol";
import {Witness} from "../bridge/Targets.sol";
import {TetherLike} from "../support/Tokens.sol";

/// @dev As in Gas.t.sol: single calls, without what a transaction costs itself, and with short proofs: of 20 accounts and two
/// slots. What whole transactions cost is measured on an L1 (docs/bridge.md).
contract BridgeGasTest is BridgeBase {
    address private constant CAROL = address(0xCA401);

    function test_withdraw() public {
        Withdrawal memory message = send(CAROL, 1 ether, 0, "");
        pay(message, payable_(message));
        vm.snapshotGasLastCall("Bridge", "withdraw, ether to a new account");
    }

    function test_withdrawAndCall() public {
        Withdrawal memory message = send(address(new Witness()), 1 ether, 400_000, "data");
        bridge.withdrawWithGas(message, payable_(message), 500_000);
        vm.snapshotGasLastCall("Bridge", "withdrawWithGas, a call that writes six slots");
    }
}

contract TokenBridgeGasTest is BridgeBase {
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

    function test_withdraw() public {
        Withdrawal memory message = send(CAROL, 1 ether, 0, "");
        pay(message, payable_(message));
        vm.snapshotGasLastCall("Bridge", "withdraw, a token");
    }

    function test_deposit() public {
        vm.prank(BOB);
        token.approve(address(inbox), 1e6);
        vm.prank(BOB);
        inbox.depositToken(BOB, 1e9);
        vm.snapshotGasLastCall("Inbox", "depositToken, a second one in the block");
    }

    function test_lessThanAUnit() public {
        Withdrawal memory message = send(CAROL, 1e12 - 1, 0, "");
        pay(message, payable_(message));
        vm.snapshotGasLastCall("Bridge", "withdraw, less than a token's unit");
    }
}

contract L2WithdrawalsGasTest is BridgeBase {
    function test_withdraw() public {
        l2.withdraw{value: 1 ether}(BOB, 0, "");
        vm.snapshotGasLastCall("L2Withdrawals", "withdraw, the first");
        l2.withdraw{value: 1 ether}(BOB, 0, "");
        vm.snapshotGasLastCall("L2Withdrawals", "withdraw");
        l2.withdraw{value: 1 ether}(BOB, 10_000_000, new bytes(32_768));
        vm.snapshotGasLastCall("L2Withdrawals", "withdraw, 32,768 bytes");
    }
}
