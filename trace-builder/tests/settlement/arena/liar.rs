//! A liar: false claims, and the answers to what is asked of them.

use alloy_eips::eip4844::Blob;
use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use recourse_bisection::{History, Knowledge, Shape};
use recourse_protocol::{
    AttemptId, BatchIndex, Checkpoint, ContentHash,
    bindings::{IRollup, Reveal, Segment},
};
use recourse_trace_builder::{ClaimHistory, NO_REVEAL, kzg::Committed};

use super::{Arena, LIAR, Node};

/// A false claim: the truth up to a step, then hashes of nothing, then a false or misplaced end.
#[derive(Clone, Copy)]
pub struct Lie {
    pub attempt: AttemptId,
    pub steps: u64,
    /// The last step whose checkpoint is true.
    pub true_up_to: u64,
}

impl Arena {
    /// Claims batches falsely.
    pub fn lie(
        &mut self,
        parent: ContentHash,
        batch: u64,
        end: Checkpoint,
        (steps, true_up_to): (u64, u64),
        reveal: bool,
    ) -> Lie {
        let start = self.game.contents[&parent];
        let mut lie = Lie { attempt: AttemptId::default(), steps, true_up_to };
        let segment =
            Segment { start: 0, end: steps, startHash: start.checkpoint.0, endHash: end.h248().0 };
        let own = self.chain.claim(start.batch.0 as usize, batch as usize);
        let (reveal, blobs) = if reveal {
            let (reveal, blob) = self.false_reveal(&lie, &segment, &own);
            (reveal, vec![blob])
        } else {
            (Reveal { blobIndex: NO_REVEAL, ..Reveal::default() }, Vec::new())
        };
        let node = Node { l1: &self.l1, chain: &self.chain };
        let call = IRollup::proposeCall {
            parent: parent.0,
            batchHash: node.boundary(BatchIndex(batch)).unwrap().batch_hash,
            checkpoint: end.into(),
            steps,
            beneficiary: LIAR,
            reveal,
        };
        let known: Vec<_> = self.game.attempts.keys().copied().collect();
        self.send(LIAR, call.abi_encode(), self.game.limits.claim_bond, &blobs).expect("proposed");
        lie.attempt = *self.game.attempts.keys().find(|id| !known.contains(id)).unwrap();
        lie
    }

    pub fn answer(&mut self, lie: &Lie) {
        let attempt = self.game.attempts[&lie.attempt].clone();
        let content = self.game.contents[&attempt.content];
        let after = self.game.contents[&content.parent].batch.0 as usize;
        let own = self.chain.claim(after, content.batch.0 as usize);
        for (_, state) in attempt.open_challenges() {
            let (data, blob) = self.false_reveal(lie, &state.segment, &own);
            let segment = state.segment.clone();
            let call = IRollup::revealCall { attempt: lie.attempt.0, segment, data };
            // Too late, or killed meanwhile: a liar does not care.
            let _refused = self.send(LIAR, call.abi_encode(), U256::ZERO, &[blob]);
        }
    }

    fn false_reveal(
        &self,
        lie: &Lie,
        segment: &Segment,
        own: &ClaimHistory,
    ) -> (Reveal, Box<Blob>) {
        let shape = Shape::of(segment, self.game.limits.arity).unwrap();
        let mut blob = Box::new(Blob::ZERO);
        for (element, at) in blob.chunks_exact_mut(32).zip(shape.waypoints()) {
            let hash = if at.0 == segment.end {
                segment.endHash
            } else if at.0 <= lie.true_up_to {
                own.hash(at).unwrap().0
            } else {
                B256::right_padding_from(&[0, 0xfa, at.0 as u8])
            };
            element.copy_from_slice(hash.as_slice());
        }
        let committed = Committed::to(&blob).unwrap();
        let reveal = Reveal {
            blobIndex: 0,
            commitment: committed.commitment(),
            startProof: committed.open(0).unwrap(),
            endProof: committed.open(shape.gaps() as usize).unwrap(),
        };
        (reveal, blob)
    }
}
