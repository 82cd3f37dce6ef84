//! Each rule of the tape, by hand.

use alloy_primitives::{B256, U256};
use recourse_protocol::{
    Checkpoint, Rule, TapeWriter, TransactionSource, ViewIndex, base_fee_of_child, fold_digest,
};

use crate::toy::{CONFIG, genesis, one_batch, run, view};

const QUIET: fn() -> [recourse_protocol::View; 2] = || [view(1_000, 0, 0), view(1_100, 0, 0)];

fn name(rule: &Rule) -> &'static str {
    match rule {
        Rule::Open(_) => "open",
        Rule::Transact(tx) if tx.source == TransactionSource::Tape => "tx",
        Rule::Transact(_) => "forced",
        Rule::Seal(_) => "seal",
        Rule::Skip => "skip",
        Rule::EndOfBlob => "end",
        Rule::Close => "close",
    }
}

fn names(tape: &[&[u8]], min_view: u32, views: [recourse_protocol::View; 2]) -> Vec<&'static str> {
    run(&one_batch(tape, min_view, views)).iter().map(|(_, step)| name(&step.plan.rule)).collect()
}

fn tape(write: impl Fn(&mut TapeWriter)) -> Vec<u8> {
    let mut writer = TapeWriter::default();
    write(&mut writer);
    writer.into_bytes()
}

#[test]
fn a_batch_of_nothing_is_an_end_and_a_close() {
    assert_eq!(names(&[&[]], 0, QUIET()), ["end", "close"]);
    assert_eq!(names(&[&[7], &[0]], 0, QUIET()), ["end", "end", "close"]);
    assert_eq!(names(&[], 0, QUIET()), ["close"]);
}

#[test]
fn blocks_open_execute_and_seal() {
    let bytes = tape(|w| {
        w.tx(&[1]).unwrap(); // no block is open
        w.open(1_010, 0).unwrap();
        w.tx(&[2]).unwrap();
        w.open(1_020, 1).unwrap(); // seals first
        w.tx(&[0]).unwrap(); // invalid
    });
    let wanted = ["skip", "open", "tx", "seal", "open", "tx", "end", "seal", "close"];
    assert_eq!(names(&[&bytes], 0, QUIET()), wanted);
}

#[test]
fn a_seal_leaves_the_cursor_and_costs_a_step() {
    let bytes = tape(|w| {
        w.open(1_010, 0).unwrap();
        w.open(1_012, 0).unwrap();
    });
    let steps = run(&one_batch(&[&bytes], 0, QUIET()));
    let (pre, seal) = &steps[1];
    assert_eq!((name(&seal.plan.rule), seal.plan.read, seal.plan.advance), ("seal", 13, 0));
    assert_eq!((pre.offset, seal.post.offset), (13, 13));
    assert!(pre.open && !seal.post.open);
    assert_ne!(pre.parent_hash, seal.post.parent_hash);
}

#[test]
fn no_ops_leave_only_the_cursor_moved() {
    let bytes = tape(|w| {
        w.open(1_010, 0).unwrap();
        w.tx(&[0, 1]).unwrap();
    });
    let steps = run(&one_batch(&[&bytes], 0, QUIET()));
    let (pre, noop) = &steps[1];
    assert_eq!(noop.post, Checkpoint { offset: pre.offset + 6, ..*pre });
}

#[test]
fn transactions_fold_into_the_digests() {
    let bytes = tape(|w| {
        w.open(1_010, 0).unwrap();
        w.tx(&[5]).unwrap();
    });
    let steps = run(&one_batch(&[&bytes], 0, QUIET()));
    let post = steps[1].1.post;
    assert_eq!(post.tx_digest, fold_digest(B256::ZERO, alloy_primitives::keccak256([5])));
    assert_eq!(post.gas_used, 5 << 16);
}

#[test]
fn timestamps_and_views_are_clamped() {
    // (wanted timestamp, wanted view) -> (timestamp, view)
    let cases = [
        ((0, 0), (1_002, 0)),
        ((1_050, 0), (1_050, 0)),
        ((9_999, 0), (1_100, 0)),
        ((0, 1), (1_080, 1)),
        ((1_090, 77), (1_090, 1)),
    ];
    for ((timestamp, wanted), expected) in cases {
        let bytes = tape(|w| w.open(timestamp, wanted).unwrap());
        let mut inputs = one_batch(&[&bytes], 0, [view(1_000, 0, 0), view(1_080, 0, 0)]);
        let (batch, _) = &mut inputs.batches[0];
        std::sync::Arc::make_mut(batch).l1_timestamp = 1_100;
        let open = run(&inputs)[0].1.post;
        assert_eq!((open.timestamp, open.view.0), expected, "{timestamp}, {wanted}");
    }
}

