//! What one side says of a case.

use alloy_primitives::B256;
use serde::Deserialize;

/// Of the whole case.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Opinion {
    /// The state root before.
    pub(crate) pre: B256,
    /// The state root after the opening.
    pub(crate) opened: B256,
    /// After each transaction.
    pub(crate) steps: Vec<Step>,
    /// After the credits.
    pub(crate) sealed: Standing,
}

/// Of one transaction.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Step {
    /// Why it is invalid, in this side's words.
    pub(crate) rejected: Option<String>,
    #[serde(flatten)]
    pub(crate) standing: Standing,
}

/// How a block stands after a prefix of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Standing {
    /// The state root.
    pub(crate) root: B256,
    /// Gas used.
    pub(crate) gas: u64,
    /// The root of the receipts so far.
    pub(crate) receipts: B256,
    /// The hash of the logs so far.
    pub(crate) logs: B256,
}
