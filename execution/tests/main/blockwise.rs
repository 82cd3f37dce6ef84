//! Transactions run at once are transactions run one after the other.

use std::sync::Arc;

use alloy::{
    consensus::{TxEip1559, TxEnvelope},
    eips::eip2718::Decodable2718,
};
use alloy_primitives::{B256, Bytes};
use proptest::prelude::*;
use recourse_execution::{
    BlockwiseExecutor, Executed, ExecutionError, NO_ROOT, Schedule, State, StateExecutor,
    block::{BlockExecutor, Sequential},
    parallel::{Parallel, Workers},
};
use recourse_protocol::{
    Batch, BatchIndex, Checkpoint, Executor, L2Config, MAX_TX_GAS, MemoryInputs, MissingInput,
    Payload, Plan, Rule, Seal, Step, TapeWriter, TxPosition, View, ViewIndex, bindings::Credit,
    l2_header, plan,
};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    random::{signed, txs},
    scene::{
        self, BASE_FEE, CHAIN, COINBASE, MAX_WITNESS, STORER, account, block, sign, state, transfer,
    },
};

/// Four of the largest transactions fit a block.
const L2: L2Config = L2Config {
    chain_id: CHAIN,
    gas_limit: 4 * MAX_TX_GAS,
    block_time: 1,
    max_witness_bytes: MAX_WITNESS,
};

fn by<E: BlockExecutor>(engine: E, state: State) -> BlockwiseExecutor<E> {
    BlockwiseExecutor::new(engine, state, Schedule::osaka(), MAX_WITNESS)
}

fn blockwise(state: State) -> BlockwiseExecutor<Sequential> {
    by(Sequential::new(Schedule::osaka(), MAX_WITNESS), state)
}

fn genesis(state: &State) -> Checkpoint {
    Checkpoint {
        batch: BatchIndex(1),
        state_root: state.root(),
        number: 0,
        timestamp: 999,
        base_fee: alloy_primitives::U256::from(BASE_FEE),
        ..Checkpoint::default()
    }
}

/// One batch with these blobs; its second view brings the forced transactions and the deposits.
fn inputs(blobs: Vec<Vec<u8>>, forced: Vec<Bytes>, deposits: Vec<Credit>) -> MemoryInputs {
    let view = |l1_timestamp, forced_end, deposits_end| View {
        l1_timestamp,
        forced_end,
        deposits_end,
        l1_hash: B256::repeat_byte(1),
        prev_randao: B256::repeat_byte(2),
        ..View::default()
    };
    let count = |list: usize| u64::try_from(list).unwrap();
    let views = vec![view(1_000, 0, 0), view(1_100, count(forced.len()), count(deposits.len()))];
    let batch = Batch {
        versioned_hashes: vec![B256::repeat_byte(3); blobs.len()],
        fee_recipient: COINBASE,
        l1_timestamp: 1_100,
        view_count: 2,
        min_view: ViewIndex(0),
        ..Batch::default()
    };
    let payloads = blobs.iter().map(|bytes| Arc::new(Payload::new(bytes).unwrap())).collect();
    MemoryInputs { batches: vec![(Arc::new(batch), payloads)], views, forced, deposits }
}

/// What a batch comes to: its end, and of each block the hash and what ran in it.
#[derive(Debug)]
struct Derived {
    end: Checkpoint,
    state: State,
    blocks: Vec<(B256, Vec<Executed>)>,
}

trait Runs: Executor<Error = ExecutionError> {
    fn before_step(&mut self, plan: &Plan, at: &Checkpoint, inputs: &MemoryInputs);
    fn executed(&mut self) -> Vec<Executed>;
    fn here(&self) -> State;
}

impl Runs for StateExecutor {
    fn before_step(&mut self, _: &Plan, _: &Checkpoint, _: &MemoryInputs) {}

    fn executed(&mut self) -> Vec<Executed> {
        self.take_executed()
    }

    fn here(&self) -> State {
        self.state().clone()
    }
}

impl<E: BlockExecutor> Runs for BlockwiseExecutor<E> {
    fn before_step(&mut self, plan: &Plan, at: &Checkpoint, inputs: &MemoryInputs) {
        self.look_ahead(plan, at, inputs).unwrap();
    }

