//! Why the contract would revert.

/// A rejected move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Revert {
    /// No such attempt.
    #[error("unknown attempt")]
    UnknownAttempt,
    /// No such content.
    #[error("unknown content")]
    UnknownContent,
    /// That segment was neither challenged nor revealed.
    #[error("unknown segment")]
    UnknownSegment,
    /// The attempt is dead, or its content is final.
    #[error("the attempt is not live")]
    NotLive,
    /// The content is contradicted or void.
    #[error("the content can't confirm any more")]
    Hopeless,
    /// Nothing may be built on that parent.
    #[error("the parent is neither the tip nor claimed and newer")]
    BadParent,
    /// The batch does not exist, has another hash, or is not newer than the parent's.
    #[error("the batch does not follow the parent's")]
    BadBatch,
    /// The checkpoint does not stand at the start of the next batch.
    #[error("the checkpoint does not end the batch")]
    BadCheckpoint,
    /// Zero steps, or more than a dissection can split.
    #[error("a claim has 1 to arity^levels steps")]
    BadSteps,
    /// The bond is exact.
    #[error("wrong bond")]
    WrongBond,
    /// Somebody must get the money.
    #[error("no beneficiary")]
    ZeroBeneficiary,
    /// A segment of fewer than two steps has nothing to reveal.
    #[error("the segment has nothing between its ends")]
    TooShort,
    /// Once per segment.
    #[error("already challenged")]
    AlreadyChallenged,
    /// Once per segment.
    #[error("already revealed")]
    AlreadyRevealed,
    /// After the last second.
    #[error("too late")]
    TooLate,
    /// Before the clocks ran out.
    #[error("too early")]
    TooEarly,
    /// Only the attempt's owner reveals.
    #[error("not the owner")]
    NotOwner,
    /// The segment was not challenged.
    #[error("not challenged")]
    NotChallenged,
    /// The segment was not revealed.
    #[error("not revealed")]
    NotRevealed,
    /// The opened elements are not those of the blob, or not the segment's ends.
    #[error("the opening does not verify")]
    BadOpening,
    /// A kill needs neighbours.
    #[error("the ends are not one step apart")]
    NotAPair,
    /// No proof of that step.
    #[error("the step is not proven")]
    NotProven,
    /// The proof brings too many bytes itself.
    #[error("too much of the proof is inline")]
    TooMuchInline,
    /// The proof points to too many chunks.
    #[error("the bill is too long")]
    BillTooLong,
    /// The step is as claimed.
    #[error("the pair is true")]
    PairIsTrue,
    /// The checkpoint lies within the claim's batches.
    #[error("not beyond the claim")]
    NotBeyond,
    /// A challenge is unanswered.
    #[error("challenges are open")]
    OpenChallenges,
    /// The parent is not final.
    #[error("the parent is not confirmed")]
    ParentNotConfirmed,
    /// The content is not void.
    #[error("not void")]
    NotVoid,
    /// The fate is not known yet.
    #[error("nothing to settle yet")]
    FateUnknown,
    /// Paid out before.
    #[error("already settled")]
    AlreadySettled,
    /// Nothing is owed.
    #[error("nothing is owed")]
    NothingOwed,
}
