//! The bytes that a blob carries.

use alloy_eips::eip4844::{BYTES_PER_BLOB, Blob};
use recourse_protocol::{ELEMENTS, PAYLOAD_BYTES, Payload};

/// Bytes of a field element.
const ELEMENT: usize = BYTES_PER_BLOB / ELEMENTS;

/// Takes the input as a payload, and as a blob.
pub fn run(data: &[u8]) {
    let payload = Payload::new(data);
    assert_eq!(payload.is_ok(), data.len() <= PAYLOAD_BYTES);
    if let Ok(payload) = payload {
        let (start, end) = payload.bytes().split_at(data.len());
        assert_eq!(start, data);
        assert_eq!(end, vec![0; end.len()], "the rest is the end of the tape");
        there_and_back(&payload);
    }

    let mut blob = Box::new(Blob::ZERO);
    let len = data.len().min(BYTES_PER_BLOB);
    blob[..len].copy_from_slice(&data[..len]);
    let payload = Payload::from_blob(&blob);
    there_and_back(&payload);
    for element in blob.chunks_exact_mut(ELEMENT) {
        element[0] = 0;
    }
    assert_eq!(payload.to_blob(), blob, "all but the top bytes comes back");
}

fn there_and_back(payload: &Payload) {
    let mut blob = payload.to_blob();
    assert!(blob.chunks_exact(ELEMENT).all(|element| element[0] == 0), "elements are canonical");
    assert_eq!(payload.bytes().len(), PAYLOAD_BYTES);
    assert_eq!(&Payload::from_blob(&blob), payload);
    for (element, top) in blob.chunks_exact_mut(ELEMENT).zip((1..=u8::MAX).cycle()) {
        element[0] = top;
    }
    assert_eq!(&Payload::from_blob(&blob), payload, "the top byte carries nothing");
}
