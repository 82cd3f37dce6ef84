//! What is to be run, and what comes of it.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, U256};
use revm::{
    context::{BlockEnv, CfgEnv, TxEnv, result::ExecutionResult},
    state::Bytecode,
};

use super::{
    flat::{FlatAccount, FlatState},
    space::Failure,
};
use crate::block::{Invalid, admit};

/// A transaction that is read and, if anybody signed it, has its sender.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are of the large one")]
pub enum FlatTx {
    /// It can run.
    Ready(TxEnv),
    /// Nobody signed it.
    Unsigned {
        /// Its gas limit: whether there is gas for it is asked first.
        gas_limit: u64,
    },
    /// No transaction at all.
    Unreadable(Invalid),
}

impl FlatTx {
    pub(super) fn env(&self) -> Option<&TxEnv> {
        match self {
            Self::Ready(env) => Some(env),
            _ => None,
        }
    }

    /// The checks that need no state, in the order in which they are made one transaction after the other.
    pub(super) fn admit(&self, available: u64) -> Result<(), Invalid> {
        match self {
            Self::Ready(env) => admit(env.gas_limit, available),
            Self::Unsigned { gas_limit } => {
                admit(*gas_limit, available).and(Err(Invalid::Signature))
            }
            Self::Unreadable(invalid) => Err(invalid.clone()),
        }
    }
}

/// Transactions to run, one after the other as far as anybody can tell.
#[derive(Clone, Copy)]
pub struct FlatBlock<'a> {
    /// The state before them.
    pub state: &'a dyn FlatState,
    /// What the EVM sees of the chain.
    pub cfg: &'a CfgEnv,
    /// What it sees of the block.
    pub block: &'a BlockEnv,
    /// The block's number.
    pub number: u64,
    /// Hashes of earlier blocks, unless they are in the state.
    pub ancestors: Option<&'a Arc<BTreeMap<u64, B256>>>,
    /// Gas left in the block.
    pub available: u64,
    /// Bytes of state that a transaction may use; none where that is not limited.
    pub max_witness_bytes: Option<u64>,
    /// In their order.
    pub transactions: &'a [FlatTx],
}

impl std::fmt::Debug for FlatBlock<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlatBlock")
            .field("number", &self.number)
            .field("transactions", &self.transactions.len())
            .finish_non_exhaustive()
    }
}

/// How a transaction ended.
#[derive(Clone, Debug)]
pub enum TxEnd {
    /// It was invalid: nothing happened.
    NoOp(Invalid),
    /// It is part of the block.
    Ran(ExecutionResult),
}

impl TxEnd {
    /// Gas that was run for it, before refunds.
    pub(super) fn gas(&self) -> u64 {
        match self {
            Self::NoOp(_) => 0,
            Self::Ran(result) => result.gas().total_gas_spent(),
        }
    }

    /// Gas used; 0 if and only if it was a no-op.
    #[must_use]
    pub fn gas_used(&self) -> u64 {
        match self {
            Self::NoOp(_) => 0,
            Self::Ran(result) => result.tx_gas_used(),
        }
    }
}

/// What became of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatChange {
    /// Which.
    pub address: Address,
    /// After; none when the account ended.
    pub after: Option<FlatAccount>,
    /// Its storage was emptied, before `slots` were set.
    pub wiped: bool,
    /// Slots that changed, with their new values.
    pub slots: Vec<(U256, U256)>,
}

/// What came of transactions.
#[derive(Clone, Debug, Default)]
pub struct FlatOutcome {
    /// How each ended. Fewer than there are when one may pass the limit on bytes of state, which only the tries can tell, or
    /// could not be run here: it and those behind it have not run.
    pub ends: Vec<TxEnd>,
    /// What changed, in no order.
    pub changes: Vec<FlatChange>,
    /// Codes that are new, by their hashes.
    pub codes: Vec<(B256, Bytecode)>,
    /// How often a transaction had to run once more.
    pub again: u64,
    /// Why the next one could not be run here.
    pub failure: Option<Failure>,
}

impl FlatOutcome {
    /// Gas that was run for what ended, before refunds.
    pub(super) fn gas(&self) -> u64 {
        self.ends.iter().map(TxEnd::gas).fold(0, u64::saturating_add)
    }
}
