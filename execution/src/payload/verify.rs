use std::panic::{AssertUnwindSafe, catch_unwind};

use alloy_primitives::Address;
use alloy_rlp::Encodable;
use libssz::SszEncode;

use super::{
    BlockSchedule, NotOnL2, PayloadError, ProtocolFork, block,
    containers::{
        ExecutionWitness, NewPayloadRequest, PUBLIC_KEY_BYTES, StatelessInput,
        StatelessValidationResult,
    },
    header::{check_blobs, check_header},
    headers::Ancestors,
    run::Whole,
};
use crate::{
    block::TxRun,
    state::World,
    witness::{BYTES_PER_ITEM, Items, WitnessSource},
};

/// First byte of an uncompressed public key.
const UNCOMPRESSED: u8 = 4;

/// What a block may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainKind {
    /// Everything, as blocks of Ethereum.
    L1,
    /// No blobs, no withdrawals, no execution requests.
    L2,
}

/// `run_stateless_guest` of EIP-8025: bytes in, bytes out. What can't be read gives a failed result with zeros.
#[must_use]
pub fn run_stateless_guest(input: &[u8], schedule: &BlockSchedule, kind: ChainKind) -> Vec<u8> {
    let result = match ProtocolFork::decode_input(input) {
        Ok((fork, input)) => verify_stateless_new_payload(fork, &input, schedule, kind),
        Err(_) => StatelessValidationResult::default(),
    };
    result.encode()
}

impl StatelessValidationResult {
    /// Its SSZ, 43 bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_ssz()
    }
}

/// Whether a block is valid, by its witness alone, under the rules in force at its timestamp.
///
/// Never panics, and never does more than 5/4 of the payload's `gas_used` of gross gas. Recursion is bounded as in
/// [`execute`](crate::execute()).
#[must_use]
pub fn verify_stateless_new_payload(
    fork: ProtocolFork,
    input: &StatelessInput,
    schedule: &BlockSchedule,
    kind: ChainKind,
) -> StatelessValidationResult {
    // No panic is known. Should there be one, every validator must give the same answer.
    let checked = catch_unwind(AssertUnwindSafe(|| validate(fork, input, schedule, kind)));
    StatelessValidationResult {
        new_payload_request_root: fork.request_root(&input.new_payload_request),
        successful_validation: matches!(checked, Ok(Ok(()))),
        chain_id: input.chain_id,
        schema_id: fork.schema_id(),
    }
}

/// [`verify_stateless_new_payload`] with the reason for a "no".
///
/// # Errors
/// When the block is not valid, or its witness does not prove it.
pub fn validate(
    fork: ProtocolFork,
    input: &StatelessInput,
    schedule: &BlockSchedule,
    kind: ChainKind,
) -> Result<(), PayloadError> {
    let request = &input.new_payload_request;
    let rules = schedule.at(request.execution_payload.timestamp);
    if rules.fork != fork {
        return Err(PayloadError::Fork { expected: rules.fork, got: fork });
    }
    if kind == ChainKind::L2 {
        check_l2(request)?;
    }
    let witness = witness(&input.witness)?;
    if input.public_keys.len() != request.execution_payload.transactions.len() {
        return Err(PayloadError::PublicKeys);
    }
    let block = block::block(fork, request)?;
    let Ancestors { parent, hashes } = Ancestors::of(&input.witness)?;
    check_header(&rules, &parent, &block.header, block.length())?;
    check_blobs(&rules, &block.header, &block.body.transactions)?;

    let whole = Whole {
        rules: &rules,
        kind,
        chain_id: input.chain_id,
        block: &block,
        recording: false,
        ancestors: &hashes,
    };
    let mut source = WitnessSource::new(&witness);
    let ran = whole.run(World::blinded(parent.state_root), &mut source)?;
    check_keys(&input.public_keys, &ran.runs)?;
    ran.check(&block)
}

fn check_l2(request: &NewPayloadRequest) -> Result<(), NotOnL2> {
    let payload = &request.execution_payload;
    let requests = &request.execution_requests;
    let no_blobs = payload.blob_gas_used == 0
        && payload.excess_blob_gas == 0
        && request.versioned_hashes.is_empty();
    if !no_blobs {
        return Err(NotOnL2::Blobs);
    }
    if !payload.withdrawals.is_empty() {
        return Err(NotOnL2::Withdrawals);
    }
    let no_requests = requests.deposits.is_empty()
        && requests.withdrawals.is_empty()
        && requests.consolidations.is_empty();
    if no_requests { Ok(()) } else { Err(NotOnL2::Requests) }
}

/// Nodes and codes, with at most one for every 32 of their bytes: each is hashed, and that is paid for by the byte.
fn witness(witness: &ExecutionWitness) -> Result<Items<'_>, PayloadError> {
    let state = witness.state.iter().map(|node| &node[..]);
    let codes = witness.codes.iter().map(|code| &code[..]);
    let bytes = state.clone().chain(codes.clone()).map(<[u8]>::len).fold(0, usize::saturating_add);
    let items = witness.state.len().saturating_add(witness.codes.len());
    if items > bytes / BYTES_PER_ITEM {
        return Err(PayloadError::WitnessItems);
    }
    Ok(Items { nodes: state.collect(), codes: codes.collect() })
}

/// Each key is the one that its sender's address was made of. Senders are recovered from the signatures, never from keys.
fn check_keys(keys: &[[u8; PUBLIC_KEY_BYTES]], runs: &[TxRun]) -> Result<(), PayloadError> {
    for (key, run) in keys.iter().zip(runs) {
        let TxRun::Included(executed) = run else {
            continue; // an invalid transaction is refused with its own reason
        };
        let is_senders = match key {
            [UNCOMPRESSED, point @ ..] => Address::from_raw_public_key(point) == executed.sender,
            _ => false,
        };
        if !is_senders {
            return Err(PayloadError::PublicKeys);
        }
    }
    Ok(())
}
