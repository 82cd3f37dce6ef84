//! The same blocks as EIP-8079 has them: an SSZ input, an SSZ result.

use alloy_consensus::{Block, Header, TxEnvelope};
use eyre::{bail, ensure};
use recourse_execution::{
    ExecuteError, ExecutionError, State, StateError,
    payload::{
        Beside, BlockSchedule, ChainKind, ExecutionWitness, NotOnL2, PayloadError, ProtocolFork,
        StatelessInput, WitnessError, run_stateless_guest, stateless_input, validate, witness_of,
    },
};

use crate::{refusal::of_payload, whole::Rules};

/// What became of a block as a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// The containers have no place for it: more than 16 withdrawals, or extra data over 32 bytes.
    NoPlace,
    /// A header is missing that `BLOCKHASH` asks for.
    NoHeader,
    /// Valid under the rules of L1, and on L2 not, for it has something that L2 has not.
    OfL1,
    /// Valid.
    OfL2,
}

impl Payload {
    /// Whether it is valid under the rules of L1.
    pub(crate) fn is_valid(self) -> bool {
        matches!(self, Self::OfL1 | Self::OfL2)
    }
}

/// A valid block is valid by its witness alone, under the rules of L1, and of L2 if it has nothing that L2 has not.
///
/// # Errors
/// When the result is another one.
pub(crate) fn accept(
    rules: &Rules,
    pre: &State,
    ancestors: &[Header],
    block: &Block<TxEnvelope>,
) -> eyre::Result<Payload> {
    let kind = (ChainKind::L1, rules.chain_id);
    let witness = witness_of(pre, ancestors, block, &rules.rules, kind)?;
    confirm(rules, block, witness)
}

/// As [`accept`], with a witness at hand.
///
/// # Errors
/// When the result is another one.
pub(crate) fn confirm(
    rules: &Rules,
    block: &Block<TxEnvelope>,
    witness: ExecutionWitness,
) -> eyre::Result<Payload> {
    let Ok(input) = input(rules, block, witness) else {
        return Ok(Payload::NoPlace);
    };
    match ask(rules, &input, ChainKind::L1)? {
        Ok(()) => {}
        Err(PayloadError::Execution(ExecuteError::Execution(ExecutionError::State(
            StateError::MissingAncestor(_),
        )))) => return Ok(Payload::NoHeader),
        Err(why) => bail!("as a payload: {why}"),
    }
    let expected = not_on_l2(block);
    match ask(rules, &input, ChainKind::L2)? {
        Ok(()) => ensure!(expected.is_none(), "a payload of L2 with {expected:?}"),
        Err(why) => ensure!(expected.map(PayloadError::from).as_ref() == Some(&why), "{why}"),
    }
    Ok(if expected.is_some() { Payload::OfL1 } else { Payload::OfL2 })
}

/// An invalid block is refused, for the reason that the test expects. Gives false when the containers have no place for it.
///
/// # Errors
/// When it is accepted, or refused for another reason.
pub(crate) fn refuse(
    rules: &Rules,
    pre: &State,
    ancestors: &[Header],
    block: &Block<TxEnvelope>,
    expected: &str,
) -> eyre::Result<bool> {
    // A header may lie about its gas: the witness is that of any amount.
    let mut longer = block.clone();
    longer.header.gas_used = longer.header.gas_limit;
    let kind = (ChainKind::L1, rules.chain_id);
    let witness = match witness_of(pre, ancestors, &longer, &rules.rules, kind) {
        Ok(witness) => witness,
        Err(WitnessError::Payload(_)) => headers_only(ancestors)?,
        Err(WitnessError::OverLimit(_)) => return Ok(false),
    };
    let Ok(input) = input(rules, block, witness) else {
        return Ok(false);
    };
    let Err(why) = ask(rules, &input, ChainKind::L1)? else {
        bail!("accepted as a payload, expected {expected}");
    };
    ensure!(ask(rules, &input, ChainKind::L2)?.is_err(), "accepted as a payload of L2");
    let refused = of_payload(&why);
    ensure!(refused.is_one_of(expected), "as a payload {refused}, expected {expected}");
    Ok(true)
}

fn headers_only(ancestors: &[Header]) -> eyre::Result<ExecutionWitness> {
    let headers = ancestors.iter().map(|header| alloy_rlp::encode(header).try_into());
    let headers: Vec<_> = headers.collect::<Result<_, _>>()?;
    Ok(ExecutionWitness { headers: headers.try_into()?, ..ExecutionWitness::default() })
}

/// A block with its witness.
///
/// # Errors
/// When the containers have no place for it.
fn input(
    rules: &Rules,
    block: &Block<TxEnvelope>,
    witness: ExecutionWitness,
) -> eyre::Result<StatelessInput> {
    let beside = Beside { chain_id: rules.chain_id, witness, ..Beside::default() };
    Ok(stateless_input(block, beside)?)
}

/// What the function says, bytes to bytes, and why.
fn ask(
    rules: &Rules,
    input: &StatelessInput,
    kind: ChainKind,
) -> eyre::Result<Result<(), PayloadError>> {
    let fork = rules.rules.fork;
    let schedule = BlockSchedule::new(rules.rules, Vec::new());
    let bytes = fork.encode_input(input);
    ensure!(ProtocolFork::decode_input(&bytes) == Ok((fork, input.clone())), "round trip");
    let why = validate(fork, input, &schedule, kind);
    let mut result = fork.request_root(&input.new_payload_request).to_vec();
    result.push(why.is_ok().into());
    result.extend(rules.chain_id.to_le_bytes());
    result.extend(fork.schema_id().to_le_bytes());
    ensure!(run_stateless_guest(&bytes, &schedule, kind) == result, "another result");
    Ok(why)
}

fn not_on_l2(block: &Block<TxEnvelope>) -> Option<NotOnL2> {
    let header = &block.header;
    if header.blob_gas_used != Some(0) || header.excess_blob_gas != Some(0) {
        return Some(NotOnL2::Blobs);
    }
    let withdrawals = block.body.withdrawals.iter().flatten().count();
    (withdrawals > 0).then_some(NotOnL2::Withdrawals)
}
