// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChunkStore} from "./interfaces/IChunkStore.sol";

/// @title ChunkStore
/// @notice See {IChunkStore}. Chunks are code because code is the cheapest storage that EXECUTE reads, and because the code of
/// an account that begins with STOP never changes: it can't run, so it can't destroy itself.
contract ChunkStore is IChunkStore {
    /// @dev EIP-170, less the zero byte.
    uint256 private constant MAX_CHUNK = 24_575;

    mapping(address pointer => Chunk) private _chunks;

    /// @inheritdoc IChunkStore
    function stage(bytes calldata chunk) external returns (address pointer) {
        bytes memory creation = _creationOf(chunk);
        pointer = _addressOf(creation);
        if (_chunks[pointer].poster != address(0)) return pointer;

        _chunks[pointer] = Chunk(msg.sender, uint64(block.timestamp), uint32(chunk.length));
        emit Staged(pointer, msg.sender, chunk.length);

        // Runs no code of anybody's: all of it is in `_creationOf`.
        address created;
        assembly ("memory-safe") {
            created := create2(0, add(creation, 0x20), mload(creation), 0)
        }
        require(created == pointer, NotStaged(pointer));
    }

    /// @inheritdoc IChunkStore
    function chunkOf(address pointer) external view returns (Chunk memory) {
        return _chunks[pointer];
    }

    /// @inheritdoc IChunkStore
    function pointerOf(bytes calldata chunk) external view returns (address) {
        return _addressOf(_creationOf(chunk));
    }

    /// @dev Creation code that returns what follows its first ten bytes:
    ///     61 SIZE   PUSH2 size       80   DUP1
    ///     60 0a     PUSH1 10         3d   RETURNDATASIZE, which is 0
    ///     39        CODECOPY(0, 10, size)
    ///     3d        RETURNDATASIZE   f3   RETURN(0, size)
    /// and that is a zero byte and the chunk.
    function _creationOf(bytes calldata chunk) private pure returns (bytes memory) {
        require(chunk.length > 0, EmptyChunk());
        require(chunk.length <= MAX_CHUNK, ChunkTooLong(chunk.length, MAX_CHUNK));
        return abi.encodePacked(bytes1(0x61), uint16(chunk.length + 1), bytes7(0x80600a3d393df3), bytes1(0), chunk);
    }

    /// @dev CREATE2 by this contract with salt 0.
    function _addressOf(bytes memory creation) private view returns (address) {
        bytes32 hash = keccak256(abi.encodePacked(bytes1(0xff), address(this), bytes32(0), keccak256(creation)));
        return address(uint160(uint256(hash)));
    }
}
