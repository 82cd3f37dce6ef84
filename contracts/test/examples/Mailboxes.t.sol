// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {L1Mailbox, L2Mailbox, Message} from "../../src/examples/Mailboxes.sol";
import {L1Proof, L1State} from "../../src/libraries/L1State.sol";
import {MailboxBase, Reader} from "./MailboxBase.sol";

/// @notice Catches that it was given little gas, and calls that a success.
contract Frugal {
    uint256 public got;

    fallback() external {
        got = gasleft();
    }
}

/// @notice Delivers while it is delivered to.
contract Nested {
    bytes private _again;
    bytes public answer;

    function set(bytes calldata again) external {
        _again = again;
    }

    fallback() external {
        (, answer) = msg.sender.call(_again);
    }
}

contract MailboxTest is MailboxBase {
    function refuses(Message memory message, L1Proof memory proof, bytes memory expected) private {
        reverts(address(l2), abi.encodeCall(L2Mailbox.deliver, (message, proof)), expected);
    }

    function test_deliversOnce() public {
        Message memory message = send();
        L1Proof memory proof = known(message);
        expectEvent(address(l2));
        emit L2Mailbox.Delivered(hashOf(message), address(target), L1_NUMBER, L1_TIMESTAMP);
        l2.deliver(message, proof);
        vm.assertEq(target.from(), BOB);
        vm.assertEq(target.data(), "hello");
        vm.assertEq(l2.sender(), address(0));
        refuses(message, proof, abi.encodeWithSelector(L2Mailbox.AlreadyDelivered.selector, hashOf(message)));
    }

    function test_aFailedCallCanBeTriedAgain() public {
        Message memory message = send();
        L1Proof memory proof = known(message);
        target.close(true);
        refuses(message, proof, abi.encodeWithSelector(L2Mailbox.CallFailed.selector, hashOf(message)));
        target.close(false);
        // Some blocks later the anchor of then is still remembered.
        vm.warp(TIME + 1000);
        l2.deliver(message, proof);
        vm.assertEq(target.data(), "hello");
    }

    function test_onlyHeadersThatL2Knows() public {
        Message memory message = send();
        L1Proof memory proof = known(message);
        bytes32 expected = keccak256(proof.header);
        proof.header[100] ^= 0x01; // in the state root
        refuses(message, proof, abi.encodeWithSelector(L1State.WrongHeader.selector, expected, keccak256(proof.header)));
        proof.header[100] ^= 0x01;
        proof.timestamp = TIME - 1;
        refuses(message, proof, abi.encodeWithSelector(L1State.UnknownTimestamp.selector, TIME - 1));
    }

    /// Where nobody remembers anything a call succeeds with an empty answer.
    function test_withoutTheContractOfEip4788() public {
        Message memory message = send();
        L1Proof memory proof = known(message);
        bytes memory refusal = abi.encodeWithSelector(L1State.UnknownTimestamp.selector, proof.timestamp);
        vm.mockCallRevert(L1State.BEACON_ROOTS, "", abi.encode(keccak256(proof.header)));
        refuses(message, proof, refusal);
        vm.clearMockedCalls();
        vm.etch(L1State.BEACON_ROOTS, "");
        refuses(message, proof, refusal);
    }

    /// Forged in any field, it is another message, which nobody sent.
    function testFuzz_onlyWhatWasSent(uint8 field, uint64 change) public {
        change = change == 0 ? 1 : change;
        Message memory message = send();
        L1Proof memory proof = known(message);
        field %= 5;
        unchecked {
            if (field == 0) message.nonce += change;
            if (field == 1) message.sender = address(uint160(message.sender) + change);
            if (field == 2) message.target = address(uint160(message.target) + change);
            if (field == 3) message.gasLimit += change;
            if (field == 4) message.data = abi.encode(change);
        }
        (bool success,) = address(l2).call(abi.encodeCall(L2Mailbox.deliver, (message, proof)));
        vm.assertFalse(success);
        vm.assertFalse(l2.delivered(hashOf(message)));
    }

    /// The same storage in another account of L1 says nothing.
    function test_onlyTheMailboxOnL1() public {
        Message memory message = send();
        L1Proof memory proof = known(message);
        L2Mailbox other = new L2Mailbox(new L1Mailbox());
        (bool success,) = address(other).call(abi.encodeCall(L2Mailbox.deliver, (message, proof)));
        vm.assertFalse(success);
    }

    function test_whatL1MailboxTakes() public {
        uint64 gasLimit = l1.MAX_GAS_LIMIT();
        uint256 length = l1.MAX_DATA_BYTES();
        bytes memory call = abi.encodeCall(L1Mailbox.send, (BOB, gasLimit + 1, ""));
        reverts(address(l1), call, abi.encodeWithSelector(L1Mailbox.GasLimitTooHigh.selector, gasLimit + 1, gasLimit));
        call = abi.encodeCall(L1Mailbox.send, (BOB, 0, new bytes(length + 1)));
        reverts(address(l1), call, abi.encodeWithSelector(L1Mailbox.DataTooLong.selector, length + 1, length));
        send(BOB, gasLimit, new bytes(length));
    }

    /// What L1 takes, L2 can deliver in one transaction: calldata and all, EIP-7825 leaves 2^24 gas.
    function test_theLargestMessageFitsATransaction() public {
        Frugal frugal = new Frugal();
        bytes memory data = new bytes(l1.MAX_DATA_BYTES());
        for (uint256 i = 0; i < data.length; ++i) {
            data[i] = 0xff;
        }
        Message memory message = send(address(frugal), l1.MAX_GAS_LIMIT(), data);
        bytes memory call = abi.encodeCall(L2Mailbox.deliver, (message, known(message)));
        // All that is not here, as if not a byte were zero: calldata, and proofs 8 nodes deeper.
        uint256 outside = 21_000 + 16 * (call.length + 16 * 600) + 16 * 30_000;
        (bool success,) = address(l2).call{gas: (1 << 24) - outside}(call);
        vm.assertTrue(success);
        vm.assertTrue(frugal.got() + 200 >= l1.MAX_GAS_LIMIT());
    }

    /// With any gas that whoever delivers gives, the target gets what it was promised, or nothing happens.
    function testFuzz_starvedTargets(uint256 gas_, uint64 gasLimit) public {
        gasLimit %= 2_000_000;
        gas_ %= 4_000_000;
        Frugal frugal = new Frugal();
        Message memory message = send(address(frugal), gasLimit, "hello");
        bytes memory call = abi.encodeCall(L2Mailbox.deliver, (message, known(message)));
        (bool success,) = address(l2).call{gas: gas_}(call);
        vm.assertEq(l2.delivered(hashOf(message)), success);
        // Its first instructions took a few.
        if (success) vm.assertTrue(frugal.got() + 200 >= gasLimit, "starved");
        else vm.assertEq(frugal.got(), 0);
    }

    /// One gas below the bound is refused before the call, and the bound is no more than it has to be.
    function test_theBoundOfGas() public {
        Frugal frugal = new Frugal();
        uint64 gasLimit = 5_000_000;
        Message memory message = send(address(frugal), gasLimit, "hello");
        bytes memory call = abi.encodeCall(L2Mailbox.deliver, (message, known(message)));
        (uint256 low, uint256 high) = (gasLimit, 2 * gasLimit);
        while (low + 1 < high) {
            uint256 middle = (low + high) / 2;
            uint256 before = vm.snapshotState();
            (bool success,) = address(l2).call{gas: middle}(call);
            vm.revertToState(before);
            (low, high) = success ? (low, middle) : (middle, high);
        }
        (bool enough, bytes memory answer) = address(l2).call{gas: low}(call);
        vm.assertFalse(enough);
        vm.assertEq(bytes32(bytes4(answer)), bytes32(L2Mailbox.NotEnoughGas.selector));
        (enough,) = address(l2).call{gas: high}(call);
        vm.assertTrue(enough);
        vm.assertTrue(frugal.got() + 200 >= gasLimit && frugal.got() < gasLimit + 50_000);
        vm.assertTrue(high < gasLimit + 600_000, "asks for too much");
    }

    /// A target that has become dearer gets what whoever delivers has.
    function test_moreGasThanTheMessageForesaw() public {
        Message memory message = send(address(target), 0, "hello");
        L1Proof memory proof = known(message);
        bytes memory call = abi.encodeCall(L2Mailbox.deliver, (message, proof));
        // Enough for the floor, too little for two slots that it writes.
        (bool success, bytes memory answer) = address(l2).call{gas: 230_000}(call);
        vm.assertFalse(success);
        vm.assertEq(answer, abi.encodeWithSelector(L2Mailbox.CallFailed.selector, hashOf(message)));
        l2.deliver(message, proof);
        vm.assertEq(target.data(), "hello");
    }

    /// To call an account without code does nothing and succeeds: with data, that is no delivery.
    function test_nobodyReads() public {
        address nobody = address(0xCA401);
        Message memory message = send(nobody, GAS_LIMIT, "hello");
        L1Proof memory proof = known(message);
        refuses(message, proof, abi.encodeWithSelector(L2Mailbox.NobodyReads.selector, nobody));
        vm.assertFalse(l2.delivered(hashOf(message)));
        // Once somebody is there.
        vm.etch(nobody, address(target).code);
        l2.deliver(message, proof);
        vm.assertTrue(l2.delivered(hashOf(message)));
        vm.assertEq(Reader(nobody).data(), "hello");
        // A precompile has no code either.
        message = send(address(4), GAS_LIMIT, "hello");
        vm.warp(TIME + 1);
        refuses(message, known(message), abi.encodeWithSelector(L2Mailbox.NobodyReads.selector, address(4)));
    }

    function test_withoutDataThereIsNothingToRead() public {
        Message memory message = send(address(0xCA401), 0, "");
        l2.deliver(message, known(message));
        vm.assertTrue(l2.delivered(hashOf(message)));
    }

    function test_reentering() public {
        Nested nested = new Nested();
        Message memory message = send(address(nested), GAS_LIMIT, "hello");
        L1Proof memory proof = known(message);
        nested.set(abi.encodeCall(L2Mailbox.deliver, (message, proof)));
        l2.deliver(message, proof);
        vm.assertEq(nested.answer(), abi.encodeWithSelector(L2Mailbox.Reentered.selector));
    }
}
