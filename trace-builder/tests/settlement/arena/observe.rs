//! The game, followed by the contract's events.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Log};
use alloy_sol_types::SolEvent;
use recourse_protocol::{
    Attempt, AttemptId, AttemptStatus, BatchIndex, Challenge, CheckpointHash, Content, ContentHash,
    RevealState, SegmentId, SegmentState,
    bindings::{IRollup, Segment},
};

use super::Arena;
use crate::l2::PERIODS;

impl Arena {
    /// Follows the contract's events, as a node does.
    pub(super) fn observe(&mut self, log: &Log) {
        if let Ok(event) = IRollup::Proposed::decode_log(log) {
            self.on_proposed(&event.data);
        } else if let Ok(event) = IRollup::Challenged::decode_log(log) {
            let challenge = Challenge {
                challenger: event.challenger,
                bond: self.game.limits.challenge_bond,
                deadline: event.deadline,
                settled: false,
            };
            self.segment(event.attempt, event.segmentId, &event.segment).challenge =
                Some(challenge);
        } else if let Ok(event) = IRollup::SegmentRevealed::decode_log(log) {
            let (versioned_hash, at) = (event.versionedHash, self.l1.now);
            let reveal = RevealState { versioned_hash, at, l1_block: 0 };
            self.segment(event.attempt, event.segmentId, &event.segment).reveal = Some(reveal);
            self.attempt(event.attempt).quiet_until = at + PERIODS.response_period;
        } else if let Ok(event) = IRollup::StepProven::decode_log(log) {
            self.game.truths.insert(CheckpointHash(event.pre), CheckpointHash(event.post));
        } else if let Ok(event) = IRollup::Died::decode_log(log) {
            self.attempt(event.attempt).status = AttemptStatus::Dead;
            self.attempt(event.attempt).settled = true;
        } else if let Ok(event) = IRollup::Confirmed::decode_log(log) {
            self.on_confirmed(&event.data);
        } else if let Ok(event) = IRollup::Voided::decode_log(log) {
            self.game.contents.get_mut(&ContentHash(event.content)).unwrap().voided = true;
        } else if let Ok(event) = IRollup::Settled::decode_log(log) {
            self.on_settled(event.id);
        }
    }

    fn attempt(&mut self, id: B256) -> &mut Attempt {
        self.game.attempts.get_mut(&AttemptId(id)).unwrap()
    }

    fn segment(&mut self, attempt: B256, id: B256, segment: &Segment) -> &mut SegmentState {
        let fresh = SegmentState { segment: segment.clone(), challenge: None, reveal: None };
        self.attempt(attempt).segments.entry(SegmentId(id)).or_insert(fresh)
    }

    fn on_proposed(&mut self, event: &IRollup::Proposed) {
        let content = Content {
            parent: ContentHash(event.parent),
            batch: BatchIndex(event.batch),
            batch_hash: event.batchHash,
            checkpoint: CheckpointHash(event.checkpoint),
            steps: event.steps,
            confirmed: false,
            contradicted: false,
            voided: false,
        };
        self.game.contents.entry(ContentHash(event.content)).or_insert(content);
        let attempt = Attempt {
            content: ContentHash(event.content),
            owner: event.owner,
            beneficiary: event.beneficiary,
            window_end: event.windowEnd,
            quiet_until: 0,
            bond: self.game.limits.claim_bond,
            status: AttemptStatus::Live,
            settled: false,
            segments: BTreeMap::new(),
        };
        self.game.attempts.insert(AttemptId(event.attempt), attempt);
    }

    fn on_confirmed(&mut self, event: &IRollup::Confirmed) {
        let id = ContentHash(event.content);
        self.attempt(event.attempt).status = AttemptStatus::Confirmed;
        let (parent, batch) = (self.game.contents[&id].parent, self.game.contents[&id].batch);
        for (other, content) in &mut self.game.contents {
            if *other == id {
                content.confirmed = true;
            } else if (content.parent, content.batch) == (parent, batch) {
                content.contradicted = true;
            }
        }
        if batch > self.game.contents[&self.game.tip].batch {
            self.game.tip = id;
        }
    }

    fn on_settled(&mut self, id: B256) {
        if let Some(attempt) = self.game.attempts.get_mut(&AttemptId(id)) {
            attempt.settled = true;
            let confirmed = self.game.contents[&attempt.content].confirmed;
            if confirmed && attempt.status == AttemptStatus::Live {
                attempt.status = AttemptStatus::Confirmed;
            }
        }
        let segments = self.game.attempts.values_mut().flat_map(|a| a.segments.iter_mut());
        for (_, state) in segments.filter(|(segment, _)| segment.0 == id) {
            state.challenge.as_mut().unwrap().settled = true;
        }
    }
}
