//! Accounts of which the values are known.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};

/// An account as it was before a block.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) balance: U256,
    pub(crate) nonce: u64,
    pub(crate) code_hash: B256,
    pub(crate) code: Bytes,
    pub(crate) storage: BTreeMap<U256, U256>,
}

impl Known {
    pub(crate) fn is_empty(&self) -> bool {
        self.balance.is_zero() && self.nonce == 0 && self.code.is_empty()
    }
}

pub(crate) type Accounts = BTreeMap<Address, Known>;
