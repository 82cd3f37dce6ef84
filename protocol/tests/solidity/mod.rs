//! `step` in Rust against `step` in Solidity, through real EVM execution: the compiled Inbox and StepVerifier, real KZG
//! openings by the real point evaluation precompile. Only EXECUTE is a stand-in here (it says "true" to everything); what it
//! is asked is compared word by word with what Rust would ask.

mod evm;
mod kzg;
mod proof;
mod world;

use alloy_primitives::{Address, B256, U256};
use proptest::prelude::*;
use recourse_protocol::{BatchIndex, Checkpoint, StepError, TapeWriter, ViewIndex, step};

use self::world::World;
use crate::{
    checkpoint::any_checkpoint,
    toy::{CONFIG, Toy},
};

/// What happens on L1.
#[derive(Debug, Clone)]
enum Event {
    Pass(u64),
    Poke,
    Force(Vec<u8>),
    Deposit(u64),
    Append { tapes: Vec<Vec<u8>>, newest_view: bool },
}

/// Items at and around the L1 time of the world, and garbage.
fn tape() -> impl Strategy<Value = Vec<u8>> {
    let open = (0u64..120, 0u32..6).prop_map(|(after, view)| {
        let mut writer = TapeWriter::default();
        writer.open(world::START + after, view).unwrap();
        writer.into_bytes()
    });
    let tx = prop::collection::vec(any::<u8>(), 0..70).prop_map(|raw| {
        let mut writer = TapeWriter::default();
        writer.tx(&raw).unwrap();
        writer.into_bytes()
    });
    let garbage = prop::collection::vec(any::<u8>(), 0..5);
    prop::collection::vec(prop_oneof![3 => open, 4 => tx, 1 => garbage], 0..7)
        .prop_map(|items| items.concat())
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        2 => (1u64..40).prop_map(Event::Pass),
        1 => Just(Event::Poke),
        2 => prop::collection::vec(any::<u8>(), 0..50).prop_map(Event::Force),
        2 => (100_000u64..200_000).prop_map(Event::Deposit),
        3 => (prop::collection::vec(tape(), 1..3), any::<bool>())
            .prop_map(|(tapes, newest_view)| Event::Append { tapes, newest_view }),
    ];
    prop::collection::vec(event, 3..14)
}

fn play(events: &[Event]) -> World {
    let mut world = World::new();
    for event in events {
        match event {
            Event::Pass(seconds) => world.pass(*seconds),
            Event::Poke => world.poke(),
            Event::Force(raw) => world.force(raw),
            Event::Deposit(gwei) => world.deposit(Address::repeat_byte(0xd0), *gwei),
            Event::Append { tapes, newest_view } => world.append(tapes, *newest_view),
        }
    }
    world
}

