//! RLPTests of ethereum/tests, on the RLP that nodes, witnesses, blocks and transactions are read and written with.

use std::{collections::BTreeMap, fs, path::Path};

use alloy_primitives::{Bytes, U512, hex};
use alloy_rlp::{Decodable, Encodable, Header};
use eyre::{OptionExt, WrapErr, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    archive,
    report::{Report, Work},
};

const ROW: &str = "RLPTests";

#[derive(Debug, Deserialize)]
struct Test {
    #[serde(rename = "in")]
    input: Value,
    out: String,
}

/// Any RLP.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Text(Bytes),
    List(Vec<Item>),
}

/// Runs all of them.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn run(folder: &Path) -> eyre::Result<Report> {
    let mut report = Report::default();
    for path in archive::files(folder, "json")? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let tests: BTreeMap<String, Test> =
            serde_json::from_slice(&fs::read(&path)?).wrap_err_with(|| file.clone())?;
        for (name, test) in &tests {
            report.add(ROW, &format!("{file}: {name}"), one(test).into());
        }
    }
    Ok(report)
}

fn one(test: &Test) -> eyre::Result<Work> {
    let bytes = hex::decode(&test.out)?;
    let decoded = decode(&bytes);
    match test.input.as_str() {
        Some("INVALID") => ensure!(decoded.is_err(), "decodes to {decoded:?}"),
        Some("VALID") => ensure!(encode(&decoded?) == bytes, "encodes otherwise"),
        _ => {
            let item = item(&test.input)?;
            ensure!(encode(&item) == bytes, "encodes to {}", hex::encode(encode(&item)));
            ensure!(decoded? == item, "decodes otherwise");
        }
    }
    Ok(Work::default())
}

fn item(value: &Value) -> eyre::Result<Item> {
    Ok(match value {
        Value::Array(list) => Item::List(list.iter().map(item).collect::<Result<_, _>>()?),
        Value::Number(number) => {
            integer(U512::from(number.as_u64().ok_or_eyre("not a natural number")?))
        }
        Value::String(text) => match text.strip_prefix('#') {
            Some(digits) => integer(digits.parse()?),
            None => Item::Text(text.clone().into_bytes().into()),
        },
        other => bail!("unexpected input {other}"),
    })
}

fn integer(value: U512) -> Item {
    Item::Text(value.to_be_bytes_trimmed_vec().into())
}

fn encode(item: &Item) -> Vec<u8> {
    let mut out = Vec::new();
    match item {
        Item::Text(bytes) => bytes.encode(&mut out),
        Item::List(items) => {
            let payload: Vec<u8> = items.iter().flat_map(encode).collect();
            Header { list: true, payload_length: payload.len() }.encode(&mut out);
            out.extend(payload);
        }
    }
    out
}

fn decode(bytes: &[u8]) -> Result<Item, alloy_rlp::Error> {
    let mut rest = bytes;
    let item = next(&mut rest)?;
    if rest.is_empty() { Ok(item) } else { Err(alloy_rlp::Error::UnexpectedLength) }
}

fn next(rest: &mut &[u8]) -> Result<Item, alloy_rlp::Error> {
    let mut ahead = *rest;
    if !Header::decode(&mut ahead)?.list {
        return Bytes::decode(rest).map(Item::Text);
    }
    let mut payload = Header::decode_bytes(rest, true)?;
    let mut items = Vec::new();
    while !payload.is_empty() {
        items.push(next(&mut payload)?);
    }
    Ok(Item::List(items))
}
