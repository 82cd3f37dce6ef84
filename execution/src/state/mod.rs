//! L2 state: accounts, their storage and code, as tries.

mod account;
mod bulk;
mod diff;
mod flat;
mod full;
mod genesis;
mod partial;
mod proof;
mod source;
mod steps;
mod world;

pub use account::{Account, Code, Slot};
pub use bulk::AccountPatch;
pub use diff::{AccountDiff, StateDiff};
pub use flat::{FlatAccount, FlatState};
pub use full::State;
pub use genesis::{Genesis, GenesisAccount};
pub use proof::{AccountProof, StorageProof};
pub use source::{Full, Source};
pub use world::{AccountChange, World};

pub(crate) use world::{hashed_address, hashed_slot};
