use alloy_primitives::{Address, U256};

/// Bytes of an ABI word.
const WORD: usize = 32;
/// Words of `BlockContext`, which has no dynamic part.
const CONTEXT_WORDS: usize = 7;
/// Where the fields of `Trace` stand in its head, in words.
const OPENS: usize = CONTEXT_WORDS;
const CREDITS: usize = CONTEXT_WORDS + 4;
const TRANSACTIONS: usize = CONTEXT_WORDS + 8;
const POINTERS: usize = CONTEXT_WORDS + 11;
/// Bytes of one credit.
const CREDIT_BYTES: usize = 2 * WORD;

/// What `EXECUTE` charges for besides bytes and gas, as far as a trace decodes: a malformed one is charged for what its
/// well-formed part holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceShape {
    /// Whether it opens its block.
    pub opens: bool,
    /// Transactions.
    pub transactions: u64,
    /// Credits.
    pub credits: u64,
    /// Addresses whose code is appended to the witness.
    pub pointers: Vec<Address>,
}

impl TraceShape {
    /// Reads what it can of `abi.encode(Trace)`. Each array counts up to its first element that is cut or malformed.
    #[must_use]
    pub fn of(trace: &[u8]) -> Self {
        let Some(head) = offset(trace, 0).and_then(|at| trace.get(at..)) else {
            return Self::default();
        };
        Self {
            opens: word(head, OPENS.saturating_mul(WORD)).is_some_and(|word| !word.is_zero()),
            transactions: count(transactions(head)),
            credits: count(credits(head)),
            pointers: pointers(head).collect(),
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.fold(0, |count, _| count.saturating_add(1))
}

fn transactions(head: &[u8]) -> impl Iterator<Item = ()> {
    let (len, tail) = array(head, TRANSACTIONS);
    (0..len).map_while(move |index| {
        let at = offset(tail, index.checked_mul(WORD)?)?;
        let bytes = offset(tail, at)?;
        let start = at.checked_add(WORD)?;
        tail.get(start..start.checked_add(bytes)?).map(|_| ())
    })
}

fn credits(head: &[u8]) -> impl Iterator<Item = ()> {
    let (len, tail) = array(head, CREDITS);
    (0..len).map_while(move |index| {
        let start = index.checked_mul(CREDIT_BYTES)?;
        address(word(tail, start)?)?;
        let gwei = word(tail, start.checked_add(WORD)?)?;
        u64::try_from(gwei).ok().map(|_| ())
    })
}

fn pointers(head: &[u8]) -> impl Iterator<Item = Address> {
    let (len, tail) = array(head, POINTERS);
    (0..len).map_while(move |index| address(word(tail, index.checked_mul(WORD)?)?))
}

/// The length of a dynamic array whose offset stands at word `field`, and what follows that length.
fn array(head: &[u8], field: usize) -> (usize, &[u8]) {
    let start = offset(head, field.saturating_mul(WORD));
    let found = start.and_then(|start| {
        let len = offset(head, start)?;
        Some((len, head.get(start.checked_add(WORD)?..)?))
    });
    found.unwrap_or_default()
}

fn word(bytes: &[u8], at: usize) -> Option<U256> {
    let word = bytes.get(at..at.checked_add(WORD)?)?;
    U256::try_from_be_slice(word)
}

fn offset(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(word(bytes, at)?).ok()
}

fn address(word: U256) -> Option<Address> {
    let bytes = word.to_be_bytes::<WORD>();
    let (padding, address) = bytes.split_at(12);
    padding.iter().all(|byte| *byte == 0).then(|| Address::from_slice(address))
}
