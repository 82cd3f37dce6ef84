//! The tape: items in a blob's payload. Every byte string is a tape.

use std::iter;

use crate::PAYLOAD_BYTES;

/// Length of an OPEN item: kind, u64 timestamp, u32 view.
pub const OPEN_BYTES: usize = 13;
/// Length of a TX item before its transaction: kind, u24 length.
pub const TX_HEADER_BYTES: usize = 4;

const KIND_OPEN: u8 = 1;
const KIND_TX: u8 = 2;
const MAX_TX_BYTES: usize = PAYLOAD_BYTES - TX_HEADER_BYTES;

/// What stands at the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// End of this blob: the kind 0, an unknown kind, a cut item or the end of the payload.
    End {
        /// Bytes that show it: 0 at the payload's end, 4 for a TX whose body is cut, else 1.
        read: u32,
    },
    /// Start of a block.
    Open {
        /// Wanted timestamp, in seconds.
        timestamp: u64,
        /// Wanted view.
        view: u32,
    },
    /// A transaction in its EIP-2718 form, or anything else.
    Tx(&'a [u8]),
}

impl<'a> Item<'a> {
    fn transaction(self) -> Option<&'a [u8]> {
        match self {
            Self::Tx(raw) => Some(raw),
            _ => None,
        }
    }
}

/// Something does not fit the tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TapeError {
    /// A transaction that no blob can carry.
    #[error("a transaction of at most {expected} bytes fits a blob, got {got}")]
    TransactionTooLong {
        /// The limit.
        expected: usize,
        /// The length given.
        got: usize,
    },
    /// The item does not fit what is left of this blob: begin a new one.
    #[error("the item needs {expected} bytes, {got} are left in this blob")]
    BlobFull {
        /// Length of the item.
        expected: usize,
        /// Bytes left.
        got: usize,
    },
}

/// Reads the item at `offset`. Total: whatever is no whole item is an end.
#[must_use]
pub fn read_item(payload: &[u8], offset: u32) -> Item<'_> {
    let Some(rest) = usize::try_from(offset).ok().and_then(|at| payload.get(at..)) else {
        return Item::End { read: 0 };
    };
    match rest.first() {
        None => Item::End { read: 0 },
        Some(&KIND_OPEN) => read_open(rest),
        Some(&KIND_TX) => read_tx(rest),
        Some(_) => Item::End { read: 1 },
    }
}

/// The transactions that stand at `offset` and right behind each other, up to the next item of another kind. None when the
/// item there is no transaction.
#[must_use]
pub fn transactions_at(payload: &[u8], offset: u32) -> Vec<&[u8]> {
    items(payload, offset).map_while(Item::transaction).collect()
}

/// All transactions of a blob, whatever blocks they are in, and whether they will run or not.
#[must_use]
pub fn transactions(payload: &[u8]) -> Vec<&[u8]> {
    items(payload, 0).filter_map(Item::transaction).collect()
}

/// The items from `offset` on, up to the end.
fn items(payload: &[u8], offset: u32) -> impl Iterator<Item = Item<'_>> {
    let mut at = offset;
    iter::from_fn(move || {
        let item = read_item(payload, at);
        let len = match &item {
            Item::End { .. } => return None,
            Item::Open { .. } => OPEN_BYTES,
            Item::Tx(raw) => TX_HEADER_BYTES.saturating_add(raw.len()),
        };
        at = u32::try_from(len).map_or(u32::MAX, |len| at.saturating_add(len));
        Some(item)
    })
}

fn read_open(rest: &[u8]) -> Item<'_> {
    let Some((_, body)) = rest.get(..OPEN_BYTES).and_then(|item| item.split_first()) else {
        return Item::End { read: 1 };
    };
    let Some((timestamp, view)) = body.split_first_chunk::<8>() else {
        return Item::End { read: 1 };
    };
    let Some(view) = view.first_chunk::<4>() else { return Item::End { read: 1 } };
    Item::Open { timestamp: u64::from_be_bytes(*timestamp), view: u32::from_be_bytes(*view) }
}

fn read_tx(rest: &[u8]) -> Item<'_> {
    let Some(&[_, a, b, c]) = rest.first_chunk::<TX_HEADER_BYTES>() else {
        return Item::End { read: 1 };
    };
    let len = u32::from_be_bytes([0, a, b, c]) as usize;
    match rest.get(TX_HEADER_BYTES..TX_HEADER_BYTES.saturating_add(len)) {
        Some(raw) => Item::Tx(raw),
        None => Item::End { read: 4 },
    }
}

/// Writes items into one blob's payload.
#[derive(Debug, Clone, Default)]
pub struct TapeWriter(Vec<u8>);

impl TapeWriter {
    /// Bytes that are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        PAYLOAD_BYTES.saturating_sub(self.0.len())
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Starts a block.
    ///
    /// # Errors
    /// [`TapeError::BlobFull`]; nothing was written then.
    pub fn open(&mut self, timestamp: u64, view: u32) -> Result<(), TapeError> {
        self.need(OPEN_BYTES)?;
        self.0.push(KIND_OPEN);
        self.0.extend(timestamp.to_be_bytes());
        self.0.extend(view.to_be_bytes());
        Ok(())
    }

    /// Adds a transaction.
    ///
    /// # Errors
    /// [`TapeError`]; nothing was written then.
    pub fn tx(&mut self, raw: &[u8]) -> Result<(), TapeError> {
        let too_long = TapeError::TransactionTooLong { expected: MAX_TX_BYTES, got: raw.len() };
        if raw.len() > MAX_TX_BYTES {
            return Err(too_long);
        }
        let len = u32::try_from(raw.len()).map_err(|_| too_long)?;
        self.need(TX_HEADER_BYTES.saturating_add(raw.len()))?;
        self.0.push(KIND_TX);
        self.0.extend(len.to_be_bytes().iter().skip(1));
        self.0.extend(raw);
        Ok(())
    }

    /// The bytes written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    const fn need(&self, expected: usize) -> Result<(), TapeError> {
        let got = self.left();
        if expected > got { Err(TapeError::BlobFull { expected, got }) } else { Ok(()) }
    }
}
