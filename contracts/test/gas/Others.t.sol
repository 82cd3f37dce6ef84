// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Deployment} from "../../src/Deployment.sol";
import {MinimalNativeRollup} from "../../src/examples/MinimalNativeRollup.sol";
import {Message} from "../../src/examples/Mailboxes.sol";
import {L1Proof} from "../../src/libraries/L1State.sol";
import {DeploymentBase} from "../deployment/Deployment.t.sol";
import {MailboxBase} from "../examples/MailboxBase.sol";
import {MinimalBase} from "../examples/MinimalBase.sol";

/// @dev As in Gas.t.sol. What deploying the rollup costs is measured on an L1 (docs/deploy.md).
contract DeploymentGasTest is DeploymentBase {
    function test_create() public {
        Deployment deployment = ring();
        deployment.create(_first, link(_first, 1));
        vm.snapshotGasLastCall("Deployment", "create, a small part, the first");
        deployment.create(_second, link(_second, 0));
        vm.snapshotGasLastCall("Deployment", "create, a small part");
    }
}

/// @dev With short proofs: of three accounts and two slots.
contract MailboxGasTest is MailboxBase {
    function test_message() public {
        l1.send(address(target), GAS_LIMIT, "hello");
        vm.snapshotGasLastCall("L1Mailbox", "send, the first");
        Message memory message = Message(l1.count(), address(this), address(target), GAS_LIMIT, "hello");
        l1.send(address(target), GAS_LIMIT, "hello");
        vm.snapshotGasLastCall("L1Mailbox", "send");
        L1Proof memory proof = known(message);
        l2.deliver(message, proof);
        vm.snapshotGasLastCall("L2Mailbox", "deliver, a call that writes two slots");
    }
}

/// @dev EXECUTE says yes, and takes no gas.
contract MinimalGasTest is MinimalBase {
    function test_advance() public {
        settle(next());
        vm.snapshotGasLastCall("MinimalNativeRollup", "advance, the first");
        l1At(NUMBER + 1, START + 12);
        settle(next());
        vm.snapshotGasLastCall("MinimalNativeRollup", "advance");
    }
}
