//! What a crash must not lose: accepted transactions, and the tape that is not on L1 yet.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use alloy_primitives::{B256, Bytes};
use parking_lot::Mutex;
use recourse_node::store::{Store, StoreError, Table, Write as StoreWrite};
use recourse_protocol::{BatchIndex, CheckpointHash};
use serde::{Deserialize, Serialize};

use crate::sequence::{Terms, Write};

const POOLED: u8 = b'p';
const BATCH: u8 = b'b';
const RECORD: u8 = b'r';

/// What is known of a virtual batch besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchHead {
    /// What its append must keep.
    pub terms: Terms,
    /// The checkpoint that it starts from.
    pub start: CheckpointHash,
    /// Whether it will not grow any more.
    pub cut: bool,
}

/// A virtual batch as it was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournaledBatch {
    /// Its number.
    pub index: BatchIndex,
    /// What is known of it.
    pub head: BatchHead,
    /// What each block wrote.
    pub records: Vec<Vec<Write>>,
}

/// All that was left by another run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftover {
    /// Virtual batches in order.
    pub batches: Vec<JournaledBatch>,
    /// Accepted transactions that are in none of them, in no order.
    pub pooled: Vec<Bytes>,
}

/// The journal can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store failed.
    #[error("the journal could not be written or read")]
    Store(#[from] StoreError),
    /// It failed before: what it holds is not known any more.
    #[error("the journal failed before")]
    FailedBefore,
    /// A record is not what this version writes.
    #[error("a record of the journal can't be read")]
    Malformed,
}

/// The journal. Safe to share; writes that wait for the disk at the same time go there together.
#[derive(Debug)]
pub struct Journal {
    store: Arc<dyn Store>,
    queue: Mutex<Vec<StoreWrite>>,
    turn: Mutex<()>,
    failed: AtomicBool,
}

impl Journal {
    /// A journal in the daemon's table of a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            queue: Mutex::default(),
            turn: Mutex::default(),
            failed: AtomicBool::new(false),
        }
    }

    /// Keeps an accepted transaction.
    ///
    /// # Errors
    /// [`JournalError`]; it may be lost then.
    pub fn accept(&self, hash: B256, raw: &Bytes) -> Result<(), JournalError> {
        self.commit(vec![StoreWrite::Put(Table::Daemon, pooled_key(hash), raw.to_vec())])
    }

    /// Forgets transactions that will never be included.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn forget(&self, hashes: &[B256]) -> Result<(), JournalError> {
        if hashes.is_empty() {
            return Ok(());
        }
        self.commit(hashes.iter().map(|hash| forget(*hash)).collect())
    }

    /// Keeps what a block wrote to a batch's tape. `done` are the transactions that need not be kept apart any
    /// more: those on the tape, and those found invalid.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn record(
        &self,
        batch: BatchIndex,
        number: u32,
        head: &BatchHead,
        writes: &[Write],
        done: &[B256],
    ) -> Result<(), JournalError> {
        let mut all = vec![
            put_head(batch, head)?,
            StoreWrite::Put(Table::Daemon, record_key(batch, number), encode(writes)),
        ];
        all.extend(done.iter().map(|hash| forget(*hash)));
        self.commit(all)
    }

    /// Notes that a batch will not grow any more.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn cut(&self, batch: BatchIndex, head: &BatchHead) -> Result<(), JournalError> {
        self.commit(vec![put_head(batch, &BatchHead { cut: true, ..*head })?])
    }

    /// Forgets batches of so many records; `readmitted` transactions of theirs wait again.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn drop_batches(
        &self,
        batches: &[(BatchIndex, u32)],
        readmitted: &[(B256, Bytes)],
    ) -> Result<(), JournalError> {
        let mut all = Vec::new();
        for (hash, raw) in readmitted {
            all.push(StoreWrite::Put(Table::Daemon, pooled_key(*hash), raw.to_vec()));
        }
        for (batch, records) in batches {
            all.push(StoreWrite::Delete(Table::Daemon, batch_key(*batch)));
            let keys = (0..*records).map(|number| record_key(*batch, number));
            all.extend(keys.map(|key| StoreWrite::Delete(Table::Daemon, key)));
        }
        self.commit(all)
    }

    /// All that another run left.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn load(&self) -> Result<Leftover, JournalError> {
        let mut batches = BTreeMap::new();
        let mut pooled = Vec::new();
        for (key, value) in self.store.scan(Table::Daemon, &[])? {
            match key.split_first() {
                Some((&POOLED, _)) => pooled.push(value.into()),
                Some((&BATCH, rest)) => {
                    let head =
                        serde_json::from_slice(&value).map_err(|_| JournalError::Malformed)?;
                    let index = BatchIndex(number(rest)?);
                    batches.insert(index, JournaledBatch { index, head, records: Vec::new() });
                }
                // After all heads, in order of batch and number.
                Some((&RECORD, rest)) => {
                    let index = rest.get(..8).ok_or(JournalError::Malformed)?;
                    let batch = batches.get_mut(&BatchIndex(number(index)?));
                    batch.ok_or(JournalError::Malformed)?.records.push(decode(&value)?);
                }
                _ => {}
            }
        }
        Ok(Leftover { batches: batches.into_values().collect(), pooled })
    }

    fn commit(&self, writes: Vec<StoreWrite>) -> Result<(), JournalError> {
        self.queue.lock().extend(writes);
        let _turn = self.turn.lock();
        if self.failed.load(Ordering::Acquire) {
            return Err(JournalError::FailedBefore);
        }
        // Empty when the one before took these writes along; it did not fail then.
        let all = std::mem::take(&mut *self.queue.lock());
        if all.is_empty() {
            return Ok(());
        }
        self.store.apply(all).inspect_err(|_| self.failed.store(true, Ordering::Release))?;
        Ok(())
    }
}

