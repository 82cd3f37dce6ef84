//! Claims: of the chain as it grows (proposer), and of true contents that lost their owner (everybody).

use recourse_protocol::{
    Attempt, AttemptStatus, BatchIndex, Content, ContentHash, RevealState, content_hash,
};

use super::{Role, Turn};
use crate::{Action, Boundary, ClaimRange, Knowledge, Verdict, is_true_reveal};

impl<K: Knowledge> Turn<'_, K> {
    /// Own claims to make. What was lost comes first: the chain is not built on while a part of it has to be claimed
    /// again.
    pub(super) fn claim(&self) -> Vec<Action> {
        let lost: Vec<_> = self.reclaims().collect();
        match self.party.role {
            Role::Proposer { min_batches, reveal_at_once } if lost.is_empty() => {
                self.extend_chain(min_batches, reveal_at_once).into_iter().collect()
            }
            _ => lost,
        }
    }

    /// True contents that nobody reliable stands for, oldest first: a child needs a living parent.
    fn reclaims(&self) -> impl Iterator<Item = Action> {
        let mut lost: Vec<_> = self
            .game
            .contents
            .iter()
            .filter(|(id, content)| self.needs_champion(**id, content))
            .collect();
        lost.sort_by_key(|(_, content)| content.batch);
        lost.into_iter().filter_map(|(_, content)| {
            let range = self.judged.range(content)?;
            self.propose(content.parent, range, content.steps, false)
        })
    }

    fn needs_champion(&self, id: ContentHash, content: &Content) -> bool {
        self.judged.verdict(id) == Verdict::True
            && self.judged.is_open(id)
            && self.can_build_on(content.parent)
            && !self.has_champion(id, content)
    }

    fn has_champion(&self, id: ContentHash, content: &Content) -> bool {
        let mut live = self.game.attempts_of(id).filter(|(_, a)| a.status == AttemptStatus::Live);
        live.any(|(_, attempt)| self.is_reliable(attempt, content))
    }

    /// Whether an attempt of a true content looks as if it would come through. An own one does while it is in time:
    /// past a deadline it can never confirm, and the challenger may leave it so for ever. Somebody else's does while
    /// nothing of it has been silent for half of its time, and nothing that it revealed is false: such a pair can be
    /// killed by anyone, also at the last moment.
    fn is_reliable(&self, attempt: &Attempt, content: &Content) -> bool {
        let own = self.is_own(attempt);
        let patience = if own { 0 } else { self.game.periods.response_period / 2 };
        let silent = attempt
            .open_challenges()
            .filter_map(|(_, state)| state.challenge)
            .any(|c| self.game.now.saturating_add(patience) > c.deadline);
        let mut reveals =
            attempt.segments.values().filter_map(|state| Some((&state.segment, state.reveal?)));
        let mut garbage =
            || reveals.any(|(segment, reveal)| self.is_garbage(content, segment, reveal));
        !silent && (own || !garbage())
    }

    fn is_garbage(
        &self,
        content: &Content,
        segment: &recourse_protocol::bindings::Segment,
        reveal: RevealState,
    ) -> bool {
        let known = || {
            let own = self.knowledge.hashes(self.judged.range(content)?)?;
            let elements = self.knowledge.elements(reveal.versioned_hash)?;
            Some(!is_true_reveal(&own, segment, self.game.limits.arity, &elements))
        };
        known().unwrap_or(false)
    }

    /// The contract's rule for parents.
    fn can_build_on(&self, id: ContentHash) -> bool {
        let Some(tip) = self.game.contents.get(&self.game.tip) else { return false };
        id == self.game.tip
            || (self.judged.is_open(id)
                && self.game.is_claimed(id)
                && self.game.contents.get(&id).is_some_and(|c| c.batch > tip.batch))
    }

    /// A claim from the newest true content that is safe to build on, as long as a dissection can be.
    fn extend_chain(&self, min_batches: u64, reveal: bool) -> Option<Action> {
        let (parent, content) = self.best_parent()?;
        let newest = self.knowledge.newest();
        if newest.0.saturating_sub(content.batch.0) < min_batches.max(1) {
            return None;
        }
        let start = self.knowledge.boundary(content.batch)?;
        let upto = self.longest(content.batch, newest, &start)?;
        let steps = self.knowledge.boundary(upto)?.steps.checked_sub(start.steps)?;
        self.propose(parent, ClaimRange { after: content.batch, upto }, steps, reveal)
    }

    /// The tip, or what an own attempt claims that looks as if it would come through, and so does all below it. Never what
    /// only a stranger claims: he can let it die after the tip has moved on, and then nobody can claim it again, nor confirm
    /// what was built on it. Nor an own one that missed a deadline, for the same reason.
    fn best_parent(&self) -> Option<(ContentHash, &Content)> {
        self.game
            .contents
            .iter()
            .filter(|(id, _)| **id == self.game.tip || self.is_ours(**id))
            .filter(|(id, _)| self.judged.verdict(**id) == Verdict::True && self.can_build_on(**id))
            .filter(|(id, _)| self.will_confirm(**id))
            .max_by_key(|(id, content)| (content.batch, **id == self.game.tip))
            .map(|(id, content)| (*id, content))
    }

    fn is_ours(&self, id: ContentHash) -> bool {
        let mut live = self.game.attempts_of(id).filter(|(_, a)| a.status == AttemptStatus::Live);
        live.any(|(_, attempt)| self.is_own(attempt))
    }

    /// Whether somebody reliable stands for a content and for each that it builds on, down to what is final.
    fn will_confirm(&self, mut id: ContentHash) -> bool {
        while let Some(content) = self.game.contents.get(&id) {
            if content.confirmed {
                return true;
            }
            if !self.has_champion(id, content) {
                return false;
            }
            id = content.parent;
        }
        false
    }

    /// The newest batch that a claim can reach: steps grow with batches, so halve the range.
    fn longest(
        &self,
        after: BatchIndex,
        newest: BatchIndex,
        start: &Boundary,
    ) -> Option<BatchIndex> {
        let limits = &self.game.limits;
        let most = u64::from(limits.arity).saturating_pow(limits.levels.into());
        let fits = |batch: u64| {
            let end = self.knowledge.boundary(BatchIndex(batch))?;
            Some(end.steps.saturating_sub(start.steps) <= most)
        };
        let (mut fitting, mut beyond) = (after.0, newest.0.saturating_add(1));
        while beyond.saturating_sub(fitting) > 1 {
            let middle = fitting.midpoint(beyond);
            if fits(middle)? {
                fitting = middle;
            } else {
                beyond = middle;
            }
        }
        (fitting > after.0).then_some(BatchIndex(fitting))
    }

    fn propose(
        &self,
        parent: ContentHash,
        range: ClaimRange,
        steps: u64,
        reveal: bool,
    ) -> Option<Action> {
        let end = self.knowledge.boundary(range.upto)?;
        Some(Action::Propose {
            content: content_hash(parent, end.batch_hash, end.checkpoint, steps),
            parent,
            range,
            batch_hash: end.batch_hash,
            checkpoint: end.checkpoint,
            steps,
            // One step has nothing between its ends.
            reveal: reveal && steps > 1,
            bond: self.game.limits.claim_bond,
        })
    }
}
