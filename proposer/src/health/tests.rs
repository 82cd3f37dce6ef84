//! What is a problem, and what is served.

#![allow(clippy::arithmetic_side_effects, reason = "a test may fail loudly")]

use alloy_primitives::B256;
use recourse_execution::Genesis;
use recourse_node::store::MemoryStore;
use recourse_protocol::{
    Attempt, AttemptStatus, BatchIndex, Challenge, Checkpoint, CheckpointHash, Content,
    ContentHash, Game, L2Config, Limits, Periods, SegmentId, SegmentState, View, bindings::Segment,
};

use super::*;
use crate::{
    chain::ChainSettings, journal::Journal, pool::Limits as PoolLimits, sequence::genesis_block,
};

const OWN: Address = Address::repeat_byte(1);
const ATTEMPT: AttemptId = AttemptId(B256::repeat_byte(0xa1));
const GENESIS: ContentHash = ContentHash(B256::repeat_byte(0x60));
const CLAIMED: ContentHash = ContentHash(B256::repeat_byte(0x61));
const LIMITS: Thresholds =
    Thresholds { lag: Duration::from_secs(60), answer: U256::from_limbs([5, 0, 0, 0]) };

/// An own claim of batch 1 that was challenged, with the last second for the answer at 1,100, 100 after the challenge.
fn challenged(now: u64) -> Game {
    let content = |parent, batch, confirmed| Content {
        parent,
        batch: BatchIndex(batch),
        batch_hash: B256::ZERO,
        checkpoint: CheckpointHash(B256::ZERO),
        steps: 9,
        confirmed,
        contradicted: false,
        voided: false,
    };
    let challenge = Challenge {
        challenger: Address::repeat_byte(2),
        bond: U256::ONE,
        deadline: 1_100,
        settled: false,
    };
    let segment =
        SegmentState { segment: Segment::default(), challenge: Some(challenge), reveal: None };
    let attempt = Attempt {
        content: CLAIMED,
        owner: OWN,
        beneficiary: OWN,
        window_end: 1_500,
        quiet_until: 0,
        bond: U256::from(10),
        status: AttemptStatus::Live,
        settled: false,
        segments: [(SegmentId(B256::ZERO), segment)].into(),
    };
    Game {
        now,
        periods: Periods {
            challenge_window: 500,
            response_period: 100,
            force_delay: 50,
            withdrawal_delay: 0,
        },
        limits: Limits {
            arity: 4,
            levels: 12,
            claim_bond: U256::from(10),
            challenge_bond: U256::ONE,
            force_fee: U256::ZERO,
            min_deposit_gwei: 1,
            chunk_reward: U256::ZERO,
        },
        tip: GENESIS,
        contents: [
            (GENESIS, content(ContentHash::default(), 0, true)),
            (CLAIMED, content(GENESIS, 1, false)),
        ]
        .into(),
        attempts: [(ATTEMPT, attempt)].into(),
        truths: Default::default(),
    }
}

fn seen(game: Game) -> Duties {
    let duties = Duties::default();
    duties.see(Arc::new(game));
    duties
}

fn problems(game: Game) -> Vec<Problem> {
    seen(game).problems(OWN, &LIMITS, Instant::now())
}

#[test]
fn an_answer_is_late_from_half_of_its_time_on() {
    assert_eq!(problems(challenged(1_050)), []);
    let late = Problem::RevealLate { attempt: ATTEMPT, challenges: 1, seconds_left: 49 };
    assert_eq!(problems(challenged(1_051)), [late]);
    let last = Problem::RevealLate { attempt: ATTEMPT, challenges: 1, seconds_left: 0 };
    assert_eq!(problems(challenged(1_100)), [last]);
    assert_eq!(problems(challenged(1_101)), [Problem::ClaimLapsed { attempt: ATTEMPT }]);
}

#[test]
fn what_is_not_to_be_answered_is_no_problem() {
    let changed = |change: fn(&mut Game)| {
        let mut game = challenged(1_101);
        change(&mut game);
        problems(game)
    };
    let attempt = |game: &mut Game, change: fn(&mut Attempt)| {
        change(game.attempts.get_mut(&ATTEMPT).unwrap());
    };
    let mut stranger = challenged(1_051);
    attempt(&mut stranger, |a| a.owner = Address::repeat_byte(3));
    assert_eq!(problems(stranger), []);
    let mut dead = challenged(1_051);
    attempt(&mut dead, |a| a.status = AttemptStatus::Dead);
    assert_eq!(problems(dead), []);
    assert_eq!(changed(|game| game.contents.get_mut(&CLAIMED).unwrap().contradicted = true), []);
    assert_eq!(changed(|game| game.contents.get_mut(&CLAIMED).unwrap().voided = true), []);
    // The tip went past it.
    assert_eq!(changed(|game| game.contents.get_mut(&GENESIS).unwrap().batch = BatchIndex(1)), []);
}

