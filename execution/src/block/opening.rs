use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, Bytes};
use revm::{context::result::ExecutionResult, primitives::hardfork::SpecId};

use super::Piece;
use crate::{
    error::ExecutionError,
    evm::{self, TxDb},
};

impl Piece<'_> {
    /// The system calls that start a block: EIP-4788 with `anchor`, EIP-2935 with `parent_hash`; those that the rules have.
    /// Gives the state root.
    pub(crate) fn open(&mut self, parent_hash: B256, anchor: B256) -> Result<B256, ExecutionError> {
        if self.cfg.spec.is_enabled_in(SpecId::CANCUN) {
            self.system_call(eip4788::BEACON_ROOTS_ADDRESS, anchor.0.into())?;
        }
        if self.cfg.spec.is_enabled_in(SpecId::PRAGUE) {
            self.system_call(eip2935::HISTORY_STORAGE_ADDRESS, parent_hash.0.into())?;
        }
        Ok(self.world.root())
    }

    pub(super) fn system_call(
        &mut self,
        target: Address,
        data: Bytes,
    ) -> Result<ExecutionResult, ExecutionError> {
        let meter = self.meter();
        let db = TxDb::new(&self.world, self.source, self.block.number, meter);
        let ran = evm::system_call(db, self.cfg.clone(), self.env.clone(), target, data);
        let mut db = ran.db;
        let (result, touched) = ran.result.map_err(ExecutionError::from)?;
        let changes = db.changes(touched)?;
        let world = db.apply(changes)?;
        let used = db.take_used();
        self.keep(used);
        self.commit(world);
        Ok(result)
    }
}
