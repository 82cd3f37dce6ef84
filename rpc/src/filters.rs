//! Filters that clients install and poll.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use alloy::rpc::types::{Filter, FilterChanges};
use alloy_primitives::{B256, U256};
use parking_lot::Mutex;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

use crate::{ChainError, ChainEvent, methods::logs::matching};

/// A filter that nobody polls for so long is dropped, as in geth.
const IDLE: Duration = Duration::from_secs(300);
/// Installed filters at once.
const MAX_FILTERS: usize = 10_000;

/// What a filter reports.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Logs of new blocks; of removed blocks with `removed` set.
    Logs(Box<Filter>),
    /// Hashes of new blocks.
    Blocks,
    /// Hashes of pooled transactions.
    Pooled,
}

#[derive(Debug)]
struct Installed {
    kind: Kind,
    events: Receiver<ChainEvent>,
    polled: Instant,
}

/// All installed filters.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    inner: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    filters: HashMap<U256, Installed>,
    last: u64,
}

impl Filters {
    /// Installs a filter that reports everything `events` brings from now on.
    pub(crate) fn install(
        &self,
        kind: Kind,
        events: Receiver<ChainEvent>,
    ) -> Result<U256, ChainError> {
        let mut table = self.inner.lock();
        table.filters.retain(|_, filter| filter.polled.elapsed() < IDLE);
        if table.filters.len() >= MAX_FILTERS {
            return Err(ChainError::Refused("too many filters".to_owned()));
        }
        table.last = table.last.saturating_add(1);
        let id = U256::from(table.last);
        table.filters.insert(id, Installed { kind, events, polled: Instant::now() });
        Ok(id)
    }

    /// Forgets a filter; false when there is none.
    pub(crate) fn remove(&self, id: U256) -> bool {
        self.inner.lock().filters.remove(&id).is_some()
    }

    /// What happened since the last poll.
    pub(crate) fn changes(&self, id: U256) -> Result<FilterChanges, ChainError> {
        let mut table = self.inner.lock();
        let filter = table.filters.get_mut(&id).ok_or(ChainError::NotFound("filter"))?;
        filter.polled = Instant::now();
        filter.drain()
    }

    /// The log filter of this id.
    pub(crate) fn log_filter(&self, id: U256) -> Result<Filter, ChainError> {
        match self.inner.lock().filters.get(&id).map(|filter| &filter.kind) {
            Some(Kind::Logs(filter)) => Ok((**filter).clone()),
            _ => Err(ChainError::NotFound("filter")),
        }
    }
}

impl Installed {
    fn drain(&mut self) -> Result<FilterChanges, ChainError> {
        let mut events = Vec::new();
        loop {
            match self.events.try_recv() {
                Ok(event) => events.push(event),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                Err(TryRecvError::Lagged(_)) => {
                    return Err(ChainError::Refused(
                        "filter was polled too late, install it anew".to_owned(),
                    ));
                }
            }
        }
        Ok(match &self.kind {
            Kind::Logs(filter) => {
                FilterChanges::Logs(events.iter().flat_map(|e| logs(filter, e)).collect())
            }
            Kind::Blocks => FilterChanges::Hashes(events.iter().flat_map(heads).collect()),
            Kind::Pooled => FilterChanges::Hashes(events.iter().filter_map(pooled).collect()),
        })
    }
}

/// Logs that an event brings to a filter: removed ones first.
pub(crate) fn logs(filter: &Filter, event: &ChainEvent) -> Vec<alloy::rpc::types::Log> {
    let ChainEvent::Blocks { removed, added } = event else { return Vec::new() };
    let gone = removed.iter().flat_map(|block| matching(filter, block, true));
    let new = added.iter().flat_map(|block| matching(filter, block, false));
    gone.chain(new).collect()
}

fn heads(event: &ChainEvent) -> Vec<B256> {
    match event {
        ChainEvent::Blocks { added, .. } => added.iter().map(|block| block.hash()).collect(),
        ChainEvent::Pooled(_) => Vec::new(),
    }
}

/// The transaction that an event brings into the pool.
pub(crate) const fn pooled(event: &ChainEvent) -> Option<B256> {
    match event {
        ChainEvent::Pooled(hash) => Some(*hash),
        ChainEvent::Blocks { .. } => None,
    }
}
