//! The file of a journal.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::{JournalError, Record};

/// A file to which what happens is appended. It is this process's alone while it is open.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// Where the last whole record ends.
    end: u64,
}

impl Journal {
    /// Opens the file, or makes it; with what it tells of the past.
    pub(crate) fn open(path: &Path) -> Result<(Self, Past), JournalError> {
        let failed = |source| JournalError::File { path: path.to_owned(), source };
        let options = OpenOptions::new().read(true).append(true).create(true).clone();
        let file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let end = whole(&file).map_err(failed)?;
        let past = File::open(path).map_err(failed)?;
        let journal = Self { file, path: path.to_owned(), end };
        if journal.end < journal.file.metadata().map_err(failed)?.len() {
            tracing::warn!(path = %path.display(), "the last record was cut: it is dropped");
            journal.cut()?;
        }
        Ok((journal, Past { lines: BufReader::new(past), line: 0, path: path.to_owned() }))
    }

    /// Appends a record. When this returns, the record is on disk.
    pub(crate) fn write(&mut self, record: &Record) -> Result<(), JournalError> {
        let mut line = serde_json::to_vec(record)
            .map_err(|source| self.failed(std::io::Error::other(source)))?;
        line.push(b'\n');
        // Half a record of a failed attempt must not come before this one.
        self.cut()?;
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            if let Err(error) = self.cut() {
                tracing::error!(%error, "half a record is left until the next one");
            }
            return Err(self.failed(source));
        }
        self.end = self.end.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn cut(&self) -> Result<(), JournalError> {
        self.file.set_len(self.end).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> JournalError {
        JournalError::File { path: self.path.clone(), source }
    }
}

/// Where the last line ends that has an end.
fn whole(file: &File) -> std::io::Result<u64> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    let (mut read, mut end) = (0_u64, 0);
    loop {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            return Ok(end);
        }
        let len = part.len();
        if let Some(newline) = part.iter().rposition(|byte| *byte == b'\n') {
            let whole = u64::try_from(newline.saturating_add(1)).unwrap_or(u64::MAX);
            end = read.saturating_add(whole);
        }
        read = read.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        reader.consume(len);
    }
}

/// What happened before, oldest first.
#[derive(Debug)]
pub(crate) struct Past {
    lines: BufReader<File>,
    line: usize,
    path: PathBuf,
}

impl Past {
    /// The next record with its line, while there is one.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, Record)>, JournalError> {
        let mut text = Vec::new();
        self.lines
            .read_until(b'\n', &mut text)
            .map_err(|source| JournalError::File { path: self.path.clone(), source })?;
        if text.is_empty() {
            return Ok(None);
        }
        self.line = self.line.saturating_add(1);
        let line = self.line;
        serde_json::from_slice(&text)
            .map(|record| Some((line, record)))
            .map_err(|source| JournalError::Damaged { line, source })
    }
}
