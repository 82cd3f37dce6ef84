//! Blocks of one kind of transaction each, as many as pevm's `gigagas` bench has: about 1 Ggas.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use recourse_execution::{RuleSet, cfg_env};
use revm::{
    bytecode::opcode as op,
    context::{BlockEnv, CfgEnv, TxEnv},
};

use crate::{
    assembly::Assembly,
    case::Case,
    flat::{Account, Flat},
};

const RAW: u64 = 47_620;
const ERC20: u64 = 33_628;
const SWAPS: u64 = 6_413;
const CHAIN: u64 = 10_000;

/// A name, and what makes a row of blocks.
type Row = (&'static str, fn() -> Vec<Case>);

/// Rows of different blocks of the same kind, each on the same state.
pub(crate) const ROWS: [Row; 5] = [
    ("small, one hot pool", || (0..40).map(|block| hot_pool(block * 50, 50)).collect()),
    ("one hot pool", || (0..8).map(|block| hot_pool(block * 800, 800)).collect()),
    ("small, ERC-20 clustered", || (0..40).map(|block| cluster(block * 400, 400, 200)).collect()),
    ("ERC-20 clustered", || (0..8).map(|block| cluster(block * 8_000, 8_000, 10_000)).collect()),
    ("ERC-20 disjoint", || (0..8).map(|block| apart(block * 4_000, 4_000)).collect()),
];

pub(crate) const ALL: [fn() -> Case; 8] =
    [raw, raw_to_others, disjoint, clustered, independent_swaps, one_hot_pool, chain, deposits];

fn address(kind: &str, index: u64) -> Address {
    let mut bytes = kind.as_bytes().to_vec();
    bytes.extend(index.to_be_bytes());
    Address::from_word(keccak256(bytes))
}

fn rules() -> (CfgEnv, BlockEnv) {
    let block = BlockEnv {
        beneficiary: address("coinbase", 0),
        number: U256::from(1),
        gas_limit: u64::MAX,
        ..BlockEnv::default()
    };
    (cfg_env(1, RuleSet::OSAKA), block)
}

fn case(name: &str, state: Flat, envs: Vec<TxEnv>) -> Case {
    let (cfg, block) = rules();
    Case::synthetic(name, cfg, block, state, envs).unwrap()
}

fn person(state: &mut Flat, who: Address) {
    let balance = U256::from(4_567_000_000_000_000_000_000_u128);
    state.insert(who, Account { balance, ..Account::default() });
}

fn tx(caller: Address, nonce: u64, to: Address, gas_limit: u64) -> TxEnv {
    TxEnv { caller, nonce, gas_limit, gas_price: 7, kind: to.into(), ..TxEnv::default() }
}

fn words(all: &[U256]) -> Bytes {
    all.iter().flat_map(|word| word.to_be_bytes::<32>()).collect::<Vec<_>>().into()
}

fn word(address: Address) -> U256 {
    address.into_word().into()
}

/// Each sends to itself.
fn raw() -> Case {
    let mut state = Flat::default();
    let envs = (0..RAW).map(|index| {
        let who = address("person", index);
        person(&mut state, who);
        TxEnv { value: U256::from(1), ..tx(who, 0, who, 21_000) }
    });
    let envs = envs.collect();
    case("raw transfers", state, envs)
}

/// Each sends to somebody else, who is there already.
fn raw_to_others() -> Case {
    let mut state = Flat::default();
    let envs = (0..RAW).map(|index| {
        let (who, to) = (address("person", index), address("other", index));
        person(&mut state, who);
        person(&mut state, to);
        TxEnv { value: U256::from(1), ..tx(who, 0, to, 21_000) }
    });
    let envs = envs.collect();
    case("raw transfers to others", state, envs)
}

/// All send to one.
fn deposits() -> Case {
    let mut state = Flat::default();
    let to = address("exchange", 0);
    person(&mut state, to);
    let envs = (0..RAW).map(|index| {
        let who = address("person", index);
        person(&mut state, who);
        TxEnv { value: U256::from(1), ..tx(who, 0, to, 21_000) }
    });
    let envs = envs.collect();
    case("raw transfers to one", state, envs)
}

const TRANSFER: u64 = 1;
const TRANSFER_FROM: u64 = 2;
const BALANCE_OF: u64 = 3;

fn balance_slot(who: Address) -> U256 {
    keccak256(words(&[word(who), U256::ZERO])).into()
}

fn allowance_slot(owner: Address, spender: Address) -> U256 {
    keccak256(words(&[word(owner), word(spender)])).into()
}

/// A token: calldata is a function and its arguments, a word each.
fn token() -> Vec<u8> {
    let is = |code: Assembly, function: u64, label| {
        code.arg(0).push(function).ops(&[op::EQ]).jump_if(label)
    };
    let code = is(Assembly::new(), TRANSFER, "transfer");
    let code = is(code, TRANSFER_FROM, "from");
    // balanceOf(who)
    let code = code
        .arg(1)
        .put(0)
        .ops(&[op::PUSH0])
        .put(1)
        .push(64_u64)
        .ops(&[op::PUSH0, op::KECCAK256, op::SLOAD])
        .put(0);
    let code = code.push(32_u64).ops(&[op::PUSH0, op::RETURN]);
    // transfer(to, amount)
    let code =
        code.label("transfer").arg(2).arg(1).ops(&[op::CALLER, op::PUSH1, 1]).jump_if("move");
    // transferFrom(from, to, amount): the allowance first
    let code = code
        .label("from")
        .arg(1)
        .put(0)
        .ops(&[op::CALLER])
        .put(1)
        .push(64_u64)
        .ops(&[op::PUSH0, op::KECCAK256, op::DUP1, op::SLOAD])
        .arg(3)
        .ops(&[op::DUP1, op::DUP3, op::LT])
        .jump_if("revert")
        .ops(&[op::SWAP1, op::SUB, op::SWAP1, op::SSTORE])
        .arg(3)
        .arg(2)
        .arg(1);
    // [amount, to, from]
    let slot = |code: Assembly| {
        code.put(0).ops(&[op::PUSH0]).put(1).push(64_u64).ops(&[op::PUSH0, op::KECCAK256])
    };
    let code = slot(code.label("move").ops(&[op::DUP1]));
    // [amount, to, from, slot]
    let code = code
        .ops(&[op::DUP1, op::SLOAD, op::DUP5, op::DUP2, op::LT])
        .jump_if("revert")
        .ops(&[op::DUP5, op::SWAP1, op::SUB, op::SWAP1, op::SSTORE]);
    // [amount, to, from]
    let code = slot(code.ops(&[op::DUP2]))
        .ops(&[op::DUP1, op::SLOAD, op::DUP5, op::ADD, op::SWAP1, op::SSTORE])
        .ops(&[op::DUP3])
        .put(0)
        .push(U256::from_be_bytes(keccak256("Transfer(address,address,uint256)").0))
        .push(32_u64)
        .ops(&[op::PUSH0, op::LOG3])
        .push(1_u64)
        .put(0);
    code.build()
}

fn token_with(balances: &[(Address, u64)], allowances: &[(Address, Address)]) -> Account {
    let mut account = Flat::contract(token());
    for (who, balance) in balances {
        account.storage.insert(balance_slot(*who), U256::from(*balance));
    }
    for (owner, spender) in allowances {
        account.storage.insert(allowance_slot(*owner, *spender), U256::from(u64::MAX));
    }
    account
}

fn transfer(from: Address, nonce: u64, token: Address, to: Address) -> TxEnv {
    let data = words(&[U256::from(TRANSFER), word(to), U256::from(nonce + 1)]);
    TxEnv { data, ..tx(from, nonce, token, 60_000) }
}

/// ERC-20 transfers, each to oneself.
fn disjoint() -> Case {
    apart(0, ERC20)
}

fn apart(first: u64, count: u64) -> Case {
    let mut state = Flat::default();
    let people: Vec<_> = (first..first + count).map(|index| address("person", index)).collect();
    people.iter().for_each(|who| person(&mut state, *who));
    let balances: Vec<_> = people.iter().map(|who| (*who, 1 << 40)).collect();
    let token = address("token", 0);
    state.insert(token, token_with(&balances, &[]));
    let envs = people.iter().map(|who| transfer(*who, 0, token, *who)).collect();
    case("ERC-20, disjoint", state, envs)
}

/// ERC-20 transfers among the ten people of each of a thousand families.
fn clustered() -> Case {
    cluster(0, ERC20, 10_000)
}

/// So many transfers among so many people, drawn from `first` on.
fn cluster(first: u64, transfers: u64, of: u64) -> Case {
    let mut state = Flat::default();
    let people: Vec<_> = (0..of).map(|index| address("person", index)).collect();
    people.iter().for_each(|who| person(&mut state, *who));
    let balances: Vec<_> = people.iter().map(|who| (*who, 1 << 40)).collect();
    let token = address("token", 0);
    state.insert(token, token_with(&balances, &[]));
    let envs = (0..transfers).map(|index| {
        let (who, nonce) = (index % of, index / of);
        let drawn = u64::from(keccak256((first + index).to_be_bytes())[0]) % 10;
        let to = people[(who / 10 * 10 + drawn) as usize];
        transfer(people[who as usize], nonce, token, to)
    });
    case("ERC-20, clustered", state, envs.collect())
}

/// A pool of two tokens: `swap(amount, to)`, called by a router that pays when it is asked to.
fn pool() -> Vec<u8> {
    // Slots 0 and 1: the tokens; 2: the price; 3: liquidity; 4, 5: fees; 6: observations.
    let sload = |code: Assembly, slot: u64| code.push(slot).ops(&[op::SLOAD]);
    let balance = |code: Assembly| {
        let code = code.push(BALANCE_OF).put(0).ops(&[op::ADDRESS]).put(1);
        sload(code, 0).call(2).get(0)
    };
    let code = sload(sload(Assembly::new(), 2), 3).ops(&[op::ADD]).arithmetic("price", 300);
    // [price]
    let code = code
        .push(TRANSFER)
        .put(0)
        .arg(1)
        .put(1)
        .arg(0)
        .push(3_u64)
        .ops(&[op::SWAP1, op::SUB])
        .put(2);
    let code = sload(code, 1).call(3);
    let code = balance(code);
    // [price, before]: the router pays
    let code = code.push(9_u64).put(0).arg(0).put(1).ops(&[op::CALLER]).call(2);
    let code = balance(code).ops(&[op::GT, op::ISZERO]).jump_if("revert");
    // [price]
    let code = code.ops(&[op::DUP1]).arithmetic("fees", 300);
    let code = code.ops(&[op::DUP1, op::PUSH1, 4, op::SSTORE, op::DUP1, op::PUSH1, 5, op::SSTORE]);
    let code = code.ops(&[op::PUSH1, 6, op::SSTORE, op::DUP1, op::PUSH1, 2, op::SSTORE]).put(0);
    code.push(32_u64).ops(&[op::PUSH0, op::LOG0]).build()
}

/// `swap(pool, amount, token)`: takes the amount, swaps it, pays when the pool asks.
fn router() -> Vec<u8> {
    let code = Assembly::new().arg(0).push(9_u64).ops(&[op::EQ]).jump_if("pay");
    let code = code
        .push(TRANSFER_FROM)
        .put(0)
        .ops(&[op::CALLER])
        .put(1)
        .ops(&[op::ADDRESS])
        .put(2)
        .arg(1)
        .put(3);
    let code = code.arg(2).call(4);
    // Which token is to be paid.
    let code = code.arg(2).ops(&[op::PUSH0, op::TSTORE]);
    let code = code.arg(1).put(0).ops(&[op::CALLER]).put(1).arg(0).call(2);
    let code = code.push(32_u64).ops(&[op::PUSH0, op::RETURN]);
    let code = code.label("pay").push(TRANSFER).put(0).ops(&[op::CALLER]).put(1).arg(1).put(2);
    code.ops(&[op::PUSH0, op::TLOAD]).call(3).build()
}

/// A pool, its tokens and its router; those who swap have the first token.
fn exchange(state: &mut Flat, index: u64, people: &[Address]) -> [Address; 3] {
    let [pool_at, one, two, router_at] =
        ["pool", "one", "two", "router"].map(|kind| address(kind, index));
    let allowances: Vec<_> = people.iter().map(|who| (*who, router_at)).collect();
    let mut balances: Vec<_> = people.iter().map(|who| (*who, 1_u64 << 40)).collect();
    balances.extend([(pool_at, 1 << 50), (router_at, 1)]);
    state.insert(one, token_with(&balances, &allowances));
    state.insert(two, token_with(&balances, &[]));
    let mut account = Flat::contract(pool());
    let slots = [word(one), word(two), U256::from(1_u64 << 30), U256::from(1_u64 << 40)];
    account.storage.extend((0..).map(U256::from).zip(slots));
    account.storage.extend((4..7).map(|slot| (U256::from(slot), U256::from(1))));
    state.insert(pool_at, account);
    state.insert(router_at, Flat::contract(router()));
    [router_at, pool_at, one]
}

fn swap(who: Address, [router, pool, token]: [Address; 3]) -> TxEnv {
    let data = words(&[word(pool), U256::from(1_000), word(token)]);
    TxEnv { data, ..tx(who, 0, router, 400_000) }
}

fn independent_swaps() -> Case {
    let mut state = Flat::default();
    let envs = (0..SWAPS).map(|index| {
        let who = address("person", index);
        person(&mut state, who);
        swap(who, exchange(&mut state, index, &[who]))
    });
    let envs = envs.collect();
    case("Uniswap-like, independent", state, envs)
}

fn one_hot_pool() -> Case {
    hot_pool(0, SWAPS)
}

fn hot_pool(first: u64, count: u64) -> Case {
    let mut state = Flat::default();
    let people: Vec<_> = (first..first + count).map(|index| address("person", index)).collect();
    people.iter().for_each(|who| person(&mut state, *who));
    let exchange = exchange(&mut state, 0, &people);
    let envs = people.iter().map(|who| swap(*who, exchange)).collect();
    case("Uniswap-like, one hot pool", state, envs)
}

/// Each begins with what the one before it ends with.
fn chain() -> Case {
    let code = Assembly::new().ops(&[op::PUSH0, op::SLOAD]).arithmetic("work", 700);
    let code = code.ops(&[op::PUSH0, op::SSTORE]).build();
    let mut state = Flat::default();
    let contract = address("chain", 0);
    let mut account = Flat::contract(code);
    account.storage.insert(U256::ZERO, B256::repeat_byte(3).into());
    state.insert(contract, account);
    let envs = (0..CHAIN).map(|index| {
        let who = address("person", index);
        person(&mut state, who);
        tx(who, 0, contract, 400_000)
    });
    let envs = envs.collect();
    case("one serial chain", state, envs)
}
