//! Timing, by the clock: threads are to make it shorter. What is compared is run in turns, so that a slow while is slow for
//! all of it. Beside it the time that cores were busy, all threads together, which hardly depends on what else runs.
//!
//! The cores of a virtual machine are not alike: one may be half as fast again as the other while a neighbour works. Two threads
//! take both; one thread would be fast or slow by the core that it happens to be on. So the calling thread begins the rounds on
//! each core in turn, and stays there where it works alone. What a core of average speed takes counts: the harmonic mean.

use std::{
    hint::{black_box, spin_loop},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use recourse_execution::parallel::Workers;
use rustix::{
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_gettime},
};

use crate::{case::Case, plain};

/// What a block takes.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) plain: Stat,
    /// By the number of threads.
    pub(crate) ours: Vec<Stat>,
    /// What a block takes where each core runs it by plain revm, all at once, and none waits for another.
    pub(crate) apart: Duration,
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

/// One run: the core on which it began, by its place among all, the time by the clock, and that of all cores.
type Run = (usize, Duration, Duration);

impl Stat {
    fn of(runs: &[Run], cores: usize) -> Self {
        let on_each = |what: fn(&mut [Duration]) -> Duration| {
            let speeds = (0..cores).filter_map(|core| {
                let own = runs.iter().filter(|(on, ..)| *on == core).map(|(_, time, _)| *time);
                let mut own: Vec<_> = own.collect();
                own.sort_unstable();
                (!own.is_empty()).then(|| 1.0 / what(&mut own).as_secs_f64())
            });
            let speeds: Vec<_> = speeds.collect();
            Duration::from_secs_f64(speeds.len() as f64 / speeds.iter().sum::<f64>())
        };
        Self {
            median: on_each(|times| times[times.len() / 2]),
            least: on_each(|times| times[0]),
            busy: runs.iter().map(|(_, _, busy)| *busy).min().unwrap_or_default(),
        }
    }
}

/// Checks a block with every number of threads, then times it.
pub(crate) fn measure(case: &Case, threads: &[usize], rounds: usize) -> eyre::Result<Times> {
    // New threads and new memory for every block: nothing is known of it beforehand.
    let workers: Vec<_> = threads.iter().map(|threads| Workers::new(*threads)).collect();
    for workers in &workers {
        case.check_ours(&case.run(workers)?)?;
    }
    let all = sched_getaffinity(None)?;
    let cores: Vec<_> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
    let (mut plain, mut apart) = (Vec::new(), Vec::new());
    let mut ours = vec![Vec::new(); workers.len()];
    let mut again = 0;
    for round in 0..rounds {
        let place = round % cores.len();
        let mut core = CpuSet::new();
        core.set(cores[place]);
        let time = |alone: bool, work: &mut dyn FnMut() -> eyre::Result<()>| {
            // From there it may go elsewhere, unless it works alone.
            sched_setaffinity(None, &core)?;
            if !alone {
                sched_setaffinity(None, &all)?;
            }
            let (clock, busy) = time(work);
            eyre::Ok((place, clock, busy))
        };
        plain.push(time(true, &mut || plain::run(case).map(drop))?);
        for (runs, workers) in ours.iter_mut().zip(&workers) {
            // It would have learnt from this very block.
            workers.forget_hints();
            again = 0;
            let mut work = || case.run(workers).map(|outcome| again += outcome.again);
            runs.push(time(workers.threads() == 1, &mut work)?);
        }
    }
    sched_setaffinity(None, &all)?;
    // By itself: threads that come and go leave the allocator in another state than they found it in.
    for _ in 0..rounds {
        apart.push(on_each_core(case, &cores)?);
    }
    apart.sort_unstable();
    Ok(Times {
        apart: apart[rounds / 2],
        plain: Stat::of(&plain, cores.len()),
        ours: ours.iter().map(|runs| Stat::of(runs, cores.len())).collect(),
        again: again as f64,
    })
}

/// Runs a block by plain revm on each core, all at once. Gives what one block takes so: what the cores leave each other of the memory
/// bounds what threads that share a block can gain.
fn on_each_core(case: &Case, cores: &[usize]) -> eyre::Result<Duration> {
    let ready = AtomicUsize::new(0);
    let run = |core: usize| {
        let mut own = CpuSet::new();
        own.set(core);
        let pinned = sched_setaffinity(None, &own);
        // Also where that failed: the others wait for it.
        ready.fetch_add(1, SeqCst);
        while ready.load(SeqCst) < cores.len() {
            spin_loop();
        }
        pinned?;
        eyre::Ok(time(|| plain::run(case).map(drop)).0.as_secs_f64())
    };
    let times = thread::scope(|scope| {
        let all: Vec<_> = cores.iter().map(|core| scope.spawn(|| run(*core))).collect();
        all.into_iter()
            .map(|one| one.join().expect("it ran before"))
            .collect::<eyre::Result<Vec<_>>>()
    })?;
    Ok(Duration::from_secs_f64(1.0 / times.iter().map(|time| 1.0 / time).sum::<f64>()))
}

/// What a row of different blocks of one kind takes by the most threads: without what each taught the next ones, and with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowTimes {
    pub(crate) forgotten: Duration,
    pub(crate) kept: Duration,
    /// Transactions that ran once more, on average of the rounds.
    pub(crate) again: [f64; 2],
}

/// Checks a row of blocks, then times it, with hints that are forgotten before each block and with hints that are kept, in turns.
pub(crate) fn measure_row(cases: &[Case], threads: usize, rounds: usize) -> eyre::Result<RowTimes> {
    let workers = Workers::new(threads);
    for case in cases {
        case.check_ours(&case.run(&workers)?)?;
    }
    let mut times = [const { Vec::new() }; 2];
    let mut again = [0.0; 2];
    for round in 0..2 * rounds {
        // Each is the first one in half of the rounds.
        let kept = (round + round / 2) % 2;
        workers.forget_hints();
        let mut all = Duration::ZERO;
        for case in cases {
            if kept == 0 {
                workers.forget_hints();
            }
            let mut ran = 0;
            all += time(&mut || case.run(&workers).map(|outcome| ran = outcome.again)).0;
            again[kept] += ran as f64 / rounds as f64;
        }
        times[kept].push(all);
    }
    let [forgotten, kept] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    Ok(RowTimes { forgotten, kept, again })
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
