use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Bytes, U256};
use libssz_types::SszList;

use super::{
    BlockRules, ChainKind, PayloadError,
    containers::{
        ExecutionPayload, ExecutionRequests, ExecutionWitness, NewPayloadRequest, PUBLIC_KEY_BYTES,
        StatelessInput, Withdrawal,
    },
    headers::Ancestors,
    run::Whole,
};
use crate::{
    state::{Full, State, World},
    witness::WitnessSource,
};

/// Something of a block is over a limit of its container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {0} are over their limit")]
pub struct OverLimit(&'static str);

/// What does not stand in a block, and goes with it.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Of the chain.
    pub chain_id: u64,
    /// What the block asks of the consensus layer.
    pub requests: ExecutionRequests,
    /// What proves it.
    pub witness: ExecutionWitness,
}

/// Puts a block and what goes with it into an input. Whether the block is valid is another question: a sender that can't be
/// recovered has a key of zeros, a field that the header lacks is zero.
///
/// # Errors
/// When a part of it has no place in its container.
pub fn stateless_input(
    block: &Block<TxEnvelope>,
    beside: Beside,
) -> Result<StatelessInput, OverLimit> {
    let hashes = block.body.blob_versioned_hashes_iter().map(|hash| hash.0).collect::<Vec<_>>();
    let anchor = block.header.parent_beacon_block_root.unwrap_or_default();
    Ok(StatelessInput {
        new_payload_request: NewPayloadRequest {
            execution_payload: payload(block)?,
            versioned_hashes: list(hashes, "versioned hashes")?,
            parent_beacon_block_root: anchor.0,
            execution_requests: beside.requests,
        },
        witness: beside.witness,
        chain_id: beside.chain_id,
        public_keys: block.body.transactions.iter().map(public_key).collect(),
    })
}

/// Executes a block on a full state and gives the least witness for it, with these headers, oldest first.
///
/// # Errors
/// When the block can't be executed, or the witness has no place in its container.
pub fn witness_of(
    pre: &State,
    headers: &[Header],
    block: &Block<TxEnvelope>,
    rules: &BlockRules,
    (kind, chain_id): (ChainKind, u64),
) -> Result<ExecutionWitness, WitnessError> {
    let headers = headers.iter().map(|header| list(alloy_rlp::encode(header), "headers"));
    let headers = list(headers.collect::<Result<_, _>>()?, "headers")?;
    let mut witness = ExecutionWitness { headers, ..ExecutionWitness::default() };
    let ancestors = Ancestors::of(&witness)?.hashes;
    let whole = Whole { rules, kind, chain_id, block, recording: true, ancestors: &ancestors };
    let used = whole.run(pre.world().clone(), &mut Full)?.used;
    // Nodes that the block made itself were used too. What a stateless run asks for is what it needs.
    let candidates = used.items();
    let mut source = WitnessSource::new(&candidates);
    whole.run(World::blinded(pre.root()), &mut source)?;
    let needed = source.needed(&used);
    witness.state = items(&needed.nodes, "nodes")?;
    witness.codes = items(&needed.codes, "codes")?;
    Ok(witness)
}

/// Why there is no witness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// It has no place in its container.
    #[error(transparent)]
    OverLimit(#[from] OverLimit),
    /// The block can't be executed.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

fn payload(block: &Block<TxEnvelope>) -> Result<ExecutionPayload, OverLimit> {
    let header = &block.header;
    let transactions = block.body.transactions.iter();
    let transactions = transactions.map(|tx| list(tx.encoded_2718(), "bytes of a transaction"));
    let withdrawals = block.body.withdrawals.iter().flatten().map(|one| Withdrawal {
        index: one.index,
        validator_index: one.validator_index,
        address: one.address.into(),
        amount: one.amount,
    });
    Ok(ExecutionPayload {
        parent_hash: header.parent_hash.0,
        fee_recipient: header.beneficiary.into(),
        state_root: header.state_root.0,
        receipts_root: header.receipts_root.0,
        logs_bloom: header.logs_bloom.into(),
        prev_randao: header.mix_hash.0,
        block_number: header.number,
        gas_limit: header.gas_limit,
        gas_used: header.gas_used,
        timestamp: header.timestamp,
        extra_data: list(header.extra_data.to_vec(), "bytes of extra data")?,
        base_fee_per_gas: le_bytes(header.base_fee_per_gas.unwrap_or_default()),
        block_hash: header.hash_slow().0,
        transactions: list(transactions.collect::<Result<_, _>>()?, "transactions")?,
        withdrawals: list(withdrawals.collect(), "withdrawals")?,
        blob_gas_used: header.blob_gas_used.unwrap_or_default(),
        excess_blob_gas: header.excess_blob_gas.unwrap_or_default(),
    })
}

fn le_bytes(base_fee: u64) -> [u8; 32] {
    U256::from(base_fee).to_le_bytes()
}

fn items<const N: usize>(
    items: &[Bytes],
    what: &'static str,
) -> Result<Vec<SszList<u8, N>>, OverLimit> {
    items.iter().map(|item| list(item.to_vec(), what)).collect()
}

fn list<T, const N: usize>(items: Vec<T>, what: &'static str) -> Result<SszList<T, N>, OverLimit> {
    SszList::try_from(items).map_err(|_| OverLimit(what))
}

fn public_key(transaction: &TxEnvelope) -> [u8; PUBLIC_KEY_BYTES] {
    let key = transaction.signature().recover_from_prehash(&transaction.signature_hash()).ok();
    let key = key.map(|key| key.to_encoded_point(false));
    let bytes = key.and_then(|point| point.as_bytes().try_into().ok());
    bytes.unwrap_or([0; PUBLIC_KEY_BYTES])
}
