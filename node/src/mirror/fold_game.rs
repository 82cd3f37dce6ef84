//! The Rollup's events.

use std::collections::BTreeMap;

use alloy::sol_types::{SolEvent, SolEventInterface};
use alloy_primitives::B256;
use recourse_protocol::{
    Attempt, AttemptId, AttemptStatus, BatchIndex, Challenge, CheckpointHash, Content, ContentHash,
    Game, RevealState, SegmentId, SegmentState,
    bindings::{IRollup, Segment},
    content_hash, segment_id,
};

use super::{LogRecord, MirrorError, error::same};

const KNOWN: [B256; 9] = [
    IRollup::Proposed::SIGNATURE_HASH,
    IRollup::Challenged::SIGNATURE_HASH,
    IRollup::SegmentRevealed::SIGNATURE_HASH,
    IRollup::StepProven::SIGNATURE_HASH,
    IRollup::Died::SIGNATURE_HASH,
    IRollup::Confirmed::SIGNATURE_HASH,
    IRollup::Voided::SIGNATURE_HASH,
    IRollup::Settled::SIGNATURE_HASH,
    IRollup::Withdrawn::SIGNATURE_HASH,
];

pub(super) fn apply(game: &mut Game, log: &LogRecord) -> Result<(), MirrorError> {
    use IRollup::IRollupEvents as Event;
    if !log.data.topics().first().is_some_and(|topic| KNOWN.contains(topic)) {
        return Ok(());
    }
    let event = Event::decode_raw_log(log.data.topics(), &log.data.data)
        .map_err(|source| MirrorError::Undecodable { address: log.address, source })?;
    match event {
        Event::Proposed(event) => proposed(game, &event)?,
        Event::Challenged(event) => challenged(game, event)?,
        Event::SegmentRevealed(event) => revealed(game, event, log)?,
        Event::StepProven(event) => {
            game.truths.insert(CheckpointHash(event.pre), CheckpointHash(event.post));
        }
        Event::Died(event) => {
            let attempt = attempt_of(game, event.attempt)?;
            attempt.status = AttemptStatus::Dead;
            attempt.settled = true;
        }
        Event::Confirmed(event) => confirmed(game, &event)?,
        Event::Voided(event) => content_of(game, ContentHash(event.content))?.voided = true,
        Event::Settled(event) => settled(game, &event)?,
        Event::Withdrawn(_) | Event::Billed(_) | Event::PosterPaid(_) => {}
    }
    Ok(())
}

fn proposed(game: &mut Game, event: &IRollup::Proposed) -> Result<(), MirrorError> {
    let (parent, checkpoint) = (ContentHash(event.parent), CheckpointHash(event.checkpoint));
    let id = content_hash(parent, event.batchHash, checkpoint, event.steps);
    same("the hash of a content", id.0, event.content)?;
    let batch = BatchIndex(event.batch);
    let rival = game
        .contents
        .values()
        .any(|other| other.confirmed && other.parent == parent && other.batch == batch);
    game.contents.entry(id).or_insert(Content {
        parent,
        batch,
        batch_hash: event.batchHash,
        checkpoint,
        steps: event.steps,
        confirmed: false,
        contradicted: rival,
        voided: false,
    });
    let attempt = Attempt {
        content: id,
        owner: event.owner,
        beneficiary: event.beneficiary,
        window_end: event.windowEnd,
        quiet_until: 0,
        bond: game.limits.claim_bond,
        status: AttemptStatus::Live,
        settled: false,
        segments: BTreeMap::new(),
    };
    let known = game.attempts.insert(AttemptId(event.attempt), attempt).is_some();
    same("a new attempt", false, known)
}

fn challenged(game: &mut Game, event: IRollup::Challenged) -> Result<(), MirrorError> {
    let challenge = Challenge {
        challenger: event.challenger,
        bond: game.limits.challenge_bond,
        deadline: event.deadline,
        settled: false,
    };
    let state = segment_of(game, event.attempt, event.segmentId, event.segment)?;
    same("a new challenge", false, state.challenge.is_some())?;
    state.challenge = Some(challenge);
    Ok(())
}

fn revealed(
    game: &mut Game,
    event: IRollup::SegmentRevealed,
    log: &LogRecord,
) -> Result<(), MirrorError> {
    let quiet_until = log.timestamp.saturating_add(game.periods.response_period);
    let state = segment_of(game, event.attempt, event.segmentId, event.segment)?;
    same("a new reveal", false, state.reveal.is_some())?;
    state.reveal = Some(RevealState {
        versioned_hash: event.versionedHash,
        at: log.timestamp,
        l1_block: log.block,
    });
    let attempt = attempt_of(game, event.attempt)?;
    attempt.quiet_until = attempt.quiet_until.max(quiet_until);
    Ok(())
}

fn confirmed(game: &mut Game, event: &IRollup::Confirmed) -> Result<(), MirrorError> {
    let id = ContentHash(event.content);
    // The constructor confirms the genesis, which nobody attempted.
    if !event.attempt.is_zero() {
        attempt_of(game, event.attempt)?.status = AttemptStatus::Confirmed;
    }
    let content = content_of(game, id)?;
    content.confirmed = true;
    let (parent, batch) = (content.parent, content.batch);
    same("the batch of a content", batch.0, event.batch)?;
    for (other, content) in &mut game.contents {
        let rival = content.parent == parent && content.batch == batch;
        content.contradicted |= rival && !content.confirmed && *other != id;
    }
    if content_of(game, game.tip)?.batch < batch {
        game.tip = id;
    }
    Ok(())
}

fn settled(game: &mut Game, event: &IRollup::Settled) -> Result<(), MirrorError> {
    if let Some(attempt) = game.attempts.get_mut(&AttemptId(event.id)) {
        attempt.settled = true;
        let content = game.contents.get(&attempt.content);
        if content.is_some_and(|content| content.confirmed) {
            attempt.status = AttemptStatus::Confirmed;
        }
        return Ok(());
    }
    let id = SegmentId(event.id);
    let mut states = game.attempts.values_mut().filter_map(|attempt| attempt.segments.get_mut(&id));
    if let Some(challenge) = states.find_map(|state| state.challenge.as_mut()) {
        challenge.settled = true;
        return Ok(());
    }
    Err(MirrorError::inconsistent("what is settled", "an attempt or a challenge", event.id))
}

fn segment_of(
    game: &mut Game,
    attempt: B256,
    id: B256,
    segment: Segment,
) -> Result<&mut SegmentState, MirrorError> {
    let expected = segment_id(AttemptId(attempt), &segment);
    same("the id of a segment", expected.0, id)?;
    let attempt = attempt_of(game, attempt)?;
    let fresh = SegmentState { segment, challenge: None, reveal: None };
    Ok(attempt.segments.entry(expected).or_insert(fresh))
}

fn attempt_of(game: &mut Game, id: B256) -> Result<&mut Attempt, MirrorError> {
    let missing = || MirrorError::inconsistent("an attempt", "to be proposed", id);
    game.attempts.get_mut(&AttemptId(id)).ok_or_else(missing)
}

fn content_of(game: &mut Game, id: ContentHash) -> Result<&mut Content, MirrorError> {
    let missing = || MirrorError::inconsistent("a content", "to be proposed", id);
    game.contents.get_mut(&id).ok_or_else(missing)
}
