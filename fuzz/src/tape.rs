//! Derivation: every byte string is a tape, every step moves on, every batch ends.

use std::{collections::HashSet, convert::Infallible, sync::Arc};

use alloy_primitives::{Address, B256, U256, keccak256};
use recourse_protocol::{
    Batch, BatchIndex, Checkpoint, Executor, Item, L2Config, MAX_TX_GAS, MemoryInputs,
    PAYLOAD_BYTES, Payload, TapeWriter, TxOutcome, TxPosition, View, ViewIndex,
    bindings::{BlockContext, Credit},
    fold_digest, read_item, step,
};

use super::input::Input;

const CONFIG: L2Config =
    L2Config { chain_id: 901, gas_limit: 1 << 25, block_time: 2, max_witness_bytes: 1 << 20 };
const QUEUED: u8 = 40;
/// More than a batch of three blobs can have: an item is a byte at least, and a debt is paid once.
const MANY_STEPS: usize = 3 * PAYLOAD_BYTES + 1_000;

/// Takes the input as what a batch owes, and the payloads of its blobs.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let inputs = batch(&mut input);
    for (_, payloads) in &inputs.batches {
        payloads.iter().for_each(|payload| items(payload.bytes()));
    }
    let mut at = genesis();
    let mut seen = HashSet::new();
    while at.batch == BatchIndex(1) {
        assert!(seen.insert(at.h248()), "a step that stands still");
        assert!(seen.len() <= MANY_STEPS, "a batch that does not end");
        at = step(&at, &inputs, &CONFIG, &mut Toy).expect("all inputs are there").post;
    }
    assert!(at.ends_batch(BatchIndex(1)));
    let due = inputs.views.last().copied().unwrap_or_default();
    assert!(at.forced_done <= due.forced_end && at.deposits_done <= due.deposits_end);
    assert!(at.timestamp <= due.l1_timestamp);
}

/// What is read as whole items is what a writer would have written.
fn items(payload: &[u8]) {
    let mut writer = TapeWriter::default();
    let mut offset = 0;
    loop {
        match read_item(payload, offset) {
            Item::End { read } => {
                assert!(offset as usize + read as usize <= payload.len());
                break;
            }
            Item::Open { timestamp, view } => writer.open(timestamp, view).expect("it was read"),
            Item::Tx(raw) => writer.tx(raw).expect("it was read"),
        }
        offset = (PAYLOAD_BYTES - writer.left()) as u32;
    }
    assert!(payload.starts_with(&writer.into_bytes()));
}

fn batch(input: &mut Input<'_>) -> MemoryInputs {
    let (blobs, min_view) = (input.byte() % 4, input.byte() % 2);
    let (forced, deposits) = (input.byte() % QUEUED, input.byte() % QUEUED);
    let seconds = u64::from(input.byte());
    let views = [view(1_000, 0, 0), view(1_000 + seconds, forced, deposits)];
    let each = input.u16().into();
    let payloads: Vec<_> = (0..blobs).map(|_| payload(input.take(each))).collect();
    let batch = Batch {
        previous: B256::ZERO,
        l1_hash: views[1].l1_hash,
        versioned_hashes: vec![B256::ZERO; payloads.len()],
        fee_recipient: Address::repeat_byte(0xfe),
        l1_timestamp: views[1].l1_timestamp,
        view_count: 2,
        min_view: ViewIndex(min_view.into()),
    };
    let credit = |index| Credit { to: Address::repeat_byte(index), amountGwei: index.into() };
    MemoryInputs {
        batches: vec![(Arc::new(batch), payloads)],
        views: views.to_vec(),
        forced: (0..QUEUED).map(|index| vec![index.wrapping_mul(37), index].into()).collect(),
        deposits: (0..QUEUED).map(credit).collect(),
    }
}

fn payload(bytes: &[u8]) -> Arc<Payload> {
    Arc::new(Payload::new(bytes).expect("at most 65,535 bytes"))
}

fn view(l1_timestamp: u64, forced: u8, deposits: u8) -> View {
    View {
        l1_hash: keccak256(l1_timestamp.to_be_bytes()),
        l1_number: l1_timestamp / 12,
        l1_timestamp,
        prev_randao: B256::repeat_byte(7),
        deposits_end: deposits.into(),
        forced_end: forced.into(),
    }
}

fn genesis() -> Checkpoint {
    Checkpoint {
        state_root: B256::repeat_byte(1),
        parent_hash: B256::repeat_byte(2),
        timestamp: 1_000,
        base_fee: U256::from(1_000_000_000_u64),
        batch: BatchIndex(1),
        ..Checkpoint::default()
    }
}

/// State roots are hash chains; a transaction uses as much gas as its first byte says, in units of 2^16.
struct Toy;

impl Executor for Toy {
    type Error = Infallible;

    fn open(
        &mut self,
        pre: B256,
        block: &BlockContext,
        parent_hash: B256,
        anchor: B256,
    ) -> Result<B256, Infallible> {
        let system = fold_digest(parent_hash, anchor);
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
        let receipt_digest = position.receipt_digest_before;
        if gas_used == 0 || gas_used > left.min(MAX_TX_GAS) {
            return Ok(TxOutcome { state_root: pre, gas_used: 0, receipt_digest });
        }
        let item = keccak256(raw);
        let receipt_digest = fold_digest(receipt_digest, item);
        Ok(TxOutcome { state_root: fold_digest(pre, item), gas_used, receipt_digest })
    }

    fn seal(
        &mut self,
        pre: B256,
        _: &BlockContext,
        credits: &[Credit],
    ) -> Result<B256, Infallible> {
        let amounts = credits.iter().map(|credit| U256::from(credit.amountGwei).into());
        Ok(amounts.fold(pre, fold_digest))
    }
}
