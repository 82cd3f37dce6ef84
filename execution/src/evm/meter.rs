use std::sync::Arc;

use alloy_primitives::{B256, Bytes, map::B256Set};

use crate::{
    state::{Account, Slot},
    trie::{Node, Place, TrieError, Value},
    witness::Items,
};

/// Visits that are remembered before they are counted exactly: memory must not grow with the limit, which whoever asks chooses.
const MOST_VISITS: usize = 1 << 16;

/// Counts the bytes of state that a transaction uses: the RLP of every trie node and every code, each once by its hash,
/// in the order of access.
///
/// It begins with an upper bound, which counts a node again each time that it is visited: most transactions end long before
/// that comes near the limit, and never need to know by which hashes nodes are named. Only when it passes the limit, or
/// when there are very many visits, or when what is used is kept, what was visited is counted exactly.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    // Apart: a contract's code can be the very bytes of a node.
    codes: B256Set,
    code_bytes: u64,
    nodes: Counted,
    limit: Option<u64>,
    kept: Option<Used>,
}

/// Nodes visited so far.
#[derive(Clone, Debug)]
enum Counted {
    /// Nobody asks.
    Off,
    /// At most these bytes.
    Bound { bytes: u64, visited: Vec<(Visited, Place)> },
    /// Exactly these.
    Exact { bytes: u64, nodes: B256Set },
}

/// A node of one of the tries.
#[derive(Clone, Debug)]
pub(super) enum Visited {
    /// One of which the hash is known, with the length of its RLP.
    Named(B256, usize),
    Account(Arc<Node<Account>>),
    Slot(Arc<Node<Slot>>),
}

/// What was used, by hash, in the order of access.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used {
    pub(crate) nodes: Vec<(B256, Bytes)>,
    pub(crate) codes: Vec<(B256, Bytes)>,
}

impl Used {
    /// All of it.
    pub(crate) fn items(&self) -> Items<'_> {
        Items {
            nodes: self.nodes.iter().map(|(_, node)| &node[..]).collect(),
            codes: self.codes.iter().map(|(_, code)| &code[..]).collect(),
        }
    }
}

impl Meter {
    /// Counts nothing, as for system calls and credits.
    pub(crate) fn off() -> Self {
        Self {
            codes: B256Set::default(),
            code_bytes: 0,
            nodes: Counted::Off,
            limit: None,
            kept: None,
        }
    }

    /// Counts, without a limit until [`Meter::enforce`].
    pub(crate) fn counting() -> Self {
        Self { nodes: Counted::Bound { bytes: 0, visited: Vec::with_capacity(64) }, ..Self::off() }
    }

    /// Counts, and keeps what is used for [`Meter::take_used`].
    pub(crate) fn keeping() -> Self {
        Self {
            nodes: Counted::Exact { bytes: 0, nodes: B256Set::default() },
            kept: Some(Used::default()),
            ..Self::off()
        }
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

    /// A node is visited that is named by its hash and has this RLP.
    pub(super) fn named(&mut self, hash: B256, rlp: &[u8]) -> Result<(), TrieError> {
        match &self.nodes {
            Counted::Off => return Ok(()),
            Counted::Bound { .. } => {
                let len = rlp.len();
                self.remember(len, Visited::Named(hash, len), Place::Root);
            }
            Counted::Exact { .. } => self.count(hash, rlp.len(), || Bytes::copy_from_slice(rlp)),
        }
        self.check()
    }

    /// A node in memory is visited.
    pub(super) fn node<V: Value>(
        &mut self,
        node: &Arc<Node<V>>,
        place: Place,
        visited: impl FnOnce(Arc<Node<V>>) -> Visited,
    ) -> Result<(), TrieError> {
        let len = node.rlp_len();
        if place == Place::Inner && node.is_short() {
            return Ok(()); // a part of its parent
        }
        match &self.nodes {
            Counted::Off => return Ok(()),
            Counted::Bound { .. } => self.remember(len, visited(Arc::clone(node)), place),
            Counted::Exact { .. } => {
                if let Some(hash) = place.name(node) {
                    self.count(hash, len, || node.rlp().into());
                }
            }
        }
        self.check()
    }

    /// Adds to the upper bound.
    fn remember(&mut self, len: usize, node: Visited, place: Place) {
        let Counted::Bound { bytes, visited } = &mut self.nodes else {
            return;
        };
        *bytes = bytes.saturating_add(length(len));
        visited.push((node, place));
        if visited.len() >= MOST_VISITS {
            self.count_exactly();
        }
    }

    pub(crate) fn code(&mut self, hash: B256, code: &Bytes) -> Result<(), TrieError> {
        if matches!(self.nodes, Counted::Off) || !self.codes.insert(hash) {
            return Ok(());
        }
        self.code_bytes = self.code_bytes.saturating_add(length(code.len()));
        if let Some(used) = &mut self.kept {
            used.codes.push((hash, code.clone()));
        }
        self.check()
    }

    fn check(&mut self) -> Result<(), TrieError> {
        let Some(limit) = self.limit else {
            return Ok(());
        };
        if self.bytes() > limit {
            self.count_exactly();
            if self.bytes() > limit {
                return Err(TrieError::Exhausted);
            }
        }
        Ok(())
    }

    /// How often a node was visited; none when they are counted exactly.
    #[cfg(test)]
    pub(super) fn visits(&self) -> Option<usize> {
        match &self.nodes {
            Counted::Bound { visited, .. } => Some(visited.len()),
            _ => None,
        }
    }

    fn bytes(&self) -> u64 {
        let nodes = match &self.nodes {
            Counted::Off => 0,
            Counted::Bound { bytes, .. } | Counted::Exact { bytes, .. } => *bytes,
        };
        nodes.saturating_add(self.code_bytes)
    }

    /// Counts what was visited so far, and from now on, by the hashes.
    fn count_exactly(&mut self) {
        let Counted::Bound { visited, .. } = &mut self.nodes else {
            return;
        };
        let visited = std::mem::take(visited);
        self.nodes = Counted::Exact { bytes: 0, nodes: B256Set::default() };
        for (node, place) in &visited {
            if let Some(hash) = node.name(*place) {
                // What is kept is counted exactly from the beginning: this is not.
                self.count(hash, node.rlp_len(), Bytes::new);
            }
        }
    }

    fn count(&mut self, hash: B256, len: usize, rlp: impl FnOnce() -> Bytes) {
        let Counted::Exact { bytes, nodes } = &mut self.nodes else {
            return;
        };
        if !nodes.insert(hash) {
            return;
        }
        *bytes = bytes.saturating_add(length(len));
        if let Some(used) = &mut self.kept {
            used.nodes.push((hash, rlp()));
        }
    }
}

impl Visited {
    fn name(&self, place: Place) -> Option<B256> {
        match self {
            Self::Named(hash, _) => Some(*hash),
            Self::Account(node) => place.name(node),
            Self::Slot(node) => place.name(node),
        }
    }

    fn rlp_len(&self) -> usize {
        match self {
            Self::Named(_, len) => *len,
            Self::Account(node) => node.rlp_len(),
            Self::Slot(node) => node.rlp_len(),
        }
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
