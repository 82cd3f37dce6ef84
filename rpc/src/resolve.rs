//! Block ids of JSON-RPC: numbers, tags and hashes (EIP-1898).

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};

use crate::{BlockPoint, Chain, ChainError, MinedBlock};

/// The state that a block id means; `latest` when there is none.
pub(crate) fn point(chain: &impl Chain, id: Option<BlockId>) -> Result<BlockPoint, ChainError> {
    match id.unwrap_or_default() {
        BlockId::Number(BlockNumberOrTag::Pending) => Ok(BlockPoint::Pending),
        BlockId::Number(tag) => known(chain, number(chain, tag)).map(BlockPoint::Number),
        BlockId::Hash(hash) => chain
            .number_of(hash.block_hash)?
            .map(BlockPoint::Number)
            .ok_or(ChainError::NotFound("block")),
    }
}

/// The block that an id means, `None` when there is no such block.
pub(crate) fn block(
    chain: &impl Chain,
    id: BlockId,
) -> Result<Option<Arc<MinedBlock>>, ChainError> {
    let number = match id {
        BlockId::Number(BlockNumberOrTag::Pending) => return chain.pending_block(),
        BlockId::Number(tag) => Some(number(chain, tag)),
        BlockId::Hash(hash) => chain.number_of(hash.block_hash)?,
    };
    number.map_or(Ok(None), |number| chain.block(number))
}

/// The number that a tag means. `pending` is one beyond the head.
pub(crate) fn number(chain: &impl Chain, tag: BlockNumberOrTag) -> u64 {
    match tag {
        BlockNumberOrTag::Number(number) => number,
        BlockNumberOrTag::Earliest => 0,
        BlockNumberOrTag::Latest => chain.head(),
        BlockNumberOrTag::Safe => chain.finality().safe,
        BlockNumberOrTag::Finalized => chain.finality().finalized,
        BlockNumberOrTag::Pending => chain.head().saturating_add(1),
    }
}

fn known(chain: &impl Chain, number: u64) -> Result<u64, ChainError> {
    if number > chain.head() { Err(ChainError::NotFound("block")) } else { Ok(number) }
}
