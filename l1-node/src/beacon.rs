//! The beacon API's part that rollup nodes read, over a beacon chain that is a plain image of
//! the execution chain: one slot a second from genesis on, one block in the slot of each
//! execution block's timestamp, never a fork choice of its own.

use std::collections::HashSet;

use alloy_consensus::Header;
use alloy_primitives::{B256, Sealed, hex};
use http::StatusCode;
use recourse_rpc::{MinedBlock, Reply, Routes};
use serde_json::{Value, json};

use crate::{chain::Core, node::Node};

/// Seconds of a slot. Timestamps of blocks are strictly increasing, so a block is alone in its
/// slot, and `slot = timestamp - genesis_time`.
pub const SECONDS_PER_SLOT: u64 = 1;

/// Root of the beacon block that carries this execution block: the SSZ hash tree root of
/// `BeaconBlockHeader { slot, proposer_index: 0, parent_root, state_root, body_root }` where the
/// state root is the execution state's and the body root is the execution block's hash.
pub(crate) fn block_root(header: &Sealed<Header>, genesis_time: u64) -> B256 {
    let message = Message::of(header, genesis_time);
    let [slot, proposer, zero] = [message.slot, 0, 0].map(chunk);
    let left = hash(hash(slot, proposer), hash(message.parent_root, message.state_root));
    let right = hash(hash(message.body_root, zero), hash(zero, zero));
    hash(left, right)
}

/// The fields of a `BeaconBlockHeader`; the proposer's index is 0.
#[derive(Debug)]
struct Message {
    slot: u64,
    parent_root: B256,
    state_root: B256,
    body_root: B256,
}

impl Message {
    fn of(header: &Sealed<Header>, genesis_time: u64) -> Self {
        Self {
            slot: header.timestamp.saturating_sub(genesis_time) / SECONDS_PER_SLOT,
            parent_root: header.parent_beacon_block_root.unwrap_or_default(),
            state_root: header.state_root,
            body_root: header.seal(),
        }
    }
}

impl Routes for Node {
    fn claims(&self, path: &str) -> bool {
        path.starts_with("/eth/v1/")
    }

    fn get(&self, path: &str, query: Option<&str>) -> Reply {
        let core = self.core().lock();
        let answer = match segments(path).as_slice() {
            ["beacon", "genesis"] => Ok(genesis(&core)),
            ["config", "spec"] => Ok(spec(&core)),
            ["beacon", "headers", id] => header(&core, id),
            ["beacon", "blobs", id] => blobs(&core, id, query),
            ["node", "version"] => Ok(json!({ "data": { "version": self.version() } })),
            _ => Err(Problem(StatusCode::NOT_FOUND, "no such route")),
        };
        answer.map_or_else(Problem::reply, |body| Reply {
            status: StatusCode::OK,
            body: body.to_string(),
        })
    }
}

