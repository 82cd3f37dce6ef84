//! Collecting: own bonds whose fate is known, and what the contract owes.

use std::collections::BTreeSet;

use recourse_protocol::{Attempt, AttemptStatus, Content, ContentHash};

use super::Turn;
use crate::{Action, Knowledge};

impl<K: Knowledge> Turn<'_, K> {
    pub(super) fn settle(&self) -> Vec<Action> {
        let mut actions = self.mark_void();
        for (id, attempt) in &self.game.attempts {
            let Some(content) = self.game.contents.get(&attempt.content) else { continue };
            if self.is_own(attempt) && !attempt.settled && pays_owner(attempt, content) {
                actions.push(Action::SettleAttempt { attempt: *id });
            }
            if pays_challengers(attempt, content) {
                let own = self.own_challenges(attempt);
                actions.extend(own.map(|segment| Action::SettleChallenge { attempt: *id, segment }));
            }
        }
        if !self.party.owed.is_zero() {
            actions.push(Action::Withdraw { amount: self.party.owed });
        }
        actions
    }

    fn own_challenges(
        &self,
        attempt: &Attempt,
    ) -> impl Iterator<Item = recourse_protocol::SegmentId> {
        attempt
            .segments
            .iter()
            .filter(|(_, state)| {
                state.challenge.is_some_and(|c| c.challenger == self.party.address && !c.settled)
            })
            .map(|(id, _)| *id)
    }

    /// Marks, oldest first, what holds back own bonds. The contract looks at a parent only, so a chain of void
    /// contents takes one mark each.
    fn mark_void(&self) -> Vec<Action> {
        let mut marks = BTreeSet::new();
        for attempt in self.game.attempts.values().filter(|attempt| self.has_stake(attempt)) {
            let mut next = Some(attempt.content);
            let mut oldest = None;
            while let Some(id) = next.filter(|id| self.judged.is_void(*id)) {
                let Some(content) = self.game.contents.get(&id).filter(|c| !c.voided) else { break };
                oldest = Some(id);
                next = Some(content.parent);
            }
            marks.extend(oldest);
        }
        marks.into_iter().map(|content: ContentHash| Action::MarkVoid { content }).collect()
    }

    fn has_stake(&self, attempt: &Attempt) -> bool {
        attempt.status == AttemptStatus::Live
            && ((self.is_own(attempt) && !attempt.settled)
                || self.own_challenges(attempt).next().is_some())
    }
}

/// The owner's bond comes back: with a confirmed content, or from a void one. A contradicted one's is burned.
const fn pays_owner(attempt: &Attempt, content: &Content) -> bool {
    !matches!(attempt.status, AttemptStatus::Dead)
        && !content.contradicted
        && (content.confirmed || content.voided)
}

/// Challengers get theirs back unless the claim was confirmed: then the owner has earned it.
const fn pays_challengers(attempt: &Attempt, content: &Content) -> bool {
    matches!(attempt.status, AttemptStatus::Dead) || content.contradicted || content.voided
}
