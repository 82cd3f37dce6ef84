// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Deployment} from "../../src/Deployment.sol";
import {IDeployment} from "../../src/interfaces/IDeployment.sol";
import {Test} from "../support/Test.sol";

/// @notice Knows another part, and who made it.
contract Knows {
    address public immutable OTHER;
    address public immutable MAKER;

    constructor(address other) {
        (OTHER, MAKER) = (other, msg.sender);
    }
}

/// @notice Its constructor takes only one word.
contract Picky {
    error NotThat(uint256 word);

    constructor(uint256 word) {
        require(word == 7, NotThat(word));
    }
}

/// @notice While it is made, makes the next part, or tries to make itself again.
contract Impatient {
    bool public made;

    constructor(bytes memory creationCode) {
        (made,) = msg.sender.call(abi.encodeCall(IDeployment.create, (creationCode, new IDeployment.Link[](0))));
    }
}

abstract contract DeploymentBase is Test {
    bytes internal _first = abi.encodePacked(type(Knows).creationCode, abi.encode(address(0)));
    bytes internal _second = _first;

    function link(bytes memory code, uint8 part) internal pure returns (IDeployment.Link[] memory links) {
        links = new IDeployment.Link[](1);
        links[0] = IDeployment.Link(uint32(code.length - 32), part);
    }

    /// @dev Two parts that know each other.
    function ring() internal returns (Deployment) {
        bytes32[] memory parts = new bytes32[](2);
        parts[0] = keccak256(abi.encode(_first, link(_first, 1)));
        parts[1] = keccak256(abi.encode(_second, link(_second, 0)));
        return new Deployment(parts);
    }

    function single(bytes memory code, IDeployment.Link[] memory links) internal returns (Deployment) {
        bytes32[] memory parts = new bytes32[](1);
        parts[0] = keccak256(abi.encode(code, links));
        return new Deployment(parts);
    }

    function none() internal pure returns (IDeployment.Link[] memory) {
        return new IDeployment.Link[](0);
    }

    function call(bytes memory code, IDeployment.Link[] memory links) internal pure returns (bytes memory) {
        return abi.encodeCall(IDeployment.create, (code, links));
    }
}

