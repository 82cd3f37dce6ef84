//! Who prints the story.

#![expect(clippy::print_stdout, reason = "the story is for the person at the terminal")]

use std::{
    io::{IsTerminal, Write},
    sync::Mutex,
    time::{Duration, Instant},
};

use tokio::task::AbortHandle;

/// Prints the story as it happens, and that it goes on while nothing does.
#[derive(Debug)]
pub(super) struct Teller {
    started: Instant,
    waiting: Mutex<Option<AbortHandle>>,
}

impl Teller {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), waiting: Mutex::new(None) }
    }

    /// A line without time.
    pub(super) fn line(&self, text: &str) {
        self.stop_waiting();
        println!("{text}");
    }

    /// Something happened.
    pub(super) fn tell(&self, who: &str, what: &str) {
        self.stop_waiting();
        println!("{:6.1} s  {who:<10} {what}", self.started.elapsed().as_secs_f64());
    }

    /// A detail of what was just told.
    pub(super) fn more(&self, what: &str) {
        self.stop_waiting();
        println!("{:21}{what}", "");
    }

    /// Something is waited for: on a terminal the seconds are counted.
    pub(super) fn wait(&self, what: &str) {
        self.tell("...", what);
        if !std::io::stdout().is_terminal() {
            return;
        }
        let started = self.started;
        let ticking = tokio::spawn(async move {
            loop {
                print!("\r{:6.1} s", started.elapsed().as_secs_f64());
                // Only a picture: a terminal that is gone is noticed elsewhere.
                let _ = std::io::stdout().flush();
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        self.set(Some(ticking.abort_handle()));
    }

    fn stop_waiting(&self) {
        if self.set(None) {
            print!("\r");
        }
    }

    /// Whether something was waited for before.
    fn set(&self, handle: Option<AbortHandle>) -> bool {
        let Ok(mut waiting) = self.waiting.lock() else { return false };
        let before = std::mem::replace(&mut *waiting, handle);
        before.is_some_and(|before| {
            before.abort();
            true
        })
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.stop_waiting();
    }
}
