//! The state that the known claims start from, wholly in memory.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, Bytes, U256, address, bytes, keccak256};
use recourse_execution::{Genesis, GenesisAccount, Schedule, State};
use recourse_protocol::bindings::BlockContext;

/// Accounts with much ether; the tests hold their keys.
pub const SENDERS: [Address; 4] = [
    address!("50c8e5052b53983a9ce4ad1342bdb04173fcea26"),
    address!("bd6c7f915f6c2a6366229e3d4c4c2bce35814f7b"),
    address!("15068bb93708180139bb0029677a74c018b4dd46"),
    address!("6594d8aeb20099b31b7ce9fa56f99090a658dcdd"),
];
/// A contract that writes its calldata, pairs of slot and value, to its storage.
pub const STORER: Address = Address::repeat_byte(0x51);
const STORER_CODE: Bytes = bytes!("5f5b3681101560175780602001358135556040016001565b00");
/// Slots that the storer has from the start: `slot + 1` in slot `slot`.
pub const SLOTS: u64 = 24;

/// The rules.
pub static SCHEDULE: LazyLock<Schedule> = LazyLock::new(Schedule::osaka);

/// The state.
pub static STATE: LazyLock<State> = LazyLock::new(|| genesis().build().expect("it is sound"));

/// An address that holds 1 wei, for an index below 60.
pub fn neighbour(index: u8) -> Address {
    Address::from_slice(&keccak256([index])[..20])
}

/// The block that all claims are about.
pub fn block() -> BlockContext {
    BlockContext {
        chainId: 7_777,
        number: 1,
        timestamp: 1_000_000,
        gasLimit: 1 << 28,
        baseFee: U256::from(1_000_000_000),
        prevRandao: B256::repeat_byte(0x7a),
        coinbase: Address::repeat_byte(0xcb),
    }
}

/// Its accounts, beside those that every genesis has.
pub fn genesis() -> Genesis {
    let holds = |wei: U256| GenesisAccount { balance: wei, ..GenesisAccount::default() };
    let rich = U256::from(10).pow(U256::from(20));
    let mut alloc: std::collections::BTreeMap<_, _> =
        SENDERS.into_iter().map(|sender| (sender, holds(rich))).collect();
    alloc.extend((0..60).map(|index| (neighbour(index), holds(U256::from(1)))));
    let storer = GenesisAccount {
        nonce: 1,
        code: STORER_CODE,
        storage: (0..SLOTS).map(|slot| (U256::from(slot), U256::from(slot + 1))).collect(),
        ..GenesisAccount::default()
    };
    alloc.insert(STORER, storer);
    Genesis { alloc }
}
