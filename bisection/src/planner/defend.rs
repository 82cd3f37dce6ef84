//! An owner's duty: answer every challenge of an own true claim in time.

use recourse_protocol::{
    Attempt, AttemptId, CheckpointHash, SegmentState, StepIndex, bindings::Segment,
};

use super::Turn;
use crate::{Action, Knowledge, Verdict, agrees};

impl<K: Knowledge> Turn<'_, K> {
    /// The reveals that own claims owe, the nearest deadline first. A claim that the own derivation does not bear out is
    /// not defended: its reveal would not be true, and nothing is to be won with it.
    pub(super) fn defend(&self) -> Vec<Action> {
        let mut challenged: Vec<_> = self
            .open_attempts()
            .filter(|(_, attempt, verdict)| self.is_own(attempt) && *verdict == Verdict::True)
            .map(|(id, attempt, _)| (self.in_time(attempt), id, attempt))
            .filter(|(open, ..)| !open.is_empty())
            .collect();
        // Who makes histories makes those first that are asked for first.
        challenged.sort_by_key(|(open, ..)| open.iter().map(|(deadline, _)| *deadline).min());
        let mut reveals: Vec<(u64, Action)> = challenged
            .iter()
            .flat_map(|(open, id, attempt)| self.answers(*id, attempt, open))
            .collect();
        reveals.sort_by_key(|(deadline, _)| *deadline);
        reveals.into_iter().map(|(_, action)| action).collect()
    }

    /// The challenges that can still be answered, with their deadlines.
    fn in_time<'s>(&self, attempt: &'s Attempt) -> Vec<(u64, &'s SegmentState)> {
        attempt
            .open_challenges()
            .filter_map(|(_, state)| Some((state.challenge?.deadline, state)))
            .filter(|(deadline, _)| self.game.now <= *deadline)
            .collect()
    }

    /// A history takes long to make: it is asked for once, however many challenges there are.
    fn answers(
        &self,
        id: AttemptId,
        attempt: &Attempt,
        open: &[(u64, &SegmentState)],
    ) -> Vec<(u64, Action)> {
        let content = self.game.contents.get(&attempt.content);
        let range = content.and_then(|content| self.judged.range(content));
        let known = || {
            let range = range?;
            Some((range, self.knowledge.history(range)?))
        };
        let Some((range, own)) = known() else { return Vec::new() };
        let borne_out = |segment: &Segment| {
            agrees(&own, StepIndex(segment.start), CheckpointHash(segment.startHash))
                && agrees(&own, StepIndex(segment.end), CheckpointHash(segment.endHash))
        };
        let reveal = |deadline, segment: Segment| {
            (deadline, Action::Reveal { attempt: id, range, segment, deadline })
        };
        open.iter()
            .filter(|(_, state)| borne_out(&state.segment))
            .map(|(deadline, state)| reveal(*deadline, state.segment.clone()))
            .collect()
    }
}