    fn executed(&mut self) -> Vec<Executed> {
        self.take_executed()
    }

    fn here(&self) -> State {
        self.state().clone()
    }
}

fn derive(inputs: &MemoryInputs, mut executor: impl Runs) -> Derived {
    let mut at = genesis(&executor.here());
    let mut blocks = Vec::new();
    while at.batch == BatchIndex(1) {
        let plan = plan(&at, inputs, &L2).unwrap();
        executor.before_step(&plan, &at, inputs);
        let taken: Step = plan.take::<MissingInput, _>(&at, &mut executor).unwrap();
        if let Rule::Seal(Seal { block, anchor, credits }) = &taken.plan.rule {
            let sealed = Checkpoint { parent_hash: at.parent_hash, ..taken.post };
            let header = l2_header(&sealed, block, *anchor, credits);
            assert_eq!(header.hash_slow(), taken.post.parent_hash);
            assert_eq!(header.state_root, executor.here().root());
            blocks.push((taken.post.parent_hash, executor.executed()));
        }
        at = taken.post;
    }
    Derived { end: at, state: executor.here(), blocks }
}

fn agree(inputs: &MemoryInputs) -> Derived {
    let one_by_one = derive(inputs, StateExecutor::new(state(), Schedule::osaka(), MAX_WITNESS));
    // With pauses they share all rows, however short.
    let threads = Arc::new(Workers::new(2).with_pauses(inputs.views.len() as u64));
    let parallel = Parallel::new(Schedule::osaka(), MAX_WITNESS, threads);
    // As nodes have it.
    let plain = Parallel::new(Schedule::osaka(), MAX_WITNESS, Arc::new(Workers::new(2)));
    for at_once in [
        derive(inputs, blockwise(state())),
        derive(inputs, by(parallel, state())),
        derive(inputs, by(plain, state())),
    ] {
        assert_eq!(at_once.end, one_by_one.end);
        assert_eq!(at_once.state.root(), one_by_one.state.root());
        let told = |derived: &Derived| format!("{:?}", derived.blocks);
        assert_eq!(told(&at_once), told(&one_by_one));
    }
    one_by_one
}

/// What stands on a tape between transactions.
#[derive(Clone, Debug)]
enum Between {
    Nothing,
    Open(u64, u32),
    NextBlob,
    Garbage(Vec<u8>),
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        8 => Just(Between::Nothing),
        2 => (995_u64..1_110, 0_u32..3).prop_map(|(time, view)| Between::Open(time, view)),
        1 => Just(Between::NextBlob),
        1 => prop::collection::vec(any::<u8>(), 0..6).prop_map(Between::Garbage),
    ]
}

fn tape(items: &[(Between, Bytes)]) -> Vec<Vec<u8>> {
    let mut blobs = Vec::new();
    let mut writer = TapeWriter::default();
    writer.open(1_000, 0).unwrap();
    let mut bytes = writer.into_bytes();
    for (between, raw) in items {
        let mut item = TapeWriter::default();
        match between {
            Between::Nothing => {}
            Between::Open(time, view) => item.open(*time, *view).unwrap(),
            Between::NextBlob => blobs.push(std::mem::take(&mut bytes)),
            Between::Garbage(garbage) => bytes.extend(garbage),
        }
        item.tx(raw).unwrap();
        bytes.extend(item.into_bytes());
    }
    blobs.push(bytes);
    blobs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_batch_run_at_once_is_the_batch_run_step_by_step(
        list in prop::collection::vec((0_u8..8, txs()), 1..24),
        gaps in prop::collection::vec(between(), 24),
        forced in 0_usize..6,
        deposits in 0_u64..3,
    ) {
        let mut raws = signed(&list);
        let forced = raws.split_off(raws.len().saturating_sub(forced));
        let items: Vec<_> = gaps.into_iter().zip(raws).collect();
        let deposits = (0..deposits).map(|at| Credit { to: account(1), amountGwei: at }).collect();
        agree(&inputs(tape(&items), forced, deposits));
    }
}

