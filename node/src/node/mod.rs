//! Mirror, archive and derivation as three tasks of one node.

mod archive;
mod config;
mod confirmed;
mod derive;
mod error;
mod follow;
mod needed;
mod start;

use std::sync::Arc;

pub use config::NodeConfig;
pub use error::NodeError;
pub use start::Node;

use crate::{derivation::Chain, mirror::L1State};

/// What a node knows at one L1 head: enough to decide about every claim.
#[derive(Debug, Clone)]
pub struct NodeState {
    /// L1.
    pub l1: Arc<L1State>,
    /// L2, as far as it was derived. Never holds a batch that `l1` does not have.
    pub chain: Chain,
    /// Whether `chain` holds all batches of `l1`.
    pub derived: bool,
}

impl NodeState {
    fn new(l1: Arc<L1State>, chain: &Chain) -> Self {
        let chain = chain.matching(&l1.inbox);
        let derived = chain.covers(&l1.inbox);
        Self { l1, chain, derived }
    }
}
