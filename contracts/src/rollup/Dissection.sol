// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {Gap, Reveal, Segment} from "../interfaces/Types.sol";
import {BlobReader} from "../libraries/BlobReader.sol";
import {Segments} from "../libraries/Segments.sol";
import {Bonds} from "./Bonds.sol";

/// @title Challenges, the blobs that answer them, and the clock
abstract contract Dissection is Bonds {
    // ---------------------------------------------------------------- moves

    /// @inheritdoc IRollup
    function challengeClaim(bytes32 attempt) external payable returns (bytes32 segmentId) {
        _requirePending(attempt);
        Attempt storage a = _attempts[attempt];
        return _challenge(attempt, _claimSegment(_contents[a.content]), a.windowEnd);
    }

    /// @inheritdoc IRollup
    function challengeGap(bytes32 attempt, Gap calldata gap) external payable returns (bytes32 segmentId) {
        _requirePending(attempt);
        (Segment memory segment, uint64 revealedAt,) = _openGap(attempt, gap);
        uint64 last = _later(_attempts[attempt].windowEnd, revealedAt + RESPONSE_PERIOD);
        return _challenge(attempt, segment, last);
    }

    /// @inheritdoc IRollup
    function reveal(bytes32 attempt, Segment calldata segment, Reveal calldata data) external {
        _requirePending(attempt);
        Attempt storage a = _attempts[attempt];
        require(msg.sender == a.owner, NotOwner(msg.sender, a.owner));
        bytes32 segmentId = Segments.id(attempt, segment);
        Challenge storage c = _challengeAgainst(attempt, segmentId);
        require(!c.answered, AlreadyRevealed(segmentId));
        require(_now() <= c.deadline, TooLate(_now(), c.deadline));

        c.answered = true;
        a.openChallenges -= 1;
        _recordReveal(attempt, segment, segmentId, data);
    }

    /// @inheritdoc IRollup
    function timeout(bytes32 attempt, bytes32 segmentId) external {
        _requirePending(attempt);
        Challenge storage c = _challengeAgainst(attempt, segmentId);
        require(!c.answered, AlreadyRevealed(segmentId));
        require(_now() > c.deadline, TooEarly(_now(), c.deadline));
        _die(attempt, segmentId, c.challenger, true, 0);
    }

    // ---------------------------------------------------------------- internals

    function _challenge(bytes32 attempt, Segment memory segment, uint64 last) private returns (bytes32 segmentId) {
        require(msg.value == CHALLENGE_BOND, WrongBond(msg.value, CHALLENGE_BOND));
        require(segment.end - segment.start > 1, SegmentTooShort(segment.start, segment.end));
        require(_now() <= last, TooLate(_now(), last));
        segmentId = Segments.id(attempt, segment);
        Challenge storage c = _challenges[segmentId];
        require(c.challenger == address(0), AlreadyChallenged(segmentId));
        require(_revealed[segmentId].versionedHash == 0, AlreadyRevealed(segmentId));

        uint64 deadline = _now() + RESPONSE_PERIOD;
        c.challenger = msg.sender;
        c.deadline = deadline;
        c.bond = CHALLENGE_BOND;
        c.attempt = attempt;
        Attempt storage a = _attempts[attempt];
        a.openChallenges += 1;
        a.challengeBonds += CHALLENGE_BOND;
        emit Challenged(attempt, segmentId, msg.sender, segment, deadline);
    }

    /// @dev Records the blob that reveals a segment, wider than one step, after opening it at both ends. Everybody gets a
    /// whole response period to look at it.
    function _recordReveal(bytes32 attempt, Segment memory segment, bytes32 segmentId, Reveal calldata data) internal {
        bytes32 versionedHash = blobhash(data.blobIndex);
        require(versionedHash != 0, NoBlob(data.blobIndex));
        uint256 count = Segments.count(segment, ARITY);
        BlobReader.verify(versionedHash, 0, segment.startHash, data.commitment, data.startProof);
        BlobReader.verify(versionedHash, count, segment.endHash, data.commitment, data.endProof);

        Attempt storage a = _attempts[attempt];
        _revealed[segmentId] = Revealed(versionedHash, _now());
        a.quietUntil = _later(a.quietUntil, _now() + RESPONSE_PERIOD);
        uint64 stride = uint64(Segments.stride(segment, ARITY));
        emit SegmentRevealed(attempt, segmentId, segment, versionedHash, stride, uint32(count));
    }

    /// @dev The segment between two neighbouring elements of a revealed one, when that was revealed, and its id.
    function _openGap(bytes32 attempt, Gap calldata gap)
        internal
        view
        returns (Segment memory segment, uint64 revealedAt, bytes32 parentId)
    {
        Segment memory parent = gap.parent;
        parentId = Segments.id(attempt, parent);
        Revealed storage blob = _revealed[parentId];
        bytes32 versionedHash = blob.versionedHash;
        require(versionedHash != 0, NotRevealed(parentId));
        uint256 count = Segments.count(parent, ARITY);
        require(gap.index < count, GapOutOfRange(gap.index, count));
        BlobReader.verify(versionedHash, gap.index, gap.left, gap.commitment, gap.leftProof);
        BlobReader.verify(versionedHash, uint256(gap.index) + 1, gap.right, gap.commitment, gap.rightProof);
        revealedAt = blob.revealedAt;
        segment = Segment({
            start: Segments.position(parent, ARITY, gap.index),
            end: Segments.position(parent, ARITY, uint256(gap.index) + 1),
            startHash: gap.left,
            endHash: gap.right
        });
    }

    function _later(uint64 a, uint64 b) private pure returns (uint64) {
        return a > b ? a : b;
    }
}
