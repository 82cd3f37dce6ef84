use alloy_primitives::U256;
use recourse_protocol::bindings::BlockContext;
use revm::{
    context::{BlockEnv, CfgEnv},
    context_interface::block::BlobExcessGasAndPrice,
};

use crate::{error::ExecutionError, rules::RuleSet};

/// What the EVM sees of an L2 block. `BLOBBASEFEE` is 1: there are no blobs on L2.
///
/// # Errors
/// [`ExecutionError::BaseFee`] when the base fee does not fit 64 bits.
pub fn block_env(block: &BlockContext) -> Result<BlockEnv, ExecutionError> {
    let basefee =
        u64::try_from(block.baseFee).map_err(|_| ExecutionError::BaseFee(block.baseFee))?;
    Ok(BlockEnv {
        number: U256::from(block.number),
        beneficiary: block.coinbase,
        timestamp: U256::from(block.timestamp),
        gas_limit: block.gasLimit,
        basefee,
        prevrandao: Some(block.prevRandao),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
            excess_blob_gas: 0,
            blob_gasprice: 1,
        }),
        ..BlockEnv::default()
    })
}

/// The EVM's configuration under a rule set.
#[must_use]
pub fn cfg_env(chain_id: u64, rules: RuleSet) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(rules.spec).with_chain_id(chain_id);
    if let Some(blobs) = rules.blobs {
        cfg.set_max_blobs_per_tx(blobs.max_per_transaction);
    }
    cfg
}
