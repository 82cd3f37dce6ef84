use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::Header;
use alloy_primitives::{B256, keccak256};
use alloy_rlp::Decodable;

use super::{PayloadError, containers::ExecutionWitness};

/// The headers of a witness.
#[derive(Debug)]
pub(super) struct Ancestors {
    /// The block's parent.
    pub(super) parent: Header,
    /// Hashes by number, for `BLOCKHASH`.
    pub(super) hashes: Arc<BTreeMap<u64, B256>>,
}

impl Ancestors {
    /// Reads them; each must be the next one's parent. That the last one is the block's parent is the header's business.
    pub(super) fn of(witness: &ExecutionWitness) -> Result<Self, PayloadError> {
        let mut chain: Option<(Header, B256)> = None;
        let mut hashes = Vec::with_capacity(witness.headers.len());
        for rlp in &witness.headers {
            let (header, hash) = read(rlp)?;
            if chain.is_some_and(|(_, parent)| parent != header.parent_hash) {
                return Err(PayloadError::Headers);
            }
            hashes.push(hash);
            chain = Some((header, hash));
        }
        let (parent, _) = chain.ok_or(PayloadError::Headers)?;
        // By their place: what a header older than the parent says of its number is not looked at.
        let numbers = (0..=parent.number).rev();
        let hashes = Arc::new(numbers.zip(hashes.into_iter().rev()).collect());
        Ok(Self { parent, hashes })
    }
}

fn read(rlp: &[u8]) -> Result<(Header, B256), PayloadError> {
    let mut rest = rlp;
    let header = Header::decode(&mut rest).map_err(|_| PayloadError::Headers)?;
    let hash = keccak256(rlp);
    // Written again it is the same: nothing in it was passed over.
    if !rest.is_empty() || header.hash_slow() != hash {
        return Err(PayloadError::Headers);
    }
    Ok((header, hash))
}
