//! The Rollup contract's state as a value: what nodes read from L1 and dissection reasons about.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::{
    AttemptId, BatchIndex, CheckpointHash, ContentHash, Limits, Periods, SegmentId,
    bindings::Segment,
};

/// All claims and their dissections, as they stood at one L1 block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Game {
    /// Timestamp of that L1 block, in seconds.
    pub now: u64,
    /// Clocks.
    pub periods: Periods,
    /// Arity, levels, bonds.
    pub limits: Limits,
    /// The confirmed content of the newest batch.
    pub tip: ContentHash,
    /// All contents ever claimed, and the genesis.
    pub contents: BTreeMap<ContentHash, Content>,
    /// All attempts.
    pub attempts: BTreeMap<AttemptId, Attempt>,
    /// Proven steps: hash before, hash after.
    pub truths: BTreeMap<CheckpointHash, CheckpointHash>,
}

/// What is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// The content that it builds on.
    pub parent: ContentHash,
    /// The last batch that it covers.
    pub batch: BatchIndex,
    /// Hash of that batch.
    pub batch_hash: B256,
    /// The checkpoint that it ends at.
    pub checkpoint: CheckpointHash,
    /// Steps from the parent's checkpoint.
    pub steps: u64,
    /// Whether it is final.
    pub confirmed: bool,
    /// Whether another content with its parent and batch is final.
    pub contradicted: bool,
    /// Whether it was marked void.
    pub voided: bool,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptStatus {
    /// Still open.
    Live,
    /// Killed or timed out.
    Dead,
    /// Confirmed.
    Confirmed,
}

/// One owner's bonded claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What it claims.
    pub content: ContentHash,
    /// Who has to answer challenges.
    pub owner: Address,
    /// Who gets the bond back.
    pub beneficiary: Address,
    /// Last second at which the whole claim can be challenged.
    pub window_end: u64,
    /// Last second at which a gap of its latest reveal can be challenged.
    pub quiet_until: u64,
    /// In wei.
    pub bond: U256,
    /// Its fate.
    pub status: AttemptStatus,
    /// Whether its bond was paid out.
    pub settled: bool,
    /// Segments that were challenged or revealed.
    pub segments: BTreeMap<SegmentId, SegmentState>,
}

/// A segment that was challenged or revealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentState {
    /// Positions and end hashes.
    pub segment: Segment,
    /// Its challenge; none if it was revealed unasked.
    pub challenge: Option<Challenge>,
    /// Its reveal.
    pub reveal: Option<RevealState>,
}

/// A challenge of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge {
    /// Who posted the bond.
    pub challenger: Address,
    /// In wei.
    pub bond: U256,
    /// Last second for the reveal.
    pub deadline: u64,
    /// Whether the bond was paid out.
    pub settled: bool,
}

/// A reveal of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevealState {
    /// The blob.
    pub versioned_hash: B256,
    /// When, in seconds.
    pub at: u64,
    /// L1 block number that carries the blob.
    pub l1_block: u64,
}

impl Game {
    /// The attempts of a content.
    pub fn attempts_of(
        &self,
        content: ContentHash,
    ) -> impl Iterator<Item = (&AttemptId, &Attempt)> {
        self.attempts.iter().filter(move |(_, attempt)| attempt.content == content)
    }

    /// Whether a live attempt claims this content.
    #[must_use]
    pub fn is_claimed(&self, content: ContentHash) -> bool {
        self.attempts_of(content).any(|(_, attempt)| attempt.status == AttemptStatus::Live)
    }

    /// Contents that are void, be they marked so or not: those that were, whose parent is void or contradicted, or whose
    /// parent is unconfirmed, without a live attempt and not newer than the tip. They never confirm.
    #[must_use]
    pub fn void(&self) -> BTreeSet<ContentHash> {
        let live: BTreeSet<ContentHash> = self.live().map(|attempt| attempt.content).collect();
        let tip = self.contents.get(&self.tip).map(|tip| tip.batch).unwrap_or_default();
        let mut contents: Vec<_> = self.contents.iter().filter(|(_, c)| !c.confirmed).collect();
        // Parents cover older batches, so they come first.
        contents.sort_by_key(|(_, content)| content.batch);
        let mut void = BTreeSet::new();
        for (id, content) in contents {
            let Some(parent) = self.contents.get(&content.parent) else { continue };
            let lost = !parent.confirmed && !live.contains(&content.parent) && parent.batch <= tip;
            if content.voided || parent.contradicted || void.contains(&content.parent) || lost {
                void.insert(*id);
            }
        }
        void
    }

    /// The oldest batch from whose end on L2 has to be known: that of the tip, or an older one at which an attempt starts that
    /// is still pending. It never goes back from one L1 block to the next: a new attempt starts at the tip or beyond it, and no
    /// fate but "pending" ever ends. None when the game contradicts itself.
    #[must_use]
    pub fn oldest_start(&self) -> Option<BatchIndex> {
        let void = self.void();
        let mut oldest = self.contents.get(&self.tip).filter(|tip| tip.confirmed)?.batch;
        for attempt in self.live() {
            let content = self.contents.get(&attempt.content)?;
            if content.confirmed || content.contradicted || void.contains(&attempt.content) {
                continue;
            }
            oldest = oldest.min(self.contents.get(&content.parent)?.batch);
        }
        Some(oldest)
    }

    fn live(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.values().filter(|attempt| attempt.status == AttemptStatus::Live)
    }
}

impl Attempt {
    /// Challenges without an answer.
    pub fn open_challenges(&self) -> impl Iterator<Item = (&SegmentId, &SegmentState)> {
        self.segments.iter().filter(|(_, s)| s.challenge.is_some() && s.reveal.is_none())
    }
}
