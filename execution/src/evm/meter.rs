use std::collections::HashSet;

use alloy_primitives::{B256, Bytes};

use crate::trie::TrieError;

/// Counts the bytes of state that a transaction uses: the RLP of every trie node and every code, each once by its hash,
/// in the order of access.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    // Apart: a contract's code can be the very bytes of a node.
    nodes: HashSet<B256>,
    codes: HashSet<B256>,
    bytes: u64,
    limit: Option<u64>,
    kept: Option<Used>,
}

/// What was used, by hash, in the order of access.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used {
    pub(crate) nodes: Vec<(B256, Bytes)>,
    pub(crate) codes: Vec<(B256, Bytes)>,
}

impl Meter {
    /// Counts without a limit, as for system calls and credits; and until [`Meter::enforce`].
    pub(crate) fn exempt() -> Self {
        Self { nodes: HashSet::new(), codes: HashSet::new(), bytes: 0, limit: None, kept: None }
    }

    /// Keeps what is used, for [`Meter::take_used`].
    pub(crate) fn keeping(mut self, keep: bool) -> Self {
        self.kept = keep.then(Used::default);
        self
    }

    /// From now on, more than `limit` bytes is an error.
    pub(crate) fn enforce(&mut self, limit: u64) -> Result<(), TrieError> {
        self.limit = Some(limit);
        self.check()
    }

    /// From now on nothing is an error.
    pub(crate) fn lift(&mut self) {
        self.limit = None;
    }

    pub(crate) fn take_used(&mut self) -> Option<Used> {
        self.kept.take()
    }

    pub(crate) fn node(
        &mut self,
        hash: B256,
        len: usize,
        rlp: impl FnOnce() -> Vec<u8>,
    ) -> Result<(), TrieError> {
        if !self.nodes.insert(hash) {
            return Ok(());
        }
        self.add(len);
        if let Some(used) = &mut self.kept {
            used.nodes.push((hash, rlp().into()));
        }
        self.check()
    }

    pub(crate) fn code(&mut self, hash: B256, code: &Bytes) -> Result<(), TrieError> {
        if !self.codes.insert(hash) {
            return Ok(());
        }
        self.add(code.len());
        if let Some(used) = &mut self.kept {
            used.codes.push((hash, code.clone()));
        }
        self.check()
    }

    fn add(&mut self, len: usize) {
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(len);
    }

    fn check(&self) -> Result<(), TrieError> {
        match self.limit {
            Some(limit) if self.bytes > limit => Err(TrieError::Exhausted),
            _ => Ok(()),
        }
    }
}
