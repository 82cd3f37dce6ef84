#![doc = include_str!("../README.md")]

mod action;
mod history;
mod knowledge;
pub mod model;
mod planner;
pub mod rules;
mod segment;
mod verdict;

pub use action::{Action, Need};
pub use history::{History, agrees, false_gap, is_true_reveal};
pub use knowledge::{Boundary, ClaimRange, Knowledge};
pub use planner::{Party, Role, next_actions, unopposed};
pub use segment::{RevealedGap, Shape};
pub use verdict::{Judgement, Verdict, is_recorded_void};
