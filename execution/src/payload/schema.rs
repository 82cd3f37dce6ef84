use std::panic::catch_unwind;

use libssz::{SszDecode, SszEncode};
use libssz_merkle::{HashTreeRoot, Sha2Hasher};
use revm::primitives::hardfork::SpecId;

use super::containers::{
    Bytes32, DenebInput, DenebRequest, ExecutionRequests, NewPayloadRequest, StatelessInput,
};

/// Revision of the schema (EIP-8025).
const REVISION: u8 = 1;

/// A fork, by the number that EIP-8025 gives it. Those that have a container here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ProtocolFork {
    /// Cancun.
    Cancun = 0x10,
    /// Prague.
    Prague = 0x11,
    /// Osaka.
    Osaka = 0x12,
    /// Osaka with other blob parameters (EIP-7892).
    Bpo1 = 0x13,
    /// Osaka with other blob parameters (EIP-7892).
    Bpo2 = 0x14,
}

/// The input is not the canonical encoding of a [`StatelessInput`] under a known schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The two bytes in front name no schema.
    #[error("no known schema")]
    Schema,
    /// The rest is not canonical SSZ, or over a limit.
    #[error("not the canonical encoding of a StatelessInput")]
    Ssz,
}

impl ProtocolFork {
    const ALL: [Self; 5] = [Self::Cancun, Self::Prague, Self::Osaka, Self::Bpo1, Self::Bpo2];

    /// What stands in front of an input, big-endian: the fork, then the revision of the schema.
    #[must_use]
    pub fn schema_id(self) -> u16 {
        u16::from_be_bytes([self as u8, REVISION])
    }

    /// Its rules.
    #[must_use]
    pub fn spec(self) -> SpecId {
        match self {
            Self::Cancun => SpecId::CANCUN,
            Self::Prague => SpecId::PRAGUE,
            Self::Osaka | Self::Bpo1 | Self::Bpo2 => SpecId::OSAKA,
        }
    }

    /// Reads an input. Only its canonical encoding is one: offsets without gaps and overlaps, nothing behind, no list over its
    /// limit.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn decode_input(bytes: &[u8]) -> Result<(Self, StatelessInput), Malformed> {
        let (id, body) = bytes.split_first_chunk::<2>().ok_or(Malformed::Schema)?;
        let id = u16::from_be_bytes(*id);
        let known = Self::ALL.into_iter().find(|fork| fork.schema_id() == id);
        let fork = known.ok_or(Malformed::Schema)?;
        let read = || match fork {
            Self::Cancun => DenebInput::from_ssz_bytes(body).map(StatelessInput::from),
            _ => StatelessInput::from_ssz_bytes(body),
        };
        // No panic of the library is known. Should there be one, every validator must give the same answer.
        let input = catch_unwind(read).ok().and_then(Result::ok).ok_or(Malformed::Ssz)?;
        if fork.encode_input(&input) != bytes {
            return Err(Malformed::Ssz);
        }
        Ok((fork, input))
    }

    /// Writes an input.
    #[must_use]
    pub fn encode_input(self, input: &StatelessInput) -> Vec<u8> {
        let mut bytes = self.schema_id().to_be_bytes().to_vec();
        match self {
            Self::Cancun => DenebInput::from(input.clone()).ssz_append(&mut bytes),
            _ => input.ssz_append(&mut bytes),
        }
        bytes
    }

    /// The root that names a request.
    #[must_use]
    pub fn request_root(self, request: &NewPayloadRequest) -> Bytes32 {
        match self {
            Self::Cancun => DenebRequest::from(request.clone()).hash_tree_root(&Sha2Hasher),
            _ => request.hash_tree_root(&Sha2Hasher),
        }
    }
}

impl From<NewPayloadRequest> for DenebRequest {
    fn from(request: NewPayloadRequest) -> Self {
        Self {
            execution_payload: request.execution_payload,
            versioned_hashes: request.versioned_hashes,
            parent_beacon_block_root: request.parent_beacon_block_root,
        }
    }
}

impl From<DenebRequest> for NewPayloadRequest {
    fn from(request: DenebRequest) -> Self {
        Self {
            execution_payload: request.execution_payload,
            versioned_hashes: request.versioned_hashes,
            parent_beacon_block_root: request.parent_beacon_block_root,
            execution_requests: ExecutionRequests::default(),
        }
    }
}

impl From<StatelessInput> for DenebInput {
    fn from(input: StatelessInput) -> Self {
        Self {
            new_payload_request: input.new_payload_request.into(),
            witness: input.witness,
            chain_id: input.chain_id,
            public_keys: input.public_keys,
        }
    }
}

impl From<DenebInput> for StatelessInput {
    fn from(input: DenebInput) -> Self {
        Self {
            new_payload_request: input.new_payload_request.into(),
            witness: input.witness,
            chain_id: input.chain_id,
            public_keys: input.public_keys,
        }
    }
}
