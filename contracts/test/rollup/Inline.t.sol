// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../../src/interfaces/IRollup.sol";
import {Segment, StepProof} from "../../src/interfaces/Types.sol";
import {Game} from "../support/Game.sol";
import {Toy} from "../support/ToyVerifier.sol";

/// @dev How much a proof may bring itself. The toy verifier takes any proof.
contract InlineTest is Game {
    uint256 private constant MOST = 131_072;

    function bringing(uint256 elements, uint256 forced, uint256 witness) private pure returns (StepProof memory proof) {
        proof.opening.elements = new bytes32[](elements);
        proof.forcedTransaction = new bytes(forced);
        proof.execution.witness = new bytes(witness);
    }

    function takes(StepProof memory proof) private {
        uint256 id = vm.snapshotState();
        rollup.proveStep(Toy.truth(3), proof);
        vm.revertToState(id);
    }

    function refuses(StepProof memory proof, uint256 got) private {
        refuses(abi.encodeCall(IRollup.proveStep, (Toy.truth(3), proof)), got);
    }

    function refuses(bytes memory call, uint256 got) private {
        reverts(address(rollup), call, abi.encodeWithSelector(IRollup.TooMuchInline.selector, got, MOST));
    }

    function test_ofEveryKind() public {
        takes(bringing(MOST / 32, 0, 0));
        takes(bringing(0, MOST, 0));
        takes(bringing(0, 0, MOST));
        refuses(bringing(MOST / 32 + 1, 0, 0), MOST + 32);
        refuses(bringing(0, MOST + 1, 0), MOST + 1);
        refuses(bringing(0, 0, MOST + 1), MOST + 1);
    }

    function test_ofAllTogether() public {
        takes(bringing(1000, 50_000, MOST - 82_000));
        refuses(bringing(1000, 50_000, MOST - 82_000 + 1), MOST + 1);
        // All of a blob, and nothing besides.
        refuses(bringing(4096, 0, 1), MOST + 1);
        refuses(bringing(4096, 1, 0), MOST + 1);
    }

    function testFuzz_ofAllTogether(uint16 elements, uint24 forced, uint24 witness) public {
        (uint256 e, uint256 f, uint256 w) = (elements % 5000, forced % 150_000, witness % 150_000);
        uint256 got = 32 * e + f + w;
        if (got <= MOST) takes(bringing(e, f, w));
        else refuses(bringing(e, f, w), got);
    }

    /// Pointers count for nothing: what they point to is on the bill.
    function test_notWhatIsPointedTo() public {
        StepProof memory proof = bringing(0, 0, MOST);
        proof.opening.pointers = new address[](5000);
        proof.execution.pointers = new address[](5000);
        takes(proof);
    }

    function test_withEveryWayToKill() public {
        (bytes32 attempt, Segment memory s) = dissectedLie();
        bytes32 other = propose(MALLORY, genesis, Toy.end(1001, 1), 1);
        StepProof memory proof = bringing(0, 0, MOST + 1);
        refuses(
            abi.encodeCall(IRollup.proveFraudGap, (attempt, gap(s, "lieGap", 1), Toy.truth(5), proof, BOB)), MOST + 1
        );
        refuses(abi.encodeCall(IRollup.proveFraudClaim, (other, Toy.truth(0), proof, BOB)), MOST + 1);
        proof = bringing(0, 0, MOST);
        rollup.proveFraudGap(attempt, gap(s, "lieGap", 1), Toy.truth(5), proof, BOB);
        rollup.proveFraudClaim(other, Toy.truth(0), proof, BOB);
        assertFate(attempt, IRollup.Fate.Dead);
        assertFate(other, IRollup.Fate.Dead);
    }

    /// As of all proofs: of a step that is known none is looked at.
    function test_notOfAStepThatIsProvenAlready() public {
        prove(3);
        takes(bringing(0, 0, MOST + 1));
    }
}
