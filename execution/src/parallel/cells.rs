//! Accounts and slots as they are while a block runs: what they were before it, and their versions.

use std::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use alloy_primitives::{Address, B256, U256};

use super::{
    flat::{FlatAccount, Path, Weighed},
    hints::Disputed,
    table::Cell,
    versions::{Version, Versions},
    words::{self, Secret, Words},
};

/// A transaction took back what it wrote and writes it anew: whoever reads waits.
pub(super) const STALE: u32 = 1;
/// It wrote the nonce.
pub(super) const NONCE: u32 = 1 << 1;
/// It wrote the balance.
pub(super) const BALANCE: u32 = 1 << 2;
/// It added to the balance, without looking at it.
pub(super) const ADDED: u32 = 1 << 3;
/// It wrote the hash of the code.
pub(super) const CODE: u32 = 1 << 4;
/// It emptied the storage: the account was created or ended.
pub(super) const WIPED: u32 = 1 << 5;
/// It wrote the whole account.
pub(super) const WHOLE: u32 = NONCE | BALANCE | CODE;

/// Nonce, balance, code hash.
pub(super) type AccountVersion = Version<9>;
/// A value.
pub(super) type SlotVersion = Version<4>;

pub(super) fn account_words(nonce: u64, balance: U256, code_hash: B256) -> [u64; 9] {
    let [a, b, c, d] = words::of_u256(balance);
    let [e, f, g, h] = words::of_b256(code_hash);
    [nonce, a, b, c, d, e, f, g, h]
}

impl AccountVersion {
    pub(super) fn nonce(&self) -> Option<u64> {
        let [nonce, ..] = self.words;
        (self.flags & NONCE != 0).then_some(nonce)
    }

    /// Written, or added, as the flags say.
    pub(super) fn amount(&self) -> U256 {
        let [_, a, b, c, d, ..] = self.words;
        words::to_u256([a, b, c, d])
    }

    pub(super) fn code_hash(&self) -> Option<B256> {
        let [.., a, b, c, d] = self.words;
        (self.flags & CODE != 0).then(|| words::to_b256([a, b, c, d]))
    }
}

/// A value that is read once from the state before the block. Threads that read it at the same time write the same.
#[derive(Debug, Default)]
struct Base<const N: usize> {
    known: AtomicBool,
    words: Words<N>,
}

impl<const N: usize> Base<N> {
    fn get(&self) -> Option<[u64; N]> {
        self.known.load(Acquire).then(|| self.words.load())
    }

    fn set(&self, words: &[u64; N]) {
        self.words.store(words);
        self.known.store(true, Release);
    }

    fn clear(&self) {
        self.known.store(false, Relaxed);
    }
}

/// An account.
#[derive(Debug, Default)]
pub(super) struct AccountCell {
    key: Words<3>,
    /// As [`account_words`], then whether it has storage, then its path.
    base: Base<11>,
    pub(super) versions: Versions<9>,
    /// One more than the last committed transaction that emptied its storage; 0 when none did.
    pub(super) wiped: AtomicU32,
    /// Whether any transaction, committed or not, emptied its storage.
    pub(super) ever_wiped: AtomicBool,
    /// Whether any transaction, committed or not, gave it another code than it had before the block.
    pub(super) ever_coded: AtomicBool,
    /// One more than the last transaction that is known to change it before it runs: its sender or its recipient.
    pub(super) expected: AtomicU32,
}

impl Cell for AccountCell {
    type Key = Address;

    fn hash(secret: &Secret, key: &Address) -> u64 {
        secret.mix(&words::of_address(*key))
    }

    fn is(&self, key: &Address) -> bool {
        self.key.load() == words::of_address(*key)
    }

    fn trim(&mut self) {
        self.versions.trim();
    }

    fn name(&self, key: &Address) {
        self.key.store(&words::of_address(*key));
        self.base.clear();
        self.versions.clear();
        self.wiped.store(0, Relaxed);
        self.ever_wiped.store(false, Relaxed);
        self.ever_coded.store(false, Relaxed);
        self.expected.store(0, Relaxed);
    }
}

