// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {Checkpoint, Gap, Segment, StepProof} from "../interfaces/Types.sol";
import {CheckpointLib} from "../libraries/CheckpointLib.sol";
import {Bills} from "./Bills.sol";
import {Dissection} from "./Dissection.sol";

/// @title Proven steps, and the attempts that they kill
/// @notice Kills are by anyone, at any time until confirmation, without a bond.
abstract contract Proofs is Dissection, Bills {
    /// @dev Of a proof, without what it points to: no more than the public pool takes in a transaction. A call between contracts may
    /// be longer, and so could bring chunks that others staged as if they were its own, on no bill.
    uint256 private constant MAX_INLINE_BYTES = 131_072;

    mapping(bytes32 pre => bytes32 post) private _truth;

    // ---------------------------------------------------------------- moves

    /// @inheritdoc IRollup
    function proveStep(Checkpoint calldata pre, StepProof calldata proof) external returns (bytes32 post) {
        return _prove(pre, CheckpointLib.h248(pre), proof);
    }

    /// @inheritdoc IRollup
    function killGap(bytes32 attempt, Gap calldata gap, address beneficiary) external {
        _requirePending(attempt);
        _killGap(attempt, gap, beneficiary);
    }

    /// @inheritdoc IRollup
    function killClaim(bytes32 attempt, address beneficiary) external {
        _requirePending(attempt);
        _killClaim(attempt, beneficiary);
    }

    /// @inheritdoc IRollup
    function killGapBeyond(bytes32 attempt, Gap calldata gap, Checkpoint calldata pre, address beneficiary) external {
        _requirePending(attempt);
        _requirePreimage(gap.left, CheckpointLib.h248(pre));
        uint64 batch = _contents[_attempts[attempt].content].batch;
        require(pre.batch > batch, NotBeyond(pre.batch, batch));
        (, bytes32 segmentId) = _openPair(attempt, gap);
        _kill(attempt, segmentId, beneficiary, 0);
    }

    /// @inheritdoc IRollup
    function proveFraudGap(
        bytes32 attempt,
        Gap calldata gap,
        Checkpoint calldata pre,
        StepProof calldata proof,
        address beneficiary
    ) external {
        _requirePending(attempt);
        bytes32 left = CheckpointLib.h248(pre);
        _requirePreimage(gap.left, left);
        _prove(pre, left, proof);
        _killGap(attempt, gap, beneficiary);
    }

    /// @inheritdoc IRollup
    function proveFraudClaim(bytes32 attempt, Checkpoint calldata pre, StepProof calldata proof, address beneficiary)
        external
    {
        _requirePending(attempt);
        bytes32 left = CheckpointLib.h248(pre);
        _requirePreimage(_claimSegment(_contents[_attempts[attempt].content]).startHash, left);
        _prove(pre, left, proof);
        _killClaim(attempt, beneficiary);
    }

    /// @inheritdoc IRollup
    function truth(bytes32 pre) external view returns (bytes32 post) {
        return _truth[pre];
    }

    // ---------------------------------------------------------------- internals

    /// @dev A step has one result for all time, so a recorded one is never proven again: nobody can make a proof fail by being
    /// first with it.
    function _prove(Checkpoint calldata pre, bytes32 preHash, StepProof calldata proof) private returns (bytes32 post) {
        post = _truth[preHash];
        if (post != 0) return post;
        _checkInline(proof);
        post = CheckpointLib.h248(VERIFIER.step(pre, proof));
        _truth[preHash] = post;
        emit StepProven(preHash, post, msg.sender);
        _writeBill(preHash, proof);
    }

    /// @dev All parts that can be long, and could be chunks: the rest is hashes, commitments and their proofs.
    function _checkInline(StepProof calldata proof) private pure {
        uint256 got =
            32 * proof.opening.elements.length + proof.forcedTransaction.length + proof.execution.witness.length;
        require(got <= MAX_INLINE_BYTES, TooMuchInline(got, MAX_INLINE_BYTES));
    }

    function _killGap(bytes32 attempt, Gap calldata gap, address beneficiary) private {
        (Segment memory pair, bytes32 segmentId) = _openPair(attempt, gap);
        _requireFalse(pair);
        _kill(attempt, segmentId, beneficiary, _payBill(attempt, pair.startHash));
    }

    function _killClaim(bytes32 attempt, address beneficiary) private {
        Segment memory claim = _claimSegment(_contents[_attempts[attempt].content]);
        require(claim.end == 1, NotOneStep(claim.start, claim.end));
        _requireFalse(claim);
        _kill(attempt, _claimSegmentId(attempt), beneficiary, _payBill(attempt, claim.startHash));
    }

    function _kill(bytes32 attempt, bytes32 segmentId, address beneficiary, uint128 spent) private {
        require(beneficiary != address(0), ZeroBeneficiary());
        _die(attempt, segmentId, beneficiary, false, spent);
    }

    function _openPair(bytes32 attempt, Gap calldata gap)
        private
        view
        returns (Segment memory pair, bytes32 segmentId)
    {
        (pair,, segmentId) = _openGap(attempt, gap);
        require(pair.end - pair.start == 1, NotOneStep(pair.start, pair.end));
    }

    function _requireFalse(Segment memory pair) private view {
        bytes32 post = _truth[pair.startHash];
        require(post != 0, StepNotProven(pair.startHash));
        require(post != pair.endHash, StepIsTrue(pair.startHash, pair.endHash));
    }

    function _requirePreimage(bytes32 expected, bytes32 got) private pure {
        require(got == expected, WrongPreimage(expected, got));
    }
}
