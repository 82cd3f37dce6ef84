// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStepVerifier} from "../interfaces/IStepVerifier.sol";
import {Trace} from "../interfaces/Types.sol";

/// @title The EXECUTE precompile (native rollups, EIP-8079, re-execution variant)
library Execute {
    address internal constant PRECOMPILE = address(0x0101);

    /// @notice Reverts unless EXECUTE says that `trace` leads from `pre` to `post` and uses `gasUsed`. "Could not run" and
    /// "is false" are different errors, and neither is ever evidence for anything.
    function run(bytes32 pre, bytes32 post, Trace memory trace, uint64 gasUsed) internal view {
        (bool success, bytes memory answer) = PRECOMPILE.staticcall(abi.encode(pre, post, abi.encode(trace), gasUsed));
        // An L1 without the precompile answers with success and nothing.
        require(success && answer.length == 32 && uint256(bytes32(answer)) <= 1, IStepVerifier.ExecuteCouldNotRun());
        require(uint256(bytes32(answer)) == 1, IStepVerifier.ExecuteIsFalse());
    }
}