/// Of rows that end in, begin with or are nothing but no-ops, the roots are the right ones.
#[test]
fn no_ops_at_either_end_of_a_row() {
    let valid = |nonce| sign(0, transfer(nonce, STORER, 1));
    let bad = Bytes::from_static(b"no transaction");
    let rows: [Vec<Bytes>; 5] = [
        vec![bad.clone(), bad.clone()],
        vec![valid(0), bad.clone()],
        vec![bad.clone(), valid(0)],
        vec![bad.clone(), valid(0), bad.clone(), valid(1), bad.clone(), bad.clone()],
        vec![],
    ];
    for row in rows {
        let included = row.iter().filter(|raw| **raw != bad).count();
        let items: Vec<_> = row.into_iter().map(|raw| (Between::Nothing, raw)).collect();
        let derived = agree(&inputs(tape(&items), Vec::new(), Vec::new()));
        assert_eq!(derived.blocks.iter().map(|(_, ran)| ran.len()).sum::<usize>(), included);
    }
}

/// Forced transactions come first, and stop when the block has no room for a largest one: the row runs with what is left.
#[test]
fn forced_transactions_without_room_leave_the_row_to_the_tape() {
    let all_gas = |(nonce, gas_limit): (u64, u64)| {
        let burns = Code::new().op(op::INVALID).build();
        sign(1, TxEip1559 { gas_limit, ..scene::create(nonce, burns) })
    };
    let limits = [MAX_TX_GAS, MAX_TX_GAS, MAX_TX_GAS, MAX_TX_GAS - 2_500_000, MAX_TX_GAS];
    let forced = (0..).zip(limits).map(all_gas).collect();
    let items: Vec<_> = (0..4)
        .map(|nonce| {
            let between = if nonce == 0 { Between::Open(1_100, 1) } else { Between::Nothing };
            (between, sign(0, transfer(nonce, STORER, 1)))
        })
        .collect();
    let derived = agree(&inputs(tape(&items), forced, Vec::new()));
    assert_eq!(derived.end.forced_done, 4);
    let ran: Vec<_> = derived.blocks.iter().map(|(_, ran)| ran.len()).collect();
    assert_eq!(ran, [0, 8]);
}

/// Who signed the next transaction is taken from whoever knows it, and only for that transaction.
#[test]
fn the_sender_of_a_transaction_foreseen_is_not_looked_for() {
    let raw = sign(0, transfer(0, STORER, 1));
    let known = |raw: &Bytes| TxEnvelope::decode_2718_exact(raw).unwrap();
    let by = |foreseen: &Bytes| {
        let mut executor = StateExecutor::new(state(), Schedule::osaka(), MAX_WITNESS);
        // Somebody else: so it can be seen who was asked.
        executor.foresee(foreseen.clone(), known(foreseen), account(3));
        let root = executor.state().root();
        executor.transact(root, &block(), TxPosition::default(), &raw).unwrap();
        executor.take_executed().remove(0).sender
    };
    assert_eq!(by(&raw), account(3));
    assert_eq!(by(&sign(1, transfer(0, STORER, 1))), account(0));
}

/// Whoever asks for something else than was run ahead gets an error, and no wrong root.
#[test]
fn other_transactions_than_those_run_ahead() {
    let row = [sign(0, transfer(0, STORER, 1)), sign(0, transfer(1, STORER, 1))];
    let start = TxPosition::default();
    let root = state().root();

    // Before the first was asked for, nothing is lost.
    let mut executor = blockwise(state());
    executor.run_ahead(&block(), start, row.to_vec()).unwrap();
    let other = executor.transact(root, &block(), start, &sign(1, transfer(0, STORER, 1))).unwrap();
    assert!(other.gas_used > 0);
    assert_eq!(executor.state().root(), other.state_root);
    assert_ne!(other.state_root, root);

    // In the middle the root is not known.
    let mut executor = blockwise(state());
    executor.run_ahead(&block(), start, row.to_vec()).unwrap();
    let first = executor.transact(root, &block(), start, &row[0]).unwrap();
    assert_eq!(first.state_root, NO_ROOT);
    let refused = executor.seal(first.state_root, &block(), &[]);
    assert_eq!(refused, Err(ExecutionError::NotAhead { left: 1 }));
    // It still stands at the state before them.
    assert_eq!(executor.state().root(), root);
}
