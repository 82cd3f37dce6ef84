//! States by many changes at once, by lists, and what leads from one to another.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use proptest::{collection::vec, prelude::*};
use recourse_execution::{
    Account, FlatAccount, FlatState, State,
    state::{AccountChange, Code, World},
    trie::{InMemory, Node, Nodes, Place, TrieError},
};

/// What becomes of an account: none ends it.
#[derive(Clone, Debug)]
struct Fate {
    nonce: u64,
    balance: u64,
    code: Option<u8>,
    slots: BTreeMap<u8, u8>,
}

type Fates = BTreeMap<u8, Option<Fate>>;

fn fates() -> impl Strategy<Value = Fates> {
    let fate = (1..5_u64, 0..9_u64, prop::option::of(0..4_u8), slots())
        .prop_map(|(nonce, balance, code, slots)| Fate { nonce, balance, code, slots });
    prop::collection::btree_map(0..40_u8, prop::option::weighted(0.8, fate), 0..24)
}

fn slots() -> impl Strategy<Value = BTreeMap<u8, u8>> {
    prop::collection::btree_map(0..30_u8, prop_oneof![Just(0_u8), any::<u8>()], 0..12)
}

fn address(seed: u8) -> Address {
    Address::repeat_byte(seed)
}

fn slot(seed: u8) -> B256 {
    keccak256(B256::with_last_byte(seed))
}

/// As an executor gives them: with the accounts before.
fn changes(state: &State, fates: &Fates) -> BTreeMap<B256, AccountChange> {
    let change = |(seed, fate): (&u8, &Option<Fate>)| {
        let before = state.account(address(*seed)).unwrap();
        let code = fate.as_ref().and_then(|fate| fate.code).map(|code| Bytes::from(vec![code; 9]));
        let after = fate.as_ref().map(|fate| Account {
            nonce: fate.nonce,
            balance: U256::from(fate.balance),
            code_hash: code.as_ref().map_or(alloy_primitives::KECCAK256_EMPTY, keccak256),
            storage: before.clone().map(|account| account.storage).unwrap_or_default(),
        });
        let slots = fate.as_ref().map(|fate| fate.slots.clone()).unwrap_or_default();
        let slots = slots.into_iter().map(|(key, value)| (slot(key), U256::from(value))).collect();
        (
            keccak256(address(*seed)),
            AccountChange { before, after, code: code.map(Code::new), slots },
        )
    };
    fates.iter().map(change).collect()
}

struct Uncounted;

impl<V: recourse_execution::trie::Value> Nodes<V> for Uncounted {
    fn resolve(&mut self, hash: B256, _: Place) -> Result<&[u8], TrieError> {
        Err(TrieError::Missing(hash))
    }

    fn visit(&mut self, _: B256, _: &Node<V>) -> Result<(), TrieError> {
        Ok(())
    }
}

/// One change after the other, as transactions do it.
fn one_by_one(world: &World, changes: BTreeMap<B256, AccountChange>) -> World {
    let mut world = world.clone();
    world.apply(changes, &mut Uncounted).unwrap();
    world
}

/// Each state after the rounds, made both ways.
fn history(rounds: &[Fates]) -> Vec<State> {
    let (mut state, mut world) = (State::default(), World::default());
    let mut states = vec![state.clone()];
    for fates in rounds {
        let changes = changes(&state, fates);
        world = one_by_one(&world, changes.clone());
        state = state.with_changes(changes).unwrap();
        assert_eq!(state.root(), world.root());
        states.push(state.clone());
    }
    states
}

/// The lists that a state is stored as.
fn flat(state: &State) -> FlatState {
    let diff = State::default().diff(state).unwrap();
    let mut flat = FlatState::default();
    let slots: Vec<_> = diff
        .accounts
        .iter()
        .flat_map(|account| {
            account.slots.iter().map(|(slot, _, value)| (account.key, *slot, *value))
        })
        .collect();
    // Pages that end within accounts.
    for page in slots.chunks(7) {
        flat.slots(page).unwrap();
    }
    let accounts: Vec<_> =
        diff.accounts.iter().map(|account| (account.key, account.after.unwrap())).collect();
    for page in accounts.chunks(5) {
        flat.accounts(page).unwrap();
    }
    for (_, code) in &diff.codes {
        flat.code(code.clone()).unwrap();
    }
    flat
}

