//! The beginning: which block of which chain.

use std::sync::Arc;

use alloy_primitives::U64;
use serde_json::json;

use super::{
    ForkError,
    endpoint::{Endpoint, Problem, Standing},
    upstream::{Anchor, Named, Upstream},
};

/// Asks every endpoint for its chain and its block, which must be the same for all that answer. Those that do not are asked
/// again before they are used.
pub(super) async fn connect(
    upstream: Arc<Upstream>,
    block: Option<u64>,
) -> Result<Anchor, ForkError> {
    let number = match block {
        Some(number) => number,
        None => newest(&upstream).await?,
    };
    let mut first: Option<(&Endpoint, Anchor)> = None;
    let (mut problems, mut absent) = (Vec::new(), false);
    for endpoint in &upstream.endpoints {
        let anchor = match look(&upstream, endpoint, number).await {
            Ok(Some(anchor)) => anchor,
            Ok(None) => {
                tracing::warn!(endpoint = endpoint.label, number, "has no such block yet");
                absent = true;
                continue;
            }
            Err(problem) => {
                tracing::warn!(problem = problem.text, "does not answer");
                problems.push(problem.text);
                continue;
            }
        };
        match &first {
            None => first = Some((endpoint, anchor)),
            Some((other, expected)) => agree((other, expected), (endpoint, &anchor))?,
        }
        *endpoint.standing.lock() = Standing::Admitted;
    }
    match first {
        Some((_, anchor)) => Ok(anchor),
        None if absent => Err(ForkError::NoBlock(number)),
        None => {
            Err(ForkError::Unanswered { method: "eth_getBlockByNumber", refused: false, problems })
        }
    }
}

async fn newest(upstream: &Upstream) -> Result<u64, ForkError> {
    let mut problems = Vec::new();
    for endpoint in &upstream.endpoints {
        match upstream.patiently::<U64>(endpoint, "eth_blockNumber", json!([])).await {
            Ok(number) => return Ok(number.to()),
            Err(problem) => problems.push(problem.text),
        }
    }
    Err(ForkError::Unanswered { method: "eth_blockNumber", refused: false, problems })
}

async fn look(
    upstream: &Upstream,
    endpoint: &Endpoint,
    number: u64,
) -> Result<Option<Anchor>, Problem> {
    let id: U64 = upstream.patiently(endpoint, "eth_chainId", json!([])).await?;
    let by_number = json!([format!("{number:#x}"), false]);
    let block: Option<Named> =
        upstream.patiently(endpoint, "eth_getBlockByNumber", by_number).await?;
    Ok(block.map(|block| Anchor { chain_id: id.to(), number, hash: block.hash }))
}

fn agree(
    (first, expected): (&Endpoint, &Anchor),
    (other, got): (&Endpoint, &Anchor),
) -> Result<(), ForkError> {
    let (first_url, url) = (first.label.clone(), other.label.clone());
    if expected.chain_id != got.chain_id {
        let (expected, got) = (expected.chain_id, got.chain_id);
        return Err(ForkError::OtherChain { first_url, expected, url, got });
    }
    if expected.hash != got.hash {
        let (number, expected, got) = (expected.number, expected.hash, got.hash);
        return Err(ForkError::OtherBlock { number, first_url, expected, url, got });
    }
    Ok(())
}
