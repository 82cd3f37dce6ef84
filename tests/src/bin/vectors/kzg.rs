//! KZG vectors of EIP-4844: the library, our commitments and openings, and the precompile that L1 checks them with.

use std::{collections::BTreeMap, fs, path::Path};

use alloy_eips::eip4844::Blob;
use alloy_primitives::{Bytes, U256, hex};
use c_kzg::{Bytes32, Bytes48, KzgSettings, ethereum_kzg_settings};
use eyre::{OptionExt, WrapErr, bail, ensure};
use recourse_protocol::ELEMENTS;
use recourse_trace_builder::kzg::{Committed, point_of};
use revm::precompile::kzg_point_evaluation;

use crate::{
    archive,
    report::{Report, Work},
};

/// Gas of the precompile, and more.
const GAS: u64 = 1_000_000;

/// Runs all of them: each folder below is a function of the specification.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn run(folder: &Path) -> eyre::Result<Report> {
    let points = (0..ELEMENTS).map(|index| (point_of(index), index)).collect();
    let mut report = Report::default();
    for path in archive::files(folder, "yaml")? {
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        let function = name.split('/').find(|part| FUNCTIONS.contains(part)).unwrap_or("other");
        report.add(&format!("kzg/{function}"), &name, one(function, &path, &points).into());
    }
    Ok(report)
}

const FUNCTIONS: [&str; 3] = ["blob_to_kzg_commitment", "compute_kzg_proof", "verify_kzg_proof"];

fn one(function: &str, path: &Path, points: &BTreeMap<U256, usize>) -> eyre::Result<Work> {
    let case = Case::read(&fs::read_to_string(path).wrap_err("can't be read")?)?;
    match function {
        "blob_to_kzg_commitment" => commit(&case)?,
        "compute_kzg_proof" => open(&case, points)?,
        "verify_kzg_proof" => verify(&case)?,
        _ => bail!("no such function"),
    }
    Ok(Work::default())
}

/// A case: what goes in, and what comes out. An output of nothing means that the input is refused.
struct Case {
    input: BTreeMap<String, String>,
    output: Vec<String>,
}

impl Case {
    /// Reads the few shapes of YAML that the vectors have: `key: value`, `- value`, quoted or not.
    fn read(text: &str) -> eyre::Result<Self> {
        let mut case = Self { input: BTreeMap::new(), output: Vec::new() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let unquoted = |value: &str| value.trim().trim_matches('\'').to_owned();
            if let Some(value) = line.strip_prefix("- ") {
                case.output.push(unquoted(value));
                continue;
            }
            match line.split_once(':').ok_or_eyre("not a case")? {
                ("input" | "output", "") => {}
                ("output", value) if value.trim() == "null" => {}
                ("output", value) => case.output.push(unquoted(value)),
                (key, value) => {
                    case.input.insert(key.to_owned(), unquoted(value));
                }
            }
        }
        Ok(case)
    }

    fn bytes(&self, key: &str) -> eyre::Result<Vec<u8>> {
        let text = self.input.get(key).ok_or_eyre("an input is missing")?;
        Ok(hex::decode(text)?)
    }

    /// None when the input is not a blob at all.
    fn blob(&self) -> eyre::Result<Option<Box<Blob>>> {
        Ok(Blob::try_from(self.bytes("blob")?.as_slice()).ok().map(Box::new))
    }

    fn output(&self) -> eyre::Result<Vec<Bytes>> {
        self.output.iter().map(|text| Ok(hex::decode(text)?.into())).collect()
    }
}

fn commit(case: &Case) -> eyre::Result<()> {
    let committed = case.blob()?.and_then(|blob| Committed::to(&blob).ok());
    let got: Vec<Bytes> = committed.iter().map(Committed::commitment).collect();
    ensure!(got == case.output()?, "commitment {got:?}");
    Ok(())
}

/// At any point by the library; at the points of elements also by our own opening.
fn open(case: &Case, points: &BTreeMap<U256, usize>) -> eyre::Result<()> {
    let z = case.bytes("z")?;
    let expected = case.output()?;
    let (Some(blob), Ok(point)) = (case.blob()?, Bytes32::from_bytes(&z)) else {
        ensure!(expected.is_empty(), "not a blob or no point");
        return Ok(());
    };
    let theirs = c_kzg::Blob::from_bytes(blob.as_slice())?;
    let got: Vec<Bytes> = match settings().compute_kzg_proof(&theirs, &point) {
        Ok((proof, value)) => vec![proof.to_vec().into(), value.to_vec().into()],
        Err(_) => Vec::new(),
    };
    ensure!(got == expected, "proof {got:?}");
    let Some(index) = points.get(&U256::from_be_slice(&z)) else {
        return Ok(());
    };
    let ours = Committed::to(&blob)
        .and_then(|blob| Ok(vec![blob.open(*index)?, Bytes::from(blob.element(*index)?.0)]));
    ensure!(ours.unwrap_or_default() == expected, "our opening of element {index}");
    Ok(())
}

fn verify(case: &Case) -> eyre::Result<()> {
    let [commitment, z, y, proof] = ["commitment", "z", "y", "proof"].map(|key| case.bytes(key));
    let (commitment, z, y, proof) = (commitment?, z?, y?, proof?);
    let expected = match case.output.as_slice() {
        [] => None,
        [answer] => Some(answer == "true"),
        _ => bail!("more than one answer"),
    };
    let got = library(&commitment, &z, &y, &proof).ok();
    ensure!(got == expected, "the library says {got:?}");
    let hash = kzg_point_evaluation::kzg_to_versioned_hash(&commitment);
    let input = [&hash[..], &z, &y, &commitment, &proof].concat();
    let precompile = kzg_point_evaluation::run(&input, GAS).is_ok();
    ensure!(precompile == (expected == Some(true)), "the precompile says {precompile}");
    Ok(())
}

fn library(commitment: &[u8], z: &[u8], y: &[u8], proof: &[u8]) -> Result<bool, c_kzg::Error> {
    settings().verify_kzg_proof(
        &Bytes48::from_bytes(commitment)?,
        &Bytes32::from_bytes(z)?,
        &Bytes32::from_bytes(y)?,
        &Bytes48::from_bytes(proof)?,
    )
}

fn settings() -> &'static KzgSettings {
    ethereum_kzg_settings(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::Case;

    #[test]
    fn cases_are_read() {
        let case = Case::read("input:\n  z: '0x01'\noutput:\n- '0x02'\n- '0x03'\n").unwrap();
        assert_eq!(case.bytes("z").unwrap(), [1]);
        assert_eq!(case.output().unwrap(), [vec![2], vec![3]]);
        assert!(Case::read("input:\n  z: '0x01'\noutput: null\n").unwrap().output.is_empty());
        assert_eq!(Case::read("output: true\n").unwrap().output, ["true"]);
    }
}
