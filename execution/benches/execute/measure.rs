//! Timing, by the processor time of the thread (nothing here runs on others): on a machine that others use too, the time by
//! the clock tells more of them. What is compared is run in turns, so that a slow while is slow for both sides.

use std::{hint::black_box, time::Duration};

use alloy_primitives::keccak256;
use recourse_execution::{
    block::{BlockExecutor, Sequential},
    execute,
};
use recourse_protocol::TxPosition;
use revm::database::EmptyDB;
use rustix::time::{ClockId, clock_gettime};

use crate::{
    block::Block,
    case::{Case, MAX_WITNESS_BYTES, Part, Proof},
    plain::{self, Plain},
};

/// One run of each side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) execute: Duration,
    /// Plain revm: decoding, recovering, running, committing.
    pub(crate) plain: Duration,
    /// The decoding and recovering in it.
    pub(crate) recovery: Duration,
    /// `keccak256` of the witness bytes.
    pub(crate) keccak: Duration,
}

impl Sample {
    /// EXECUTE over plain revm and the keccak of the witness bytes.
    pub(crate) fn ratio(&self) -> f64 {
        self.execute.as_secs_f64() / (self.plain + self.keccak).as_secs_f64()
    }

    /// The same with the plain side's time for recovery taken out of both.
    pub(crate) fn ratio_without_recovery(&self) -> f64 {
        let execute = self.execute.as_secs_f64() - self.recovery.as_secs_f64();
        let others = (self.plain + self.keccak).as_secs_f64() - self.recovery.as_secs_f64();
        execute / others
    }
}

/// What `run` takes.
fn time<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        let seconds = u64::try_from(time.tv_sec).expect("not negative");
        Duration::new(seconds, u32::try_from(time.tv_nsec).expect("below a second"))
    };
    let start = now();
    let answer = black_box(run());
    (answer, now() - start)
}

/// The whole block.
pub(crate) fn whole(case: &Case, proof: &Proof) -> Sample {
    let mut plain = Plain::new(&case.block, case.db.clone()).expect("checked before");
    let parts = || case.steps.iter().map(|(part, _)| *part);
    let ((), run) = time(|| parts().for_each(|part| run(&mut plain, case, part)));
    let ((), recovery) = time(|| parts().for_each(|part| recover(case, part)));
    Sample { plain: run, recovery, ..judge(case, proof) }
}

/// Each step alone, in turns with plain revm that goes through the block.
pub(crate) fn steps(case: &Case) -> Vec<Sample> {
    let mut plain = Plain::new(&case.block, case.db.clone()).expect("checked before");
    let step = |(part, proof): &(Part, Proof)| {
        let ((), run) = time(|| run(&mut plain, case, *part));
        let ((), recovery) = time(|| recover(case, *part));
        Sample { plain: run, recovery, ..judge(case, proof) }
    };
    case.steps.iter().map(step).collect()
}

/// The block on a full state, with the provability rule and without it.
pub(crate) fn rule(case: &Case) -> [Duration; 2] {
    let with = Sequential::new(case.schedule.clone(), MAX_WITNESS_BYTES);
    let without = Sequential::without_limit(case.schedule.clone());
    [with, without].map(|engine| {
        let Block { context, body, .. } = &case.block;
        let run = || {
            let start = TxPosition::default();
            let ended = engine.execute(&case.state, context, start, body).expect("checked before");
            ended.state.root()
        };
        let (root, took) = time(run);
        assert_eq!(root, case.minimal.post);
        took
    })
}

fn judge(case: &Case, proof: &Proof) -> Sample {
    let claim = proof.claim();
    let (verdict, execute) = time(|| execute(black_box(&claim), &case.schedule, &|_| None));
    assert!(verdict, "a true claim");
    let (_, keccak) = time(|| keccak256(black_box(&proof.witness)));
    Sample { execute, keccak, ..Sample::default() }
}

fn run(plain: &mut Plain<EmptyDB>, case: &Case, part: Part) {
    let body = &case.block.body;
    match part {
        Part::Opening => plain.open(body.opening.unwrap_or_default()),
        Part::Transaction(index) => plain.transact(&body.transactions[index]).map(|_| ()),
        Part::Seal => plain.credit(body.credits.as_deref().unwrap_or_default()),
    }
    .expect("checked before");
}

fn recover(case: &Case, part: Part) {
    if let Part::Transaction(index) = part {
        black_box(plain::recover(&case.block.body.transactions[index])).expect("checked before");
    }
}
