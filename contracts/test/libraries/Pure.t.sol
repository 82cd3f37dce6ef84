// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {BlockContext, Checkpoint, Credit, Segment} from "../../src/interfaces/Types.sol";
import {BaseFee} from "../../src/libraries/BaseFee.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {L2Header} from "../../src/libraries/L2Header.sol";
import {Segments} from "../../src/libraries/Segments.sol";
import {SystemContracts} from "../../src/libraries/SystemContracts.sol";
import {Tape} from "../../src/libraries/Tape.sol";
import {Fixtures} from "../support/Fixtures.sol";
import {Test} from "../support/Test.sol";

contract BaseFeeTest is Test {
    uint64 private constant LIMIT = 1 << 28;
    uint64 private constant TARGET = LIMIT / 2;

    function test_staysAtTheTarget() public pure {
        vm.assertEq(BaseFee.next(1 gwei, TARGET, LIMIT), 1 gwei);
    }

    function test_eighthUpAndDown() public pure {
        vm.assertEq(BaseFee.next(1 gwei, LIMIT, LIMIT), 1.125 gwei);
        vm.assertEq(BaseFee.next(1 gwei, 0, LIMIT), 0.875 gwei);
    }

    function test_risesByOneAtLeast() public pure {
        vm.assertEq(BaseFee.next(0, TARGET + 1, LIMIT), uint256(1));
        vm.assertEq(BaseFee.next(7, TARGET + 1, LIMIT), uint256(8));
        vm.assertEq(BaseFee.next(7, TARGET - 1, LIMIT), uint256(7));
    }

    function test_isClampedTo64Bits() public pure {
        uint256 most = type(uint64).max;
        vm.assertEq(BaseFee.next(most, LIMIT, LIMIT), most);
        vm.assertEq(BaseFee.next(type(uint256).max, LIMIT, LIMIT), most);
        vm.assertEq(BaseFee.next(type(uint256).max, 0, LIMIT), most - most / 8);
    }

    function testFuzz_neverReverts(uint256 baseFee, uint64 gasUsed, uint64 gasLimit) public pure {
        vm.assume(gasLimit >= 2 && gasUsed <= gasLimit);
        uint256 clamped = baseFee > type(uint64).max ? type(uint64).max : baseFee;
        uint256 next = BaseFee.next(baseFee, gasUsed, gasLimit);
        vm.assertTrue(next <= type(uint64).max);
        if (gasUsed > gasLimit / 2) vm.assertTrue(next > clamped || next == type(uint64).max);
        else vm.assertTrue(next <= clamped);
    }
}

contract CheckpointLibTest is Test {
    function testFuzz_h248(Checkpoint memory c) public pure {
        bytes32 whole = keccak256(abi.encode(c));
        bytes32 hash = CheckpointLib.h248(c);
        vm.assertEq(uint8(hash[0]), uint256(0));
        for (uint256 i = 1; i < 32; ++i) {
            vm.assertEq(uint8(hash[i]), uint8(whole[i]));
        }
    }

    /// The encoding is 15 words, in the order of the fields.
    function testFuzz_encoding(Checkpoint memory c) public pure {
        bytes memory first = abi.encode(c.stateRoot, c.parentHash, c.txDigest, c.receiptDigest, c.number, c.timestamp);
        bytes memory second = abi.encode(c.gasUsed, c.baseFee, c.viewIndex, c.forcedDone, c.depositsDone);
        bytes memory third = abi.encode(c.batch, c.blob, c.offset, c.open);
        vm.assertEq(abi.encode(c), bytes.concat(first, second, third));
    }
}

