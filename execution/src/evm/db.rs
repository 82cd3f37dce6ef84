use std::{collections::BTreeMap, sync::Arc};

use alloy_eips::eip2935;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, map::AddressMap};
use alloy_trie::Nibbles;
use revm::{
    Database,
    state::{AccountInfo, Bytecode, EvmState},
};

use super::{GasBound, Meter, Reader, StorageKnown, Used, keys::Keys};
use crate::{
    error::StateError,
    state::{Account, AccountChange, Code, Source, World},
};

/// Slots of the EIP-2935 contract.
const HISTORY_SERVE_WINDOW: u64 = eip2935::HISTORY_SERVE_WINDOW as u64;
/// What `BLOCKHASH` reaches (EIP-2935 keeps it).
const BLOCK_HASH_RANGE: u64 = 256;

/// Where the EIP-2935 contract keeps the hash of a block.
pub(crate) fn history_slot(number: u64) -> U256 {
    U256::from(number.checked_rem(HISTORY_SERVE_WINDOW).unwrap_or_default())
}

/// Whether `BLOCKHASH` reaches a block from another.
pub(crate) fn is_recent(from: u64, number: u64) -> bool {
    (1..=BLOCK_HASH_RANGE).contains(&from.saturating_sub(number))
}

/// The state just before a transaction, as revm reads it. Every read counts as use.
pub(crate) struct TxDb<'a> {
    world: World,
    source: &'a mut dyn Source,
    block_number: u64,
    meter: Meter,
    bound: Option<GasBound>,
    ancestors: Option<Arc<BTreeMap<u64, B256>>>,
    accounts: AddressMap<Option<Account>>,
    /// What `BLOCKHASH` has read: it takes little gas, and revm remembers nothing of it.
    hashes: BTreeMap<u64, B256>,
    keys: Keys,
}

impl std::fmt::Debug for TxDb<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TxDb").field("meter", &self.meter).finish_non_exhaustive()
    }
}

impl<'a> TxDb<'a> {
    pub(crate) fn new(world: World, source: &'a mut dyn Source, block_number: u64) -> Self {
        Self {
            world,
            source,
            block_number,
            meter: Meter::off(),
            bound: None,
            ancestors: None,
            accounts: AddressMap::default(),
            hashes: BTreeMap::new(),
            keys: Keys::default(),
        }
    }

    /// Where block hashes are, when they are not in the state.
    pub(crate) fn with_ancestors(mut self, ancestors: Option<Arc<BTreeMap<u64, B256>>>) -> Self {
        self.ancestors = ancestors;
        self
    }

    pub(crate) fn set_ancestors(&mut self, ancestors: Arc<BTreeMap<u64, B256>>) {
        self.ancestors = Some(ancestors);
    }

    /// A new transaction, system call or list of credits begins: nothing is used yet.
    pub(crate) fn begin(&mut self, meter: Meter, bound: Option<GasBound>) {
        self.meter = meter;
        self.bound = bound;
        self.accounts.clear();
        self.hashes.clear();
    }

