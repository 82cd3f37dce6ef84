// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ChunkStore} from "../../src/ChunkStore.sol";
import {Rollup} from "../../src/Rollup.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {IRollup} from "../../src/interfaces/IRollup.sol";
import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {Checkpoint, Gap, Reveal, Segment, StepProof} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Segments} from "../../src/libraries/Segments.sol";
import {Fixtures, OpenedBlob} from "./Fixtures.sol";
import {TestInbox} from "./TestInbox.sol";
import {Toy, ToyVerifier} from "./ToyVerifier.sol";

/// @notice A rollup on a toy history with a real inbox, real blobs and four batches, and words to play games in.
abstract contract Game is Fixtures {
    uint64 internal constant START = 1_800_000_000;
    uint64 internal constant WINDOW = 7 days;
    uint64 internal constant RESPONSE = 36 hours;
    uint128 internal constant CLAIM_BOND = 3 ether + 1; // odd, so that rounding shows
    uint128 internal constant CHALLENGE_BOND = 1 ether;
    uint128 internal constant CHUNK_REWARD = 1 gwei;
    uint32 internal constant NONE = type(uint32).max;

    TestInbox internal inbox;
    ToyVerifier internal verifier;
    ChunkStore internal store;
    Rollup internal rollup;
    bytes32 internal genesis; // content

    function setUp() public virtual {
        deploy(4, 12);
    }

    function deploy(uint32 arity, uint8 levels) internal {
        vm.roll(1000);
        vm.warp(START);
        inbox = new TestInbox(IInbox.Config(address(0), 12 hours, 0.001 ether, 100_000, gasToken(), bridgeAddress()));
        verifier = new ToyVerifier(inbox);
        store = new ChunkStore();
        rollup = newRollup(configuration(arity, levels));
        genesis = rollup.tip();
        for (uint64 i = 1; i <= 4; ++i) {
            setBlobs(bytes32(uint256(1 << 248) + i));
            inbox.nextTransaction();
            inbox.append(ALICE, 0, i);
        }
        noBlobs();
        vm.deal(ALICE, 1000 ether);
        vm.deal(BOB, 1000 ether);
        vm.deal(MALLORY, 1000 ether);
    }

    /// @dev Zero: ether.
    function gasToken() internal virtual returns (address) {
        return address(0);
    }

    function bridgeAddress() internal virtual returns (address) {
        return BRIDGE;
    }

    function configuration(uint32 arity, uint8 levels) internal view returns (IRollup.Config memory) {
        return IRollup.Config({
            inbox: inbox,
            verifier: IStepVerifier(verifier),
            chunkStore: store,
            arity: arity,
            levels: levels,
            challengeWindow: WINDOW,
            responsePeriod: RESPONSE,
            claimBond: CLAIM_BOND,
            challengeBond: CHALLENGE_BOND,
            chunkReward: CHUNK_REWARD
        });
    }

    function newRollup(IRollup.Config memory configuration_) internal returns (Rollup) {
        (bytes32 root, bytes[] memory proof2935, bytes[] memory proof4788) = genesisProofs("good");
        return new Rollup(configuration_, root, proof2935, proof4788);
    }

    // ---------------------------------------------------------------- claims

    function nothing() internal pure returns (Reveal memory data) {
        data.blobIndex = NONE;
    }

    function proposal(bytes32 parent, Checkpoint memory end, uint64 steps, address beneficiary, Reveal memory data)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodeCall(IRollup.propose, (parent, inbox.batchHash(end.batch - 1), end, steps, beneficiary, data));
    }

    function propose(address owner, bytes32 parent, Checkpoint memory end, uint64 steps, Reveal memory data)
        internal
        returns (bytes32 attempt)
    {
        bytes32 batchHash = inbox.batchHash(end.batch - 1);
        vm.prank(owner);
        return rollup.propose{value: CLAIM_BOND}(parent, batchHash, end, steps, owner, data);
    }

    function propose(address owner, bytes32 parent, Checkpoint memory end, uint64 steps) internal returns (bytes32) {
        return propose(owner, parent, end, steps, nothing());
    }

    /// @dev The true claim of the first batch.
    function truly(address owner) internal returns (bytes32 attempt) {
        return propose(owner, genesis, Toy.truth(8), 8);
    }

    /// @dev The false claim of the fixtures.
    function falsely(address owner) internal returns (bytes32 attempt) {
        return propose(owner, genesis, Toy.end(1008, 1), 8);
    }

    function contentOf(bytes32 attempt) internal view returns (bytes32) {
        return rollup.attemptOf(attempt).content;
    }

    function claimOf(bytes32 attempt) internal view returns (Segment memory) {
        IRollup.Content memory c = rollup.contentOf(contentOf(attempt));
        return Segment(0, c.steps, rollup.contentOf(c.parent).checkpoint, c.checkpoint);
    }

    function assertFate(bytes32 attempt, IRollup.Fate fate) internal view {
        vm.assertEq(uint256(rollup.fateOf(attempt)), uint256(fate));
    }

    // ---------------------------------------------------------------- dissection

    function segment(uint64 start, uint64 end, Checkpoint memory a, Checkpoint memory b)
        internal
        pure
        returns (Segment memory)
    {
        return Segment(start, end, CheckpointLib.h248(a), CheckpointLib.h248(b));
    }

    function history(string memory name) internal view returns (OpenedBlob memory) {
        return blobOf(string.concat(".history.", name));
    }

    /// @dev What reveals with the first blob of the transaction, and sets that blob.
    function revealing(string memory name) internal returns (Reveal memory) {
        OpenedBlob memory blob = history(name);
        setBlobs(blob.versionedHash);
        return Reveal(0, blob.commitment, blob.proofs[0], blob.proofs[blob.proofs.length - 1]);
    }

    function reveal(bytes32 attempt, Segment memory s, string memory name) internal {
        Reveal memory data = revealing(name);
        address owner = rollup.attemptOf(attempt).owner;
        vm.prank(owner);
        rollup.reveal(attempt, s, data);
        noBlobs();
    }

    function gap(Segment memory parent, string memory name, uint32 index) internal view returns (Gap memory) {
        OpenedBlob memory blob = history(name);
        return Gap({
            parent: parent,
            index: index,
            left: blob.elements[index],
            right: blob.elements[index + 1],
            commitment: blob.commitment,
            leftProof: blob.proofs[index],
            rightProof: blob.proofs[index + 1]
        });
    }

    function challenge(bytes32 attempt) internal returns (bytes32 segmentId) {
        vm.prank(BOB);
        return rollup.challengeClaim{value: CHALLENGE_BOND}(attempt);
    }

    function challenge(bytes32 attempt, Gap memory g) internal returns (bytes32 segmentId) {
        vm.prank(BOB);
        return rollup.challengeGap{value: CHALLENGE_BOND}(attempt, g);
    }

    function idOf(bytes32 attempt, Segment memory s) internal pure returns (bytes32) {
        return Segments.id(attempt, s);
    }

    /// @dev The false claim, dissected down to single steps: the pair (5, 6) is gap 1 of the segment [4, 6).
    function dissectedLie() internal returns (bytes32 attempt, Segment memory s) {
        attempt = falsely(MALLORY);
        challenge(attempt);
        reveal(attempt, claimOf(attempt), "lie");
        challenge(attempt, gap(claimOf(attempt), "lie", 2));
        s = segment(4, 6, Toy.truth(4), Toy.lie(6));
        reveal(attempt, s, "lieGap");
    }

    // ---------------------------------------------------------------- proofs

    function noProof() internal pure returns (StepProof memory proof) {}

    /// @dev From here on the verifier must be asked for a step exactly so many times.
    function verifierIsAsked(uint64 times) internal {
        vm.expectCall(address(verifier), abi.encodePacked(IStepVerifier.step.selector), times);
    }

    function prove(uint64 position) internal {
        rollup.proveStep(Toy.truth(position), noProof());
    }

    function afterWindow() internal {
        vm.warp(START + WINDOW + 1);
    }

    function confirmed(bytes32 attempt) internal {
        rollup.confirm(attempt);
    }

    function notPending(bytes32 attempt, IRollup.Fate fate) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRollup.NotPending.selector, attempt, fate);
    }
}
