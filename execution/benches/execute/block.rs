//! A real block, as both sides of the comparison take it.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use recourse_execution::{RuleSet, Schedule, block::BlockBody, block_env, cfg_env};
use recourse_protocol::bindings::BlockContext;
use revm::{
    context::{BlockEnv, CfgEnv},
    context_interface::block::BlobExcessGasAndPrice,
};

/// A block and what its header says of it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) name: String,
    pub(crate) rules: RuleSet,
    /// Hashes for `BLOCKHASH`.
    pub(crate) ancestors: BTreeMap<u64, B256>,
    pub(crate) context: BlockContext,
    pub(crate) body: BlockBody,
    pub(crate) gas_used: u64,
    pub(crate) receipts_root: B256,
    /// Not known where the state around the block is synthetic.
    pub(crate) state_root: Option<B256>,
}

impl Block {
    pub(crate) fn schedule(&self) -> Schedule {
        Schedule::new(self.rules, Vec::new()).with_ancestors(self.ancestors.clone())
    }

    pub(crate) fn cfg(&self) -> CfgEnv {
        cfg_env(self.context.chainId, self.rules)
    }

    pub(crate) fn env(&self) -> eyre::Result<BlockEnv> {
        let mut env = block_env(&self.context)?;
        if let Some(blobs) = self.rules.blobs {
            env.blob_excess_gas_and_price =
                Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: blobs.base_fee });
        }
        Ok(env)
    }
}
