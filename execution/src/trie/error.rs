use alloy_primitives::B256;

/// Why a walk through a trie stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrieError {
    /// The walk needs a node that is known by its hash only. What lies behind it is unknown, which is not "nothing".
    #[error("node {0} is not resolved")]
    Missing(B256),
    /// A node is not the canonical RLP of a trie node.
    #[error("malformed trie node: {0}")]
    Malformed(&'static str),
    /// The caller's budget of bytes is spent.
    #[error("the budget of witness bytes is spent")]
    Exhausted,
}
