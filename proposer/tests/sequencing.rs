//! What is sequenced ahead of L1 is what derivation makes of it later.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, TxKind, U256};
use recourse_proposer::{
    pool::Pool,
    sequence::{CutBatch, L2Block, Opening, Production, Sequencer, Write},
};
use recourse_protocol::ViewIndex;

use crate::world::{GWEI, START, World, call, key, l2, pool, put, terms, transfer};

const MAX_BLOBS: usize = 6;

fn produce(s: &mut Sequencer, world: &World, timestamp: u64, view: u32, pool: &Pool) -> Production {
    let base_fee = GWEI as u64;
    let opening = Opening { timestamp, view: ViewIndex(view) };
    s.produce(&world.l1, opening, &mut pool.ready(base_fee)).unwrap()
}

fn cut(s: &mut Sequencer, world: &World) -> (CutBatch, Vec<L2Block>) {
    s.cut(&world.l1).unwrap().unwrap()
}

fn hashes(blocks: &[L2Block]) -> Vec<alloy_primitives::B256> {
    blocks.iter().map(L2Block::hash).collect()
}

/// Code that stores its calldata's first word under 0 and logs it; empty calldata reverts.
fn contract() -> Vec<u8> {
    // PUSH0 CALLDATALOAD DUP1 PUSH1 9 JUMPI PUSH0 PUSH0 REVERT JUMPDEST PUSH0 SSTORE PUSH0 PUSH0 LOG0 STOP
    let body = [0x5f, 0x35, 0x80, 0x60, 0x08, 0x57, 0x5f, 0x5f, 0xfd, 0x5b];
    let mut body = body.to_vec();
    body[4] = 9;
    body.extend([0x5f, 0x55, 0x5f, 0x5f, 0xa0, 0x00]);
    // PUSH1 len PUSH1 12 PUSH0 CODECOPY PUSH1 len PUSH0 RETURN, padded to 12 bytes
    let len = body.len() as u8;
    let mut init = vec![0x60, len, 0x60, 11, 0x5f, 0x39, 0x60, len, 0x5f, 0xf3, 0x00];
    init.extend(body);
    init
}

#[test]
fn the_virtual_chain_is_what_derivation_makes_of_it() {
    let mut world = World::new();
    let mut sequencer = Sequencer::new(l2(), world.genesis.clone());
    sequencer.begin(terms(ViewIndex(0)), MAX_BLOBS);

    let mut waiting = pool();
    let to = Address::repeat_byte(0x77);
    put(&mut waiting, transfer(1, 0, to, 5));
    put(&mut waiting, transfer(1, 1, to, 6));
    put(&mut waiting, call(2, TxEip1559 { input: contract().into(), ..Default::default() }));
    let first = produce(&mut sequencer, &world, START + 5, 0, &waiting);
    let block = first.block.unwrap();
    assert_eq!(block.mined.transactions().len(), 3);
    assert!(first.invalid.is_empty() && !first.full);
    assert_eq!(block.state.as_ref().unwrap().account(to).unwrap().unwrap().balance, U256::from(11));

    // A view comes in while the batch grows, with two deposits and a forced transaction.
    let other = Address::repeat_byte(0x78);
    world.deposit(other, 7);
    world.deposit(other, 8);
    world.l1.forced.push(transfer(3, 0, to, 9));
    world.view(START + 6, 2, 1);
    let created = key(2).address().create(0);
    let mut waiting = pool();
    let input = [0xff; 32].to_vec();
    for (nonce, data) in [(1, input), (2, vec![])] {
        let to = TxKind::Call(created);
        let raw = call(2, TxEip1559 { nonce, to, input: data.into(), ..Default::default() });
        put_at(&mut waiting, raw, nonce);
    }
    let second = produce(&mut sequencer, &world, START + 8, 1, &waiting).block.unwrap();
    // The forced one comes first; the call without data reverts and is part of the block.
    assert_eq!(second.mined.transactions().len(), 3);
    assert_eq!(second.mined.transactions()[0].signer(), key(3).address());
    assert_eq!(second.mined.withdrawals().len(), 2);
    let status: Vec<_> = second.mined.receipts().iter().map(|r| r.status()).collect();
    assert_eq!(status, [true, true, false]);
    assert_eq!(second.state.as_ref().unwrap().storage(created, U256::ZERO).unwrap(), U256::MAX);

    let (batch, implicit) = cut(&mut sequencer, &world);
    assert!(implicit.is_empty());
    world.append(&batch, START + 8);
    let (derived, blocks) = world.derive();
    assert_eq!(derived.at, batch.end.at);
    assert_eq!(hashes(&blocks), [block.hash(), second.hash()]);
    assert_eq!(sequencer.at(), &derived.at);
    let parent = world.block_zero(&world.genesis).hash();
    assert_eq!(block.mined.header().parent_hash, parent);
}

