// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Trace} from "../../src/interfaces/Types.sol";
import {Execute} from "../../src/libraries/Execute.sol";

/// @notice How EXECUTE can be called.
enum Kind {
    Call,
    CallCode,
    DelegateCall,
    StaticCall
}

/// @title Calls of EXECUTE
/// @notice The L1 node's tests call the real EXECUTE through these; forge has none.
library Calls {
    /// @notice What became of a call. `spent` is L1 gas, with the same few for the CALL itself each time.
    struct Outcome {
        bool success;
        bytes answer;
        uint256 spent;
    }

    /// @notice Calls with at most `gasLimit`; the EVM forwards 63/64 of what is left if that is less.
    function run(Kind kind, uint256 gasLimit, uint256 value, bytes memory input)
        internal
        returns (Outcome memory outcome)
    {
        (bool success, uint256 spent) = (false, 0);
        address target = Execute.PRECOMPILE;
        // Reads `input` and writes no memory; the answer stays in the return data.
        assembly ("memory-safe") {
            let start := add(input, 32)
            let length := mload(input)
            spent := gas()
            switch kind
            case 0 { success := call(gasLimit, target, value, start, length, 0, 0) }
            case 1 { success := callcode(gasLimit, target, value, start, length, 0, 0) }
            case 2 { success := delegatecall(gasLimit, target, start, length, 0, 0) }
            default { success := staticcall(gasLimit, target, start, length, 0, 0) }
            spent := sub(spent, gas())
        }
        outcome.success = success;
        outcome.spent = spent;
        outcome.answer = _answer();
    }

    function _answer() private pure returns (bytes memory answer) {
        // Allocates what it fills.
        assembly ("memory-safe") {
            answer := mload(0x40)
            let length := returndatasize()
            mstore(answer, length)
            returndatacopy(add(answer, 32), 0, length)
            mstore(0x40, add(answer, and(add(length, 63), not(31))))
        }
    }
}

/// @title A caller that goes on whatever EXECUTE answers
contract ExecuteCaller {
    /// @notice What became of one call.
    event Called(bool success, bytes answer, uint256 spent);
    /// @notice What became of many: how many succeeded, how many of those said true, what all spent.
    event Counted(uint256 succeeded, uint256 affirmed, uint256 spent);
    /// @notice What became of a frame that called EXECUTE.
    event Framed(bool success, bytes answer);

    /// @notice Thrown on purpose.
    error OnPurpose();

    receive() external payable {}

    /// @notice One call with as much gas as can be forwarded: 63/64 of what is left.
    function once(bytes calldata input) external returns (Calls.Outcome memory) {
        return _call(Kind.StaticCall, type(uint256).max, 0, input);
    }

    /// @notice One call with exactly this much gas.
    function withGas(uint256 gasLimit, bytes calldata input) external returns (Calls.Outcome memory) {
        return _call(Kind.StaticCall, gasLimit, 0, input);
    }

    /// @notice One call of this kind with this value, of which DELEGATECALL and STATICCALL have none.
    function ofKind(Kind kind, uint256 value, bytes calldata input) external returns (Calls.Outcome memory) {
        return _call(kind, type(uint256).max, value, input);
    }

    /// @notice The same call again and again.
    function many(uint256 times, bytes calldata input) external {
        (uint256 succeeded, uint256 affirmed, uint256 spent) = (0, 0, 0);
        bytes memory copy = input;
        for (uint256 i = 0; i < times; ++i) {
            Calls.Outcome memory outcome = Calls.run(Kind.StaticCall, type(uint256).max, 0, copy);
            spent += outcome.spent;
            if (!outcome.success) continue;
            succeeded += 1;
            if (uint256(bytes32(outcome.answer)) == 1) affirmed += 1;
        }
        emit Counted(succeeded, affirmed, spent);
    }

    /// @notice One call, after which everything is reverted.
    function thenRevert(bytes calldata input) external {
        _call(Kind.StaticCall, type(uint256).max, 0, input);
        revert OnPurpose();
    }

    /// @notice One call, after which all gas is burned.
    function thenInvalid(bytes calldata input) external {
        _call(Kind.StaticCall, type(uint256).max, 0, input);
        assembly ("memory-safe") {
            invalid()
        }
    }

    /// @notice Calls itself with `data` and as much as `gasLimit`, and goes on whatever becomes of that frame.
    function framed(uint256 gasLimit, bytes calldata data) external {
        (bool success, bytes memory answer) = address(this).call{gas: gasLimit}(data);
        emit Framed(success, answer);
    }

    function _call(Kind kind, uint256 gasLimit, uint256 value, bytes memory input)
        private
        returns (Calls.Outcome memory outcome)
    {
        outcome = Calls.run(kind, gasLimit, value, input);
        emit Called(outcome.success, outcome.answer, outcome.spent);
    }
}

/// @title A caller that takes nothing but a "true", as the project's contracts do
contract StrictCaller {
    /// @notice Reverts unless EXECUTE says true.
    function run(bytes32 pre, bytes32 post, Trace calldata trace, uint64 gasUsed) external view {
        Execute.run(pre, post, trace, gasUsed);
    }
}

/// @title A caller whose constructor calls
contract ExecuteInConstructor {
    /// @notice What the call said.
    bool public success;
    bytes public answer;

    constructor(bytes memory input) {
        Calls.Outcome memory outcome = Calls.run(Kind.StaticCall, type(uint256).max, 0, input);
        success = outcome.success;
        answer = outcome.answer;
    }
}
