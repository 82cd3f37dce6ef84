// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {TransientSlot} from "@openzeppelin/contracts/utils/TransientSlot.sol";
import {IChunkStore} from "../interfaces/IChunkStore.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {StepProof} from "../interfaces/Types.sol";
import {Bonds} from "./Bonds.sol";

/// @title Who staged what a proof needed, and is paid when an attempt dies of it
/// @notice A step is proven once, by whoever is first, with chunks that anybody may have staged. So who staged them is kept
/// beside the truth, and paid by whatever kills with it. What a thief can put on a bill besides, and what it is worth to him:
/// docs/contracts.md, "Bills".
abstract contract Bills is Bonds {
    /// @dev Of the paid half, one part in so many is the killer's, whatever stands on the bill: no kill is for nothing.
    uint128 private constant KILLERS_SHARE = 16;

    /// @dev Chunks. The largest proof there is has 46 of witness and 16 of a blob's elements, cut as the tools here cut them.
    uint256 private constant MAX_BILL = 64;

    mapping(bytes32 pre => IChunkStore.Chunk[]) private _bills;

    /// @inheritdoc IRollup
    function billOf(bytes32 pre) external view returns (IChunkStore.Chunk[] memory) {
        return _bills[pre];
    }

    /// @inheritdoc IRollup
    function maxBill() external pure returns (uint256) {
        return MAX_BILL;
    }

    /// @dev Of a step that was just proven, once.
    function _writeBill(bytes32 pre, StepProof calldata proof) internal {
        _bill(pre, proof.opening.pointers);
        _bill(pre, proof.execution.pointers);
        if (_bills[pre].length > 0) emit Billed(pre, _bills[pre]);
    }

    /// @dev The list is the caller's own, and so is its cost.
    function _bill(bytes32 pre, address[] calldata pointers) private {
        IChunkStore.Chunk[] storage bill = _bills[pre];
        for (uint256 i = 0; i < pointers.length; ++i) {
            // The store is the one that the deployer chose.
            // slither-disable-next-line calls-loop
            IChunkStore.Chunk memory chunk = CHUNK_STORE.chunkOf(pointers[i]);
            // Other accounts may be pointed to as well; nobody is known to have paid for them.
            if (chunk.poster == address(0) || !_firstUse(pre, pointers[i])) continue;
            require(bill.length < MAX_BILL, BillTooLong(MAX_BILL));
            bill.push(chunk);
        }
    }

    /// @dev A chunk may stand in a proof twice, but was paid for once. A step is proven only once, so that what is noted for the
    /// rest of the transaction is noted for ever.
    function _firstUse(bytes32 pre, address pointer) private returns (bool) {
        TransientSlot.BooleanSlot slot = TransientSlot.asBoolean(keccak256(abi.encode(pre, pointer)));
        if (TransientSlot.tload(slot)) return false;
        TransientSlot.tstore(slot, true);
        return true;
    }

    /// @dev Credits those on the bill of the step whose chunks are not older than the attempt, takes them off it, and gives the
    /// sum. All get the same for a byte: were they paid in turn, surplus chunks in front would take what the needed ones behind
    /// them cost. At most MAX_BILL chunks; none of it can revert.
    function _payBill(bytes32 attempt, bytes32 pre) internal returns (uint128 spent) {
        IChunkStore.Chunk[] storage bill = _bills[pre];
        uint64 since = _attempts[attempt].windowEnd - CHALLENGE_WINDOW;
        uint256 size = _sizeSince(bill, since);
        uint256 budget = _budget(_attempts[attempt].bond / 2, size);
        for (uint256 i = bill.length; i > 0; --i) {
            IChunkStore.Chunk memory due = bill[i - 1];
            if (due.stagedAt < since) continue;
            bill[i - 1] = bill[bill.length - 1];
            bill.pop();
            // A share of the budget, which is part of a bond of 128 bits.
            uint128 amount = uint128(budget * due.size / size);
            spent += amount;
            _credit(due.poster, amount);
            emit PosterPaid(attempt, pre, due.poster, due.size, amount);
        }
    }

    function _budget(uint128 half, uint256 size) private view returns (uint256) {
        uint256 price = size * CHUNK_REWARD;
        uint256 atMost = half - half / KILLERS_SHARE;
        return price < atMost ? price : atMost;
    }

    function _sizeSince(IChunkStore.Chunk[] storage bill, uint64 since) private view returns (uint256 size) {
        for (uint256 i = 0; i < bill.length; ++i) {
            if (bill[i].stagedAt >= since) size += bill[i].size;
        }
    }
}
