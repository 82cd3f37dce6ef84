// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {Checkpoint, Withdrawal} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {BridgeBase} from "./Base.sol";
import {Witness} from "./Targets.sol";

contract WithdrawTest is BridgeBase {
    address private constant CAROL = address(0xCA401);

    function test_paysAnAccount() public {
        Withdrawal memory message = send(CAROL, 3 ether, 0, "");
        IBridge.WithdrawalProof memory proof = payable_(message);
        vm.assertFalse(bridge.paid(hashOf(message)));

        expectEvent(address(bridge));
        emit IBridge.Paid(hashOf(message), BOB, CAROL, 3 ether);
        expectEvent(address(inbox));
        emit IInbox.Released(address(bridge), 3 ether);
        pay(message, proof);
        vm.assertEq(CAROL.balance, 3 ether);
        vm.assertTrue(bridge.paid(hashOf(message)));
        vm.assertEq(inbox.locked(), LOCKED - 3 ether);
        vm.assertEq(address(inbox).balance, LOCKED - 3 ether);
        vm.assertEq(address(bridge).balance, uint256(0));
    }

    function test_callsAContractWithValueAndDataAndTellsTheSender() public {
        Witness target = new Witness();
        Withdrawal memory message = send(address(target), 1 ether, 400_000, "data");
        pay(message, payable_(message));
        vm.assertEq(target.calls(), uint256(1));
        vm.assertEq(target.value(), 1 ether);
        vm.assertEq(target.data(), "data");
        vm.assertEq(target.caller(), address(bridge));
        vm.assertEq(target.l2Sender(), BOB);
        reverts(address(bridge), abi.encodeCall(IBridge.sender, ()), abi.encodeWithSelector(IBridge.NoMessage.selector));
    }

    function test_aMessageWithoutMoney() public {
        Witness target = new Witness();
        Withdrawal memory message = send(address(target), 0, 400_000, "data");
        pay(message, payable_(message));
        vm.assertEq(target.calls(), uint256(1));
        vm.assertEq(inbox.locked(), LOCKED);
    }

    function test_oneOfManyInALaterClaimWhoseParentIsConfirmed() public {
        Withdrawal[] memory messages = new Withdrawal[](9);
        for (uint256 i = 0; i < 9; ++i) {
            messages[i] = send(CAROL, (i + 1) * 1 ether, 0, "");
        }
        payable_(messages[8]); // batch 1
        (bytes32 attempt, IBridge.WithdrawalProof memory proof) = claimed(messages, 3);
        vm.warp(block.timestamp + WINDOW + 1);
        rollup.confirm(attempt);
        vm.warp(block.timestamp + DELAY);
        pay(messages[0], proof);
        vm.assertEq(CAROL.balance, 1 ether);
    }

    function test_notBeforeTheClaimIsConfirmed() public {
        Withdrawal memory message = send(CAROL, 1 ether, 0, "");
        (, IBridge.WithdrawalProof memory proof) = claimed(only(message), 1);
        vm.warp(block.timestamp + 365 days);
        refuses(message, proof, abi.encodeWithSelector(IBridge.NotConfirmed.selector, proof.content));
        proof.content = keccak256("nobody claimed this");
        refuses(message, proof, abi.encodeWithSelector(IBridge.NotConfirmed.selector, proof.content));
    }

    function test_notAgainstAContradictedClaim() public {
        Withdrawal memory message = send(CAROL, 1 ether, 0, "");
        (, IBridge.WithdrawalProof memory proof) = claimed(only(message), 1);
        bytes32 truth = truly(ALICE);
        afterWindow();
        rollup.confirm(truth);
        vm.warp(block.timestamp + 365 days);
        refuses(message, proof, abi.encodeWithSelector(IBridge.NotConfirmed.selector, proof.content));
    }

    function test_theDelayCountsFromTheConfirmationToItsLastSecond() public {
        Withdrawal memory message = send(CAROL, 1 ether, 0, "");
        (bytes32 attempt, IBridge.WithdrawalProof memory proof) = claimed(only(message), 1);
        vm.warp(block.timestamp + WINDOW + 1000);
        rollup.confirm(attempt);
        uint256 from = block.timestamp + DELAY;
        vm.warp(from - 1);
        refuses(message, proof, abi.encodeWithSelector(IBridge.TooEarly.selector, from - 1, from));
        vm.warp(from);
        pay(message, proof);
    }

    function test_onlyTheCheckpointThatWasClaimed() public {
        Withdrawal memory message = send(CAROL, 1 ether, 0, "");
        IBridge.WithdrawalProof memory proof = payable_(message);
        bytes32 expected = CheckpointLib.h248(proof.checkpoint);
        proof.checkpoint.number += 1;
        bytes32 got = CheckpointLib.h248(proof.checkpoint);
        refuses(message, proof, abi.encodeWithSelector(IBridge.WrongCheckpoint.selector, expected, got));
    }

    function test_onlyOnce() public {
        Withdrawal memory message = send(CAROL, 1 ether, 0, "");
        IBridge.WithdrawalProof memory proof = payable_(message);
        pay(message, proof);
        bytes memory expected = abi.encodeWithSelector(IBridge.AlreadyPaid.selector, hashOf(message));
        reverts(MALLORY, 0, address(bridge), abi.encodeCall(IBridge.withdraw, (message, proof)), expected);

        // It stands in every later state, too.
        (bytes32 attempt, IBridge.WithdrawalProof memory later) = claimed(only(message), 2);
        vm.warp(block.timestamp + WINDOW + 1);
        rollup.confirm(attempt);
        vm.warp(block.timestamp + DELAY);
        reverts(MALLORY, 0, address(bridge), abi.encodeCall(IBridge.withdraw, (message, later)), expected);
        vm.assertEq(CAROL.balance, 1 ether);
    }

    /// Two withdrawals that say the same differ by their nonce.
    function test_equalWithdrawalsAreTwo() public {
        Withdrawal[] memory messages = new Withdrawal[](2);
        (messages[0], messages[1]) = (send(CAROL, 1 ether, 0, ""), send(CAROL, 1 ether, 0, ""));
        payable_(messages[0]);
        (bytes32 attempt, IBridge.WithdrawalProof memory proof) = claimed(messages, 2);
        vm.warp(block.timestamp + WINDOW + 1);
        rollup.confirm(attempt);
        vm.warp(block.timestamp + DELAY);
        pay(messages[0], proof);
        (messages[0], messages[1]) = (messages[1], messages[0]);
        (, IBridge.WithdrawalProof memory other) = claimed(messages, 4);
        proof.storageProof = other.storageProof; // the same state: the other slot
        pay(messages[0], proof);
        vm.assertEq(CAROL.balance, 2 ether);
    }

    /// Whatever is changed in a message, there is no such message.
    function testFuzz_nothingThatWasNotSent(uint8 field, uint64 change) public {
        change = change == 0 ? 1 : change;
        Withdrawal memory message = send(CAROL, 1 ether, 100_000, "data");
        IBridge.WithdrawalProof memory proof = payable_(message);
        field = field % 6;
        unchecked {
            if (field == 0) message.nonce += change;
            if (field == 1) message.sender = address(uint160(message.sender) + change);
            if (field == 2) message.target = address(uint160(message.target) + change);
            if (field == 3) message.value += change;
            if (field == 4) message.gasLimit += change;
            if (field == 5) message.data = abi.encode(change);
        }
        notProven(message, proof);
    }

    function test_proofsOfOtherAccountsSlotsAndStates() public {
        Withdrawal[] memory messages = new Withdrawal[](2);
        (messages[0], messages[1]) = (send(CAROL, 1 ether, 0, ""), send(CAROL, 2 ether, 0, ""));
        (bytes32 attempt, IBridge.WithdrawalProof memory good) = claimed(messages, 1);
        vm.warp(block.timestamp + WINDOW + 1);
        rollup.confirm(attempt);
        vm.warp(block.timestamp + DELAY);

        notProven(messages[1], good); // the proof of another message
        IBridge.WithdrawalProof memory bad = good;
        bytes[] memory accountProof = good.accountProof;
        bad.accountProof = good.storageProof;
        notProven(messages[0], bad);
        bad.accountProof = new bytes[](0);
        notProven(messages[0], bad);
        bad.accountProof = accountProof;
        bytes[] memory storageProof = good.storageProof;
        bad.storageProof = new bytes[](0);
        notProven(messages[0], bad);
        bad.storageProof = storageProof;
        bad.storageProof[0][40] ^= 0x01;
        notProven(messages[0], bad);
        bad.storageProof[0][40] ^= 0x01;
        pay(messages[0], good);
    }

    /// @dev Refused by the proof, not by anything before or after it.
    function notProven(Withdrawal memory message, IBridge.WithdrawalProof memory proof) private {
        vm.prank(MALLORY);
        (bool success, bytes memory answer) = address(bridge).call(abi.encodeCall(IBridge.withdraw, (message, proof)));
        vm.assertFalse(success);
        // The second: the way of the key ends at an empty child.
        bytes4 why = bytes4(answer);
        vm.assertTrue(why == TrieProof.TrieProofTraversalError.selector || why == RLP.RLPInvalidEncoding.selector);
        vm.assertEq(inbox.locked(), LOCKED);
        vm.assertEq(CAROL.balance, uint256(0));
    }

    function test_notTheContractsThatTrustTheBridge() public {
        address[3] memory targets = [address(inbox), address(rollup), address(bridge)];
        for (uint64 i = 0; i < 3; ++i) {
            Withdrawal memory message = send(targets[i], 0, 100_000, abi.encodeCall(IInbox.release, (MALLORY, LOCKED)));
            IBridge.WithdrawalProof memory proof;
            refuses(message, proof, abi.encodeWithSelector(IBridge.ForbiddenTarget.selector, targets[i]));
        }
    }

    /// On L2 there may be more money than was deposited, if the genesis made some.
    function test_notMoreThanWasDeposited() public {
        Withdrawal memory message = send(CAROL, LOCKED + 1, 0, "");
        IBridge.WithdrawalProof memory proof = payable_(message);
        bytes memory expected = abi.encodeWithSelector(IInbox.NotEnoughLocked.selector, LOCKED + 1, LOCKED);
        refuses(message, proof, expected);
        // Ether that is just there is nobody's.
        vm.deal(address(inbox), 2 * LOCKED);
        refuses(message, proof, expected);
        // It is paid when there is enough.
        deposit(1 ether);
        pay(message, proof);
    }

    function deposit(uint256 amount) private {
        vm.prank(BOB);
        inbox.deposit{value: amount}(BOB);
    }

    function test_etherComesFromTheInboxOnly() public {
        reverts(BOB, 1 ether, address(bridge), "", abi.encodeWithSelector(IBridge.NotInbox.selector, BOB));
    }
}
