//! Tasks of which it is known what they were about, also when one panics.

use std::{collections::HashMap, future::Future};

use tokio::task::{Id, JoinError, JoinSet};

/// Tasks that give a `T`, each about a `W`. All are aborted when this is dropped.
#[derive(Debug)]
pub(crate) struct Tasks<W, T> {
    running: JoinSet<T>,
    about: HashMap<Id, W>,
}

impl<W, T> Default for Tasks<W, T> {
    fn default() -> Self {
        Self { running: JoinSet::new(), about: HashMap::new() }
    }
}

impl<W, T: Send + 'static> Tasks<W, T> {
    /// Begins a task.
    pub(crate) fn spawn(&mut self, about: W, run: impl Future<Output = T> + Send + 'static) {
        let id = self.running.spawn(run).id();
        self.about.insert(id, about);
    }

    /// Waits for the next task to end: what it was about, and what it gave, or that it panicked. None without a task. May
    /// be dropped at any time.
    pub(crate) async fn next(&mut self) -> Option<(Option<W>, Result<T, JoinError>)> {
        let (id, ended) = match self.running.join_next_with_id().await? {
            Ok((id, given)) => (id, Ok(given)),
            Err(error) => (error.id(), Err(error)),
        };
        Some((self.about.remove(&id), ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_tells_what_it_was_about() {
        let mut tasks = Tasks::<_, u32>::default();
        tasks.spawn("sound", async { 7 });
        tasks.spawn("broken", async { panic!("as planned") });
        let mut ended = HashMap::new();
        while let Some((about, given)) = tasks.next().await {
            ended.insert(about.unwrap(), given.ok());
        }
        assert_eq!(ended, [("sound", Some(7)), ("broken", None)].into());
        assert!(tasks.about.is_empty());
    }
}
