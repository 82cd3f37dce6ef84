//! Where the pure functions run.

use std::{io, thread};

/// Stack of the thread on which a pure function runs, so that it does not depend on the
/// caller's depth. 2 MiB are enough (docs/bounded-work.md).
const STACK: usize = 32 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Stopped {
    /// It panicked.
    Panicked,
    /// There is no thread to be had.
    NoThread(io::Error),
}

/// Runs it on a thread with a known stack.
pub(super) fn on_own_stack<T: Send>(run: impl FnOnce() -> T + Send) -> Result<T, Stopped> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run);
        worker.map_err(Stopped::NoThread)?.join().map_err(|_| Stopped::Panicked)
    })
}
