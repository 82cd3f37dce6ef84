//! The start of the L2, computed as the StepVerifier computes it.

use std::collections::BTreeMap;

use alloy_eips::{eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS};
use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_protocol::{
    BatchIndex, Checkpoint, GENESIS_BASE_FEE, GenesisAccount, L2_WITHDRAWALS, L2Config, View,
    bindings::BlockContext, header_hash,
};

use super::DeployError;
use crate::derivation::genesis_state;

/// The genesis state, with the proofs that constructors want: an `EXECUTE` opening is only sound when both system contracts
/// have code (Rollup), a withdrawal when the predeploy that records it has (Bridge).
#[derive(Debug)]
pub(super) struct Genesis {
    pub(super) state_root: B256,
    /// Account proof of the EIP-2935 contract, root first.
    pub(super) history_proof: Vec<Bytes>,
    /// Account proof of the EIP-4788 contract, root first.
    pub(super) beacon_proof: Vec<Bytes>,
    /// Account proof of `L2Withdrawals`, root first.
    pub(super) withdrawals_proof: Vec<Bytes>,
}

impl Genesis {
    /// The state of these accounts and the predeploys.
    pub(super) fn of(alloc: &BTreeMap<Address, GenesisAccount>) -> Result<Self, DeployError> {
        let state = genesis_state(alloc).map_err(wrong)?;
        let proof = |address| {
            let proof = state.proof(address, &[]).map_err(wrong)?;
            Ok::<_, DeployError>(proof.nodes)
        };
        Ok(Self {
            state_root: state.root(),
            history_proof: proof(HISTORY_STORAGE_ADDRESS)?,
            beacon_proof: proof(BEACON_ROOTS_ADDRESS)?,
            withdrawals_proof: proof(L2_WITHDRAWALS)?,
        })
    }

    /// The checkpoint that every claim descends from.
    pub(super) fn checkpoint(&self, view: &View, l2: &L2Config) -> Checkpoint {
        let block = BlockContext {
            chainId: l2.chain_id,
            number: 0,
            timestamp: view.l1_timestamp,
            gasLimit: l2.gas_limit,
            baseFee: U256::from(GENESIS_BASE_FEE),
            prevRandao: view.prev_randao,
            coinbase: Address::ZERO,
        };
        let sealed = Checkpoint {
            state_root: self.state_root,
            timestamp: view.l1_timestamp,
            base_fee: block.baseFee,
            batch: BatchIndex(1),
            ..Checkpoint::default()
        };
        let parent_hash = header_hash(&sealed, &block, view.l1_hash, &[]);
        Checkpoint { parent_hash, ..sealed }
    }
}

fn wrong(source: impl core::error::Error + Send + Sync + 'static) -> DeployError {
    DeployError::State(Box::new(source))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use recourse_protocol::ViewIndex;

    use super::*;
    use crate::deploy::DeployParams;

    #[test]
    fn proofs_start_at_the_state_root() {
        let rich = GenesisAccount { balance: U256::from(7), ..GenesisAccount::default() };
        let alloc = BTreeMap::from([(Address::repeat_byte(7), rich)]);
        let genesis = Genesis::of(&alloc).unwrap();
        let Genesis { history_proof, beacon_proof, withdrawals_proof, .. } = &genesis;
        for proof in [history_proof, beacon_proof, withdrawals_proof] {
            assert_eq!(keccak256(proof.first().unwrap()), genesis.state_root);
        }
        assert_ne!(genesis.state_root, Genesis::of(&BTreeMap::new()).unwrap().state_root);
    }

    #[test]
    fn the_checkpoint_stands_at_the_first_batch() {
        let genesis = Genesis::of(&BTreeMap::new()).unwrap();
        let view = View { l1_timestamp: 1_700_000_000, ..View::default() };
        let at = genesis.checkpoint(&view, &DeployParams::default().l2);
        assert!(at.ends_batch(BatchIndex(0)));
        assert_eq!((at.number, at.timestamp, at.view), (0, 1_700_000_000, ViewIndex(0)));
        let later = View { l1_timestamp: 1_700_000_001, ..view };
        let other = genesis.checkpoint(&later, &DeployParams::default().l2);
        assert_ne!(at.parent_hash, other.parent_hash);
    }
}
