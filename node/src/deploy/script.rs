//! The plan as contracts/script/Deploy.s.sol reads it.

use alloy_primitives::hex;
use serde_json::{Value, json};

use super::{CREATE2_PROXY, DeployError, DeployParams, Part, Plan};

/// What the forge script carries out: arguments apart from creation code, which the script brings itself; the addresses that
/// must come out; the chain id of L2, which it holds against L1's.
///
/// # Errors
/// [`DeployError`] for parameters that make no rollup.
pub fn script_plan(params: &DeployParams) -> Result<Value, DeployError> {
    let plan = Plan::of(params)?;
    Ok(json!({
        "proxy": CREATE2_PROXY,
        "l2ChainId": params.l2.chain_id,
        "salt": plan.salt,
        "chunkStore": plan.chunk_store,
        "deployment": plan.deployment,
        "parts": plan.parts.iter().map(part).collect::<Vec<_>>(),
    }))
}

fn part(part: &Part) -> Value {
    let start = part.creation_code.len().saturating_sub(part.arguments);
    let offsets: Vec<u32> = part.links.iter().map(|link| link.offset).collect();
    let targets: Vec<u8> = part.links.iter().map(|link| link.part).collect();
    json!({
        "name": part.name,
        "address": part.address,
        "arguments": hex::encode_prefixed(part.creation_code.get(start..).unwrap_or_default()),
        "offsets": offsets,
        "targets": targets,
    })
}
