// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStepVerifier} from "../interfaces/IStepVerifier.sol";
import {Trace} from "../interfaces/Types.sol";

/// @title The EXECUTE precompile (native rollups, EIP-8079, re-execution variant)
library Execute {
    address internal constant PRECOMPILE = address(0x0101);

    /// @notice Reverts unless EXECUTE says that `trace` leads from `pre` to `post` and uses `gasUsed`. "Could not run" and
    /// "is false" are different errors, and neither is ever evidence for anything.
    /// @dev Capacity is asked for first: a call over the limit of the L1 block takes all gas that it is given, so that whoever
    /// fills the block would burn up to 2^24 gas of everybody behind him.
    function run(bytes32 pre, bytes32 post, Trace memory trace, uint64 gasUsed) internal view {
        uint256 left = capacity();
        require(gasUsed <= left, IStepVerifier.ExecuteIsFull(left, gasUsed));
        (bool success, bytes memory answer) = PRECOMPILE.staticcall(abi.encode(pre, post, abi.encode(trace), gasUsed));
        // An L1 without the precompile answers with success and nothing.
        require(success && answer.length == 32 && uint256(bytes32(answer)) <= 1, IStepVerifier.ExecuteCouldNotRun());
        require(uint256(bytes32(answer)) == 1, IStepVerifier.ExecuteIsFalse());
    }

    /// @notice L2 gas that EXECUTE still re-executes in this L1 block.
    function capacity() internal view returns (uint256 left) {
        (bool success, bytes memory answer) = PRECOMPILE.staticcall("");
        require(success && answer.length == 64, IStepVerifier.ExecuteCouldNotRun());
        (, left) = abi.decode(answer, (uint256, uint256));
    }
}
