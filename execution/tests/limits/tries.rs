//! The deepest tries that a hostile state can have: a branch at each of the 64 nibbles, in the account trie and in the
//! storage under it. No real state is like that; the pre state root of a claim can be anything.

use std::collections::BTreeMap;

use alloy::{consensus::TxEip1559, eips::eip2935};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use alloy_trie::Nibbles;
use recourse_execution::{
    Account, Claim, Witness, replay,
    state::Slot,
    stateless,
    trie::{InMemory, Trie, Value},
};
use recourse_protocol::{
    MAX_TX_GAS,
    bindings::{Credit, Trace},
};
use revm::bytecode::opcode as op;

use crate::{
    assembler::{self, Code},
    scene::{self, COINBASE, account, block, call, schedule, sign, transfer, writes},
    small::{MIB, QUARTER, STACK, ask_on},
};

const TARGET: Address = Address::repeat_byte(0xd3);
const EMPTY: Address = Address::repeat_byte(0xd4);

/// A key, and for each depth another one that parts from it there.
fn with_neighbours(key: B256) -> impl Iterator<Item = Nibbles> {
    let key = Nibbles::unpack(key);
    let neighbour = move |depth: usize| {
        let mut other = key;
        other.set_at(depth, key.get(depth).unwrap() ^ 1);
        other
    };
    std::iter::once(key).chain((0..64).map(neighbour))
}

/// Puts a value under a key and others around it.
fn plant<V: Value>(trie: &mut Trie<V>, key: B256, value: &V, other: &V) -> Vec<Nibbles> {
    let keys: Vec<_> = with_neighbours(key).collect();
    for (index, key) in keys.iter().enumerate() {
        let value = if index == 0 { value } else { other };
        trie.apply([(key, Some(value.clone()))], &mut InMemory).unwrap();
    }
    keys
}

fn slot_key(slot: u64) -> B256 {
    keccak256(U256::from(slot).to_be_bytes::<32>())
}

/// A state by its root, and all nodes of it.
struct Deep {
    root: B256,
    witness: Witness,
}

fn deep() -> Deep {
    let mut storage = Trie::<Slot>::default();
    let value = Slot(U256::MAX);
    let slots = plant(&mut storage, slot_key(1), &value, &value);
    let code = assembler::storer();
    let target = Account {
        nonce: 1,
        code_hash: keccak256(&code),
        storage: storage.clone(),
        ..Account::default()
    };
    let rich = Account { balance: U256::from(10).pow(U256::from(20)), ..Account::default() };
    let other = Account { balance: U256::from(1), ..Account::default() };
    let accounts: BTreeMap<_, _> = [
        (account(0), rich),
        (COINBASE, other.clone()),
        (TARGET, target),
        (EMPTY, Account::default()),
    ]
    .into();
    let mut trie = Trie::<Account>::default();
    let planted: Vec<_> = accounts
        .iter()
        .flat_map(|(address, account)| plant(&mut trie, keccak256(address), account, &other))
        .collect();
    let mut nodes: Vec<Bytes> = planted.iter().flat_map(|key| trie.proof(key).unwrap()).collect();
    nodes.extend(slots.iter().flat_map(|key| storage.proof(key).unwrap()));
    nodes.sort();
    nodes.dedup();
    assert_eq!(trie.proof(&planted[0]).unwrap().len(), 65);
    assert_eq!(storage.proof(&slots[0]).unwrap().len(), 65);
    Deep { root: trie.root(), witness: Witness { nodes, codes: vec![code] } }
}

/// Runs, and is true on little stack.
fn is_true(deep: &Deep, transactions: Vec<Bytes>, credits: Vec<Credit>) {
    let mut trace = Trace {
        context: block(),
        seals: true,
        credits,
        transactions,
        maxWitnessBytes: scene::MAX_WITNESS,
        ..Trace::default()
    };
    let ran = stateless(deep.root, &trace, &schedule(), deep.witness.clone()).unwrap();
    trace.receiptDigestAfter = ran.receipt_digest;
    for witness in [&ran.witness, &deep.witness] {
        trace.witness = witness.encode();
        let bytes = trace.abi_encode();
        let claim =
            Claim { pre: deep.root, post: ran.state_root, trace: &bytes, gas_used: ran.gas_used };
        for stack in [STACK, QUARTER] {
            assert_eq!(ask_on(stack, &claim, &schedule()).0, Ok(()));
        }
        assert!(replay(&Claim { post: deep.root, ..claim }, &schedule(), &|_| None).is_err());
    }
}

