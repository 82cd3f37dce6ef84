//! The numbers of threads that blocks are executed by, besides as one piece and step by step.

use std::sync::{Arc, OnceLock};

use recourse_execution::parallel::Workers;

static ALL: OnceLock<Vec<Arc<Workers>>> = OnceLock::new();

/// Sets them, once.
pub(crate) fn set(numbers: &[usize]) {
    let workers = |threads: &usize| {
        // They pause in other places with every block.
        let seed = u64::try_from(*threads).unwrap_or_default();
        Arc::new(Workers::new(*threads).with_pauses(seed))
    };
    let _ = ALL.set(numbers.iter().map(workers).collect());
}

/// All of them; none before they are set.
pub(crate) fn all() -> &'static [Arc<Workers>] {
    ALL.get().map_or(&[], Vec::as_slice)
}
