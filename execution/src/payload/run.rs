use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{Block, TxEnvelope};
use alloy_primitives::B256;
use recourse_protocol::TxPosition;

use super::{BlockRules, ChainKind, InvalidBlock, PayloadError, block, outcome, requests};
use crate::{
    block::{Closing, Piece, TxRun},
    evm::Used,
    execute::{check_predeploys, gross_gas},
    rules::Schedule,
    state::{Source, World},
};

/// Transactions of whole blocks may use as many bytes of state as they like: the provability rule is of our L2 alone.
const NO_WITNESS_LIMIT: u32 = u32::MAX;

/// A block to be executed whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole<'a> {
    pub(super) rules: &'a BlockRules,
    pub(super) kind: ChainKind,
    pub(super) chain_id: u64,
    pub(super) block: &'a Block<TxEnvelope>,
    /// Whether to keep what is used.
    pub(super) recording: bool,
    pub(super) ancestors: &'a Arc<BTreeMap<u64, B256>>,
}

/// What a block comes to.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) runs: Vec<TxRun>,
    pub(super) closing: Closing,
    pub(super) world: World,
    pub(super) used: Used,
}

impl Whole<'_> {
    /// Opening, transactions, withdrawals, requests; never more gross gas than 5/4 of what the header says was used.
    pub(super) fn run(&self, world: World, source: &mut dyn Source) -> Result<Ran, PayloadError> {
        let header = &self.block.header;
        let schedule = self.schedule()?;
        let context = block::context(header, self.chain_id)?;
        let mut piece = Piece::new(world, source, &schedule, &context, NO_WITNESS_LIMIT)?
            .with_ancestors(Arc::clone(self.ancestors))
            .bounded(gross_gas(header.gas_used));
        if self.recording {
            piece = piece.recording();
        }
        check_predeploys(&mut piece, header.timestamp, &schedule)?;
        let body = block::body(self.block)?;
        let (runs, _) = piece.run(TxPosition::default(), &(&body).into())?;
        let closing = piece.close()?;
        let (world, used) = piece.finish();
        Ok(Ran { runs, closing, world, used })
    }

    fn schedule(&self) -> Result<Schedule, InvalidBlock> {
        let excess = self.block.header.excess_blob_gas.ok_or(InvalidBlock::Format)?;
        let rules = match self.kind {
            ChainKind::L1 => self.rules.with_blobs(excess),
            ChainKind::L2 => self.rules.without_blobs(),
        };
        Ok(Schedule::new(rules, Vec::new()))
    }
}

impl Ran {
    /// The header says what came of the block.
    pub(super) fn check(self, block: &Block<TxEnvelope>) -> Result<(), PayloadError> {
        let header = &block.header;
        let gas_used = self.runs.iter().map(TxRun::gas_used).fold(0, u64::saturating_add);
        outcome::check_result(header, &self.runs, gas_used, self.world.root())?;
        let included = outcome::included(&self.runs)?;
        let requests = requests::made(&included, self.closing)?.requests_hash();
        if header.requests_hash.is_some_and(|hash| hash != requests) {
            return Err(InvalidBlock::Requests.into());
        }
        Ok(())
    }
}
