//! Processes that are killed while they write the L2 state: what was acknowledged is there, what is there is whole.
//!
//! `cargo test` kills a few; `cargo xtask kills` sets `RECOURSE_KILLS` to 200. Run by hand: this is its own harness, because it
//! starts itself as the process to be killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly"
)]

mod model;

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use alloy_primitives::keccak256;
use recourse_node::{
    states::{StateStore, StatesError, Stored},
    store::{Limit, SledStore},
};
use recourse_protocol::BatchIndex;

const NAME: &str = "a_killed_writer_leaves_a_whole_state";
/// Kills when nobody asks for more.
const FEW: u64 = 6;
/// The longest that a writer lives, in microseconds.
const LIFE: u64 = 120_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["write", folder, salt] => write(Path::new(folder), salt.parse().unwrap()),
        args if args.contains(&"--list") => {
            if !args.contains(&"--ignored") {
                println!("{NAME}: test");
            }
        }
        // A filter of `cargo test` that means others.
        args if args.iter().any(|arg| !arg.starts_with('-') && !NAME.contains(arg)) => {}
        _ => {
            let kills = std::env::var("RECOURSE_KILLS").ok();
            run(kills.map_or(FEW, |kills| kills.parse().unwrap()));
            full_disk();
        }
    }
}

/// Writes batches for ever, and takes some back at first. Tells of the batch that it stands at, each time that it is on disk.
fn write(folder: &Path, salt: u64) {
    let mut out = std::io::stdout();
    let mut tell = |batch: u64| {
        writeln!(out, "{batch}").unwrap();
        out.flush().unwrap();
    };
    let store = StateStore::new(Arc::new(SledStore::open(folder).unwrap()));
    let mut batches = read(&store).batches;
    tell(batches.len() as u64);
    for _ in 0..salt % 4 {
        let Some(batch) = batches.pop() else { break };
        match store.take_back(&batch) {
            Err(StatesError::Gone(_)) => {
                // Pruned, after several short lives.
                batches.push(batch);
                break;
            }
            done => done.unwrap(),
        }
        tell(batches.len() as u64);
    }
    // The state is that of the batch before, whichever way it is had.
    let mut state =
        batches.iter().fold(model::genesis().1, |state, batch| model::after(&state, batch.index.0));
    let mut at = batches.last().map_or(model::genesis().0, |batch| batch.post);
    loop {
        let next = model::after(&state, at.batch.0);
        let (batch, blocks) = model::batch(&at, &next);
        store.append(&batch, &blocks, &state, &next).unwrap();
        tell(batch.index.0);
        if salt.is_multiple_of(7) {
            store.forget(BatchIndex(batch.index.0.saturating_sub(8))).unwrap();
            store.sweep(Limit { entries: 3, bytes: usize::MAX }).unwrap();
        }
        (at, state) = (batch.post, next);
    }
}

/// What is stored; begins anew if nothing is.
fn read(store: &StateStore) -> Stored {
    let (genesis, state) = model::genesis();
    match store.load(&genesis).unwrap() {
        Some(stored) => stored,
        None => {
            store.begin(&state).unwrap();
            Stored { batches: Vec::new(), state }
        }
    }
}

fn run(kills: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (mut appended, mut reached) = (0_u64, 0_u64);
    for salt in 0..kills {
        let told = kill_one(folder.path(), salt);
        let store = StateStore::new(Arc::new(SledStore::open(folder.path()).unwrap()));
        let stored = read(&store);
        let tip = stored.batches.len() as u64;
        // What was told is on disk; the write under way may be, too.
        if let Some(last) = told.last() {
            assert!(tip.abs_diff(*last) <= 1, "kill {salt}: {last} was told, {tip} is there");
        }
        appended += told.len() as u64;
        reached = reached.max(tip);
        verify(&store, &stored);
    }
    assert!(reached > 0, "no writer lived long enough to write");
    println!(
        "{kills} kills, {appended} batches told, up to batch {reached}: every state was whole"
    );
}

/// A writer that may not make files longer than this ends with an error, and leaves a whole state.
#[cfg(unix)]
fn full_disk() {
    let folder = tempfile::tempdir().unwrap();
    // In blocks of 512 or 1,024 bytes; without the trap the kernel would kill it, which is another test.
    let script = "trap '' XFSZ; ulimit -f 1200; exec \"$0\" write \"$1\" 0";
    let ended = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(folder.path())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(!ended.status.success(), "it can't write for ever");
    let told = String::from_utf8(ended.stdout).unwrap();
    let last: u64 = told.lines().last().unwrap().parse().unwrap();
    assert!(last > 0);
    let store = StateStore::new(Arc::new(SledStore::open(folder.path()).unwrap()));
    let stored = read(&store);
    assert!(last.abs_diff(stored.batches.len() as u64) <= 1);
    verify(&store, &stored);
    println!("a full disk after batch {last}: the state was whole");
}

#[cfg(not(unix))]
fn full_disk() {}

/// The root was verified by the reader; here the content is what it must be, and the way back leads where it must.
fn verify(store: &StateStore, stored: &Stored) {
    let (mut at, mut state) = model::genesis();
    let mut states = vec![state.clone()];
    for batch in &stored.batches {
        state = model::after(&state, batch.index.0);
        let (expected, blocks) = model::batch(&at, &state);
        assert_eq!(*batch, expected);
        assert_eq!(store.blocks(batch).unwrap(), blocks);
        at = expected.post;
        states.push(state.clone());
    }
    assert_eq!(stored.state.root(), state.root());
    // Codes of batches that were taken back may be left over; none may be missing.
    assert!(stored.state.diff(&state).unwrap().codes.is_empty());
    let tip = BatchIndex(stored.batches.len() as u64);
    for to in (tip.0.saturating_sub(4)..tip.0).rev() {
        let expected = states[to as usize].root();
        match store.back((tip, &stored.state), BatchIndex(to), expected) {
            // Pruned, after several short lives.
            Err(StatesError::Gone(_)) => break,
            back => assert_eq!(back.unwrap().root(), expected),
        }
    }
}

/// Starts a writer and kills it at some moment. Gives what it told.
fn kill_one(folder: &Path, salt: u64) -> Vec<u64> {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["write", folder.to_str().unwrap(), &salt.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    // From the first word on, so that slow machines kill as many writes as fast ones.
    let mut told: Vec<u64> =
        lines.next().into_iter().map(|line| line.unwrap().parse().unwrap()).collect();
    let hash = keccak256(salt.to_be_bytes());
    let life = u64::from_be_bytes(hash[..8].try_into().unwrap()) % LIFE;
    thread::sleep(Duration::from_micros(life));
    writer.kill().unwrap();
    writer.wait().unwrap();
    // The last line may be cut.
    told.extend(lines.map_while(Result::ok).filter_map(|line| line.parse::<u64>().ok()));
    told
}
