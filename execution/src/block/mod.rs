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
pub(crate) use decode::{Decoded, admit, allow, read, recover};
pub(crate) use executor::Parts;
pub use executor::{BlockBody, BlockExecutor, BlockOutcome, Opening, Sequential};
pub use outcome::{Executed, TxRun};
pub(crate) use transaction::ending;

use crate::{
    error::ExecutionError,
    evm::{Engine, Meter, TxDb, Used, block_env, cfg_env},
    rules::Schedule,
    state::{Source, World},
};

/// A block under way: the state so far, and what its parts run under.
#[derive(Debug)]
pub(crate) struct Piece<'s> {
    engine: Engine<'s>,
    gas_limit: u64,
    blobs: bool,
    /// None on chains that do not have the rule.
    max_witness_bytes: Option<u64>,
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
        // Only what is settled counts as used.
        world.settle();
        let rules = schedule.at(block.timestamp);
        let mut env = block_env(block)?;
        if let Some(blobs) = rules.blobs {
            env.blob_excess_gas_and_price = Some(BlobExcessGasAndPrice {
                excess_blob_gas: 0, // nothing but the price is looked at
                blob_gasprice: blobs.base_fee,
            });
        }
        let db = TxDb::new(world, source, block.number)
            .with_ancestors(schedule.ancestors(block.timestamp));
        Ok(Self {
            engine: Engine::new(db, cfg_env(block.chainId, rules), env),
            gas_limit: block.gasLimit,
            blobs: rules.blobs.is_some(),
            max_witness_bytes: Some(max_witness_bytes.into()),
            used: None,
            gross_gas_left: None,
        })
    }

    /// Keeps the nodes and codes that are used.
    pub(crate) fn recording(mut self) -> Self {
        self.used = Some(Used::default());
        self
    }

    /// Without the provability rule.
    pub(crate) fn unlimited(mut self) -> Self {
        self.max_witness_bytes = None;
        self
    }

    /// Stops with an error when its transactions spend more gross gas.
    pub(crate) fn bounded(mut self, gross_gas: u64) -> Self {
        self.gross_gas_left = Some(gross_gas);
        self
    }

    /// With the hashes that `BLOCKHASH` gives, instead of those in the state.
    pub(crate) fn with_ancestors(mut self, ancestors: Arc<BTreeMap<u64, B256>>) -> Self {
        self.engine.db_mut().set_ancestors(ancestors);
        self
    }

    /// What was used, if it is recorded, and the state.
    pub(crate) fn finish(self) -> (World, Used) {
        (self.engine.into_db().into_world(), self.used.unwrap_or_default())
    }

    /// The state, and where blinded parts of it come from.
    pub(crate) fn source(&mut self) -> (&World, &mut dyn Source) {
        self.engine.db_mut().source()
    }

    /// For a transaction.
    fn meter(&self) -> Meter {
        match (&self.used, self.max_witness_bytes) {
            (Some(_), _) => Meter::keeping(),
            (None, Some(_)) => Meter::counting(),
            (None, None) => Meter::off(),
        }
    }

    /// For what is exempt from the provability rule.
    fn exempt(&self) -> Meter {
        if self.used.is_some() { Meter::keeping() } else { Meter::off() }
    }

    /// Takes over what the part used that ends.
    fn keep(&mut self) {
        let used = self.engine.db_mut().take_used();
        if let (Some(all), Some(used)) = (&mut self.used, used) {
            all.nodes.extend(used.nodes);
            all.codes.extend(used.codes);
        }
    }

    /// The state, settled, and what transactions run under.
    pub(crate) fn scene(&self) -> (&World, &CfgEnv, &BlockEnv) {
        self.engine.scene()
    }

    /// Takes the state after a part. It is not hashed yet.
    pub(crate) fn commit(&mut self, world: World) {
        world.settle();
        self.engine.db_mut().set_world(world);
    }
}
