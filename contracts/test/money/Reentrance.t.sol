// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

/// @notice Plays all moves that it was given as soon as it is paid.
contract Player {
    struct Move {
        bytes data;
        uint256 value;
    }

    IRollup private immutable ROLLUP;
    Move[] private _moves;
    bytes[] public answers;
    bool[] public accepted;

    constructor(IRollup rollup) {
        ROLLUP = rollup;
    }

    receive() external payable {
        for (uint256 i = 0; i < _moves.length; ++i) {
            (bool success, bytes memory answer) = address(ROLLUP).call{value: _moves[i].value}(_moves[i].data);
            accepted.push(success);
            answers.push(answer);
        }
    }

    function plan(bytes calldata data, uint256 value) external {
        _moves.push(Move(data, value));
    }

    function play(bytes calldata data, uint256 value) external returns (bytes memory answer) {
        bool success;
        (success, answer) = address(ROLLUP).call{value: value}(data);
        require(success, string(answer));
    }
}

/// @notice The only call into code of others is the one that pays a withdrawal; what it calls finds the books closed.
contract ReentranceTest is Game {
    Player private player;

    function setUp() public override {
        super.setUp();
        player = new Player(rollup);
        vm.deal(address(player), 100 ether);
    }

    /// @dev Kills one lie for the player, so that it is owed half a bond.
    function earns() private {
        bytes32 attempt = propose(MALLORY, genesis, Toy.end(5, 1), 1);
        rollup.proveFraudClaim(attempt, Toy.truth(0), noProof(), address(player));
    }

    function collects() private returns (uint256 gained) {
        uint256 before = address(player).balance;
        player.play(abi.encodeCall(IRollup.withdraw, (address(player))), 0);
        return address(player).balance - before;
    }

    function refused(uint256 move, bytes memory expected) private view {
        vm.assertFalse(player.accepted(move));
        vm.assertEq(player.answers(move), expected);
    }

    /// What is settled meanwhile is owed anew, and paid once.
    function test_settlingMeanwhile() public {
        earns();
        bytes memory claim = proposal(genesis, Toy.truth(8), 8, address(player), nothing());
        bytes32 attempt = abi.decode(player.play(claim, CLAIM_BOND), (bytes32));
        challenge(attempt);
        revealAs(attempt);
        afterWindow();
        rollup.confirm(attempt);
        player.plan(abi.encodeCall(IRollup.settleAttempt, (attempt)), 0);
        player.plan(abi.encodeCall(IRollup.settleAttempt, (attempt)), 0);
        player.plan(abi.encodeCall(IRollup.settleChallenge, (attempt, idOf(attempt, claimOf(attempt)))), 0);
        vm.assertEq(collects(), CLAIM_BOND / 2);
        vm.assertTrue(player.accepted(0));
        refused(1, abi.encodeWithSelector(IRollup.AlreadySettled.selector, attempt));
        refused(2, abi.encodeWithSelector(IRollup.ChallengeLost.selector, idOf(attempt, claimOf(attempt))));
        vm.assertEq(rollup.owed(address(player)), uint256(CLAIM_BOND) + CHALLENGE_BOND);
        vm.assertEq(address(rollup).balance, uint256(CLAIM_BOND) + CHALLENGE_BOND);
    }

    function revealAs(bytes32 attempt) private {
        bytes memory move = abi.encodeCall(IRollup.reveal, (attempt, claimOf(attempt), revealing("honest")));
        player.play(move, 0);
        noBlobs();
    }

    /// A whole game from within: claims and challenges are bonded with ether of the player's own, deaths pay once.
    function test_playingMeanwhile() public {
        earns();
        bytes32 lie = propose(MALLORY, genesis, Toy.end(6, 1), 1);
        bytes32 target = falsely(MALLORY);
        player.plan(proposal(genesis, Toy.truth(8), 8, address(player), nothing()), CLAIM_BOND);
        player.plan(abi.encodeCall(IRollup.challengeClaim, (target)), CHALLENGE_BOND);
        player.plan(abi.encodeCall(IRollup.killClaim, (lie, address(player))), 0);
        player.plan(abi.encodeCall(IRollup.killClaim, (lie, address(player))), 0);
        uint256 spent = uint256(CLAIM_BOND) + CHALLENGE_BOND;
        uint256 before = address(player).balance;
        player.play(abi.encodeCall(IRollup.withdraw, (address(player))), 0);
        vm.assertEq(address(player).balance, before + CLAIM_BOND / 2 - spent);
        vm.assertTrue(player.accepted(0) && player.accepted(1) && player.accepted(2));
        refused(3, notPending(lie, IRollup.Fate.Dead));
        vm.assertEq(rollup.owed(address(player)), CLAIM_BOND / 2);
        // Two bonds of claims, one of a challenge, half a dead bond.
        vm.assertEq(address(rollup).balance, 2 * uint256(CLAIM_BOND) + CHALLENGE_BOND + CLAIM_BOND / 2);
    }

    /// Confirming and timing out from within changes nothing but what anybody may change.
    function test_confirmingMeanwhile() public {
        earns();
        bytes32 good = truly(ALICE);
        bytes32 bad = falsely(MALLORY);
        bytes32 id = challenge(bad);
        afterWindow();
        player.plan(abi.encodeCall(IRollup.confirm, (good)), 0);
        player.plan(abi.encodeCall(IRollup.timeout, (bad, id)), 0);
        player.plan(abi.encodeCall(IRollup.settleAttempt, (bad)), 0);
        uint256 burnt = address(0).balance;
        vm.assertEq(collects(), CLAIM_BOND / 2);
        vm.assertTrue(player.accepted(0) && player.accepted(2));
        refused(1, notPending(bad, IRollup.Fate.Contradicted));
        vm.assertEq(address(0).balance - burnt, uint256(CLAIM_BOND));
        rollup.settleChallenge(bad, id);
        rollup.settleAttempt(good);
        vm.assertEq(address(rollup).balance, uint256(CLAIM_BOND) + CHALLENGE_BOND);
        vm.assertEq(rollup.owed(ALICE) + rollup.owed(BOB), uint256(CLAIM_BOND) + CHALLENGE_BOND);
    }
}
