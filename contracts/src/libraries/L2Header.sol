// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {BlockContext, Checkpoint, Credit} from "../interfaces/Types.sol";

/// @title The hash of a sealed L2 block
/// @notice A standard Ethereum header of the 21 fields of Prague, so that ordinary tools hash it. In place of the transactions
/// and receipts roots stand the running digests; the bloom is empty (EIP-7668).
library L2Header {
    using RLP for RLP.Encoder;

    /// @dev keccak256(rlp([])).
    bytes32 private constant NO_OMMERS = 0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347;

    /// @param sealed_ The block after its credits; `parentHash` is that of the block before.
    /// @param anchor Hash of the L1 block that this block knows (EIP-4788's place).
    function hash(Checkpoint memory sealed_, BlockContext memory context, bytes32 anchor, Credit[] memory credits)
        internal
        pure
        returns (bytes32)
    {
        RLP.Encoder memory header = RLP.encoder();
        // `push` changes the encoder and gives it back for chaining only.
        // slither-disable-start unused-return
        header.push(sealed_.parentHash).push(NO_OMMERS).push(context.coinbase);
        header.push(sealed_.stateRoot).push(sealed_.txDigest).push(sealed_.receiptDigest);
        header.push(new bytes(256)); // bloom
        header.push(uint256(0)); // difficulty
        header.push(uint256(context.number)).push(uint256(context.gasLimit)).push(uint256(sealed_.gasUsed));
        header.push(uint256(context.timestamp));
        header.push(bytes("")); // extraData
        header.push(context.prevRandao);
        header.push(new bytes(8)); // nonce
        header.push(context.baseFee);
        header.push(keccak256(abi.encode(credits)));
        header.push(uint256(0)).push(uint256(0)); // blobGasUsed, excessBlobGas
        header.push(anchor);
        header.push(sha256("")); // requestsHash (EIP-7685): no requests
        // slither-disable-end unused-return
        return keccak256(header.encode());
    }
}
