//! A cheating proposer: a process of its own that claims the newest batch with one lie in it, and defends the lie.

mod actor;
mod history;
mod lie;

pub use actor::{Args, run};
pub use history::{FalseHistory, Position, truth};
pub use lie::Lie;
