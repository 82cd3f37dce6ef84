//! The watchtower's duty: no false child of a true content may live.
//!
//! Children of contents that are not true are left alone. They can't be judged (which step of what?), and need not be:
//! a claim confirms only after its parent, and the parent's false ancestor is attacked itself.

use std::collections::BTreeSet;

use recourse_protocol::{
    Attempt, AttemptId, CheckpointHash, Content, SegmentState, StepIndex, bindings::Segment,
    segment_id,
};

use super::Turn;
use crate::{Action, ClaimRange, History, Knowledge, RevealedGap, Verdict, false_gap};

impl<K: Knowledge> Turn<'_, K> {
    /// One move against each false attempt, the one that can confirm first before others. Equal lies are proven once, in time
    /// for all of them, and then killed by reference.
    pub(super) fn attack(&self) -> Vec<Action> {
        let mut proving = BTreeSet::new();
        let mut targets: Vec<_> =
            self.open_attempts().filter(|(.., verdict)| *verdict == Verdict::False).collect();
        // Whoever claims chooses the order of names.
        targets.sort_by_key(|(_, attempt, _)| attempt.window_end.max(attempt.quiet_until));
        targets
            .into_iter()
            .filter_map(|(id, attempt, _)| self.attack_attempt(id, attempt))
            .filter(|(_, left)| left.is_none_or(|left| proving.insert(left)))
            .map(|(action, _)| action)
            .collect()
    }

    /// False attempts without a move against them and without an open challenge, which can confirm within half a response
    /// period. That half is what a history may take to be made.
    pub(super) fn unopposed(&self) -> BTreeSet<AttemptId> {
        let soon = self.game.now.saturating_add(self.game.periods.response_period / 2);
        self.open_attempts()
            .filter(|(.., verdict)| *verdict == Verdict::False)
            .filter(|(_, attempt, _)| {
                soon >= attempt.window_end.max(attempt.quiet_until)
                    && attempt.open_challenges().next().is_none()
            })
            .filter(|(id, attempt, _)| self.attack_attempt(*id, attempt).is_none())
            .map(|(id, ..)| id)
            .collect()
    }

    /// The move, and the checkpoint whose step it proves.
    fn attack_attempt(
        &self,
        id: AttemptId,
        attempt: &Attempt,
    ) -> Option<(Action, Option<CheckpointHash>)> {
        let content = self.game.contents.get(&attempt.content)?;
        let range = self.judged.range(content)?;
        let target = Target { id, attempt, range, whole: self.whole(content)? };
        if let Some(timeout) = self.timeout(&target) {
            return Some((timeout, None));
        }
        if content.steps == 1 {
            return Some(self.attack_single_step(&target));
        }
        self.attack_segment(&target)
    }

    /// The claim as a segment.
    fn whole(&self, content: &Content) -> Option<Segment> {
        let parent = self.game.contents.get(&content.parent)?;
        Some(Segment {
            start: 0,
            end: content.steps,
            startHash: parent.checkpoint.0,
            endHash: content.checkpoint.0,
        })
    }

    /// Whoever posted the challenge: its silence kills as well.
    fn timeout(&self, target: &Target<'_>) -> Option<Action> {
        let mut open = target.attempt.open_challenges();
        let overdue = |s: &SegmentState| s.challenge.is_some_and(|c| self.game.now > c.deadline);
        let (segment, _) = open.find(|(_, state)| overdue(state))?;
        Some(Action::Timeout { attempt: target.id, segment: *segment })
    }

    fn attack_single_step(&self, target: &Target<'_>) -> (Action, Option<CheckpointHash>) {
        let left = CheckpointHash(target.whole.startHash);
        let attempt = target.id;
        if self.is_refuted(left, CheckpointHash(target.whole.endHash)) {
            return (Action::KillClaim { attempt }, None);
        }
        (Action::ProveFraudClaim { attempt, range: target.range }, Some(left))
    }

    /// Follows the lie down to the smallest segment that is known.
    fn attack_segment(&self, target: &Target<'_>) -> Option<(Action, Option<CheckpointHash>)> {
        let mut segment = target.whole.clone();
        let mut gap: Option<RevealedGap> = None;
        loop {
            let state = target.attempt.segments.get(&segment_id(target.id, &segment));
            let Some(reveal) = state.and_then(|s| s.reveal) else {
                let challenged = state.is_some_and(|s| s.challenge.is_some());
                return if challenged { None } else { self.challenge(target, gap) };
            };
            let own = self.knowledge.history(target.range)?;
            let elements = self.knowledge.elements(reveal.versioned_hash)?;
            let found = false_gap(&own, &segment, self.game.limits.arity, &elements)?;
            if found.is_pair() {
                return Some(self.kill(target, &own, found));
            }
            segment = found.segment();
            gap = Some(found);
        }
    }

    /// No bond goes to a challenge that comes too late.
    fn challenge(
        &self,
        target: &Target<'_>,
        gap: Option<RevealedGap>,
    ) -> Option<(Action, Option<CheckpointHash>)> {
        let (attempt, bond) = (target.id, self.game.limits.challenge_bond);
        let Some(gap) = gap else {
            let in_time = self.game.now <= target.attempt.window_end;
            return in_time.then_some((Action::ChallengeClaim { attempt, bond }, None));
        };
        let parent = target.attempt.segments.get(&segment_id(target.id, &gap.parent));
        let revealed_at = parent.and_then(|state| state.reveal)?.at;
        let quiet_until = revealed_at.saturating_add(self.game.periods.response_period);
        let in_time = self.game.now <= target.attempt.window_end.max(quiet_until);
        in_time.then_some((Action::ChallengeGap { attempt, gap, bond }, None))
    }

    fn kill(
        &self,
        target: &Target<'_>,
        own: &impl History,
        gap: RevealedGap,
    ) -> (Action, Option<CheckpointHash>) {
        let (attempt, range) = (target.id, target.range);
        // The left end is true, so at the own end it stands at the start of the next batch.
        if gap.start == StepIndex(own.steps()) {
            let end = gap.start;
            return (Action::KillGapBeyond { attempt, range, gap, end }, None);
        }
        if self.is_refuted(gap.left, gap.right) {
            return (Action::KillGap { attempt, gap }, None);
        }
        let left = gap.left;
        (Action::ProveFraudGap { attempt, range, gap }, Some(left))
    }
}

/// A false attempt.
struct Target<'a> {
    id: AttemptId,
    attempt: &'a Attempt,
    range: ClaimRange,
    whole: Segment,
}
