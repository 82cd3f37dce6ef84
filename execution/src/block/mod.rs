//! Pieces of an L2 block: its opening, its transactions, its credits. Whole blocks of Ethereum also close.

mod closing;
mod credits;
mod decode;
mod executor;
mod exhausted;
mod opening;
mod outcome;
mod transaction;

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use recourse_protocol::bindings::BlockContext;
use revm::{
    context::{BlockEnv, CfgEnv},
    context_interface::block::BlobExcessGasAndPrice,
};

pub(crate) use closing::Closing;
pub use decode::Invalid;
pub use executor::{BlockBody, BlockExecutor, BlockOutcome, Opening, Sequential};
pub use outcome::{Executed, TxRun};

use crate::{
    error::ExecutionError,
    evm::{Meter, Used, block_env, cfg_env},
    rules::Schedule,
    state::{Source, World},
};

/// A block under way: the state so far, and what its parts run under.
pub(crate) struct Piece<'s> {
    pub(crate) world: World,
    source: &'s mut dyn Source,
    block: BlockContext,
    cfg: CfgEnv,
    env: BlockEnv,
    blobs: bool,
    ancestors: Option<Arc<BTreeMap<u64, B256>>>,
    max_witness_bytes: u64,
    used: Option<Used>,
    gross_gas_left: Option<u64>,
}

impl<'s> Piece<'s> {
    pub(crate) fn new(
        world: World,
        source: &'s mut dyn Source,
        schedule: &Schedule,
        block: &BlockContext,
        max_witness_bytes: u32,
    ) -> Result<Self, ExecutionError> {
        // A node is counted by its size, which is known once it is hashed.
        let _ = world.root();
        let rules = schedule.at(block.timestamp);
        let mut env = block_env(block)?;
        if let Some(blobs) = rules.blobs {
            env.blob_excess_gas_and_price = Some(BlobExcessGasAndPrice {
                excess_blob_gas: 0, // nothing but the price is looked at
                blob_gasprice: blobs.base_fee,
            });
        }
        Ok(Self {
            world,
            source,
            block: block.clone(),
            cfg: cfg_env(block.chainId, rules),
            env,
            blobs: rules.blobs.is_some(),
            ancestors: schedule.ancestors(block.timestamp),
            max_witness_bytes: max_witness_bytes.into(),
            used: None,
            gross_gas_left: None,
        })
    }

    /// Keeps the nodes and codes that are used.
    pub(crate) fn recording(mut self) -> Self {
        self.used = Some(Used::default());
        self
    }

    /// Stops with an error when its transactions spend more gross gas.
    pub(crate) fn bounded(mut self, gross_gas: u64) -> Self {
        self.gross_gas_left = Some(gross_gas);
        self
    }

    /// With the hashes that `BLOCKHASH` gives, instead of those in the state.
    pub(crate) fn with_ancestors(mut self, ancestors: Arc<BTreeMap<u64, B256>>) -> Self {
        self.ancestors = Some(ancestors);
        self
    }

    /// What was used, if it is recorded, and the state.
    pub(crate) fn finish(self) -> (World, Used) {
        (self.world, self.used.unwrap_or_default())
    }

    fn meter(&self) -> Meter {
        Meter::exempt().keeping(self.used.is_some())
    }

    fn keep(&mut self, used: Option<Used>) {
        if let (Some(all), Some(used)) = (&mut self.used, used) {
            all.nodes.extend(used.nodes);
            all.codes.extend(used.codes);
        }
    }

    /// Takes the state after a part. Hashes it, so that the next part finds the sizes of all nodes.
    fn commit(&mut self, world: World) -> B256 {
        self.world = world;
        self.world.root()
    }
}
