// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Inbox} from "../../src/Inbox.sol";
import {Rollup} from "../../src/Rollup.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {IChunkStore} from "../../src/interfaces/IChunkStore.sol";
import {IRollup} from "../../src/interfaces/IRollup.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {SystemContracts} from "../../src/libraries/SystemContracts.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

contract RollupConstructorTest is Game {
    /// @dev So that a failing deployment is a call that reverts.
    function make(IRollup.Config memory c, string memory genesis_) external returns (Rollup) {
        (bytes32 root, bytes[] memory proof2935, bytes[] memory proof4788) = genesisProofs(genesis_);
        return new Rollup(c, root, proof2935, proof4788);
    }

    function refuses(IRollup.Config memory c, bytes memory expected) private {
        reverts(address(this), abi.encodeCall(this.make, (c, "good")), expected);
    }

    function test_genesisIsTheTip() public view {
        bytes32 checkpoint = CheckpointLib.h248(Toy.truth(0));
        vm.assertEq(rollup.tip(), keccak256(abi.encode(bytes32(0), bytes32(0), checkpoint, uint64(0))));
        IRollup.Content memory c = rollup.contentOf(rollup.tip());
        vm.assertEq(c.checkpoint, checkpoint);
        vm.assertTrue(c.confirmed && !c.voided && c.batch == 0 && c.steps == 0 && c.parent == 0);
        vm.assertFalse(rollup.isVoid(rollup.tip()));
        vm.assertFalse(rollup.isContradicted(rollup.tip()));
    }

    function test_configIsKept() public view {
        vm.assertEq(abi.encode(rollup.config()), abi.encode(configuration(4, 12)));
    }

    function test_emitsTheGenesis() public {
        expectEvent(computeAddress());
        emit IRollup.Confirmed(0, genesis, 0);
        newRollup(configuration(4, 12));
    }

    /// @dev Where this contract's next deployment goes.
    function computeAddress() private returns (address) {
        address next = address(new Probe());
        // The creation after: derived from the nonce that this one had plus one.
        for (uint256 nonce = 1; nonce < 100; ++nonce) {
            if (created(nonce) == next) return created(nonce + 1);
        }
        return address(0);
    }

    function created(uint256 nonce) private view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", address(this), uint8(nonce))))));
    }

    function test_arity() public {
        IRollup.Config memory c = configuration(1, 200);
        refuses(c, abi.encodeWithSelector(IRollup.ArityOutOfRange.selector, 1));
        c.arity = 4096;
        refuses(c, abi.encodeWithSelector(IRollup.ArityOutOfRange.selector, 4096));
    }

    function test_reach() public {
        refuses(
            configuration(2, 23), abi.encodeWithSelector(IRollup.TooFewSteps.selector, 1 << 23, (1 << 24) - (1 << 15))
        );
        refuses(
            configuration(4091, 2),
            abi.encodeWithSelector(IRollup.TooFewSteps.selector, 4091 * 4091, (1 << 24) - (1 << 15))
        );
        refuses(configuration(2, 0), abi.encodeWithSelector(IRollup.TooFewSteps.selector, 1, (1 << 24) - (1 << 15)));
        this.make(configuration(2, 24), "good");
        this.make(configuration(4095, 2), "good");
        this.make(configuration(4095, 255), "good");
    }

    function test_periods() public {
        IRollup.Config memory c = configuration(4, 12);
        c.challengeWindow = 0;
        refuses(c, abi.encodeWithSelector(IRollup.ZeroPeriod.selector));
        c = configuration(4, 12);
        c.responsePeriod = 0;
        refuses(c, abi.encodeWithSelector(IRollup.ZeroPeriod.selector));
    }

    /// Both halves of a dead claim's bond are something, and so is a challenge's.
    function test_bonds() public {
        IRollup.Config memory c = configuration(4, 12);
        (c.claimBond, c.challengeBond) = (1, 1);
        refuses(c, abi.encodeWithSelector(IRollup.BondTooSmall.selector, 1, 1));
        (c.claimBond, c.challengeBond) = (2, 0);
        refuses(c, abi.encodeWithSelector(IRollup.BondTooSmall.selector, 2, 0));
        c.challengeBond = 1;
        this.make(c, "good");
    }

    function test_theLongestBill() public view {
        vm.assertEq(rollup.maxBill(), 64);
    }

    function test_theChunkStoreStands() public {
        IRollup.Config memory c = configuration(4, 12);
        c.chunkStore = IChunkStore(address(0x1234));
        refuses(c, abi.encodeWithSelector(IRollup.NoChunkStore.selector, 0x1234));
    }

    function test_oneInbox() public {
        IRollup.Config memory c = configuration(4, 12);
        c.inbox = new Inbox(inbox.config());
        refuses(c, abi.encodeWithSelector(IRollup.WrongInbox.selector, address(c.inbox), address(inbox)));
    }

    function test_systemContracts() public {
        reverts(
            address(this),
            abi.encodeCall(this.make, (configuration(4, 12), "wrongCode")),
            abi.encodeWithSelector(
                IRollup.NotStandardCode.selector,
                SystemContracts.BEACON_ROOTS,
                SystemContracts.BEACON_ROOTS_CODE_HASH,
                SystemContracts.HISTORY_STORAGE_CODE_HASH
            )
        );
    }

    function test_unknownContent() public {
        bytes memory expected = abi.encodeWithSelector(IRollup.UnknownContent.selector, bytes32(uint256(1)));
        reverts(address(rollup), abi.encodeCall(IRollup.isVoid, (bytes32(uint256(1)))), expected);
        reverts(address(rollup), abi.encodeCall(IRollup.isContradicted, (bytes32(uint256(1)))), expected);
    }

    function test_unknownAttempt() public {
        bytes memory expected = abi.encodeWithSelector(IRollup.UnknownAttempt.selector, bytes32(uint256(1)));
        reverts(address(rollup), abi.encodeCall(IRollup.fateOf, (bytes32(uint256(1)))), expected);
    }
}

contract Probe {}