    /// Ends the transaction: this is the state from now on.
    pub(crate) fn set_world(&mut self, world: World) {
        self.world = world;
        self.accounts.clear();
        self.hashes.clear();
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn into_world(self) -> World {
        self.world
    }

    /// The state, and where blinded parts of it come from.
    pub(crate) fn source(&mut self) -> (&World, &mut dyn Source) {
        (&self.world, self.source)
    }

    pub(crate) fn bound_mut(&mut self) -> Option<&mut GasBound> {
        self.bound.as_mut()
    }

    pub(crate) fn meter_mut(&mut self) -> &mut Meter {
        &mut self.meter
    }

    pub(crate) fn take_used(&mut self) -> Option<Used> {
        self.meter.take_used()
    }

    /// The account before the transaction.
    pub(crate) fn account(&mut self, address: Address) -> Result<Option<Account>, StateError> {
        if let Some(account) = self.accounts.get(&address) {
            return Ok(account.clone());
        }
        let key = Nibbles::unpack(self.keys.address(address));
        let mut reader = Reader::new(self.source, &mut self.meter);
        let account = self.world.accounts().get(&key, &mut reader)?;
        self.accounts.insert(address, account.clone());
        Ok(account)
    }

    /// Under which key an account lies.
    pub(crate) fn key(&mut self, address: Address) -> B256 {
        self.keys.address(address)
    }

    /// The state after the changes.
    pub(crate) fn apply(
        &mut self,
        changes: BTreeMap<B256, AccountChange>,
    ) -> Result<World, StateError> {
        let mut world = self.world.clone();
        world.apply(changes, &mut Reader::new(self.source, &mut self.meter))?;
        Ok(world)
    }

    /// What revm's outcome changes, by hashed address.
    pub(crate) fn changes(
        &mut self,
        outcome: EvmState,
    ) -> Result<BTreeMap<B256, AccountChange>, StateError> {
        let mut changes = BTreeMap::new();
        for (address, account) in outcome {
            if !account.is_touched() {
                continue;
            }
            let before = self.account(address)?;
            changes.insert(self.keys.address(address), change(before, account, &mut self.keys));
        }
        Ok(changes)
    }
}

/// EIP-161 and EIP-6780: empty accounts, and those that were created and destructed, end.
fn change(
    before: Option<Account>,
    account: revm::state::Account,
    keys: &mut Keys,
) -> AccountChange {
    if account.is_selfdestructed() || account.is_empty() {
        return AccountChange { before, after: None, code: None, slots: BTreeMap::new() };
    }
    let fresh = account.is_created();
    let storage = match &before {
        Some(before) if !fresh => before.storage.clone(),
        _ => Default::default(),
    };
    let slots = account
        .changed_storage_slots()
        .map(|(slot, value)| (keys.slot(*slot), value.present_value()))
        .collect();
    let known_code =
        before.as_ref().is_some_and(|before| before.code_hash == account.info.code_hash);
    AccountChange {
        after: Some(Account {
            nonce: account.info.nonce,
            balance: account.info.balance,
            code_hash: account.info.code_hash,
            storage,
        }),
        code: account.info.code.filter(|_| !known_code).map(Code::from),
        before,
        slots,
    }
}

impl Database for TxDb<'_> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let account = self.account(address)?;
        Ok(account.map(|account| account.info()))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        let code = match self.world.code(hash)? {
            Some(code) => code,
            None => self.source.code(hash)?,
        };
        self.meter.code(hash, &code.bytes())?;
        Ok(code.bytecode().clone())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        let Some(account) = self.account(address)? else {
            return Ok(U256::ZERO);
        };
        let key = Nibbles::unpack(self.keys.slot(slot));
        let mut reader = Reader::new(self.source, &mut self.meter);
        let value = account.storage.get(&key, &mut reader)?;
        Ok(value.map_or(U256::ZERO, |slot| slot.0))
    }

    /// The hash of one of the 256 blocks before this one, from the EIP-2935 contract (under older rules, and where hashes are
    /// given, as given); zero for any other.
    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        if !is_recent(self.block_number, number) {
            return Ok(B256::ZERO);
        }
        if let Some(ancestors) = &self.ancestors {
            return ancestors.get(&number).copied().ok_or(StateError::MissingAncestor(number));
        }
        if let Some(hash) = self.hashes.get(&number) {
            return Ok(*hash);
        }
        let slot = history_slot(number);
        let hash = self.storage(eip2935::HISTORY_STORAGE_ADDRESS, slot)?.into();
        self.hashes.insert(number, hash);
        Ok(hash)
    }
}

impl StorageKnown for TxDb<'_> {
    fn has_storage(&mut self, address: Address) -> Result<bool, StateError> {
        let account = self.account(address)?;
        Ok(account.is_some_and(|account| !account.storage.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use alloy_eips::eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE};

    use super::*;
    use crate::{
        GenesisAccount,
        state::{Full, State},
    };

    fn history(hashes: &[(u64, U256)]) -> State {
        let storage = hashes.iter().map(|(number, hash)| (history_slot(*number), *hash)).collect();
        let contract = GenesisAccount {
            code: HISTORY_STORAGE_CODE.clone(),
            nonce: 1,
            storage,
            ..GenesisAccount::default()
        };
        let alloc = BTreeMap::from([(HISTORY_STORAGE_ADDRESS, contract)]);
        State::of(&alloc).unwrap()
    }

    /// An instruction of 20 gas must not walk a trie each time: whoever asks chooses how deep it is.
    #[test]
    fn a_block_hash_is_walked_to_once() {
        let state = history(&[(7, U256::from(70)), (8, U256::from(80))]);
        let _ = state.root();
        let mut source = Full;
        let mut db = TxDb::new(state.world().clone(), &mut source, 9);
        db.begin(Meter::counting(), None);
        let first = db.block_hash(7).unwrap();
        let visits = db.meter_mut().visits().unwrap();
        assert_eq!(first, B256::from(U256::from(70)));
        for _ in 0..100 {
            assert_eq!(db.block_hash(7).unwrap(), first);
        }
        assert_eq!(db.meter_mut().visits(), Some(visits));
        assert!(visits > 1, "the account and its storage");

        assert_eq!(db.block_hash(8).unwrap(), B256::from(U256::from(80)));
        assert!(db.meter_mut().visits() > Some(visits), "another block is another slot");
        // The next transaction uses it anew.
        db.begin(Meter::counting(), None);
        db.block_hash(7).unwrap();
        assert_eq!(db.meter_mut().visits(), Some(visits));
    }
}