/// An error in the form of the beacon API.
#[derive(Debug)]
struct Problem(StatusCode, &'static str);

impl Problem {
    fn reply(self) -> Reply {
        let Self(status, message) = self;
        let body = json!({ "code": status.as_u16(), "message": message }).to_string();
        Reply { status, body }
    }
}

fn segments(path: &str) -> Vec<&str> {
    path.trim_start_matches("/eth/v1/").trim_end_matches('/').split('/').collect()
}

fn genesis(core: &Core) -> Value {
    json!({ "data": {
        "genesis_time": core.genesis_time().to_string(),
        "genesis_validators_root": B256::ZERO,
        "genesis_fork_version": "0x00000000",
    }})
}

fn spec(core: &Core) -> Value {
    json!({ "data": {
        "CONFIG_NAME": "recourse-dev",
        "SECONDS_PER_SLOT": SECONDS_PER_SLOT.to_string(),
        "SLOTS_PER_EPOCH": "32",
        "MIN_GENESIS_TIME": core.genesis_time().to_string(),
        "DEPOSIT_CHAIN_ID": core.chain_id().to_string(),
        "DEPOSIT_NETWORK_ID": core.chain_id().to_string(),
        "FIELD_ELEMENTS_PER_BLOB": "4096",
        "FULU_FORK_EPOCH": "0",
    }})
}

fn header(core: &Core, id: &str) -> Result<Value, Problem> {
    let block = find(core, id)?;
    let message = Message::of(block.header(), core.genesis_time());
    Ok(json!({
        "execution_optimistic": false,
        "finalized": false,
        "data": {
            "root": block_root(block.header(), core.genesis_time()),
            "canonical": true,
            "header": {
                "message": {
                    "slot": message.slot.to_string(),
                    "proposer_index": "0",
                    "parent_root": message.parent_root,
                    "state_root": message.state_root,
                    "body_root": message.body_root,
                },
                "signature": format!("0x{}", "00".repeat(96)),
            },
        },
    }))
}

fn blobs(core: &Core, id: &str, query: Option<&str>) -> Result<Value, Problem> {
    let wanted = versioned_hashes(query)?;
    let block = find(core, id)?;
    let stored = core.blobs().get(block.number());
    if stored.is_empty() && block.header().blob_gas_used.unwrap_or_default() > 0 {
        return Err(Problem(StatusCode::NOT_FOUND, "Blobs of this block are pruned"));
    }
    let data: Vec<String> = stored
        .iter()
        .filter(|blob| wanted.as_ref().is_none_or(|hashes| hashes.contains(&blob.versioned_hash)))
        .map(|blob| hex::encode_prefixed(blob.blob.as_slice()))
        .collect();
    Ok(json!({ "execution_optimistic": false, "finalized": false, "data": data }))
}

/// The filter `versioned_hashes=A,B` or `versioned_hashes=A&versioned_hashes=B`.
fn versioned_hashes(query: Option<&str>) -> Result<Option<HashSet<B256>>, Problem> {
    let values: Vec<&str> = query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| *name == "versioned_hashes")
        .flat_map(|(_, values)| values.split(','))
        .flat_map(|values| values.split("%2C"))
        .collect();
    if values.is_empty() {
        return Ok(None);
    }
    let hashes: Result<HashSet<B256>, _> = values.into_iter().map(str::parse).collect();
    hashes.map(Some).map_err(|_| Problem(StatusCode::BAD_REQUEST, "invalid versioned hash"))
}

/// The block of an id: a slot, a beacon block root, or a name.
fn find<'a>(core: &'a Core, id: &str) -> Result<&'a MinedBlock, Problem> {
    let time = core.genesis_time();
    let blocks = core.history().blocks();
    let found = match id {
        "genesis" => blocks.first(),
        "head" | "justified" | "finalized" => blocks.last(),
        root if root.starts_with("0x") => {
            let root: B256 =
                root.parse().map_err(|_| Problem(StatusCode::BAD_REQUEST, "invalid block id"))?;
            // Clients ask for recent blocks.
            blocks.iter().rev().find(|block| block_root(block.header(), time) == root)
        }
        slot => {
            let slot: u64 =
                slot.parse().map_err(|_| Problem(StatusCode::BAD_REQUEST, "invalid block id"))?;
            let timestamp = slot.saturating_mul(SECONDS_PER_SLOT).saturating_add(time);
            let index =
                blocks.binary_search_by_key(&timestamp, |block| block.header().timestamp).ok();
            index.and_then(|index| blocks.get(index))
        }
    };
    found.map(AsRef::as_ref).ok_or(Problem(StatusCode::NOT_FOUND, "Block not found"))
}

fn chunk(number: u64) -> B256 {
    let mut bytes = B256::ZERO;
    for (place, byte) in bytes.iter_mut().zip(number.to_le_bytes()) {
        *place = byte;
    }
    bytes
}

fn hash(left: B256, right: B256) -> B256 {
    revm::precompile::crypto().sha256(&[left.0, right.0].concat()).into()
}
