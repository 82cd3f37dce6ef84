//! One block with a witness in the JSON of `debug_executionWitness`.

use std::{collections::BTreeMap, fs, path::Path};

use alloy::rpc::types::Block as RpcBlock;
use alloy_consensus::{Block, BlockBody, Header, Transaction, TxEnvelope};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::Decodable;
use clap::ValueEnum;
use eyre::{OptionExt, WrapErr, bail, ensure};
use recourse_execution::{
    Stateless, Witness,
    payload::{BlockRules, ProtocolFork, check_result},
};
use serde::Deserialize;

use crate::{
    refusal::of_payload,
    whole::{Rules, Run},
};

/// The rules of a block.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Fork {
    Cancun,
    /// Its requests, which this does not run, must be none.
    Prague,
    /// Six blobs are the target, nine the most.
    Osaka,
}

#[derive(Debug, Deserialize)]
struct File {
    /// As `eth_getBlockByNumber` gives it, with full transactions.
    block: RpcBlock,
    witness: Parts,
}

/// What is not needed (`keys`) is passed over.
#[derive(Debug, Deserialize)]
struct Parts {
    state: Vec<Bytes>,
    codes: Vec<Bytes>,
    /// RLP of the headers before the block, at least its parent's, in any order.
    headers: Vec<Bytes>,
}

/// What EXECUTE says of a block.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Where the block ends, with what gas, and what it needed of the witness.
    pub(crate) done: Stateless,
    /// Bytes of the trace's witness, RLP.
    pub(crate) minimal: u64,
    /// Why the header says otherwise, if it does.
    pub(crate) no: Option<String>,
}

/// Runs EXECUTE on a block and its witness.
///
/// # Errors
/// When the file can't be read, or the witness does not prove what the block needs.
pub(crate) fn run(path: &Path, fork: Fork) -> eyre::Result<Answer> {
    let text = fs::read(path).wrap_err_with(|| format!("can't read {}", path.display()))?;
    let file: File = serde_json::from_slice(&text).wrap_err("not a block with a witness")?;
    let block = consensus(file.block);
    let headers = ancestors(&block.header, &file.witness.headers)?;
    let parent = headers.values().next_back().ok_or_eyre("the parent's header is missing")?;
    let run = Run::new(&rules(fork, &block), &block)?;
    let run = run.with_ancestors(headers.values().map(|h| (h.number, h.hash_slow())).collect());
    let theirs = Witness { nodes: file.witness.state, codes: file.witness.codes };
    let done = run.on_witness(parent.state_root, theirs)?;
    let no = check_result(&block.header, &done.runs, done.gas_used, done.state_root);
    let minimal = run.claim(parent.state_root, &done, &done.witness)?;
    Ok(Answer { done, minimal, no: no.err().map(|error| of_payload(&error).to_string()) })
}

fn consensus(block: RpcBlock) -> Block<TxEnvelope> {
    let transactions = block.transactions.into_transactions_vec();
    Block {
        header: block.header.inner,
        body: BlockBody {
            transactions: transactions.into_iter().map(|tx| tx.inner.into_inner()).collect(),
            ommers: Vec::new(),
            withdrawals: block.withdrawals,
        },
    }
}

fn rules(fork: Fork, block: &Block<TxEnvelope>) -> Rules {
    // A block does not tell its chain. One without a transaction that does has no use for it but CHAINID.
    let chain_id = block.body.transactions.iter().find_map(Transaction::chain_id).unwrap_or(1);
    let fork = match fork {
        Fork::Cancun => ProtocolFork::Cancun,
        Fork::Prague => ProtocolFork::Prague,
        Fork::Osaka => ProtocolFork::Osaka,
    };
    Rules { chain_id, rules: BlockRules::of(fork) }
}

