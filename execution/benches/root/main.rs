//! State roots beside alloy-trie's hash builder, in one run: `cargo xtask bench root`.
//!
//! Arguments: number of accounts (1,000,000), rounds (7), threads (all). Prints medians, and a line `ratio NAME X` for each
//! comparison: how many times sooner ours is done than the peer. With `--changed-only` there is one large state at a time, which
//! 10,000,000 accounts need.
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
    reason = "a bench may fail loudly, and reports on stdout"
)]

mod memory;
mod ours;
mod peer;
mod world;

use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

use recourse_execution::{AccountPatch, State};
use world::{CHANGED, STEPS};

/// Times by name, in the order in which they were first taken.
#[derive(Default)]
struct Times {
    order: Vec<&'static str>,
    taken: BTreeMap<&'static str, Vec<Duration>>,
}

impl Times {
    /// Runs something after what it needs was made, and keeps how long it took.
    fn take<I, T>(&mut self, name: &'static str, input: I, run: impl FnOnce(I) -> T) -> T {
        let start = Instant::now();
        let made = black_box(run(black_box(input)));
        let taken = start.elapsed();
        if !self.taken.contains_key(name) {
            self.order.push(name);
        }
        self.taken.entry(name).or_default().push(taken);
        made
    }

    fn median(&self, name: &str) -> f64 {
        let mut all = self.taken[name].clone();
        all.sort();
        all[all.len() / 2].as_secs_f64()
    }

    /// Of what was taken.
    fn ratio(&self, name: &str, peer: &str, ours: &str) {
        if !self.taken.contains_key(ours) {
            return;
        }
        println!("ratio {name} {:.2}", self.median(peer) / self.median(ours));
    }

    /// `size`: of the state, in names.
    fn report(&self, size: &str) {
        for name in &self.order {
            println!("{name:<44} {:>10.2} ms", 1e3 * self.median(name));
        }
        for (peer, ours, what) in [
            ("hash builder, 16 subtries", "ours, all accounts", "vs_hashbuilder16"),
            ("hash builder", "ours, all accounts", "vs_hashbuilder"),
        ] {
            self.ratio(&format!("root_{size}_{what}"), peer, ours);
            self.ratio(&format!("root_10k_of_{size}_{what}"), peer, "ours, changed");
        }
        self.ratio("root_10k_vs_one_by_one", "ours, changed one by one", "ours, changed");
        self.ratio("slots_10k_vs_one_by_one", "ours, slots one by one", "ours, slots");
        self.ratio(
            "steps_at_once_vs_each",
            "ours, root after each step",
            "ours, roots of all steps",
        );
        self.ratio(
            &format!("root_{size}_threads"),
            "ours, all accounts, 1 thread",
            "ours, all accounts",
        );
    }
}

fn main() {
    let changed_only = std::env::args().any(|arg| arg == "--changed-only");
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse::<usize>().ok());
    let accounts = numbers.next().unwrap_or(1_000_000);
    let rounds = numbers.next().unwrap_or(7);
    let threads = numbers.next().unwrap_or(0);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    println!("{accounts} accounts, {} threads, {rounds} rounds", rayon::current_num_threads());

    memory::report();
    let list = world::accounts(accounts);
    let state = ours::build(&list);
    let expected = state.root();
    let patches = world::patches(&list);
    let changed = world::changed(&list, &patches);
    let slots = world::slots();
    let contract = state.with_changes(ours::slots(&state, &slots.0)).unwrap();
    let _ = contract.root();
    let mut times = Times::default();
    for _ in 0..rounds {
        let root = times.take("hash builder", &changed, |list| peer::root(list));
        let parts =
            times.take("hash builder, 16 subtries", &changed, |list| peer::root_by_16(list));
        if !changed_only {
            // The state stays: who makes it wants it.
            let (_, whole) = times.take("ours, all accounts", &changed, ours::rooted);
            assert_eq!(whole, root);
            let _ = alone
                .install(|| times.take("ours, all accounts, 1 thread", &changed, ours::rooted));
        }
        let (_, some) = times.take("ours, changed", patches.clone(), |patches| {
            let state = state.patched(patches).unwrap();
            let root = state.root();
            (state, root)
        });
        let changes = ours::changes(&state, &patches);
        let single = times
            .take("ours, changed one by one", changes, |changes| ours::one_by_one(&state, changes));
        assert_eq!([root, parts, some], [single; 3]);
        assert_ne!(root, expected);

        let changes = ours::slots(&contract, &slots.1);
        let at_once = times.take("ours, slots", changes.clone(), |changes| {
            contract.with_changes(changes).unwrap().root()
        });
        let single = times.take("ours, slots one by one", changes, |changes| {
            ours::one_by_one(&contract, changes)
        });
        assert_eq!(at_once, single);

        steps(&mut times, &state, &patches);
        assert_eq!(patches.len(), CHANGED);
    }
    let size = match accounts {
        1_000_000.. => format!("{}m", accounts / 1_000_000),
        _ => format!("{}k", accounts / 1000),
    };
    times.report(&size);
}

/// The roots of states in a row, one after the other and at once.
fn steps(times: &mut Times, state: &State, patches: &[AccountPatch]) {
    let steps = ours::steps(state, patches);
    let (_, each) = times.take("ours, root after each step", steps, |steps| {
        let roots: Vec<_> = steps.iter().map(State::root).collect();
        (steps, roots)
    });
    let steps = ours::steps(state, patches);
    let (_, all) = times.take("ours, roots of all steps", steps, |steps| {
        let roots = State::roots(&steps);
        (steps, roots)
    });
    assert_eq!(each, all);
    assert_eq!(all.len(), STEPS);
}
