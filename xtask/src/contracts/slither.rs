//! Static analysis. Slither ends with an error if it finds anything; what it is told to overlook, and why, stands in
//! contracts/README.md and beside the lines.

use super::{FOLDER, analysers, forge};
use crate::{command::run_with, vectors::told};

/// Slither builds anew, from nothing, without the tests: not where forge keeps what it built.
const BUILD: [(&str, &str); 2] =
    [("FOUNDRY_OUT", "../target/slither/out"), ("FOUNDRY_CACHE_PATH", "../target/slither/cache")];

/// Fails on any finding.
pub(super) fn run() -> eyre::Result<()> {
    let slither = told(&analysers()?.program("slither"))?;
    let path = forge::search_path()?;
    let [out, cache] = BUILD;
    run_with(FOLDER, &slither, &["."], &[out, cache, ("PATH", &path)])
}
