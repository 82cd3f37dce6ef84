//! What survives a restart. All of it can be rebuilt from L1, but blobs only as long as beacon nodes keep them.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    fs::{File, TryLockError},
    path::Path,
    sync::Arc,
    time::Duration,
};

use parking_lot::RwLock;

use crate::Severity;

/// How often, and after how long each time, sled is asked again to open a store that it has just closed.
const SLED_TRIES: u32 = 500;
const SLED_WAIT: Duration = Duration::from_millis(10);
/// Memory that sled may keep pages in.
const CACHE_BYTES: u64 = 128 << 20;
/// The file whose lock says that a process uses the folder.
const LOCK: &str = "in-use";

/// Namespaces of a store; the discriminant is the first byte of every key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// What the store belongs to: key "deployment".
    Meta = 0,
    /// L1 blocks that the mirror passed: number (8 bytes, big-endian) to `BlockRef` (JSON).
    Blocks = 1,
    /// Events of the contracts: block number (8 bytes), log index (8 bytes) to the log (JSON).
    Logs = 2,
    /// Blobs: versioned hash to 131,072 bytes.
    Blobs = 3,
    /// Forced transactions: keccak256 to the bytes.
    Forced = 4,
    /// Transactions in flight: nonce (8 bytes) to the entry (JSON).
    Journal = 5,
    /// Accounts of L2: hashed address to nonce, balance and code hash; see `states`.
    Accounts = 6,
    /// Slots of L2: hashed address, hashed slot to the value.
    Slots = 7,
    /// Codes of L2: hash to bytes.
    Codes = 8,
    /// What leads back over a batch: batch (8 bytes), part (4 bytes).
    Changes = 9,
    /// Derived batches: index (8 bytes).
    Batches = 10,
    /// Blocks of L2: number (8 bytes).
    L2Blocks = 11,
    /// Where blocks and transactions of L2 lie: hash to block number (8 bytes), and for a transaction its index (4 bytes).
    L2Index = 12,
    /// For the daemon that owns the store.
    Daemon = 16,
}

/// Keys with their values.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// How much is read at once. One entry always is, however long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Entries.
    pub entries: usize,
    /// Bytes of keys and values. The last entry may pass it.
    pub bytes: usize,
}

impl Limit {
    /// Whether something of this length fits, and what is left behind it.
    const fn take(&mut self, len: usize) -> bool {
        let fits = self.entries > 0 && self.bytes > 0;
        self.entries = self.entries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(len);
        fits
    }
}

/// One change of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets a value.
    Put(Table, Vec<u8>, Vec<u8>),
    /// Removes a value, if it is there.
    Delete(Table, Vec<u8>),
}

/// A store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or the database.
    #[error("the store failed")]
    Database(#[from] sled::Error),
    /// A record is not what this version writes.
    #[error("a record of {table:?} can't be read")]
    Malformed {
        /// Its namespace.
        table: Table,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Another process has the store open.
    #[error("another process uses the store in {folder}")]
    InUse {
        /// Where it is.
        folder: String,
    },
    /// The folder can't be used.
    #[error("the folder of the store can't be used")]
    Folder(#[source] std::io::Error),
    /// The store belongs to another deployment.
    #[error("the store belongs to deployment {got}, this is {expected}")]
    OtherDeployment {
        /// Of the configuration.
        expected: String,
        /// Of the store.
        got: String,
    },
}

impl StoreError {
    /// A store that fails once is not trusted again by the same process.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        Severity::Critical
    }
}

/// Ordered bytes in namespaces, with atomic and durable groups of changes.
pub trait Store: Debug + Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The keys that begin with `prefix`, from `from` on, with their values, in order: as many as the limit has room for.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn within(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: Limit,
    ) -> Result<Entries, StoreError>;

    /// All keys from `from` on with their values, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn scan(&self, table: Table, from: &[u8]) -> Result<Entries, StoreError> {
        self.page(table, from, usize::MAX)
    }

    /// The first keys from `from` on with their values, in order: at most so many.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn page(&self, table: Table, from: &[u8], most: usize) -> Result<Entries, StoreError> {
        self.within(table, &[], from, Limit { entries: most, bytes: usize::MAX })
    }

    /// Applies all changes or none; they are on disk when it returns.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError>;
}

/// A store on disk. One process at a time.
#[derive(Debug, Clone)]
pub struct SledStore {
    db: sled::Db,
    /// Locked as long as the store is open; the lock ends with the process, however that ends.
    _lock: Arc<File>,
}

/// A store that dies with its process, for tests and throw-away networks.
#[derive(Debug, Default)]
pub struct MemoryStore(RwLock<BTreeMap<Vec<u8>, Vec<u8>>>);

impl SledStore {
    /// Opens or creates a store in this folder.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when it is open already, [`StoreError::Folder`], [`StoreError::Database`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(StoreError::Folder)?;
        let lock = File::create(folder.join(LOCK)).map_err(StoreError::Folder)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::InUse { folder: folder.display().to_string() },
            TryLockError::Error(error) => StoreError::Folder(error),
        })?;
        let config = sled::Config::default().path(folder).cache_capacity(CACHE_BYTES);
        Ok(Self { db: open_patiently(&config)?, _lock: Arc::new(lock) })
    }
}

