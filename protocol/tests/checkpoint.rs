use alloy_primitives::{B256, U256};
use proptest::prelude::*;
use recourse_protocol::{BatchIndex, Checkpoint, ViewIndex, bindings};

pub(crate) fn any_checkpoint() -> impl Strategy<Value = Checkpoint> {
    let hashes = (any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 32]>());
    let clocks = (number(), number(), number(), any::<[u8; 32]>(), any::<u32>());
    let cursor = (number(), number(), number(), any::<u32>(), any::<u32>(), any::<bool>());
    (hashes, clocks, cursor).prop_map(|(h, c, p)| Checkpoint {
        state_root: B256::from(h.0),
        parent_hash: B256::from(h.1),
        tx_digest: B256::from(h.2),
        receipt_digest: B256::from(h.3),
        number: c.0,
        timestamp: c.1,
        gas_used: c.2,
        base_fee: U256::from_be_bytes(c.3),
        view: ViewIndex(c.4),
        forced_done: p.0,
        deposits_done: p.1,
        batch: BatchIndex(p.2),
        blob: p.3,
        offset: p.4,
        open: p.5,
    })
}

/// Extremes as often as anything else.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(u64::MAX - 1), Just(u64::MAX), any::<u64>()]
}

proptest! {
    #[test]
    fn bindings_round_trip(checkpoint in any_checkpoint()) {
        let there = bindings::Checkpoint::from(checkpoint);
        prop_assert_eq!(Checkpoint::from(there), checkpoint);
    }

    #[test]
    fn serde_round_trips(checkpoint in any_checkpoint()) {
        let text = serde_json::to_string(&checkpoint).unwrap();
        prop_assert_eq!(serde_json::from_str::<Checkpoint>(&text).unwrap(), checkpoint);
    }

    #[test]
    fn h248_is_a_field_element_and_binds_each_field(a in any_checkpoint(), b in any_checkpoint()) {
        prop_assert_eq!(a.h248().0.0[0], 0);
        prop_assert_eq!(a == b, a.h248() == b.h248());
        let flipped = Checkpoint { open: !a.open, ..a };
        prop_assert_ne!(a.h248(), flipped.h248());
    }
}

#[test]
fn encodes_as_fifteen_words_in_the_documented_order() {
    use alloy_sol_types::SolValue;
    let checkpoint =
        Checkpoint { number: 5, view: ViewIndex(9), open: true, ..Checkpoint::default() };
    let bytes = bindings::Checkpoint::from(checkpoint).abi_encode();
    assert_eq!(bytes.len(), 15 * 32);
    assert_eq!((bytes[4 * 32 + 31], bytes[8 * 32 + 31], bytes[14 * 32 + 31]), (5, 9, 1));
}

#[test]
fn only_a_closed_checkpoint_at_a_batchs_start_ends_a_claim() {
    let end = Checkpoint { batch: BatchIndex(4), ..Checkpoint::default() };
    assert!(end.ends_batch(BatchIndex(3)));
    assert!(!end.ends_batch(BatchIndex(4)));
    assert!(!Checkpoint { open: true, ..end }.ends_batch(BatchIndex(3)));
    assert!(!Checkpoint { offset: 1, ..end }.ends_batch(BatchIndex(3)));
    assert!(!Checkpoint { blob: 1, ..end }.ends_batch(BatchIndex(3)));
    assert!(!end.ends_batch(BatchIndex(u64::MAX)));
}
