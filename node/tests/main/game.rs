//! The Rollup's events as a `Game`.

use std::sync::Arc;

use alloy::sol_types::SolEvent;
use alloy_primitives::{Address, B256, U256};
use recourse_node::mirror::{L1Mirror, L1State, MirrorError};
use recourse_protocol::{
    AttemptId, AttemptStatus, CheckpointHash, ContentHash, SegmentId, attempt_id,
    bindings::{IRollup, Segment},
    content_hash, genesis_content, segment_id,
};

use crate::support::{FakeL1, FakeLog};

const OWNER: Address = Address::repeat_byte(0xaa);
const RIVAL: Address = Address::repeat_byte(0xbb);

struct Play {
    l1: FakeL1,
    mirror: L1Mirror,
    genesis: ContentHash,
}

impl Play {
    async fn start() -> Self {
        let l1 = FakeL1::start().await;
        let config = Arc::new(l1.chain().rollup.clone());
        let genesis = genesis_content(config.genesis.checkpoint.h248());
        let store = Arc::new(recourse_node::store::MemoryStore::default());
        let mirror = L1Mirror::open(l1.client(), config, store, 10).unwrap();
        let play = Self { l1, mirror, genesis };
        let confirmed = IRollup::Confirmed { attempt: B256::ZERO, content: genesis.0, batch: 0 };
        play.emit(&confirmed);
        play
    }

    fn emit(&self, event: &impl SolEvent) {
        let mut chain = self.l1.chain();
        let address = chain.rollup.contracts.rollup;
        chain.mine(vec![FakeLog { address, data: event.encode_log_data() }]);
    }

    fn propose(&self, owner: Address, last: u8) -> (AttemptId, ContentHash) {
        let (batch_hash, checkpoint) =
            (B256::repeat_byte(7), CheckpointHash(B256::repeat_byte(last)));
        let content = content_hash(self.genesis, batch_hash, checkpoint, 100);
        let attempt = attempt_id(content, owner, U256::ZERO);
        self.emit(&IRollup::Proposed {
            attempt: attempt.0,
            content: content.0,
            owner,
            parent: self.genesis.0,
            batch: 1,
            batchHash: batch_hash,
            checkpoint: checkpoint.0,
            steps: 100,
            beneficiary: owner,
            windowEnd: 5_000_000,
        });
        (attempt, content)
    }

    fn challenge(&self, attempt: AttemptId) -> (SegmentId, Segment) {
        let segment =
            Segment { start: 0, end: 100, startHash: B256::ZERO, endHash: B256::repeat_byte(1) };
        let id = segment_id(attempt, &segment);
        self.emit(&IRollup::Challenged {
            attempt: attempt.0,
            segmentId: id.0,
            challenger: RIVAL,
            segment: segment.clone(),
            deadline: 4_000_000,
        });
        (id, segment)
    }

    fn reveal(&self, attempt: AttemptId, id: SegmentId, segment: Segment) {
        self.emit(&IRollup::SegmentRevealed {
            attempt: attempt.0,
            segmentId: id.0,
            segment,
            versionedHash: B256::repeat_byte(3),
            stride: 1,
            count: 100,
        });
    }

    async fn state(&mut self) -> L1State {
        self.mirror.sync().await.unwrap()
    }
}

#[tokio::test]
async fn the_genesis_is_the_first_tip() {
    let mut play = Play::start().await;
    let game = play.state().await.game;
    assert_eq!(game.tip, play.genesis);
    assert!(game.contents[&play.genesis].confirmed);
    assert!(game.attempts.is_empty());
}

#[tokio::test]
async fn a_challenge_and_its_answer() {
    let mut play = Play::start().await;
    let (attempt, content) = play.propose(OWNER, 1);
    let (id, segment) = play.challenge(attempt);
    let game = play.state().await.game;
    assert!(game.is_claimed(content));
    let open: Vec<_> = game.attempts[&attempt].open_challenges().map(|(id, _)| *id).collect();
    assert_eq!(open, [id]);

    play.reveal(attempt, id, segment);
    let state = play.state().await;
    let seen = &state.game.attempts[&attempt];
    assert_eq!(seen.open_challenges().count(), 0);
    let reveal = seen.segments[&id].reveal.unwrap();
    assert_eq!((reveal.at, reveal.l1_block), (state.head.timestamp, state.head.number));
    assert_eq!(seen.quiet_until, state.head.timestamp + 50);
    assert_eq!(seen.segments[&id].challenge.unwrap().deadline, 4_000_000);
}

#[tokio::test]
async fn a_confirmed_content_contradicts_its_rivals() {
    let mut play = Play::start().await;
    let (winner, content) = play.propose(OWNER, 1);
    let (loser, rival) = play.propose(RIVAL, 2);
    play.emit(&IRollup::Confirmed { attempt: winner.0, content: content.0, batch: 1 });
    let (_, late) = play.propose(RIVAL, 3);
    let game = play.state().await.game;
    assert_eq!(game.tip, content);
    assert_eq!(game.attempts[&winner].status, AttemptStatus::Confirmed);
    assert_eq!(game.attempts[&loser].status, AttemptStatus::Live);
    assert!(game.contents[&rival].contradicted && game.contents[&late].contradicted);
    assert!(!game.contents[&content].contradicted);
}

#[tokio::test]
async fn truths_deaths_and_settlements() {
    let mut play = Play::start().await;
    let (attempt, content) = play.propose(OWNER, 1);
    let (id, _) = play.challenge(attempt);
    let (pre, post) = (B256::repeat_byte(1), B256::repeat_byte(2));
    play.emit(&IRollup::StepProven { pre, post, prover: RIVAL });
    play.emit(&IRollup::Died {
        attempt: attempt.0,
        segmentId: id.0,
        beneficiary: RIVAL,
        byTimeout: false,
        reward: 1,
        burnt: 1,
    });
    play.emit(&IRollup::Settled { id: id.0, to: RIVAL, paid: U256::ONE, burnt: U256::ZERO });
    play.emit(&IRollup::Voided { content: content.0 });
    let game = play.state().await.game;
    assert_eq!(game.truths[&CheckpointHash(pre)], CheckpointHash(post));
    let attempt = &game.attempts[&attempt];
    assert_eq!((attempt.status, attempt.settled), (AttemptStatus::Dead, true));
    assert!(attempt.segments[&id].challenge.unwrap().settled);
    assert!(game.contents[&content].voided && !game.is_claimed(content));
}

#[tokio::test]
async fn an_event_about_an_unknown_attempt_shows_that_events_are_missing() {
    let mut play = Play::start().await;
    let missing = attempt_id(play.genesis, OWNER, U256::ZERO);
    play.challenge(missing);
    let error = play.mirror.sync().await.unwrap_err();
    assert!(matches!(error, MirrorError::Inconsistent { what: "an attempt", .. }), "{error:?}");
}