/// sled has a lock of its own, which its threads may hold for a moment after its last user is gone. Nobody else can hold it,
/// for ours is held.
fn open_patiently(config: &sled::Config) -> Result<sled::Db, sled::Error> {
    let mut tries = 0_u32;
    loop {
        match config.open() {
            Err(error) if tries < SLED_TRIES && error.to_string().contains("acquire lock") => {
                tries = tries.saturating_add(1);
                std::thread::sleep(SLED_WAIT);
            }
            opened => return opened,
        }
    }
}

impl Store for SledStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.db.get(full_key(table, key))?.map(|value| value.to_vec()))
    }

    fn within(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        mut limit: Limit,
    ) -> Result<Entries, StoreError> {
        let mut found = Vec::new();
        let prefix = full_key(table, prefix);
        for entry in self.db.range(full_key(table, from).max(prefix.clone())..) {
            let (key, value) = entry?;
            let len = key.len().saturating_add(value.len());
            if !key.starts_with(&prefix) || !limit.take(len) {
                break;
            }
            found.push((key.get(1..).unwrap_or_default().to_vec(), value.to_vec()));
        }
        Ok(found)
    }

    fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for write in writes {
            match write {
                Write::Put(table, key, value) => batch.insert(full_key(table, &key), value),
                Write::Delete(table, key) => batch.remove(full_key(table, &key)),
            }
        }
        self.db.apply_batch(batch)?;
        self.db.flush()?;
        Ok(())
    }
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.read().get(&full_key(table, key)).cloned())
    }

    fn within(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        mut limit: Limit,
    ) -> Result<Entries, StoreError> {
        let map = self.0.read();
        let prefix = full_key(table, prefix);
        let range = map.range(full_key(table, from).max(prefix.clone())..);
        Ok(range
            .take_while(|(key, value)| {
                key.starts_with(&prefix) && limit.take(key.len().saturating_add(value.len()))
            })
            .map(|(key, value)| (key.get(1..).unwrap_or_default().to_vec(), value.clone()))
            .collect())
    }

    fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut map = self.0.write();
        for write in writes {
            match write {
                Write::Put(table, key, value) => map.insert(full_key(table, &key), value),
                Write::Delete(table, key) => map.remove(&full_key(table, &key)),
            };
        }
        drop(map);
        Ok(())
    }
}

fn full_key(table: Table, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(key.len().saturating_add(1));
    full.push(table as u8);
    full.extend_from_slice(key);
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laws(store: &dyn Store) {
        store
            .apply(vec![
                Write::Put(Table::Logs, vec![2], b"b".to_vec()),
                Write::Put(Table::Logs, vec![1], b"a".to_vec()),
                Write::Put(Table::Blobs, vec![0], b"other table".to_vec()),
            ])
            .unwrap();
        assert_eq!(store.get(Table::Logs, &[1]).unwrap(), Some(b"a".to_vec()));
        assert_eq!(store.get(Table::Logs, &[3]).unwrap(), None);
        let all = vec![(vec![1], b"a".to_vec()), (vec![2], b"b".to_vec())];
        assert_eq!(store.scan(Table::Logs, &[]).unwrap(), all);
        assert_eq!(store.scan(Table::Logs, &[2]).unwrap(), all[1..]);
        assert_eq!(store.page(Table::Logs, &[], 1).unwrap(), all[..1]);
        assert_eq!(store.page(Table::Logs, &[1, 0], 9).unwrap(), all[1..]);
        let within = |prefix: &[u8], from: &[u8], entries, bytes| {
            store.within(Table::Logs, prefix, from, Limit { entries, bytes }).unwrap()
        };
        assert_eq!(within(&[1], &[], 9, 99), all[..1]);
        assert_eq!(within(&[2], &[], 9, 99), all[1..]);
        assert_eq!(within(&[2], &[2, 0], 9, 99), []);
        assert_eq!(within(&[2], &[1], 9, 99), all[1..]);
        assert_eq!(within(&[], &[], 9, 99), all);
        assert_eq!(within(&[], &[], 9, 1), all[..1], "one always");
        assert_eq!(within(&[], &[], 0, 99), []);
        store.apply(vec![Write::Delete(Table::Logs, vec![1])]).unwrap();
        assert_eq!(store.scan(Table::Logs, &[]).unwrap(), all[1..]);
    }

    #[test]
    fn both_stores_keep_the_same_laws() {
        laws(&MemoryStore::default());
        let folder = tempfile::tempdir().unwrap();
        laws(&SledStore::open(folder.path()).unwrap());
    }

    #[test]
    fn a_folder_has_one_user() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(folder.path()).unwrap();
        let second = SledStore::open(folder.path()).unwrap_err();
        assert!(matches!(second, StoreError::InUse { .. }), "{second:?}");
        drop(store);
        SledStore::open(folder.path()).unwrap();
    }

    #[test]
    fn a_sled_store_survives_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(folder.path()).unwrap();
        store.apply(vec![Write::Put(Table::Meta, b"k".to_vec(), b"v".to_vec())]).unwrap();
        drop(store);
        let store = SledStore::open(folder.path()).unwrap();
        assert_eq!(store.get(Table::Meta, b"k").unwrap(), Some(b"v".to_vec()));
    }
}
