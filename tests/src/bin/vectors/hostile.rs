//! Real blocks with their witnesses spoiled: every node and every code, in every way. What is lost is named, what is not lost
//! does not matter, and no wrong claim is true.

use std::{fmt, fs, num::NonZero, path::Path, thread};

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use eyre::{OptionExt, bail, ensure, eyre};
use recourse_execution::{
    Claim, ExecuteError, ExecutionError, Schedule, StateError, Witness, replay, trie::TrieError,
};
use recourse_protocol::bindings::Trace;

use crate::{
    archive,
    holesky::{Case, load},
    spoil::Spoil,
};

/// What was asked, and answered as it must be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Nodes and codes that were spoiled.
    items: u64,
    /// Claims that stayed true.
    still_true: u64,
    /// True claims that were false without what was spoiled.
    lacking: u64,
    /// Wrong claims that stayed false.
    lies: u64,
}

impl Tally {
    /// Adds another's.
    pub(crate) fn add(&mut self, other: Self) {
        self.items = self.items.saturating_add(other.items);
        self.still_true = self.still_true.saturating_add(other.still_true);
        self.lacking = self.lacking.saturating_add(other.lacking);
        self.lies = self.lies.saturating_add(other.lies);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { items, still_true, lacking, lies } = self;
        write!(f, "| {items} | {still_true} | {lacking} | {lies} |")
    }
}

/// Every block of a folder; of its nodes and codes one in `stride`.
///
/// # Errors
/// When an answer is wrong.
pub(crate) fn run(folder: &Path, stride: usize) -> eyre::Result<Vec<(String, Tally)>> {
    let cases: Vec<_> =
        archive::files(folder, "json")?.iter().map(|file| load(file)).collect::<Result<_, _>>()?;
    ensure!(!cases.is_empty(), "no blocks");
    let surplus = union(&cases);
    let mut rows = Vec::new();
    for case in &cases {
        let hostile = Hostile::new(case)?;
        let mut tally = hostile.lists(&surplus)?;
        tally.add(hostile.items(stride)?);
        rows.push((case.block.header.number.to_string(), tally));
    }
    Ok(rows)
}

/// The most memory that this process has held, in MiB, where the system tells.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024)
}

fn union(cases: &[Case]) -> Witness {
    let all = |list: fn(&Witness) -> &Vec<Bytes>| {
        cases.iter().flat_map(|case| list(&case.theirs)).cloned().collect()
    };
    Witness { nodes: all(|witness| &witness.nodes), codes: all(|witness| &witness.codes) }
}

/// A true claim about a block.
struct Hostile<'a> {
    case: &'a Case,
    trace: Trace,
    schedule: &'a Schedule,
}

/// One node or code of the least witness.
#[derive(Clone, Copy, Debug)]
enum Item {
    Node(usize),
    Code(usize),
}

impl<'a> Hostile<'a> {
    fn new(case: &'a Case) -> eyre::Result<Self> {
        let trace = case.run.trace(case.done.receipt_digest, Bytes::new());
        let hostile = Self { case, trace, schedule: case.run.schedule() };
        ensure!(hostile.ask(&case.done.witness, None).is_ok(), "the least witness is not enough");
        Ok(hostile)
    }

