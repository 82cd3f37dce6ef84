use std::sync::Arc;

use alloy_primitives::{B256, Bytes, map::B256Map};
use alloy_rlp::{Encodable, Header};

use crate::{
    error::StateError,
    evm::Used,
    keccak::keccak256_all,
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
        Self::decode_shared(&Bytes::copy_from_slice(bytes))
    }

    /// [`Witness::decode`], of which the items are parts of `bytes`, not copies.
    ///
    /// # Errors
    /// As [`Witness::decode`].
    pub fn decode_shared(bytes: &Bytes) -> Result<Self, alloy_rlp::Error> {
        let mut rest: &[u8] = bytes;
        let mut payload = Header::decode_bytes(&mut rest, true)?;
        let mut left = bytes.len() / BYTES_PER_ITEM;
        let nodes = items(bytes, &mut payload, &mut left)?;
        let codes = items(bytes, &mut payload, &mut left)?;
        if !rest.is_empty() || !payload.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength);
        }
        Ok(Self { nodes, codes })
    }
}

/// A list of at most `left` strings, parts of `all`.
fn items(all: &Bytes, bytes: &mut &[u8], left: &mut usize) -> Result<Vec<Bytes>, alloy_rlp::Error> {
    let mut list = Header::decode_bytes(bytes, true)?;
    let mut items = Vec::new();
    while !list.is_empty() {
        *left = left.checked_sub(1).ok_or(alloy_rlp::Error::Custom("too many items"))?;
        items.push(all.slice_ref(Header::decode_bytes(&mut list, false)?));
    }
    Ok(items)
}

/// A witness by hash. Remembers what was asked for: a run that ends well needed exactly that.
#[derive(Debug, Default)]
pub(crate) struct WitnessSource {
    nodes: B256Map<Item>,
    codes: B256Map<CodeItem>,
}

/// The RLP of a node, and the node as soon as it is asked for: as one of the account trie, of a storage trie, or both.
#[derive(Debug)]
struct Item {
    rlp: Bytes,
    account: Option<Arc<Node<Account>>>,
    slot: Option<Arc<Node<Slot>>>,
}

/// A code, analysed as soon as it is asked for.
#[derive(Debug)]
struct CodeItem {
    bytes: Bytes,
    code: Option<Code>,
}

impl WitnessSource {
    pub(crate) fn new(witness: Witness) -> Self {
        let Witness { nodes, codes } = witness;
        let items: Vec<&[u8]> = nodes.iter().chain(&codes).map(|item| item.as_ref()).collect();
        let mut node_hashes = keccak256_all(&items);
        let code_hashes = node_hashes.split_off(nodes.len());
        let nodes = node_hashes
            .into_iter()
            .zip(nodes)
            .map(|(hash, rlp)| (hash, Item { rlp, account: None, slot: None }))
            .collect();
        let codes = code_hashes
            .into_iter()
            .zip(codes)
            .map(|(hash, bytes)| (hash, CodeItem { bytes, code: None }))
            .collect();
        Self { nodes, codes }
    }

    /// What of `used` was asked for, each once, in the order of use.
    pub(crate) fn needed(mut self, used: Used) -> Witness {
        let node = |hash: &B256| {
            let item = self.nodes.remove(hash)?;
            (item.account.is_some() || item.slot.is_some()).then_some(item.rlp)
        };
        let nodes = used.nodes.iter().map(|(hash, _)| hash).filter_map(node).collect();
        let code = |hash: &B256| {
            let item = self.codes.remove(hash)?;
            item.code.is_some().then_some(item.bytes)
        };
        let codes = used.codes.iter().map(|(hash, _)| hash).filter_map(code).collect();
        Witness { nodes, codes }
    }
}

/// The node in `kept`, read from `rlp` the first time.
fn node<V: Value>(
    kept: &mut Option<Arc<Node<V>>>,
    hash: B256,
    rlp: &[u8],
) -> Result<Arc<Node<V>>, TrieError> {
    if let Some(node) = kept {
        return Ok(Arc::clone(node));
    }
    let node = Arc::new(Node::decode(hash, rlp)?);
    *kept = Some(Arc::clone(&node));
    Ok(node)
}

impl Source for WitnessSource {
    fn account_node(&mut self, hash: B256) -> Result<Arc<Node<Account>>, TrieError> {
        let Item { rlp, account, .. } =
            self.nodes.get_mut(&hash).ok_or(TrieError::Missing(hash))?;
        node(account, hash, rlp)
    }

    fn slot_node(&mut self, hash: B256) -> Result<Arc<Node<Slot>>, TrieError> {
        let Item { rlp, slot, .. } = self.nodes.get_mut(&hash).ok_or(TrieError::Missing(hash))?;
        node(slot, hash, rlp)
    }

    fn code(&mut self, hash: B256) -> Result<Code, StateError> {
        let item = self.codes.get_mut(&hash).ok_or(StateError::MissingCode(hash))?;
        Ok(item.code.get_or_insert_with(|| Code::new(item.bytes.clone())).clone())
    }
}
