//! Estimates say no where the transaction would fail by the provability rule.

use std::sync::Arc;

use alloy::rpc::types::TransactionRequest;
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use recourse_execution::{Genesis, GenesisAccount, Schedule, State, StateExecutor};
use recourse_proposer::{
    chain::{ChainSettings, L2Chain},
    journal::Journal,
    pool::Limits,
    sequence::{Position, genesis_block},
};
use recourse_protocol::{
    Checkpoint, Executor as _, GENESIS_BASE_FEE, L2Config, MAX_TX_GAS, TxPosition,
    bindings::BlockContext,
};
use recourse_rpc::{BlockPoint, Call, Chain as _, ChainError, estimate_gas};
use revm::context::TxEnv;

use crate::{
    shown::store,
    world::{CHAIN, START, World, call, key, l2},
};

const COINBASE: Address = Address::repeat_byte(0xfe);
const READER: Address = Address::repeat_byte(0x2e);

/// Reads accounts, another one's code, slots, and a block hash; writes a slot.
fn reader() -> Bytes {
    let mut code = Vec::new();
    for n in 1..40 {
        code.extend([0x60, n, 0x31, 0x50]); // BALANCE
        code.extend([0x60, n, 0x54, 0x50]); // SLOAD
    }
    code.extend([0x60, 0x07, 0x3b, 0x50]); // EXTCODESIZE
    code.extend([0x60, 0x00, 0x40, 0x50]); // BLOCKHASH
    code.extend([0x60, 0x01, 0x60, 0x77, 0x55]); // SSTORE
    code.into()
}

fn state() -> State {
    let rich = GenesisAccount { balance: U256::from(10u128.pow(21)), ..Default::default() };
    let address = |n: u64| Address::left_padding_from(&n.to_be_bytes());
    let mut alloc: std::collections::BTreeMap<_, _> =
        (1..300).map(|n| (address(n), rich.clone())).collect();
    alloc.insert(key(1).address(), rich.clone());
    alloc.insert(address(7), GenesisAccount { code: vec![0xfe; 500].into(), ..rich.clone() });
    let storage = (1..60).map(|n| (U256::from(n), U256::from(n))).collect();
    alloc.insert(READER, GenesisAccount { code: reader(), storage, ..rich });
    Genesis { alloc }.build().unwrap()
}

fn chain(max_witness_bytes: u32) -> L2Chain {
    let (world, state) = (World::new(), state());
    let at = Checkpoint { state_root: state.root(), ..world.genesis.at };
    let genesis = Position { at, state: state.clone() };
    let block = genesis_block(&genesis.at, &world.l1.views[0], &l2(), state.clone());
    let settings = ChainSettings {
        l2: L2Config { max_witness_bytes, ..l2() },
        max_tx_bytes: 5_000,
        pool: Limits { transactions: 10, per_sender: 10, bytes: 10_000 },
        coinbase: COINBASE,
    };
    L2Chain::new(&settings, (block, state), Arc::new(Journal::new(store())), None)
}

/// Whether the mined transaction fails by the rule.
fn is_exhausted(max_witness_bytes: u32) -> bool {
    let block = BlockContext {
        chainId: CHAIN,
        number: 1,
        timestamp: START + 1,
        gasLimit: l2().gas_limit,
        baseFee: U256::from(GENESIS_BASE_FEE),
        prevRandao: Default::default(),
        coinbase: COINBASE,
    };
    let state = state();
    let raw = call(1, TxEip1559 { to: TxKind::Call(READER), ..Default::default() });
    let mut executor = StateExecutor::new(state.clone(), Schedule::osaka(), max_witness_bytes);
    executor.transact(state.root(), &block, TxPosition::default(), &raw).unwrap();
    executor.take_executed()[0].exhausted
}

fn request() -> TransactionRequest {
    TransactionRequest { from: Some(key(1).address()), ..Default::default() }.to(READER)
}

fn is_refused<T>(answer: &Result<T, ChainError>) -> bool {
    matches!(answer, Err(ChainError::Halted(text)) if text.contains("bytes of state"))
}

/// To the byte.
#[test]
fn an_estimate_ends_where_the_mined_transaction_does() {
    let (mut low, mut high) = (0u32, 1 << 20);
    assert!(!is_exhausted(high));
    while low + 1 < high {
        let middle = low.midpoint(high);
        if is_exhausted(middle) { low = middle } else { high = middle }
    }
    assert!(high > 5_000, "{high}");
    let gas = estimate_gas(&chain(high), &request()).unwrap();
    assert!((100_000..300_000).contains(&gas), "{gas}");
    assert!(is_refused(&estimate_gas(&chain(low), &request())));
}

/// With more gas than a transaction can have it is none.
#[test]
fn a_read_is_not_bound() {
    let run = |gas_limit: u64| {
        let chain = chain(1_000);
        let mut env = chain.env(BlockPoint::Pending).unwrap();
        env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
        env.cfg_env.disable_base_fee = true;
        let (caller, kind) = (key(1).address(), TxKind::Call(READER));
        let tx = TxEnv { caller, kind, gas_limit, chain_id: Some(CHAIN), ..TxEnv::default() };
        chain.execute(BlockPoint::Pending, Call { env, base_fee: 0, tx, overrides: None })
    };
    assert!(run(MAX_TX_GAS + 1).unwrap().result.is_success());
    assert!(is_refused(&run(MAX_TX_GAS)));
}