impl AccountCell {
    pub(super) fn address(&self) -> Address {
        words::to_address(self.key.load())
    }

    /// As it was before the block, if that was read.
    pub(super) fn base(&self) -> Option<Weighed<FlatAccount>> {
        let [nonce, a, b, c, d, e, f, g, h, has_storage, shared] = self.base.get()?;
        let value = FlatAccount {
            nonce,
            balance: words::to_u256([a, b, c, d]),
            code_hash: words::to_b256([e, f, g, h]),
            has_storage: has_storage != 0,
        };
        let path = Path { shared: u8::try_from(shared).unwrap_or(u8::MAX) };
        Some(Weighed { value, path })
    }

    pub(super) fn set_base(&self, account: &Weighed<FlatAccount>) {
        let FlatAccount { nonce, balance, code_hash, has_storage } = account.value;
        let [a, b, c, d, e, f, g, h, i] = account_words(nonce, balance, code_hash);
        let shared = account.path.shared.into();
        self.base.set(&[a, b, c, d, e, f, g, h, i, has_storage.into(), shared]);
    }

    /// One more than the last transaction before `below` that emptied its storage; 0 when none did.
    ///
    /// # Errors
    /// The transaction to wait for.
    pub(super) fn wiped_below(&self, below: u32) -> Result<u32, u32> {
        if !self.ever_wiped.load(Acquire) {
            return Ok(0);
        }
        let found = self.versions.scan(below, Ok(0), |wiped, version| {
            if version.flags & WIPED == 0 {
                return true;
            }
            *wiped = match version.flags & STALE {
                0 => Ok(version.tx.saturating_add(1)),
                _ => Err(version.tx),
            };
            false
        })?;
        // Versions are forgotten only after this one is written.
        Ok(found.max(self.wiped.load(Acquire)))
    }
}

/// A slot.
#[derive(Debug, Default)]
pub(super) struct SlotCell {
    account: AtomicU32,
    key: Words<4>,
    /// Its value, then its path.
    base: Base<5>,
    pub(super) versions: Versions<4>,
    /// Whether transactions read it too early, in this block and in those before it.
    pub(super) disputed: Disputed,
}

impl Cell for SlotCell {
    /// The account's index, and the slot.
    type Key = (u32, U256);

    fn hash(secret: &Secret, (account, slot): &(u32, U256)) -> u64 {
        let [a, b, c, d] = words::of_u256(*slot);
        // Each word by itself: what two of them have in common must not cancel out before the secret comes in.
        secret.mix(&[u64::from(*account), a, b, c, d])
    }

    fn is(&self, (account, slot): &(u32, U256)) -> bool {
        self.account.load(Relaxed) == *account && self.key.load() == words::of_u256(*slot)
    }

    fn trim(&mut self) {
        self.versions.trim();
    }

    fn name(&self, (account, slot): &(u32, U256)) {
        self.account.store(*account, Relaxed);
        self.key.store(&words::of_u256(*slot));
        self.base.clear();
        self.versions.clear();
        self.disputed.clear();
    }
}

impl SlotCell {
    /// The index of its account.
    pub(super) fn account(&self) -> u32 {
        self.account.load(Relaxed)
    }

    pub(super) fn slot(&self) -> U256 {
        words::to_u256(self.key.load())
    }

    /// As it was before the block, if that was read.
    pub(super) fn base(&self) -> Option<Weighed<U256>> {
        let [a, b, c, d, shared] = self.base.get()?;
        let path = Path { shared: u8::try_from(shared).unwrap_or(u8::MAX) };
        Some(Weighed { value: words::to_u256([a, b, c, d]), path })
    }

    pub(super) fn set_base(&self, value: &Weighed<U256>) {
        let [a, b, c, d] = words::of_u256(value.value);
        self.base.set(&[a, b, c, d, value.path.shared.into()]);
    }
}
