// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Bytes on L1 that proofs point to
/// @notice What does not fit one L1 transaction is *staged* before: cut into chunks, each the code of an account of its own.
/// Nobody owns the store, and nothing in it ever changes.
interface IChunkStore {
    struct Chunk {
        address poster; // staged it first; zero: not staged here
        uint64 stagedAt; // seconds
        uint32 size; // bytes of the chunk: its code is one longer
    }

    /// @notice A chunk stands at `pointer` from now on; `poster` paid for its `size` bytes.
    event Staged(address indexed pointer, address indexed poster, uint256 size);

    error EmptyChunk();
    /// @notice Code has at most 24,576 bytes (EIP-170), one of which is not the chunk's.
    error ChunkTooLong(uint256 size, uint256 atMost);
    /// @notice The account was not created: too little gas.
    error NotStaged(address pointer);

    /// @notice Makes `pointer` an account whose code is a zero byte and the chunk. The address is a function of the chunk, so
    /// that the same chunk is stored once: of one that stands already, only the pointer is given. Nobody can make this fail by
    /// being first, but the first is the one who is recorded.
    function stage(bytes calldata chunk) external returns (address pointer);
    /// @notice Who staged what stands at `pointer`, and when; all zero for what was not staged here.
    function chunkOf(address pointer) external view returns (Chunk memory);
    /// @notice Where `chunk` stands, or would.
    function pointerOf(bytes calldata chunk) external view returns (address);
}
