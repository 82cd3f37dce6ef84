//! `cargo xtask vectors` and `execute-witness`: EXECUTE on what others made.

use std::{
    env,
    path::{Path, PathBuf, absolute},
};

use eyre::{Context, OptionExt, bail};

use crate::command::{cargo, root};

/// Optimised: thousands of blocks.
const PROGRAM: [&str; 8] =
    ["run", "--release", "--locked", "-p", "recourse-tests", "--bin", "vectors", "--"];

/// The archives that tests read, and what is tested by them. Where they are: `execution/tests/main/vectors.rs`.
const ARCHIVES: [(&str, &str); 5] = [
    ("eest-osaka", "blocks of EEST, on their states, on witnesses and as payloads"),
    ("holesky-witnesses", "real blocks of Holesky, with their witnesses whole and spoiled"),
    ("kzg-4844", "the KZG vectors"),
    ("trie-and-rlp-tests", "TrieTests and RLPTests"),
    ("execution-apis-io", "JSON-RPC as the tests of execution-apis ask for it"),
];

/// What tests pass over here, and why: the archives that are not to be had.
pub(crate) fn missing() -> Vec<String> {
    let missing = ARCHIVES.iter().filter_map(|(name, what)| {
        let archive = absent(name, &root().join("vectors"), &archives())?;
        Some(format!("{what}: no {}", archive.display()))
    });
    missing.collect()
}

/// Fails when this archive is not to be had.
pub(crate) fn need(name: &str) -> eyre::Result<()> {
    match absent(name, &root().join("vectors"), &archives()) {
        Some(archive) => bail!("no {}: docs/vectors.md says what it is", archive.display()),
        None => Ok(()),
    }
}

fn archives() -> PathBuf {
    env::var_os("RECOURSE_VECTORS").map_or_else(|| root().join("../shared/vectors"), PathBuf::from)
}

/// The archive's path, if it is not there, neither unpacked nor packed.
fn absent(name: &str, unpacked: &Path, archives: &Path) -> Option<PathBuf> {
    let archive = archives.join(format!("{name}.tar.xz"));
    (!unpacked.join(name).is_dir() && !archive.is_file()).then_some(archive)
}

/// Runs all vectors, or one folder of EEST blockchain tests.
pub(crate) fn run(dir: Option<&Path>) -> eyre::Result<()> {
    let Some(dir) = dir else {
        return cargo(&PROGRAM);
    };
    cargo(&[&PROGRAM[..], &["--dir", &told(dir)?]].concat())
}

/// Spoils the witnesses of real blocks, every node and code in every way.
pub(crate) fn hostile() -> eyre::Result<()> {
    cargo(&[&PROGRAM[..], &["--hostile"]].concat())
}

/// Runs EXECUTE on blocks with witnesses.
pub(crate) fn execute_witness(files: &[PathBuf], rules: &str) -> eyre::Result<()> {
    let files: Vec<_> = files.iter().map(|file| told(file)).collect::<Result<_, _>>()?;
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    cargo(&[&PROGRAM[..], &["--rules", rules, "--execute-witness"], &files].concat())
}

/// A path for cargo, which is run at the repository's root.
pub(crate) fn told(path: &Path) -> eyre::Result<String> {
    let path = absolute(path).wrap_err("a path can't be told")?;
    Ok(path.to_str().ok_or_eyre("a path is not UTF-8")?.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::fs;

    use super::*;

    #[test]
    fn an_archive_is_there_packed_or_unpacked() {
        let folder = env::temp_dir().join(format!("recourse-xtask-{}", std::process::id()));
        let (unpacked, packed) = (folder.join("unpacked"), folder.join("packed"));
        fs::create_dir_all(unpacked.join("one")).unwrap();
        fs::create_dir_all(&packed).unwrap();
        fs::write(packed.join("two.tar.xz"), "").unwrap();
        let absent = |name| absent(name, &unpacked, &packed);
        assert_eq!((absent("one"), absent("two")), (None, None));
        assert_eq!(absent("three"), Some(packed.join("three.tar.xz")));
        fs::remove_dir_all(folder).unwrap();
    }
}
