//! L2 state: accounts, their storage and code, as tries.

mod account;
mod full;
mod genesis;
mod partial;
mod proof;
mod source;
mod world;

pub use account::{Account, Code, Slot};
pub use full::State;
pub use genesis::{Genesis, GenesisAccount};
pub use proof::{AccountProof, StorageProof};
pub use source::{Full, Source};
pub use world::{AccountChange, World};

pub(crate) use world::{hashed_address, hashed_slot};
