//! The subtries of a branch.

use super::Link;

/// One subtrie for each next nibble. Those that are not there take no memory: most branches of a large trie have two or
/// three.
#[derive(Clone, Debug)]
pub struct Children<V> {
    /// Which nibbles have a link, by bits.
    present: u16,
    /// Their links, in order. None is empty, but where one was taken out to be put back.
    links: Vec<Link<V>>,
}

impl<V> Default for Children<V> {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl<V> Children<V> {
    /// None, with room for so many.
    pub(super) fn with_capacity(links: usize) -> Self {
        Self { present: 0, links: Vec::with_capacity(links) }
    }

    /// Room for exactly so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.links.reserve_exact(more);
    }

    /// The subtrie behind a nibble.
    #[must_use]
    pub fn get(&self, nibble: u8) -> &Link<V> {
        match self.place(nibble) {
            (at, true) => self.links.get(at).unwrap_or(const { &Link::Empty }),
            (_, false) => const { &Link::Empty },
        }
    }

    /// Those that are there, in order.
    #[must_use]
    pub fn links(&self) -> &[Link<V>] {
        &self.links
    }

    /// The nibbles of those that are there, in order.
    pub(super) fn nibbles(&self) -> impl Iterator<Item = u8> + use<V> {
        let present = self.present;
        (0..16).filter(move |nibble| present & bit(*nibble) != 0)
    }

    /// Those that are there, in order, with their nibbles.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Link<V>)> {
        self.nibbles().zip(&self.links)
    }

    /// All sixteen.
    pub fn all(&self) -> impl Iterator<Item = &Link<V>> {
        let mut links = self.links.iter();
        (0..16).map(move |nibble| {
            let link = if self.present & bit(nibble) != 0 { links.next() } else { None };
            link.unwrap_or(const { &Link::Empty })
        })
    }

    /// Takes out a subtrie that is about to be put back with [`Self::set`].
    pub(super) fn take(&mut self, nibble: u8) -> Link<V> {
        match self.place(nibble) {
            (at, true) => self.links.get_mut(at).map(std::mem::take).unwrap_or_default(),
            (_, false) => Link::Empty,
        }
    }

    /// Puts a subtrie behind a nibble, or nothing.
    pub(super) fn set(&mut self, nibble: u8, link: Link<V>) {
        let (at, present) = self.place(nibble);
        match (present, matches!(link, Link::Empty)) {
            (false, true) => {}
            (true, true) => {
                self.links.remove(at);
                self.present &= !bit(nibble);
            }
            (true, false) => {
                if let Some(place) = self.links.get_mut(at) {
                    *place = link;
                }
            }
            (false, false) => {
                self.links.reserve_exact(1);
                self.links.insert(at, link);
                self.present |= bit(nibble);
            }
        }
    }

    /// Where a nibble's link lies, or would, and whether it does.
    fn place(&self, nibble: u8) -> (usize, bool) {
        let bit = bit(nibble);
        let before = (self.present & bit.wrapping_sub(1)).count_ones();
        (usize::try_from(before).unwrap_or(usize::MAX), self.present & bit != 0)
    }
}

/// A nibble is less than 16.
fn bit(nibble: u8) -> u16 {
    debug_assert!(nibble < 16);
    1_u16.wrapping_shl(nibble.into())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, Bytes};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// What a link is known by.
    fn hash(link: &Link<Bytes>) -> Option<B256> {
        match link {
            Link::Hash(hash) => Some(*hash),
            Link::Empty | Link::Node(_) => None,
        }
    }

    proptest! {
        #[test]
        fn they_are_an_array_of_sixteen(
            steps in vec((0..16_u8, prop::option::of(1..=255_u8), any::<bool>()), 0..60),
        ) {
            let mut children = Children::<Bytes>::default();
            let mut array = [None; 16];
            for (nibble, value, takes) in steps {
                let value = value.map(B256::repeat_byte);
                if takes {
                    let taken = children.take(nibble);
                    prop_assert_eq!(hash(&taken), array[usize::from(nibble)]);
                }
                children.set(nibble, value.map_or(Link::Empty, Link::Hash));
                array[usize::from(nibble)] = value;
                prop_assert!(children.all().map(hash).eq(array));
                prop_assert!((0..16).map(|nibble| hash(children.get(nibble))).eq(array));
                let there = (0..16).zip(array).filter(|(_, value)| value.is_some());
                prop_assert!(children.iter().map(|(nibble, link)| (nibble, hash(link))).eq(there));
                prop_assert!(children.links().iter().map(hash).eq(array.into_iter().filter(Option::is_some)));
            }
        }
    }
}
