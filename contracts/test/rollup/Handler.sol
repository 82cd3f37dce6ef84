// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rollup} from "../../src/Rollup.sol";
import {IChunkStore} from "../../src/interfaces/IChunkStore.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Checkpoint, Gap, Reveal, Segment, StepProof} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Segments} from "../../src/libraries/Segments.sol";
import {Test} from "../support/Test.sol";
import {Toy} from "../support/ToyVerifier.sol";

/// @notice Plays random games. ALICE claims what is true and answers every challenge; BOB attacks every false child of a true
/// content; MALLORY does what the fuzzer wants. Blobs are whatever a player says: the precompile is mocked here, and tested
/// with real data elsewhere.
contract Handler is Test {
    Rollup internal immutable ROLLUP;
    IInbox internal immutable INBOX;
    IChunkStore internal immutable STORE;
    uint32 internal immutable ARITY;
    uint128 internal immutable CLAIM_BOND;
    uint128 internal immutable CHALLENGE_BOND;

    address[] internal chunks; // the last three that were staged
    bytes32[] public attempts;
    bytes32[] public contents;
    bytes32[] public segmentIds; // challenged ones
    mapping(bytes32 attempt => bytes32[]) internal challengesOf;
    mapping(bytes32 segmentId => Segment) internal segments;
    mapping(bytes32 segmentId => bytes32) internal attemptOfSegment;
    mapping(bytes32 segmentId => bytes32[]) internal elementsOf; // of the blob that reveals it
    mapping(bytes32 attempt => uint256) public proposedAt;
    mapping(bytes32 segmentId => uint256) public challengedAt;
    mapping(bytes32 content => bool) public isTrue;
    mapping(bytes32 content => bool) internal known;
    uint256 internal blobs;

    uint256 public paidIn;
    uint256 public paidOut;
    uint256 public unpaidKills; // for which BOB got less than a sixteenth of the paid half
    mapping(address => uint256) public spent;
    mapping(address => uint256) public received;
    mapping(string move => uint256) public done;

    constructor(Rollup rollup) {
        ROLLUP = rollup;
        IRollup.Config memory c = rollup.config();
        (INBOX, ARITY, CLAIM_BOND, CHALLENGE_BOND) = (c.inbox, c.arity, c.claimBond, c.challengeBond);
        STORE = c.chunkStore;
        contents.push(rollup.tip());
        isTrue[rollup.tip()] = true;
        known[rollup.tip()] = true;
    }

    // ---------------------------------------------------------------- moves of the fuzzer

    function aliceClaims(uint256 parent, uint64 batches) external {
        _claimTruly(ALICE, contents[parent % contents.length], batches);
    }

    function malloryClaimsTruly(uint256 parent, uint64 batches) external {
        _claimTruly(MALLORY, contents[parent % contents.length], batches);
    }

    /// @dev Any number of steps, any end; with `nearly`, the right end after the wrong number of steps.
    function malloryClaims(uint256 parent, uint64 batches, uint64 steps, uint256 salt, bool nearly) external {
        bytes32 content = contents[parent % contents.length];
        uint64 batch = ROLLUP.contentOf(content).batch + batches % 3 + 1;
        steps = steps % 40 + 1;
        Checkpoint memory end = nearly ? Toy.truth(batch * Toy.STEPS) : Toy.end(1000 + salt % 3, batch);
        _claim(MALLORY, content, end, steps);
    }

    function malloryChallenges(uint256 attempt, uint256 segment, uint256 index) external {
        if (attempts.length == 0) return;
        bytes32 target = attempts[attempt % attempts.length];
        bytes32[] storage list = challengesOf[target];
        if (list.length == 0) return _challengeClaim(MALLORY, target);
        bytes32 id = list[segment % list.length];
        if (elementsOf[id].length < 2) return;
        _challengeGap(MALLORY, target, gapOf(id, uint32(index % (elementsOf[id].length - 1))));
    }

    /// @dev Reveals an own claim: a history that is true up to `lieAt`, made up beyond.
    function malloryReveals(uint256 challenge, uint64 lieAt, uint256 salt) external {
        if (segmentIds.length == 0) return;
        _reveal(segmentIds[challenge % segmentIds.length], lieAt % 40, salt % 3, MALLORY);
    }

    /// @dev Answers all that asks her, as if it had happened so: her lies live to the last level.
    function malloryRevealsAll(uint64 lieAt, uint256 salt) external {
        uint256 count = segmentIds.length;
        for (uint256 i = 0; i < count; ++i) {
            bytes32 attempt = attemptOfSegment[segmentIds[i]];
            IRollup.Challenge memory challenge = ROLLUP.challengeOf(segmentIds[i]);
            bool open = !challenge.answered && block.timestamp <= challenge.deadline && pending(attempt);
            if (open && ROLLUP.attemptOf(attempt).owner == MALLORY) {
                _reveal(segmentIds[i], lieAt % 40 + 1, salt % 3, MALLORY);
            }
        }
    }

    function malloryKills(uint256 attempt, uint256 challenge, uint256 index, uint64 position) external {
        if (segmentIds.length == 0) return;
        bytes32 id = segmentIds[challenge % segmentIds.length];
        if (elementsOf[id].length < 2) return;
        bytes32 target = attempts[attempt % attempts.length];
        Gap memory gap = gapOf(id, uint32(index % (elementsOf[id].length - 1)));
        vm.prank(MALLORY);
        if (position % 2 == 0) ROLLUP.killGap(target, gap, MALLORY);
        else ROLLUP.killGapBeyond(target, gap, Toy.truth(position % 40), MALLORY);
    }

    function proves(uint64 position) external {
        ROLLUP.proveStep(Toy.truth(position % 40), proofOf());
    }

    function stages(uint256 who, uint256 size, uint256 salt) external {
        vm.prank([ALICE, BOB, MALLORY][who % 3]);
        address pointer = STORE.stage(bytes.concat(bytes32(salt % 5), new bytes(size % 4000)));
        if (chunks.length == 3) chunks.pop();
        chunks.push(pointer);
        ++done["stage"];
    }

    function timesOut(uint256 challenge) external {
        if (segmentIds.length == 0) return;
        bytes32 id = segmentIds[challenge % segmentIds.length];
        ROLLUP.timeout(attemptOfSegment[id], id);
    }

    function confirms(uint256 attempt) external {
        if (attempts.length > 0) ROLLUP.confirm(attempts[attempt % attempts.length]);
    }

    function marksVoid(uint256 content) external {
        ROLLUP.markVoid(contents[content % contents.length]);
    }

    function settlesAttempt(uint256 attempt) external {
        if (attempts.length > 0) ROLLUP.settleAttempt(attempts[attempt % attempts.length]);
    }

    function settlesChallenge(uint256 challenge) external {
        if (segmentIds.length == 0) return;
        bytes32 id = segmentIds[challenge % segmentIds.length];
        ROLLUP.settleChallenge(attemptOfSegment[id], id);
    }

    function withdraws(uint256 who) public {
        address owner = [ALICE, BOB, MALLORY][who % 3];
        vm.prank(owner);
        uint256 amount = ROLLUP.withdraw(owner);
        paidOut += amount;
        received[owner] += amount;
    }

    /// @dev Time passes only after everybody honest did what is due, and never so much that they miss a deadline.
    function timePasses(uint256 time) public {
        duties();
        vm.warp(block.timestamp + time % 12 hours + 1);
        duties();
    }

    // ---------------------------------------------------------------- honest players

    function duties() public {
        for (uint256 i = 0; i < segmentIds.length; ++i) {
            bytes32 attempt = attemptOfSegment[segmentIds[i]];
            bool open = !ROLLUP.challengeOf(segmentIds[i]).answered && pending(attempt);
            if (open && ROLLUP.attemptOf(attempt).owner == ALICE) {
                _reveal(segmentIds[i], type(uint64).max, 0, ALICE);
            }
        }
        for (uint256 i = 0; i < attempts.length; ++i) {
            if (pending(attempts[i])) _attack(attempts[i]);
        }
    }

    /// @dev What BOB does next against a false child of a true content.
    function _attack(bytes32 attempt) private {
        bytes32 content = ROLLUP.attemptOf(attempt).content;
        IRollup.Content memory c = ROLLUP.contentOf(content);
        if (isTrue[content] || !isTrue[c.parent]) return;
        uint64 start = ROLLUP.contentOf(c.parent).batch * Toy.STEPS;
        StepProof memory proof = proofOf();
        if (c.steps == 1) {
            uint256 owed = ROLLUP.owed(BOB);
            ROLLUP.proveFraudClaim(attempt, Toy.truth(start), proof, BOB);
            _killed(owed);
            return;
        }
        Segment memory segment = claimOf(attempt);
        while (true) {
            bytes32 id = Segments.id(attempt, segment);
            IRollup.Challenge memory challenge = ROLLUP.challengeOf(id);
            if (challenge.challenger == address(0)) {
                if (segment.end - segment.start == c.steps) return _challengeClaim(BOB, attempt);
                return; // challenged below, with its gap
            }
            if (!challenge.answered) {
                if (block.timestamp <= challenge.deadline) return;
                ROLLUP.timeout(attempt, id);
                ++done["timeout"];
                return;
            }
            (uint32 index, uint64 position) = _divergence(id, start, c.batch);
            Gap memory gap = gapOf(id, index);
            if (width(segment, index) > 1) {
                Segment memory inner = child(segment, gap);
                bytes32 innerId = Segments.id(attempt, inner);
                if (ROLLUP.challengeOf(innerId).challenger == address(0)) return _challengeGap(BOB, attempt, gap);
                segment = inner;
                continue;
            }
            Checkpoint memory pre = Toy.truth(position);
            if (pre.batch > c.batch) {
                ROLLUP.killGapBeyond(attempt, gap, pre, BOB);
                ++done["beyond"];
            } else {
                uint256 owed = ROLLUP.owed(BOB);
                ROLLUP.proveFraudGap(attempt, gap, pre, proof, BOB);
                _killed(owed);
            }
            return;
        }
    }

    function _killed(uint256 owedBefore) private {
        ++done["kill"];
        if (ROLLUP.owed(BOB) - owedBefore < CLAIM_BOND / 2 / 16) ++unpaidKills;
    }

    /// @dev The first gap whose left is true and whose right is not, or which leads out of the claim's batches.
    function _divergence(bytes32 id, uint64 start, uint64 batch) private view returns (uint32 index, uint64 position) {
        Segment memory segment = segments[id];
        bytes32[] storage elements = elementsOf[id];
        for (index = 0; index + 1 < elements.length; ++index) {
            uint64 next = start + Segments.position(segment, ARITY, index + 1);
            position = start + Segments.position(segment, ARITY, index);
            if (elements[index + 1] != CheckpointLib.h248(Toy.truth(next)) || next > batch * Toy.STEPS) break;
        }
        vm.assertEq(elements[index], CheckpointLib.h248(Toy.truth(position)));
    }

    // ---------------------------------------------------------------- moves

    function _claimTruly(address owner, bytes32 parent, uint64 batches) private {
        // Who is honest builds on the truth only.
        if (!isTrue[parent]) return;
        uint64 from = ROLLUP.contentOf(parent).batch;
        uint64 batch = from + batches % 3 + 1;
        _claim(owner, parent, Toy.truth(batch * Toy.STEPS), (batch - from) * Toy.STEPS);
    }

    function _claim(address owner, bytes32 parent, Checkpoint memory end, uint64 steps) private {
        IRollup.Content memory p = ROLLUP.contentOf(parent);
        bytes32 batchHash = INBOX.batchHash(end.batch - 1);
        Reveal memory none;
        none.blobIndex = type(uint32).max;
        _pay(owner, CLAIM_BOND);
        vm.prank(owner);
        bytes32 attempt = ROLLUP.propose{value: CLAIM_BOND}(parent, batchHash, end, steps, owner, none);
        attempts.push(attempt);
        proposedAt[attempt] = block.timestamp;
        bytes32 content = ROLLUP.attemptOf(attempt).content;
        if (!known[content]) {
            known[content] = true;
            contents.push(content);
            uint64 position = p.batch * Toy.STEPS + steps;
            isTrue[content] = isTrue[parent] && position == (end.batch - 1) * Toy.STEPS
                && CheckpointLib.h248(end) == CheckpointLib.h248(Toy.truth(position));
        }
        ++done["claim"];
    }

    function _challengeClaim(address who, bytes32 attempt) private {
        _pay(who, CHALLENGE_BOND);
        vm.prank(who);
        bytes32 id = ROLLUP.challengeClaim{value: CHALLENGE_BOND}(attempt);
        _challenged(attempt, id, claimOf(attempt));
    }

    function _challengeGap(address who, bytes32 attempt, Gap memory gap) private {
        _pay(who, CHALLENGE_BOND);
        vm.prank(who);
        bytes32 id = ROLLUP.challengeGap{value: CHALLENGE_BOND}(attempt, gap);
        _challenged(attempt, id, child(gap.parent, gap));
    }

    function _challenged(bytes32 attempt, bytes32 id, Segment memory segment) private {
        vm.assertEq(id, Segments.id(attempt, segment));
        segmentIds.push(id);
        challengedAt[id] = block.timestamp;
        challengesOf[attempt].push(id);
        segments[id] = segment;
        attemptOfSegment[id] = attempt;
        ++done["challenge"];
    }

    function _reveal(bytes32 id, uint64 lieAt, uint256 salt, address who) private {
        Segment memory segment = segments[id];
        bytes32 attempt = attemptOfSegment[id];
        bytes32 parent = ROLLUP.contentOf(ROLLUP.attemptOf(attempt).content).parent;
        uint64 start = ROLLUP.contentOf(parent).batch * Toy.STEPS;
        uint256 count = Segments.count(segment, ARITY);
        bytes32[] memory elements = new bytes32[](count + 1);
        for (uint256 i = 0; i <= count; ++i) {
            uint64 position = Segments.position(segment, ARITY, i);
            Checkpoint memory made =
                position < lieAt ? Toy.truth(start + position) : Toy.lie(position + 100 * uint64(salt));
            elements[i] = CheckpointLib.h248(made);
        }
        (elements[0], elements[count]) = (segment.startHash, segment.endHash);

        bytes memory commitment = abi.encodePacked(bytes16(0), ++blobs);
        setBlobs(bytes32((uint256(sha256(commitment)) & (type(uint256).max >> 8)) | (1 << 248)));
        vm.prank(who);
        ROLLUP.reveal(attempt, segment, Reveal(0, commitment, new bytes(48), new bytes(48)));
        elementsOf[id] = elements;
        commitments[id] = commitment;
        ++done["reveal"];
    }

    mapping(bytes32 segmentId => bytes) internal commitments;

    function _pay(address who, uint256 amount) private {
        vm.deal(who, who.balance + amount);
        spent[who] += amount;
        paidIn += amount;
    }

    // ---------------------------------------------------------------- parts

    function gapOf(bytes32 id, uint32 index) internal view returns (Gap memory) {
        bytes32[] storage elements = elementsOf[id];
        return
            Gap(
                segments[id], index, elements[index], elements[index + 1], commitments[id], new bytes(48), new bytes(48)
            );
    }

    /// @dev The toy verifier looks at no proof; this one uses all chunks, one of them twice.
    function proofOf() internal view returns (StepProof memory proof) {
        proof.opening.pointers = chunks;
        if (chunks.length < 2) return proof;
        proof.execution.pointers = new address[](2);
        (proof.execution.pointers[0], proof.execution.pointers[1]) = (chunks[1], address(this));
    }

    function child(Segment memory parent, Gap memory gap) internal view returns (Segment memory) {
        return Segment(
            Segments.position(parent, ARITY, gap.index),
            Segments.position(parent, ARITY, gap.index + 1),
            gap.left,
            gap.right
        );
    }

    function width(Segment memory parent, uint32 index) internal view returns (uint64) {
        return Segments.position(parent, ARITY, index + 1) - Segments.position(parent, ARITY, index);
    }

    function claimOf(bytes32 attempt) internal view returns (Segment memory) {
        IRollup.Content memory c = ROLLUP.contentOf(ROLLUP.attemptOf(attempt).content);
        return Segment(0, c.steps, ROLLUP.contentOf(c.parent).checkpoint, c.checkpoint);
    }

    function pending(bytes32 attempt) internal view returns (bool) {
        return ROLLUP.fateOf(attempt) == IRollup.Fate.Pending;
    }

    function attemptCount() external view returns (uint256) {
        return attempts.length;
    }

    function contentCount() external view returns (uint256) {
        return contents.length;
    }

    function challengeCount() external view returns (uint256) {
        return segmentIds.length;
    }

    function challengedAttempt(bytes32 id) external view returns (bytes32) {
        return attemptOfSegment[id];
    }
}
