//! What moves carry: steps, chunks, blobs and their openings.

use alloy_eips::eip4844::Blob;
use alloy_primitives::{B256, Bytes, keccak256};
use recourse_bisection::{
    RevealedGap,
    model::{self, Carried, Proof},
};
use recourse_protocol::{
    AttemptId, CheckpointHash, StepIndex,
    bindings::{Gap, Reveal, StepProof},
};
use recourse_trace_builder::{
    Chunk, NO_REVEAL, ProvenStep, StepProver, kzg::Committed, staging::pointer_of,
};

use super::{Match, PARTIES};

impl Match {
    /// How a kill proves: a fresh proof points to what it does not carry inline. Sometimes that is all of the witness, in two
    /// chunks of somebody's.
    pub(super) fn proof(&mut self, left: CheckpointHash, fresh: bool) -> Proof {
        if !fresh {
            return Proof::Known;
        }
        let at = self.position(left);
        if !self.staged.contains_key(&at) && !self.one_in(4) {
            self.stage_witness(at);
        }
        let chunks = self.staged.get(&at).cloned().unwrap_or_default();
        let (_, proof) = self.step(left);
        Proof::Fresh(Carried { inline: proof.inline_bytes(), chunks })
    }

    fn stage_witness(&mut self, at: u64) {
        let witness = self.proven(at).evidence.execution.witness.clone();
        let mut chunks = Vec::new();
        for half in witness.chunks(witness.len().div_ceil(2).max(1)) {
            let first = PARTIES[self.below(PARTIES.len())];
            let bytes = Bytes::copy_from_slice(half);
            let chunk = Chunk { pointer: pointer_of(self.arena.l1.store, &bytes), bytes };
            self.arena.l1.stage(first, &chunk);
            // A second time changes nothing, and steps share witnesses.
            let other = PARTIES[self.below(PARTIES.len())];
            self.arena.l1.stage(other, &chunk);
            let now = self.arena.l1.now;
            let (poster, staged_at) = *self.posters.entry(chunk.pointer).or_insert((first, now));
            let size = chunk.bytes.len() as u32;
            chunks.push(model::Chunk { pointer: chunk.pointer, poster, size, staged_at });
        }
        self.staged.insert(at, chunks);
    }

    /// The position of a checkpoint; another one if it is not in the true history.
    fn position(&self, pre: CheckpointHash) -> u64 {
        let last = self.known.truth.len() - 2;
        let found = self.known.truth[..=last].iter().position(|c| c.h248() == pre);
        found.unwrap_or(last) as u64
    }

    fn proven(&mut self, at: u64) -> &ProvenStep {
        let arena = &self.arena;
        self.steps.entry(at).or_insert_with(|| {
            let prover = StepProver {
                derivation: arena.chain.derivation(&arena.l1),
                blobs: &arena.l1.events,
            };
            prover.prove(&arena.chain.claim(0, 3), StepIndex(at)).unwrap()
        })
    }

    /// The proof of the step from a checkpoint.
    pub(super) fn step(
        &mut self,
        pre: CheckpointHash,
    ) -> (recourse_protocol::bindings::Checkpoint, StepProof) {
        let at = self.position(pre);
        let staged = self.staged.get(&at).cloned().unwrap_or_default();
        let step = self.proven(at);
        let mut proof = step.evidence.plain().unwrap();
        if !staged.is_empty() {
            proof.execution.witness = Bytes::new();
            proof.execution.pointers = staged.iter().map(|chunk| chunk.pointer).collect();
        }
        (step.pre.into(), proof)
    }

    pub(super) fn revealing(
        &mut self,
        elements: Option<&[CheckpointHash]>,
    ) -> (Reveal, Vec<Box<Blob>>) {
        let Some(elements) = elements else {
            return (Reveal { blobIndex: NO_REVEAL, ..Reveal::default() }, Vec::new());
        };
        let mut blob = Box::new(Blob::ZERO);
        for (element, hash) in blob.chunks_exact_mut(32).zip(elements) {
            element.copy_from_slice(hash.0.as_slice());
        }
        // The model's name for the same blob.
        let mut name = keccak256(elements.iter().flat_map(|e| e.0.0).collect::<Vec<_>>());
        name.0[0] = 1;
        self.blobs.entry(name).or_insert_with(|| Committed::to(&blob).unwrap());
        let reveal = Reveal {
            blobIndex: 0,
            commitment: self.blobs[&name].commitment(),
            startProof: self.open(name, 0),
            endProof: self.open(name, elements.len() as u32 - 1),
        };
        (reveal, vec![blob])
    }

    fn open(&mut self, name: B256, index: u32) -> Bytes {
        let committed = &self.blobs[&name];
        let open = || committed.open(index as usize).unwrap();
        self.openings.entry((name, index)).or_insert_with(open).clone()
    }

    pub(super) fn gap(&mut self, attempt: AttemptId, gap: &RevealedGap) -> Gap {
        let id = recourse_protocol::segment_id(attempt, &gap.parent);
        let state = &self.model.game().attempts[&attempt].segments[&id];
        let name = state.reveal.unwrap().versioned_hash;
        Gap {
            parent: gap.parent.clone(),
            index: gap.index,
            left: gap.left.0,
            right: gap.right.0,
            commitment: self.blobs[&name].commitment(),
            leftProof: self.open(name, gap.index),
            rightProof: self.open(name, gap.index + 1),
        }
    }
}
