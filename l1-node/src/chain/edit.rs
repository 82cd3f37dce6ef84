//! What dev methods change.

use alloy_primitives::{Address, B256};
use recourse_rpc::{BlockPoint, ChainError};

use super::Core;
use crate::{
    config::Mining,
    journal::Record,
    state::{Edit, StateError},
};

impl Core {
    /// Changes the state at the head in place. The header's state root catches up with the next
    /// block.
    pub(crate) fn edit(&mut self, edit: Edit) -> Result<(), ChainError> {
        let mut state = self.state(BlockPoint::Pending)?.clone();
        state.edit(&edit).map_err(|error| match error {
            StateError::Code(reason) => ChainError::InvalidParams(format!("code: {reason}")),
            other => other.into(),
        })?;
        self.record(|| Record::Edit(edit))?;
        self.history.set_state(self.history.head_number(), state);
        Ok(())
    }

    /// When blocks are mined.
    pub(crate) const fn mining(&self) -> Mining {
        self.mining
    }

    /// Changes when blocks are mined; what waits is mined at once in automatic mode.
    pub(crate) fn set_mining(&mut self, mining: Mining) -> Result<(), ChainError> {
        self.mining = mining;
        self.mine_waiting()
    }

    /// Moves the clock on; returns the whole shift against the wall clock in seconds.
    pub(crate) fn increase_time(&mut self, seconds: u64) -> Result<i64, ChainError> {
        let parent = self.head()?.header().timestamp;
        let mut clock = self.clock.clone();
        let offset = clock.increase(parent, seconds);
        self.record(|| Record::Clock(offset))?;
        self.clock = clock;
        Ok(offset)
    }

    /// Fixes the timestamp of the next block.
    pub(crate) fn set_next_timestamp(&mut self, timestamp: u64) -> Result<(), ChainError> {
        let parent = self.head()?.header().timestamp;
        self.clock.set_next(parent, timestamp)
    }

    /// Fixes the base fee of the next block, in wei per gas.
    pub(crate) const fn set_next_base_fee(&mut self, fee: u64) {
        self.next_base_fee = Some(fee);
    }

    /// The next `count` times that a block is due, after an interval or for a transaction, there is none.
    pub(crate) const fn miss_blocks(&mut self, count: u64) {
        self.missing = count;
    }

    /// Drops a transaction from the pool; false when it is not there.
    pub(crate) fn drop_transaction(&mut self, hash: &B256) -> bool {
        self.pool.remove(hash)
    }

    /// Drops all transactions from the pool.
    pub(crate) fn drop_all(&mut self) {
        self.pool.clear();
    }

    /// Lets anybody send transactions as this account.
    pub(crate) fn impersonate(&mut self, address: Address) {
        self.impersonated.insert(address);
    }

    /// Ends that.
    pub(crate) fn stop_impersonating(&mut self, address: Address) {
        self.impersonated.remove(&address);
    }

    /// Lets anybody send transactions as any account.
    pub(crate) const fn impersonate_all(&mut self, on: bool) {
        self.impersonate_all = on;
    }

    /// Whether anybody may send transactions as this account.
    pub(crate) fn impersonates(&self, address: Address) -> bool {
        self.impersonate_all || self.impersonated.contains(&address)
    }
}
