// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Checkpoint, Gap, Reveal, Segment, StepProof} from "./Types.sol";
import {IChunkStore} from "./IChunkStore.sol";
import {IInbox} from "./IInbox.sol";
import {IStepVerifier} from "./IStepVerifier.sol";

/// @title Claims, dissection, and the money behind them
/// @notice A *content* says "after all batches up to this one stands this checkpoint, so many steps after the parent". It is
/// claimed by *attempts*, each with its own bond and clocks. A false attempt is killed by one step that its own history takes
/// wrongly; a true one can't be. All times are seconds of `block.timestamp`; every period includes its last second.
interface IRollup {
    struct Config {
        IInbox inbox;
        IStepVerifier verifier;
        IChunkStore chunkStore;
        uint32 arity;
        uint8 levels;
        uint64 challengeWindow; // seconds
        uint64 responsePeriod; // seconds
        uint128 claimBond; // wei
        uint128 challengeBond; // wei
        uint128 chunkReward; // wei for each staged byte on the bill of a step that an attempt dies of
    }

    /// @notice `content = keccak256(abi.encode(parent, batchHash, checkpoint, steps))`.
    struct Content {
        bytes32 parent; // content
        bytes32 checkpoint; // h248
        uint64 batch;
        uint64 steps;
        uint32 liveAttempts;
        bool confirmed;
        bool voided;
        uint64 confirmedAt; // seconds; zero until then
    }

    /// @notice What was recorded about an attempt; what became of it, siblings and parents included, says `fateOf`.
    enum Status {
        None,
        Live,
        Dead,
        Confirmed
    }

    /// @notice What becomes of an attempt. All but Pending are final.
    enum Fate {
        Pending,
        Dead,
        Confirmed, // itself, or another attempt of its content
        Contradicted, // another content with its parent and batch is confirmed
        Void // its parent can never be confirmed
    }

    /// @notice `id = keccak256(abi.encode(content, owner, nonce of owner))`.
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

