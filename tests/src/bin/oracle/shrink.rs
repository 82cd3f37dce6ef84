//! A smaller case that still differs.

use crate::{
    case::Case,
    compare::{Difference, both},
    worker::Worker,
};

/// Runs of both sides that shrinking may take.
const PATIENCE: usize = 300;

/// Drops transactions, then credits, then accounts, each as long as the sides still differ.
pub(crate) fn shrink(
    oracle: &mut Worker,
    case: Case,
    difference: Difference,
) -> (Case, Difference) {
    let mut search = Search { oracle, case, difference, left: PATIENCE };
    for index in (0..search.case.transactions.len()).rev() {
        search.without(|case| {
            case.transactions.remove(index);
        });
    }
    for index in (0..search.case.credits.len()).rev() {
        search.without(|case| {
            case.credits.remove(index);
        });
    }
    let addresses: Vec<_> = search.case.alloc.keys().copied().collect();
    for address in addresses {
        search.without(|case| {
            case.alloc.remove(&address);
        });
    }
    (search.case, search.difference)
}

struct Search<'a> {
    oracle: &'a mut Worker,
    case: Case,
    difference: Difference,
    left: usize,
}

impl Search<'_> {
    fn without(&mut self, change: impl FnOnce(&mut Case)) {
        let Some(left) = self.left.checked_sub(1) else {
            return;
        };
        self.left = left;
        let mut smaller = self.case.clone();
        change(&mut smaller);
        if let Err(difference) = both(self.oracle, &smaller) {
            (self.case, self.difference) = (smaller, difference);
        }
    }
}