contract L2HeaderTest is Fixtures {
    function test_matchesAnotherImplementation() public view {
        Checkpoint memory c;
        BlockContext memory block_;
        c.parentHash = bytes32(uint256(1));
        c.stateRoot = bytes32(uint256(2));
        block_.gasLimit = 1 << 28;
        block_.timestamp = 127;
        block_.prevRandao = bytes32(uint256(3));
        block_.baseFee = 1 gwei;
        bytes32 expected = vm.parseJsonBytes32(json(), ".headers.small");
        vm.assertEq(L2Header.hash(c, block_, bytes32(uint256(4)), new Credit[](0)), expected);
    }

    function test_matchesAnotherImplementationAtTheExtremes() public view {
        Checkpoint memory c;
        BlockContext memory block_;
        c.parentHash = bytes32(type(uint256).max);
        c.stateRoot = repeated(0xee);
        c.txDigest = repeated(0xdd);
        c.receiptDigest = repeated(0xcc);
        c.gasUsed = 128;
        block_.coinbase = address(uint160(uint256(repeated(0x11))));
        block_.number = type(uint64).max;
        block_.gasLimit = type(uint64).max;
        block_.timestamp = type(uint64).max - 1;
        block_.prevRandao = repeated(0xbb);
        block_.baseFee = type(uint64).max;
        Credit[] memory credits = new Credit[](2);
        credits[0] = Credit(address(7), 8);
        credits[1] = Credit(address(type(uint160).max), type(uint64).max);
        bytes32 expected = vm.parseJsonBytes32(json(), ".headers.large");
        vm.assertEq(L2Header.hash(c, block_, repeated(0xaa), credits), expected);
    }

    function repeated(uint8 value) private pure returns (bytes32) {
        return bytes32(uint256(value) * (type(uint256).max / 255));
    }
}

contract SegmentsTest is Test {
    function segment(uint64 start, uint64 end) private pure returns (Segment memory) {
        return Segment(start, end, bytes32(uint256(1)), bytes32(uint256(2)));
    }

    function test_table() public pure {
        // width 8, arity 4: 0 2 4 6 8
        vm.assertEq(Segments.stride(segment(0, 8), 4), uint256(2));
        vm.assertEq(Segments.count(segment(0, 8), 4), uint256(4));
        // width 9, arity 4: 0 3 6 9
        vm.assertEq(Segments.stride(segment(0, 9), 4), uint256(3));
        vm.assertEq(Segments.count(segment(0, 9), 4), uint256(3));
        // width 5, arity 4: 0 2 4 5, the last gap is one step
        vm.assertEq(Segments.count(segment(0, 5), 4), uint256(3));
        vm.assertEq(Segments.position(segment(0, 5), 4, 3), uint256(5));
        // 16.7 M steps, two levels of 4,095
        vm.assertEq(Segments.stride(segment(0, 16_769_025), 4095), uint256(4095));
    }

    function testFuzz_laws(uint64 start, uint64 width, uint32 arity) public pure {
        arity = arity % 4094 + 2;
        vm.assume(width >= 2 && start <= type(uint64).max - width);
        Segment memory s = segment(start, start + width);
        uint256 stride = Segments.stride(s, arity);
        uint256 count = Segments.count(s, arity);
        // It dissects: at least two gaps, none as wide as the segment.
        vm.assertTrue(count >= 2 && count <= arity && stride < width);
        vm.assertEq(Segments.position(s, arity, 0), s.start);
        vm.assertEq(Segments.position(s, arity, count), s.end);
        uint64 last = Segments.position(s, arity, count - 1);
        vm.assertTrue(last < s.end && s.end - last <= stride);
        vm.assertEq(last, s.start + (count - 1) * stride);
    }

    /// Every segment of up to 40 steps under every arity up to 8, at both ends of the range, every element of it: one stride after the
    /// one before, the last at most one, from the start to the end.
    function test_everyShortSegment() public pure {
        for (uint64 width = 2; width <= 40; ++width) {
            for (uint256 arity = 2; arity <= 8; ++arity) {
                isCovered(segment(0, width), arity);
                isCovered(segment(type(uint64).max - width, type(uint64).max), arity);
            }
        }
    }

    function isCovered(Segment memory s, uint256 arity) private pure {
        (uint256 stride, uint256 count) = (Segments.stride(s, arity), Segments.count(s, arity));
        uint256 place = s.start;
        vm.assertEq(Segments.position(s, arity, 0), place);
        for (uint256 i = 1; i <= count; ++i) {
            place = i < count ? place + stride : s.end;
            uint256 position = Segments.position(s, arity, i);
            vm.assertEq(position, place);
            vm.assertTrue(position - Segments.position(s, arity, i - 1) - 1 < stride);
        }
        vm.assertTrue(count <= arity);
    }

    /// What can be claimed can be dissected in that many levels.
    function testFuzz_levelsAreEnough(uint32 arity, uint8 levels, uint64 width) public pure {
        arity = arity % 4094 + 2;
        levels = levels % 5 + 1;
        uint256 reach = uint256(arity) ** levels;
        vm.assume(width >= 1 && width <= reach);
        for (uint256 i = 0; i < levels && width > 1; ++i) {
            width = uint64(Segments.stride(segment(0, width), arity));
        }
        vm.assertEq(width, uint256(1));
    }
}

