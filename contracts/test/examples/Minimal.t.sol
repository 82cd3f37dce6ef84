// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MinimalNativeRollup} from "../../src/examples/MinimalNativeRollup.sol";
import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {BlockContext, Checkpoint, Credit, Execution, Trace} from "../../src/interfaces/Types.sol";
import {L2Header} from "../../src/libraries/L2Header.sol";
import {Test} from "../support/Test.sol";

/// @notice EXECUTE is mocked, and says yes to exactly the trace that a test expects; on the L1 node of this project the same
/// contract settles blocks with the real one.
contract MinimalTest is Test {
    address private constant EXECUTE = address(0x0101);
    uint64 private constant CHAIN = 7;
    uint64 private constant NUMBER = 1000; // of L1
    uint64 private constant START = 1_800_000_000;
    uint64 private constant GAS_USED = 30_000;
    bytes32 private constant GENESIS = keccak256("genesis");
    bytes32 private constant ANCHOR = keccak256("anchor");

    MinimalNativeRollup private rollup;

    function setUp() public {
        l1At(NUMBER, START);
        rollup = new MinimalNativeRollup(CHAIN, GENESIS, address(0));
    }

    /// @dev L1 makes a block, on one of this hash.
    function l1At(uint64 number, uint64 timestamp) private {
        vm.roll(number);
        vm.warp(timestamp);
        vm.setBlockhash(number - 1, ANCHOR);
    }

    /// @dev A block of one transaction, now.
    function next() private view returns (MinimalNativeRollup.L2Block memory block_) {
        (block_.timestamp, block_.anchorNumber) = (uint64(block.timestamp), uint64(block.number - 1));
        block_.feeRecipient = ALICE;
        block_.transactions = new bytes[](1);
        block_.transactions[0] = "hello";
        address[] memory pointers = new address[](1);
        pointers[0] = address(0x1234);
        block_.execution = Execution(keccak256("after"), keccak256("receipts"), GAS_USED, hex"c2c0c0", pointers);
    }

    /// @dev What EXECUTE is to be asked, field by field.
    function traceOf(MinimalNativeRollup.L2Block memory block_) private view returns (Trace memory trace) {
        MinimalNativeRollup.Head memory parent = rollup.head();
        bytes32 anchor = blockhash(block_.anchorNumber);
        trace.context = BlockContext({
            chainId: CHAIN,
            number: parent.number + 1,
            timestamp: block_.timestamp,
            gasLimit: 1 << 24,
            baseFee: parent.nextBaseFee,
            prevRandao: anchor,
            coinbase: block_.feeRecipient
        });
        (trace.opens, trace.parentHash, trace.anchor, trace.seals) = (true, parent.blockHash, anchor, true);
        trace.receiptDigestAfter = block_.execution.receiptDigestAfter;
        (trace.transactions, trace.maxWitnessBytes) = (block_.transactions, type(uint32).max);
        (trace.witness, trace.pointers) = (block_.execution.witness, block_.execution.pointers);
    }

    function hashOf(MinimalNativeRollup.L2Block memory block_) private view returns (bytes32) {
        Trace memory trace = traceOf(block_);
        Checkpoint memory end;
        (end.parentHash, end.stateRoot) = (trace.parentHash, block_.execution.postStateRoot);
        (end.gasUsed, end.receiptDigest) = (block_.execution.gasUsed, block_.execution.receiptDigestAfter);
        end.txDigest = keccak256(abi.encode(block_.transactions));
        return L2Header.hash(end, trace.context, trace.anchor, new Credit[](0));
    }

    /// @dev EXECUTE says yes to this block, and to nothing else.
    function executes(MinimalNativeRollup.L2Block memory block_) private {
        Execution memory done = block_.execution;
        bytes memory trace = abi.encode(traceOf(block_));
        vm.clearMockedCalls();
        vm.mockCall(EXECUTE, "", abi.encode(1, done.gasUsed));
        bytes32 pre = rollup.head().stateRoot;
        vm.mockCall(EXECUTE, abi.encode(pre, done.postStateRoot, trace, done.gasUsed), abi.encode(true));
    }

    function settle(MinimalNativeRollup.L2Block memory block_) private returns (bytes32 blockHash) {
        executes(block_);
        blockHash = hashOf(block_);
        rollup.advance(blockHash, block_);
    }

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