/// Puts a transaction whose sender has sent some before.
fn put_at(pool: &mut Pool, raw: alloy_primitives::Bytes, nonce: u64) {
    let rules =
        recourse_proposer::pool::Rules { chain_id: crate::world::CHAIN, max_tx_bytes: 9_999 };
    let facts =
        recourse_proposer::pool::AccountFacts { nonce: nonce.min(1), ..crate::world::rich() };
    pool.insert(rules.check(&raw).unwrap(), raw, &facts).unwrap();
}

#[test]
fn what_would_be_a_no_op_stays_off_the_tape() {
    let mut world = World::new();
    let mut sequencer = Sequencer::new(l2(), world.genesis.clone());
    sequencer.begin(terms(ViewIndex(0)), MAX_BLOBS);
    let mut waiting = pool();
    // The pool takes account 20 for rich; it has nothing.
    put(&mut waiting, transfer(20, 0, Address::ZERO, 1));
    put(&mut waiting, transfer(20, 1, Address::ZERO, 1));
    put(&mut waiting, transfer(1, 0, Address::ZERO, 1));
    let made = produce(&mut sequencer, &world, START + 1, 0, &waiting);
    assert_eq!(made.invalid.len(), 1);
    let block = made.block.unwrap();
    assert_eq!(block.mined.transactions().len(), 1);
    let (batch, _) = cut(&mut sequencer, &world);
    world.append(&batch, START + 1);
    assert_eq!(hashes(&world.derive().1), [block.hash()]);
}

#[test]
fn blocks_span_blobs_and_a_full_batch_says_so() {
    let mut world = World::new();
    let mut sequencer = Sequencer::new(l2(), world.genesis.clone());
    sequencer.begin(terms(ViewIndex(0)), 2);
    let mut waiting = pool();
    for nonce in 0..5 {
        // 60,000 bytes each: two fit a blob.
        let (input, gas_limit) = (vec![1; 60_000].into(), 3_000_000);
        let to = TxKind::Call(Address::ZERO);
        put(&mut waiting, call(1, TxEip1559 { nonce, to, input, gas_limit, ..Default::default() }));
    }
    let made = produce(&mut sequencer, &world, START + 1, 0, &waiting);
    assert!(made.full);
    let blobs: Vec<u32> = made.writes.iter().map(|write| write.blob).collect();
    assert_eq!(blobs, [0, 1]);
    let mut blocks = vec![made.block.unwrap()];
    assert_eq!(blocks[0].mined.transactions().len(), 4);
    // Room for some small blocks is left, then none.
    for timestamp in START + 2.. {
        let made = produce(&mut sequencer, &world, timestamp, 0, &pool());
        match made.block {
            Some(block) => blocks.push(block),
            None => {
                assert!(made.full && made.writes.is_empty());
                break;
            }
        }
    }
    let (batch, implicit) = cut(&mut sequencer, &world);
    assert_eq!((batch.payloads.len(), implicit.len()), (2, 0));
    world.append(&batch, batch.end.at.timestamp);
    let (derived, real) = world.derive();
    assert_eq!(derived.at, batch.end.at);
    assert_eq!(hashes(&real), hashes(&blocks));
}

