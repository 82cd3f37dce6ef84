use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, Bytes};
use revm::{context::result::ExecutionResult, primitives::hardfork::SpecId};

use super::Piece;
use crate::error::ExecutionError;

impl Piece<'_> {
    /// The system calls that start a block: EIP-4788 with `anchor`, EIP-2935 with `parent_hash`; those that the rules have.
    pub(crate) fn open(&mut self, parent_hash: B256, anchor: B256) -> Result<(), ExecutionError> {
        let spec = self.engine.spec();
        if spec.is_enabled_in(SpecId::CANCUN) {
            self.system_call(eip4788::BEACON_ROOTS_ADDRESS, anchor.0.into())?;
        }
        if spec.is_enabled_in(SpecId::PRAGUE) {
            self.system_call(eip2935::HISTORY_STORAGE_ADDRESS, parent_hash.0.into())?;
        }
        Ok(())
    }

    pub(super) fn system_call(
        &mut self,
        target: Address,
        data: Bytes,
    ) -> Result<ExecutionResult, ExecutionError> {
        let meter = self.exempt();
        self.engine.db_mut().begin(meter, None);
        let (result, touched) = self.engine.system_call(target, data)?;
        let db = self.engine.db_mut();
        let changes = db.changes(touched)?;
        let world = db.apply(changes)?;
        self.keep();
        self.commit(world);
        Ok(result)
    }
}
