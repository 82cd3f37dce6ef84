//! Filters that clients install and poll.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::rpc::types::{Filter, FilterChanges};
use alloy_primitives::{B256, U256};
use parking_lot::Mutex;
use tokio::sync::{
    OwnedSemaphorePermit, Semaphore,
    broadcast::{Receiver, error::TryRecvError},
};

use crate::{ChainError, ChainEvent, limits::ALL_FILTER_VALUES, methods::logs::matching};

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
    _room: Option<OwnedSemaphorePermit>,
}

/// All installed filters.
#[derive(Debug)]
pub(crate) struct Filters {
    inner: Mutex<Table>,
    /// Addresses and topics that further ones may have together.
    room: Arc<Semaphore>,
}

impl Default for Filters {
    fn default() -> Self {
        Self { inner: Mutex::default(), room: Arc::new(Semaphore::new(ALL_FILTER_VALUES)) }
    }
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
            return Err(too_many());
        }
        let room = match &kind {
            Kind::Logs(filter) => Some(self.room(filter)?),
            Kind::Blocks | Kind::Pooled => None,
        };
        table.last = table.last.saturating_add(1);
        let id = U256::from(table.last);
        table.filters.insert(id, Installed { kind, events, polled: Instant::now(), _room: room });
        Ok(id)
    }

    /// Room for what a filter names, as long as that is held. Subscriptions take of the same.
    pub(crate) fn room(&self, filter: &Filter) -> Result<OwnedSemaphorePermit, ChainError> {
        let topics = filter.topics.iter().map(|topic| topic.len());
        let values = topics.fold(filter.address.len(), usize::saturating_add);
        let values = u32::try_from(values).map_err(|_| too_many())?;
        Arc::clone(&self.room).try_acquire_many_owned(values).map_err(|_| too_many())
    }

    /// Forgets a filter; false when there is none.
    pub(crate) fn remove(&self, id: U256) -> bool {
        self.inner.lock().filters.remove(&id).is_some()
    }

    /// What happened since the last poll.
    pub(crate) fn changes(&self, id: U256) -> Result<FilterChanges, ChainError> {
        let mut table = self.inner.lock();
        let filter = table.filters.get_mut(&id).ok_or_else(unknown)?;
        filter.polled = Instant::now();
        let changes = filter.drain();
        if changes.is_err() {
            // It would go on with a gap.
            table.filters.remove(&id);
        }
        changes
    }

    /// The log filter of this id.
    pub(crate) fn log_filter(&self, id: U256) -> Result<Filter, ChainError> {
        match self.inner.lock().filters.get(&id).map(|filter| &filter.kind) {
            Some(Kind::Logs(filter)) => Ok((**filter).clone()),
            _ => Err(unknown()),
        }
    }
}

/// With the code and the text by which client libraries know that they must install it anew.
fn unknown() -> ChainError {
    ChainError::Refused("filter not found".to_owned())
}

fn too_many() -> ChainError {
    ChainError::Refused("too many filters".to_owned())
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
                        "filter not found: it was polled too late, install it anew".to_owned(),
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

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;
    use tokio::sync::broadcast;

    use super::*;

    /// Nothing happens on it.
    fn quiet() -> Receiver<ChainEvent> {
        broadcast::channel(1).1
    }

    #[test]
    fn a_filter_that_missed_something_is_gone() {
        let filters = Filters::default();
        let (sender, events) = broadcast::channel(2);
        let id = filters.install(Kind::Pooled, events).unwrap();
        for byte in 0..4 {
            sender.send(ChainEvent::Pooled(B256::repeat_byte(byte))).unwrap();
        }
        let told = |error: ChainError| (error.code(), error.to_string());
        let late = told(filters.changes(id).unwrap_err());
        assert_eq!(
            late,
            (-32000, "filter not found: it was polled too late, install it anew".to_owned())
        );
        // What is still in the channel would look as if nothing had been missed.
        let gone = told(filters.changes(id).unwrap_err());
        assert_eq!(gone, (-32000, "filter not found".to_owned()));
        assert!(!filters.remove(id));
    }

    #[test]
    fn all_filters_together_name_so_much() {
        let filters = Filters::default();
        let addresses: Vec<_> =
            (0..1_000_u64).map(|index| Address::left_padding_from(&index.to_be_bytes())).collect();
        let large = Filter::new().address(addresses);
        let install = || filters.install(Kind::Logs(Box::new(large.clone())), quiet());
        let ids: Vec<_> = (0..200).map(|_| install().unwrap()).collect();
        assert_eq!(install().unwrap_err().to_string(), "too many filters");
        filters.room(&large).unwrap_err();
        // One that names nothing takes no room.
        filters.install(Kind::Logs(Box::default()), quiet()).unwrap();
        assert!(filters.remove(ids[0]));
        let subscribed = filters.room(&large).unwrap();
        install().unwrap_err();
        drop(subscribed);
        install().unwrap();
    }
}