    fn witness(&self) -> &'a Witness {
        &self.case.done.witness
    }

    /// The lists as a whole: order, copies and surplus do not matter; that nothing is there does.
    fn lists(&self, surplus: &Witness) -> eyre::Result<Tally> {
        let Witness { nodes, codes } = self.witness();
        let backwards = |list: &[Bytes]| list.iter().rev().cloned().collect();
        let enough = [
            self.case.theirs.clone(),
            surplus.clone(),
            Witness { nodes: backwards(nodes), codes: backwards(codes) },
            Witness { nodes: [&nodes[..], nodes].concat(), codes: [&codes[..], codes].concat() },
            Witness { nodes: [&nodes[..], codes].concat(), codes: [&codes[..], nodes].concat() },
        ];
        let lacking = [
            Witness::default(),
            Witness { nodes: codes.clone(), codes: nodes.clone() },
            Witness { nodes: nodes.clone(), codes: Vec::new() },
        ];
        let mut tally = Tally::default();
        for (witness, lie) in enough.iter().zip(Lie::ALL) {
            ensure!(self.ask(witness, None).is_ok(), "surplus or order matters");
            ensure!(self.ask(witness, Some(lie)).is_err(), "{lie:?} is true");
            tally.add(Tally { still_true: 1, lies: 1, ..Tally::default() });
        }
        for (witness, lie) in lacking.iter().zip(Lie::ALL) {
            ensure!(self.ask(witness, None).is_err(), "true without what it needs");
            ensure!(self.ask(witness, Some(lie)).is_err(), "{lie:?} is true");
            tally.add(Tally { lacking: 1, lies: 1, ..Tally::default() });
        }
        Ok(tally)
    }

    /// One node or code in `stride`, on all processors.
    fn items(&self, stride: usize) -> eyre::Result<Tally> {
        let nodes = (0..self.witness().nodes.len()).map(Item::Node);
        let codes = (0..self.witness().codes.len()).map(Item::Code);
        let items: Vec<_> = nodes.step_by(stride).chain(codes.step_by(stride)).collect();
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let share = items.len().div_ceil(threads).max(1);
        thread::scope(|scope| {
            let workers: Vec<_> =
                items.chunks(share).map(|part| scope.spawn(move || self.part(part))).collect();
            let mut tally = Tally::default();
            for worker in workers {
                tally.add(worker.join().map_err(|_| eyre!("EXECUTE panicked"))??);
            }
            Ok(tally)
        })
    }

    fn part(&self, items: &[Item]) -> eyre::Result<Tally> {
        let mut tally = Tally::default();
        for item in items {
            for (salt, spoil) in Spoil::ALL.into_iter().enumerate() {
                tally.add(self.item(*item, spoil, salt)?);
            }
            tally.items = tally.items.saturating_add(1);
        }
        Ok(tally)
    }

    /// The true claim and one wrong one, on a witness with one thing spoiled.
    fn item(&self, item: Item, spoil: Spoil, salt: usize) -> eyre::Result<Tally> {
        let mut witness = self.witness().clone();
        let (index, missing) = match item {
            Item::Node(index) => {
                let node = witness.nodes.get(index).ok_or_eyre("no such node")?;
                (index, StateError::Trie(TrieError::Missing(keccak256(node))))
            }
            Item::Code(index) => {
                let code = witness.codes.get(index).ok_or_eyre("no such code")?;
                (index, StateError::MissingCode(keccak256(code)))
            }
        };
        match item {
            Item::Node(index) => spoil.apply(&mut witness.nodes, index),
            Item::Code(index) => spoil.apply(&mut witness.codes, index),
        }
        let lie = Lie::ALL.into_iter().cycle().nth(index.wrapping_add(salt));
        ensure!(self.ask(&witness, lie).is_err(), "{item:?}, {spoil:?}: {lie:?} is true");
        let missing = ExecuteError::Execution(ExecutionError::State(missing));
        match self.ask(&witness, None) {
            Ok(()) if spoil.is_harmless() => {
                Ok(Tally { still_true: 1, lies: 1, ..Tally::default() })
            }
            Err(why) if !spoil.is_harmless() && why == missing => {
                Ok(Tally { lacking: 1, lies: 1, ..Tally::default() })
            }
            other => bail!("{item:?}, {spoil:?}: {other:?}"),
        }
    }

    fn ask(&self, witness: &Witness, lie: Option<Lie>) -> Result<(), ExecuteError> {
        let mut trace = Trace { witness: witness.encode(), ..self.trace.clone() };
        let done = &self.case.done;
        let (mut pre, mut post, mut gas_used) = (self.case.pre, done.state_root, done.gas_used);
        match lie {
            None => {}
            Some(Lie::Pre) => pre = keccak256(pre),
            Some(Lie::Post) => post = keccak256(post),
            Some(Lie::Unchanged) => post = pre,
            Some(Lie::MoreGas) => gas_used = gas_used.saturating_add(1),
            Some(Lie::LessGas) => gas_used = gas_used.saturating_sub(1),
            Some(Lie::Digest) => trace.receiptDigestAfter = B256::ZERO,
        }
        let trace = trace.abi_encode();
        replay(&Claim { pre, post, trace: &trace, gas_used }, self.schedule, &|_| None)
    }
}

/// What a wrong claim says.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Pre,
    Post,
    Unchanged,
    MoreGas,
    LessGas,
    Digest,
}

impl Lie {
    const ALL: [Self; 6] =
        [Self::Pre, Self::Post, Self::Unchanged, Self::MoreGas, Self::LessGas, Self::Digest];
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail loudly")]

    use super::*;

    /// A sample of what `cargo xtask vectors --hostile` does with every node and code.
    #[test]
    fn real_blocks_withstand_spoiled_witnesses() {
        let Ok(folder) = archive::find("holesky-witnesses") else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no vectors");
            println!("SKIPPED: no vectors");
            return;
        };
        let rows = run(&folder, 600).unwrap();
        assert_eq!(rows.len(), 4);
        for (block, tally) in rows {
            assert!(tally.items > 0 && tally.lacking > tally.items, "{block}");
            assert!(tally.still_true > tally.items && tally.lies > 5 * tally.items, "{block}");
        }
    }
}
