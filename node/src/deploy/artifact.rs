//! The committed contracts.

use alloy_primitives::Bytes;
use serde::Deserialize;

use super::DeployError;

/// One of the contracts that make a rollup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contract {
    Inbox,
    StepVerifier,
    ChunkStore,
    Rollup,
    Bridge,
    Deployment,
}

/// The part of a compiler's output that deployment needs.
#[derive(Debug, Deserialize)]
struct Artifact {
    /// Creation code, without arguments.
    bytecode: Bytes,
}

impl Contract {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "Inbox",
            Self::StepVerifier => "StepVerifier",
            Self::ChunkStore => "ChunkStore",
            Self::Rollup => "Rollup",
            Self::Bridge => "Bridge",
            Self::Deployment => "Deployment",
        }
    }

    const fn artifact(self) -> &'static str {
        match self {
            Self::Inbox => include_str!("../../../contracts/artifacts/Inbox.json"),
            Self::StepVerifier => include_str!("../../../contracts/artifacts/StepVerifier.json"),
            Self::ChunkStore => include_str!("../../../contracts/artifacts/ChunkStore.json"),
            Self::Rollup => include_str!("../../../contracts/artifacts/Rollup.json"),
            Self::Bridge => include_str!("../../../contracts/artifacts/Bridge.json"),
            Self::Deployment => include_str!("../../../contracts/artifacts/Deployment.json"),
        }
    }

    /// Creation code; constructor arguments are appended to it.
    pub(super) fn creation_code(self) -> Result<Vec<u8>, DeployError> {
        let artifact: Artifact = serde_json::from_str(self.artifact())
            .map_err(|_unlinked| DeployError::Artifact(self.name()))?;
        let code = artifact.bytecode;
        if code.is_empty() { Err(DeployError::Artifact(self.name())) } else { Ok(code.to_vec()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::plan::PARTS;

    #[test]
    fn every_contract_can_be_deployed() {
        for contract in PARTS.into_iter().chain([Contract::ChunkStore, Contract::Deployment]) {
            // EIP-3860 limits creation code.
            let length = contract.creation_code().unwrap().len();
            assert!((1..=49_152).contains(&length), "{}: {length}", contract.name());
        }
    }
}
