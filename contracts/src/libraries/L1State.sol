// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {StateProof} from "./StateProof.sol";

/// @notice That an L1 contract holds something, at a block of L1 that L2 knows.
/// @dev `timestamp` is that of an L2 block, which the EIP-4788 contract remembers (the last 8,191 timestamps); `header` is the
/// RLP of the header of its anchor, the newest L1 block that the L2 block's view knows.
struct L1Proof {
    uint256 timestamp;
    bytes header;
    bytes[] accountProof;
    bytes[] storageProof;
}

/// @notice What L1 held, and when: whoever proves chooses the block, among all that the remembered L2 blocks knew.
struct L1Value {
    uint256 value;
    uint256 number; // of the L1 block
    uint256 timestamp; // of the L1 block, in seconds
}

/// @title The state of L1, read on L2
/// @notice On Ethereum the EIP-4788 contract gives roots of beacon blocks. On this L2 it gives *hashes of L1's execution blocks*.
library L1State {
    using RLP for Memory.Slice;

    address internal constant BEACON_ROOTS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02; // EIP-4788
    /// @dev Of a header: parentHash, ommersHash, beneficiary, stateRoot, transactionsRoot, receiptsRoot, logsBloom, difficulty,
    /// number, gasLimit, gasUsed, timestamp, ...
    uint256 private constant STATE_ROOT_FIELD = 3;
    uint256 private constant NUMBER_FIELD = 8;
    uint256 private constant TIMESTAMP_FIELD = 11;

    /// @notice No L2 block of that timestamp is remembered.
    error UnknownTimestamp(uint256 timestamp);
    /// @notice That is not the header of the L1 block which the L2 block knew.
    error WrongHeader(bytes32 expected, bytes32 got);

    /// @notice The L1 block hash that the L2 block of this timestamp knew.
    function anchor(uint256 timestamp) internal view returns (bytes32) {
        (bool success, bytes memory answer) = BEACON_ROOTS.staticcall(abi.encode(timestamp));
        require(success && answer.length == 32, UnknownTimestamp(timestamp));
        return abi.decode(answer, (bytes32));
    }

    /// @notice What `slot` of `account` held on L1, and at which block. Reverts for zero, which has no proof here. Whoever needs
    /// something new must look at the time: of all blocks that can be proven, the caller gets the one that suits the prover.
    function read(address account, bytes32 slot, L1Proof calldata proof) internal view returns (L1Value memory held) {
        (bytes32 expected, bytes32 got) = (anchor(proof.timestamp), keccak256(proof.header));
        require(expected == got, WrongHeader(expected, got));
        Memory.Slice[] memory fields = RLP.decodeList(proof.header);
        bytes32 storageRoot =
            StateProof.account(fields[STATE_ROOT_FIELD].readBytes32(), account, proof.accountProof).storageRoot;
        held.value = StateProof.slot(storageRoot, slot, proof.storageProof);
        (held.number, held.timestamp) = (fields[NUMBER_FIELD].readUint256(), fields[TIMESTAMP_FIELD].readUint256());
    }
}
