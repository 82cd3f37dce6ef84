use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{Encodable, Header};

use crate::{
    error::StateError,
    evm::Used,
    state::{Account, Code, Slot, Source},
    trie::{Node, TrieError, Value},
};

/// Bytes that a witness has at least for each of its items. Those of a true one have more: a node shorter than 32 bytes is
/// a part of its parent (a root holds a whole key), and a code comes with the leaf of an account that has it.
pub(crate) const BYTES_PER_ITEM: usize = 32;

/// The part of a state that proves a piece of a block: trie nodes and codes, found by their hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// RLP of trie nodes, of the account trie and of storage tries.
    pub nodes: Vec<Bytes>,
    /// Contract codes.
    pub codes: Vec<Bytes>,
}

impl Witness {
    /// `rlp([[node...],[code...]])`.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let payload_length = self.nodes.length().saturating_add(self.codes.length());
        let header = Header { list: true, payload_length };
        let mut out = Vec::with_capacity(payload_length.saturating_add(header.length()));
        header.encode(&mut out);
        self.nodes.encode(&mut out);
        self.codes.encode(&mut out);
        out.into()
    }

    /// Reads `rlp([[node...],[code...]])`, canonical and without trailing bytes. What the items hold is not looked at. There
    /// is at most one for every 32 bytes: each is hashed, and that is paid for by the byte.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, alloy_rlp::Error> {
        let mut rest = bytes;
        let mut payload = Header::decode_bytes(&mut rest, true)?;
        let mut left = bytes.len() / BYTES_PER_ITEM;
        let nodes = items(&mut payload, &mut left)?;
        let codes = items(&mut payload, &mut left)?;
        if !rest.is_empty() || !payload.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength);
        }
        Ok(Self { nodes, codes })
    }
}

/// A list of at most `left` strings.
fn items(bytes: &mut &[u8], left: &mut usize) -> Result<Vec<Bytes>, alloy_rlp::Error> {
    let mut list = Header::decode_bytes(bytes, true)?;
    let mut items = Vec::new();
    while !list.is_empty() {
        *left = left.checked_sub(1).ok_or(alloy_rlp::Error::Custom("too many items"))?;
        items.push(Bytes::copy_from_slice(Header::decode_bytes(&mut list, false)?));
    }
    Ok(items)
}

/// A witness by hash. Remembers what was asked for: a run that ends well needed exactly that.
#[derive(Debug, Default)]
pub(crate) struct WitnessSource {
    nodes: HashMap<B256, Bytes>,
    codes: HashMap<B256, Bytes>,
    accounts: HashMap<B256, Arc<Node<Account>>>,
    slots: HashMap<B256, Arc<Node<Slot>>>,
    // Thousands of accounts can have one code: it is analysed, and held, once.
    analysed: HashMap<B256, Code>,
    asked_nodes: HashSet<B256>,
    asked_codes: HashSet<B256>,
}

impl WitnessSource {
    pub(crate) fn new(witness: Witness) -> Self {
        Self { nodes: by_hash(witness.nodes), codes: by_hash(witness.codes), ..Self::default() }
    }

    /// What of `used` was asked for, each once, in the order of use.
    pub(crate) fn needed(self, used: Used) -> Witness {
        Witness {
            nodes: take(used.nodes, self.asked_nodes),
            codes: take(used.codes, self.asked_codes),
        }
    }
}

fn take(items: Vec<(B256, Bytes)>, mut asked: HashSet<B256>) -> Vec<Bytes> {
    items.into_iter().filter(|(hash, _)| asked.remove(hash)).map(|(_, item)| item).collect()
}

fn by_hash(items: Vec<Bytes>) -> HashMap<B256, Bytes> {
    items.into_iter().map(|item| (keccak256(&item), item)).collect()
}

fn node<V: Value>(
    raw: &HashMap<B256, Bytes>,
    decoded: &mut HashMap<B256, Arc<Node<V>>>,
    hash: B256,
) -> Result<Arc<Node<V>>, TrieError> {
    if let Some(node) = decoded.get(&hash) {
        return Ok(Arc::clone(node));
    }
    let rlp = raw.get(&hash).ok_or(TrieError::Missing(hash))?;
    let node = Arc::new(Node::decode(hash, rlp)?);
    decoded.insert(hash, Arc::clone(&node));
    Ok(node)
}

impl Source for WitnessSource {
    fn account_node(&mut self, hash: B256) -> Result<Arc<Node<Account>>, TrieError> {
        self.asked_nodes.insert(hash);
        node(&self.nodes, &mut self.accounts, hash)
    }

    fn slot_node(&mut self, hash: B256) -> Result<Arc<Node<Slot>>, TrieError> {
        self.asked_nodes.insert(hash);
        node(&self.nodes, &mut self.slots, hash)
    }

    fn code(&mut self, hash: B256) -> Result<Code, StateError> {
        self.asked_codes.insert(hash);
        if let Some(code) = self.analysed.get(&hash) {
            return Ok(code.clone());
        }
        let raw = self.codes.get(&hash).ok_or(StateError::MissingCode(hash))?;
        let code = Code::new(raw.clone());
        self.analysed.insert(hash, code.clone());
        Ok(code)
    }
}
