//! Where two opinions part.

use std::fmt;

use crate::{
    case::Case,
    localise::localise,
    opinion::{Opinion, Standing, Step},
    ours::{self, Ours},
    worker::Worker,
};

/// A difference, for people.
#[derive(Clone, Debug)]
pub(crate) struct Difference(String);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Both opinions on a case: ours if they agree, else where they part first. A side that breaks differs too.
pub(crate) fn both(oracle: &mut Worker, case: &Case) -> Result<Ours, Difference> {
    let ours = ours::judge(case).map_err(|error| Difference(format!("ours: {error:#}")))?;
    let theirs = oracle.judge(case).map_err(|error| Difference(format!("{error:#}")))?;
    let Some((prefix, text)) = part(&ours.opinion, &theirs) else {
        return Ok(ours);
    };
    let accounts = prefix.map_or_else(Vec::new, |prefix| {
        localise(oracle, case, &ours, prefix)
            .unwrap_or_else(|error| vec![format!("the accounts can't be compared: {error:#}")])
    });
    let lines: Vec<_> = std::iter::once(text).chain(accounts).collect();
    Err(Difference(lines.join("\n  ")))
}

/// The number of transactions up to the difference (none when the states after it are not at hand), and what differs.
fn part(ours: &Opinion, theirs: &Opinion) -> Option<(Option<usize>, String)> {
    if ours.pre != theirs.pre {
        return Some((None, format!("before: ours {}, theirs {}", ours.pre, theirs.pre)));
    }
    if ours.opened != theirs.opened {
        let text = format!("opening: ours {}, theirs {}", ours.opened, theirs.opened);
        return Some((Some(0), text));
    }
    if ours.steps.len() != theirs.steps.len() {
        return Some((None, "another number of transactions".to_owned()));
    }
    for (index, (ours, theirs)) in ours.steps.iter().zip(&theirs.steps).enumerate() {
        if let Some(text) = step(ours, theirs) {
            return Some((Some(index.saturating_add(1)), format!("transaction {index}: {text}")));
        }
    }
    standing(&ours.sealed, &theirs.sealed).map(|text| (None, format!("credits: {text}")))
}

fn step(ours: &Step, theirs: &Step) -> Option<String> {
    // Not for the same reason: each side finds its own first.
    if ours.rejected.is_some() != theirs.rejected.is_some() {
        return Some(format!("rejected: ours {:?}, theirs {:?}", ours.rejected, theirs.rejected));
    }
    standing(&ours.standing, &theirs.standing)
}

fn standing(ours: &Standing, theirs: &Standing) -> Option<String> {
    (ours != theirs).then(|| format!("ours {ours:?}, theirs {theirs:?}"))
}