fn forget(hash: B256) -> StoreWrite {
    StoreWrite::Delete(Table::Daemon, pooled_key(hash))
}

fn put_head(batch: BatchIndex, head: &BatchHead) -> Result<StoreWrite, JournalError> {
    let value = serde_json::to_vec(head).map_err(|_| JournalError::Malformed)?;
    Ok(StoreWrite::Put(Table::Daemon, batch_key(batch), value))
}

fn pooled_key(hash: B256) -> Vec<u8> {
    [&[POOLED], hash.as_slice()].concat()
}

fn batch_key(batch: BatchIndex) -> Vec<u8> {
    [&[BATCH], batch.0.to_be_bytes().as_slice()].concat()
}

fn record_key(batch: BatchIndex, number: u32) -> Vec<u8> {
    [&[RECORD], batch.0.to_be_bytes().as_slice(), number.to_be_bytes().as_slice()].concat()
}

fn number(bytes: &[u8]) -> Result<u64, JournalError> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| JournalError::Malformed)
}

/// Blob, length and bytes of each write, one after the other.
fn encode(writes: &[Write]) -> Vec<u8> {
    let mut all = Vec::new();
    for write in writes {
        all.extend(write.blob.to_be_bytes());
        // At most a blob's payload.
        all.extend(u32::try_from(write.bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        all.extend(&write.bytes);
    }
    all
}

fn decode(mut rest: &[u8]) -> Result<Vec<Write>, JournalError> {
    let mut writes = Vec::new();
    while !rest.is_empty() {
        let (blob, after) = rest.split_first_chunk().ok_or(JournalError::Malformed)?;
        let (len, after) = after.split_first_chunk().ok_or(JournalError::Malformed)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        let (bytes, after) = after.split_at_checked(len).ok_or(JournalError::Malformed)?;
        writes.push(Write { blob: u32::from_be_bytes(*blob), bytes: bytes.to_vec() });
        rest = after;
    }
    Ok(writes)
}

#[cfg(test)]
mod tests {
    use recourse_node::store::{MemoryStore, SledStore};

    use super::*;

    fn head() -> BatchHead {
        let start = CheckpointHash(B256::repeat_byte(3));
        let terms = Terms { fee_recipient: Default::default(), min_view: Default::default() };
        BatchHead { terms, start, cut: false }
    }

    fn write(blob: u32, bytes: &[u8]) -> Write {
        Write { blob, bytes: bytes.to_vec() }
    }

    #[test]
    fn gives_back_what_it_was_given_after_the_process_died() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(Arc::new(SledStore::open(folder.path()).unwrap()));
        let (a, b) = (B256::repeat_byte(0xa), B256::repeat_byte(0xb));
        journal.accept(a, &Bytes::from_static(b"a")).unwrap();
        journal.accept(b, &Bytes::from_static(b"b")).unwrap();
        let records = [vec![write(0, b"xy"), write(1, b"z")], vec![write(1, b"")]];
        journal.record(BatchIndex(7), 0, &head(), &records[0], &[a]).unwrap();
        journal.record(BatchIndex(7), 1, &head(), &records[1], &[]).unwrap();
        journal.cut(BatchIndex(7), &head()).unwrap();
        drop(journal);
        let journal = Journal::new(Arc::new(SledStore::open(folder.path()).unwrap()));
        let left = journal.load().unwrap();
        assert_eq!(left.pooled, [Bytes::from_static(b"b")]);
        let batch = &left.batches[0];
        assert_eq!((batch.index, batch.head), (BatchIndex(7), BatchHead { cut: true, ..head() }));
        assert_eq!(batch.records, records);
        journal.drop_batches(&[(BatchIndex(7), 2)], &[(a, Bytes::from_static(b"a"))]).unwrap();
        journal.forget(&[b]).unwrap();
        let left = journal.load().unwrap();
        assert_eq!((left.batches.len(), left.pooled), (0, vec![Bytes::from_static(b"a")]));
    }

    #[test]
    fn cut_records_are_refused() {
        let bytes = encode(&[write(1, b"abc")]);
        assert_eq!(decode(&bytes).unwrap(), [write(1, b"abc")]);
        for len in 1..bytes.len() {
            assert!(matches!(decode(&bytes[..len]), Err(JournalError::Malformed)));
        }
    }

    #[test]
    fn many_writers_at_once() {
        let journal = Journal::new(Arc::new(MemoryStore::default()));
        std::thread::scope(|scope| {
            for n in 0..32u8 {
                let journal = &journal;
                scope.spawn(move || journal.accept(B256::repeat_byte(n), &vec![n].into()).unwrap());
            }
        });
        assert_eq!(journal.load().unwrap().pooled.len(), 32);
    }
}
