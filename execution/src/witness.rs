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

/// Most of an item's bytes: a branch of a large trie has 532.
const USUAL_ITEM: usize = 512;

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
        let copies = |items: Vec<&[u8]>| items.into_iter().map(Bytes::copy_from_slice).collect();
        Items::decode(bytes)
            .map(|Items { nodes, codes }| Self { nodes: copies(nodes), codes: copies(codes) })
    }

    /// Its items, where they lie.
    pub(crate) fn items(&self) -> Items<'_> {
        Items {
            nodes: self.nodes.iter().map(|node| &node[..]).collect(),
            codes: self.codes.iter().map(|code| &code[..]).collect(),
        }
    }
}

/// A [`Witness`] of which the items lie where they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Items<'a> {
    pub(crate) nodes: Vec<&'a [u8]>,
    pub(crate) codes: Vec<&'a [u8]>,
}

impl<'a> Items<'a> {
    /// As [`Witness::decode`].
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, alloy_rlp::Error> {
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
fn items<'a>(bytes: &mut &'a [u8], left: &mut usize) -> Result<Vec<&'a [u8]>, alloy_rlp::Error> {
    let mut list = Header::decode_bytes(bytes, true)?;
    let mut items = Vec::with_capacity(list.len() / USUAL_ITEM);
    while !list.is_empty() {
        *left = left.checked_sub(1).ok_or(alloy_rlp::Error::Custom("too many items"))?;
        items.push(Header::decode_bytes(&mut list, false)?);
    }
    Ok(items)
}

/// A witness by hash. Remembers what was asked for: a run that ends well needed exactly that.
#[derive(Debug, Default)]
pub(crate) struct WitnessSource<'a> {
    nodes: B256Map<Item<'a>>,
    codes: B256Map<CodeItem<'a>>,
}

/// The RLP of a node, and whether it was asked for (thus checked) as one of the account trie, of a storage trie, or both.
#[derive(Debug)]
struct Item<'a> {
    rlp: &'a [u8],
    account: bool,
    slot: bool,
}

/// A code, analysed as soon as it is asked for.
#[derive(Debug)]
struct CodeItem<'a> {
    bytes: &'a [u8],
    code: Option<Code>,
}

impl<'a> WitnessSource<'a> {
    pub(crate) fn new(witness: &Items<'a>) -> Self {
        let Items { nodes, codes } = witness;
        let items: Vec<&[u8]> = nodes.iter().chain(codes).copied().collect();
        let mut node_hashes = keccak256_all(&items);
        let code_hashes = node_hashes.split_off(nodes.len());
        let nodes = node_hashes
            .into_iter()
            .zip(nodes)
            .map(|(hash, rlp)| (hash, Item { rlp, account: false, slot: false }))
            .collect();
        let codes = code_hashes
            .into_iter()
            .zip(codes)
            .map(|(hash, bytes)| (hash, CodeItem { bytes, code: None }))
            .collect();
        Self { nodes, codes }
    }

    /// What of `used` was asked for, each once, in the order of use.
    pub(crate) fn needed(mut self, used: &Used) -> Witness {
        let node = |(hash, rlp): &(B256, Bytes)| {
            let item = self.nodes.remove(hash)?;
            (item.account || item.slot).then(|| rlp.clone())
        };
        let nodes = used.nodes.iter().filter_map(node).collect();
        let code = |(hash, bytes): &(B256, Bytes)| {
            let item = self.codes.remove(hash)?;
            item.code.is_some().then(|| bytes.clone())
        };
        let codes = used.codes.iter().filter_map(code).collect();
        Witness { nodes, codes }
    }
}

/// `rlp`, checked the first time.
fn node<'a, V: Value>(checked: &mut bool, rlp: &'a [u8]) -> Result<&'a [u8], TrieError> {
    if !*checked {
        Node::<V>::check(rlp)?;
        *checked = true;
    }
    Ok(rlp)
}

impl Source for WitnessSource<'_> {
    fn account_node(&mut self, hash: B256) -> Result<&[u8], TrieError> {
        let Item { rlp, account, .. } =
            self.nodes.get_mut(&hash).ok_or(TrieError::Missing(hash))?;
        node::<Account>(account, rlp)
    }

    fn slot_node(&mut self, hash: B256) -> Result<&[u8], TrieError> {
        let Item { rlp, slot, .. } = self.nodes.get_mut(&hash).ok_or(TrieError::Missing(hash))?;
        node::<Slot>(slot, rlp)
    }

    fn code(&mut self, hash: B256) -> Result<Code, StateError> {
        let item = self.codes.get_mut(&hash).ok_or(StateError::MissingCode(hash))?;
        Ok(item.code.get_or_insert_with(|| Code::new(Bytes::copy_from_slice(item.bytes))).clone())
    }
}
