//! What the bench says at the end.

use std::{collections::BTreeMap, fmt, path::Path, time::Duration};

use recourse_execution::Witness;

use crate::{
    case::{Case, Part, Proof},
    measure::Sample,
};

/// What the native-rollups discussion assumes: 3 MB for 15 Mgas.
const ASSUMED_BYTES_PER_MGAS: f64 = 200_000.0;

/// What is compared with its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Holesky,
    HoleskyTheirs,
    Mainnet,
    Openings,
    Transactions,
    Seals,
}

impl Group {
    fn name(self) -> &'static str {
        match self {
            Self::Holesky => "Holesky blocks, minimal witness",
            Self::HoleskyTheirs => "Holesky blocks, their witness",
            Self::Mainnet => "mainnet blocks, minimal witness",
            Self::Openings => "steps: openings",
            Self::Transactions => "steps: transactions",
            Self::Seals => "steps: seals",
        }
    }

    fn is_block(self) -> bool {
        matches!(self, Self::Holesky | Self::HoleskyTheirs | Self::Mainnet)
    }
}

/// A block or a step: all its runs.
#[derive(Debug, Default)]
struct Series {
    gas: u64,
    witness: Sizes,
    samples: Vec<Sample>,
}

/// Bytes of a witness.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    all: usize,
    nodes: usize,
    codes: usize,
    snappy: usize,
}

/// All that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    series: BTreeMap<(Group, String), Series>,
    /// The engine's time with the provability rule over that without it.
    rule: BTreeMap<String, Vec<f64>>,
    skipped: Vec<String>,
}

impl Report {
    pub(crate) fn skip(&mut self, folder: &Path, why: &eyre::Report) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        self.skipped.push(format!("not run: mainnet {name}: {why:#}"));
    }

    pub(crate) fn whole(&mut self, group: Group, case: &Case, proof: &Proof, sample: Sample) {
        self.add(group, &case.block.name, proof, sample);
    }

    pub(crate) fn steps(&mut self, case: &Case, samples: &[Sample]) {
        for ((part, proof), sample) in case.steps.iter().zip(samples) {
            let (group, index) = match part {
                Part::Opening => (Group::Openings, 0),
                Part::Transaction(index) => (Group::Transactions, *index),
                Part::Seal => (Group::Seals, 0),
            };
            self.add(group, &format!("{} {index:04}", case.block.name), proof, *sample);
        }
    }

    pub(crate) fn rule(&mut self, case: &Case, with: Duration, without: Duration) {
        let ratios = self.rule.entry(case.block.name.clone()).or_default();
        ratios.push(with.as_secs_f64() / without.as_secs_f64());
    }

    fn add(&mut self, group: Group, name: &str, proof: &Proof, sample: Sample) {
        let series = self.series.entry((group, name.to_owned())).or_default();
        if series.samples.is_empty() {
            series.gas = proof.gas_used;
            series.witness = Sizes::of(&proof.witness);
        }
        series.samples.push(sample);
    }

    fn group(&self, group: Group) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(move |((of, _), _)| *of == group).map(|(_, series)| series)
    }
}

impl Sizes {
    fn of(witness: &[u8]) -> Self {
        let decoded = Witness::decode(witness).expect("checked before");
        let snappy = snap::raw::Encoder::new().compress_vec(witness).expect("not too long");
        Self {
            all: witness.len(),
            nodes: decoded.nodes.iter().map(|node| node.len()).sum(),
            codes: decoded.codes.iter().map(|code| code.len()).sum(),
            snappy: snappy.len(),
        }
    }
}

impl Series {
    /// The median run.
    fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(of))
    }

    fn micros(&self, of: impl Fn(&Sample) -> Duration) -> f64 {
        self.median(|sample| of(sample).as_secs_f64() * 1e6)
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<_> = values.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

fn geometric_mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) =
        values.fold((0.0, 0.0), |(sum, count), value| (sum + value.ln(), count + 1.0));
    (sum / count).exp()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.skipped {
            writeln!(f, "{line}")?;
        }
        self.blocks(f)?;
        self.groups(f)?;
        self.bytes(f)?;
        self.ratios(f)
    }
}

