//! A little L1 in memory and accounts with money on L2.

use std::{collections::BTreeMap, sync::Arc};

use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use recourse_execution::{Genesis, GenesisAccount, State};
use recourse_proposer::{
    pool::{AccountFacts, Limits, Pool, Rules},
    sequence::{CutBatch, Engine, L2Block, Position, Terms, genesis_block},
};
use recourse_protocol::{
    Batch, BatchIndex, Checkpoint, GENESIS_BASE_FEE, L2Config, MemoryInputs, View, ViewIndex,
    bindings::Credit,
};

pub const CHAIN: u64 = 901;
pub const GWEI: u128 = 1_000_000_000;
pub const START: u64 = 1_700_000_000;

pub fn l2() -> L2Config {
    L2Config { chain_id: CHAIN, gas_limit: 1 << 28, block_time: 1, max_witness_bytes: 1 << 20 }
}

pub fn key(n: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(n)).unwrap()
}

pub struct World {
    pub l1: MemoryInputs,
    pub genesis: Position,
}

impl World {
    /// Accounts 1 to 9 have 1,000 ether each; view 0 is at START.
    pub fn new() -> Self {
        let rich = GenesisAccount { balance: U256::from(10u128.pow(21)), ..Default::default() };
        let alloc: BTreeMap<_, _> = (1..10).map(|n| (key(n).address(), rich.clone())).collect();
        let state: State = Genesis { alloc }.build().unwrap();
        let mut world = Self {
            l1: MemoryInputs::default(),
            genesis: Position { at: Checkpoint::default(), state },
        };
        world.view(START, 0, 0);
        let at = Checkpoint {
            state_root: world.genesis.state.root(),
            timestamp: START,
            base_fee: U256::from(GENESIS_BASE_FEE),
            batch: BatchIndex(1),
            ..Checkpoint::default()
        };
        let position = Position { at, state: world.genesis.state.clone() };
        let parent_hash = world.block_zero(&position).hash();
        world.genesis = Position { at: Checkpoint { parent_hash, ..at }, ..position };
        world
    }

    pub fn block_zero(&self, genesis: &Position) -> L2Block {
        genesis_block(&genesis.at, &self.l1.views[0], &l2(), genesis.state.clone())
    }

    /// Records a view with these queue ends.
    pub fn view(&mut self, l1_timestamp: u64, deposits_end: u64, forced_end: u64) -> ViewIndex {
        let index = self.l1.views.len() as u32;
        self.l1.views.push(View {
            l1_hash: B256::from(U256::from(l1_timestamp)),
            l1_number: l1_timestamp - START,
            l1_timestamp,
            prev_randao: B256::repeat_byte(index as u8),
            deposits_end,
            forced_end,
        });
        ViewIndex(index)
    }

    pub fn deposit(&mut self, to: Address, gwei: u64) {
        self.l1.deposits.push(Credit { to, amountGwei: gwei });
    }

    /// Appends a cut batch at an L1 time, as the Inbox does: with a view of its own.
    pub fn append(&mut self, batch: &CutBatch, l1_timestamp: u64) {
        assert_eq!(batch.index.0, self.l1.batches.len() as u64 + 1);
        let newest = *self.l1.views.last().unwrap();
        self.view(l1_timestamp, newest.deposits_end, newest.forced_end);
        let real = Batch {
            previous: self.l1.batches.last().map(|(b, _)| b.hash()).unwrap_or_default(),
            l1_hash: self.l1.views.last().unwrap().l1_hash,
            versioned_hashes: vec![B256::repeat_byte(1); batch.payloads.len()],
            fee_recipient: batch.terms.fee_recipient,
            l1_timestamp,
            view_count: self.l1.views.len() as u32,
            min_view: batch.terms.min_view,
        };
        self.l1.batches.push((Arc::new(real), batch.payloads.clone()));
    }

    /// What derivation makes of L1 from the genesis on.
    pub fn derive(&self) -> (Position, Vec<L2Block>) {
        let mut engine = Engine::new(l2(), self.genesis.clone());
        let mut blocks = Vec::new();
        let end = self.l1.batches.len() as u64 + 1;
        while engine.at().batch.0 < end {
            blocks.extend(engine.step(&self.l1).unwrap().block);
        }
        (engine.position(), blocks)
    }
}

pub fn terms(min_view: ViewIndex) -> Terms {
    Terms { fee_recipient: Address::repeat_byte(0xfe), min_view }
}

pub fn pool() -> Pool {
    Pool::new(Limits { transactions: 10_000, per_sender: 1_000, bytes: 1 << 26 })
}

pub fn rich() -> AccountFacts {
    AccountFacts { nonce: 0, balance: U256::from(10u128.pow(21)), is_contract: false }
}

pub fn transfer(from: u8, nonce: u64, to: Address, value: u128) -> Bytes {
    call(
        from,
        TxEip1559 { nonce, to: TxKind::Call(to), value: U256::from(value), ..Default::default() },
    )
}

/// Signs a transaction with fees and gas that suffice, unless it names its gas.
pub fn call(from: u8, tx: TxEip1559) -> Bytes {
    let gas_limit = if tx.gas_limit == 0 { 500_000 } else { tx.gas_limit };
    let tx = TxEip1559 {
        chain_id: CHAIN,
        gas_limit,
        max_fee_per_gas: 10 * GWEI,
        max_priority_fee_per_gas: GWEI,
        ..tx
    };
    let signature = key(from).sign_hash_sync(&tx.signature_hash()).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

/// Puts a transaction into the pool as the pool's own rules would.
pub fn put(pool: &mut Pool, raw: Bytes) {
    let rules = Rules { chain_id: CHAIN, max_tx_bytes: 120_000 };
    pool.insert(rules.check(&raw).unwrap(), raw, &rich()).unwrap();
}
