use alloy_primitives::{
    Address, B256, U256, keccak256,
    map::{AddressMap, U256Map},
};

/// Under which keys accounts and slots lie in the tries. Each is hashed once for a piece of a block, however often it is read
/// and written.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    addresses: AddressMap<B256>,
    slots: U256Map<B256>,
}

impl Keys {
    pub(super) fn address(&mut self, address: Address) -> B256 {
        *self.addresses.entry(address).or_insert_with(|| keccak256(address))
    }

    pub(super) fn slot(&mut self, slot: U256) -> B256 {
        *self.slots.entry(slot).or_insert_with(|| keccak256(slot.to_be_bytes::<32>()))
    }
}
