//! Precompiles that a simulation moves elsewhere or replaces (`movePrecompileToAddress`).

use alloy::rpc::types::state::StateOverride;
use alloy_evm::EvmEnv;

use crate::{
    ChainError,
    scratch::{Moves, Scratch},
};

/// What becomes of the precompiles of a block: an account that is overridden is none any more, a moved one is where it was
/// moved to.
pub(super) fn moves<S: Scratch>(
    state: &mut S,
    env: &EvmEnv,
    changes: &StateOverride,
) -> Result<Moves, ChainError> {
    let map = state.precompiles(env, env.block_env.basefee)?;
    let mut moves = Moves::default();
    for (address, change) in changes {
        let is_precompile = map.get(address).is_some();
        if is_precompile {
            moves.gone.push(*address);
        }
        let Some(target) = change.move_precompile_to else { continue };
        if !is_precompile {
            return Err(ChainError::Refused(format!("account {address} is not a precompile")));
        }
        if changes.contains_key(&target) {
            return Err(ChainError::Refused(format!("account {target} is already overridden")));
        }
        moves.moved.push((*address, target));
    }
    Ok(moves)
}