/// Whatever Rust says of this step, Solidity says too.
fn compare(world: &mut World, pre: &Checkpoint) -> Option<Checkpoint> {
    let rust = step(pre, &world.inputs, &CONFIG, &mut Toy);
    match rust {
        Ok(taken) => {
            let proof = proof::of(world, pre, &taken);
            let solidity = world.step(pre, &proof).unwrap_or_else(|revert| {
                panic!("Solidity refuses {:?} from {pre:?}: {revert}", taken.plan.rule)
            });
            assert_eq!(solidity.post, taken.post, "{:?}", taken.plan.rule);
            assert_eq!(solidity.asked, proof::execute_input(pre, &taken), "{:?}", taken.plan.rule);
            Some(taken.post)
        }
        Err(StepError::Execution(never)) => match never {},
        Err(StepError::NoBatch(_) | StepError::Unreachable(_) | StepError::Input(_)) => {
            for proof in proof::attempts(world, pre) {
                assert!(world.step(pre, &proof).is_err(), "Solidity proves a step from {pre:?}");
            }
            None
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whole_histories_agree(events in events()) {
        let mut world = play(&events);
        let mut at = world.genesis(B256::repeat_byte(1));
        let mut steps = 0;
        while let Some(next) = compare(&mut world, &at) {
            at = next;
            steps += 1;
            prop_assert!(steps < 2_000);
        }
        prop_assert_eq!(at.batch.0, world.inputs.batches.len() as u64 + 1, "all batches are derived");
    }

    #[test]
    fn single_steps_agree_from_wherever(
        events in events(),
        wild in any_checkpoint(),
        tame in any::<[u64; 4]>(),
        cursors in prop::collection::vec((0u64..4, 0u32..3, 0u32..200, any::<bool>()), 6),
    ) {
        let mut world = play(&events);
        let views = world.inputs.views.len() as u64;
        for (batch, blob, offset, open) in cursors {
            let cursor = Checkpoint { batch: BatchIndex(batch), blob, offset, open, ..wild };
            let view = ViewIndex((tame[0] % (views + 1)) as u32);
            let near = Checkpoint {
                view,
                timestamp: world::START + tame[1] % 200,
                gas_used: tame[2] % (CONFIG.gas_limit + 2),
                forced_done: tame[3] % 4,
                deposits_done: tame[3] % 3,
                base_fee: wild.base_fee >> (tame[1] % 256),
                number: tame[2] >> (tame[1] % 64),
                ..cursor
            };
            let edge = Checkpoint { offset: 126_960 + offset % 20, ..near };
            for pre in [cursor, Checkpoint { view, ..cursor }, near, edge] {
                compare(&mut world, &pre);
            }
        }
    }
}

#[test]
fn every_rule_is_compared() {
    let mut first = TapeWriter::default();
    first.tx(&[9]).unwrap(); // skipped: no block
    first.open(world::START + 20, 0).unwrap();
    first.tx(&[5; 100]).unwrap();
    first.tx(&[0]).unwrap(); // a no-op
    first.open(world::START + 25, 1).unwrap();
    let mut world = World::new();
    world.pass(10);
    world.force(&[3; 40]);
    for gwei in 0..40 {
        world.deposit(Address::repeat_byte(2), 100_000 + gwei);
    }
    world.pass(1);
    world.poke();
    world.pass(35);
    world.append(&[first.into_bytes(), vec![0x77]], true);
    let mut second = TapeWriter::default();
    second.open(world::START + 50, 2).unwrap();
    world.pass(20);
    world.append(&[second.into_bytes()], false);
    let mut at = world.genesis(B256::repeat_byte(1));
    let mut seen = std::collections::BTreeSet::new();
    loop {
        if let Ok(taken) = step(&at, &world.inputs, &CONFIG, &mut Toy) {
            seen.insert(world::rule_name(&taken));
        }
        let Some(next) = compare(&mut world, &at) else { break };
        at = next;
    }
    let all = [
        "close",
        "credits",
        "end",
        "forced",
        "implicit open",
        "no-op",
        "open",
        "seal",
        "skip",
        "tx",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

/// Alone in their blob, and as late in it as they fit; one byte more does not fit.
#[test]
fn items_of_any_length_agree() {
    let item = |length: usize| {
        let header = (0x0200_0000 | length as u32).to_be_bytes();
        let body = (0..length).map(|at| (at * at / 255 + length) as u8);
        header.into_iter().chain(body).collect::<Vec<u8>>()
    };
    let longest = recourse_protocol::PAYLOAD_BYTES - 4;
    let lengths = [1, 27, 28, 4_000, 60_000, 120_000, longest - 1, longest];
    for (count, length) in lengths.into_iter().enumerate() {
        let mut world = World::new();
        world.pass(30);
        let mut tape = TapeWriter::default();
        tape.open(world::START + 20, 0).unwrap();
        let mut late = vec![0xff; longest - length];
        late.extend(item(length));
        let mut cut = item(length + 1);
        cut.resize(recourse_protocol::PAYLOAD_BYTES, 7);
        world.append(&[tape.into_bytes(), item(length), late, cut], false);
        let start = world.genesis(B256::repeat_byte(1));
        let opened = compare(&mut world, &start).unwrap();
        for open in [true, count % 2 == 0] {
            for (blob, offset) in [(1, 0), (2, (longest - length) as u32), (3, 0)] {
                let pre = Checkpoint { blob, offset, open, ..opened };
                let post = compare(&mut world, &pre).unwrap();
                let runs = open && (blob < 3 || length < longest);
                assert_eq!(
                    post.state_root != pre.state_root,
                    runs,
                    "{length} bytes in blob {blob}"
                );
            }
        }
    }
}

#[test]
fn proofs_of_other_steps_are_refused() {
    let mut tape = TapeWriter::default();
    tape.open(world::START + 20, 0).unwrap();
    tape.tx(&[5; 100]).unwrap();
    let mut world = World::new();
    world.pass(30);
    world.append(&[tape.into_bytes()], false);
    let start = world.genesis(B256::repeat_byte(1));
    let open = step(&start, &world.inputs, &CONFIG, &mut Toy).unwrap();
    let tx = step(&open.post, &world.inputs, &CONFIG, &mut Toy).unwrap();
    let good = proof::of(&mut world, &open.post, &tx);
    assert!(world.step(&open.post, &good).is_ok());

    let mut bad = vec![proof::of(&mut world, &start, &open)];
    let mut spoil = |change: &dyn Fn(&mut recourse_protocol::bindings::StepProof)| {
        let mut proof = good.clone();
        change(&mut proof);
        bad.push(proof);
    };
    spoil(&|p| p.opening.elements[1] = B256::ZERO);
    spoil(&|p| p.opening.elements.swap(0, 1));
    spoil(&|p| p.opening.proofs.swap(0, 1));
    spoil(&|p| {
        p.opening.proofs.pop();
    });
    spoil(&|p| {
        p.opening.elements.pop();
    });
    spoil(&|p| p.opening.elements.push(B256::ZERO));
    spoil(&|p| p.forcedTransaction = vec![1].into());
    spoil(&|p| p.batch.feeRecipient = Address::ZERO);
    spoil(&|p| p.batch.viewCount += 1);
    spoil(&|p| p.batch.versionedHashes.push(B256::ZERO));
    spoil(&|p| {
        // The same value plus the modulus: not canonical.
        let modulus = kzg::MODULUS;
        let value = U256::from_be_bytes(p.opening.elements[0].0);
        p.opening.elements[0] = B256::from(value.wrapping_add(modulus));
    });
    for proof in bad {
        assert!(world.step(&open.post, &proof).is_err());
    }
}
