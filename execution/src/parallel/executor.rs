use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, keccak256};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit},
};

use super::{
    foreseen::Foreseen,
    job::{FlatBlock, FlatChange, FlatOutcome, FlatTx, TxEnd},
    prepared::Prepared,
    tries::Tries,
    workers::Workers,
};
use crate::{
    block::{BlockBody, BlockExecutor, BlockOutcome, Executed, Opening, Piece, TxRun, ending},
    error::{ExecutionError, StateError},
    rules::Schedule,
    state::{Account, AccountChange, Code, Full, State, World},
};

/// Executes the transactions of a piece by many threads, with the result that [`crate::block::Sequential`] has.
#[derive(Clone, Debug)]
pub struct Parallel {
    schedule: Schedule,
    max_witness_bytes: Option<u32>,
    workers: Arc<Workers>,
    foreseen: Arc<Foreseen>,
}

/// Fewer transactions than these run on the tries, where there is a limit on bytes of state.
const FEW: usize = 4;
/// After so many transactions at once that were run it is forgotten that some could not be run that way.
const MANY: usize = 64;

/// How many run on the tries, one after the other, when one of them may use too much, or can't be run here: the more often that
/// happens within few transactions, the more.
fn careful_after(before: usize, outcome: Option<&FlatOutcome>) -> usize {
    // No-ops cost nothing: anybody could put them in between.
    let ran = |outcome: &FlatOutcome| {
        outcome.ends.iter().filter(|end| matches!(end, TxEnd::Ran(_))).take(MANY).count()
    };
    match outcome {
        Some(outcome) if ran(outcome) == MANY => 1,
        Some(_) => before.saturating_mul(2),
        // None of them can.
        None => usize::MAX,
    }
}

/// A piece of a block whose transactions are prepared.
#[derive(Clone, Debug, Default)]
pub struct PreparedBody {
    /// Given when the piece starts the block.
    pub opening: Option<Opening>,
    /// In their order.
    pub transactions: Vec<Prepared>,
    /// Given when the piece ends the block.
    pub credits: Option<Vec<Credit>>,
}

impl Parallel {
    /// An executor under these rules; a transaction that uses more than `max_witness_bytes` of state fails.
    #[must_use]
    pub fn new(schedule: Schedule, max_witness_bytes: u32, workers: Arc<Workers>) -> Self {
        Self {
            schedule,
            max_witness_bytes: Some(max_witness_bytes),
            workers,
            foreseen: Arc::default(),
        }
    }

    /// An executor for blocks of chains that do not have the provability rule.
    #[must_use]
    pub fn without_limit(schedule: Schedule, workers: Arc<Workers>) -> Self {
        Self { schedule, max_witness_bytes: None, workers, foreseen: Arc::default() }
    }

    /// With transactions that were foreseen.
    #[must_use]
    pub fn with_foreseen(self, foreseen: Arc<Foreseen>) -> Self {
        Self { foreseen, ..self }
    }

    /// Reads transactions of a block with this timestamp and finds who signed them, by all threads, as far as they were not
    /// foreseen.
    #[must_use]
    pub fn prepare(&self, timestamp: u64, transactions: &[Bytes]) -> Vec<Prepared> {
        let blobs = self.schedule.at(timestamp).blobs.is_some();
        self.workers.map(transactions.iter().collect(), |raw| {
            let foreseen = self.foreseen.get(raw, blobs);
            foreseen.unwrap_or_else(|| Prepared::new(raw, blobs))
        })
    }

    /// [`BlockExecutor::execute`] of what is prepared.
    ///
    /// # Errors
    /// As [`BlockExecutor::execute`].
    pub fn execute_prepared(
        &self,
        state: &State,
        block: &BlockContext,
        position: TxPosition,
        body: PreparedBody,
    ) -> Result<BlockOutcome, ExecutionError> {
        let mut full = Full;
        let limit = self.max_witness_bytes.unwrap_or_default();
        let mut piece = Piece::new(state.world().clone(), &mut full, &self.schedule, block, limit)?;
        if self.max_witness_bytes.is_none() {
            piece = piece.unlimited();
        }
        if let Some(opening) = body.opening {
            piece.open(opening.parent_hash, opening.anchor)?;
        }
        let runs = self.transactions(&mut piece, block, position, body.transactions)?;
        let position = TxRun::after_all(&runs, position);
        if let Some(credits) = &body.credits {
            piece.credit(credits)?;
        }
        let (world, _) = piece.finish();
        Ok(BlockOutcome { state: State::new(world), runs, position })
    }

    fn transactions(
        &self,
        piece: &mut Piece<'_>,
        block: &BlockContext,
        position: TxPosition,
        transactions: Vec<Prepared>,
    ) -> Result<Vec<TxRun>, ExecutionError> {
        let flat: Vec<FlatTx> = self.workers.map(transactions.iter().collect(), Prepared::flat);
        let mut transactions = transactions.into_iter();
        let mut runs = Vec::with_capacity(flat.len());
        let mut place = position;
        let mut careful = 1_usize;
        while let Some(rest) = flat.get(runs.len()..).filter(|rest| !rest.is_empty()) {
            if !self.are_better_on_tries(rest) {
                let outcome = self.some(piece, block, place, rest)?;
                careful = careful_after(careful, outcome.as_ref());
                let ends = outcome.map(|outcome| outcome.ends).unwrap_or_default();
                let some = transactions.by_ref().take(ends.len()).collect();
                let (after, some) = self.include(piece, place, some, ends)?;
                place = after;
                runs.extend(some);
            }
            for prepared in transactions.by_ref().take(careful) {
                let run =
                    piece.transact_prepared(place, |available| prepared.decoded(available))?;
                place.gas_used_before = place.gas_used_before.saturating_add(run.gas_used());
                self.workers.earn(run.gas_used());
                runs.push(run);
            }
        }
        Ok(runs)
    }

