//! What each fuzz target does with its input. The fuzzers link it as a library; the tests of `recourse-execution` take it in
//! by its path and replay the committed corpus through it, so that no target rots.

pub mod claims;
pub mod execute;
pub mod input;
pub mod mutation;
pub mod payload;
pub mod stateless;
pub mod tape;
pub mod trace;
pub mod trie;
pub mod witness;
pub mod world;

/// A fuzz target: panics when its input shows a bug.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 7] = [
    ("execute", execute::run),
    ("payload", payload::run),
    ("stateless", stateless::run),
    ("tape", tape::run),
    ("trace", trace::run),
    ("trie", trie::run),
    ("witness", witness::run),
];
