//! Ways to spoil a witness. The program that runs the test vectors takes this file in by its path.

use alloy_primitives::Bytes;

/// What is done to one node or code of a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// It is there twice.
    Duplicate,
    /// It stands elsewhere.
    Move,
    /// It is gone.
    Drop,
    /// Its end is gone, by an amount that depends on its index.
    Truncate,
    /// One bit is flipped; which one depends on its index.
    Flip,
    /// Bytes follow it.
    Extend,
}

impl Spoil {
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Duplicate, Self::Move, Self::Drop, Self::Truncate, Self::Flip, Self::Extend];

    /// Whether all that was there still is.
    pub(crate) const fn is_harmless(self) -> bool {
        matches!(self, Self::Duplicate | Self::Move)
    }

    /// Does it to an item of a list; to nothing when there is no such item.
    pub(crate) fn apply(self, items: &mut Vec<Bytes>, index: usize) {
        let Some(item) = items.get(index).cloned() else { return };
        match self {
            Self::Duplicate => items.push(item),
            Self::Move => {
                items.remove(index);
                let opposite = items.len().saturating_sub(index);
                items.insert(opposite, item);
            }
            Self::Drop => drop(items.remove(index)),
            Self::Truncate => put(items, index, truncated(&item, index)),
            Self::Flip => put(items, index, flipped(&item, index)),
            Self::Extend => put(items, index, [&item[..], &[0]].concat()),
        }
    }
}

fn put(items: &mut [Bytes], index: usize, bytes: Vec<u8>) {
    if let Some(place) = items.get_mut(index) {
        *place = bytes.into();
    }
}

/// Shorter: from empty to one byte less.
fn truncated(item: &[u8], index: usize) -> Vec<u8> {
    let left = if index.is_multiple_of(3) {
        item.len().saturating_sub(1)
    } else {
        spread(index).checked_rem(item.len()).unwrap_or_default()
    };
    item.get(..left).unwrap_or_default().to_vec()
}

fn flipped(item: &[u8], index: usize) -> Vec<u8> {
    let bits = item.len().saturating_mul(8);
    let bit = spread(index).checked_rem(bits).unwrap_or_default();
    let mut bytes = item.to_vec();
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    bytes
}

/// Fibonacci hashing: neighbours go far apart.
fn spread(index: usize) -> usize {
    index.wrapping_add(1).wrapping_mul(0x9e37_79b9) >> 7
}