    /// Whether the next one runs on the tries: there are few left, or too much was run for nothing.
    fn are_better_on_tries(&self, rest: &[FlatTx]) -> bool {
        let few = rest.len() < FEW && !self.workers.pause();
        self.max_witness_bytes.is_some() && (few || self.workers.are_spent())
    }

    /// Runs transactions as far as the limit on bytes of state can be held without asking the tries.
    fn some(
        &self,
        piece: &mut Piece<'_>,
        block: &BlockContext,
        place: TxPosition,
        transactions: &[FlatTx],
    ) -> Result<Option<FlatOutcome>, ExecutionError> {
        let ancestors = self.schedule.ancestors(block.timestamp);
        let (world, cfg, env) = piece.scene();
        let tries = Tries::new(world);
        let outcome = self.workers.run(&FlatBlock {
            state: &tries,
            cfg,
            block: env,
            number: block.number,
            ancestors: ancestors.as_ref(),
            available: block.gasLimit.saturating_sub(place.gas_used_before),
            max_witness_bytes: self.max_witness_bytes.map(u64::from),
            transactions,
        });
        let Ok(mut outcome) = outcome else {
            return Ok(None);
        };
        let changes = std::mem::take(&mut outcome.changes);
        let codes = std::mem::take(&mut outcome.codes);
        let world = self.workers.help(|| apply(world, &tries, changes, codes))?;
        piece.commit(world);
        Ok(Some(outcome))
    }

    /// What became of transactions that ran, and where the next one stands.
    fn include(
        &self,
        piece: &mut Piece<'_>,
        mut place: TxPosition,
        transactions: Vec<Prepared>,
        ends: Vec<TxEnd>,
    ) -> Result<(TxPosition, Vec<TxRun>), ExecutionError> {
        let mut all = Vec::with_capacity(ends.len());
        for (prepared, end) in transactions.into_iter().zip(ends) {
            let after = place.gas_used_before.checked_add(end.gas_used());
            place.gas_used_before = after.ok_or(ExecutionError::GasOverflow)?;
            all.push((prepared, end, place.gas_used_before));
        }
        let base_fee = piece.scene().2.basefee;
        let runs = self.workers.map(all, |(prepared, end, cumulative)| {
            let (result, decoded) = match (end, prepared.ran()) {
                (TxEnd::NoOp(invalid), _) => return TxRun::NoOp(invalid),
                (TxEnd::Ran(_), None) => return TxRun::NoOp(crate::block::Invalid::Signature),
                (TxEnd::Ran(result), Some(decoded)) => (result, decoded),
            };
            let executed = Executed::new(decoded, ending(result), cumulative, base_fee);
            TxRun::Included(Box::new(executed))
        });
        Ok((place, runs))
    }
}

impl BlockExecutor for Parallel {
    fn execute(
        &self,
        state: &State,
        block: &BlockContext,
        position: TxPosition,
        body: &BlockBody,
    ) -> Result<BlockOutcome, ExecutionError> {
        let body = PreparedBody {
            opening: body.opening,
            transactions: self.prepare(block.timestamp, &body.transactions),
            credits: body.credits.clone(),
        };
        self.execute_prepared(state, block, position, body)
    }
}

/// The state after changes, which are applied to the tries at once.
fn apply(
    world: &World,
    tries: &Tries<'_>,
    changes: Vec<FlatChange>,
    codes: Vec<(B256, revm::state::Bytecode)>,
) -> Result<World, StateError> {
    let mut all = BTreeMap::new();
    for change in changes {
        let before = tries.full(change.address)?;
        let storage = match &before {
            Some(before) if !change.wiped => before.storage.clone(),
            _ => Default::default(),
        };
        let after = change.after.map(|after| Account {
            nonce: after.nonce,
            balance: after.balance,
            code_hash: after.code_hash,
            storage,
        });
        let slots = change.slots.into_iter();
        let slots = slots.map(|(slot, value)| (keccak256(slot.to_be_bytes::<32>()), value));
        let slots = slots.collect();
        // With its old storage it would look as if nothing had happened to an account that ended and came back.
        let came_back = change.wiped && after.is_some();
        let before = before.filter(|_| !came_back);
        let address = keccak256(change.address);
        all.insert(address, AccountChange { before, after, code: None, slots });
    }
    let mut world = world.clone();
    world.apply_all(all)?;
    let codes = codes.into_iter().filter(|(hash, _)| *hash != KECCAK256_EMPTY);
    world.add_codes(codes.map(|(hash, code)| (hash, Code::from(code))))?;
    Ok(world)
}
