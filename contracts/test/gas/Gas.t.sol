// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ChunkStore} from "../../src/ChunkStore.sol";
import {Checkpoint, Reveal, Segment, StepProof} from "../../src/interfaces/Types.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {InboxBase} from "../inbox/Base.sol";
import {Game} from "../support/Game.sol";
import {Tapes} from "../support/Tapes.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {VerifierBase} from "../verifier/Base.sol";

/// @dev What each move of the game costs: its own call alone, no 21,000, no calldata, and what the test did before is warm. So
/// these numbers are for seeing changes (snapshots/gas.json); what whole transactions cost is measured on an L1 with EXECUTE.
contract RollupGasTest is Game {
    function used(string memory move) private {
        vm.snapshotGasLastCall("Rollup", move);
    }

    function test_propose() public {
        truly(ALICE);
        used("propose, a new content");
        truly(BOB);
        used("propose, a known content");
        propose(ALICE, genesis, Toy.truth(8), 8, revealing("honest"));
        used("propose with a reveal");
    }

    function test_dispute() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        used("proveFraudGap, a toy step");
        vm.prank(BOB);
        rollup.withdraw(BOB);
        used("withdraw");
        rollup.settleChallenge(attempt, idOf(attempt, s));
        used("settleChallenge, dead");
    }

    function test_challenges() public {
        bytes32 attempt = falsely(MALLORY);
        challenge(attempt);
        used("challengeClaim");
        (Reveal memory data, Segment memory claim) = (revealing("lie"), claimOf(attempt));
        vm.prank(MALLORY);
        rollup.reveal(attempt, claim, data);
        used("reveal");
        noBlobs();
        challenge(attempt, gap(claim, "lie", 2));
        used("challengeGap");
    }

    function test_kills() public {
        prove(5);
        used("proveStep, a toy step");
        prove(5);
        used("proveStep, known");
        (bytes32 attempt, Segment memory s) = dissectedLie();
        rollup.killGap(attempt, gap(s, "lieGap", 1), BOB);
        used("killGap");
        attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        prove(0);
        rollup.killClaim(attempt, BOB);
        used("killClaim");
        attempt = propose(MALLORY, genesis, Toy.end(6, 1), 1);
        rollup.proveFraudClaim(attempt, Toy.truth(0), noProof(), BOB);
        used("proveFraudClaim, a known step");
    }

    function test_killBeyond() public {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(2009, 1), 9);
        challenge(attempt);
        reveal(attempt, claimOf(attempt), "over");
        challenge(attempt, gap(claimOf(attempt), "over", 2));
        Segment memory s = Segment(6, 9, CheckpointLib.h248(Toy.truth(6)), CheckpointLib.h248(Toy.end(2009, 1)));
        reveal(attempt, s, "overGap");
        rollup.killGapBeyond(attempt, gap(s, "overGap", 2), Toy.truth(8), BOB);
        used("killGapBeyond");
    }

    function test_timeout() public {
        bytes32 attempt = falsely(MALLORY);
        bytes32 id = challenge(attempt);
        vm.warp(START + RESPONSE + 1);
        rollup.timeout(attempt, id);
        used("timeout");
    }

    function test_confirm() public {
        bytes32 lie = falsely(MALLORY);
        bytes32 child = propose(MALLORY, contentOf(lie), Toy.end(5, 2), 1);
        bytes32 attempt = truly(ALICE);
        afterWindow();
        rollup.confirm(attempt);
        used("confirm");
        rollup.settleAttempt(attempt);
        used("settleAttempt, confirmed");
        rollup.settleAttempt(lie);
        used("settleAttempt, contradicted");
        rollup.markVoid(contentOf(child));
        used("markVoid");
        rollup.settleAttempt(child);
        used("settleAttempt, void");
    }
}

contract InboxGasTest is InboxBase {
    function used(string memory move) private {
        vm.snapshotGasLastCall("Inbox", move);
    }

    function test_append() public {
        nextBlock(12);
        append(0);
        used("append, one blob");
        noBlobs();
    }

    function test_poke() public {
        nextBlock(12);
        inbox.poke();
        used("poke");
        inbox.poke();
        used("poke, known");
    }

    function test_queues() public {
        force(new bytes(100));
        used("force, 100 bytes");
        deposit(1 ether);
        used("deposit");
        deposit(1 ether);
        used("deposit, a second one in the block");
    }
}

contract ChunkStoreGasTest is Game {
    function test_stage() public {
        ChunkStore fresh = new ChunkStore();
        fresh.stage(new bytes(24_575));
        vm.snapshotGasLastCall("ChunkStore", "stage, 24,575 bytes");
        fresh.stage(new bytes(24_575));
        vm.snapshotGasLastCall("ChunkStore", "stage, known");
    }
}

/// @dev EXECUTE says yes to everything here and takes no gas.
contract StepVerifierGasTest is VerifierBase {
    function setUp() public override {
        super.setUp();
        hasLeft(1 << 25);
        answers(keccak256("state"), abi.encode(true));
    }

    function measured(string memory rule, Checkpoint memory pre, StepProof memory proof) private {
        verifier.step(pre, proof);
        vm.snapshotGasLastCall("StepVerifier", rule);
    }

    function test_items() public {
        Checkpoint memory pre = opened(Tapes.HELLO);
        measured("a transaction", pre, execution(opening(pre, 9), 21_000, keccak256("receipt")));
        pre = closed(Tapes.OPEN);
        measured("an open", pre, execution(opening(pre, 13), 0, 0));
        pre = closed(Tapes.HELLO);
        measured("a skip", pre, opening(pre, 4));
    }

    function test_forced() public {
        Checkpoint memory pre = opened(Tapes.HELLO);
        pre.viewIndex = 1;
        StepProof memory proof = execution(bare(pre), 21_000, keccak256("receipt"));
        proof.forcedTransaction = "forced";
        measured("a forced transaction", pre, proof);
    }

    function test_seal() public {
        Checkpoint memory pre = pastTheBlobs(opened(0));
        (pre.viewIndex, pre.forcedDone) = (1, 1);
        measured("a seal, 16 credits", pre, execution(bare(pre), 0, pre.receiptDigest));
        pre.depositsDone = 20;
        measured("a seal, no credit", pre, bare(pre));
    }

    function test_close() public {
        Checkpoint memory pre = pastTheBlobs(closed(0));
        measured("a close", pre, bare(pre));
    }
}
