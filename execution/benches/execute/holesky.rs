//! Real blocks of Holesky with the witnesses that another project took.

use std::{fs, path::Path};

use alloy_eips::{eip2718::Encodable2718, eip7840::BlobParams};
use alloy_primitives::{B256, Bytes, U256};
use eyre::{OptionExt, WrapErr};
use recourse_execution::{
    BlobRules, RuleSet, Witness,
    block::{BlockBody, Opening},
};
use recourse_protocol::bindings::{BlockContext, Credit};

use crate::{block::Block, holesky_file::File};

/// A block, the root before it, and a witness.
pub(crate) struct Given {
    pub(crate) block: Block,
    pub(crate) pre: B256,
    pub(crate) theirs: Witness,
}

pub(crate) fn read(path: &Path) -> eyre::Result<Given> {
    let file: File = serde_json::from_slice(&fs::read(path)?).wrap_err("not a block")?;
    let whole = file.block()?;
    let header = &whole.header;
    let blobs = BlobRules {
        base_fee: BlobParams::cancun().calc_blob_fee(header.excess_blob_gas.unwrap_or_default()),
        max_per_transaction: BlobParams::cancun().max_blobs_per_tx,
    };
    let block = Block {
        name: format!("holesky {}", header.number),
        rules: RuleSet::CANCUN.with_blobs(blobs),
        ancestors: file.ancestors(),
        context: BlockContext {
            chainId: file.chain_id,
            number: header.number,
            timestamp: header.timestamp,
            gasLimit: header.gas_limit,
            baseFee: U256::from(header.base_fee_per_gas.ok_or_eyre("no base fee")?),
            prevRandao: header.mix_hash,
            coinbase: header.beneficiary,
        },
        body: BlockBody {
            opening: Some(Opening {
                parent_hash: header.parent_hash,
                anchor: header.parent_beacon_block_root.ok_or_eyre("no beacon root")?,
            }),
            transactions: whole.body.transactions.iter().map(raw).collect(),
            credits: Some(
                file.withdrawals
                    .iter()
                    .map(|credit| Credit { to: credit.address, amountGwei: credit.amount })
                    .collect(),
            ),
        },
        gas_used: header.gas_used,
        receipts_root: header.receipts_root,
        state_root: Some(header.state_root),
    };
    let theirs = Witness { nodes: file.states, codes: file.codes };
    Ok(Given { block, pre: file.pre_state_root, theirs })
}

fn raw(transaction: &alloy_consensus::TxEnvelope) -> Bytes {
    transaction.encoded_2718().into()
}
