//! What was read of the forked chain's state, in memory and in a file.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use parking_lot::Mutex;
use revm::state::Bytecode;
use serde::{Deserialize, Serialize};

use super::{ForkError, upstream::Anchor};

/// The form of the file. Another one is thrown away.
const VERSION: u32 = 1;
/// Hex digits of a line's checksum.
const CHECKSUM: usize = 8;

/// Balance, nonce and code hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Known {
    pub(super) balance: U256,
    pub(super) nonce: u64,
    pub(super) code_hash: B256,
}

/// What was read of one block's state.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    accounts: HashMap<Address, Known>,
    codes: HashMap<B256, Bytecode>,
    slots: HashMap<(Address, U256), U256>,
    hashes: HashMap<u64, B256>,
    file: Option<(File, PathBuf)>,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Line {
    #[serde(rename_all = "camelCase")]
    Chain {
        version: u32,
        chain_id: u64,
        number: u64,
        hash: B256,
    },
    Account(Address, Known),
    Code(Bytes),
    Slot(Address, U256, U256),
    BlockHash(u64, B256),
}

impl Cache {
    /// What an earlier node left in this folder about this block, and what this one will add. What is damaged or of another
    /// chain is thrown away as a whole.
    pub(super) fn open(folder: &Path, anchor: Anchor) -> Result<Self, ForkError> {
        let folder = folder.join(anchor.chain_id.to_string());
        let path = folder.join(format!("{}.jsonl", anchor.hash));
        let failed = |source| ForkError::Cache { path: path.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let options = OpenOptions::new().read(true).append(true).create(true).clone();
        let file = options.open(&path).map_err(failed)?;
        if file.try_lock().is_err() {
            tracing::warn!(path = %path.display(), "the fork cache is another node's: nothing is kept");
            return Ok(Self::default());
        }
        let head = Line::Chain {
            version: VERSION,
            chain_id: anchor.chain_id,
            number: anchor.number,
            hash: anchor.hash,
        };
        let text = fs::read(&path).map_err(failed)?;
        let mut inner = match Inner::read(&text, &head) {
            Ok(inner) => inner,
            Err(_) if text.is_empty() => Inner::default(),
            Err(reason) => {
                tracing::warn!(path = %path.display(), reason, "the fork cache was thrown away");
                file.set_len(0).map_err(failed)?;
                Inner::default()
            }
        };
        let new = file.metadata().map_err(failed)?.len() == 0;
        inner.file = Some((file, path.clone()));
        if new {
            inner.keep(&head);
        }
        Ok(Self(Mutex::new(inner)))
    }

    pub(super) fn account(&self, address: Address) -> Option<Known> {
        self.0.lock().accounts.get(&address).copied()
    }

    pub(super) fn code(&self, hash: B256) -> Option<Bytecode> {
        self.0.lock().codes.get(&hash).cloned()
    }

    pub(super) fn slot(&self, address: Address, slot: U256) -> Option<U256> {
        self.0.lock().slots.get(&(address, slot)).copied()
    }

    pub(super) fn block_hash(&self, number: u64) -> Option<B256> {
        self.0.lock().hashes.get(&number).copied()
    }

    /// The code first: an account's code is always known.
    pub(super) fn add_account(&self, address: Address, known: Known, code: Bytecode) {
        let mut inner = self.0.lock();
        if !code.is_empty() && !inner.codes.contains_key(&known.code_hash) {
            inner.keep(&Line::Code(code.original_bytes()));
            inner.codes.insert(known.code_hash, code);
        }
        inner.keep(&Line::Account(address, known));
        inner.accounts.insert(address, known);
    }

    pub(super) fn add_slot(&self, address: Address, slot: U256, value: U256) {
        let mut inner = self.0.lock();
        inner.keep(&Line::Slot(address, slot, value));
        inner.slots.insert((address, slot), value);
    }

    pub(super) fn add_block_hash(&self, number: u64, hash: B256) {
        let mut inner = self.0.lock();
        inner.keep(&Line::BlockHash(number, hash));
        inner.hashes.insert(number, hash);
    }
}

impl Inner {
    fn read(text: &[u8], head: &Line) -> Result<Self, &'static str> {
        let mut inner = Self::default();
        let text = text.strip_suffix(b"\n").ok_or("its last line is cut")?;
        let mut lines = text.split(|byte| *byte == b'\n').map(decode);
        match lines.next() {
            Some(Ok(first)) if first == *head => {}
            Some(Err(reason)) => return Err(reason),
            _ => return Err("it is of another block, or in another form"),
        }
        for line in lines {
            inner.take(line?)?;
        }
        Ok(inner)
    }

    fn take(&mut self, line: Line) -> Result<(), &'static str> {
        match line {
            Line::Chain { .. } => return Err("it begins twice"),
            Line::Account(address, known) => {
                self.accounts.insert(address, known);
            }
            Line::Code(bytes) => {
                let code = Bytecode::new_raw_checked(bytes).map_err(|_| "a code is none")?;
                self.codes.insert(code.hash_slow(), code);
            }
            Line::Slot(address, slot, value) => {
                self.slots.insert((address, slot), value);
            }
            Line::BlockHash(number, hash) => {
                self.hashes.insert(number, hash);
            }
        }
        Ok(())
    }

    /// Adds a line to the file, if there is one. One that cannot be written is the last.
    fn keep(&mut self, line: &Line) {
        let Some((file, path)) = &mut self.file else { return };
        let written = encode(line).and_then(|line| file.write_all(&line));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "the fork cache cannot be written any more");
            self.file = None;
        }
    }
}

fn encode(line: &Line) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(line)?;
    let mut bytes = checksum(&json).into_bytes();
    bytes.push(b' ');
    bytes.extend_from_slice(&json);
    bytes.push(b'\n');
    Ok(bytes)
}

fn decode(line: &[u8]) -> Result<Line, &'static str> {
    const DAMAGED: &str = "a line is damaged";
    let (sum, json) = line.split_at_checked(CHECKSUM).ok_or(DAMAGED)?;
    let json = json.strip_prefix(b" ").ok_or(DAMAGED)?;
    if sum != checksum(json).as_bytes() {
        return Err(DAMAGED);
    }
    serde_json::from_slice(json).map_err(|_| "a line is in another form")
}

fn checksum(json: &[u8]) -> String {
    hex::encode(keccak256(json)).chars().take(CHECKSUM).collect()
}

#[cfg(test)]
mod tests;
