use alloy_consensus::{
    Block, BlockBody as Body, EMPTY_OMMER_ROOT_HASH, Header, Transaction as _, TxEnvelope,
    proofs::calculate_withdrawals_root,
};
use alloy_eips::{
    eip2718::{Decodable2718, Encodable2718},
    eip4895::Withdrawal,
};
use alloy_primitives::{B64, B256, Bloom, Bytes, U256};
use alloy_trie::root::ordered_trie_root_with_encoder;
use recourse_protocol::bindings::{BlockContext, Credit};
use revm::primitives::hardfork::SpecId;

use super::{
    InvalidBlock, PayloadError, ProtocolFork,
    containers::{ExecutionPayload, NewPayloadRequest},
    requests,
};
use crate::block::{BlockBody, Invalid, Opening};

/// The block that a request describes, if it has the hash that the request says.
pub(super) fn block(
    fork: ProtocolFork,
    request: &NewPayloadRequest,
) -> Result<Block<TxEnvelope>, PayloadError> {
    let header = header(fork, request)?;
    let (expected, got) = (B256::from(request.execution_payload.block_hash), header.hash_slow());
    if expected != got {
        return Err(PayloadError::BlockHash { expected, got });
    }
    let payload = &request.execution_payload;
    let transactions = payload.transactions.iter().map(|raw| transaction(raw));
    let body = Body {
        transactions: transactions.collect::<Result<Vec<_>, _>>()?,
        ommers: Vec::new(),
        withdrawals: Some(withdrawals(payload).into()),
    };
    let hashes = body.transactions.iter().filter_map(|tx| tx.blob_versioned_hashes()).flatten();
    if !hashes.eq(request.versioned_hashes.iter().map(B256::from).collect::<Vec<_>>().iter()) {
        return Err(PayloadError::VersionedHashes);
    }
    Ok(Block { header, body })
}

/// What the EVM sees of a block.
pub(super) fn context(header: &Header, chain_id: u64) -> Result<BlockContext, InvalidBlock> {
    Ok(BlockContext {
        chainId: chain_id,
        number: header.number,
        timestamp: header.timestamp,
        gasLimit: header.gas_limit,
        baseFee: U256::from(header.base_fee_per_gas.ok_or(InvalidBlock::Format)?),
        prevRandao: header.mix_hash,
        coinbase: header.beneficiary,
    })
}

/// The block as the executor takes it.
pub(super) fn body(block: &Block<TxEnvelope>) -> Result<BlockBody, InvalidBlock> {
    let anchor = block.header.parent_beacon_block_root.ok_or(InvalidBlock::Format)?;
    let transactions = block.body.transactions.iter();
    let withdrawals = block.body.withdrawals.iter().flatten();
    Ok(BlockBody {
        opening: Some(Opening { parent_hash: block.header.parent_hash, anchor }),
        transactions: transactions.map(|tx| Bytes::from(tx.encoded_2718())).collect(),
        credits: Some(
            withdrawals.map(|one| Credit { to: one.address, amountGwei: one.amount }).collect(),
        ),
    })
}

fn header(fork: ProtocolFork, request: &NewPayloadRequest) -> Result<Header, PayloadError> {
    let payload = &request.execution_payload;
    let base_fee = U256::from_le_bytes(payload.base_fee_per_gas);
    let transactions = ordered_trie_root_with_encoder(&payload.transactions, |raw, out| {
        out.extend_from_slice(raw);
    });
    let requests_hash = fork
        .spec()
        .is_enabled_in(SpecId::PRAGUE)
        .then(|| requests::encode(&request.execution_requests).requests_hash());
    Ok(Header {
        parent_hash: payload.parent_hash.into(),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: payload.fee_recipient.into(),
        state_root: payload.state_root.into(),
        transactions_root: transactions,
        receipts_root: payload.receipts_root.into(),
        logs_bloom: Bloom::from(payload.logs_bloom),
        difficulty: U256::ZERO,
        number: payload.block_number,
        gas_limit: payload.gas_limit,
        gas_used: payload.gas_used,
        timestamp: payload.timestamp,
        extra_data: Bytes::copy_from_slice(&payload.extra_data),
        mix_hash: payload.prev_randao.into(),
        nonce: B64::ZERO,
        base_fee_per_gas: Some(u64::try_from(base_fee).map_err(|_| InvalidBlock::BaseFee)?),
        withdrawals_root: Some(calculate_withdrawals_root(&withdrawals(payload))),
        blob_gas_used: Some(payload.blob_gas_used),
        excess_blob_gas: Some(payload.excess_blob_gas),
        parent_beacon_block_root: Some(request.parent_beacon_block_root.into()),
        requests_hash,
        ..Header::default()
    })
}

fn withdrawals(payload: &ExecutionPayload) -> Vec<Withdrawal> {
    let each = payload.withdrawals.iter().map(|one| Withdrawal {
        index: one.index,
        validator_index: one.validator_index,
        address: one.address.into(),
        amount: one.amount,
    });
    each.collect()
}

/// What is not written as it is read has another hash than the block's, or is no transaction.
fn transaction(raw: &[u8]) -> Result<TxEnvelope, Invalid> {
    let transaction = TxEnvelope::decode_2718_exact(raw).map_err(|_| Invalid::Undecodable)?;
    if transaction.encoded_2718() != raw {
        return Err(Invalid::Undecodable);
    }
    Ok(transaction)
}
