//! A rollup and the proposer of its blocks: the L2's state, and what settles its next block.

use std::collections::BTreeMap;

use alloy::{
    network::TransactionBuilder,
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
    sol,
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use recourse_execution::{
    Genesis, GenesisAccount, Recorded, Recorder, Schedule, State,
    block::{BlockBody, Opening},
};
use recourse_protocol::{Checkpoint, TxPosition, bindings::BlockContext, header_hash};

use crate::{
    harness::Net,
    l2_block::{CHAIN, sender},
};

sol!(
    #![sol(all_derives)]
    MinimalNativeRollup,
    "../contracts/artifacts/examples/MinimalNativeRollup.json"
);

pub(super) use MinimalNativeRollup::{
    AnchorOutOfRange, AnotherBlock, Execution, Head, L2Block, NotSequencer, Settled,
    TimestampOutOfRange,
};

/// The most gas of one transaction (EIP-7825).
pub(super) const MOST_GAS: u64 = 1 << 24;
const GAS_LIMIT: u64 = 1 << 24;

/// A rollup on a node, and its state so far.
#[derive(Debug, Clone)]
pub(super) struct Rollup {
    pub(super) contract: Address,
    pub(super) state: State,
}

/// A block, and what settles it.
#[derive(Debug, Clone)]
pub(super) struct Proposed {
    pub(super) hash: B256,
    pub(super) block: L2Block,
    pub(super) context: BlockContext,
    pub(super) recorded: Recorded,
}

impl Rollup {
    /// A based rollup, or one with a sequencer.
    pub(super) async fn deploy(net: &Net, sequencer: Address) -> Self {
        let rich = GenesisAccount { balance: U256::from(10_u64.pow(18)), ..Default::default() };
        let alloc = BTreeMap::from([(sender().address(), rich)]);
        let state = Genesis { alloc }.build().unwrap();
        let mut code = MinimalNativeRollup::BYTECODE.to_vec();
        code.extend((CHAIN, state.root(), sequencer).abi_encode());
        let tx = TransactionRequest::default().with_from(net.account(0)).with_deploy_code(code);
        let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
        Self { contract: receipt.contract_address.unwrap(), state }
    }

    pub(super) async fn head(&self, net: &Net) -> Head {
        let input = MinimalNativeRollup::headCall {}.abi_encode();
        let call = TransactionRequest::default().with_to(self.contract).with_input(input);
        let answer = net.provider.call(call).await.unwrap();
        MinimalNativeRollup::headCall::abi_decode_returns(&answer).unwrap()
    }

    /// The next block with these transactions: on the newest L1 block, at its time, tips to `fee_recipient`.
    pub(super) async fn propose(
        &self,
        net: &Net,
        fee_recipient: Address,
        transactions: Vec<Bytes>,
    ) -> Proposed {
        let newest = net.provider.get_block_by_number(Default::default()).await.unwrap().unwrap();
        let anchor = (newest.header.number, newest.header.hash);
        let head = self.head(net).await;
        let timestamp = newest.header.timestamp.max(head.timestamp + 1);
        self.propose_on(&head, timestamp, anchor, fee_recipient, transactions)
    }

    /// The block after one that was settled, which this rollup now stands after.
    pub(super) async fn propose_after(
        &self,
        net: &Net,
        settled: &Proposed,
        transactions: Vec<Bytes>,
    ) -> Proposed {
        let after = Self { state: settled.recorded.state.clone(), ..self.clone() };
        after.propose(net, Address::ZERO, transactions).await
    }

    /// A block on any head.
    pub(super) fn propose_on(
        &self,
        head: &Head,
        timestamp: u64,
        anchor: (u64, B256),
        fee_recipient: Address,
        transactions: Vec<Bytes>,
    ) -> Proposed {
        let context = BlockContext {
            chainId: CHAIN,
            number: head.number + 1,
            timestamp,
            gasLimit: GAS_LIMIT,
            baseFee: U256::from(head.nextBaseFee),
            prevRandao: anchor.1,
            coinbase: fee_recipient,
        };
        let opening = Opening { parent_hash: head.blockHash, anchor: anchor.1 };
        let body = BlockBody { opening: Some(opening), transactions, credits: Some(vec![]) };
        let recorded = Recorder::new(&Schedule::osaka(), u32::MAX)
            .piece(&self.state, &context, TxPosition::default(), &body)
            .unwrap();
        let block = L2Block {
            timestamp,
            anchorNumber: anchor.0,
            feeRecipient: fee_recipient,
            transactions: body.transactions,
            execution: execution(&recorded),
        };
        let mut proposed = Proposed { hash: B256::ZERO, block, context, recorded };
        proposed.hash = proposed.hash_after(head);
        proposed
    }
}

fn execution(recorded: &Recorded) -> Execution {
    Execution {
        postStateRoot: recorded.state_root,
        receiptDigestAfter: recorded.receipt_digest,
        gasUsed: recorded.gas_used,
        witness: recorded.trace.witness.clone(),
        pointers: vec![],
    }
}

impl Proposed {
    /// The hash that the block's header has with what `self.block` claims.
    pub(super) fn hash_after(&self, head: &Head) -> B256 {
        let sealed = Checkpoint {
            parent_hash: head.blockHash,
            state_root: self.block.execution.postStateRoot,
            tx_digest: keccak256(self.block.transactions.abi_encode()),
            receipt_digest: self.block.execution.receiptDigestAfter,
            gas_used: self.block.execution.gasUsed,
            ..Checkpoint::default()
        };
        header_hash(&sealed, &self.context, self.context.prevRandao, &[])
    }

    pub(super) fn calldata(&self) -> Bytes {
        let call =
            MinimalNativeRollup::advanceCall { blockHash: self.hash, next: self.block.clone() };
        call.abi_encode().into()
    }
}

/// The transaction of a dev account that settles a block, for [`Net::provider`] or [`why`].
pub(super) fn request(
    net: &Net,
    rollup: &Rollup,
    from: usize,
    proposed: &Proposed,
) -> TransactionRequest {
    TransactionRequest::default()
        .with_from(net.account(from))
        .with_to(rollup.contract)
        .with_input(proposed.calldata())
        .with_gas_limit(MOST_GAS)
        .with_max_priority_fee_per_gas(1_000_000_000)
        .with_max_fee_per_gas(200_000_000_000)
}

/// Settles a block, and goes on from it.
pub(super) async fn settle(
    net: &Net,
    rollup: &mut Rollup,
    from: usize,
    proposed: &Proposed,
) -> TransactionReceipt {
    let tx = request(net, rollup, from, proposed);
    let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status(), "the block was refused");
    rollup.state = proposed.recorded.state.clone();
    receipt
}

/// The data with which the call that would settle a block reverts now.
pub(super) async fn why(net: &Net, rollup: &Rollup, from: usize, proposed: &Proposed) -> Bytes {
    let call = request(net, rollup, from, proposed);
    let error = net.provider.call(call).await.unwrap_err();
    error.as_error_resp().unwrap().as_revert_data().unwrap()
}
