use std::collections::HashMap;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::Nibbles;

use super::{Account, Code, State, World};
use crate::{error::StateError, trie::InMemory, witness::Witness};

impl State {
    /// The part of the state with this root that a witness proves. Reading what it does not prove is an error.
    ///
    /// For witnesses of one's own or of real blocks: it walks to every node on every way, so that nodes made to share their
    /// children would take it for ever. `EXECUTE` resolves only what is read, and never calls this.
    ///
    /// # Errors
    /// When a node that the root leads to is malformed.
    pub fn partial(root: B256, witness: &Witness) -> Result<Self, StateError> {
        let nodes: HashMap<B256, &Bytes> =
            witness.nodes.iter().map(|node| (keccak256(node), node)).collect();
        let known = |hash| nodes.get(&hash).map(|node| Bytes::clone(node));
        let mut world = World::blinded(root);
        world.accounts = world.accounts.grafted(&known, &|account: &Account| {
            let storage = account.storage.grafted(&known, &|slot| Ok(*slot))?;
            Ok(Account { storage, ..account.clone() })
        })?;
        for code in &witness.codes {
            let key = Nibbles::unpack(keccak256(code));
            world.codes.apply([(&key, Some(Code::new(code.clone())))], &mut InMemory)?;
        }
        Ok(Self::from(world))
    }
}
