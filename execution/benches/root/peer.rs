//! The root of all accounts by alloy-trie's hash builder.

use alloy_primitives::{B256, KECCAK256_EMPTY, keccak256};
use alloy_rlp::Encodable as _;
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, TrieAccount};
use rayon::prelude::*;
use recourse_execution::FlatAccount;

fn encode(account: &FlatAccount, out: &mut Vec<u8>) {
    out.clear();
    let FlatAccount { nonce, balance, code_hash } = *account;
    assert_eq!(code_hash, KECCAK256_EMPTY);
    TrieAccount { nonce, balance, storage_root: EMPTY_ROOT_HASH, code_hash }.encode(out);
}

/// From all leaves, one after the other.
pub(crate) fn root(list: &[(B256, FlatAccount)]) -> B256 {
    subtrie(list, 0)
}

/// The root of leaves that share their first nibbles.
fn subtrie(list: &[(B256, FlatAccount)], nibbles: usize) -> B256 {
    let mut builder = HashBuilder::default();
    let mut value = Vec::new();
    for (key, account) in list {
        encode(account, &mut value);
        builder.add_leaf(Nibbles::unpack(key).slice(nibbles..), &value);
    }
    builder.root()
}

/// By first nibble, on all threads; many enough accounts that each of the 16 nodes below the root is there and long.
pub(crate) fn root_by_16(list: &[(B256, FlatAccount)]) -> B256 {
    let groups: Vec<_> = list.chunk_by(|one, next| one.0[0] >> 4 == next.0[0] >> 4).collect();
    assert_eq!(groups.len(), 16);
    let hashes: Vec<B256> =
        groups.par_iter().with_max_len(1).map(|group| subtrie(group, 1)).collect();
    let mut payload = Vec::new();
    hashes.iter().for_each(|hash| hash.encode(&mut payload));
    payload.push(alloy_rlp::EMPTY_STRING_CODE);
    let mut node = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut node);
    node.extend(payload);
    keccak256(node)
}
