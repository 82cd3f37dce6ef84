// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MinimalNativeRollup} from "../../src/examples/MinimalNativeRollup.sol";
import {BlockContext, Checkpoint, Credit, Execution, Trace} from "../../src/interfaces/Types.sol";
import {L2Header} from "../../src/libraries/L2Header.sol";
import {Test} from "../support/Test.sol";

/// @notice EXECUTE is mocked, and says yes to exactly the trace that a test expects; on the L1 node of this project the same
/// contract settles blocks with the real one.
abstract contract MinimalBase is Test {
    address internal constant EXECUTE = address(0x0101);
    uint64 internal constant CHAIN = 7;
    uint64 internal constant NUMBER = 1000; // of L1
    uint64 internal constant START = 1_800_000_000;
    uint64 internal constant GAS_USED = 30_000;
    bytes32 internal constant GENESIS = keccak256("genesis");
    bytes32 internal constant ANCHOR = keccak256("anchor");

    MinimalNativeRollup internal rollup;

    function setUp() public {
        l1At(NUMBER, START);
        rollup = new MinimalNativeRollup(CHAIN, GENESIS, address(0));
    }

    /// @dev L1 makes a block, on one of this hash.
    function l1At(uint64 number, uint64 timestamp) internal {
        vm.roll(number);
        vm.warp(timestamp);
        vm.setBlockhash(number - 1, ANCHOR);
    }

    /// @dev A block of one transaction, now.
    function next() internal view returns (MinimalNativeRollup.L2Block memory block_) {
        (block_.timestamp, block_.anchorNumber) = (uint64(block.timestamp), uint64(block.number - 1));
        block_.feeRecipient = ALICE;
        block_.transactions = new bytes[](1);
        block_.transactions[0] = "hello";
        address[] memory pointers = new address[](1);
        pointers[0] = address(0x1234);
        block_.execution = Execution(keccak256("after"), keccak256("receipts"), GAS_USED, hex"c2c0c0", pointers);
    }

    /// @dev What EXECUTE is to be asked, field by field.
    function traceOf(MinimalNativeRollup.L2Block memory block_) internal view returns (Trace memory trace) {
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

    function hashOf(MinimalNativeRollup.L2Block memory block_) internal view returns (bytes32) {
        Trace memory trace = traceOf(block_);
        Checkpoint memory end;
        (end.parentHash, end.stateRoot) = (trace.parentHash, block_.execution.postStateRoot);
        (end.gasUsed, end.receiptDigest) = (block_.execution.gasUsed, block_.execution.receiptDigestAfter);
        end.txDigest = keccak256(abi.encode(block_.transactions));
        return L2Header.hash(end, trace.context, trace.anchor, new Credit[](0));
    }

    /// @dev EXECUTE says yes to this block, and to nothing else.
    function executes(MinimalNativeRollup.L2Block memory block_) internal {
        Execution memory done = block_.execution;
        bytes memory trace = abi.encode(traceOf(block_));
        vm.clearMockedCalls();
        vm.mockCall(EXECUTE, "", abi.encode(1, done.gasUsed));
        bytes32 pre = rollup.head().stateRoot;
        vm.mockCall(EXECUTE, abi.encode(pre, done.postStateRoot, trace, done.gasUsed), abi.encode(true));
    }

    function settle(MinimalNativeRollup.L2Block memory block_) internal returns (bytes32 blockHash) {
        executes(block_);
        blockHash = hashOf(block_);
        rollup.advance(blockHash, block_);
    }
}
