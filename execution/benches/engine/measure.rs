//! Timing, by the clock: threads are to make it shorter. What is compared is run in turns, so that a slow while is slow for
//! all of it. Beside it the time that cores were busy, all threads together, which hardly depends on what else runs.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use recourse_execution::parallel::Workers;
use rustix::time::{ClockId, clock_gettime};

use crate::{case::Case, plain};

/// What a block takes.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) plain: Stat,
    /// By the number of threads.
    pub(crate) ours: Vec<Stat>,
    /// Transactions that ran once more, with the most threads, in the last round.
    pub(crate) again: f64,
}

/// Several times of the same.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stat {
    pub(crate) median: Duration,
    pub(crate) least: Duration,
    /// The least time that cores were busy.
    pub(crate) busy: Duration,
}

impl Stat {
    fn of(times: Vec<(Duration, Duration)>) -> Self {
        let (mut times, busy): (Vec<_>, Vec<_>) = times.into_iter().unzip();
        times.sort_unstable();
        let busy = busy.into_iter().min().unwrap_or_default();
        Self { median: times[times.len() / 2], least: times[0], busy }
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

/// By the clock, and of all cores.
fn time<T>(work: impl FnOnce() -> eyre::Result<T>) -> (Duration, Duration) {
    let (start, busy) = (Instant::now(), busy());
    let done = black_box(work());
    let times = (start.elapsed(), self::busy().saturating_sub(busy));
    done.expect("checked before");
    times
}

fn busy() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}