contract DeploymentTest is DeploymentBase {
    function test_partsKnowEachOtherBeforeEitherIs() public {
        Deployment deployment = ring();
        (address first, address second) = (deployment.addressOf(0), deployment.addressOf(1));
        vm.prank(MALLORY);
        expectEvent(address(deployment));
        emit IDeployment.PartCreated(0, first);
        vm.assertEq(deployment.create(_first, link(_first, 1)), first);
        vm.assertEq(deployment.created(), 1);
        vm.prank(BOB);
        vm.assertEq(deployment.create(_second, link(_second, 0)), second);
        vm.assertEq(deployment.created(), 2);
        vm.assertEq(Knows(first).OTHER(), second);
        vm.assertEq(Knows(second).OTHER(), first);
        vm.assertEq(Knows(first).MAKER(), address(deployment));
        vm.assertEq(deployment.commitments().length, 2);
        vm.assertEq(deployment.commitments()[0], keccak256(abi.encode(_first, link(_first, 1))));
    }

    function test_refusesPartsOutOfOrder() public {
        Deployment deployment = ring();
        bytes32[] memory parts = deployment.commitments();
        bytes memory second = call(_second, link(_second, 0));
        reverts(
            address(deployment), second, abi.encodeWithSelector(IDeployment.WrongPart.selector, 0, parts[0], parts[1])
        );
        deployment.create(_first, link(_first, 1));
        bytes memory first = call(_first, link(_first, 1));
        reverts(
            address(deployment), first, abi.encodeWithSelector(IDeployment.WrongPart.selector, 1, parts[1], parts[0])
        );
    }

    function test_refusesOtherCodeArgumentsAndLinks() public {
        Deployment deployment = ring();
        bytes32 expected = deployment.commitments()[0];
        bytes memory other = abi.encodePacked(type(Knows).creationCode, abi.encode(MALLORY));
        bytes32 got = keccak256(abi.encode(other, link(other, 1)));
        bytes memory reason = abi.encodeWithSelector(IDeployment.WrongPart.selector, 0, expected, got);
        reverts(MALLORY, 0, address(deployment), call(other, link(other, 1)), reason);

        got = keccak256(abi.encode(_first, none()));
        reason = abi.encodeWithSelector(IDeployment.WrongPart.selector, 0, expected, got);
        reverts(MALLORY, 0, address(deployment), call(_first, none()), reason);

        got = keccak256(abi.encode(_first, link(_first, 0)));
        reason = abi.encodeWithSelector(IDeployment.WrongPart.selector, 0, expected, got);
        reverts(MALLORY, 0, address(deployment), call(_first, link(_first, 0)), reason);
    }

    function test_refusesMoreThanAllParts() public {
        Deployment deployment = ring();
        deployment.create(_first, link(_first, 1));
        deployment.create(_second, link(_second, 0));
        bytes memory reason = abi.encodeWithSelector(IDeployment.UnknownPart.selector, 2, 2);
        reverts(address(deployment), call(_second, link(_second, 0)), reason);
        reverts(address(deployment), abi.encodeCall(IDeployment.addressOf, (2)), reason);
    }

    function test_refusesTooManyParts() public {
        vm.assertEq(new Deployment(new bytes32[](127)).commitments().length, 127);
        try new Deployment(new bytes32[](128)) returns (Deployment) {
            vm.assertTrue(false);
        } catch (bytes memory reason) {
            vm.assertEq(reason, abi.encodeWithSelector(IDeployment.TooManyParts.selector, 128, 127));
        }
    }

    function test_revertsAsTheConstructorDoesAndCanBeTriedAgain() public {
        bytes memory picky = abi.encodePacked(type(Picky).creationCode, abi.encode(8));
        Deployment deployment = single(picky, none());
        for (uint256 i = 0; i < 2; ++i) {
            reverts(address(deployment), call(picky, none()), abi.encodeWithSelector(Picky.NotThat.selector, 8));
            vm.assertEq(deployment.created(), 0);
        }
    }

    /// @dev Who makes a part with too little gas for its constructor changes nothing.
    function test_littleGasLeavesThePartToOthers() public {
        Deployment deployment = single(_first, link(_first, 0));
        (bool success,) = address(deployment).call{gas: 90_000}(call(_first, link(_first, 0)));
        vm.assertFalse(success);
        vm.assertEq(deployment.created(), 0);
        deployment.create(_first, link(_first, 0));
        vm.assertEq(Knows(deployment.addressOf(0)).OTHER(), deployment.addressOf(0));
    }

    function test_refusesLinksOutsideTheCode() public {
        for (uint256 past = 1; past < 3; ++past) {
            IDeployment.Link[] memory links = link(_first, 0);
            links[0].offset += past == 1 ? 1 : type(uint32).max - links[0].offset;
            Deployment deployment = single(_first, links);
            bytes memory reason =
                abi.encodeWithSelector(IDeployment.LinkOutOfRange.selector, links[0].offset, _first.length);
            reverts(address(deployment), call(_first, links), reason);
        }
        Deployment unknown = single(_first, link(_first, 1));
        bytes memory refused = abi.encodeWithSelector(IDeployment.UnknownPart.selector, 1, 1);
        reverts(address(unknown), call(_first, link(_first, 1)), refused);
    }

    /// @dev A part that makes the next one in its own constructor: both are where they must be.
    function test_partsMadeWithinPartsAreWhereTheyMustBe() public {
        bytes memory outer = abi.encodePacked(type(Impatient).creationCode, abi.encode(_first));
        bytes32[] memory parts = new bytes32[](2);
        parts[0] = keccak256(abi.encode(outer, none()));
        parts[1] = keccak256(abi.encode(_first, none()));
        Deployment deployment = new Deployment(parts);
        deployment.create(outer, none());
        vm.assertEq(deployment.created(), 2);
        vm.assertTrue(Impatient(deployment.addressOf(0)).made());
        vm.assertEq(Knows(deployment.addressOf(1)).MAKER(), address(deployment));
    }

    /// @dev The address of a contract that was made by CREATE2 stands for all its commitments.
    function testFuzz_anotherCommitmentIsAnotherAddress(bytes32[3] memory one, uint8 index, bytes32 other) public {
        vm.assume(one[index % 3] != other);
        bytes32[] memory parts = new bytes32[](3);
        (parts[0], parts[1], parts[2]) = (one[0], one[1], one[2]);
        address before = address(new Deployment{salt: 0}(parts));
        parts[index % 3] = other;
        vm.assertTrue(address(new Deployment{salt: 0}(parts)) != before);
    }
}