/// The last bytes of a payload, which are those of its last element.
contract TapeTest is Test {
    function ending(uint32 left, uint256 bytes_) private pure returns (Tape.Item memory) {
        bytes32[] memory elements = new bytes32[](1);
        elements[0] = bytes32(bytes_);
        return Tape.read(elements, 4095, Tape.PAYLOAD - left);
    }

    function check(Tape.Item memory item, Tape.Kind kind, uint256 header, uint256 length) private pure {
        vm.assertEq(uint256(item.kind), uint256(kind));
        vm.assertEq(item.header, header);
        vm.assertEq(item.length, length);
    }

    function test_transactionsThatEndThePayload() public pure {
        check(ending(4, 0x02000000), Tape.Kind.Transaction, 4, 4);
        check(ending(5, 0x0200000177), Tape.Kind.Transaction, 4, 5);
        check(ending(5, 0x0200000277), Tape.Kind.End, 4, 4); // it would go on
        check(ending(4, 0x02000001), Tape.Kind.End, 4, 4);
        check(ending(3, 0x020000), Tape.Kind.End, 1, 1); // no header
        check(ending(1, 0x02), Tape.Kind.End, 1, 1);
    }

    function test_openingsThatEndThePayload() public pure {
        Tape.Item memory item = ending(13, 0x01_0000000000000005_00000007);
        check(item, Tape.Kind.Open, 13, 13);
        vm.assertEq(item.timestamp, uint256(5));
        vm.assertEq(item.viewIndex, uint256(7));
        check(ending(12, 0x01_0000000000000005_000007), Tape.Kind.End, 1, 1);
        check(ending(1, 0x01), Tape.Kind.End, 1, 1);
    }
}

contract SystemContractsHarness {
    function check(bytes32 root, bytes[] memory proof2935, bytes[] memory proof4788) external pure {
        SystemContracts.check(root, proof2935, proof4788);
    }
}

contract SystemContractsTest is Fixtures {
    SystemContractsHarness private harness = new SystemContractsHarness();

    function test_codeHashesAreThoseOfTheEips() public view {
        bytes memory code2935 = vm.parseJsonBytes(json(), ".genesis.code2935");
        bytes memory code4788 = vm.parseJsonBytes(json(), ".genesis.code4788");
        vm.assertEq(keccak256(code2935), SystemContracts.HISTORY_STORAGE_CODE_HASH);
        vm.assertEq(keccak256(code4788), SystemContracts.BEACON_ROOTS_CODE_HASH);
    }

    function test_acceptsAStandardGenesis() public view {
        (bytes32 root, bytes[] memory proof2935, bytes[] memory proof4788) = genesisProofs("good");
        harness.check(root, proof2935, proof4788);
    }

    function test_refusesAnotherCode() public {
        (bytes32 root, bytes[] memory proof2935, bytes[] memory proof4788) = genesisProofs("wrongCode");
        reverts(
            address(harness),
            abi.encodeCall(SystemContractsHarness.check, (root, proof2935, proof4788)),
            abi.encodeWithSelector(
                IRollup.NotStandardCode.selector,
                SystemContracts.BEACON_ROOTS,
                SystemContracts.BEACON_ROOTS_CODE_HASH,
                SystemContracts.HISTORY_STORAGE_CODE_HASH
            )
        );
    }

    function test_refusesProofsOfOtherAccountsAndRoots() public view {
        (bytes32 root, bytes[] memory proof2935, bytes[] memory proof4788) = genesisProofs("good");
        refuses(root, proof4788, proof2935);
        refuses(keccak256(abi.encode(root)), proof2935, proof4788);
        refuses(root, new bytes[](0), proof4788);
    }

    function refuses(bytes32 root, bytes[] memory proof2935, bytes[] memory proof4788) private view {
        try harness.check(root, proof2935, proof4788) {
            vm.assertTrue(false, "accepted");
        } catch {}
    }
}
