// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Segment} from "../interfaces/Types.sol";

/// @title Segments of a claim, and where the elements of the blob that reveals one stand
/// @notice `stride = ceil(width / arity)`, `count = ceil(width / stride)`; element `j <= count` is the checkpoint hash at
/// `min(start + j * stride, end)`. Elements beyond `count` mean nothing. All sums here are of uint64 in uint256.
library Segments {
    function id(bytes32 attempt, Segment memory segment) internal pure returns (bytes32) {
        return keccak256(abi.encode(attempt, segment.start, segment.end, segment.startHash, segment.endHash));
    }

    /// @notice Steps between neighbouring elements. `segment.start < segment.end`.
    function stride(Segment memory segment, uint256 arity) internal pure returns (uint256) {
        return (uint256(segment.end) - segment.start + arity - 1) / arity;
    }

    /// @notice Number of the last element, at most `arity`.
    function count(Segment memory segment, uint256 arity) internal pure returns (uint256) {
        uint256 step = stride(segment, arity);
        return (uint256(segment.end) - segment.start + step - 1) / step;
    }

    /// @notice The position of element `index`.
    function position(Segment memory segment, uint256 arity, uint256 index) internal pure returns (uint64) {
        uint256 place = segment.start + index * stride(segment, arity);
        return place < segment.end ? uint64(place) : segment.end;
    }
}
