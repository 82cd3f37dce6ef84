//! L1 takes back what the proposer is just taking in: it goes on, and no accepted transaction is lost.

use recourse_proposer::producer::{Followed, ProducerError};
use recourse_protocol::{BatchIndex, MemoryInputs};
use recourse_rpc::Chain as _;

use crate::{
    shown::{Node, Shown, store},
    world::{START, World},
};

/// Two batches of somebody else, L1 after each number of them, and the heads there.
fn foreign(world: &mut World) -> (Vec<MemoryInputs>, Vec<alloy_primitives::B256>) {
    let (mut other, _) = Node::start(world, START + 1, &store());
    let (mut l1, mut heads) = (vec![world.l1.clone()], vec![other.head()]);
    for nonce in 0..2 {
        let time = START + 5 + 10 * nonce;
        other.send(1, nonce);
        assert!(other.at(world, time));
        world.append(&other.cut(world, time), time + 1);
        other.producer.follow(&world.shown(time + 2), other.now).unwrap();
        l1.push(world.l1.clone());
        heads.push(other.head());
    }
    (l1, heads)
}

fn at(world: &World, l1: &MemoryInputs, time: u64) -> World {
    assert!(time >= START);
    World { l1: l1.clone(), genesis: world.genesis.clone() }
}

#[test]
fn a_batch_that_is_taken_back_while_it_is_taken_in_is_left_out() {
    let mut world = World::new();
    let (mut node, _) = Node::start(&world, START + 1, &store());
    let own = node.send(2, 0);
    assert!(node.at(&world, START + 3));
    let (l1, heads) = foreign(&mut world);
    let shown = Shown { blocks_upto: 1, ..world.shown(START + 17) };
    let done = node.producer.follow(&shown, node.now).unwrap();
    let outdated = Some(BatchIndex(2));
    let expected = Followed { foreign: 1, readmitted: 1, outdated, ..Followed::default() };
    assert_eq!(done, expected);
    assert_eq!((node.head(), node.producer.adopted()), (heads[1], BatchIndex(1)));
    assert_eq!(*node.producer.at(), shown.batches[0].1.at, "the sequencer stands there");
    assert!(node.chain.pooled(own).unwrap().is_some());
    assert!(!node.producer.make_block(&shown, node.now).unwrap(), "L1 has batch 2 there");

    // What stands there now.
    let world = at(&world, &l1[1], START + 20);
    let done = node.producer.follow(&world.shown(START + 20), node.now).unwrap();
    assert_eq!(done, Followed::default());
    assert!(node.make(&world, START + 20));
    assert_eq!(node.chain.locate(own).unwrap().unwrap().block, 2);
}

#[test]
fn nothing_is_made_where_the_sequencer_does_not_stand() {
    let mut world = World::new();
    let (mut node, _) = Node::start(&world, START + 1, &store());
    let (l1, heads) = foreign(&mut world);
    let own = node.send(2, 0);
    let shown = Shown { blocks_upto: 1, ends_upto: 0, ..world.shown(START + 17) };
    let done = node.producer.follow(&shown, node.now).unwrap();
    assert_eq!((done.foreign, done.outdated), (1, Some(BatchIndex(2))));
    // L1 has lost both meanwhile, and that was not followed yet.
    let world = at(&world, &l1[0], START + 20);
    assert!(!node.make(&world, START + 20));
    let done = node.producer.follow(&world.shown(START + 20), node.now).unwrap();
    assert_eq!((done.lost, done.outdated, node.head()), (1, None, heads[0]));
    assert!(node.make(&world, START + 20));
    assert_eq!(node.chain.locate(own).unwrap().unwrap().block, 1);
}

#[test]
fn a_way_back_that_is_gone_is_gone_later() {
    let mut world = World::new();
    let (mut node, _) = Node::start(&world, START + 1, &store());
    let (l1, heads) = foreign(&mut world);
    node.producer.follow(&world.shown(START + 17), node.now).unwrap();
    assert_eq!((node.head(), node.producer.adopted()), (heads[2], BatchIndex(2)));
    let own = node.send(2, 0);
    assert!(node.make(&world, START + 18));
    // L1 loses batch 2, then batch 1 while the node goes back to that.
    let one = at(&world, &l1[1], START + 19);
    let shown = Shown { ends_upto: 0, ..one.shown(START + 19) };
    let error = node.producer.start_over(&shown).unwrap_err();
    assert!(matches!(error, ProducerError::Outdated(_)) && !error.is_fatal(), "{error:?}");
    let done = node.producer.follow(&shown, node.now).unwrap();
    assert_eq!(done, Followed { outdated: Some(BatchIndex(1)), ..Followed::default() });
    assert_eq!(node.producer.adopted(), BatchIndex(2));
    let none = at(&world, &l1[0], START + 20);
    let done = node.producer.follow(&none.shown(START + 20), node.now).unwrap();
    // What was in the foreign batches waits again too.
    assert_eq!((done.lost, done.readmitted, done.outdated), (2, 3, None));
    assert_eq!(node.head(), heads[0]);
    assert!(node.make(&none, START + 20));
    assert!(node.chain.locate(own).unwrap().is_some());
}
