use alloy_consensus::Transaction;
use recourse_protocol::TxPosition;
use revm::context::{
    BlockEnv,
    result::{EVMError, ExecutionResult, InvalidTransaction},
};

use super::{
    Invalid, Piece,
    decode::{Decoded, decode},
    exhausted,
    outcome::{Ending, Executed, TxRun},
};
use crate::{
    error::{ExecutionError, StateError},
    evm::{GasBound, Ran, TxDb},
    state::World,
    trie::TrieError,
};

/// The end of a run that is valid, and the state after it.
type Ended = (Ending, World);

impl Piece<'_> {
    /// Runs one transaction; an invalid one changes nothing.
    pub(crate) fn transact(
        &mut self,
        position: TxPosition,
        raw: &[u8],
    ) -> Result<TxRun, ExecutionError> {
        let blobs = self.blobs;
        self.transact_prepared(position, |available| decode(raw, available, blobs))
    }

    /// Runs one transaction, which `decode` gives once it knows how much gas the block has left.
    pub(crate) fn transact_prepared(
        &mut self,
        position: TxPosition,
        decode: impl FnOnce(u64) -> Result<Decoded, Invalid>,
    ) -> Result<TxRun, ExecutionError> {
        let available = self.gas_limit.saturating_sub(position.gas_used_before);
        let decoded = match decode(available) {
            Ok(decoded) => decoded,
            Err(invalid) => return Ok(TxRun::NoOp(invalid)),
        };
        let gas_limit = decoded.transaction.gas_limit();
        let bound = self.gross_gas_left.and_then(|allowed| GasBound::new(gas_limit, allowed));
        let meter = self.meter();
        self.engine.db_mut().begin(meter, bound);
        let ran = self.engine.transact(decoded.env(), self.max_witness_bytes);
        let settled = {
            let (db, env) = self.engine.parts();
            settle(db, ran, &decoded, env)?
        };
        self.keep();
        let (ended, gross) = match settled {
            Ok(ended) => ended,
            Err(invalid) => return Ok(TxRun::NoOp(invalid.into())),
        };
        self.spend(gross)?;
        self.include(decoded, ended, position)
    }

    fn include(
        &mut self,
        decoded: Decoded,
        (ending, world): Ended,
        position: TxPosition,
    ) -> Result<TxRun, ExecutionError> {
        let cumulative = position
            .gas_used_before
            .checked_add(ending.gas_used)
            .ok_or(ExecutionError::GasOverflow)?;
        let (_, env) = self.engine.parts();
        let executed = Executed::new(decoded, ending, cumulative, env.basefee);
        self.commit(world);
        Ok(TxRun::Included(Box::new(executed)))
    }

    fn spend(&mut self, gross: u64) -> Result<(), StateError> {
        if let Some(left) = &mut self.gross_gas_left {
            let passed = StateError::GasBound { allowed: *left, spent: gross };
            *left = left.checked_sub(gross).ok_or(passed)?;
        }
        Ok(())
    }
}

type Settled = Result<(Ended, u64), InvalidTransaction>;

/// Turns revm's answer into the state after the transaction and the gross gas that it took.
fn settle(
    db: &mut TxDb<'_>,
    ran: Ran,
    decoded: &Decoded,
    env: &BlockEnv,
) -> Result<Settled, ExecutionError> {
    let broken = db.bound_mut().and_then(|bound| bound.broken());
    let (result, touched) = match ran {
        Ok(ran) => ran,
        Err(EVMError::Transaction(invalid)) => return Ok(Err(invalid)),
        Err(EVMError::Database(StateError::Trie(TrieError::Exhausted))) => {
            return exhausted::settle(db, decoded, env).map(Ok);
        }
        Err(EVMError::Database(error)) => return Err(error.into()),
        // A precompile that was stopped can only say so in words.
        Err(other) => return Err(broken.map_or_else(|| other.into(), ExecutionError::from)),
    };
    let changes = db.changes(touched)?;
    let world = match db.apply(changes) {
        Ok(world) => world,
        Err(StateError::Trie(TrieError::Exhausted)) => {
            return exhausted::settle(db, decoded, env).map(Ok);
        }
        Err(other) => return Err(other.into()),
    };
    let gross = result.gas().total_gas_spent();
    Ok(Ok(((ending(result), world), gross)))
}

/// How a run ended that revm finished.
pub(crate) fn ending(result: ExecutionResult) -> Ending {
    let (success, gas_used) = (result.is_success(), result.tx_gas_used());
    let output = result.output().cloned().unwrap_or_default();
    // A failed transaction's logs are undone with it.
    let logs = if success { result.into_logs() } else { Vec::new() };
    Ending { success, gas_used, logs, output, exhausted: false }
}
