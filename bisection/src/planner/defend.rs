//! An owner's duty: answer every challenge of an own true claim in time.

use recourse_protocol::{Attempt, AttemptId, CheckpointHash, StepIndex};

use super::Turn;
use crate::{Action, Knowledge, Verdict, agrees};

impl<K: Knowledge> Turn<'_, K> {
    /// The reveals that own claims owe, the nearest deadline first. A claim that the own derivation does not bear out is
    /// not defended: its reveal would not be true, and nothing is to be won with it.
    pub(super) fn defend(&self) -> Vec<Action> {
        let mut reveals: Vec<(u64, Action)> = self
            .open_attempts()
            .filter(|(_, attempt, verdict)| self.is_own(attempt) && *verdict == Verdict::True)
            .flat_map(|(id, attempt, _)| self.answers(id, attempt))
            .collect();
        reveals.sort_by_key(|(deadline, _)| *deadline);
        reveals.into_iter().map(|(_, action)| action).collect()
    }

    fn answers(&self, id: AttemptId, attempt: &Attempt) -> Vec<(u64, Action)> {
        let content = self.game.contents.get(&attempt.content);
        let Some(range) = content.and_then(|content| self.judged.range(content)) else {
            return Vec::new();
        };
        let due = |deadline: u64| self.game.now <= deadline;
        attempt
            .open_challenges()
            .filter_map(|(_, state)| Some((state, state.challenge?.deadline)))
            .filter(|(_, deadline)| due(*deadline))
            .filter(|(state, _)| {
                let own = self.knowledge.history(range);
                own.is_some_and(|own| {
                    let segment = &state.segment;
                    agrees(&own, StepIndex(segment.start), CheckpointHash(segment.startHash))
                        && agrees(&own, StepIndex(segment.end), CheckpointHash(segment.endHash))
                })
            })
            .map(|(state, deadline)| {
                let segment = state.segment.clone();
                (deadline, Action::Reveal { attempt: id, range, segment, deadline })
            })
            .collect()
    }
}