    /// @notice `segment id = keccak256(abi.encode(attempt, segment))`.
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
        uint64 revealedAt; // seconds
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
        bytes32 indexed attempt,
        bytes32 indexed segmentId,
        Segment segment,
        bytes32 versionedHash,
        uint64 stride,
        uint32 count
    );
    event StepProven(bytes32 indexed pre, bytes32 indexed post, address prover);
    /// @notice What the proof of the step from `pre` pointed to, by whom it was staged, in order.
    event Billed(bytes32 indexed pre, IChunkStore.Chunk[] bill);
    /// @notice `poster` is owed `amount` for a chunk of `size` bytes on the bill of the step from `pre`, of which `attempt`
    /// dies in this transaction. It is off the bill now.
    event PosterPaid(
        bytes32 indexed attempt, bytes32 indexed pre, address indexed poster, uint256 size, uint256 amount
    );
    /// @notice `segmentId` is the segment whose deadline passed, or the revealed segment (for a claim of one step: the claim)
    /// that holds the false pair. The bond was `reward + burnt`, and what {PosterPaid} says.
    event Died(
        bytes32 indexed attempt,
        bytes32 indexed segmentId,
        address indexed beneficiary,
        bool byTimeout,
        uint128 reward,
        uint128 burnt
    );
    /// @notice The genesis content is confirmed by the constructor, with attempt zero.
    event Confirmed(bytes32 indexed attempt, bytes32 indexed content, uint64 batch);
    event Voided(bytes32 indexed content);
    /// @notice `id` is an attempt or a challenged segment.
    event Settled(bytes32 indexed id, address indexed to, uint256 paid, uint256 burnt);
    event Withdrawn(address indexed who, address to, uint256 amount);

    // Configuration.

    /// @notice A blob has 4,096 elements, so at most 4,095 gaps, and one gap dissects nothing.
    error ArityOutOfRange(uint32 arity);
    /// @notice `arity ^ levels` steps are not enough for what one batch can hold.
    error TooFewSteps(uint256 reach, uint256 needed);
    /// @notice The verifier reads another inbox.
    error WrongInbox(address expected, address got);
    error ZeroPeriod();
    /// @notice Lies, or challenges of the truth, would cost nothing: a claim bond is at least 2 wei, so that half of it is paid
    /// and half burned, a challenge bond at least 1. What covers the cost of a dispute is the deployer's to choose.
    error BondTooSmall(uint128 claimBond, uint128 challengeBond);
    /// @notice There is no contract: every proof with pointers would revert.
    error NoChunkStore(address store);
    /// @notice EXECUTE could not open blocks: the genesis state lacks the code of a system contract.
    error NotStandardCode(address account, bytes32 expected, bytes32 got);

    // Claims.

    error WrongBond(uint256 sent, uint256 expected);
    error ZeroBeneficiary();
    error UnknownContent(bytes32 content);
    error UnknownAttempt(bytes32 attempt);
    /// @notice The parent is neither the tip, nor newer than it, undecided and claimed by a live attempt.
    error UnfitParent(bytes32 parent);
    error WrongBatchHash(uint64 batch, bytes32 expected, bytes32 got);
    error BatchNotNewer(uint64 batch, uint64 parentBatch);
    /// @notice A claim ends at the start of a batch, with no block open.
    error NotBatchEnd(uint64 batch, uint32 blob, uint32 offset, bool open);
    error StepsOutOfRange(uint64 steps, uint64 atMost);
    /// @notice The attempt's fate is decided: no move is left.
    error NotPending(bytes32 attempt, Fate fate);
    error ParentNotConfirmed(bytes32 parent);
    error ChallengesOpen(uint32 count);

    // Dissection.

    error TooLate(uint256 time, uint256 last);
    error TooEarly(uint256 time, uint256 last);
    /// @notice A segment of one step is settled by `truth`, not dissected.
    error SegmentTooShort(uint64 start, uint64 end);
    error AlreadyChallenged(bytes32 segmentId);
    error NotChallenged(bytes32 segmentId);
    error AlreadyRevealed(bytes32 segmentId);
    error NotRevealed(bytes32 segmentId);
    error NotOwner(address caller, address owner);
    error NoBlob(uint256 blobIndex);
    /// @notice No blob is named, so there is nothing to open.
    error UnneededOpening();
    /// @notice Gaps are numbered from 0 to `count - 1`.
    error GapOutOfRange(uint32 index, uint256 count);

    // Proofs.

    /// @notice A pair is two positions one step apart.
    error NotOneStep(uint64 start, uint64 end);
    /// @notice What follows `pre` is not recorded yet.
    error StepNotProven(bytes32 pre);
    /// @notice That step is true.
    error StepIsTrue(bytes32 pre, bytes32 post);
    error WrongPreimage(bytes32 expected, bytes32 got);
    error NotBeyond(uint64 batch, uint64 claimBatch);
    /// @notice The witness, the elements and the forced transaction that the proof brings itself are longer together than any L1
    /// transaction of the public pool. What others may have staged has to be pointed to, so that it stands on the bill.
    error TooMuchInline(uint256 got, uint256 atMost);
    /// @notice A proof may point to more chunks than any step needs, but not to so many more that they dilute what the posters
    /// of the needed ones get, or that a kill gets dear. Longer chunks are fewer.
    error BillTooLong(uint256 atMost);

    // Money.

    error NotVoid(bytes32 content);
    error FateUndecided(bytes32 attempt);
    error AlreadySettled(bytes32 id);
    /// @notice The attempt was confirmed, so this bond belongs to its owner.
    error ChallengeLost(bytes32 segmentId);
    error NothingOwed(address who);
    error ZeroRecipient();
    error TransferFailed(address to, uint256 amount);

    /// @notice Claims a content under a bond.
    /// @param parent The content that this one follows: the tip, or one that is newer, undecided and claimed by a live attempt.
    /// @param batchHash Of the last batch that the claim spans, number `checkpoint.batch - 1`.
    /// @param steps From the parent's checkpoint to this one.
    /// @param beneficiary Gets the money back.
    /// @param reveal The blob of this transaction that reveals the whole claim; `blobIndex == type(uint32).max`, the rest
    /// empty: nothing is revealed yet.
    function propose(
        bytes32 parent,
        bytes32 batchHash,
        Checkpoint calldata checkpoint,
        uint64 steps,
        address beneficiary,
        // Named like a function, in an interface, where nothing can be mixed up.
        // slither-disable-next-line shadowing-local
        Reveal calldata reveal
    ) external payable returns (bytes32 attempt);

    /// @notice Challenges the whole claim: its owner must reveal it. Until `windowEnd`, once.
    function challengeClaim(bytes32 attempt) external payable returns (bytes32 segmentId);

    /// @notice Challenges one gap, wider than a step, of a revealed segment: its owner must reveal that. Once, until
    /// max(window end, the segment's reveal + responsePeriod).
    function challengeGap(bytes32 attempt, Gap calldata gap) external payable returns (bytes32 segmentId);

    /// @notice Answers a challenge with a blob of this transaction. By the attempt's owner, until the deadline.
    function reveal(bytes32 attempt, Segment calldata segment, Reveal calldata data) external;

    /// @notice Records `truth[h248(pre)] = h248(step(pre))` once for all attempts, and with it the *bill*: who staged the chunks
    /// that `proof` points to, each once, elements first, in order. Does nothing if the step is recorded.
    function proveStep(Checkpoint calldata pre, StepProof calldata proof) external returns (bytes32 post);

    /// @notice Kills an attempt by two neighbouring revealed hashes, one step apart, that truth contradicts. Those on the bill of
    /// that step whose chunks are not older than the attempt are paid first, once: their price, or if that is more than 15/16 of
    /// the paid half of the bond, their share of so much. The beneficiary gets what is left of the half.
    function killGap(bytes32 attempt, Gap calldata gap, address beneficiary) external;

    /// @notice Kills an attempt of one step by its two ends. Pays as {killGap}.
    function killClaim(bytes32 attempt, address beneficiary) external;

    /// @notice Kills an attempt whose history goes on after its end: the left of the pair, `pre`, lies in a batch beyond the
    /// claim's. No step is needed for that, so nobody but the beneficiary is paid.
    function killGapBeyond(bytes32 attempt, Gap calldata gap, Checkpoint calldata pre, address beneficiary) external;

    /// @notice proveStep + killGap. If the step is proven already, `proof` is not looked at.
    function proveFraudGap(
        bytes32 attempt,
        Gap calldata gap,
        Checkpoint calldata pre,
        StepProof calldata proof,
        address beneficiary
    ) external;

    /// @notice proveStep + killClaim. As {proveFraudGap}.
    function proveFraudClaim(bytes32 attempt, Checkpoint calldata pre, StepProof calldata proof, address beneficiary)
        external;

    /// @notice Kills an attempt that did not answer in time.
    function timeout(bytes32 attempt, bytes32 segmentId) external;

    /// @notice Confirms an attempt's content: its parent is, and nobody can challenge it any more.
    function confirm(bytes32 attempt) external;

    /// @notice Marks a content whose parent can never confirm. O(1): looks only at the recorded state of the parent.
    function markVoid(bytes32 content) external;

    /// @notice Credits (or burns) an attempt's own bond, and the challenge bonds it earned, once its fate is known.
    function settleAttempt(bytes32 attempt) external;

    /// @notice Credits a challenge bond once the fate of the attempt is known, unless it is confirmed.
    function settleChallenge(bytes32 attempt, bytes32 segmentId) external;

    /// @notice Pays what is owed to the caller.
    function withdraw(address to) external returns (uint256 amount);

    /// @notice The confirmed content of the newest batch.
    function tip() external view returns (bytes32 content);
    function contentOf(bytes32 content) external view returns (Content memory);
    function attemptOf(bytes32 attempt) external view returns (Attempt memory);
    /// @notice What becomes of an attempt, as every function here sees it.
    function fateOf(bytes32 attempt) external view returns (Fate);
    function challengeOf(bytes32 segmentId) external view returns (Challenge memory);
    function revealedOf(bytes32 segmentId) external view returns (Revealed memory);
    /// @notice The checkpoint hash that follows `pre`, if it was proven; else zero.
    function truth(bytes32 pre) external view returns (bytes32 post);
    /// @notice What is still on the bill of the step from `pre`.
    function billOf(bytes32 pre) external view returns (IChunkStore.Chunk[] memory);
    /// @notice The most chunks that a bill can have.
    function maxBill() external view returns (uint256);
    function isContradicted(bytes32 content) external view returns (bool);
    function isVoid(bytes32 content) external view returns (bool);
    /// @notice How many attempts `owner` has made: the nonce of the next.
    function nonceOf(address owner) external view returns (uint256);
    function owed(address who) external view returns (uint256);
    function config() external view returns (Config memory);
}
