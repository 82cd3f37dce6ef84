// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bridge} from "../src/Bridge.sol";
import {ChunkStore} from "../src/ChunkStore.sol";
import {Deployment} from "../src/Deployment.sol";
import {Inbox} from "../src/Inbox.sol";
import {Rollup} from "../src/Rollup.sol";
import {StepVerifier} from "../src/StepVerifier.sol";
import {IDeployment} from "../src/interfaces/IDeployment.sol";

/// @notice The cheat codes of forge that the script uses.
interface ScriptVm {
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// @title Deploys a rollup from the code that forge compiled from this source
/// @notice Takes the plan that `cargo xtask deploy --plan` wrote: constructor arguments, and the addresses that must come out.
/// If this compiler makes another code of the source than the committed one, or if the plan is not the one that the addresses
/// stand for, nothing is sent. See docs/deploy.md.
contract Deploy {
    error OtherAddress(string what, address planned, address got);
    error NotCreated(string what, address planned);
    error NoProxy(address expected);
    /// @notice What is signed for one chain is valid on both.
    error ChainIdOfL1(uint256 l2);
    /// @notice The default is for development: every rollup that keeps it has it.
    error DefaultChainId(uint256 l2, uint256 l1);

    ScriptVm private constant vm = ScriptVm(address(uint160(uint256(keccak256("hevm cheat code")))));
    /// @dev The deterministic deployment proxy.
    address private constant PROXY = 0x4e59b44847b379578588920cA78FbF26c0B4956C;
    uint256 private constant PARTS = 4;
    /// @dev As `recourse_node::deploy` has them.
    uint256 private constant DEFAULT_L2_CHAIN_ID = 8079;

    /// @param file Path of the plan, in a folder that foundry.toml lets scripts read: cache/.
    function run(string calldata file) external {
        string memory plan = vm.readFile(file);
        bytes[] memory codes = new bytes[](PARTS);
        IDeployment.Link[][] memory links = new IDeployment.Link[][](PARTS);
        bytes32[] memory commitments = new bytes32[](PARTS);
        for (uint256 i = 0; i < PARTS; ++i) {
            (codes[i], links[i]) = _part(plan, i);
            commitments[i] = keccak256(abi.encode(codes[i], links[i]));
        }
        bytes memory deployment = abi.encodePacked(type(Deployment).creationCode, abi.encode(commitments));
        bytes32 salt = vm.parseJsonBytes32(plan, ".salt");
        address place = _planned(plan, ".deployment", "Deployment", salt, deployment);
        _planned(plan, ".chunkStore", "ChunkStore", 0, type(ChunkStore).creationCode);
        require(PROXY.code.length > 0, NoProxy(PROXY));
        _checkChainId(vm.parseJsonUint(plan, ".l2ChainId"));

        vm.startBroadcast();
        _create2("ChunkStore", 0, type(ChunkStore).creationCode);
        _create2("Deployment", salt, deployment);
        for (uint256 i = IDeployment(place).created(); i < PARTS; ++i) {
            address got = IDeployment(place).create(codes[i], links[i]);
            address planned = vm.parseJsonAddress(plan, string.concat(_path(i), ".address"));
            require(got == planned, OtherAddress("part", planned, got));
        }
        vm.stopBroadcast();
    }

    /// @dev The chain id in the plan is the StepVerifier's: it stands in the arguments that the addresses vouch for.
    function _checkChainId(uint256 l2) private view {
        require(l2 != block.chainid, ChainIdOfL1(l2));
        bool forDevelopment = block.chainid == 31_337 || block.chainid == 1_337;
        require(forDevelopment || l2 != DEFAULT_L2_CHAIN_ID, DefaultChainId(l2, block.chainid));
    }

    /// @dev Sends nothing for what is there.
    function _create2(string memory what, bytes32 salt, bytes memory code) private {
        address place = _address(salt, code);
        if (place.code.length > 0) return;
        (bool success,) = PROXY.call(abi.encodePacked(salt, code));
        require(success && place.code.length > 0, NotCreated(what, place));
    }

    function _planned(string memory plan, string memory key, string memory what, bytes32 salt, bytes memory code)
        private
        pure
        returns (address got)
    {
        got = _address(salt, code);
        address planned = vm.parseJsonAddress(plan, key);
        require(got == planned, OtherAddress(what, planned, got));
    }

    /// @dev Creation code with the plan's arguments, and where addresses go.
    function _part(string memory plan, uint256 index)
        private
        pure
        returns (bytes memory code, IDeployment.Link[] memory links)
    {
        string memory path = _path(index);
        code = abi.encodePacked(_compiled(index), vm.parseJsonBytes(plan, string.concat(path, ".arguments")));
        uint256[] memory offsets = vm.parseJsonUintArray(plan, string.concat(path, ".offsets"));
        uint256[] memory targets = vm.parseJsonUintArray(plan, string.concat(path, ".targets"));
        links = new IDeployment.Link[](offsets.length);
        for (uint256 i = 0; i < offsets.length; ++i) {
            links[i] = IDeployment.Link(uint32(offsets[i]), uint8(targets[i]));
        }
    }

    function _compiled(uint256 index) private pure returns (bytes memory) {
        if (index == 0) return type(Inbox).creationCode;
        if (index == 1) return type(StepVerifier).creationCode;
        if (index == 2) return type(Rollup).creationCode;
        return type(Bridge).creationCode;
    }

    function _path(uint256 index) private pure returns (string memory) {
        return string.concat(".parts[", string(abi.encodePacked(uint8(0x30 + index))), "]");
    }

    function _address(bytes32 salt, bytes memory code) private pure returns (address) {
        bytes32 hash = keccak256(abi.encodePacked(bytes1(0xff), PROXY, salt, keccak256(code)));
        return address(uint160(uint256(hash)));
    }
}
