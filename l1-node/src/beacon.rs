//! The beacon API's part that rollup nodes read, over a beacon chain that is a plain image of
//! the execution chain: one slot a second from genesis on, one block in the slot of each
//! execution block's timestamp, never a fork choice of its own.

use std::collections::HashSet;

use alloy_consensus::Header;
use alloy_primitives::{B256, Sealed, hex};
use http::StatusCode;
use recourse_rpc::{Chain as _, Finality, MinedBlock, Reply, Routes};
use serde_json::{Value, json};

use crate::{chain::Core, node::Node};

/// Seconds of a slot. Timestamps of blocks are strictly increasing, so a block is alone in its
/// slot, and `slot = timestamp - genesis_time`.
pub const SECONDS_PER_SLOT: u64 = 1;

/// Slots of an epoch, as on mainnet.
const SLOTS_PER_EPOCH: u64 = 32;

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
        let finality = self.finality();
        let core = self.core().lock();
        let view = View { core: &core, finality };
        let answer = match segments(path).as_slice() {
            ["beacon", "genesis"] => Ok(genesis(&core)),
            ["config", "spec"] => Ok(spec(&core)),
            ["config", "fork_schedule"] => Ok(json!({ "data": [fork()] })),
            ["beacon", "headers"] => view.headers(query),
            ["beacon", "headers", id] => view.find(id).map(|block| view.header(block)),
            ["beacon", "blobs", id] => view.blobs(id, query),
            ["beacon", "blob_sidecars", _] => Err(Problem::deprecated()),
            ["beacon", "states", id, "finality_checkpoints"] => view.checkpoints(id),
            ["beacon", "states", id, "fork"] => {
                view.find(id).map(|block| view.told(block, &fork()))
            }
            ["node", "version"] => Ok(json!({ "data": { "version": self.version() } })),
            ["node", "syncing"] => view.syncing(),
            ["node", "health"] => return Reply { status: StatusCode::OK, body: String::new() },
            _ => Err(Problem::new(StatusCode::NOT_FOUND, "no such route")),
        };
        answer.map_or_else(Problem::reply, |body| Reply {
            status: StatusCode::OK,
            body: body.to_string(),
        })
    }
}

/// An error in the form of the beacon API.
#[derive(Debug)]
struct Problem(StatusCode, String);

impl Problem {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self(status, message.into())
    }

    fn bad_id(id: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("Invalid block ID: {id}"))
    }

    /// Since PeerDAS sidecars are columns; the route that was theirs gave blobs with proofs that nobody makes any more.
    fn deprecated() -> Self {
        let text =
            "This endpoint is deprecated. Use `GET /eth/v1/beacon/blobs/{block_id}` instead.";
        Self::new(StatusCode::GONE, text)
    }

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
        "SLOTS_PER_EPOCH": SLOTS_PER_EPOCH.to_string(),
        "MIN_GENESIS_TIME": core.genesis_time().to_string(),
        "DEPOSIT_CHAIN_ID": core.chain_id().to_string(),
        "DEPOSIT_NETWORK_ID": core.chain_id().to_string(),
        "FIELD_ELEMENTS_PER_BLOB": "4096",
        "FULU_FORK_EPOCH": "0",
    }})
}

/// The only fork that this beacon chain has ever had.
fn fork() -> Value {
    json!({ "previous_version": "0x00000000", "current_version": "0x00000000", "epoch": "0" })
}

/// The chain as it is at one moment.
#[derive(Debug)]
struct View<'a> {
    core: &'a Core,
    finality: Finality,
}

