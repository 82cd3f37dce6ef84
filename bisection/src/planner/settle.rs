//! Collecting: own bonds whose fate is known, and what the contract owes.

use std::collections::BTreeSet;

use recourse_protocol::{Attempt, AttemptStatus, Content, ContentHash};

use super::Turn;
use crate::{Action, Knowledge, is_recorded_void};

impl<K: Knowledge> Turn<'_, K> {
    pub(super) fn settle(&self) -> Vec<Action> {
        let mut actions = self.mark_void();
        for (id, attempt) in &self.game.attempts {
            let Some(content) = self.game.contents.get(&attempt.content) else { continue };
            if self.is_own(attempt) && !attempt.settled && self.pays_owner(attempt, content) {
                actions.push(Action::SettleAttempt { attempt: *id });
            }
            if self.pays_challengers(attempt, content) {
                let own = self.own_challenges(attempt);
                actions
                    .extend(own.map(|segment| Action::SettleChallenge { attempt: *id, segment }));
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

    /// Marks what holds back own bonds. The contract looks at a parent only, so a long chain of void contents takes a
    /// mark at each turn, the oldest first.
    fn mark_void(&self) -> Vec<Action> {
        let staked = self.game.attempts.values().filter(|attempt| self.has_stake(attempt));
        let marks: BTreeSet<_> = staked.filter_map(|a| self.mark_for(a.content)).collect();
        marks.into_iter().map(|content| Action::MarkVoid { content }).collect()
    }

    /// The ancestor whose mark brings this content nearer to being void for the contract.
    fn mark_for(&self, content: ContentHash) -> Option<ContentHash> {
        let mut id = content;
        while self.judged.is_void(id) && !is_recorded_void(self.game, id) {
            id = self.game.contents.get(&id)?.parent;
        }
        (id != content && is_recorded_void(self.game, id)).then_some(id)
    }

    fn has_stake(&self, attempt: &Attempt) -> bool {
        attempt.status == AttemptStatus::Live
            && ((self.is_own(attempt) && !attempt.settled)
                || self.own_challenges(attempt).next().is_some())
    }

    /// The owner's bond comes back: with a confirmed content, or from a void one. A contradicted one's is burned.
    fn pays_owner(&self, attempt: &Attempt, content: &Content) -> bool {
        attempt.status != AttemptStatus::Dead
            && (content.confirmed
                || (!content.contradicted && is_recorded_void(self.game, attempt.content)))
    }

    /// Challengers get theirs back unless the claim was confirmed: then the owner has earned it.
    fn pays_challengers(&self, attempt: &Attempt, content: &Content) -> bool {
        attempt.status == AttemptStatus::Dead
            || content.contradicted
            || is_recorded_void(self.game, attempt.content)
    }
}
