// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInbox} from "../../src/interfaces/IInbox.sol";
import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {Checkpoint, StepProof} from "../../src/interfaces/Types.sol";

/// @notice A history of one line, so that games need no execution: the state root of position `i` is `i + 1`, the first batch
/// takes 8 steps, every later one as many.
library Toy {
    uint64 internal constant STEPS = 8;

    /// @notice The true checkpoint at `position`.
    function truth(uint64 position) internal pure returns (Checkpoint memory c) {
        c.stateRoot = bytes32(uint256(position) + 1);
        c.batch = position / STEPS + 1;
        c.offset = uint32(position % STEPS);
    }

    /// @notice A false checkpoint in the first batch.
    function lie(uint64 position) internal pure returns (Checkpoint memory c) {
        c.stateRoot = bytes32(uint256(position) + 1000);
        c.batch = 1;
        c.offset = uint32(position);
    }

    /// @notice The end of a claim up to `batch`.
    function end(uint256 stateRoot, uint64 batch) internal pure returns (Checkpoint memory c) {
        c.stateRoot = bytes32(stateRoot);
        c.batch = batch + 1;
    }
}

/// @notice Knows the toy history only. Stands in for {StepVerifier}, which has tests of its own.
contract ToyVerifier is IStepVerifier {
    error NotTrue(bytes32 stateRoot);

    IInbox private immutable INBOX;
    uint64 public gasLimit = 1 << 28;

    constructor(IInbox inbox) {
        INBOX = inbox;
    }

    function step(Checkpoint calldata pre, StepProof calldata) external view returns (Checkpoint memory) {
        uint64 position = uint64(uint256(pre.stateRoot) - 1);
        if (keccak256(abi.encode(pre)) != keccak256(abi.encode(Toy.truth(position)))) revert NotTrue(pre.stateRoot);
        if (INBOX.batchHash(pre.batch) == 0) revert UnknownBatch(pre.batch);
        return Toy.truth(position + 1);
    }

    function genesis(bytes32) external pure returns (Checkpoint memory) {
        return Toy.truth(0);
    }

    function config() external view returns (Config memory) {
        return Config(INBOX, 1, gasLimit, 1, 1 << 20);
    }
}
