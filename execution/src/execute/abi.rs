//! The canonical ABI encoding, read word by word in its order: any other encoding of the same values is refused on the way,
//! without being encoded again, and nothing is copied.

use alloy_primitives::{Address, B256, U256};

/// Bytes of an ABI word.
const WORD: usize = 32;

/// A tuple or array as the encoder writes it: its head, then what the head points to, in order and without gaps. `None` is
/// what no encoder writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoding<'a> {
    /// Where its offsets count from.
    start: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Encoding<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { start: bytes, rest: bytes }
    }

    /// What comes next, as a tuple or array of its own.
    pub(super) fn inner(self) -> Self {
        Self::new(self.rest)
    }

    /// Nothing comes next.
    pub(super) fn end(self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    /// What an offset in the head points to comes next.
    pub(super) fn is_at(self, offset: usize) -> Option<()> {
        (self.start.len().checked_sub(self.rest.len()) == Some(offset)).then_some(())
    }

    fn word(&mut self) -> Option<&'a [u8; WORD]> {
        let (word, rest) = self.rest.split_first_chunk::<WORD>()?;
        self.rest = rest;
        Some(word)
    }

    /// The last bytes of a word, of which the others are zero.
    fn low<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (zeros, low) = self.word()?.split_last_chunk::<N>()?;
        zeros.iter().all(|byte| *byte == 0).then_some(*low)
    }

    pub(super) fn uint256(&mut self) -> Option<U256> {
        self.word().map(|word| U256::from_be_bytes(*word))
    }

    pub(super) fn uint64(&mut self) -> Option<u64> {
        self.low().map(u64::from_be_bytes)
    }

    pub(super) fn uint32(&mut self) -> Option<u32> {
        self.low().map(u32::from_be_bytes)
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.low()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    pub(super) fn address(&mut self) -> Option<Address> {
        self.low::<20>().map(Address::from)
    }

    pub(super) fn bytes32(&mut self) -> Option<B256> {
        self.word().map(B256::from)
    }

    /// A length, or an offset that [`Encoding::is_at`] is asked about.
    pub(super) fn length(&mut self) -> Option<usize> {
        usize::try_from(self.uint64()?).ok()
    }

    /// `bytes`: the length, the bytes, zeros up to a whole word.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.length()?;
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        let (zeros, rest) = rest.split_at_checked(len.wrapping_neg() % WORD)?;
        self.rest = rest;
        zeros.iter().all(|byte| *byte == 0).then_some(bytes)
    }

    /// An array of items of a fixed size.
    pub(super) fn array<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let len = self.length()?;
        (0..len).map(|_| item(self)).collect()
    }

    /// `bytes[]`: the length, an offset for each, then each.
    pub(super) fn bytes_array(&mut self) -> Option<Vec<&'a [u8]>> {
        let len = self.length()?;
        let mut offsets = self.inner();
        let mut items = offsets;
        (_, items.rest) = items.rest.split_at_checked(len.checked_mul(WORD)?)?;
        let mut all = Vec::with_capacity(len);
        for _ in 0..len {
            items.is_at(offsets.length()?)?;
            all.push(items.bytes()?);
        }
        self.rest = items.rest;
        Some(all)
    }
}
