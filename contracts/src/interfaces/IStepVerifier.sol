// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Checkpoint, StepProof, View} from "./Types.sol";
import {IInbox} from "./IInbox.sol";

/// @title The step function of the tape, verified on L1
/// @notice Execution is settled by the EXECUTE precompile, blob bytes by the point-evaluation precompile.
interface IStepVerifier {
    struct Config {
        IInbox inbox;
        uint64 chainId; // of L2
        uint64 gasLimit; // of every L2 block
        uint64 blockTime; // seconds, at least 1
        uint32 maxWitnessBytes; // 2^19 to 2^20
    }

    /// @notice L2 time must advance with every block.
    error ZeroBlockTime();
    /// @notice A transaction could need more witness than this allows.
    error WitnessLimitTooLow(uint32 got, uint32 atLeast);
    /// @notice The proof of a transaction that uses as much would perhaps not fit an L1 transaction, however it is staged.
    error WitnessLimitTooHigh(uint32 got, uint32 atMost);
    /// @notice A transaction may use up to 2^24 gas, so a block must have room for one.
    error GasLimitTooLow(uint64 got, uint64 atLeast);
    /// @notice Nothing was appended under this index.
    error UnknownBatch(uint64 batch);
    /// @notice The proof's batch is not the one that was appended under this index.
    error WrongBatch(uint64 batch, bytes32 expected, bytes32 got);
    /// @notice The proof's bytes are not the next forced transaction.
    error WrongForcedTransaction(uint64 index, bytes32 expected, bytes32 got);
    /// @notice This step reads no blob.
    error UnneededOpening();
    /// @notice This step executes no forced transaction.
    error UnneededForcedTransaction();
    /// @notice This step executes nothing.
    error UnneededExecution();
    /// @notice Single openings must cover exactly the elements that the step reads; a whole blob has one proof.
    error WrongElementCount(uint256 expected, uint256 got);
    /// @notice System calls and credits use no gas of the block.
    error UnexpectedGas(uint64 got);
    /// @notice System calls and credits leave no receipt.
    error UnexpectedReceiptDigest(bytes32 expected, bytes32 got);
    /// @notice The checkpoint claims a base fee that no derivation reaches: the EVM carries 64 bits.
    error BaseFeeOutOfRange(uint256 baseFee);
    /// @notice EXECUTE gave no answer: too little gas, a pointer to no chunk, or no such precompile.
    error ExecuteCouldNotRun();
    /// @notice Of what EXECUTE re-executes in an L1 block, less is left than the step uses. The next block has all of it again.
    error ExecuteIsFull(uint256 left, uint256 needed);
    /// @notice EXECUTE ran, and this is not what the step does.
    error ExecuteIsFalse();

    /// @notice What `step(pre)` is. Reverts unless `proof` shows it; "could not run" is never taken for "false".
    function step(Checkpoint calldata pre, StepProof calldata proof) external view returns (Checkpoint memory post);
    /// @notice The checkpoint that every claim descends from, for a genesis state root.
    function genesis(bytes32 stateRoot) external view returns (Checkpoint memory);
    function config() external view returns (Config memory);
}