#[test]
fn reads_and_writes_of_the_deepest_slots() {
    let store = |pairs: &[(u64, u64)]| vec![sign(0, call(0, TARGET, writes(pairs)))];
    let deep = deep();
    is_true(&deep, store(&[(1, 5)]), Vec::new());
    // Removes the slot: the last branch collapses.
    is_true(&deep, store(&[(1, 0)]), Vec::new());
    is_true(&deep, store(&[(1, 0), (2, 1), (3, 1)]), Vec::new());
}

/// `BLOCKHASH` costs 20 gas, and whoever asks chooses how deep the trie is that it reads, and how much may be used.
#[test]
fn block_hashes_of_the_deepest_trie_again_and_again() {
    let asked = block().number - 1;
    let mut code = Code::new().op(op::JUMPDEST).push(asked);
    for _ in 0..8_000 {
        code = code.ops(&[op::DUP1, op::BLOCKHASH, op::POP]);
    }
    let code = code.ops(&[op::PUSH0, op::JUMP]).build();
    let mut storage = Trie::<Slot>::default();
    let value = Slot(U256::MAX);
    let slots = plant(&mut storage, slot_key(asked % 8_191), &value, &value);
    let of = |code: &Bytes, storage: Trie<Slot>| Account {
        nonce: 1,
        code_hash: keccak256(code),
        storage,
        ..Account::default()
    };
    let history = of(&eip2935::HISTORY_STORAGE_CODE, storage.clone());
    let rich = Account { balance: U256::from(10).pow(U256::from(20)), ..Account::default() };
    let accounts = [
        (account(0), rich),
        (TARGET, of(&code, Trie::default())),
        (eip2935::HISTORY_STORAGE_ADDRESS, history),
    ];
    let mut trie = Trie::<Account>::default();
    let keys = accounts.map(|(address, account)| {
        let key = Nibbles::unpack(keccak256(address));
        trie.apply([(&key, Some(account))], &mut InMemory).unwrap();
        key
    });
    let mut nodes: Vec<Bytes> = keys.iter().flat_map(|key| trie.proof(key).unwrap()).collect();
    nodes.extend(trie.proof(&Nibbles::unpack(keccak256(COINBASE))).unwrap());
    nodes.extend(storage.proof(&slots[0]).unwrap());
    let witness = Witness { nodes, codes: vec![code] };
    let raw = sign(0, TxEip1559 { gas_limit: MAX_TX_GAS, ..call(0, TARGET, Bytes::new()) });
    let mut trace = Trace {
        context: block(),
        transactions: vec![raw],
        maxWitnessBytes: u32::MAX,
        ..Trace::default()
    };
    let ran = stateless(trie.root(), &trace, &schedule(), witness.clone()).unwrap();
    assert_eq!(ran.gas_used, MAX_TX_GAS);
    trace.receiptDigestAfter = ran.receipt_digest;
    trace.witness = witness.encode();
    let bytes = trace.abi_encode();
    let claim =
        Claim { pre: trie.root(), post: ran.state_root, trace: &bytes, gas_used: ran.gas_used };
    let (answer, bytes) = ask_on(STACK, &claim, &schedule());
    assert_eq!(answer, Ok(()));
    assert!(bytes < 16 * MIB, "{} MiB", bytes / MIB);
}

/// An empty account that is touched ends (EIP-161), and its neighbour moves up.
#[test]
fn removals_of_the_deepest_accounts() {
    let deep = deep();
    is_true(&deep, vec![sign(0, transfer(0, EMPTY, 0))], Vec::new());
    let nothing = Credit { to: EMPTY, amountGwei: 0 };
    is_true(&deep, Vec::new(), vec![nothing]);
    let something = [COINBASE, EMPTY, TARGET].map(|to| Credit { to, amountGwei: 7 });
    is_true(&deep, vec![sign(0, transfer(0, EMPTY, 1))], something.into());
}