#[test]
fn the_balance_has_to_do_for_what_is_asked() {
    let too_low = |game: Game, balance| {
        let duties = seen(game);
        duties.see_balance(Some(U256::from(balance)));
        // L1 does not tell any more: that says nothing of the money.
        duties.see_balance(None);
        duties.problems(OWN, &LIMITS, Instant::now())
    };
    let problem = |expected, got| {
        [Problem::BalanceTooLow { expected: U256::from(expected), got: U256::from(got) }]
    };
    assert_eq!(too_low(challenged(1_000), 5), []);
    assert_eq!(too_low(challenged(1_000), 4), problem(5, 4));
    let mut game = challenged(1_000);
    let segments = &mut game.attempts.get_mut(&ATTEMPT).unwrap().segments;
    let one = segments[&SegmentId(B256::ZERO)].clone();
    segments.extend((1..3).map(|n| (SegmentId(B256::repeat_byte(n)), one.clone())));
    assert_eq!(too_low(game.clone(), 15), []);
    // One balance for the next, if there is nothing that can still be answered.
    let lapsed = Game { now: 1_101, ..game.clone() };
    assert_eq!(too_low(lapsed, 5), [Problem::ClaimLapsed { attempt: ATTEMPT }]);
    assert_eq!(too_low(game, 14), problem(15, 14));
}

#[test]
fn what_fails_for_long_is_a_problem_whatever_else_succeeds() {
    let (duties, error) = (Duties::default(), std::fmt::Error);
    assert_eq!(duties.told::<u64, _>("asking", Err(error)), None);
    duties.move_failed("reveal:1", &error);
    duties.move_failed("reveal:2", &error);
    let soon = Instant::now();
    let late = soon + LIMITS.lag * 60;
    assert_eq!(duties.problems(OWN, &LIMITS, soon), []);
    let fails = || -> Vec<String> {
        let problems = duties.problems(OWN, &LIMITS, late);
        problems
            .into_iter()
            .map(|problem| match problem {
                Problem::Fails { what, .. } => what,
                other => panic!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(fails(), ["asking", "reveal:1", "reveal:2"]);
    duties.move_made("reveal:2");
    assert_eq!(fails(), ["asking", "reveal:1"]);
    assert_eq!(duties.told("asking", Ok::<_, std::fmt::Error>(7)), Some(7));
    assert_eq!(fails(), ["reveal:1"]);
    duties.failed("posting", &error);
    assert_eq!(fails(), ["posting", "reveal:1"]);
    duties.rests("posting");
    assert_eq!(fails(), ["reveal:1"]);
    duties.keep(&["reveal:2".to_owned()].into());
    assert!(fails().is_empty());
}

fn route() -> HealthRoute {
    let l2 =
        L2Config { chain_id: 901, gas_limit: 1 << 28, block_time: 1, max_witness_bytes: 1 << 20 };
    let state = Genesis { alloc: Default::default() }.build().unwrap();
    let view = View {
        l1_hash: B256::ZERO,
        l1_number: 0,
        l1_timestamp: 0,
        prev_randao: B256::ZERO,
        deposits_end: 0,
        forced_end: 0,
    };
    let checkpoint = Checkpoint { state_root: state.root(), ..Checkpoint::default() };
    let block = genesis_block(&checkpoint, &view, &l2, state.clone());
    let settings = ChainSettings {
        l2,
        max_tx_bytes: 1_000,
        pool: PoolLimits { transactions: 1, per_sender: 1, bytes: 1_000 },
        coinbase: OWN,
    };
    let journal = Arc::new(Journal::new(Arc::new(MemoryStore::default())));
    let node = Health::default();
    HealthRoute {
        chain: Arc::new(L2Chain::new(&settings, (block, state), journal, None)),
        metrics: Arc::default(),
        duties: Duties::new(node.clone()),
        node,
        address: OWN,
        limits: LIMITS,
    }
}

#[test]
fn problems_and_metrics_are_served() {
    let route = route();
    route.duties.see(Arc::new(challenged(1_101)));
    let reply = route.get("/health", None);
    assert_eq!(reply.status, http::StatusCode::SERVICE_UNAVAILABLE);
    let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    let expected = serde_json::json!([
        { "kind": "l1-unreachable", "seconds": null },
        { "kind": "claim-lapsed", "attempt": B256::repeat_byte(0xa1) },
    ]);
    assert_eq!((&body["problems"], &body["healthy"]), (&expected, &false.into()));

    route.metrics.transactions_given_up.increment();
    assert!(route.claims("/metrics") && route.claims("/health") && !route.claims("/"));
    let metrics = route.get("/metrics", None).body;
    assert!(metrics.contains("\nrecourse_node_transactions_given_up 1\n"), "{metrics}");
    assert!(
        metrics.contains("# TYPE recourse_proposer_problems gauge\nrecourse_proposer_problems 2\n")
    );
}
