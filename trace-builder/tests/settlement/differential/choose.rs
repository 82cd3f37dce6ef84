//! Random moves.

use alloy_primitives::{Address, B256, U256};
use recourse_bisection::{
    RevealedGap, Shape,
    model::{Move, World},
};
use recourse_protocol::{
    AttemptId, BatchIndex, Checkpoint, CheckpointHash, ContentHash, StepIndex, bindings::Segment,
};

use super::{Match, PARTIES};

impl Match {
    /// Random moves are mostly nonsense, and nonsense is refused alike: most of it is left out.
    pub(super) fn choose(&mut self) -> Option<(Address, &'static str, Move)> {
        let mut chosen = None;
        for _ in 0..12 {
            let mut sender = PARTIES[self.below(PARTIES.len())];
            let Some((name, call)) = self.random_move(sender) else { continue };
            if let (Move::Reveal { attempt, .. }, false) = (&call, self.one_in(10)) {
                sender = self.model.game().attempts[attempt].owner;
            }
            let sensible = self.model.clone().apply(sender, call.clone()).is_ok();
            chosen = Some((sender, name, call));
            if sensible || self.one_in(20) {
                break;
            }
        }
        chosen
    }

    fn random_move(&mut self, sender: Address) -> Option<(&'static str, Move)> {
        let kind = self.below(18);
        if kind < 3 {
            return Some(("propose", self.random_proposal()));
        }
        if kind == 3 {
            return Some(("withdraw", Move::Withdraw));
        }
        if kind == 4 {
            let content = self.any_content();
            return Some(("markVoid", Move::MarkVoid { content }));
        }
        let attempt = self.any_attempt()?;
        let limits = self.model.game().limits;
        let bond = if self.one_in(12) { limits.claim_bond } else { limits.challenge_bond };
        let beneficiary = if self.one_in(15) { Address::ZERO } else { sender };
        let fresh = !self.one_in(4);
        Some(match kind {
            5 => ("challengeClaim", Move::ChallengeClaim { attempt, bond }),
            6 => ("timeout", Move::Timeout { attempt, segment: self.any_segment(attempt)?.0 }),
            7 => ("confirm", Move::Confirm { attempt }),
            8 => ("settleAttempt", Move::SettleAttempt { attempt }),
            9 => {
                let segment = self.any_segment(attempt)?.0;
                ("settleChallenge", Move::SettleChallenge { attempt, segment })
            }
            10 => {
                let game = self.model.game();
                let parent = game.contents[&game.attempts[&attempt].content].parent;
                let left = game.contents[&parent].checkpoint;
                let proof = self.proof(left, fresh);
                ("killClaim", Move::KillClaim { attempt, beneficiary, proof })
            }
            11 | 12 => {
                let asked: Vec<_> = self.model.game().attempts[&attempt]
                    .open_challenges()
                    .map(|(_, state)| state.segment.clone())
                    .collect();
                let segment = match asked.first() {
                    Some(asked) if !self.one_in(6) => asked.clone(),
                    _ => self.any_segment(attempt)?.1,
                };
                let elements = self.random_elements(attempt, &segment)?;
                ("reveal", Move::Reveal { attempt, segment, elements })
            }
            13 | 14 => {
                let gap = self.false_pair(attempt, false)?;
                let proof = self.proof(gap.left, fresh);
                ("killGap", Move::KillGap { attempt, gap, beneficiary, proof })
            }
            15 => {
                let gap = self.any_gap(attempt)?;
                ("challengeGap", Move::ChallengeGap { attempt, gap, bond })
            }
            _ => {
                let gap = self.false_pair(attempt, true)?;
                ("killGapBeyond", Move::KillGapBeyond { attempt, gap, beneficiary })
            }
        })
    }

    fn random_proposal(&mut self) -> Move {
        let parent = self.any_content();
        let after = self.model.game().contents[&parent].batch.0 as usize;
        let batch = 1 + self.below(3);
        let start = self.known.ends[after];
        let length = self.known.ends[batch].saturating_sub(start) as u64;
        let lies = self.one_in(2);
        let mut checkpoint = self.known.truth[self.known.ends[batch]];
        if lies {
            checkpoint.state_root = B256::repeat_byte(0xee);
        }
        let steps = match self.below(6) {
            0 => 1,
            1 => length + 2,
            2 => length.saturating_sub(1),
            _ => length,
        };
        let bond = if self.one_in(15) { U256::ONE } else { self.model.game().limits.claim_bond };
        let segment = Segment {
            start: 0,
            end: steps,
            startHash: self.known.truth[start].h248().0,
            endHash: checkpoint.h248().0,
        };
        let elements = if self.one_in(3) { self.elements(start, &segment) } else { None };
        let wrong_hash = self.one_in(15);
        Move::Propose {
            parent,
            batch: BatchIndex(batch as u64),
            batch_hash: if wrong_hash { B256::ZERO } else { self.known.batches[batch - 1] },
            checkpoint: checkpoint.h248(),
            steps,
            beneficiary: PARTIES[self.below(PARTIES.len())],
            elements,
            bond,
        }
    }

