//! Where the vectors are. None of them is part of the repository.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use eyre::{WrapErr, bail};

/// The unpacked archive `name`: `vectors/NAME` at the repository's root, unpacked there from `RECOURSE_VECTORS`, else from
/// `../shared/vectors`.
///
/// # Errors
/// When there is neither.
pub(crate) fn find(name: &str) -> eyre::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().unwrap_or(here);
    let unpacked = root.join("vectors").join(name);
    if unpacked.is_dir() {
        return Ok(unpacked);
    }
    let archives = env::var_os("RECOURSE_VECTORS")
        .map_or_else(|| root.join("../shared/vectors"), PathBuf::from);
    let archive = archives.join(format!("{name}.tar.xz"));
    if !archive.is_file() {
        bail!("no vectors at {}: set RECOURSE_VECTORS to their folder", archive.display());
    }
    unpack(&archive, &unpacked)?;
    Ok(unpacked)
}

/// Unpacks beside the target and renames: whoever looks sees all of it or nothing.
fn unpack(archive: &Path, target: &Path) -> eyre::Result<()> {
    let part = target.with_extension(format!("{}.part", std::process::id()));
    fs::create_dir_all(&part).wrap_err_with(|| format!("can't create {}", part.display()))?;
    let mut tar = Command::new("tar");
    tar.arg("-xJf").arg(archive).arg("-C").arg(&part);
    let status = tar.status().wrap_err("tar can't be started")?;
    if !status.success() {
        bail!("tar can't unpack {}: {status}", archive.display());
    }
    if fs::rename(&part, target).is_err() {
        // Somebody else was faster.
        fs::remove_dir_all(&part)?;
    }
    Ok(())
}

/// All files below `folder` with this extension, sorted; hidden folders (indexes) are passed over.
///
/// # Errors
/// When a folder can't be read.
pub(crate) fn files(folder: &Path, extension: &str) -> eyre::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).wrap_err_with(|| format!("can't read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !hidden {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