/// The same, each first byte of the keys by itself; some parts are hashed before they are put together.
fn by_parts(state: &State) -> FlatState {
    let diff = State::default().diff(state).unwrap();
    let part = |first: u8| {
        let mut flat = FlatState::default();
        for account in diff.accounts.iter().filter(|account| account.key[0] == first) {
            let slots = account.slots.iter();
            let slots: Vec<_> =
                slots.map(|(slot, _, value)| (account.key, *slot, *value)).collect();
            flat.slots(&slots).unwrap();
        }
        for account in diff.accounts.iter().filter(|account| account.key[0] == first) {
            flat.accounts(&[(account.key, account.after.unwrap())]).unwrap();
        }
        let state = flat.finish().unwrap();
        assert!(!first.is_multiple_of(3) || !state.root().is_zero());
        state
    };
    let mut flat = FlatState::default();
    flat.parts((0..=u8::MAX).map(part).collect()).unwrap();
    for (_, code) in &diff.codes {
        flat.code(code.clone()).unwrap();
    }
    flat
}

proptest! {
    #[test]
    fn at_once_is_one_by_one(rounds in vec(fates(), 1..5)) {
        history(&rounds);
    }

    #[test]
    fn a_difference_leads_there_and_back(rounds in vec(fates(), 1..5)) {
        let states = history(&rounds);
        for pair in states.windows(2) {
            let diff = pair[0].diff(&pair[1]).unwrap();
            let (forth, back) = (diff.forward(), diff.backward());
            prop_assert_eq!(pair[0].patched(forth).unwrap().root(), pair[1].root());
            prop_assert_eq!(pair[1].patched(back).unwrap().root(), pair[0].root());
            prop_assert_eq!(diff.accounts.is_empty(), pair[0].root() == pair[1].root());
            let old_codes = |hash: B256| pair[0].code(hash).is_ok();
            for account in &diff.accounts {
                let code = account.after.map(|account| account.code_hash);
                let told = diff.codes.iter().any(|(hash, _)| Some(*hash) == code);
                prop_assert!(code.is_none_or(|hash| told || old_codes(hash)));
            }
        }
    }

    #[test]
    fn a_state_is_made_of_its_lists(rounds in vec(fates(), 1..4)) {
        for state in history(&rounds) {
            let made = flat(&state).finish().unwrap();
            prop_assert_eq!(made.root(), state.root());
            prop_assert!(state.diff(&made).unwrap().is_empty());
            let made = by_parts(&state).finish().unwrap();
            prop_assert_eq!(made.root(), state.root());
            prop_assert!(state.diff(&made).unwrap().is_empty());
        }
    }

    #[test]
    fn roots_of_steps_are_the_roots(rounds in vec(fates(), 1..12)) {
        let states = history(&rounds);
        let expected: Vec<B256> = states.iter().map(State::root).collect();
        // The same again, not hashed yet.
        let mut state = State::default();
        let mut again = vec![state.clone()];
        for fates in &rounds {
            state = state.with_changes(changes(&state, fates)).unwrap();
            again.push(state.clone());
        }
        prop_assert_eq!(State::roots(&again), expected);
    }
}

#[test]
fn many_steps_on_any_number_of_threads() {
    let fate = |at: u64| {
        let slots = (0..3).map(|slot| ((at * 7 + slot) as u8 % 30, (at % 5) as u8)).collect();
        let fate = Fate { nonce: at + 1, balance: at, code: Some((at % 4) as u8), slots };
        Fates::from([((at * 13 % 40) as u8, Some(fate)), ((at * 29 % 40) as u8, None)])
    };
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (mut state, mut world) = (State::default(), World::default());
        let (mut states, mut roots) = (Vec::new(), Vec::new());
        for at in 0..700 {
            let changes = changes(&state, &fate(at));
            world = one_by_one(&world, changes.clone());
            roots.push(world.root());
            state = state.with_changes(changes).unwrap();
            states.push(state.clone());
        }
        assert_eq!(pool.install(|| State::roots(&states)), roots);
    }
    assert_eq!(State::roots(&[]), Vec::<B256>::new());
}

/// The root of accounts without storage, by a library that nobody here wrote.
fn built_by_another(accounts: &[(B256, FlatAccount)]) -> B256 {
    let mut builder = alloy_trie::HashBuilder::default();
    for (key, account) in accounts {
        let FlatAccount { nonce, balance, code_hash } = *account;
        let storage_root = alloy_trie::EMPTY_ROOT_HASH;
        let leaf = alloy_trie::TrieAccount { nonce, balance, storage_root, code_hash };
        builder.add_leaf(alloy_trie::Nibbles::unpack(key), &alloy_rlp::encode(leaf));
    }
    builder.root()
}

