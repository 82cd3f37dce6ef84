//! Accounts that were taken out of the journal of one thread alone, and what changed of those in it.

use alloy_primitives::{
    Address, U256,
    map::{B256Map, U256Map},
};
use revm::state::{Account, AccountInfo, Bytecode, EvmStorageSlot};

use super::{flat::FlatAccount, job::FlatChange};

/// An account that was taken out of the journal.
pub(super) struct Taken {
    pub(super) before: FlatAccount,
    pub(super) now: FlatAccount,
    pub(super) wiped: bool,
    /// Before, unless it was emptied since, and now.
    pub(super) slots: U256Map<(U256, U256)>,
}

/// The account now, if it did not end, was not created by code and has the code that it had: then only its nonce and balance can
/// differ.
pub(super) fn goes_on(before: &FlatAccount, account: &Account) -> Option<FlatAccount> {
    let AccountInfo { balance, nonce, code_hash, .. } = account.info;
    let ended = account.is_empty() || account.is_selfdestructed();
    let goes_on = before.code_hash == code_hash && !ended && !account.is_created();
    goes_on.then_some(FlatAccount { nonce, balance, ..*before })
}

/// Of slots that were written, and what they were before: those that changed, with what they are now.
pub(super) fn slots(account: &Account, written: Option<U256Map<U256>>) -> Vec<(U256, U256)> {
    let written = written.unwrap_or_default().into_iter();
    let changed = written.filter_map(|(slot, before)| {
        let now = account.storage.get(&slot)?.present_value();
        (now != before).then_some((slot, now))
    });
    changed.collect()
}

/// What became of an account that went on, with the storage that it had but for these slots.
pub(super) fn change(
    address: Address,
    (before, now): (FlatAccount, FlatAccount),
    slots: Vec<(U256, U256)>,
) -> Option<FlatChange> {
    (before != now || !slots.is_empty()).then(|| FlatChange {
        address,
        after: now.existing(),
        wiped: false,
        slots,
    })
}

impl Taken {
    pub(super) fn new(before: FlatAccount) -> Self {
        Self { before, now: before, wiped: false, slots: U256Map::default() }
    }

    /// Brings the account to what the journal says, of which it had these slots written.
    pub(super) fn update(
        &mut self,
        account: &mut Account,
        written: Option<U256Map<U256>>,
        codes: &mut B256Map<Bytecode>,
    ) {
        let hash = account.info.code_hash;
        if let Some(code) = account.info.code.take().filter(|_| hash != self.now.code_hash) {
            codes.insert(hash, code);
        }
        if self.set(account) {
            // What it wrote ended with it: should it come back, nothing of it may stand there.
            self.slots.clear();
            return;
        }
        for (slot, before) in written.unwrap_or_default() {
            let Some(now) = account.storage.get(&slot).map(EvmStorageSlot::present_value) else {
                continue;
            };
            let before = if self.wiped { U256::ZERO } else { before };
            self.slots.entry(slot).or_insert((before, now)).1 = now;
        }
    }

    /// Takes over everything but slots; true if the account ended.
    fn set(&mut self, account: &Account) -> bool {
        // EIP-161 and EIP-6780: empty accounts, and those that were created and destructed, end.
        let ended = account.is_selfdestructed() || account.is_empty();
        if ended && self.now.is_empty() {
            return true;
        }
        if ended || account.is_created() {
            self.wiped = true;
            self.slots.clear();
        }
        let AccountInfo { balance, nonce, code_hash, .. } = account.info;
        let has_storage = self.before.has_storage && !self.wiped;
        self.now = if ended {
            FlatAccount::NONE
        } else {
            FlatAccount { nonce, balance, code_hash, has_storage }
        };
        ended
    }

    pub(super) fn change(self, address: Address) -> Option<FlatChange> {
        let Self { before, now, wiped, slots } = self;
        let slots = slots.into_iter().filter(|(_, (before, now))| before != now);
        let slots: Vec<_> = slots.map(|(slot, (_, now))| (slot, now)).collect();
        let emptied = wiped && before.has_storage;
        let same = FlatAccount { has_storage: before.has_storage, ..now } == before;
        (!same || emptied || !slots.is_empty()).then(|| FlatChange {
            address,
            after: now.existing(),
            wiped,
            slots,
        })
    }
}