#[test]
fn debts_are_paid_at_the_end_of_the_batch() {
    let mut world = World::new();
    let to = Address::repeat_byte(0x55);
    (0..40).for_each(|gwei| world.deposit(to, gwei + 1));
    let due = world.view(START + 1, 40, 0);
    let mut sequencer = Sequencer::new(l2(), world.genesis.clone());
    sequencer.begin(terms(due), MAX_BLOBS);
    // One block alone credits 16 of them.
    let block = produce(&mut sequencer, &world, START + 9, due.0, &pool()).block.unwrap();
    // While something is owed, time is the lowest possible.
    assert_eq!(block.mined.header().timestamp, START + 1);
    let (batch, implicit) = cut(&mut sequencer, &world);
    assert_eq!(implicit.len(), 2);
    world.append(&batch, START + 12);
    let (derived, real) = world.derive();
    assert_eq!(derived.at, batch.end.at);
    assert_eq!(derived.at.deposits_done, 40);
    assert_eq!(hashes(&real)[1..], hashes(&implicit)[..]);
}

#[test]
fn several_batches_ahead_of_l1() {
    let mut world = World::new();
    let mut sequencer = Sequencer::new(l2(), world.genesis.clone());
    let mut batches = Vec::new();
    let mut made = Vec::new();
    for n in 0..3u64 {
        sequencer.begin(terms(ViewIndex(0)), MAX_BLOBS);
        for block in 0..2 {
            let mut waiting = pool();
            let nonce = 2 * n + block;
            let raw = transfer(1, nonce, Address::ZERO, 1);
            let rules =
                recourse_proposer::pool::Rules { chain_id: crate::world::CHAIN, max_tx_bytes: 999 };
            let facts = recourse_proposer::pool::AccountFacts { nonce, ..crate::world::rich() };
            waiting.insert(rules.check(&raw).unwrap(), raw, &facts).unwrap();
            made.extend(produce(&mut sequencer, &world, START + 1 + nonce, 0, &waiting).block);
        }
        batches.push(cut(&mut sequencer, &world).0);
    }
    // Appends record views that the blocks were made without.
    for batch in &batches {
        world.append(batch, START + 100 + batch.index.0);
    }
    let (derived, real) = world.derive();
    assert_eq!(derived.at, batches[2].end.at);
    assert_eq!(hashes(&real), hashes(&made));
}

#[test]
fn a_replay_makes_the_same_blocks() {
    let mut world = World::new();
    world.l1.forced.push(transfer(3, 0, Address::ZERO, 9));
    world.view(START + 1, 0, 1);
    let mut first = Sequencer::new(l2(), world.genesis.clone());
    first.begin(terms(ViewIndex(0)), MAX_BLOBS);
    let mut records: Vec<Vec<Write>> = Vec::new();
    let mut blocks = Vec::new();
    for n in 0..4u64 {
        let mut waiting = pool();
        put(&mut waiting, transfer(4 + n as u8, 0, Address::ZERO, 1));
        let made = produce(&mut first, &world, START + 2 + n, 1, &waiting);
        records.push(made.writes);
        blocks.extend(made.block);
    }
    let mut second = Sequencer::new(l2(), world.genesis.clone());
    second.begin(terms(ViewIndex(0)), MAX_BLOBS);
    let mut again = Vec::new();
    for record in &records {
        again.extend(second.replay(&world.l1, record).unwrap());
    }
    assert_eq!(hashes(&again), hashes(&blocks));
    assert_eq!(second.at(), first.at());
    // Both go on alike.
    let mut waiting = pool();
    put(&mut waiting, transfer(9, 0, Address::ZERO, 1));
    let a = produce(&mut first, &world, START + 9, 1, &waiting).block.unwrap();
    let b = produce(&mut second, &world, START + 9, 1, &waiting).block.unwrap();
    assert_eq!(a.hash(), b.hash());
    let torn = vec![Write { blob: 4, bytes: vec![0] }];
    assert!(second.replay(&world.l1, &torn).is_err());
}
