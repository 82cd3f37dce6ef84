//! Timing, by the clock: threads are to make it shorter. What is compared is run in turns, so that a slow while is slow for
//! all of it.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use recourse_execution::parallel::Workers;

use crate::{case::Case, plain};

/// What a block takes.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) plain: Stat,
    /// By the number of threads.
    pub(crate) ours: Vec<Stat>,
    /// Transactions that ran once more, with the most threads, on average.
    pub(crate) again: f64,
}

/// Several times of the same.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stat {
    pub(crate) median: Duration,
    pub(crate) least: Duration,
}

impl Stat {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { median: times[times.len() / 2], least: times[0] }
    }
}

/// Checks a block with every number of threads, then times it.
pub(crate) fn measure(case: &Case, threads: &[usize], rounds: usize) -> eyre::Result<Times> {
    // New threads and new memory for every block: nothing is known of it beforehand.
    let workers: Vec<_> = threads.iter().map(|threads| Workers::new(*threads)).collect();
    for workers in &workers {
        case.check_ours(&case.run(workers)?)?;
    }
    let mut plain = Vec::new();
    let mut ours = vec![Vec::new(); workers.len()];
    let mut again = 0;
    for _ in 0..rounds {
        plain.push(time(|| plain::run(case).map(drop)));
        for (times, workers) in ours.iter_mut().zip(&workers) {
            again = 0;
            times.push(time(|| case.run(workers).map(|outcome| again += outcome.again)));
        }
    }
    Ok(Times {
        plain: Stat::of(plain),
        ours: ours.into_iter().map(Stat::of).collect(),
        again: again as f64,
    })
}

fn time<T>(work: impl FnOnce() -> eyre::Result<T>) -> Duration {
    let start = Instant::now();
    let done = black_box(work());
    let elapsed = start.elapsed();
    done.expect("checked before");
    elapsed
}
