//! The L2 head through restarts, foreign batches and L1 reorganisations: no accepted transaction is lost.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Address, B256, U256};
use recourse_node::store::{MemoryStore, Store};
use recourse_proposer::{chain::L2Chain, journal::Journal};
use recourse_rpc::{BlockPoint, Chain as _, ChainError};

use crate::{
    shown::{self, Node, Old, Shown, store},
    world::{START, World, key, transfer},
};

#[test]
fn a_batch_goes_to_l1_and_comes_back() {
    let (mut world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    assert!(!node.at(&world, START + 10), "nothing to do");
    let hash = node.send(1, 0);
    assert_eq!(node.chain.next_nonce(key(1).address()).unwrap(), 1);
    let pending = node.chain.pending_block().unwrap().unwrap();
    assert_eq!((pending.number(), *pending.transactions()[0].tx_hash()), (1, hash));
    assert!(node.make(&world, START + 10));
    assert_eq!(node.chain.locate(hash).unwrap().unwrap().block, 1);
    assert_eq!((node.chain.head(), node.chain.finality().safe), (1, 0));
    let (head, cut) = (node.head(), node.cut(&world, START + 10));
    world.append(&cut, START + 12);
    let done = node.producer.follow(&world.shown(START + 12), node.now).unwrap();
    assert_eq!((done.promoted, done.foreign, done.lost), (1, 0, 0));
    assert_eq!((node.head(), node.chain.finality().safe), (head, 1));
    assert!(node.producer.to_post(&world.shown(START + 12), node.now).is_none());
    let journal = Journal::new(store).load().unwrap();
    assert!(journal.batches.is_empty() && journal.pooled.is_empty());
}

#[test]
fn a_crash_loses_nothing() {
    let (mut world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    node.send(1, 0);
    assert!(node.at(&world, START + 5));
    // The first batch is on its way; the second grows; a transaction waits.
    let cut = node.cut(&world, START + 5);
    node.send(1, 1);
    assert!(node.at(&world, START + 9));
    let waiting = node.send(2, 0);
    let (head, at) = (node.head(), *node.producer.at());
    drop(node);

    let (node, resumed) = Node::start(&world, START + 10, &store);
    assert_eq!((resumed, node.head(), *node.producer.at()), (2, head, at));
    let shown = world.shown(START + 10);
    assert_eq!(node.producer.to_post(&shown, node.now).unwrap().cut.payloads, cut.payloads);
    assert!(node.chain.pooled(waiting).unwrap().is_some());
    drop(node);

    // It was mined while nobody was there.
    world.append(&cut, START + 11);
    let (mut node, resumed) = Node::start(&world, START + 12, &store);
    assert_eq!((resumed, node.head(), node.chain.finality().safe), (1, head, 1));
    assert!(node.at(&world, START + 20));
    assert_eq!(node.chain.locate(waiting).unwrap().unwrap().block, 3);
}

#[test]
fn somebody_else_appends_first() {
    let (mut world, store) = (World::new(), store());
    let other_store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    let (mut other, _) = Node::start(&world, START + 1, &other_store);
    let (shared, own) = (transfer(1, 0, Address::ZERO, 5), transfer(2, 0, Address::ZERO, 6));
    let shared =
        (node.chain.submit(shared.clone()).unwrap(), other.chain.submit(shared).unwrap()).0;
    let own = node.chain.submit(own).unwrap();
    assert!(node.at(&world, START + 5) && other.at(&world, START + 6));
    let _lost = node.cut(&world, START + 6);
    world.append(&other.cut(&world, START + 6), START + 7);

    let done = node.producer.follow(&world.shown(START + 7), node.now).unwrap();
    assert_eq!((done.promoted, done.foreign, done.readmitted), (0, 1, 1));
    assert_eq!(node.head(), other.head());
    assert_eq!(node.chain.locate(shared).unwrap().unwrap().block, 1);
    assert!(node.chain.locate(own).unwrap().is_none() && node.chain.pooled(own).unwrap().is_some());
    assert!(node.at(&world, START + 9));
    assert_eq!(node.chain.locate(own).unwrap().unwrap().block, 2);
}

#[test]
fn nothing_is_made_for_a_batch_that_l1_has_already() {
    let (mut world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    node.send(1, 0);
    assert!(node.at(&world, START + 5));
    let cut = node.cut(&world, START + 5);
    world.append(&cut, START + 7);
    let mut shown = world.shown(START + 7);
    // On L1, not derived yet: neither posted again nor built on by somebody who comes late.
    shown.batches.clear();
    assert!(node.producer.to_post(&shown, node.now).is_none());
    let (late, _) = Node::start(&World::new(), START + 1, &shown::store());
    late.send(1, 0);
    let Node { mut producer, now, .. } = late;
    producer.follow(&shown, now).unwrap();
    assert!(!producer.make_block(&shown, now).unwrap());
}

#[test]
fn l1_takes_a_batch_back() {
    let (mut world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    let hash = node.send(1, 0);
    assert!(node.at(&world, START + 5));
    let before = world.l1.clone();
    world.append(&node.cut(&world, START + 5), START + 7);
    node.producer.follow(&world.shown(START + 7), node.now).unwrap();
    world.l1 = before;
    let done = node.producer.follow(&world.shown(START + 8), node.now).unwrap();
    assert_eq!((done.lost, done.readmitted, node.chain.head()), (1, 1, 0));
    assert!(node.at(&world, START + 9));
    assert!(node.chain.locate(hash).unwrap().is_some());
}

/// A start goes to the last final block at once; what lies before is served from disk.
#[test]
fn final_blocks_are_left_where_they_are() {
    let (mut world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    let (mut hashes, mut heads, mut l1) = (Vec::new(), Vec::new(), vec![world.l1.clone()]);
    for nonce in 0..3 {
        let time = START + 5 + 10 * nonce;
        hashes.push(node.send(1, nonce));
        assert!(node.at(&world, time));
        heads.push(node.head());
        world.append(&node.cut(&world, time), time + 1);
        node.producer.follow(&world.shown(time + 2), node.now).unwrap();
        l1.push(world.l1.clone());
    }
    let start = || {
        let shown = Shown { archives: true, ..world.shown(START + 30) };
        let old = shown.batches.iter().flat_map(|(.., blocks)| blocks.clone()).collect();
        Node::start_at(&world, &shown, &shown::store(), Some(Arc::new(Old(old)))).0
    };
    let again = start();
    assert_eq!((again.head(), again.chain.base_number()), (heads[2], 2));
    assert_eq!(again.chain.finality(), node.chain.finality());
    for (number, (head, hash)) in (1..).zip(heads.iter().zip(&hashes)) {
        assert_eq!(again.chain.block(number).unwrap().unwrap().hash(), *head);
        assert_eq!(again.chain.number_of(*head).unwrap(), Some(number));
        assert_eq!(again.chain.locate(*hash).unwrap().unwrap().block, number);
        assert!(again.chain.env(BlockPoint::Number(number)).is_ok());
        let account = |chain: &L2Chain| chain.account(BlockPoint::Number(number), key(1).address());
        let known = account(&node.chain).unwrap();
        match account(&again.chain) {
            Ok(account) => assert_eq!((account.nonce, number >= 2), (known.nonce, true)),
            Err(error) => assert!(number == 1 && matches!(error, ChainError::Refused(_))),
        }
    }
    assert!(again.chain.block(4).unwrap().is_none());
    assert_eq!(again.chain.next_nonce(key(1).address()).unwrap(), 3);

    // L1 takes back what it had called final.
    for (batches, head) in [(1, Some(heads[0])), (0, None)] {
        let mut again = start();
        let shown = World { l1: l1[batches].clone(), genesis: world.genesis.clone() };
        let shown = Shown { archives: true, ..shown.shown(START + 31) };
        let done = again.producer.follow(&shown, again.now).unwrap();
        assert_eq!((done.lost, again.chain.head()), (3 - batches as u64, batches as u64));
        assert!(head.is_none_or(|head| again.head() == head));
        let account = again.chain.account(BlockPoint::Pending, key(1).address()).unwrap();
        assert_eq!(account.nonce, batches as u64);
    }
}

#[test]
fn a_view_that_changes_voids_the_blocks_that_took_it() {
    let (mut world, store) = (World::new(), store());
    world.view(START + 2, 0, 0);
    let (mut node, _) = Node::start(&world, START + 3, &store);
    node.send(1, 0);
    assert!(node.at(&world, START + 5));
    let head = node.head();
    world.l1.views[1].l1_hash = B256::repeat_byte(0xdd);
    let done = node.producer.follow(&world.shown(START + 6), node.now).unwrap();
    assert_eq!((done.readmitted, node.chain.head()), (1, 0));
    assert!(node.at(&world, START + 7));
    assert_ne!(node.head(), head);
}

#[test]
fn deposits_and_forced_transactions_are_served() {
    let (mut world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    let to = Address::repeat_byte(0x99);
    world.deposit(to, 5);
    world.l1.forced.push(transfer(3, 0, to, 7));
    assert!(!node.at(&world, START + 5), "no view shows them");
    assert!(node.producer.wants_view(&world.shown(START + 5)));
    world.view(START + 6, 1, 1);
    assert!(!node.producer.wants_view(&world.shown(START + 6)));
    // L2 time trails L1 by a block: the view is used when it gets there.
    assert!(!node.at(&world, START + 8));
    node.now += Duration::from_secs(3);
    assert!(node.make(&world, START + 8));
    let account = node.chain.account(recourse_rpc::BlockPoint::Pending, to).unwrap();
    assert_eq!(account.balance, U256::from(5_000_000_007u64));
    node.now += Duration::from_secs(5);
    assert!(!node.at(&world, START + 9), "nothing is owed any more");
}

#[test]
fn too_many_batches_ahead_stop_the_head() {
    let (world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    for nonce in 0..3 {
        node.send(1, nonce);
        assert!(node.at(&world, START + 10 + nonce));
        assert!(node.producer.cut(&world.shown(START + 10 + nonce)).unwrap());
    }
    node.send(1, 3);
    assert!(!node.at(&world, START + 20));
}

#[test]
fn blocks_never_run_ahead_of_l1() {
    let (world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 2, &store);
    for nonce in 0..9 {
        node.send(1, nonce);
    }
    // At most one block a second: the genesis is at START, the head of L1 at START + 2.
    let made = (0..9).filter(|_| {
        node.send(2, node.chain.next_nonce(key(2).address()).unwrap());
        node.at(&world, START + 2)
    });
    let made = made.count();
    assert!((1..=2).contains(&made), "{made}");
    assert!(node.producer.at().timestamp <= START + 2);
}
