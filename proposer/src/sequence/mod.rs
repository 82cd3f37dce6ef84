//! The virtual batch: L2 blocks ahead of L1, made by the very step function that derivation runs.

mod batch;
mod block;
mod clock;
mod engine;
mod overlay;
mod sequencer;

pub use batch::{Full, Mark, Terms, VirtualBatch, Write};
pub use block::{L2Block, genesis_block};
pub use clock::L1Clock;
pub use engine::{Engine, EngineError, Position, Stepped};
pub use overlay::{Overlay, OverlayError};
pub use sequencer::{CutBatch, Opening, Production, SequenceError, Sequencer};
