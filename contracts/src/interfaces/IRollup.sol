// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Checkpoint, Gap, Reveal, Segment, StepProof} from "./Types.sol";
import {IInbox} from "./IInbox.sol";
import {IStepVerifier} from "./IStepVerifier.sol";

/// @notice Claims, dissection, and the money behind them.
interface IRollup {
    struct Config {
        IInbox inbox;
        IStepVerifier verifier;
        uint32 arity;
        uint8 levels;
        uint64 challengeWindow; // seconds
        uint64 responsePeriod; // seconds
        uint128 claimBond; // wei
        uint128 challengeBond; // wei
    }

    /// `content = keccak256(abi.encode(parent, batchHash, checkpoint, steps))`.
    struct Content {
        bytes32 parent; // content
        bytes32 checkpoint; // h248
        uint64 batch;
        uint64 steps;
        uint64 liveAttempts;
        bool confirmed;
        bool voided;
    }

    enum Status {
        None,
        Live,
        Dead,
        Confirmed
    }

    /// `id = keccak256(abi.encode(content, owner, nonce of owner))`.
    struct Attempt {
        bytes32 content;
        address owner; // alone may reveal
        uint64 windowEnd; // last second at which the whole claim can be challenged
        Status status;
        bool settled;
        address beneficiary; // gets the bond back, and the challenge bonds that it earned
        uint64 quietUntil; // last second at which a gap of its latest reveal can be challenged
        uint32 openChallenges;
        uint128 bond;
        uint128 challengeBonds; // sum of all that were posted against it
    }

    /// `segment id = keccak256(abi.encode(attempt, segment))`.
    struct Challenge {
        address challenger; // zero: never challenged
        uint64 deadline; // last second for the reveal
        bool answered;
        bool settled;
        uint128 bond;
        bytes32 attempt;
    }

    struct Revealed {
        bytes32 versionedHash; // zero: not revealed
        uint64 at; // seconds
    }

    event Proposed(
        bytes32 indexed attempt,
        bytes32 indexed content,
        address indexed owner,
        bytes32 parent,
        uint64 batch,
        bytes32 batchHash,
        bytes32 checkpoint,
        uint64 steps,
        address beneficiary,
        uint64 windowEnd
    );
    event Challenged(
        bytes32 indexed attempt, bytes32 indexed segmentId, address indexed challenger, Segment segment, uint64 deadline
    );
    event SegmentRevealed(
        bytes32 indexed attempt, bytes32 indexed segmentId, Segment segment, bytes32 versionedHash, uint64 stride, uint32 count
    );
    event StepProven(bytes32 indexed pre, bytes32 indexed post, address prover);
    event Died(bytes32 indexed attempt, bytes32 indexed segmentId, address indexed beneficiary, bool byTimeout, uint128 reward, uint128 burnt);
    event Confirmed(bytes32 indexed attempt, bytes32 indexed content, uint64 batch);
    event Voided(bytes32 indexed content);
    event Settled(bytes32 indexed id, address indexed to, uint256 paid, uint256 burnt);
    event Withdrawn(address indexed who, address to, uint256 amount);

    /// `reveal.blobIndex == type(uint32).max`: nothing is revealed yet.
    function propose(
        bytes32 parent,
        bytes32 batchHash,
        Checkpoint calldata checkpoint,
        uint64 steps,
        address beneficiary,
        Reveal calldata reveal
    ) external payable returns (bytes32 attempt);

    function challengeClaim(bytes32 attempt) external payable returns (bytes32 segmentId);
    function challengeGap(bytes32 attempt, Gap calldata gap) external payable returns (bytes32 segmentId);
    function reveal(bytes32 attempt, Segment calldata segment, Reveal calldata data) external;

    /// Records `truth[h248(pre)] = h248(step(pre))`.
    function proveStep(Checkpoint calldata pre, StepProof calldata proof) external returns (bytes32 post);
    /// The pair is a gap of width one.
    function killGap(bytes32 attempt, Gap calldata gap, address beneficiary) external;
    /// The pair is the two ends of a claim of one step.
    function killClaim(bytes32 attempt, address beneficiary) external;
    /// The left of the pair lies in a batch beyond the claim's: `pre` is its preimage.
    function killGapBeyond(bytes32 attempt, Gap calldata gap, Checkpoint calldata pre, address beneficiary) external;
    /// proveStep + kill.
    function proveFraudGap(
        bytes32 attempt, Gap calldata gap, Checkpoint calldata pre, StepProof calldata proof, address beneficiary
    ) external;
    function proveFraudClaim(bytes32 attempt, Checkpoint calldata pre, StepProof calldata proof, address beneficiary) external;
    function timeout(bytes32 attempt, bytes32 segmentId) external;
    function confirm(bytes32 attempt) external;

    /// Marks a content whose parent can never confirm. O(1): looks only at the recorded state of the parent.
    function markVoid(bytes32 content) external;
    /// Credits an attempt's own bond (and the challenge bonds it earned) once its fate is known.
    function settleAttempt(bytes32 attempt) external;
    /// Credits a challenge bond once the fate of the attempt is known.
    function settleChallenge(bytes32 attempt, bytes32 segmentId) external;
    function withdraw(address to) external returns (uint256 amount);

    function tip() external view returns (bytes32 content);
    function contentOf(bytes32 content) external view returns (Content memory);
    function attemptOf(bytes32 attempt) external view returns (Attempt memory);
    function challengeOf(bytes32 segmentId) external view returns (Challenge memory);
    function revealedOf(bytes32 segmentId) external view returns (Revealed memory);
    function truth(bytes32 pre) external view returns (bytes32 post);
    function isContradicted(bytes32 content) external view returns (bool);
    function isVoid(bytes32 content) external view returns (bool);
    function nonceOf(address owner) external view returns (uint256);
    function owed(address who) external view returns (uint256);
    function config() external view returns (Config memory);
}
