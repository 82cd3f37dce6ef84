//! What leads back over a batch, as bytes.

use alloy_primitives::{B256, U256};
use alloy_rlp::{Decodable, Encodable};
use recourse_execution::AccountPatch;

use super::{
    StatesError,
    accounts::{decode_account, encode_account, put_bytes, take_bytes},
};

/// Bytes of a row, about: sled keeps larger values in files of their own.
const ROW: usize = 1 << 15;
/// Slots that one patch in a row has, at most; an account with more has several.
const SLOTS: usize = 256;

const BAD: StatesError = StatesError::Damaged("changes of a batch");

/// Rows of patches. Each patch: key, account (empty: none), number of slots, slots with their values.
pub(super) fn encode(patches: &[AccountPatch]) -> Vec<Vec<u8>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    for patch in patches {
        let mut slots = patch.slots.chunks(SLOTS);
        let mut some = slots.next().unwrap_or_default();
        loop {
            put(patch, some, &mut row);
            if row.len() >= ROW {
                rows.push(std::mem::take(&mut row));
            }
            match slots.next() {
                Some(next) => some = next,
                None => break,
            }
        }
    }
    if !row.is_empty() || rows.is_empty() {
        rows.push(row);
    }
    rows
}

fn put(patch: &AccountPatch, slots: &[(B256, U256)], row: &mut Vec<u8>) {
    row.extend_from_slice(patch.key.as_slice());
    put_bytes(&patch.account.as_ref().map(encode_account).unwrap_or_default(), row);
    slots.len().encode(row);
    for (slot, value) in slots {
        row.extend_from_slice(slot.as_slice());
        value.encode(row);
    }
}

/// The patches of a row. An account may have several, in this one and the next.
pub(super) fn decode(mut row: &[u8]) -> Result<Vec<AccountPatch>, StatesError> {
    let mut patches = Vec::new();
    while !row.is_empty() {
        let key = take_hash(&mut row)?;
        let account = match take_bytes(&mut row).map_err(|_| BAD)? {
            [] => None,
            bytes => Some(decode_account(bytes)?),
        };
        let count = usize::decode(&mut row).map_err(|_| BAD)?;
        let mut slots = Vec::new();
        for _ in 0..count {
            slots.push((take_hash(&mut row)?, U256::decode(&mut row).map_err(|_| BAD)?));
        }
        patches.push(AccountPatch { key, account, slots });
    }
    Ok(patches)
}

fn take_hash(row: &mut &[u8]) -> Result<B256, StatesError> {
    let (hash, rest) = row.split_first_chunk().ok_or(BAD)?;
    *row = rest;
    Ok(B256::new(*hash))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use recourse_execution::FlatAccount;

    use super::*;

    #[test]
    fn patches_are_read_as_they_were_written() {
        let patch = |seed: u64| AccountPatch {
            key: keccak256(seed.to_be_bytes()),
            account: (!seed.is_multiple_of(3)).then(|| FlatAccount {
                nonce: seed,
                balance: U256::from(seed) << 80,
                code_hash: if seed.is_multiple_of(2) {
                    keccak256("code")
                } else {
                    FlatAccount::default().code_hash
                },
            }),
            slots: (0..seed % 5).map(|at| (keccak256(at.to_be_bytes()), U256::from(at))).collect(),
        };
        let patches: Vec<_> = (0..1500).map(patch).collect();
        let rows = encode(&patches);
        assert!(rows.len() > 2);
        let read: Vec<_> = rows.iter().flat_map(|row| decode(row).unwrap()).collect();
        assert_eq!(read, patches);
        assert_eq!(encode(&[]), [Vec::<u8>::new()], "that nothing changed is known too");
        let cut = rows[0].len() - 1;
        assert!(decode(&rows[0][..cut]).is_err());
    }

    #[test]
    fn an_account_of_many_slots_is_spread() {
        let slots: Vec<_> =
            (0..5000_u64).map(|at| (keccak256(at.to_be_bytes()), U256::from(at))).collect();
        let account = Some(FlatAccount::default());
        let patch = AccountPatch { key: B256::ZERO, account, slots: slots.clone() };
        let rows = encode(&[patch]);
        assert!(rows.iter().all(|row| row.len() < 2 * ROW));
        let read: Vec<_> = rows.iter().flat_map(|row| decode(row).unwrap()).collect();
        assert!(read.iter().all(|patch| patch.account == account));
        assert_eq!(read.into_iter().flat_map(|patch| patch.slots).collect::<Vec<_>>(), slots);
    }
}
