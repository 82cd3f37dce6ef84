//! What was run, as a table.

use std::{collections::BTreeMap, fmt};

/// The most failures that are told in full.
const TOLD: usize = 40;

/// What a test did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    /// Blocks executed, in whole and step by step.
    pub(crate) blocks: u64,
    /// Invalid blocks refused for the right reason.
    pub(crate) refused: u64,
    /// Valid blocks that are valid as payloads of L1.
    pub(crate) payloads: u64,
    /// Of these, valid also as payloads of L2.
    pub(crate) on_l2: u64,
    /// Of the invalid blocks, refused as payloads, for the right reason.
    pub(crate) refused_payloads: u64,
    /// Calls of EXECUTE, all true.
    pub(crate) executed: u64,
    /// Gas of the blocks.
    pub(crate) gas: u64,
    /// Bytes of the whole blocks' witnesses.
    pub(crate) witness: u64,
}

impl Work {
    /// Adds what another did.
    pub(crate) fn add(&mut self, other: Self) {
        self.blocks = self.blocks.saturating_add(other.blocks);
        self.refused = self.refused.saturating_add(other.refused);
        self.payloads = self.payloads.saturating_add(other.payloads);
        self.on_l2 = self.on_l2.saturating_add(other.on_l2);
        self.refused_payloads = self.refused_payloads.saturating_add(other.refused_payloads);
        self.executed = self.executed.saturating_add(other.executed);
        self.gas = self.gas.saturating_add(other.gas);
        self.witness = self.witness.saturating_add(other.witness);
    }
}

/// How a test ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// As it should.
    Passed(Work),
    /// Otherwise, and why.
    Failed(String),
    /// Not run, and why.
    Skipped(String),
}

impl From<eyre::Result<Work>> for Outcome {
    fn from(result: eyre::Result<Work>) -> Self {
        match result {
            Ok(work) => Self::Passed(work),
            Err(error) => Self::Failed(format!("{error:#}")),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    passed: u64,
    failed: u64,
    skipped: u64,
    work: Work,
}

impl Row {
    fn add(&mut self, other: Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.work.add(other.work);
    }
}

/// All outcomes, by folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    rows: BTreeMap<String, Row>,
    failures: Vec<String>,
    reasons: BTreeMap<String, u64>,
}

impl Report {
    /// Takes in how a test ended.
    pub(crate) fn add(&mut self, folder: &str, name: &str, outcome: Outcome) {
        let row = self.rows.entry(folder.to_owned()).or_default();
        match outcome {
            Outcome::Passed(work) => row.add(Row { passed: 1, work, ..Row::default() }),
            Outcome::Failed(why) => {
                row.add(Row { failed: 1, ..Row::default() });
                self.failures.push(format!("{folder}: {name}: {why}"));
            }
            Outcome::Skipped(why) => {
                row.add(Row { skipped: 1, ..Row::default() });
                let count = self.reasons.entry(why).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    /// Takes in another report.
    pub(crate) fn merge(&mut self, other: Self) {
        for (folder, row) in other.rows {
            self.rows.entry(folder).or_default().add(row);
        }
        self.failures.extend(other.failures);
        for (why, more) in other.reasons {
            let count = self.reasons.entry(why).or_default();
            *count = count.saturating_add(more);
        }
    }

    /// Whether something ran and nothing failed.
    pub(crate) fn is_good(&self) -> bool {
        let total = self.total();
        total.passed > 0 && total.failed == 0
    }

    fn total(&self) -> Row {
        let mut total = Row::default();
        for row in self.rows.values() {
            total.add(*row);
        }
        total
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| folder | passed | failed | skipped | blocks | refused | payloads | on L2 | refused | EXECUTE | Mgas | witness kB |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for (folder, row) in &self.rows {
            write_row(f, folder, row)?;
        }
        let total = self.total();
        write_row(f, "**all**", &total)?;
        for (why, count) in &self.reasons {
            writeln!(f, "skipped {count}: {why}")?;
        }
        for failure in self.failures.iter().take(TOLD) {
            writeln!(f, "FAILED {failure}")?;
        }
        if self.failures.len() > TOLD {
            writeln!(f, "and {} more failures", self.failures.len().saturating_sub(TOLD))?;
        }
        write!(f, "{} passed, {} failed", total.passed, total.failed)?;
        if total.skipped > 0 {
            write!(f, ", {} skipped", total.skipped)?;
        }
        Ok(())
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, folder: &str, row: &Row) -> fmt::Result {
    let Row { passed, failed, skipped, work } = row;
    let Work { blocks, refused, executed, gas, witness, .. } = work;
    let Work { payloads, on_l2, refused_payloads, .. } = work;
    let (mgas, kilobytes) = (gas / 1_000_000, witness / 1_000);
    writeln!(
        f,
        "| {folder} | {passed} | {failed} | {skipped} | {blocks} | {refused} | {payloads} | {on_l2} | {refused_payloads} | {executed} | {mgas} | {kilobytes} |"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts() {
        let mut report = Report::default();
        assert!(!report.is_good());
        report.add("a", "1", Outcome::Passed(Work { blocks: 2, ..Work::default() }));
        assert!(report.is_good());
        assert!(report.to_string().ends_with("\n1 passed, 0 failed"));
        let mut other = Report::default();
        other.add("a", "2", Outcome::Failed("why".to_owned()));
        other.add("b", "3", Outcome::Skipped("no".to_owned()));
        report.merge(other);
        assert!(!report.is_good());
        let text = report.to_string();
        assert!(text.contains("FAILED a: 2: why"));
        assert!(text.contains("skipped 1: no"));
        assert!(text.ends_with("\n1 passed, 1 failed, 1 skipped"));
    }
}