    /// More often than not one that is still played.
    fn any_attempt(&mut self) -> Option<AttemptId> {
        let played = !self.one_in(4);
        let game = self.model.game();
        let attempts: Vec<_> = game
            .attempts
            .iter()
            .filter(|(_, a)| {
                let content = game.contents[&a.content];
                let over = a.settled || content.confirmed || content.contradicted;
                !(played && over)
            })
            .map(|(id, _)| *id)
            .collect();
        attempts.get(self.below(attempts.len().max(1))).copied()
    }

    /// More often than not the tip: most others are no parents any more.
    fn any_content(&mut self) -> ContentHash {
        let contents: Vec<_> = self.model.game().contents.keys().copied().collect();
        let any = contents[self.below(contents.len())];
        if self.one_in(2) { any } else { self.model.game().tip }
    }

    /// A segment that is known of an attempt, or its whole claim.
    fn any_segment(&mut self, id: AttemptId) -> Option<(recourse_protocol::SegmentId, Segment)> {
        let game = self.model.game();
        let attempt = &game.attempts[&id];
        let content = game.contents[&attempt.content];
        let whole = Segment {
            start: 0,
            end: content.steps,
            startHash: game.contents[&content.parent].checkpoint.0,
            endHash: content.checkpoint.0,
        };
        let mut segments: Vec<_> =
            attempt.segments.iter().map(|(key, state)| (*key, state.segment.clone())).collect();
        segments.push((recourse_protocol::segment_id(id, &whole), whole));
        let index = self.below(segments.len());
        segments.into_iter().nth(index)
    }

    /// A pair that can be killed, if there is one; sometimes any gap.
    fn false_pair(&mut self, id: AttemptId, beyond: bool) -> Option<RevealedGap> {
        let game = self.model.game();
        let last = game.contents[&game.attempts[&id].content].batch;
        let mut pairs = Vec::new();
        for state in game.attempts[&id].segments.values() {
            let Some(reveal) = state.reveal else { continue };
            let elements = self.model.elements(reveal.versioned_hash)?;
            let gaps = Shape::of(&state.segment, self.arity)?.gaps();
            pairs.extend((0..gaps).filter_map(|index| {
                let gap = RevealedGap::of(&state.segment, self.arity, index, &elements)?;
                let ends_in = self.known.batch_of(gap.left)?;
                let is_false = self.known.step(gap.left)? != gap.right;
                let wanted = if beyond { ends_in > last } else { is_false };
                (gap.is_pair() && wanted).then_some(gap)
            }));
        }
        if pairs.is_empty() || self.one_in(6) {
            return self.any_gap(id);
        }
        let index = self.below(pairs.len());
        pairs.into_iter().nth(index)
    }

    fn any_gap(&mut self, id: AttemptId) -> Option<RevealedGap> {
        let revealed: Vec<_> = self.model.game().attempts[&id]
            .segments
            .values()
            .filter_map(|state| Some((state.segment.clone(), state.reveal?.versioned_hash)))
            .collect();
        let (segment, hash) = revealed.get(self.below(revealed.len().max(1)))?.clone();
        let elements = self.model.elements(hash)?;
        let gaps = Shape::of(&segment, self.arity)?.gaps();
        let index = self.below(gaps as usize) as u32;
        let mut gap = RevealedGap::of(&segment, self.arity, index, &elements)?;
        if self.one_in(12) {
            gap.right = gap.left;
        }
        Some(gap)
    }

    fn random_elements(&mut self, id: AttemptId, segment: &Segment) -> Option<Vec<CheckpointHash>> {
        let game = self.model.game();
        let content = game.contents[&game.attempts[&id].content];
        let start = self.known.ends[game.contents[&content.parent].batch.0 as usize];
        self.elements(start, segment)
    }

    /// The truth up to some step, then nothing known; mostly with the right ends.
    fn elements(&mut self, start: usize, segment: &Segment) -> Option<Vec<CheckpointHash>> {
        let shape = Shape::of(segment, self.arity)?;
        let true_up_to = if self.one_in(3) { u64::MAX } else { self.below(40) as u64 };
        let mut elements: Vec<_> = shape
            .waypoints()
            .map(|StepIndex(step)| {
                let truth = self.known.truth.get(start + step as usize);
                let fake = CheckpointHash(B256::right_padding_from(&[0, 0xfa, step as u8]));
                truth.filter(|_| step <= true_up_to).map_or(fake, Checkpoint::h248)
            })
            .collect();
        if !self.one_in(12) {
            elements[0] = CheckpointHash(segment.startHash);
            *elements.last_mut()? = CheckpointHash(segment.endHash);
        }
        Some(elements)
    }
}
