//! Bytes that are almost what they should be.

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, U256, keccak256, uint};
use alloy_rlp::Header;
use alloy_sol_types::SolValue;
use alloy_trie::EMPTY_ROOT_HASH;
use eyre::OptionExt;
use recourse_execution::Witness;
use recourse_protocol::bindings::Trace;

/// Where words of a trace stand, from its beginning.
const HEAD: usize = 32;

/// Fields of the head with a tail.
const CREDITS: usize = 11;
const TRANSACTIONS: usize = 15;
const WITNESS: usize = 17;
const POINTERS: usize = 18;
pub(crate) const TWO_64: U256 = uint!(0x1_0000_0000_0000_0000_U256);

/// A name, a description, the bytes.
type Bad = (&'static str, &'static str, Bytes);

fn place(field: usize) -> usize {
    field.saturating_mul(32).saturating_add(HEAD)
}

/// `bytes` with another word at `at`.
fn put(bytes: &[u8], at: usize, word: U256) -> eyre::Result<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let range = at..at.saturating_add(32);
    let place = bytes.get_mut(range).ok_or_eyre("a word is out of bounds")?;
    place.copy_from_slice(&word.to_be_bytes::<32>());
    Ok(bytes)
}

fn read(bytes: &[u8], at: usize) -> eyre::Result<usize> {
    let word = bytes.get(at..at.saturating_add(32)).ok_or_eyre("a word is out of bounds")?;
    Ok(usize::try_from(U256::from_be_slice(word))?)
}

/// Encodings of `trace`, which has two transactions and a credit, that are not the one that counts.
pub(crate) fn not_canonical(trace: &Trace) -> eyre::Result<Vec<Bad>> {
    let good = trace.abi_encode();
    let mut all = lengths(&good)?;
    all.extend(widths(&good)?);
    all.extend(arrays(&good)?);
    Ok(all)
}

/// Where the tail of a field begins: with its length.
fn tail(good: &[u8], field: usize) -> eyre::Result<usize> {
    Ok(HEAD.saturating_add(read(good, place(field))?))
}

fn lengths(good: &[u8]) -> eyre::Result<Vec<Bad>> {
    let cut = good.get(..good.len().saturating_sub(32)).unwrap_or_default();
    let witness = tail(good, WITNESS)?;
    let padding = witness.saturating_add(32).saturating_add(read(good, witness)?);
    let mut dirty = good.to_vec();
    *dirty.get_mut(padding).ok_or_eyre("no padding")? = 1;
    Ok(vec![
        ("empty", "no bytes", Bytes::new()),
        ("trailing", "a word behind it", [good, &[0; 32]].concat().into()),
        ("cut", "the last word is missing, the length of the pointers", cut.to_vec().into()),
        ("dirty-padding", "a byte of padding behind the witness is not zero", dirty.into()),
    ])
}

fn widths(good: &[u8]) -> eyre::Result<Vec<Bad>> {
    let credit = tail(good, CREDITS)?.saturating_add(32);
    let gwei = credit.saturating_add(32);
    let changes = [
        ("head-offset", "the offset of the trace itself is 64", 0, U256::from(64)),
        ("no-head", "the offset of the trace itself is 2^64", 0, TWO_64),
        ("dirty-bool", "opens is 2: still paid for as an opening", place(7), U256::from(2)),
        ("dirty-address", "a credit's address is wider than 160 bits", credit, U256::MAX),
        ("dirty-gwei", "a credit's amount is 2^64", gwei, TWO_64),
        ("wide-gas", "gasUsedBefore is 2^64", place(12), TWO_64),
        ("wide-limit", "maxWitnessBytes is 2^32", place(16), U256::from(1_u64 << 32)),
    ];
    with_words(good, changes)
}

fn arrays(good: &[u8]) -> eyre::Result<Vec<Bad>> {
    let array = tail(good, TRANSACTIONS)?;
    let first = array.saturating_add(32);
    let (second, at) = (first.saturating_add(32), read(good, first)?);
    let item = first.saturating_add(at);
    let whole = U256::from(good.len());
    let behind = good.len().saturating_sub(item).saturating_sub(32);
    let room = |more: usize| U256::from(behind.saturating_add(more));
    let changes = [
        ("shared", "two transactions name the same bytes", second, U256::from(at)),
        ("huge-array", "2^64 transactions: none is counted", array, TWO_64),
        (
            "long-array",
            "2^64 - 1 transactions: those there are counted",
            array,
            U256::from(u64::MAX),
        ),
        (
            "long-item",
            "the first transaction is longer than the trace: none is counted",
            item,
            whole,
        ),
        (
            "long-item-by-one",
            "it is one byte longer than what there is: none is counted",
            item,
            room(1),
        ),
        (
            "long-item-fits",
            "it takes all that there is: it is counted, and the second one",
            item,
            room(0),
        ),
        ("far-pointers", "the pointers lie outside", place(POINTERS), whole),
    ];
    with_words(good, changes)
}

fn with_words<const N: usize>(
    good: &[u8],
    changes: [(&'static str, &'static str, usize, U256); N],
) -> eyre::Result<Vec<Bad>> {
    let change = |(name, what, at, word)| Ok((name, what, put(good, at, word)?.into()));
    changes.into_iter().map(change).collect()
}

