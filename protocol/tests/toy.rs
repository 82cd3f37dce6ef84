//! A toy executor and a chain of hand-made inputs.

use std::{convert::Infallible, sync::Arc};

use alloy_primitives::{Address, B256, U256, keccak256};
use recourse_protocol::{
    Batch, BatchIndex, Checkpoint, Executor, L2Config, MAX_TX_GAS, MemoryInputs, Payload, Step,
    TxOutcome, TxPosition, View, ViewIndex,
    bindings::{BlockContext, Credit},
    fold_digest, step,
};

pub(crate) const CONFIG: L2Config =
    L2Config { chain_id: 901, gas_limit: 1 << 25, block_time: 2, max_witness_bytes: 1 << 20 };

/// State roots are hash chains; a transaction uses as much gas as its first byte says, in units of 2^16.
pub(crate) struct Toy;

impl Executor for Toy {
    type Error = Infallible;

    fn open(
        &mut self,
        pre: B256,
        block: &BlockContext,
        parent: B256,
        anchor: B256,
    ) -> Result<B256, Infallible> {
        let system = fold_digest(parent, anchor);
        Ok(fold_digest(pre, fold_digest(system, U256::from(block.number).into())))
    }

    fn transact(
        &mut self,
        pre: B256,
        block: &BlockContext,
        position: TxPosition,
        raw: &[u8],
    ) -> Result<TxOutcome, Infallible> {
        let gas_used = u64::from(raw.first().copied().unwrap_or(0)) << 16;
        let left = block.gasLimit - position.gas_used_before;
        if gas_used == 0 || gas_used > left.min(MAX_TX_GAS) {
            let receipt_digest = position.receipt_digest_before;
            return Ok(TxOutcome { state_root: pre, gas_used: 0, receipt_digest });
        }
        let item = keccak256(raw);
        let receipt_digest = fold_digest(position.receipt_digest_before, item);
        Ok(TxOutcome { state_root: fold_digest(pre, item), gas_used, receipt_digest })
    }

    fn seal(
        &mut self,
        pre: B256,
        _: &BlockContext,
        credits: &[Credit],
    ) -> Result<B256, Infallible> {
        Ok(credits
            .iter()
            .fold(pre, |root, credit| fold_digest(root, U256::from(credit.amountGwei).into())))
    }
}

pub(crate) fn view(l1_timestamp: u64, forced_end: u64, deposits_end: u64) -> View {
    View {
        l1_hash: keccak256(l1_timestamp.to_be_bytes()),
        l1_number: l1_timestamp / 12,
        l1_timestamp,
        prev_randao: B256::repeat_byte(7),
        deposits_end,
        forced_end,
    }
}

/// One batch after view 0 at 1,000 s and view 1 at 1,100 s, appended at 1,100 s.
pub(crate) fn one_batch(blobs: &[&[u8]], min_view: u32, views: [View; 2]) -> MemoryInputs {
    let payloads: Vec<_> =
        blobs.iter().map(|bytes| Arc::new(Payload::new(bytes).unwrap())).collect();
    let batch = Batch {
        previous: B256::ZERO,
        l1_hash: views[1].l1_hash,
        versioned_hashes: payloads.iter().map(|p| keccak256(p.bytes())).collect(),
        fee_recipient: Address::repeat_byte(0xfe),
        l1_timestamp: views[1].l1_timestamp,
        view_count: 2,
        min_view: ViewIndex(min_view),
    };
    MemoryInputs {
        batches: vec![(Arc::new(batch), payloads)],
        views: views.to_vec(),
        forced: vec![vec![3u8, 1].into(), vec![0u8].into(), vec![255u8].into()],
        deposits: (1..=40)
            .map(|i| Credit { to: Address::repeat_byte(i), amountGwei: u64::from(i) })
            .collect(),
    }
}

pub(crate) fn genesis() -> Checkpoint {
    Checkpoint {
        state_root: B256::repeat_byte(1),
        parent_hash: B256::repeat_byte(2),
        timestamp: 1_000,
        base_fee: U256::from(1_000_000_000u64),
        batch: BatchIndex(1),
        ..Checkpoint::default()
    }
}

/// All steps until the batch closes.
pub(crate) fn run(inputs: &MemoryInputs) -> Vec<(Checkpoint, Step)> {
    let mut at = genesis();
    let mut steps = Vec::new();
    while at.batch == BatchIndex(1) {
        let taken = step(&at, inputs, &CONFIG, &mut Toy).unwrap();
        steps.push((at, taken.clone()));
        at = taken.post;
        assert!(steps.len() < 1_000_000, "a batch must end");
    }
    steps
}