#[test]
fn an_opening_without_a_possible_timestamp_is_skipped() {
    let views = [view(1_000, 0, 0), view(1_001, 0, 0)]; // 1,002 is the earliest
    let bytes = tape(|w| w.open(1_001, 1).unwrap());
    assert_eq!(names(&[&bytes], 0, views), ["skip", "end", "close"]);
}

#[test]
fn owed_views_open_a_block_even_under_garbage() {
    assert_eq!(names(&[&[0xff]], 1, QUIET()), ["end", "open", "seal", "close"]);
    let steps = run(&one_batch(&[&[0xff]], 1, QUIET()));
    assert_eq!((steps[1].1.post.view, steps[1].1.post.timestamp), (ViewIndex(1), 1_100));
}

#[test]
fn forced_transactions_come_first_and_are_served_without_the_sequencer() {
    let views = [view(1_000, 0, 0), view(1_050, 2, 0)];
    // Implicit block: forced transaction 0 is valid, 1 is a no-op, both are done.
    assert_eq!(names(&[&[]], 1, views), ["end", "open", "forced", "forced", "seal", "close"]);
    // A block of the sequencer's with that view executes them before its own.
    let bytes = tape(|w| {
        w.open(1_049, 1).unwrap();
        w.tx(&[1]).unwrap();
    });
    assert_eq!(
        names(&[&bytes], 1, views),
        ["open", "forced", "forced", "tx", "end", "seal", "close"]
    );
}

#[test]
fn while_something_is_owed_the_item_is_not_asked() {
    let mut inputs = one_batch(
        &[&tape(|w| w.open(1_099, 1).unwrap())],
        0,
        [view(1_000, 1, 0), view(1_050, 1, 0)],
    );
    std::sync::Arc::make_mut(&mut inputs.batches[0].0).l1_timestamp = 1_100;
    let open = run(&inputs)[0].1.post;
    assert_eq!((open.timestamp, open.view.0), (1_002, 0));
}

#[test]
fn forced_transactions_wait_for_room() {
    let mut inputs = one_batch(
        &[&tape(|w| {
            w.open(1_049, 0).unwrap();
            w.tx(&[255]).unwrap();
            w.tx(&[2]).unwrap();
            w.open(1_060, 1).unwrap();
        })],
        0,
        [view(1_000, 0, 0), view(1_050, 3, 0)],
    );
    std::sync::Arc::make_mut(&mut inputs.batches[0].0).l1_timestamp = 1_100;
    inputs.forced = vec![vec![255u8].into(), vec![255u8, 1].into(), vec![255u8, 2].into()];
    let rules: Vec<_> = run(&inputs).iter().map(|(_, s)| name(&s.plan.rule)).collect();
    // 2^25 of gas: after two of 255 * 2^16 there is no room for a third of 2^24; the debt carries over.
    let wanted = ["open", "tx", "tx", "seal", "open", "forced", "forced", "end", "seal", "close"];
    assert_eq!(rules, wanted);
}

#[test]
fn deposits_are_credited_sixteen_a_block() {
    let views = [view(1_000, 0, 20), view(1_050, 0, 20)];
    let steps = run(&one_batch(&[&[]], 0, views));
    let rules: Vec<_> = steps.iter().map(|(_, s)| name(&s.plan.rule)).collect();
    assert_eq!(rules, ["end", "open", "seal", "open", "seal", "close"]);
    assert_eq!(steps[2].1.post.deposits_done, 16);
    assert_eq!(steps[4].1.post.deposits_done, 20);
}

#[test]
fn base_fees_follow_eip_1559() {
    let fee = |base: u64, used: u64| {
        base_fee_of_child(U256::from(base), used, CONFIG.gas_limit).to::<u64>()
    };
    let target = CONFIG.gas_limit / 2;
    assert_eq!(fee(1_000_000_000, target), 1_000_000_000);
    assert_eq!(fee(1_000_000_000, 0), 875_000_000);
    assert_eq!(fee(1_000_000_000, CONFIG.gas_limit), 1_125_000_000);
    assert_eq!(fee(1, target + 1), 2);
    assert_eq!(fee(0, 0), 0);
    assert_eq!(fee(7, 0), 7);
    assert_eq!(fee(u64::MAX, CONFIG.gas_limit), u64::MAX);
    assert_eq!(base_fee_of_child(U256::MAX, target, CONFIG.gas_limit), U256::from(u64::MAX));
    // alloy's EIP-1559 agrees.
    let params = alloy_eips::eip1559::BaseFeeParams::ethereum();
    for used in [0, 1, target - 1, target, target + 1, CONFIG.gas_limit] {
        for base in [0, 1, 7, 1_000_000_000, 123_456_789_012] {
            let theirs =
                alloy_eips::eip1559::calc_next_block_base_fee(used, CONFIG.gas_limit, base, params);
            assert_eq!(fee(base, used), theirs, "{base} {used}");
        }
    }
    let _ = genesis();
}
