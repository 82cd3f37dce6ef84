// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ChunkStore} from "../../src/ChunkStore.sol";
import {IChunkStore} from "../../src/interfaces/IChunkStore.sol";
import {Test} from "../support/Test.sol";

contract ChunkStoreTest is Test {
    ChunkStore private store = new ChunkStore();

    function stage(address who, bytes memory chunk) private returns (address) {
        vm.prank(who);
        return store.stage(chunk);
    }

    function testFuzz_theCodeIsAZeroByteAndTheChunk(bytes memory chunk) public {
        vm.assume(chunk.length > 0 && chunk.length <= 24_575);
        address pointer = stage(ALICE, chunk);
        vm.assertEq(pointer.code, bytes.concat(hex"00", chunk));
        vm.assertEq(store.pointerOf(chunk), pointer);
    }

    function test_theLongestChunk() public {
        bytes memory chunk = new bytes(24_575);
        chunk[24_574] = 0xff;
        vm.assertEq(stage(ALICE, chunk).code, bytes.concat(hex"00", chunk));
    }

    function test_longerChunksAndEmptyOnes() public {
        reverts(
            address(store),
            abi.encodeCall(IChunkStore.stage, (new bytes(24_576))),
            abi.encodeWithSelector(IChunkStore.ChunkTooLong.selector, 24_576, 24_575)
        );
        reverts(
            address(store),
            abi.encodeCall(IChunkStore.stage, ("")),
            abi.encodeWithSelector(IChunkStore.EmptyChunk.selector)
        );
    }

    function recorded(address pointer, address poster, uint64 stagedAt, uint32 size) private view {
        IChunkStore.Chunk memory chunk = store.chunkOf(pointer);
        vm.assertEq(chunk.poster, poster);
        vm.assertEq(chunk.stagedAt, stagedAt);
        vm.assertEq(chunk.size, size);
    }

    function test_whoWasFirstIsRecorded() public {
        address pointer = store.pointerOf("chunk");
        recorded(pointer, address(0), 0, 0);
        expectEvent(address(store));
        emit IChunkStore.Staged(pointer, ALICE, 5);
        vm.warp(1000);
        stage(ALICE, "chunk");
        recorded(pointer, ALICE, 1000, 5);
        vm.warp(1001);
        vm.assertEq(stage(MALLORY, "chunk"), pointer);
        recorded(pointer, ALICE, 1000, 5);
    }

    function test_chunksOfTheSameBytesAreOneAndOthersAreNot() public {
        address a = stage(ALICE, hex"00");
        vm.assertEq(stage(BOB, hex"00"), a);
        vm.assertNotEq(bytes32(uint256(uint160(stage(BOB, hex"0000")))), bytes32(uint256(uint160(a))));
    }

    /// Ether that somebody sent there before changes nothing.
    function test_aPointerThatHasEtherAlready() public {
        address pointer = store.pointerOf("rich");
        vm.deal(pointer, 1 ether);
        vm.assertEq(stage(ALICE, "rich"), pointer);
        vm.assertEq(pointer.code, hex"0072696368");
    }

    /// Whatever the chunk is, the code stops at once.
    function testFuzz_chunksDontRun(bytes memory chunk, bytes memory data) public {
        vm.assume(chunk.length > 0);
        (bool success, bytes memory answer) = stage(ALICE, chunk).call(data);
        vm.assertTrue(success && answer.length == 0);
    }

    function test_withTooLittleGasNothingIsRecorded() public {
        bytes memory data = abi.encodeCall(IChunkStore.stage, (new bytes(20_000)));
        (bool success,) = address(store).call{gas: 2_000_000}(data);
        vm.assertFalse(success);
        recorded(store.pointerOf(new bytes(20_000)), address(0), 0, 0);
    }

    /// An address by hand: CREATE2 of this creation code, as anybody computes it off chain.
    function test_theAddressIsThatOfCreate2() public view {
        bytes memory creation = hex"61000480600a3d393df300616263";
        bytes32 hash = keccak256(bytes.concat(hex"ff", bytes20(address(store)), bytes32(0), keccak256(creation)));
        vm.assertEq(store.pointerOf("abc"), address(uint160(uint256(hash))));
    }
}
