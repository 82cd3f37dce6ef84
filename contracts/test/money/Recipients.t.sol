// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Segment} from "../../src/interfaces/Types.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

/// @dev A wallet of code: calls what it is asked to, takes ether or not.
contract Wallet {
    bool private immutable TAKES;

    constructor(bool takes) payable {
        TAKES = takes;
    }

    receive() external payable {
        require(TAKES, "no");
    }

    function run(address target, uint256 value, bytes calldata data) external returns (bytes memory answer) {
        bool success;
        (success, answer) = target.call{value: value}(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
    }
}

/// @notice Who is paid, and who can't be: pull payments, so that a recipient hurts itself at most.
contract RecipientTest is Game {
    function ownedBy(Wallet wallet, address beneficiary) private returns (bytes32 attempt) {
        vm.deal(address(wallet), 10 ether);
        bytes memory move = proposal(genesis, Toy.truth(8), 8, beneficiary, nothing());
        return abi.decode(wallet.run(address(rollup), CLAIM_BOND, move), (bytes32));
    }

    function settled(bytes32 attempt) private {
        afterWindow();
        rollup.confirm(attempt);
        rollup.settleAttempt(attempt);
    }

    /// A smart wallet owns a claim, answers for it, and takes its money, whatever its receive function does with gas.
    function test_smartWallets() public {
        Wallet wallet = new Wallet(true);
        bytes32 attempt = ownedBy(wallet, address(wallet));
        challenge(attempt);
        wallet.run(address(rollup), 0, abi.encodeCall(IRollup.reveal, (attempt, claimOf(attempt), revealing("honest"))));
        noBlobs();
        settled(attempt);
        wallet.run(address(rollup), 0, abi.encodeCall(IRollup.withdraw, (address(wallet))));
        vm.assertEq(address(wallet).balance, 10 ether + uint256(CHALLENGE_BOND));
    }

    /// One that takes no ether sends it elsewhere; nobody else waits for it.
    function test_walletsThatRefuse() public {
        Wallet wallet = new Wallet(false);
        bytes32 attempt = ownedBy(wallet, address(wallet));
        bytes32 sibling = truly(BOB);
        settled(attempt);
        rollup.settleAttempt(sibling);
        vm.prank(BOB);
        vm.assertEq(rollup.withdraw(BOB), uint256(CLAIM_BOND));
        bytes memory toItself = abi.encodeCall(IRollup.withdraw, (address(wallet)));
        reverts(
            address(wallet),
            abi.encodeCall(Wallet.run, (address(rollup), 0, toItself)),
            abi.encodeWithSelector(IRollup.TransferFailed.selector, address(wallet), CLAIM_BOND)
        );
        address elsewhere = address(0xE15E);
        wallet.run(address(rollup), 0, abi.encodeCall(IRollup.withdraw, (elsewhere)));
        vm.assertEq(elsewhere.balance, uint256(CLAIM_BOND));
    }

    /// Money of a beneficiary that can't call stays where it is: whoever named it has lost it. Nobody else has.
    function test_beneficiariesThatCanNotCall() public {
        bytes32 batchHash = inbox.batchHash(1);
        vm.prank(ALICE);
        bytes32 attempt =
            rollup.propose{value: CLAIM_BOND}(genesis, batchHash, Toy.truth(8), 8, address(rollup), nothing());
        settled(attempt);
        vm.assertEq(rollup.owed(address(rollup)), uint256(CLAIM_BOND));
        vm.assertEq(address(rollup).balance, uint256(CLAIM_BOND));
    }

    /// The Rollup takes no ether but bonds: it is no recipient.
    function test_theRollupAsRecipient() public {
        settled(truly(ALICE));
        bytes memory expected =
            abi.encodeWithSelector(IRollup.TransferFailed.selector, address(rollup), uint256(CLAIM_BOND));
        reverts(ALICE, 0, address(rollup), abi.encodeCall(IRollup.withdraw, (address(rollup))), expected);
        vm.assertEq(rollup.owed(ALICE), uint256(CLAIM_BOND));
    }

    // ---------------------------------------------------------------- against oneself

    /// Challenging all of the own true claim moves money from one pocket to the other, and keeps honest challengers out of
    /// nothing: there is nothing to challenge in it.
    function test_selfChallengeOfTheTruth() public {
        uint256 before = MALLORY.balance;
        bytes32 attempt = truly(MALLORY);
        vm.prank(MALLORY);
        rollup.challengeClaim{value: CHALLENGE_BOND}(attempt);
        reveal(attempt, claimOf(attempt), "honest");
        settled(attempt);
        vm.prank(MALLORY);
        rollup.withdraw(MALLORY);
        vm.assertEq(MALLORY.balance, before);
    }

    /// A liar who challenges his lie himself, so that no other can, still has to answer, and what he reveals is killed.
    function test_selfChallengeShieldsNothing() public {
        bytes32 attempt = falsely(MALLORY);
        vm.prank(MALLORY);
        rollup.challengeClaim{value: CHALLENGE_BOND}(attempt);
        reveal(attempt, claimOf(attempt), "lie");
        challenge(attempt, gap(claimOf(attempt), "lie", 2));
        Segment memory s = segment(4, 6, Toy.truth(4), Toy.lie(6));
        reveal(attempt, s, "lieGap");
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), noProof(), BOB);
        vm.assertEq(rollup.owed(BOB), CLAIM_BOND / 2);
    }
}
