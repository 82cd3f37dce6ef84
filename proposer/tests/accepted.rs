//! What was accepted waits until it runs, or never can: through restarts, reorganisations and a pool that is full.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Address, Bytes, keccak256};
use recourse_node::store::Store;
use recourse_proposer::{
    chain::L2Chain,
    journal::{Journal, Leftover},
    pool::Limits,
};
use recourse_rpc::{BlockPoint, Chain as _, ChainError};

use crate::{
    shown::{Node, store},
    world::{START, World, key, transfer},
};

fn on_disk(store: &Arc<dyn Store>) -> usize {
    Journal::new(Arc::clone(store)).load().unwrap().pooled.len()
}

fn raw(from: u8, nonce: u64) -> Bytes {
    transfer(from, nonce, Address::repeat_byte(0x77), 1)
}

#[test]
fn a_restart_keeps_many_of_one_sender() {
    let (world, store) = (World::new(), store());
    let (node, _) = Node::start(&world, START + 1, &store);
    for nonce in 0..200 {
        node.send(1, nonce);
    }
    drop(node);
    // The limits are for what comes, not for what was taken.
    let tight = Limits { transactions: 2, per_sender: 1, bytes: 300 };
    let (node, _) = Node::start_in(tight, &world, &world.shown(START + 1), &store, None);
    assert_eq!((node.chain.waiting(), on_disk(&store)), (200, 200));
    drop(node);
    let (mut node, _) = Node::start(&world, START + 1, &store);
    assert_eq!((node.chain.waiting(), on_disk(&store)), (200, 200));
    assert_eq!(node.chain.next_nonce(key(1).address()).unwrap(), 200);
    assert!(node.at(&world, START + 5));
    assert_eq!(node.chain.block(1).unwrap().unwrap().transactions().len(), 200);
    assert_eq!((node.chain.waiting(), on_disk(&store)), (0, 0));
}

#[test]
fn a_full_pool_takes_back_what_a_reorganisation_gives_up() {
    let (mut world, store) = (World::new(), store());
    let small = Limits { transactions: 4, per_sender: 4, bytes: 1 << 20 };
    let (mut node, _) = Node::start_in(small, &world, &world.shown(START + 1), &store, None);
    for nonce in 0..3 {
        node.send(1, nonce);
    }
    assert!(node.at(&world, START + 5));
    for nonce in 0..4 {
        node.send(2, nonce);
    }
    let full = node.chain.submit(raw(3, 0)).unwrap_err();
    assert!(matches!(full, ChainError::Rejected(recourse_rpc::Rejection::PoolFull)));

    let (mut other, _) = Node::start(&world, START + 1, &crate::shown::store());
    other.send(4, 0);
    assert!(other.at(&world, START + 6));
    world.append(&other.cut(&world, START + 6), START + 7);
    let done = node.producer.follow(&world.shown(START + 7), node.now).unwrap();
    assert_eq!((done.foreign, done.readmitted), (1, 3));
    assert_eq!((node.chain.waiting(), on_disk(&store)), (7, 7));
    assert!(node.at(&world, START + 9));
    assert_eq!(node.chain.block(2).unwrap().unwrap().transactions().len(), 7);
}

#[test]
fn the_journal_forgets_only_what_can_never_run() {
    let (world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    node.send(1, 0);
    node.send(1, 1);
    let pooled = vec![raw(1, 1), raw(1, 0)];
    let leftover = Leftover { pooled, ..Leftover::default() };
    node.producer.recover(&world.shown(START + 1), leftover, node.now).unwrap();
    assert_eq!((node.chain.waiting(), on_disk(&store)), (2, 2), "they wait already");

    assert!(node.at(&world, START + 5));
    assert_eq!(on_disk(&store), 0);
    let journal = Journal::new(Arc::clone(&store));
    for (from, nonce) in [(1, 0), (2, 0), (2, 9)] {
        journal.accept(keccak256(raw(from, nonce)), &raw(from, nonce)).unwrap();
    }
    drop(node);
    let (node, _) = Node::start(&world, START + 6, &store);
    assert_eq!((node.chain.waiting(), on_disk(&store)), (2, 2), "one is in a block");
}

#[test]
fn what_can_not_run_for_hours_is_forgotten() {
    let (world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    node.send(1, 5);
    node.send(2, 0);
    for (hours, waiting) in [(0, 2), (2, 2), (3, 1), (30, 1)] {
        let now = node.now + Duration::from_secs(hours * 3_600);
        node.producer.follow(&world.shown(START + 1), now).unwrap();
        assert_eq!((node.chain.waiting(), on_disk(&store)), (waiting, waiting), "{hours}");
    }
}

#[test]
fn the_states_of_safe_and_finalized_stay_at_hand() {
    let (mut world, store) = (World::new(), store());
    let (mut node, _) = Node::start(&world, START + 1, &store);
    for nonce in 0..3 {
        let time = START + 5 + 10 * nonce;
        node.send(1, nonce);
        assert!(node.at(&world, time));
        world.append(&node.cut(&world, time), time + 1);
        node.producer.follow(&world.shown(time + 2), node.now).unwrap();
    }
    let start = START + 30;
    for nonce in 0..260 {
        node.send(2, nonce);
        assert!(node.at(&world, start + nonce));
    }
    let finality = node.chain.finality();
    assert_eq!((finality.finalized, finality.safe, node.chain.head()), (2, 3, 263));
    let nonce = |chain: &L2Chain, number: u64| {
        chain.account(BlockPoint::Number(number), key(1).address()).map(|account| account.nonce)
    };
    assert_eq!((nonce(&node.chain, 2).unwrap(), nonce(&node.chain, 3).unwrap()), (2, 3));
    for number in [1, 4, 5] {
        assert!(matches!(nonce(&node.chain, number), Err(ChainError::Refused(_))), "{number}");
    }
}
