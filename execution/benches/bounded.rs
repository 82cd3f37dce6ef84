//! How much `execute` works for a claim of too little gas, beside what the true claim takes: `cargo xtask bench bounded`.
//!
//! Every program burns all the gas of a transaction, 2^24, by one kind of work. Times are of this machine; what counts is
//! their ratio to the time of the true claim in the same run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a program for developers, which shares the tests' helpers"
)]

#[path = "../tests/main/assembler.rs"]
mod assembler;
#[path = "../tests/main/inputs.rs"]
mod inputs;
#[path = "../tests/main/loops.rs"]
mod loops;
#[path = "../tests/main/scene.rs"]
mod scene;

use std::time::{Duration, Instant};

use alloy_sol_types::SolValue;
use recourse_execution::{Claim, Recorder, State, replay};
use recourse_protocol::{MAX_TX_GAS, TxPosition};

use crate::loops::Program;

/// Parts of the gas that are claimed.
const PARTS: [(&str, u64, u64); 5] =
    [("0", 0, 1), ("1/64", 1, 64), ("1/8", 1, 8), ("1/4", 1, 4), ("1/2", 1, 2)];
/// Of all runs the shortest counts: so many, and more while they take no longer than a second together.
const RUNS: std::ops::Range<usize> = 3..25;
/// Shorter ones are left out of what is said of the worst: they measure what it takes to be asked.
const LONG: Duration = Duration::from_millis(5);

/// Times of one program.
struct Row {
    name: &'static str,
    gas_used: u64,
    truth: Duration,
    parts: Vec<Duration>,
}

fn main() {
    // `cargo test --benches` and clippy build it, and must not wait for it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let state = loops::state();
    println!("| work | gas | true claim, ms | Mgas/s | {} | over 5/4 |", header());
    println!("|---|---|---|---|{}---|", "---|".repeat(PARTS.len()));
    let mut rows = Vec::new();
    for program in loops::programs() {
        if wanted.as_ref().is_none_or(|wanted| program.name.contains(wanted.as_str())) {
            let row = measure(&state, &program);
            row.print();
            rows.push(row);
        }
    }
    summary(&rows);
}

fn header() -> String {
    PARTS.map(|(name, ..)| format!("claim {name}")).join(" | ")
}

fn measure(state: &State, program: &Program) -> Row {
    let schedule = scene::schedule();
    let recorded = Recorder::new(&schedule, u32::MAX)
        .transact(state, &scene::block(), TxPosition::default(), &program.call(MAX_TX_GAS))
        .unwrap();
    let trace = recorded.trace.abi_encode();
    let time = |gas_used, is_true| {
        let claim = Claim { pre: state.root(), post: recorded.state_root, trace: &trace, gas_used };
        let once = || {
            let start = Instant::now();
            let answer = replay(&claim, &schedule, &|_| None);
            let took = start.elapsed();
            assert_eq!(answer.is_ok(), is_true, "{}: {gas_used} claimed: {answer:?}", program.name);
            took
        };
        shortest(once)
    };
    let gas_used = recorded.gas_used;
    Row {
        name: program.name,
        gas_used,
        truth: time(gas_used, true),
        parts: PARTS.iter().map(|(_, up, down)| time(gas_used / down * up, false)).collect(),
    }
}

fn shortest(once: impl Fn() -> Duration) -> Duration {
    let start = Instant::now();
    let more = |runs: &usize| *runs < RUNS.start || start.elapsed() < Duration::from_secs(1);
    (0..RUNS.end).take_while(more).map(|_| once()).min().unwrap()
}

impl Row {
    fn ratio(&self, part: Duration) -> f64 {
        part.as_secs_f64() / self.truth.as_secs_f64()
    }

    /// By how much the worst claim took more than 5/4 of its part of the true claim's time.
    fn over(&self) -> f64 {
        let parts = self.parts.iter().zip(PARTS);
        let over =
            parts.map(|(took, (_, up, down))| self.ratio(*took) - 1.25 * up as f64 / down as f64);
        over.fold(f64::MIN, f64::max)
    }

    fn print(&self) {
        let truth = self.truth.as_secs_f64();
        let speed = self.gas_used as f64 / 1e6 / truth;
        let parts = self.parts.iter().map(|took| format!("{:.3}", self.ratio(*took)));
        let parts = parts.collect::<Vec<_>>().join(" | ");
        let (name, gas, over) = (self.name, self.gas_used, self.over());
        println!("| {name} | {gas} | {:.2} | {speed:.0} | {parts} | {over:+.3} |", truth * 1e3);
    }
}

fn summary(rows: &[Row]) {
    for (index, (name, ..)) in PARTS.iter().enumerate() {
        let logs = rows.iter().map(|row| row.ratio(row.parts[index]).ln());
        let mean = (logs.sum::<f64>() / rows.len() as f64).exp();
        println!("ratio work_of_claim_{name}_vs_truth {mean:.3}");
    }
    let long = rows.iter().filter(|row| row.truth >= LONG);
    if let Some(worst) = long.max_by(|one, other| one.over().total_cmp(&other.over())) {
        println!(
            "ratio most_work_over_five_quarters_of_claim {:.3} ({})",
            worst.over(),
            worst.name
        );
    }
    if let Some(slowest) = rows.iter().max_by_key(|row| row.truth) {
        let seconds = slowest.truth.as_secs_f64();
        println!(
            "slowest kind of work: {} ({:.2} s for {} gas)",
            slowest.name, seconds, slowest.gas_used
        );
    }
}
