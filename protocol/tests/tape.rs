use alloy_eips::eip4844::Blob;
use proptest::prelude::*;
use recourse_protocol::{
    Item, PAYLOAD_BYTES, Payload, TapeError, TapeWriter, read_item, transactions, transactions_at,
};

#[derive(Debug, Clone)]
enum Written {
    Open(u64, u32),
    Tx(Vec<u8>),
}

impl Written {
    fn transaction(&self) -> Option<&[u8]> {
        match self {
            Self::Tx(raw) => Some(raw),
            Self::Open(..) => None,
        }
    }
}

fn items() -> impl Strategy<Value = Vec<Written>> {
    let item = prop_oneof![
        (any::<u64>(), any::<u32>()).prop_map(|(t, v)| Written::Open(t, v)),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Written::Tx),
    ];
    prop::collection::vec(item, 0..40)
}

proptest! {
    #[test]
    fn what_is_written_is_read(items in items()) {
        let mut writer = TapeWriter::default();
        for item in &items {
            match item {
                Written::Open(t, v) => writer.open(*t, *v).unwrap(),
                Written::Tx(raw) => writer.tx(raw).unwrap(),
            }
        }
        let payload = Payload::new(&writer.into_bytes()).unwrap();
        let mut offset = 0u32;
        for item in &items {
            match (read_item(payload.bytes(), offset), item) {
                (Item::Open { timestamp, view }, Written::Open(t, v)) => {
                    prop_assert_eq!((timestamp, view), (*t, *v));
                    offset += 13;
                }
                (Item::Tx(raw), Written::Tx(written)) => {
                    prop_assert_eq!(raw, &written[..]);
                    offset += 4 + written.len() as u32;
                }
                (got, wanted) => prop_assert!(false, "{got:?} for {wanted:?}"),
            }
        }
        prop_assert_eq!(read_item(payload.bytes(), offset), Item::End { read: 1 });
        let all = items.iter().filter_map(Written::transaction);
        prop_assert_eq!(transactions(payload.bytes()), all.collect::<Vec<_>>());
        let first = items.iter().map_while(Written::transaction);
        prop_assert_eq!(transactions_at(payload.bytes(), 0), first.collect::<Vec<_>>());
    }

    #[test]
    fn every_byte_string_at_every_offset_reads(bytes in prop::collection::vec(any::<u8>(), 0..64), at in any::<u32>(), near in 0u32..70) {
        for offset in [at, near] {
            if let Item::Tx(raw) = read_item(&bytes, offset) {
                prop_assert!(offset as usize + 4 + raw.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn blobs_round_trip_and_top_bytes_are_ignored(bytes in prop::collection::vec(any::<u8>(), 0..2_000), top in any::<u8>()) {
        let payload = Payload::new(&bytes).unwrap();
        let mut blob = payload.to_blob();
        prop_assert_eq!(Payload::from_blob(&blob), payload.clone());
        for element in 0..4096 {
            blob[element * 32] = top;
        }
        prop_assert_eq!(Payload::from_blob(&blob), payload);
    }
}

#[test]
fn a_blob_carries_126976_bytes_and_no_more() {
    assert_eq!(PAYLOAD_BYTES, 126_976);
    assert!(Payload::new(&vec![1; PAYLOAD_BYTES]).is_ok());
    let error = Payload::new(&vec![1; PAYLOAD_BYTES + 1]).unwrap_err();
    assert_eq!((error.expected, error.got), (126_976, 126_977));
    assert_eq!(Payload::from_blob(&Blob::ZERO).bytes().len(), PAYLOAD_BYTES);
}

#[test]
fn cut_items_are_ends_that_say_what_shows_it() {
    let mut bytes = vec![0u8; PAYLOAD_BYTES];
    let end = PAYLOAD_BYTES as u32;
    for (kind, len) in [(1u8, 13u32), (2, 4)] {
        let fits = (end - len) as usize;
        bytes[fits] = kind;
        assert!(!matches!(read_item(&bytes, end - len), Item::End { .. }), "kind {kind} fits");
        bytes[fits + 1] = kind;
        assert_eq!(read_item(&bytes, end - len + 1), Item::End { read: 1 }, "kind {kind} is cut");
        bytes[fits] = 0;
        bytes[fits + 1] = 0;
    }
    // A transaction of one byte, of which there is none.
    bytes[PAYLOAD_BYTES - 4..].copy_from_slice(&[2, 0, 0, 1]);
    assert_eq!(read_item(&bytes, end - 4), Item::End { read: 4 });
    assert_eq!(read_item(&bytes, end), Item::End { read: 0 });
    assert_eq!(read_item(&bytes, u32::MAX), Item::End { read: 0 });
}

#[test]
fn unknown_kinds_are_ends() {
    for kind in (0..=255u8).filter(|kind| !(1..=2).contains(kind)) {
        assert_eq!(read_item(&[kind; 64], 0), Item::End { read: 1 }, "kind {kind}");
    }
}

#[test]
fn a_full_blob_refuses_and_keeps_what_it_has() {
    let mut writer = TapeWriter::default();
    writer.tx(&vec![9; PAYLOAD_BYTES - 4 - 12]).unwrap();
    assert_eq!(writer.open(1, 1), Err(TapeError::BlobFull { expected: 13, got: 12 }));
    assert_eq!(writer.left(), 12);
    let long = vec![0; PAYLOAD_BYTES - 3];
    let got = long.len();
    assert_eq!(writer.tx(&long), Err(TapeError::TransactionTooLong { expected: 126_972, got }));
    writer.tx(&[8; 8]).unwrap();
    assert_eq!(writer.into_bytes().len(), PAYLOAD_BYTES);
}