impl<'a> View<'a> {
    fn headers(&self, query: Option<&str>) -> Result<Value, Problem> {
        let of = |name| values(query, name).next();
        let found = match (of("slot"), of("parent_root")) {
            (_, Some(parent)) => {
                let parent: B256 = parent
                    .parse()
                    .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "invalid parent root"))?;
                let blocks = self.core.history().blocks().iter();
                let child = |block: &&std::sync::Arc<MinedBlock>| {
                    block.header().parent_beacon_block_root == Some(parent)
                };
                blocks.rev().find(child).map(AsRef::as_ref)
            }
            (Some(slot), None) => self.find(slot).map(Some).or_else(absent)?,
            (None, None) => Some(self.find("head")?),
        };
        let finalized = found.is_some_and(|block| self.is_final(block));
        let data: Vec<Value> = found.map(|block| self.data(block)).into_iter().collect();
        Ok(json!({ "execution_optimistic": false, "finalized": finalized, "data": data }))
    }

    fn header(&self, block: &MinedBlock) -> Value {
        self.told(block, &self.data(block))
    }

    fn data(&self, block: &MinedBlock) -> Value {
        let time = self.core.genesis_time();
        let message = Message::of(block.header(), time);
        json!({
            "root": block_root(block.header(), time),
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
        })
    }

    fn blobs(&self, id: &str, query: Option<&str>) -> Result<Value, Problem> {
        let wanted = versioned_hashes(query)?;
        let block = self.find(id)?;
        let stored = self.core.blobs().get(block.number());
        if stored.is_empty() && block.header().blob_gas_used.unwrap_or_default() > 0 {
            return Err(Problem::new(StatusCode::NOT_FOUND, "Blobs of this block are pruned"));
        }
        let data: Vec<String> = stored
            .iter()
            .filter(|blob| wanted.as_ref().is_none_or(|all| all.contains(&blob.versioned_hash)))
            .map(|blob| hex::encode_prefixed(blob.blob.as_slice()))
            .collect();
        Ok(self.told(block, &data.into()))
    }

    /// The checkpoints as of now; the state's own are not kept.
    fn checkpoints(&self, id: &str) -> Result<Value, Problem> {
        let state = self.find(id)?;
        let checkpoint = |number: u64| {
            let block = self.core.history().block(number);
            block.map_or_else(
                || json!({ "epoch": "0", "root": B256::ZERO }),
                |block| {
                    let slot = Message::of(block.header(), self.core.genesis_time()).slot;
                    let root = block_root(block.header(), self.core.genesis_time());
                    json!({ "epoch": (slot / SLOTS_PER_EPOCH).to_string(), "root": root })
                },
            )
        };
        let (justified, finalized) =
            (checkpoint(self.finality.safe), checkpoint(self.finality.finalized));
        Ok(self.told(
            state,
            &json!({
                "previous_justified": finalized,
                "current_justified": justified,
                "finalized": finalized,
            }),
        ))
    }

    fn syncing(&self) -> Result<Value, Problem> {
        let slot = Message::of(self.find("head")?.header(), self.core.genesis_time()).slot;
        Ok(json!({ "data": {
            "head_slot": slot.to_string(),
            "sync_distance": "0",
            "is_syncing": false,
            "is_optimistic": false,
            "el_offline": false,
        }}))
    }

    fn told(&self, block: &MinedBlock, data: &Value) -> Value {
        json!({ "execution_optimistic": false, "finalized": self.is_final(block), "data": data })
    }

    fn is_final(&self, block: &MinedBlock) -> bool {
        block.number() <= self.finality.finalized
    }

    /// The block of an id: a slot, a beacon block root, or a name.
    fn find(&self, id: &str) -> Result<&'a MinedBlock, Problem> {
        let time = self.core.genesis_time();
        let blocks = self.core.history().blocks();
        let found = match id {
            "genesis" => Some(self.core.history().first()),
            "head" => blocks.back(),
            "justified" => self.core.history().block(self.finality.safe),
            "finalized" => self.core.history().block(self.finality.finalized),
            root if root.starts_with("0x") => {
                let root: B256 = root.parse().map_err(|_| Problem::bad_id(id))?;
                // Clients ask for recent blocks.
                blocks.iter().rev().find(|block| block_root(block.header(), time) == root)
            }
            slot => {
                let slot: u64 = slot.parse().map_err(|_| Problem::bad_id(id))?;
                let timestamp = slot.saturating_mul(SECONDS_PER_SLOT).saturating_add(time);
                let at = blocks.binary_search_by_key(&timestamp, |block| block.header().timestamp);
                at.ok().and_then(|index| blocks.get(index))
            }
        };
        found
            .map(AsRef::as_ref)
            .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "Block not found"))
    }
}

/// A list may be empty where a single block must be there.
fn absent<T>(problem: Problem) -> Result<Option<T>, Problem> {
    if problem.0 == StatusCode::NOT_FOUND { Ok(None) } else { Err(problem) }
}

/// The values of a query's parameter, given once with commas or several times.
fn values<'q>(query: Option<&'q str>, name: &'q str) -> impl Iterator<Item = &'q str> {
    query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(move |(found, _)| *found == name)
        .flat_map(|(_, values)| values.split(','))
        .flat_map(|values| values.split("%2C"))
        .flat_map(|values| values.split("%2c"))
}

/// The filter `versioned_hashes=A,B` or `versioned_hashes=A&versioned_hashes=B`.
fn versioned_hashes(query: Option<&str>) -> Result<Option<HashSet<B256>>, Problem> {
    let values: Vec<&str> = values(query, "versioned_hashes").collect();
    if values.is_empty() {
        return Ok(None);
    }
    let hashes: Result<HashSet<B256>, _> = values.into_iter().map(str::parse).collect();
    hashes.map(Some).map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "invalid versioned hash"))
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
