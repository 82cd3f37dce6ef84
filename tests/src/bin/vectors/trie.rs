//! TrieTests of ethereum/tests, on the trie under EXECUTE.

use std::{collections::BTreeMap, fs, path::Path};

use alloy_primitives::{B256, Bytes, hex, keccak256};
use alloy_trie::Nibbles;
use eyre::{OptionExt, WrapErr, bail, ensure};
use recourse_execution::trie::{InMemory, Trie};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    archive,
    report::{Outcome, Report, Work},
};

const ROW: &str = "TrieTests";
/// Asks for neighbours of a key.
const NEXT_AND_PREVIOUS: &str = "trietestnextprev.json";

#[derive(Debug, Deserialize)]
struct Test {
    #[serde(rename = "in")]
    input: Value,
    root: B256,
}

type Pair = (Vec<u8>, Option<Bytes>);

/// Runs all of them.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn run(folder: &Path) -> eyre::Result<Report> {
    let mut report = Report::default();
    for path in archive::files(folder, "json")? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if file == NEXT_AND_PREVIOUS {
            let why = "TrieTests of a key's neighbours: our trie has no such query";
            report.add(ROW, &file, Outcome::Skipped(why.to_owned()));
            continue;
        }
        let hashed = file.to_lowercase().contains("secure");
        let tests: BTreeMap<String, Test> =
            serde_json::from_slice(&fs::read(&path)?).wrap_err_with(|| file.clone())?;
        for (name, test) in &tests {
            report.add(ROW, &format!("{file}: {name}"), one(test, hashed).into());
        }
    }
    Ok(report)
}

fn one(test: &Test, hashed: bool) -> eyre::Result<Work> {
    let pairs = pairs(&test.input)?;
    same(pairs.iter(), hashed, test.root)?;
    if test.input.is_object() {
        // Any order.
        same(pairs.iter().rev(), hashed, test.root).wrap_err("reversed")?;
    }
    Ok(Work::default())
}

fn same<'a>(
    pairs: impl Iterator<Item = &'a Pair>,
    hashed: bool,
    expected: B256,
) -> eyre::Result<()> {
    let mut trie = Trie::<Bytes>::default();
    for (key, value) in pairs {
        let path = if hashed { Nibbles::unpack(keccak256(key)) } else { Nibbles::unpack(key) };
        trie.apply([(&path, value.clone())], &mut InMemory)?;
    }
    ensure!(trie.root() == expected, "root {}, expected {expected}", trie.root());
    Ok(())
}

fn pairs(input: &Value) -> eyre::Result<Vec<Pair>> {
    match input {
        Value::Array(list) => list
            .iter()
            .map(|pair| {
                let key = pair.get(0).and_then(Value::as_str).ok_or_eyre("no key")?;
                let value = pair.get(1).and_then(Value::as_str);
                Ok((bytes(key)?, value.map(bytes).transpose()?.map(Bytes::from)))
            })
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let value = value.as_str().ok_or_eyre("no value")?;
                Ok((bytes(key)?, Some(bytes(value)?.into())))
            })
            .collect(),
        other => bail!("unexpected input {other}"),
    }
}

fn bytes(text: &str) -> eyre::Result<Vec<u8>> {
    match text.strip_prefix("0x") {
        Some(digits) => Ok(hex::decode(digits)?),
        None => Ok(text.as_bytes().to_vec()),
    }
}
