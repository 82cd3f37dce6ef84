//! What takes long to get, kept as long as somebody asks for it.

use std::{collections::HashMap, hash::Hash};

/// Things by their names. Asking for one that is not there is the wish to have it.
#[derive(Debug)]
pub(crate) struct Shelf<K, T>(HashMap<K, Slot<T>>);

#[derive(Debug)]
struct Slot<T> {
    content: Content<T>,
    /// Since the last [`Shelf::sweep`].
    asked: bool,
}

#[derive(Debug)]
enum Content<T> {
    Wished,
    UnderWay,
    Here(T),
}

impl<K, T> Default for Shelf<K, T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Shelf<K, T> {
    /// The thing, if it is here.
    pub(crate) fn get(&mut self, key: &K) -> Option<T> {
        let wished = || Slot { content: Content::Wished, asked: true };
        let slot = self.0.entry(key.clone()).or_insert_with(wished);
        slot.asked = true;
        match &slot.content {
            Content::Here(thing) => Some(thing.clone()),
            Content::Wished | Content::UnderWay => None,
        }
    }

    /// The wishes that nobody sees to yet; whoever takes them answers each with [`Shelf::put`].
    pub(crate) fn take_wishes(&mut self) -> Vec<K> {
        let mut wishes = Vec::new();
        for (key, slot) in &mut self.0 {
            if matches!(slot.content, Content::Wished) {
                slot.content = Content::UnderWay;
                wishes.push(key.clone());
            }
        }
        wishes
    }

    /// Fulfils a wish; with none it may be wished again.
    pub(crate) fn put(&mut self, key: &K, thing: Option<T>) {
        match thing {
            Some(thing) => {
                let slot = Slot { content: Content::Here(thing), asked: true };
                self.0.insert(key.clone(), slot);
            }
            None => {
                self.0.remove(key);
            }
        }
    }

    /// Forgets what nobody asked for since the last time.
    pub(crate) fn sweep(&mut self) {
        self.0.retain(|_, slot| slot.asked || matches!(slot.content, Content::UnderWay));
        for slot in self.0.values_mut() {
            slot.asked = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_taken_once_and_fulfilled() {
        let mut shelf = Shelf::default();
        assert_eq!(shelf.get(&1), None);
        assert_eq!(shelf.take_wishes(), [1]);
        assert_eq!(shelf.get(&1), None);
        assert!(shelf.take_wishes().is_empty());
        shelf.put(&1, Some("one"));
        assert_eq!(shelf.get(&1), Some("one"));
    }

    #[test]
    fn a_failed_wish_may_come_again() {
        let mut shelf = Shelf::<_, ()>::default();
        shelf.get(&1);
        shelf.take_wishes();
        shelf.put(&1, None);
        assert!(shelf.take_wishes().is_empty());
        shelf.get(&1);
        assert_eq!(shelf.take_wishes(), [1]);
    }

    #[test]
    fn forgets_what_nobody_asks_for() {
        let mut shelf = Shelf::default();
        shelf.get(&1);
        shelf.put(&1, Some(()));
        shelf.sweep();
        assert_eq!(shelf.get(&1), Some(()));
        shelf.sweep();
        shelf.sweep();
        assert_eq!(shelf.get(&1), None);
    }
}
