// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The length of a queue, now and at the end of the previous L1 block, in one slot.
struct Queue {
    uint64 count;
    uint64 countBefore; // when the first entry of `writtenAt` was about to be queued
    uint64 writtenAt; // number of the L1 block of the newest entry
}

/// @title Queues that know how long they were when the block began
/// @notice A view speaks of the end of block.number - 1, while entries of this block may already be queued.
library QueueLib {
    /// @notice Makes room for an entry. @return index Its index.
    function push(Queue storage queue) internal returns (uint64 index) {
        index = queue.count;
        if (queue.writtenAt != block.number) {
            queue.writtenAt = uint64(block.number);
            queue.countBefore = index;
        }
        queue.count = index + 1;
    }

    /// @notice The length at the end of block.number - 1.
    function endOfPreviousBlock(Queue storage queue) internal view returns (uint64) {
        // Numbers of blocks, not amounts: nobody can move one past the other.
        // slither-disable-next-line incorrect-equality
        return queue.writtenAt == block.number ? queue.countBefore : queue.count;
    }
}