impl Report {
    /// Times in microseconds.
    fn blocks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n| block | Mgas | witness kB | snappy kB | plain us | of it recovery | keccak us | EXECUTE us | ratio |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for ((group, name), series) in self.series.iter().filter(|((group, _), _)| group.is_block())
        {
            let theirs = if *group == Group::HoleskyTheirs { ", their witness" } else { "" };
            writeln!(
                f,
                "| {name}{theirs} | {:.2} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} | {:.0} | {:.3} |",
                series.gas as f64 / 1e6,
                series.witness.all as f64 / 1e3,
                series.witness.snappy as f64 / 1e3,
                series.micros(|sample| sample.plain),
                series.micros(|sample| sample.recovery),
                series.micros(|sample| sample.keccak),
                series.micros(|sample| sample.execute),
                series.median(Sample::ratio),
            )?;
        }
        Ok(())
    }

    fn groups(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n| group | cases | plain ms | of it recovery | keccak ms | EXECUTE ms | ratio | without recovery |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|--:|")?;
        for group in [
            Group::Holesky,
            Group::HoleskyTheirs,
            Group::Mainnet,
            Group::Openings,
            Group::Transactions,
            Group::Seals,
        ] {
            let sum = |of: fn(&Sample) -> Duration| {
                self.group(group).map(|series| series.micros(of) / 1e3).sum::<f64>()
            };
            writeln!(
                f,
                "| {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.3} | {:.3} |",
                group.name(),
                self.group(group).count(),
                sum(|sample| sample.plain),
                sum(|sample| sample.recovery),
                sum(|sample| sample.keccak),
                sum(|sample| sample.execute),
                geometric_mean(self.group(group).map(|series| series.median(Sample::ratio))),
                geometric_mean(
                    self.group(group)
                        .map(|series| series.median(Sample::ratio_without_recovery).max(0.01))
                ),
            )?;
        }
        Ok(())
    }

    fn bytes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n| witnesses | Mgas | nodes | codes | bytes/Mgas | of 200 kB | snappy bytes/Mgas | of 200 kB |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|--:|")?;
        for group in [Group::Holesky, Group::HoleskyTheirs, Group::Mainnet, Group::Transactions] {
            let sum = |of: fn(&Series) -> f64| self.group(group).map(of).sum::<f64>();
            let mgas = sum(|series| series.gas as f64 / 1e6);
            let per_mgas = sum(|series| series.witness.all as f64) / mgas;
            let snappy = sum(|series| series.witness.snappy as f64) / mgas;
            writeln!(
                f,
                "| {} | {mgas:.1} | {:.0} | {:.0} | {per_mgas:.0} | {:.3} | {snappy:.0} | {:.3} |",
                group.name(),
                sum(|series| series.witness.nodes as f64),
                sum(|series| series.witness.codes as f64),
                per_mgas / ASSUMED_BYTES_PER_MGAS,
                snappy / ASSUMED_BYTES_PER_MGAS,
            )?;
        }
        Ok(())
    }

    fn ratios(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |of: fn(Group) -> bool| {
            let of = self.series.iter().filter(move |((group, _), _)| of(*group));
            geometric_mean(of.map(|(_, series)| series.median(Sample::ratio)))
        };
        let blocks = all(Group::is_block);
        let steps = all(|group| !group.is_block());
        writeln!(f, "\nratio blocks {blocks:.3}")?;
        writeln!(f, "ratio steps {steps:.3}")?;
        // Blocks and steps weigh the same, however many steps there are.
        writeln!(f, "ratio execute_vs_revm_plus_keccak {:.3}", (blocks * steps).sqrt())?;
        let real = |group| matches!(group, Group::Holesky | Group::Mainnet);
        let of = self.series.iter().filter(|((group, _), _)| real(*group));
        let (bytes, gas) = of.fold((0.0, 0.0), |(bytes, gas), (_, series)| {
            (bytes + series.witness.all as f64, gas + series.gas as f64)
        });
        let per_mgas = bytes / gas * 1e6 / ASSUMED_BYTES_PER_MGAS;
        writeln!(f, "ratio witness_bytes_per_mgas_vs_200kB {per_mgas:.3}")?;
        let rule = self.rule.values().map(|ratios| median(ratios.iter().copied()));
        writeln!(f, "ratio provability_rule_cost {:.3}", geometric_mean(rule))
    }
}
