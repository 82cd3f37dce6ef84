//! Rows that no state root covers: each ends with a digest of its table, its key and itself, so that one that changed on
//! disk, or lies in another's place, is found when it is read. A wrong number of steps would make a wrong claim of a true one.

use alloy_primitives::Keccak256;

use super::StatesError;
use crate::store::{Table, Write};

/// Bytes of a digest. It is there against accidents; who can write the store can do worse.
const DIGEST: usize = 8;

fn digest(table: Table, key: &[u8], row: &[u8]) -> [u8; DIGEST] {
    let mut hash = Keccak256::new();
    hash.update([table as u8]);
    hash.update(key);
    hash.update(row);
    let mut digest = [0; DIGEST];
    for (to, from) in digest.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    digest
}

/// Writes a row with its digest.
pub(super) fn put(table: Table, key: Vec<u8>, mut row: Vec<u8>) -> Write {
    row.extend(digest(table, &key, &row));
    Write::Put(table, key, row)
}

/// The row, if it is the one that was written there.
pub(super) fn take<'a>(
    table: Table,
    key: &[u8],
    stored: &'a [u8],
    what: &'static str,
) -> Result<&'a [u8], StatesError> {
    stored
        .split_last_chunk()
        .filter(|(row, found)| **found == digest(table, key, row))
        .map(|(row, _)| row)
        .ok_or(StatesError::Damaged(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_it_was_written_is_found() {
        let Write::Put(_, key, stored) = put(Table::Batches, vec![1, 2], vec![3, 4, 5]) else {
            panic!("not a row");
        };
        let read = |table, key: &[u8], stored: &[u8]| take(table, key, stored, "it").is_ok();
        assert_eq!(take(Table::Batches, &key, &stored, "it").unwrap(), [3, 4, 5]);
        for bit in 0..8 * stored.len() {
            let mut spoilt = stored.clone();
            spoilt[bit / 8] ^= 1 << (bit % 8);
            assert!(!read(Table::Batches, &key, &spoilt));
        }
        assert!(!read(Table::Changes, &key, &stored));
        assert!(!read(Table::Batches, &[1, 3], &stored));
        assert!(!read(Table::Batches, &key, &stored[..stored.len() - 1]));
        assert!(!read(Table::Batches, &key, &[]));
    }
}
