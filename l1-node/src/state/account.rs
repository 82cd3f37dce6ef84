//! One account of the state.

use alloy_primitives::{B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, TrieAccount};
use revm::state::AccountInfo;
use rpds::RedBlackTreeMapSync;

use super::trie;

/// Storage in the order of the hashed slots, which is the order of the trie.
pub(super) type Slots = RedBlackTreeMapSync<B256, U256>;

/// An account that some block has written.
#[derive(Debug, Clone)]
pub(super) enum Account {
    /// It exists.
    Present(Present),
    /// It does not, whatever the base says.
    Deleted,
}

/// The fields of an existing account.
#[derive(Debug, Clone)]
pub(super) struct Present {
    pub(super) balance: U256,
    pub(super) nonce: u64,
    pub(super) code_hash: B256,
    /// Written slots; zeros are kept only over a base.
    pub(super) slots: Slots,
    /// Whether slots that are not here are the base's.
    pub(super) over_base: bool,
    /// The root of `slots`, `None` after a write.
    pub(super) storage_root: Option<B256>,
}

impl Present {
    pub(super) fn new(over_base: bool) -> Self {
        Self {
            balance: U256::ZERO,
            nonce: 0,
            code_hash: KECCAK_EMPTY,
            slots: Slots::new_sync(),
            over_base,
            storage_root: Some(EMPTY_ROOT_HASH),
        }
    }

    pub(super) const fn info(&self) -> AccountInfo {
        AccountInfo {
            balance: self.balance,
            nonce: self.nonce,
            code_hash: self.code_hash,
            account_id: None,
            code: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.balance.is_zero() && self.nonce == 0 && self.code_hash == KECCAK_EMPTY
    }

    pub(super) fn set_slot(&mut self, slot: U256, value: U256) {
        let key = slot_key(slot);
        if value.is_zero() && !self.over_base {
            self.slots.remove_mut(&key);
        } else {
            self.slots.insert_mut(key, value);
        }
        self.storage_root = None;
    }

    pub(super) fn storage_root(&self) -> B256 {
        self.storage_root.unwrap_or_else(|| trie::storage_root(&self.slots))
    }

    pub(super) fn leaf(&self) -> TrieAccount {
        TrieAccount::new(self.nonce, self.balance, self.storage_root(), self.code_hash)
    }
}

/// The trie key of a slot.
pub(super) fn slot_key(slot: U256) -> B256 {
    keccak256(B256::from(slot))
}
