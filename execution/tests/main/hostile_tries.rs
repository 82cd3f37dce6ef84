//! Tries that no honest chain makes, and changes whose order matters.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use alloy_trie::Nibbles;
use recourse_execution::{
    Account, Claim, ExecuteError, ExecutionError, Recorded, State, StateError, Stateless, Witness,
    replay, stateless,
    trie::{InMemory, Trie, TrieError, Value},
};
use recourse_protocol::bindings::Trace;

use crate::{
    assembler,
    hostile_witness::{ask, missing_node, withstands},
    scene::{
        MAX_WITNESS, STORER, account, block, call, contract, filler, schedule, sign, state,
        transfer, writes,
    },
    settle::{claim, is_true, no_pointers, run},
};

/// A state that is given by its nodes alone.
pub struct Handmade {
    pub root: B256,
    pub nodes: Vec<Bytes>,
}

impl Handmade {
    /// A trie of any values under any keys.
    pub fn of(values: &[(B256, Vec<u8>)]) -> Self {
        let mut trie = Trie::<Bytes>::default();
        for (key, value) in values {
            let value = Some(Bytes::from(value.clone()));
            trie.apply([(&Nibbles::unpack(key), value)], &mut InMemory).unwrap();
        }
        let proofs = values.iter().map(|(key, _)| trie.proof(&Nibbles::unpack(key)).unwrap());
        let by_hash: BTreeMap<_, _> =
            proofs.flatten().map(|node| (keccak256(&node), node)).collect();
        Self { root: trie.root(), nodes: by_hash.into_values().collect() }
    }

    /// One transaction on it.
    pub fn run(&self, raw: Bytes, codes: Vec<Bytes>) -> Result<Stateless, ExecuteError> {
        let witness = Witness { nodes: self.nodes.clone(), codes };
        stateless(self.root, &trace_of(raw), &schedule(), witness)
    }
}

pub fn trace_of(raw: Bytes) -> Trace {
    Trace {
        context: block(),
        transactions: vec![raw],
        maxWitnessBytes: MAX_WITNESS,
        ..Trace::default()
    }
}

/// What EXECUTE says to the outcome of a run on a hand-made state, and to another root; without each part of the witness.
fn settles_by_hand(pre: B256, raw: &Bytes, done: &Stateless) {
    let trace = |witness: &Witness| {
        let witness = witness.encode();
        let made = trace_of(raw.clone());
        Trace { receiptDigestAfter: done.receipt_digest, witness, ..made }.abi_encode()
    };
    let says = |post, witness: &Witness| {
        let trace = trace(witness);
        let claim = Claim { pre, post, trace: &trace, gas_used: done.gas_used };
        replay(&claim, &schedule(), &no_pointers).is_ok()
    };
    assert!(says(done.state_root, &done.witness));
    assert!(!says(pre, &done.witness) && !says(keccak256(pre), &done.witness));
    for index in 0..done.witness.nodes.len() {
        let mut cut = done.witness.clone();
        cut.nodes.remove(index);
        assert!(!says(done.state_root, &cut), "node {index}");
    }
}

pub fn malformed(what: &'static str) -> ExecuteError {
    ExecuteError::Execution(ExecutionError::State(StateError::Trie(TrieError::Malformed(what))))
}

fn rich() -> Account {
    Account { balance: U256::from(10).pow(U256::from(20)), ..Account::default() }
}

fn hashed(slot: u64) -> B256 {
    keccak256(U256::from(slot).to_be_bytes::<32>())
}

fn nibble(hash: B256, at: usize) -> u8 {
    Nibbles::unpack(hash).get(at).unwrap()
}

/// The first of many numbers that is as wanted.
fn find(wanted: impl Fn(&u64) -> bool) -> u64 {
    (1_000..100_000).find(wanted).unwrap()
}

#[test]
fn a_node_of_the_other_trie_is_not_the_node_asked_for() {
    let pre = state();
    let recorded = run(&pre, &sign(0, call(0, STORER, writes(&[(1, 0), (200, 3)]))));
    let slots = pre.proof(STORER, &[U256::from(1)]).unwrap();
    let of_account = slots.nodes.last().unwrap();
    let of_slot = slots.storage[0].nodes.last().unwrap();
    for (gone, offered) in [(of_account, of_slot), (of_slot, of_account)] {
        let mut witness = recorded.witness.clone();
        let at = witness.nodes.iter().position(|node| node == gone).unwrap();
        witness.nodes[at] = offered.clone();
        assert_eq!(ask(pre.root(), &recorded, &witness), Err(missing_node(keccak256(gone))));
    }
}