/// Enough for threads to share them, from scratch and changed, however the keys begin.
#[test]
fn many_accounts_on_any_number_of_threads() {
    let key = |at: u64, kind: u8| {
        let mut key = keccak256(at.to_be_bytes());
        match kind {
            // All begin alike, so that there is nothing to share.
            0 => key.0[..2].fill(0x77),
            // Two parts below one nibble, and one far away.
            1 => key.0[0] = [0x31, 0x3a, 0xf0][key.0[0] as usize % 3],
            _ => {}
        }
        key
    };
    for (kind, threads) in [(0, 2), (1, 2), (1, 8), (2, 1), (2, 2), (2, 8)] {
        let account =
            |at: u64| FlatAccount { nonce: at, balance: U256::from(at), ..FlatAccount::default() };
        let mut list: Vec<_> = (0..9000).map(|at| (key(at, kind), account(at))).collect();
        list.sort_by_key(|(key, _)| *key);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let state = pool.install(|| {
            let mut flat = FlatState::default();
            flat.accounts(&list[..8000]).unwrap();
            flat.accounts(&list[8000..]).unwrap();
            flat.finish().unwrap()
        });
        let root = pool.install(|| state.root());
        assert_eq!(root, built_by_another(&list), "kind {kind}, {threads} threads");
        let patch = |(key, account): &(B256, FlatAccount)| recourse_execution::AccountPatch {
            key: *key,
            account: Some(FlatAccount { nonce: account.nonce + 1, ..*account }),
            slots: Vec::new(),
        };
        for every in [1, 3, 100] {
            let mut changed = list.clone();
            changed.iter_mut().step_by(every).for_each(|(_, account)| account.nonce += 1);
            let patches = list.iter().step_by(every).map(patch).collect();
            let root = pool.install(|| state.patched(patches).unwrap().root());
            assert_eq!(root, built_by_another(&changed), "kind {kind}, each {every}th");
        }
    }
}

#[test]
fn parts_that_do_not_lie_apart_are_refused() {
    let account = |first: u8, last: u8| {
        let mut key = B256::repeat_byte(last);
        key.0[0] = first;
        (key, FlatAccount { nonce: 1, ..FlatAccount::default() })
    };
    let part = |accounts: &[(B256, FlatAccount)]| {
        let mut flat = FlatState::default();
        flat.accounts(accounts).unwrap();
        flat.finish().unwrap()
    };
    let (one, other) = (account(0x12, 1), account(0x13, 1));
    let mut flat = FlatState::default();
    flat.parts(vec![part(&[one]), State::default(), part(&[other])]).unwrap();
    assert_eq!(flat.finish().unwrap().root(), part(&[one, other]).root());
    let refused = |parts: Vec<State>| FlatState::default().parts(parts).is_err();
    assert!(refused(vec![part(&[one, other])]), "keys of two bytes in one part");
    assert!(refused(vec![part(&[one]), part(&[account(0x12, 2)])]), "two parts of one byte");
    let mut late = FlatState::default();
    late.accounts(&[one]).unwrap();
    assert!(late.parts(vec![part(&[other])]).is_err(), "accounts are there");
}

#[test]
fn lists_out_of_order_are_refused() {
    let key = |byte| B256::repeat_byte(byte);
    let slot = |address, slot| (key(address), key(slot), U256::from(1));
    let account = |address| (key(address), FlatAccount { nonce: 1, ..FlatAccount::default() });
    let mut flat = FlatState::default();
    assert!(flat.slots(&[slot(2, 2), slot(2, 1)]).is_err());
    flat.slots(&[slot(2, 2), slot(3, 1)]).unwrap();
    assert!(flat.slots(&[slot(2, 3)]).is_err());
    assert!(flat.accounts(&[account(3), account(2)]).is_err());
    let mut orphan = FlatState::default();
    orphan.slots(&[slot(1, 1)]).unwrap();
    orphan.accounts(&[account(2)]).unwrap();
    assert!(orphan.finish().is_err(), "storage without an account");
}

#[test]
fn an_account_in_a_wholly_blinded_state_is_an_error() {
    let mut world = World::blinded(keccak256("some root"));
    let root = world.root();
    let change = changes(&State::default(), &Fates::from([(1, None), (2, None)]));
    assert!(world.apply_all(change).is_ok(), "nothing is to be done");
    let fate = Fate { nonce: 1, balance: 1, code: None, slots: BTreeMap::new() };
    let change = changes(&State::default(), &Fates::from([(1, Some(fate))]));
    assert!(world.apply_all(change).is_err());
    assert_eq!(world.root(), root);
    assert!(world.account(address(1), &mut InMemory).is_err());
}
