//! What the caller of something that failed must do.

/// What the caller of something that failed must do: no caller decides on an error's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Try the same again later: L1, a beacon node or a disk did not answer.
    Temporary,
    /// Read L1 again first: what was known of it does not stand any more.
    Reset,
    /// Stop and let a person look: configuration, deployment or software is wrong.
    Critical,
}