/// The root of a storage trie as the root of a state, and the other way round.
#[test]
fn a_trie_of_the_other_kind_is_no_state() {
    let pre = state();
    let recorded = run(&pre, &sign(0, call(0, STORER, writes(&[(1, 0)]))));
    let encoded = recorded.trace.abi_encode();
    let storage = pre.account(STORER).unwrap().unwrap().storage.root();
    assert!(is_true(&claim(pre.root(), &recorded, &encoded)));
    assert!(!is_true(&claim(storage, &recorded, &encoded)));

    // A slot's value where an account belongs, and an account where a slot's value belongs.
    let raw = sign(0, call(0, STORER, writes(&[(1, 7)])));
    let sender = (keccak256(account(0)), rich().encode());
    let slot = (keccak256(STORER), alloy_rlp::encode(U256::from(5)));
    let no_account = Handmade::of(&[sender.clone(), slot]);
    let why = malformed("an account is not canonical RLP");
    assert_eq!(no_account.run(raw.clone(), vec![]).unwrap_err(), why);

    let storage = Handmade::of(&[(hashed(1), rich().encode())]);
    let code = assembler::storer();
    let storer = Account {
        nonce: 1,
        code_hash: keccak256(&code),
        storage: Trie::blinded(storage.root),
        ..Account::default()
    };
    let mut no_slot = Handmade::of(&[sender, (keccak256(STORER), storer.encode())]);
    no_slot.nodes.extend(storage.nodes);
    let why = malformed("a slot is not canonical RLP");
    assert_eq!(no_slot.run(raw, vec![code]).unwrap_err(), why);
}

/// A state whose account holds the state's own kind of trie as storage: slots are looked for by their own keys, so nothing
/// is found there, and writing makes a trie of its own.
#[test]
fn an_account_trie_as_storage_holds_no_slots() {
    let inner = Handmade::of(&[
        (keccak256(account(0)), rich().encode()),
        (keccak256(filler(1)), rich().encode()),
    ]);
    let code = assembler::storer();
    let storer = Account {
        nonce: 1,
        code_hash: keccak256(&code),
        storage: Trie::blinded(inner.root),
        ..Account::default()
    };
    let mut outer = Handmade::of(&[
        (keccak256(account(0)), rich().encode()),
        (keccak256(STORER), storer.encode()),
    ]);
    outer.nodes.extend(inner.nodes);
    let raw = sign(0, call(0, STORER, writes(&[(1, 7)])));
    // The free places of that trie take a slot; where an account stands, it is no slot.
    match outer.run(raw.clone(), vec![code]) {
        Ok(done) => settles_by_hand(outer.root, &raw, &done),
        Err(why) => assert_eq!(why, malformed("a slot is not canonical RLP")),
    }
}

fn storing(slots: &[u64]) -> State {
    let mut genesis = crate::scene::genesis();
    let storage = slots.iter().map(|slot| (U256::from(*slot), U256::from(1))).collect();
    let storer = recourse_execution::GenesisAccount { storage, ..contract(assembler::storer()) };
    genesis.alloc.insert(STORER, storer);
    genesis.build().unwrap()
}

/// The node that a slot's leaf is.
fn leaf_of(state: &State, slot: u64) -> Bytes {
    state.proof(STORER, &[U256::from(slot)]).unwrap().storage[0].nodes.last().unwrap().clone()
}

fn wrote(pre: &State, nonce: u64, pairs: &[(u64, u64)]) -> Recorded {
    let recorded = run(pre, &sign(0, call(nonce, STORER, writes(pairs))));
    withstands(pre.root(), &recorded);
    recorded
}

/// The sibling of what is removed is a leaf, an extension or a branch: each must be there, though nobody reads it.
#[test]
fn a_branch_that_collapses_needs_its_sibling() {
    let gone = 1;
    let away = |slot: &u64| nibble(hashed(*slot), 0) != nibble(hashed(gone), 0);
    let leaf = find(away);
    let beside = |depth: usize| {
        move |slot: &u64| {
            let shares = |at| nibble(hashed(*slot), at) == nibble(hashed(leaf), at);
            (0..depth).all(shares) && !shares(depth)
        }
    };
    let siblings = [vec![leaf], vec![leaf, find(beside(1))], vec![leaf, find(beside(2))]];
    for (kind, rest) in siblings.into_iter().enumerate() {
        let pre = storing(&[&[gone], &rest[..]].concat());
        let recorded = wrote(&pre, 0, &[(gone, 0)]);
        // The child of the root beside the one that is removed.
        let path = pre.proof(STORER, &[U256::from(leaf)]).unwrap().storage.remove(0).nodes;
        let sibling = &path[1];
        let at = recorded.witness.nodes.iter().position(|node| node == sibling);
        let mut witness = recorded.witness.clone();
        witness.nodes.remove(at.unwrap_or_else(|| panic!("sibling {kind} is in the witness")));
        let why = missing_node(keccak256(sibling));
        assert_eq!(ask(pre.root(), &recorded, &witness), Err(why));
    }
}

