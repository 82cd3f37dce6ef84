//! Small games for tests.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use recourse_protocol::{
    Attempt, AttemptId, AttemptStatus, BatchIndex, CheckpointHash, Content, ContentHash, Game,
    Limits, Periods,
};

/// The genesis' content.
pub(crate) const GENESIS: ContentHash = ContentHash(B256::repeat_byte(0x60));
/// The claimed content of [`one_claim`].
pub(crate) const CLAIMED: ContentHash = ContentHash(B256::repeat_byte(0x61));
/// The attempt of [`one_claim`].
pub(crate) const ATTEMPT: AttemptId = AttemptId(B256::repeat_byte(0xa1));

/// Without any content.
pub(crate) fn empty() -> Game {
    Game {
        now: 1_000,
        periods: Periods {
            challenge_window: 100,
            response_period: 20,
            force_delay: 50,
            withdrawal_delay: 0,
        },
        limits: Limits {
            arity: 4,
            levels: 12,
            claim_bond: U256::from(10),
            challenge_bond: U256::from(3),
            force_fee: U256::ZERO,
            min_deposit_gwei: 1,
            chunk_reward: U256::ZERO,
        },
        tip: GENESIS,
        contents: BTreeMap::new(),
        attempts: BTreeMap::new(),
        truths: BTreeMap::new(),
    }
}

/// A genesis and one live claim on it.
pub(crate) fn one_claim() -> Game {
    let content = |parent, batch, confirmed| Content {
        parent,
        batch: BatchIndex(batch),
        batch_hash: B256::ZERO,
        checkpoint: CheckpointHash(B256::with_last_byte(1)),
        steps: 9,
        confirmed,
        contradicted: false,
        voided: false,
    };
    let attempt = Attempt {
        content: CLAIMED,
        owner: Address::repeat_byte(1),
        beneficiary: Address::repeat_byte(1),
        window_end: 1_050,
        quiet_until: 0,
        bond: U256::from(10),
        status: AttemptStatus::Live,
        settled: false,
        segments: BTreeMap::new(),
    };
    Game {
        contents: [
            (GENESIS, content(ContentHash::default(), 0, true)),
            (CLAIMED, content(GENESIS, 1, false)),
        ]
        .into(),
        attempts: [(ATTEMPT, attempt)].into(),
        ..empty()
    }
}

/// The attempt of [`one_claim`].
pub(crate) fn only_attempt(game: &mut Game) -> &mut Attempt {
    game.attempts.get_mut(&ATTEMPT).expect("the game has one claim")
}