/// What is not `rlp([[node...],[code...]])`.
pub(crate) fn no_witness(good: &Witness) -> Vec<Bad> {
    let encoded = good.encode();
    let short = Witness { nodes: vec![Bytes::new(); 100], ..good.clone() };
    let one_list = alloy_rlp::encode(vec![good.nodes.clone()]);
    let three = alloy_rlp::encode(vec![Vec::<Bytes>::new(); 3]);
    let string = alloy_rlp::encode(&encoded);
    let nested = alloy_rlp::encode(vec![vec![good.nodes.clone()], vec![]]);
    vec![
        ("w-empty", "no bytes", Bytes::new()),
        ("w-trailing", "a byte behind it", [&encoded[..], &[0]].concat().into()),
        ("w-cut", "the last byte is missing", encoded.slice(..encoded.len().saturating_sub(1))),
        ("w-one-list", "no list of codes", one_list.into()),
        ("w-three-lists", "three lists", three.into()),
        ("w-string", "a string that holds the witness", string.into()),
        ("w-nested", "a list where a node belongs", nested.into()),
        ("w-length", "the length of the outer list has a leading zero", long_length(&encoded)),
        (
            "w-form",
            "an empty witness with a length of two bytes",
            Bytes::from_static(&[0xf8, 2, 0xc0, 0xc0]),
        ),
        ("w-byte", "a node of one byte below 0x80, with a length", with_byte(good)),
        ("w-many", "more than one item for every 32 bytes", short.encode()),
        ("w-one-more", "one item more than one for every 32 bytes", crowded(good, 1)),
    ]
}

/// `0xf8 ll ...` as `0xf9 00 ll ...`.
fn long_length(encoded: &[u8]) -> Bytes {
    [&[0xf9, 0x00], encoded.get(1..).unwrap_or_default()].concat().into()
}

/// A code 0x07 written as `0x81 07`.
fn with_byte(good: &Witness) -> Bytes {
    let codes = list(&[0x81, 7]);
    list(&[alloy_rlp::encode(&good.nodes), codes].concat()).into()
}

/// An RLP list of what is encoded already.
pub(crate) fn list(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend_from_slice(payload);
    out
}

/// With a long code, as many empty ones as there may be, and `more`.
pub(crate) fn crowded(good: &Witness, more: usize) -> Bytes {
    let with = |empty: usize| {
        let mut codes = vec![Bytes::from(vec![0; 1_000])];
        codes.resize(empty.saturating_add(1), Bytes::new());
        Witness { codes, ..good.clone() }.encode()
    };
    let items = |empty: usize| good.nodes.len().saturating_add(empty).saturating_add(1);
    let most = (0..100).take_while(|empty| items(*empty) <= with(*empty).len() / 32).last();
    with(most.unwrap_or_default().saturating_add(more))
}

pub(crate) fn flip_last(item: &[u8]) -> Bytes {
    let mut item = item.to_vec();
    if let Some(last) = item.last_mut() {
        *last ^= 1;
    }
    item.into()
}

/// Roots with the bytes behind them, which are no trie nodes. Any byte string is found by its hash.
pub(crate) fn no_nodes() -> Vec<(&'static str, &'static str, B256, Bytes)> {
    let (hash, path) = (vec![7_u8; 32], vec![0x20_u8]);
    let strings = |items: &[&[u8]]| {
        let items: Vec<_> = items.iter().map(|item| Bytes::copy_from_slice(item)).collect();
        alloy_rlp::encode(items)
    };
    let branch = |child: &[u8]| {
        let mut items = vec![&[][..]; 17];
        if let Some(first) = items.first_mut() {
            *first = child;
        }
        strings(&items)
    };
    let account = strings(&[&[], &[1], EMPTY_ROOT_HASH.as_slice(), KECCAK256_EMPTY.as_slice()]);
    let padded = strings(&[&[0, 1], &[1], EMPTY_ROOT_HASH.as_slice(), KECCAK256_EMPTY.as_slice()]);
    let no_code_hash = strings(&[&[], &[1], EMPTY_ROOT_HASH.as_slice(), &[0; 32]]);
    let bad: [(&str, &str, Vec<u8>); 10] = [
        ("n-string", "a string", alloy_rlp::encode(&hash[..])),
        ("n-items", "three items", strings(&[&path, &hash, &hash])),
        ("n-prefix", "a path whose first nibble is 4", strings(&[&[0x40], &account])),
        ("n-padding", "an even path whose second nibble is not 0", strings(&[&[0x21], &account])),
        ("n-path", "a path of 65 nibbles", strings(&[&[&[0x31][..], &[0; 32]].concat(), &account])),
        ("n-leaf", "a leaf that holds no account", strings(&[&path, &hash])),
        ("n-account", "an account whose nonce has a leading zero", strings(&[&path, &padded])),
        ("n-code-hash", "an account whose code hash is zero", strings(&[&path, &no_code_hash])),
        ("n-extension", "an extension of no nibbles", strings(&[&[0x00], &hash])),
        ("n-reference", "a reference of 31 bytes", branch(hash.get(1..).unwrap_or_default())),
    ];
    bad.into_iter().map(|(name, what, node)| (name, what, keccak256(&node), node.into())).collect()
}