/// The headers before a block, by number, as far as each is the parent of the next.
fn ancestors(header: &Header, headers: &[Bytes]) -> eyre::Result<BTreeMap<u64, Header>> {
    let mut by_hash: BTreeMap<B256, Header> = BTreeMap::new();
    for rlp in headers {
        let mut rest = &rlp[..];
        let header = Header::decode(&mut rest).wrap_err("a header of the witness")?;
        ensure!(rest.is_empty(), "bytes behind a header of the witness");
        by_hash.insert(header.hash_slow(), header);
    }
    let mut chain = BTreeMap::new();
    let (mut hash, mut number) = (header.parent_hash, header.number);
    while let Some(parent) = by_hash.remove(&hash) {
        if parent.number.checked_add(1) != Some(number) {
            bail!("header {} before block {number}", parent.number);
        }
        (hash, number) = (parent.parent_hash, parent.number);
        chain.insert(parent.number, parent);
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use alloy::{
        network::TxSignerSync,
        rpc::types::{BlockTransactions, Header as RpcHeader, Transaction as RpcTransaction},
        signers::local::PrivateKeySigner,
    };
    use alloy_consensus::{
        SignableTransaction, TxEip1559,
        proofs::{calculate_receipt_root, calculate_transaction_root, calculate_withdrawals_root},
        transaction::Recovered,
    };
    use alloy_primitives::{Address, TxKind, U256};
    use recourse_execution::{Genesis, GenesisAccount, State, TxRun};

    use super::*;

    fn signer() -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap()
    }

    fn transfer() -> TxEnvelope {
        let mut tx = TxEip1559 {
            chain_id: 1,
            gas_limit: 21_000,
            max_fee_per_gas: 10,
            to: TxKind::Call(Address::repeat_byte(2)),
            value: U256::from(3),
            ..TxEip1559::default()
        };
        let signature = signer().sign_transaction_sync(&mut tx).unwrap();
        tx.into_signed(signature).into()
    }

    fn genesis() -> State {
        let rich = GenesisAccount { balance: U256::from(1_000_000), ..GenesisAccount::default() };
        Genesis { alloc: [(signer().address(), rich)].into() }.build().unwrap()
    }

    fn header(parent: &Header, root: B256) -> Header {
        let body = [transfer()];
        Header {
            parent_hash: parent.hash_slow(),
            number: 1,
            timestamp: 12,
            gas_limit: 30_000_000,
            gas_used: 21_000,
            base_fee_per_gas: Some(7),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            transactions_root: calculate_transaction_root(&body),
            withdrawals_root: Some(calculate_withdrawals_root(&[])),
            state_root: root,
            ..Header::default()
        }
    }

    /// The block with the header as it should be, its parent's header, and its witness.
    fn valid() -> (Header, Header, Witness) {
        let pre = genesis();
        let parent = Header { state_root: pre.root(), ..Header::default() };
        let mut header = header(&parent, B256::ZERO);
        let body = BlockBody {
            transactions: vec![transfer()],
            ommers: Vec::new(),
            withdrawals: Some(Vec::new().into()),
        };
        let block = Block { header: header.clone(), body };
        let run = Run::new(&rules(Fork::Osaka, &block), &block).unwrap();
        let recorded = run.record(&pre).unwrap();
        let receipts: Vec<_> = recorded
            .runs
            .iter()
            .map(|run| match run {
                TxRun::Included(executed) => executed.receipt.clone(),
                TxRun::NoOp(why) => unreachable!("{why}"),
            })
            .collect();
        header.receipts_root = calculate_receipt_root(&receipts);
        header.state_root = recorded.state_root;
        (header, parent, recorded.witness)
    }

    fn ask(header: Header, parent: &Header, witness: &Witness) -> eyre::Result<Answer> {
        let transaction = RpcTransaction {
            inner: Recovered::new_unchecked(transfer(), signer().address()),
            block_hash: None,
            block_number: None,
            transaction_index: None,
            effective_gas_price: None,
            block_timestamp: None,
        };
        let block =
            RpcBlock::new(RpcHeader::new(header), BlockTransactions::Full(vec![transaction]))
                .with_withdrawals(Some(Vec::new().into()));
        let file = serde_json::json!({
            "block": block,
            "witness": {
                "state": witness.nodes,
                "codes": witness.codes,
                "keys": [],
                "headers": [Bytes::from(alloy_rlp::encode(parent))],
            },
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("block.json");
        fs::write(&path, file.to_string()).unwrap();
        run(&path, Fork::Osaka)
    }

    #[test]
    fn a_true_header_is_told_from_a_false_one() {
        let (header, parent, witness) = valid();
        let root = header.state_root;
        let mut larger = witness.clone();
        larger.nodes.push(Bytes::from_static(b"not needed"));
        let answer = ask(header.clone(), &parent, &larger).unwrap();
        assert_eq!((answer.no, answer.done.state_root), (None, root));
        assert_eq!(answer.done.witness, witness);
        assert_eq!(answer.minimal, witness.encode().len() as u64);

        let lie = Header { state_root: B256::repeat_byte(9), ..header };
        let answer = ask(lie, &parent, &witness).unwrap();
        assert!(answer.no.unwrap().contains("INVALID_STATE_ROOT"));
        assert_eq!(answer.done.state_root, root);
    }

    #[test]
    fn every_node_and_code_is_needed() {
        let (header, parent, witness) = valid();
        for index in 0..witness.nodes.len() {
            let mut cut = witness.clone();
            cut.nodes.remove(index);
            assert!(ask(header.clone(), &parent, &cut).is_err(), "node {index}");
        }
        for index in 0..witness.codes.len() {
            let mut cut = witness.clone();
            cut.codes.remove(index);
            assert!(ask(header.clone(), &parent, &cut).is_err(), "code {index}");
        }
    }
}
