//! A check list, and how it is printed.

use std::fmt::{self, Display};

/// What was looked at on L1, and how it compares with what the configuration and the committed bytecode say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// In order.
    pub checks: Vec<Check>,
    /// What is as it was configured, and no reason to fail, but should be known before anybody trusts the rollup with money.
    pub notes: Vec<String>,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub what: String,
    /// None if it is as it must be.
    pub difference: Option<Difference>,
}

/// What must be, and what is instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// As computed here.
    pub expected: String,
    /// As found.
    pub got: String,
}

impl Report {
    /// Whether all is as it must be.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.difference.is_none())
    }

    /// What is not.
    pub fn differences(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.difference.is_some())
    }

    pub(super) fn same<T: PartialEq + Display>(
        &mut self,
        what: impl Into<String>,
        expected: &T,
        got: &T,
    ) {
        let difference = (expected != got)
            .then(|| Difference { expected: expected.to_string(), got: got.to_string() });
        self.checks.push(Check { what: what.into(), difference });
    }

    /// The two must not be equal; `reason` says what `other` is.
    pub(super) fn unlike<T: PartialEq + Display>(
        &mut self,
        what: impl Into<String>,
        other: &T,
        reason: &str,
        got: &T,
    ) {
        let difference = (other == got).then(|| Difference {
            expected: format!("another than {other}, {reason}"),
            got: got.to_string(),
        });
        self.checks.push(Check { what: what.into(), difference });
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            match &check.difference {
                None => writeln!(f, "ok       {}", check.what)?,
                Some(Difference { expected, got }) => {
                    writeln!(f, "DIFFERS  {}: expected {expected}, got {got}", check.what)?;
                }
            }
        }
        for note in &self.notes {
            writeln!(f, "NOTE     {note}")?;
        }
        Ok(())
    }
}
