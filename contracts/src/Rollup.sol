// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "./interfaces/IRollup.sol";
import {Checkpoint, Reveal, Segment} from "./interfaces/Types.sol";
import {CheckpointLib} from "./libraries/CheckpointLib.sol";
import {SystemContracts} from "./libraries/SystemContracts.sol";
import {Segments} from "./libraries/Segments.sol";
import {Claims} from "./rollup/Claims.sol";
import {Proofs} from "./rollup/Proofs.sol";

/// @title Rollup
/// @notice Claims enter and are confirmed here; what lies between stands in {Dissection} and {Proofs}, what becomes of the
/// money in {Bonds}. No owner, no pause, no proxy. See {IRollup}.
contract Rollup is Proofs {
    /// @dev More steps than one batch can come to, its six blobs and a day's queues of full L1 blocks together: else its true
    /// claim could not be made.
    uint256 private constant STEPS_NEEDED = (1 << 24) - (1 << 15);
    /// @dev Of {Reveal}: no blob.
    uint32 private constant NOTHING_REVEALED = type(uint32).max;

    uint64 private immutable MAX_STEPS;

    /// @param genesisStateRoot Of L2.
    /// @param proof2935 Account proof of EIP-2935's contract under it.
    /// @param proof4788 Account proof of EIP-4788's contract under it.
    constructor(
        Config memory configuration,
        bytes32 genesisStateRoot,
        bytes[] memory proof2935,
        bytes[] memory proof4788
    ) Claims(configuration) {
        MAX_STEPS = _checkReach(configuration.arity, configuration.levels);
        _checkPeriods(configuration);
        _checkBonds(configuration.claimBond, configuration.challengeBond);
        address store = address(configuration.chunkStore);
        require(store.code.length > 0, NoChunkStore(store));
        SystemContracts.check(genesisStateRoot, proof2935, proof4788);

        Checkpoint memory genesis = configuration.verifier.genesis(genesisStateRoot);
        bytes32 checkpoint = CheckpointLib.h248(genesis);
        bytes32 content = _contentId(0, 0, checkpoint, 0);
        _contents[content].checkpoint = checkpoint;
        _markConfirmed(_contents[content]);
        _tip = content;
        emit Confirmed(0, content, 0);
    }

    // ---------------------------------------------------------------- moves

    /// @inheritdoc IRollup
    function propose(
        bytes32 parent,
        bytes32 batchHash,
        Checkpoint calldata checkpoint,
        uint64 steps,
        address beneficiary,
        Reveal calldata reveal_
    ) external payable returns (bytes32 attempt) {
        require(msg.value == CLAIM_BOND, WrongBond(msg.value, CLAIM_BOND));
        require(beneficiary != address(0), ZeroBeneficiary());
        require(steps >= 1 && steps <= MAX_STEPS, StepsOutOfRange(steps, MAX_STEPS));
        uint64 batch = _batchOf(checkpoint, batchHash);
        _checkParent(parent, batch);

        bytes32 checkpointHash = CheckpointLib.h248(checkpoint);
        bytes32 content = _contentId(parent, batchHash, checkpointHash, steps);
        _recordContent(content, parent, checkpointHash, batch, steps);
        attempt = _recordAttempt(content, beneficiary);
        emit Proposed({
            attempt: attempt,
            content: content,
            owner: msg.sender,
            parent: parent,
            batch: batch,
            batchHash: batchHash,
            checkpoint: checkpointHash,
            steps: steps,
            beneficiary: beneficiary,
            windowEnd: _attempts[attempt].windowEnd
        });
        _revealClaim(attempt, reveal_);
    }

    /// @inheritdoc IRollup
    function confirm(bytes32 attempt) external {
        _requirePending(attempt);
        Attempt storage a = _attempts[attempt];
        Content storage c = _contents[a.content];
        require(_contents[c.parent].confirmed, ParentNotConfirmed(c.parent));
        require(_now() > a.windowEnd, TooEarly(_now(), a.windowEnd));
        require(_now() > a.quietUntil, TooEarly(_now(), a.quietUntil));
        require(a.openChallenges == 0, ChallengesOpen(a.openChallenges));

        a.status = Status.Confirmed;
        _markConfirmed(c);
        _confirmedChild[c.parent][c.batch] = a.content;
        if (c.batch > _contents[_tip].batch) _tip = a.content;
        emit Confirmed(attempt, a.content, c.batch);
    }

    function _markConfirmed(Content storage c) private {
        c.confirmed = true;
        c.confirmedAt = _now();
    }

    // ---------------------------------------------------------------- parts of propose

    /// @dev The last batch that a claim up to `checkpoint` spans.
    function _batchOf(Checkpoint calldata checkpoint, bytes32 batchHash) private view returns (uint64 batch) {
        require(
            checkpoint.batch > 1 && checkpoint.blob == 0 && checkpoint.offset == 0 && !checkpoint.open,
            NotBatchEnd(checkpoint.batch, checkpoint.blob, checkpoint.offset, checkpoint.open)
        );
        batch = checkpoint.batch - 1;
        bytes32 expected = INBOX.batchHash(batch);
        require(expected != 0 && batchHash == expected, WrongBatchHash(batch, expected, batchHash));
    }

    function _checkParent(bytes32 parent, uint64 batch) private view {
        Content storage p = _knownContent(parent);
        require(batch > p.batch, BatchNotNewer(batch, p.batch));
        if (parent == _tip) return;
        bool undecided = !p.confirmed && !_isContradicted(p, parent) && !_isVoid(p);
        require(undecided && p.liveAttempts > 0 && p.batch > _contents[_tip].batch, UnfitParent(parent));
    }

    function _recordContent(bytes32 content, bytes32 parent, bytes32 checkpoint, uint64 batch, uint64 steps) private {
        Content storage c = _contents[content];
        c.liveAttempts += 1;
        if (c.checkpoint != 0) return;
        c.parent = parent;
        c.checkpoint = checkpoint;
        c.batch = batch;
        c.steps = steps;
    }

    function _recordAttempt(bytes32 content, address beneficiary) private returns (bytes32 attempt) {
        attempt = keccak256(abi.encode(content, msg.sender, _nonces[msg.sender]++));
        Attempt storage a = _attempts[attempt];
        a.content = content;
        a.owner = msg.sender;
        a.windowEnd = _now() + CHALLENGE_WINDOW;
        a.status = Status.Live;
        a.beneficiary = beneficiary;
        a.bond = CLAIM_BOND;
    }

    function _revealClaim(bytes32 attempt, Reveal calldata data) private {
        if (data.blobIndex == NOTHING_REVEALED) {
            require(
                data.commitment.length == 0 && data.startProof.length == 0 && data.endProof.length == 0,
                UnneededOpening()
            );
            return;
        }
        Segment memory claim = _claimSegment(_contents[_attempts[attempt].content]);
        require(claim.end > 1, SegmentTooShort(claim.start, claim.end));
        _recordReveal(attempt, claim, Segments.id(attempt, claim), data);
    }

    function _contentId(bytes32 parent, bytes32 batchHash, bytes32 checkpoint, uint64 steps)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(parent, batchHash, checkpoint, steps));
    }

    // ---------------------------------------------------------------- parts of the constructor

    /// @dev `arity ^ levels`, at most 2^64 - 1: the most steps that a claim may have.
    function _checkReach(uint32 arity, uint8 levels) private pure returns (uint64) {
        require(arity >= 2 && arity <= 4095, ArityOutOfRange(arity));
        uint256 reach = 1;
        for (uint256 i = 0; i < levels && reach <= type(uint64).max; ++i) {
            reach *= arity;
        }
        require(reach >= STEPS_NEEDED, TooFewSteps(reach, STEPS_NEEDED));
        return reach > type(uint64).max ? type(uint64).max : uint64(reach);
    }

    function _checkBonds(uint128 claimBond, uint128 challengeBond) private pure {
        require(claimBond >= 2 && challengeBond >= 1, BondTooSmall(claimBond, challengeBond));
    }

    function _checkPeriods(Config memory configuration) private view {
        require(configuration.challengeWindow > 0 && configuration.responsePeriod > 0, ZeroPeriod());
        (address expected, address got) = (address(configuration.inbox), address(configuration.verifier.config().inbox));
        require(expected == got, WrongInbox(expected, got));
    }
}
