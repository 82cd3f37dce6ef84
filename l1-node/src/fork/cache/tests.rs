//! The file: what is whole is used, anything else is thrown away.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail loudly"
)]

use super::*;

fn anchor() -> Anchor {
    Anchor { chain_id: 7, number: 9, hash: B256::repeat_byte(1) }
}

fn path(folder: &Path, anchor: Anchor) -> PathBuf {
    folder.join(anchor.chain_id.to_string()).join(format!("{}.jsonl", anchor.hash))
}

const CODE: Bytes = Bytes::from_static(&[0x60, 1, 0x60, 2]);

/// A cache with one of each in it, closed again; with what it knows of the account.
fn filled(folder: &Path) -> Known {
    let cache = Cache::open(folder, anchor()).unwrap();
    let code = Bytecode::new_raw(CODE);
    let known = Known { balance: U256::from(5), nonce: 3, code_hash: code.hash_slow() };
    cache.add_account(Address::repeat_byte(2), known, code);
    cache.add_slot(Address::repeat_byte(2), U256::from(1), U256::MAX);
    cache.add_block_hash(8, B256::repeat_byte(8));
    known
}

fn is_empty(cache: &Cache) -> bool {
    let inner = cache.0.lock();
    inner.accounts.is_empty()
        && inner.codes.is_empty()
        && inner.slots.is_empty()
        && inner.hashes.is_empty()
}

#[test]
fn what_was_read_once_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let known = filled(folder.path());
    let cache = Cache::open(folder.path(), anchor()).unwrap();
    assert_eq!(cache.account(Address::repeat_byte(2)), Some(known));
    assert_eq!(cache.code(known.code_hash).unwrap().original_bytes(), CODE);
    assert_eq!(cache.slot(Address::repeat_byte(2), U256::from(1)), Some(U256::MAX));
    assert_eq!(cache.block_hash(8), Some(B256::repeat_byte(8)));
    assert_eq!(cache.slot(Address::repeat_byte(2), U256::from(2)), None);
    assert_eq!(cache.account(Address::repeat_byte(3)), None);
}

#[test]
fn a_file_that_is_cut_or_changed_anywhere_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let path = path(folder.path(), anchor());
    let whole = fs::read(&path).unwrap();
    // A cut at the end of a line leaves less, but nothing false.
    let cuts =
        (1..whole.len()).filter(|end| whole[end - 1] != b'\n').map(|end| whole[..end].to_vec());
    let flips = (0..whole.len()).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    });
    for bytes in cuts.chain(flips) {
        fs::write(&path, &bytes).unwrap();
        assert!(is_empty(&Cache::open(folder.path(), anchor()).unwrap()));
        // It begins anew.
        let head = fs::read(&path).unwrap();
        assert!(whole.starts_with(&head) && head.ends_with(b"\n"));
    }
}

#[test]
fn a_file_of_another_block_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let other = Anchor { number: 10, hash: B256::repeat_byte(3), ..anchor() };
    fs::copy(path(folder.path(), anchor()), path(folder.path(), other)).unwrap();
    assert!(is_empty(&Cache::open(folder.path(), other).unwrap()));
    let elsewhere = Anchor { chain_id: 8, ..anchor() };
    assert!(is_empty(&Cache::open(folder.path(), elsewhere).unwrap()));
    assert!(!is_empty(&Cache::open(folder.path(), anchor()).unwrap()));
}

#[test]
fn two_nodes_do_not_write_into_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = Cache::open(folder.path(), anchor()).unwrap();
    let second = Cache::open(folder.path(), anchor()).unwrap();
    second.add_slot(Address::ZERO, U256::ZERO, U256::from(2));
    assert_eq!(second.slot(Address::ZERO, U256::ZERO), Some(U256::from(2)));
    drop((first, second));
    assert!(is_empty(&Cache::open(folder.path(), anchor()).unwrap()));
}
