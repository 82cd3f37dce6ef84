//! The methods, one file a group.

pub(crate) mod blocks;
pub(crate) mod calls;
pub(crate) mod fees;
pub(crate) mod logs;
pub(crate) mod node;
pub(crate) mod pool;
pub(crate) mod raw;
pub(crate) mod simulate;
pub(crate) mod state;
pub(crate) mod subscriptions;
pub(crate) mod traces;
pub(crate) mod transactions;
