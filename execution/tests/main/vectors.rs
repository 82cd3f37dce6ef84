//! Finds the official test vectors, which are not part of the repository. Uses the standard library only, so that the test
//! binary of any crate can include this file by its path.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

/// The folder with the unpacked archive `name`, or none where vectors are not to be had: that is said aloud, and is a
/// failure in CI (`CI=true`).
///
/// Archives are looked for in `RECOURSE_VECTORS`, else in `../shared/vectors` beside the repository, and unpacked once into
/// the git-ignored folder `vectors/` at its root.
pub fn find(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let archives = env::var_os("RECOURSE_VECTORS")
        .map_or_else(|| root.join("../shared/vectors"), PathBuf::from);
    let unpacked = root.join("vectors").join(name);
    if unpacked.is_dir() {
        return Some(unpacked);
    }
    let archive = archives.join(format!("{name}.tar.xz"));
    if !archive.is_file() {
        assert!(
            env::var_os("CI").is_none_or(|ci| ci != "true"),
            "no vectors at {}",
            archive.display()
        );
        // Not by a macro: what these print of a test that passes is not shown.
        let skipped = format!("SKIPPED: no vectors at {}\n", archive.display());
        io::stderr().write_all(skipped.as_bytes()).unwrap();
        return None;
    }
    unpack(&archive, &unpacked);
    Some(unpacked)
}

/// Unpacks beside the target and renames, so that tests that run at the same time see all of it or nothing.
fn unpack(archive: &Path, target: &Path) {
    let parent = target.parent().unwrap();
    let part = parent.join(format!(
        "{}.{}.{:?}.part",
        target.file_name().unwrap().to_string_lossy(),
        std::process::id(),
        std::thread::current().id()
    ));
    fs::create_dir_all(&part).unwrap();
    let status = Command::new("tar")
        .arg("-xJf")
        .arg(archive)
        .arg("-C")
        .arg(&part)
        .status()
        .expect("tar runs");
    assert!(status.success(), "tar cannot unpack {}", archive.display());
    if fs::rename(&part, target).is_err() {
        assert!(target.is_dir(), "cannot create {}", target.display());
        fs::remove_dir_all(&part).unwrap();
    }
}
