// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChunkStore} from "../interfaces/IChunkStore.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {IStepVerifier} from "../interfaces/IStepVerifier.sol";
import {Segment} from "../interfaces/Types.sol";
import {Segments} from "../libraries/Segments.sol";

/// @title What is claimed, and what becomes of it
/// @notice Storage of the game and the one classifier, `_fate`, that moves, views and settlements ask.
abstract contract Claims is IRollup {
    IInbox internal immutable INBOX;
    IStepVerifier internal immutable VERIFIER;
    IChunkStore internal immutable CHUNK_STORE;
    uint32 internal immutable ARITY;
    uint8 internal immutable LEVELS;
    uint64 internal immutable CHALLENGE_WINDOW;
    uint64 internal immutable RESPONSE_PERIOD;
    uint128 internal immutable CLAIM_BOND;
    uint128 internal immutable CHALLENGE_BOND;
    uint128 internal immutable CHUNK_REWARD;

    bytes32 internal _tip;
    mapping(bytes32 id => Content) internal _contents;
    mapping(bytes32 id => Attempt) internal _attempts;
    mapping(bytes32 segmentId => Challenge) internal _challenges;
    mapping(bytes32 segmentId => Revealed) internal _revealed;
    /// @dev The first confirmed content that follows `parent` up to `batch`: all others are contradicted.
    mapping(bytes32 parent => mapping(uint64 batch => bytes32 content)) internal _confirmedChild;
    mapping(address owner => uint256) internal _nonces;

    constructor(Config memory configuration) {
        INBOX = configuration.inbox;
        VERIFIER = configuration.verifier;
        CHUNK_STORE = configuration.chunkStore;
        ARITY = configuration.arity;
        LEVELS = configuration.levels;
        CHALLENGE_WINDOW = configuration.challengeWindow;
        RESPONSE_PERIOD = configuration.responsePeriod;
        CLAIM_BOND = configuration.claimBond;
        CHALLENGE_BOND = configuration.challengeBond;
        CHUNK_REWARD = configuration.chunkReward;
    }

    // ---------------------------------------------------------------- reading

    /// @inheritdoc IRollup
    function tip() external view returns (bytes32 content) {
        return _tip;
    }

    /// @inheritdoc IRollup
    function contentOf(bytes32 content) external view returns (Content memory) {
        return _contents[content];
    }

    /// @inheritdoc IRollup
    function attemptOf(bytes32 attempt) external view returns (Attempt memory) {
        return _attempts[attempt];
    }

    /// @inheritdoc IRollup
    function fateOf(bytes32 attempt) external view returns (Fate) {
        return _fate(attempt);
    }

    /// @inheritdoc IRollup
    function challengeOf(bytes32 segmentId) external view returns (Challenge memory) {
        return _challenges[segmentId];
    }

    /// @inheritdoc IRollup
    function revealedOf(bytes32 segmentId) external view returns (Revealed memory) {
        return _revealed[segmentId];
    }

    /// @inheritdoc IRollup
    function isContradicted(bytes32 content) external view returns (bool) {
        return _isContradicted(_knownContent(content), content);
    }

    /// @inheritdoc IRollup
    function isVoid(bytes32 content) external view returns (bool) {
        return _isVoid(_knownContent(content));
    }

    /// @inheritdoc IRollup
    function nonceOf(address owner) external view returns (uint256) {
        return _nonces[owner];
    }

    /// @inheritdoc IRollup
    function config() external view returns (Config memory) {
        return Config({
            inbox: INBOX,
            verifier: VERIFIER,
            chunkStore: CHUNK_STORE,
            arity: ARITY,
            levels: LEVELS,
            challengeWindow: CHALLENGE_WINDOW,
            responsePeriod: RESPONSE_PERIOD,
            claimBond: CLAIM_BOND,
            challengeBond: CHALLENGE_BOND,
            chunkReward: CHUNK_REWARD
        });
    }

    // ---------------------------------------------------------------- fates

    /// @dev The one answer to "is it over, and how". Death comes first: a dead attempt stays dead when its content confirms.
    function _fate(bytes32 attempt) internal view returns (Fate) {
        Attempt storage a = _attempts[attempt];
        require(a.status != Status.None, UnknownAttempt(attempt));
        if (a.status == Status.Dead) return Fate.Dead;
        Content storage c = _contents[a.content];
        if (c.confirmed) return Fate.Confirmed;
        if (_isContradicted(c, a.content)) return Fate.Contradicted;
        if (_isVoid(c)) return Fate.Void;
        return Fate.Pending;
    }

    function _requirePending(bytes32 attempt) internal view {
        Fate fate = _fate(attempt);
        require(fate == Fate.Pending, NotPending(attempt, fate));
    }

    function _isContradicted(Content storage c, bytes32 content) internal view returns (bool) {
        bytes32 confirmed = _confirmedChild[c.parent][c.batch];
        return confirmed != 0 && confirmed != content;
    }

    /// @dev O(1): of the ancestors, only the parent's recorded state is looked at. A content far below a contradicted one is
    /// void for this contract once `markVoid` was called down to its parent; until then it only can't confirm.
    /// Void is for ever: a parent that is not newer than the tip can't be proposed again.
    function _isVoid(Content storage c) internal view returns (bool) {
        if (c.confirmed) return false;
        if (c.voided) return true;
        Content storage parent = _contents[c.parent];
        if (parent.confirmed) return false;
        return parent.voided || _isContradicted(parent, c.parent)
            || (parent.liveAttempts == 0 && parent.batch <= _contents[_tip].batch);
    }

    function _knownContent(bytes32 content) internal view returns (Content storage c) {
        c = _contents[content];
        require(c.checkpoint != 0, UnknownContent(content));
    }

    // ---------------------------------------------------------------- parts

    function _claimSegment(Content storage c) internal view returns (Segment memory) {
        return Segment({start: 0, end: c.steps, startHash: _contents[c.parent].checkpoint, endHash: c.checkpoint});
    }

    function _claimSegmentId(bytes32 attempt) internal view returns (bytes32) {
        return Segments.id(attempt, _claimSegment(_contents[_attempts[attempt].content]));
    }

    function _now() internal view returns (uint64) {
        return uint64(block.timestamp);
    }
}
