//! What dev methods may write.

use alloy_primitives::{Address, Bytes, U256};
use revm::state::Bytecode;
use serde::{Deserialize, Serialize};

use super::{State, StateError};

/// A write of a dev method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Edit {
    /// Sets an account's balance.
    Balance {
        /// The account.
        address: Address,
        /// Its balance from now on.
        wei: U256,
    },
    /// Sets an account's nonce.
    Nonce {
        /// The account.
        address: Address,
        /// Its nonce from now on.
        nonce: u64,
    },
    /// Sets an account's code.
    Code {
        /// The account.
        address: Address,
        /// Its code from now on.
        code: Bytes,
    },
    /// Sets a storage slot.
    Storage {
        /// The account.
        address: Address,
        /// The slot.
        slot: U256,
        /// What it holds from now on.
        value: U256,
    },
}

impl State {
    /// Does what a dev method asked for.
    pub(crate) fn edit(&mut self, edit: &Edit) -> Result<(), StateError> {
        match edit {
            Edit::Balance { address, wei } => self.set_balance(*address, *wei),
            Edit::Nonce { address, nonce } => self.set_nonce(*address, *nonce),
            Edit::Code { address, code } => {
                self.set_code(*address, Bytecode::new_raw_checked(code.clone())?)
            }
            Edit::Storage { address, slot, value } => self.set_storage(*address, *slot, *value),
        }
    }
}
