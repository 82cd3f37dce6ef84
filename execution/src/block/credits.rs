use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};
use recourse_protocol::bindings::Credit;

use super::Piece;
use crate::{error::ExecutionError, state::AccountChange};

/// Wei in a gwei.
const WEI_PER_GWEI: u64 = 1_000_000_000;

impl Piece<'_> {
    /// Credits deposits as EIP-4895 credits withdrawals.
    pub(crate) fn credit(&mut self, credits: &[Credit]) -> Result<(), ExecutionError> {
        let meter = self.exempt();
        let db = self.engine.db_mut();
        db.begin(meter, None);
        let mut changes: BTreeMap<B256, AccountChange> = BTreeMap::new();
        for credit in credits {
            let change = match changes.entry(db.key(credit.to)) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    let before = db.account(credit.to)?;
                    entry.insert(AccountChange {
                        after: before.clone(),
                        before,
                        code: None,
                        slots: BTreeMap::new(),
                    })
                }
            };
            let mut account = change.after.take().unwrap_or_default();
            // At most 2^64 * 10^9: cannot overflow.
            let wei = U256::from(credit.amountGwei).wrapping_mul(U256::from(WEI_PER_GWEI));
            account.balance =
                account.balance.checked_add(wei).ok_or(ExecutionError::CreditOverflow)?;
            change.after = (!account.is_empty()).then_some(account);
        }
        let world = db.apply(changes)?;
        self.keep();
        self.commit(world);
        Ok(())
    }
}