/// One key goes and another comes in the same branch. Within a transaction inserts go first, so that the branch never
/// collapses and the sibling is not needed; when the removal is a segment of its own, it is.
#[test]
fn the_order_of_inserts_and_removals_is_fixed() {
    let gone = 1;
    let other = |slot: &u64| nibble(hashed(*slot), 0) != nibble(hashed(gone), 0);
    let stays = find(other);
    let comes = find(|slot| other(slot) && nibble(hashed(*slot), 0) != nibble(hashed(stays), 0));
    let pre = storing(&[gone, stays]);
    let sibling = leaf_of(&pre, stays);
    let needs = |recorded: &Recorded| recorded.witness.nodes.contains(&sibling);

    let (removal, insert) = ((gone, 0), (comes, 9));
    let one = wrote(&pre, 0, &[removal, insert]);
    let turned = wrote(&pre, 0, &[insert, removal]);
    assert_eq!(
        one.state.account(STORER).unwrap().unwrap().storage.root(),
        turned.state.account(STORER).unwrap().unwrap().storage.root()
    );
    assert!(!needs(&one) && !needs(&turned));

    let removed = wrote(&pre, 0, &[removal]);
    let then_inserted = wrote(&removed.state, 1, &[insert]);
    assert!(needs(&removed) && !needs(&then_inserted));
    let inserted = wrote(&pre, 0, &[insert]);
    let then_removed = wrote(&inserted.state, 1, &[removal]);
    assert!(!needs(&inserted) && !needs(&then_removed));

    let storage =
        |recorded: &Recorded| recorded.state.account(STORER).unwrap().unwrap().storage.root();
    assert_eq!(storage(&then_inserted), storage(&then_removed));
    assert_eq!(storage(&one), storage(&then_removed));

    // Both transactions in one segment are these steps one after the other.
    in_one_segment(&pre, [removal, insert], true, &sibling, &then_inserted);
    in_one_segment(&pre, [insert, removal], false, &sibling, &then_removed);
}

fn in_one_segment(
    pre: &State,
    writes_of: [(u64, u64); 2],
    needs: bool,
    sibling: &Bytes,
    end: &Recorded,
) {
    let schedule = schedule();
    let raws =
        [0, 1].map(|nonce: u64| sign(0, call(nonce, STORER, writes(&[writes_of[nonce as usize]]))));
    let body =
        recourse_execution::block::BlockBody { transactions: raws.to_vec(), ..Default::default() };
    let recorder = recourse_execution::Recorder::new(&schedule, MAX_WITNESS);
    let both = recorder.piece(pre, &block(), Default::default(), &body).unwrap();
    withstands(pre.root(), &both);
    assert_eq!(both.witness.nodes.contains(sibling), needs);
    assert_eq!(both.state_root, end.state_root);
}

/// A slot that comes and goes within a segment leaves nothing, and one that goes and comes back is what it was.
#[test]
fn what_is_undone_within_a_segment_leaves_nothing() {
    let pre = storing(&[1, 2, 3]);
    let before = pre.account(STORER).unwrap().unwrap().storage.root();
    for pairs in
        [vec![(200, 9), (200, 0)], vec![(1, 0), (1, 1)], vec![(1, 0), (200, 5), (1, 1), (200, 0)]]
    {
        let recorded = wrote(&pre, 0, &pairs);
        assert_eq!(recorded.state.account(STORER).unwrap().unwrap().storage.root(), before);
    }
}

/// An empty account stands in a hostile state (EIP-161 lets none be). A call touches it, it ends, and its branch collapses:
/// the sibling is needed.
#[test]
fn a_touched_empty_account_ends_and_collapses_its_branch() {
    let at = |address: Address, depth| nibble(keccak256(address), depth);
    let sender = account(0);
    let empty = filler(find(|index| at(filler(*index), 0) != at(sender, 0)));
    let neighbour = filler(find(|index| {
        at(filler(*index), 0) == at(empty, 0) && at(filler(*index), 1) != at(empty, 1)
    }));
    let state = Handmade::of(&[
        (keccak256(sender), rich().encode()),
        (keccak256(empty), Account::default().encode()),
        (keccak256(neighbour), rich().encode()),
    ]);
    let raw = sign(0, transfer(0, empty, 0));
    let done = state.run(raw.clone(), vec![]).unwrap();
    settles_by_hand(state.root, &raw, &done);
    // Nobody reads the neighbour, but all that there is is needed: its leaf moves up.
    assert_eq!(done.witness.nodes.len(), state.nodes.len());

    // What is left is the state of the others alone.
    let paid = Account { nonce: 1, balance: rich().balance - fee(), ..rich() };
    let tip = Account { balance: U256::from(21_000 * 7), ..Account::default() };
    let left = Handmade::of(&[
        (keccak256(sender), paid.encode()),
        (keccak256(neighbour), rich().encode()),
        (keccak256(crate::scene::COINBASE), tip.encode()),
    ]);
    assert_eq!(done.state_root, left.root);
}

/// Of a transfer.
fn fee() -> U256 {
    U256::from(21_000 * (crate::scene::BASE_FEE + 7))
}
