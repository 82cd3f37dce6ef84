// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MinimalNativeRollup} from "../../src/examples/MinimalNativeRollup.sol";
import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {BlockContext, Checkpoint, Credit} from "../../src/interfaces/Types.sol";
import {L2Header} from "../../src/libraries/L2Header.sol";
import {MinimalBase} from "./MinimalBase.sol";

contract MinimalTest is MinimalBase {
    function refuses(MinimalNativeRollup.L2Block memory block_, bytes memory expected) private {
        reverts(address(rollup), abi.encodeCall(rollup.advance, (hashOf(block_), block_)), expected);
    }

    function checkHead(bytes32 blockHash, bytes32 stateRoot, uint64 number, uint64 time, uint64 anchor, uint64 fee)
        private
        view
    {
        MinimalNativeRollup.Head memory head = rollup.head();
        vm.assertEq(head.blockHash, blockHash);
        vm.assertEq(head.stateRoot, stateRoot);
        vm.assertEq(head.number, number);
        vm.assertEq(head.timestamp, time);
        vm.assertEq(head.anchorNumber, anchor);
        vm.assertEq(head.nextBaseFee, fee);
    }

    function test_genesis() public view {
        Checkpoint memory genesis;
        BlockContext memory context;
        genesis.stateRoot = GENESIS;
        genesis.txDigest = keccak256(abi.encode(new bytes[](0)));
        (context.chainId, context.gasLimit, context.baseFee) = (CHAIN, 1 << 24, 1 gwei);
        bytes32 blockHash = L2Header.hash(genesis, context, 0, new Credit[](0));
        // An empty block: the fee falls by an eighth.
        checkHead(blockHash, GENESIS, 0, 0, 0, 0.875 gwei);
        vm.assertEq(rollup.CHAIN_ID(), CHAIN);
        vm.assertEq(rollup.SEQUENCER(), address(0));
    }

    function test_blocksFollowEachOther() public {
        MinimalNativeRollup.L2Block memory first = next();
        executes(first);
        bytes32 blockHash = hashOf(first);
        expectEvent(address(rollup));
        emit MinimalNativeRollup.Settled(blockHash, traceOf(first).context, ANCHOR, first.transactions);
        rollup.advance(blockHash, first);
        uint64 target = 1 << 23;
        uint64 fee = 0.875 gwei - uint64(uint256(0.875 gwei) * (target - GAS_USED) / target / 8);
        checkHead(blockHash, keccak256("after"), 1, START, NUMBER - 1, fee);

        l1At(NUMBER + 1, START + 12);
        MinimalNativeRollup.L2Block memory second = next();
        second.execution.postStateRoot = keccak256("then");
        second.execution.gasUsed = 1 << 24;
        vm.assertEq(traceOf(second).parentHash, blockHash);
        blockHash = settle(second);
        // A full block: it rises by an eighth.
        checkHead(blockHash, keccak256("then"), 2, START + 12, NUMBER, fee + fee / 8);
    }

    /// What EXECUTE says no to, can't run, or was not asked.
    function test_onlyWhatExecuteSaysYesTo() public {
        MinimalNativeRollup.L2Block memory block_ = next();
        refuses(block_, abi.encodeWithSelector(IStepVerifier.ExecuteCouldNotRun.selector)); // nobody there
        vm.mockCall(EXECUTE, "", abi.encode(1, GAS_USED));
        vm.mockCall(EXECUTE, abi.encode(GENESIS), abi.encode(false));
        refuses(block_, abi.encodeWithSelector(IStepVerifier.ExecuteIsFalse.selector));
        executes(block_);
        vm.mockCall(EXECUTE, "", abi.encode(1, GAS_USED - 1));
        refuses(block_, abi.encodeWithSelector(IStepVerifier.ExecuteIsFull.selector, GAS_USED - 1, GAS_USED));
        settle(block_);
    }

    function test_anotherBlockThanMeant() public {
        MinimalNativeRollup.L2Block memory block_ = next();
        executes(block_);
        bytes32 hash = hashOf(block_);
        bytes32 meant = keccak256("meant");
        bytes memory expected = abi.encodeWithSelector(MinimalNativeRollup.AnotherBlock.selector, meant, hash);
        reverts(address(rollup), abi.encodeCall(rollup.advance, (meant, block_)), expected);
        rollup.advance(hash, block_);
        // Again: its parent is no longer the head.
        l1At(NUMBER + 1, START + 12);
        block_ = next();
        expected = abi.encodeWithSelector(MinimalNativeRollup.AnotherBlock.selector, hash, hashOf(block_));
        reverts(address(rollup), abi.encodeCall(rollup.advance, (hash, block_)), expected);
    }

    /// At most an hour behind L1, after the parent, not ahead of L1.
    function test_clock() public {
        MinimalNativeRollup.L2Block memory block_ = next();
        uint64[2] memory refused = [START - 1 hours - 1, START + 1];
        for (uint256 i = 0; i < 2; ++i) {
            block_.timestamp = refused[i];
            refuses(block_, outOfRange(refused[i], START - 1 hours));
        }
        block_.timestamp = START - 1 hours;
        settle(block_);

        // The parent's second is over, and so is what lies more than an hour back.
        block_ = next();
        block_.timestamp = START - 1 hours;
        refuses(block_, outOfRange(START - 1 hours, START - 1 hours + 1));
        block_.timestamp += 1;
        settle(block_);
        l1At(NUMBER + 1, START + 12);
        block_ = next();
        block_.timestamp = START - 1 hours + 11;
        refuses(block_, outOfRange(START - 1 hours + 11, START - 1 hours + 12));
        settle(next());
        block_ = next();
        refuses(block_, outOfRange(START + 12, START + 13));
    }

    /// Empty blocks can follow each other within one L1 block, until one has L1's own time: then nobody's block goes in before the
    /// next L1 block.
    function test_emptyBlocks() public {
        MinimalNativeRollup.L2Block memory empty = next();
        empty.transactions = new bytes[](0);
        empty.execution.gasUsed = 0;
        for (uint64 second = 2; second > 0; --second) {
            empty.timestamp = START - second;
            settle(empty);
        }
        empty.timestamp = START;
        settle(empty);
        refuses(next(), outOfRange(START, START + 1));
        l1At(NUMBER + 1, START + 12);
        settle(next());
        vm.assertEq(rollup.head().number, 4);
    }

    /// An hour behind L1 is the parent's own second.
    function test_parentAnHourAgo() public {
        settle(next());
        l1At(NUMBER + 1, START + 1 hours);
        MinimalNativeRollup.L2Block memory block_ = next();
        block_.timestamp = START;
        refuses(block_, outOfRange(START, START + 1));
        block_.timestamp = START + 1;
        settle(block_);
    }

    function outOfRange(uint64 timestamp, uint64 atLeast) private view returns (bytes memory) {
        return abi.encodeWithSelector(
            MinimalNativeRollup.TimestampOutOfRange.selector, timestamp, atLeast, uint64(block.timestamp)
        );
    }

    /// One whose hash L1 knows, and not older than the parent's.
    function test_anchor() public {
        vm.setBlockhash(NUMBER - 2, keccak256("older"));
        MinimalNativeRollup.L2Block memory block_ = next();
        block_.anchorNumber = NUMBER;
        refuses(block_, noAnchor(NUMBER, 0));
        block_.anchorNumber = NUMBER - 257;
        refuses(block_, noAnchor(NUMBER - 257, 0));
        block_.anchorNumber = NUMBER - 1;
        settle(block_);

        l1At(NUMBER + 1, START + 12);
        block_ = next();
        block_.anchorNumber = NUMBER - 2;
        refuses(block_, noAnchor(NUMBER - 2, NUMBER - 1));
        // The same once more is no older.
        block_.anchorNumber = NUMBER - 1;
        settle(block_);
        vm.assertEq(rollup.head().anchorNumber, NUMBER - 1);
    }

    function noAnchor(uint64 number, uint64 atLeast) private view returns (bytes memory) {
        return abi.encodeWithSelector(
            MinimalNativeRollup.AnchorOutOfRange.selector, number, atLeast, uint64(block.number) - 1
        );
    }

    function test_sequencer() public {
        rollup = new MinimalNativeRollup(CHAIN, GENESIS, ALICE);
        vm.assertEq(rollup.SEQUENCER(), ALICE);
        MinimalNativeRollup.L2Block memory block_ = next();
        executes(block_);
        refuses(block_, abi.encodeWithSelector(MinimalNativeRollup.NotSequencer.selector, BOB, ALICE));
        bytes32 blockHash = hashOf(block_);
        vm.prank(ALICE);
        rollup.advance(blockHash, block_);
        vm.assertEq(rollup.head().blockHash, blockHash);
    }
}
