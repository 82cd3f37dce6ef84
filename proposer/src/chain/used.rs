//! How many bytes of state a run has read, as the provability rule counts them (docs/execute.md).

use std::collections::HashSet;

use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_primitives::{Address, Bytes, U256};
use recourse_execution::{State, StateError};
use revm::database::CacheDB;

use super::calls::{StateDb, history_slot};

/// Slots that are proven at once: a contract may have read very many.
const SLOTS: usize = 64;

/// Each node counts once, whoever passes it.
#[derive(Debug)]
struct Used<'a> {
    state: &'a State,
    nodes: HashSet<Bytes>,
    bytes: u64,
    limit: u64,
}

/// Whether a run on this database, in a block of this coinbase, has read more than so many bytes of state: all nodes and codes
/// that a witness of it must have, but for the siblings that removals collapse at the end.
pub(super) fn exceeds(
    db: &CacheDB<StateDb>,
    coinbase: Address,
    limit: u64,
) -> Result<bool, StateError> {
    let (cache, state) = (&db.cache, &db.db.state);
    let mut used = Used { state, nodes: HashSet::new(), bytes: 0, limit };
    for code in cache.contracts.values() {
        used.add(code.original_byte_slice().len());
    }
    let slots = cache.block_hashes.keys().filter_map(|number| u64::try_from(*number).ok());
    let slots: Vec<_> = slots.filter(|number| db.db.reaches(*number)).map(history_slot).collect();
    used.read(coinbase, &[])?;
    if !slots.is_empty() {
        used.read(HISTORY_STORAGE_ADDRESS, &slots)?;
    }
    for (address, account) in &cache.accounts {
        let slots: Vec<_> = account.storage.keys().copied().collect();
        used.read(*address, &slots)?;
    }
    Ok(used.is_over())
}

impl Used<'_> {
    fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    const fn is_over(&self) -> bool {
        self.bytes > self.limit
    }

    fn read(&mut self, address: Address, slots: &[U256]) -> Result<(), StateError> {
        self.prove(address, &[])?;
        slots.chunks(SLOTS).try_for_each(|slots| self.prove(address, slots))
    }

    fn prove(&mut self, address: Address, slots: &[U256]) -> Result<(), StateError> {
        if self.is_over() {
            return Ok(());
        }
        let proof = self.state.proof(address, slots)?;
        let nodes = proof.storage.into_iter().flat_map(|slot| slot.nodes);
        for node in proof.nodes.into_iter().chain(nodes) {
            let len = node.len();
            if self.nodes.insert(node) {
                self.add(len);
            }
        }
        Ok(())
    }
}
