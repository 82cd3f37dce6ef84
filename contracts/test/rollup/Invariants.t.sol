// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChunkStore} from "../../src/interfaces/IChunkStore.sol";
import {IRollup} from "../../src/interfaces/IRollup.sol";
import {BlobReader} from "../../src/libraries/BlobReader.sol";
import {CheckpointLib} from "../../src/libraries/CheckpointLib.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";
import {Handler} from "./Handler.sol";

/// @dev Games of many players, on two arities.
abstract contract Invariants is Game {
    Handler internal handler;
    uint256 private _burntBefore;

    function start(uint32 arity, uint8 levels) internal {
        deploy(arity, levels);
        vm.mockCall(address(0x0a), "", abi.encode(BlobReader.ELEMENTS, BlobReader.BLS_MODULUS));
        handler = new Handler(rollup);
        _burntBefore = address(0).balance;
    }

    /// @dev Only the handler moves.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_books() public {
        noEtherIsMadeOrLost();
        balanceIsOwedOrBonded();
        trueClaimsLive();
        onlyTruthConfirms();
        newestIsTheTip();
        counters();
        clocks();
        confirmIsReachable();
        bills();
    }

    /// Only what is proven has a bill, of what was staged by now, and never too long. No kill is for nothing.
    function bills() private view {
        for (uint64 position = 0; position < 40; ++position) {
            bytes32 pre = CheckpointLib.h248(Toy.truth(position));
            IChunkStore.Chunk[] memory bill = rollup.billOf(pre);
            vm.assertTrue(bill.length == 0 || rollup.truth(pre) != 0);
            vm.assertTrue(bill.length <= rollup.maxBill());
            for (uint256 i = 0; i < bill.length; ++i) {
                vm.assertTrue(bill[i].poster != address(0) && bill[i].size > 0);
                vm.assertTrue(bill[i].stagedAt <= block.timestamp);
            }
        }
        vm.assertEq(handler.unpaidKills(), 0);
    }

    /// Ether in is ether out, burned, or here.
    function noEtherIsMadeOrLost() private view {
        uint256 burnt = address(0).balance - _burntBefore;
        vm.assertEq(handler.paidIn(), handler.paidOut() + burnt + address(rollup).balance);
    }

    /// What is here is owed, or a bond of something unsettled.
    function balanceIsOwedOrBonded() private view {
        uint256 sum = rollup.owed(ALICE) + rollup.owed(BOB) + rollup.owed(MALLORY);
        for (uint256 i = 0; i < handler.attemptCount(); ++i) {
            IRollup.Attempt memory a = rollup.attemptOf(handler.attempts(i));
            if (!a.settled) sum += a.bond;
        }
        for (uint256 i = 0; i < handler.challengeCount(); ++i) {
            bytes32 id = handler.segmentIds(i);
            IRollup.Challenge memory c = rollup.challengeOf(id);
            IRollup.Attempt memory a = rollup.attemptOf(c.attempt);
            bool earned = a.settled && a.status == IRollup.Status.Confirmed;
            if (!c.settled && !earned) sum += c.bond;
        }
        vm.assertEq(address(rollup).balance, sum);
    }

    /// A true claim whose owner answers is never killed, timed out or contradicted.
    function trueClaimsLive() private view {
        for (uint256 i = 0; i < handler.attemptCount(); ++i) {
            bytes32 attempt = handler.attempts(i);
            if (rollup.attemptOf(attempt).owner != ALICE) continue;
            IRollup.Fate fate = rollup.fateOf(attempt);
            vm.assertTrue(fate != IRollup.Fate.Dead && fate != IRollup.Fate.Contradicted);
        }
    }

    /// With one watcher, nothing false is ever confirmed.
    function onlyTruthConfirms() private view {
        for (uint256 i = 0; i < handler.contentCount(); ++i) {
            bytes32 content = handler.contents(i);
            if (rollup.contentOf(content).confirmed) vm.assertTrue(handler.isTrue(content));
        }
    }

    /// The tip is confirmed, and nothing newer is.
    function newestIsTheTip() private view {
        IRollup.Content memory tip = rollup.contentOf(rollup.tip());
        vm.assertTrue(tip.confirmed);
        for (uint256 i = 0; i < handler.contentCount(); ++i) {
            IRollup.Content memory c = rollup.contentOf(handler.contents(i));
            vm.assertTrue(
                !c.confirmed || (c.batch <= tip.batch && rollup.contentOf(c.parent).confirmed) || c.batch == 0
            );
            vm.assertFalse(c.confirmed && c.voided);
        }
    }

    function counters() private view {
        for (uint256 i = 0; i < handler.contentCount(); ++i) {
            bytes32 content = handler.contents(i);
            uint256 live = 0;
            for (uint256 j = 0; j < handler.attemptCount(); ++j) {
                IRollup.Attempt memory a = rollup.attemptOf(handler.attempts(j));
                if (a.content == content && a.status != IRollup.Status.Dead) ++live;
            }
            vm.assertEq(rollup.contentOf(content).liveAttempts, live);
        }
        for (uint256 i = 0; i < handler.attemptCount(); ++i) {
            bytes32 attempt = handler.attempts(i);
            (uint256 open, uint256 bonds) = (0, 0);
            for (uint256 j = 0; j < handler.challengeCount(); ++j) {
                IRollup.Challenge memory c = rollup.challengeOf(handler.segmentIds(j));
                if (c.attempt != attempt) continue;
                bonds += c.bond;
                if (!c.answered) ++open;
            }
            vm.assertEq(rollup.attemptOf(attempt).openChallenges, open);
            vm.assertEq(rollup.attemptOf(attempt).challengeBonds, bonds);
        }
    }

    /// Every clock ends exactly one period after what started it, so none is ever behind its start, and no attempt has one that
    /// ends after its worst case. Answers come in time.
    function clocks() private view {
        for (uint256 i = 0; i < handler.attemptCount(); ++i) {
            bytes32 attempt = handler.attempts(i);
            vm.assertEq(rollup.attemptOf(attempt).windowEnd, handler.proposedAt(attempt) + WINDOW);
            vm.assertTrue(rollup.attemptOf(attempt).quietUntil <= worstCase(attempt));
        }
        for (uint256 i = 0; i < handler.challengeCount(); ++i) {
            bytes32 id = handler.segmentIds(i);
            IRollup.Challenge memory c = rollup.challengeOf(id);
            vm.assertEq(c.deadline, handler.challengedAt(id) + RESPONSE);
            vm.assertTrue(c.deadline <= worstCase(c.attempt));
            uint256 revealedAt = rollup.revealedOf(id).revealedAt;
            vm.assertEq(c.answered, revealedAt != 0);
            if (!c.answered) continue;
            vm.assertTrue(revealedAt >= handler.challengedAt(id) && revealedAt <= c.deadline);
            vm.assertTrue(rollup.attemptOf(c.attempt).quietUntil >= revealedAt + RESPONSE);
        }
    }

    /// The window and two responses for each level that the claim needs, seconds.
    function worstCase(bytes32 attempt) private view returns (uint256 time) {
        time = handler.proposedAt(attempt) + WINDOW;
        uint256 width = rollup.contentOf(rollup.attemptOf(attempt).content).steps;
        uint256 arity = rollup.config().arity;
        for (; width > 1; width = (width + arity - 1) / arity) {
            time += 2 * RESPONSE;
        }
    }

    /// After its worst case, whatever was done against it, nothing but its parent holds a claim back whose owner answers.
    function confirmIsReachable() private {
        for (uint256 i = 0; i < handler.attemptCount(); ++i) {
            bytes32 attempt = handler.attempts(i);
            if (rollup.attemptOf(attempt).owner != ALICE || block.timestamp <= worstCase(attempt)) continue;
            if (rollup.fateOf(attempt) != IRollup.Fate.Pending) continue;
            if (!rollup.contentOf(rollup.contentOf(rollup.attemptOf(attempt).content).parent).confirmed) continue;
            uint256 state = vm.snapshotState();
            rollup.confirm(attempt);
            vm.revertToState(state);
        }
    }

    /// Let everything end: the honest have all their money back, or more, and nothing is left over but what waits for a parent
    /// that may be claimed again.
    function afterInvariant() public {
        for (uint256 i = 0; i < 40; ++i) {
            handler.timePasses(12 hours - 1);
        }
        for (uint256 i = 0; i < handler.challengeCount(); ++i) {
            bytes32 id = handler.segmentIds(i);
            try rollup.timeout(handler.challengedAttempt(id), id) {} catch {}
        }
        for (uint256 round = 0; round < 4; ++round) {
            confirmIsReachable();
            forEach(this.confirmOne);
            forEachContent();
        }
        forEach(this.settleOne);
        for (uint256 i = 0; i < handler.challengeCount(); ++i) {
            bytes32 id = handler.segmentIds(i);
            try rollup.settleChallenge(handler.challengedAttempt(id), id) {} catch {}
        }
        for (uint256 i = 0; i < 3; ++i) {
            try handler.withdraws(i) {} catch {}
        }
        vm.assertEq(handler.received(ALICE) + locked(ALICE) >= handler.spent(ALICE), true);
        vm.assertEq(handler.received(BOB) + locked(BOB) >= handler.spent(BOB), true);
        noEtherIsMadeOrLost();
        balanceIsOwedOrBonded();
        trueClaimsLive();
        onlyTruthConfirms();
        vm.assertEq(address(rollup).balance, locked(ALICE) + locked(BOB) + locked(MALLORY));
    }

    /// The games say nothing if all their moves revert: some, drawn here and as long as the fuzzer's, have every kind of move that
    /// honest players must make, and every fate but being contradicted, before which BOB kills.
    function test_gamesGetSomewhere() public {
        string[7] memory moves = ["claim", "challenge", "reveal", "stage", "kill", "beyond", "timeout"];
        (uint256[7] memory done, uint256[5] memory fates) = ([uint256(0), 0, 0, 0, 0, 0, 0], [uint256(0), 0, 0, 0, 0]);
        uint256 accepted = 0;
        for (uint256 game = 0; game < 20; ++game) {
            uint256 state = vm.snapshotState();
            for (uint256 i = 0; i < 60; ++i) {
                // What can't be done now reverts, as in all games.
                (bool success,) = address(handler).call(move(uint256(keccak256(abi.encode(game, i)))));
                if (success) ++accepted;
            }
            this.invariant_books();
            this.afterInvariant();
            for (uint256 i = 0; i < done.length; ++i) {
                done[i] += handler.done(moves[i]);
            }
            for (uint256 i = 0; i < handler.attemptCount(); ++i) {
                ++fates[uint256(rollup.fateOf(handler.attempts(i)))];
            }
            vm.revertToState(state);
        }
        vm.assertTrue(accepted > 0);
        for (uint256 i = 0; i < done.length; ++i) {
            vm.assertTrue(done[i] > 0, moves[i]);
        }
        vm.assertTrue(fates[uint256(IRollup.Fate.Dead)] > 0, "dead");
        vm.assertTrue(fates[uint256(IRollup.Fate.Confirmed)] > 0, "confirmed");
        vm.assertTrue(fates[uint256(IRollup.Fate.Void)] > 0, "void");
    }

    function move(uint256 drawn) private view returns (bytes memory) {
        (uint256 a, uint256 b, uint64 c) = (drawn >> 8, (drawn >> 72) % 1000, uint64(drawn >> 136));
        uint256 kind = drawn % 20;
        if (kind == 0) return abi.encodeCall(handler.aliceClaims, (a, c));
        if (kind == 1) return abi.encodeCall(handler.malloryClaimsTruly, (a, c));
        if (kind < 5) return abi.encodeCall(handler.malloryClaims, (a, c, uint64(b), b, drawn >> 255 == 1));
        if (kind < 7) return abi.encodeCall(handler.malloryChallenges, (a, b, c));
        if (kind < 8) return abi.encodeCall(handler.malloryReveals, (a, c, b));
        if (kind < 11) return abi.encodeCall(handler.malloryRevealsAll, (c, b));
        if (kind == 11) return abi.encodeCall(handler.malloryKills, (a, b, b, c));
        if (kind == 12) return abi.encodeCall(handler.proves, (c));
        if (kind == 13) return abi.encodeCall(handler.stages, (a, b, c));
        if (kind == 14) return abi.encodeCall(handler.timesOut, (a));
        if (kind == 15) return abi.encodeCall(handler.confirms, (a));
        if (kind == 16) return abi.encodeCall(handler.marksVoid, (a));
        if (kind == 17) return abi.encodeCall(handler.settlesAttempt, (a));
        if (kind == 18) return abi.encodeCall(handler.settlesChallenge, (a));
        return abi.encodeCall(handler.timePasses, (b * 1 hours + a % 1 hours));
    }

    function forEach(function(bytes32) external f) private {
        for (uint256 i = 0; i < handler.attemptCount(); ++i) {
            try f(handler.attempts(i)) {} catch {}
        }
    }

    function forEachContent() private {
        for (uint256 i = 0; i < handler.contentCount(); ++i) {
            try rollup.markVoid(handler.contents(i)) {} catch {}
        }
    }

    function confirmOne(bytes32 attempt) external {
        rollup.confirm(attempt);
    }

    function settleOne(bytes32 attempt) external {
        rollup.settleAttempt(attempt);
    }

    /// @dev Bonds of `who` whose fate is open after all that time: only on or below contents that wait for their parent.
    function locked(address who) private view returns (uint256 sum) {
        for (uint256 i = 0; i < handler.attemptCount(); ++i) {
            bytes32 attempt = handler.attempts(i);
            IRollup.Attempt memory a = rollup.attemptOf(attempt);
            if (rollup.fateOf(attempt) != IRollup.Fate.Pending) continue;
            vm.assertFalse(rollup.contentOf(rollup.contentOf(a.content).parent).confirmed);
            if (a.owner == who) sum += a.bond;
        }
        for (uint256 i = 0; i < handler.challengeCount(); ++i) {
            IRollup.Challenge memory c = rollup.challengeOf(handler.segmentIds(i));
            if (c.challenger == who && rollup.fateOf(c.attempt) == IRollup.Fate.Pending) sum += c.bond;
        }
    }
}

contract InvariantsOfArityFourTest is Invariants {
    function setUp() public override {
        start(4, 12);
    }
}

contract InvariantsOfBisectionTest is Invariants {
    function setUp() public override {
        start(2, 24);
    }
}
