//! Real blocks of Holesky (Cancun rules) with the witnesses that another project took: EXECUTE from those, not from ours.

use std::{fs, path::Path};

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_primitives::B256;
use eyre::{WrapErr, ensure};
use recourse_execution::{
    Stateless, Witness,
    payload::{BlockRules, ExecutionWitness, ProtocolFork, check_blobs, check_body, check_result},
};

use crate::{
    archive,
    holesky_file::File,
    payload::{self, Payload},
    report::{Outcome, Report, Work},
    whole::{Rules, Run},
};

const ROW: &str = "holesky-witnesses";

/// Runs all of them.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn run(folder: &Path) -> eyre::Result<Report> {
    let mut report = Report::default();
    let mut headers = Vec::new();
    for file in archive::files(folder, "json")? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        report.add(ROW, &name, Outcome::from(one(&file, &mut headers)));
    }
    Ok(report)
}

/// Runs one; `headers` are those of the files before it, for the parent of the next is the block of the last.
fn one(file: &Path, headers: &mut Vec<Header>) -> eyre::Result<Work> {
    let Case { rules, block, pre, run, done, theirs } = load(file)?;
    run.claim(pre, &done, &theirs).wrap_err("with their witness")?;
    let minimal = run.claim(pre, &done, &done.witness)?;
    ensure!(done.witness.nodes.len() <= theirs.nodes.len(), "more nodes than there are");
    let payload = as_payload(&rules, &block, headers, &theirs)?;
    headers.push(block.header);
    Ok(Work {
        blocks: 1,
        payloads: payload.is_valid().into(),
        executed: 2,
        gas: done.gas_used,
        witness: minimal,
        ..Work::default()
    })
}

/// A block whose header is right, executed on the witness that came with it.
pub(crate) struct Case {
    rules: Rules,
    pub(crate) block: Block<TxEnvelope>,
    pub(crate) pre: B256,
    pub(crate) run: Run,
    pub(crate) done: Stateless,
    pub(crate) theirs: Witness,
}

/// Reads and checks one of the files.
///
/// # Errors
/// When the header is not what the block comes to.
pub(crate) fn load(file: &Path) -> eyre::Result<Case> {
    let text = fs::read(file).wrap_err("can't be read")?;
    let file: File = serde_json::from_slice(&text).wrap_err("not a block with a witness")?;
    let rules = Rules { chain_id: file.chain_id, rules: BlockRules::of(ProtocolFork::Cancun) };
    let block = file.block()?;
    check_body(&block)?;
    check_blobs(&rules.rules, &block.header, &block.body.transactions)?;
    ensure!(file.block_hashes.first() == Some(&block.header.parent_hash), "not its parent's hash");
    let run = Run::new(&rules, &block)?.with_ancestors(file.ancestors());
    let theirs = Witness { nodes: file.states, codes: file.codes };
    let done = run.on_witness(file.pre_state_root, theirs.clone())?;
    check_result(&block.header, &done.runs, done.gas_used, done.state_root)?;
    Ok(Case { rules, block, pre: file.pre_state_root, run, done, theirs })
}

/// A block whose parent's header is known is a payload, with their witness. The files have none: only hashes.
fn as_payload(
    rules: &Rules,
    block: &Block<TxEnvelope>,
    headers: &[Header],
    theirs: &Witness,
) -> eyre::Result<Payload> {
    let Some(parent) = headers.last() else {
        return Ok(Payload::NoHeader);
    };
    ensure!(parent.hash_slow() == block.header.parent_hash, "not the child of the one before");
    let headers = headers.iter().map(|header| alloy_rlp::encode(header).try_into());
    let headers: Vec<_> = headers.collect::<Result<_, _>>()?;
    let nodes = theirs.nodes.iter().map(|node| node.to_vec().try_into());
    let codes = theirs.codes.iter().map(|code| code.to_vec().try_into());
    let witness = ExecutionWitness {
        state: nodes.collect::<Result<_, _>>()?,
        codes: codes.collect::<Result<_, _>>()?,
        headers: headers.try_into()?,
    };
    payload::confirm(rules, block, witness)
}
