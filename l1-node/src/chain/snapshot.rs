//! Snapshots and going back.

use std::collections::BTreeMap;

use recourse_rpc::{BlockPoint, ChainError, ChainEvent};

use super::{Core, clock::Clock, pool::Pool};
use crate::{journal::Record, state::State};

/// Snapshots at once: each has a copy of the pool, and keeps a state alive.
const MAX_SNAPSHOTS: usize = 1_024;

/// All snapshots by id.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    taken: BTreeMap<u64, Snapshot>,
    last: u64,
}

#[derive(Debug)]
struct Snapshot {
    number: u64,
    state: State,
    pool: Pool,
    clock: Clock,
    next_base_fee: Option<u64>,
}

impl Core {
    /// Remembers the chain as it is and returns the snapshot's id.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn snapshot(&mut self) -> Result<u64, ChainError> {
        if self.snapshots.taken.len() >= MAX_SNAPSHOTS {
            return Err(ChainError::Refused(format!(
                "there are {MAX_SNAPSHOTS} snapshots, the most that are kept: go back to one (evm_revert), which ends it and \
                 all later ones"
            )));
        }
        self.take_snapshot()
    }

    /// The same, however many there are: a file of before may have more.
    pub(super) fn take_snapshot(&mut self) -> Result<u64, ChainError> {
        let snapshot = Snapshot {
            number: self.history.head_number(),
            state: self.state(BlockPoint::Pending)?.clone(),
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            next_base_fee: self.next_base_fee,
        };
        self.record(|| Record::Snapshot)?;
        self.snapshots.last = self.snapshots.last.saturating_add(1);
        self.snapshots.taken.insert(self.snapshots.last, snapshot);
        Ok(self.snapshots.last)
    }

    /// Goes back to a snapshot, which is used up with all later ones; false when there is none.
    pub(crate) fn revert(&mut self, id: u64) -> Result<bool, ChainError> {
        if !self.snapshots.taken.contains_key(&id) {
            return Ok(false);
        }
        let oldest = self.history.oldest();
        if self.snapshots.taken.get(&id).is_some_and(|snapshot| snapshot.number < oldest) {
            return Err(ChainError::Refused(format!(
                "blocks after snapshot {id:#x} were forgotten (--block-history)"
            )));
        }
        self.record(|| Record::Revert(id))?;
        let mut later = self.snapshots.taken.split_off(&id);
        let Some(snapshot) = later.remove(&id) else { return Ok(false) };
        self.pool = snapshot.pool;
        self.clock = snapshot.clock;
        self.next_base_fee = snapshot.next_base_fee;
        self.truncate(snapshot.number);
        self.history.set_state(snapshot.number, snapshot.state);
        Ok(true)
    }

    /// Removes the newest `depth` blocks; their transactions are lost.
    ///
    /// # Errors
    /// When there are not so many blocks or their state is not held any more.
    pub(crate) fn rollback(&mut self, depth: u64) -> Result<(), ChainError> {
        let number = self.history.head_number().checked_sub(depth);
        let number = number.ok_or(ChainError::NotFound("block"))?;
        self.state(BlockPoint::Number(number))?;
        self.record(|| Record::Rollback(depth))?;
        self.truncate(number);
        Ok(())
    }

    fn truncate(&mut self, number: u64) {
        let removed = self.history.truncate(number);
        self.blobs.truncate(number);
        self.snapshots.taken.retain(|_, snapshot| snapshot.number <= number);
        if !removed.is_empty() {
            self.tell(ChainEvent::Blocks { removed, added: Vec::new() });
        }
    }
}
