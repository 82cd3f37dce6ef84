//! An L2 whose first batches exercise every rule of the tape.

use std::{collections::BTreeMap, sync::Arc};

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEip7702, TxEnvelope},
    eips::{eip2718::Encodable2718, eip7702::Authorization},
    network::TxSignerSync,
    signers::{SignerSync, local::PrivateKeySigner},
};
use alloy_eips::eip4844::Blob;
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, hex, keccak256};
use alloy_sol_types::SolCall;
use recourse_bisection::ClaimRange;
use recourse_execution::{Genesis, GenesisAccount, Schedule, State};
use recourse_protocol::{
    BatchIndex, Checkpoint, L2Config, Limits, Payload, Periods, StepIndex, TapeWriter,
    bindings::{IInbox, IStepVerifier},
};
use recourse_trace_builder::{BatchHistory, ClaimHashes, ClaimHistory, Derivation, Snapshot};

use crate::l1::{FORCE_DELAY, L1};

pub const L2: L2Config =
    L2Config { chain_id: 7_777, gas_limit: 1 << 28, block_time: 1, max_witness_bytes: 1 << 20 };
pub const PERIODS: Periods = Periods {
    challenge_window: 7000,
    response_period: 1500,
    force_delay: FORCE_DELAY,
    withdrawal_delay: 0,
};
pub const SINK: Address = Address::repeat_byte(0x99);

pub fn limits(arity: u32) -> Limits {
    let levels = (1..=24).find(|levels| u64::from(arity).pow(*levels) >= 1 << 24).unwrap() as u8;
    Limits {
        arity,
        levels,
        claim_bond: U256::from(10).pow(U256::from(18)),
        challenge_bond: U256::from(10).pow(U256::from(17)),
        force_fee: U256::from(10).pow(U256::from(15)),
        min_deposit_gwei: 100_000,
        // A finney a kilobyte.
        chunk_reward: U256::from(10).pow(U256::from(12)),
    }
}

pub fn key(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256([0x4b, index])).unwrap()
}

pub fn genesis() -> State {
    let rich =
        GenesisAccount { balance: U256::from(10).pow(U256::from(20)), ..GenesisAccount::default() };
    // Stores calldata's second word under its first, and reverts without calldata.
    let storer = GenesisAccount {
        nonce: 1,
        code: hex!("3615600d576020355f3555005b5f5ffd").into(),
        storage: (1..9u64).map(|slot| (U256::from(slot), U256::from(7))).collect(),
        ..GenesisAccount::default()
    };
    let accounts = (0..4).map(|index| (key(index).address(), rich.clone()));
    let fillers = (0..60u64).map(|index| {
        let address = Address::from_slice(&keccak256(index.to_be_bytes())[..20]);
        (address, GenesisAccount { balance: U256::from(1), ..GenesisAccount::default() })
    });
    let alloc: BTreeMap<_, _> =
        accounts.chain(fillers).chain([(Address::repeat_byte(0x51), storer)]).collect();
    Genesis { alloc }.build().unwrap()
}

const STORER: Address = Address::repeat_byte(0x51);

pub fn tx(nonce: u64, to: TxKind, value: u64, input: Bytes) -> TxEip1559 {
    TxEip1559 {
        chain_id: L2.chain_id,
        nonce,
        gas_limit: 500_000,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 3,
        to,
        value: U256::from(value),
        input,
        ..TxEip1559::default()
    }
}

pub fn sign<T>(from: u8, mut tx: T) -> Bytes
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<alloy::consensus::Signed<T>>,
{
    let signature = key(from).sign_transaction_sync(&mut tx).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

pub fn transfer(from: u8, nonce: u64, value: u64) -> Bytes {
    sign(from, tx(nonce, SINK.into(), value, Bytes::new()))
}

fn store(nonce: u64, slot: u64, value: u64) -> Bytes {
    let words = [U256::from(slot).to_be_bytes::<32>(), U256::from(value).to_be_bytes::<32>()];
    sign(0, tx(nonce, STORER.into(), 0, words.concat().into()))
}

fn delegation() -> Bytes {
    let authorization =
        Authorization { chain_id: U256::from(L2.chain_id), address: STORER, nonce: 0 };
    let signature = key(3).sign_hash_sync(&authorization.signature_hash()).unwrap();
    let tx = TxEip7702 {
        chain_id: L2.chain_id,
        nonce: 1,
        gas_limit: 200_000,
        max_fee_per_gas: 20_000_000_000,
        to: SINK,
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    };
    sign(1, tx)
}

/// Blobs of the first batch. Its elements' top bytes are not zero where KZG allows it: a tape ignores them.
fn first_blobs(now: u64) -> Vec<Box<Blob>> {
    let mut full = TapeWriter::default();
    full.tx(&transfer(0, 0, 1)).unwrap(); // no block is open
    full.open(now, 1).unwrap();
    full.tx(&transfer(0, 0, 1)).unwrap();
    full.tx(&store(1, 3, 9)).unwrap();
    full.tx(&store(2, 4, 0)).unwrap(); // deletes
    full.tx(&sign(0, tx(3, STORER.into(), 0, Bytes::new()))).unwrap(); // reverts
    full.tx(&transfer(0, 77, 1)).unwrap(); // wrong nonce
    full.tx(b"no transaction").unwrap();
    full.tx(&[]).unwrap();
    // Creates a contract of 3 bytes.
    let initcode = hex!("625f5ff35f526003601df3");
    full.tx(&sign(0, tx(4, TxKind::Create, 0, initcode.into()))).unwrap();
    full.tx(&delegation()).unwrap();
    full.open(now, 0).unwrap(); // seals, opens
    full.tx(&transfer(0, 5, 2)).unwrap();
    full.open(u64::MAX, u32::MAX).unwrap(); // seals, opens at the last possible second
    full.open(now, 1).unwrap(); // seals, and then no timestamp is left
    let mut unknown = vec![7, 0, 0, 0];
    unknown.resize(40, 0xff);
    let cut = [2, 0xff, 0xff, 0xff, 0];
    let mut blobs: Vec<_> = [full.into_bytes(), unknown, cut.to_vec()]
        .iter()
        .map(|bytes| Payload::new(bytes).unwrap().to_blob())
        .collect();
    for top in blobs[0].chunks_exact_mut(32).map(|element| &mut element[0]) {
        *top = 0x55;
    }
    blobs
}

/// An L1 with three batches on it: one of everything, one that must serve what is left of the queues without an item of
/// its own, and a plain one.
pub fn chain(arity: u32) -> (L1, Chain) {
    let state = genesis();
    let mut l1 = L1::deploy(&state, &L2, PERIODS, limits(arity));
    let checkpoint = genesis_checkpoint(&mut l1, &state);
    l1.mine(12);
    for index in 0..60u64 {
        let deposit = IInbox::depositCall { to: Address::with_last_byte(100 + index as u8) };
        l1.call(l1.inbox, &deposit, U256::from(10).pow(U256::from(15)) * U256::from(index + 1));
    }
    for raw in [transfer(2, 0, 5), Bytes::from_static(b"garbage")] {
        l1.call(l1.inbox, &IInbox::forceCall { rawTransaction: raw }, limits(arity).force_fee);
    }
    l1.mine(12);
    l1.call(l1.inbox, &IInbox::pokeCall {}, U256::ZERO);
    l1.mine(60);
    l1.append(SINK, 0, &first_blobs(l1.now - 30));
    l1.mine(FORCE_DELAY / 2);
    l1.append(SINK, 1, &[Box::new(Blob::ZERO)]);
    l1.mine(12);
    let mut plain = TapeWriter::default();
    plain.open(l1.now, 2).unwrap();
    plain.tx(&transfer(0, 6, 3)).unwrap();
    plain.tx(&store(7, 3, 0)).unwrap();
    plain.open(l1.now, 2).unwrap(); // seals without a deposit
    l1.append(SINK, 1, &[Payload::new(&plain.into_bytes()).unwrap().to_blob()]);
    l1.mine(12);
    let chain = Chain::at(checkpoint, state);
    let chain = chain.derive(&l1, 3);
    (l1, chain)
}

/// As the contract says.
pub fn genesis_checkpoint(l1: &mut L1, state: &State) -> Checkpoint {
    let config = IStepVerifier::genesisCall { stateRoot: state.root() };
    let answer = l1.call(l1.verifier, &config, U256::ZERO).output;
    IStepVerifier::genesisCall::abi_decode_returns(&answer).unwrap().into()
}

/// A node's view of the L2.
#[derive(Clone)]
pub struct Chain {
    pub schedule: Schedule,
    pub start: Snapshot,
    pub batches: Vec<Arc<BatchHistory>>,
}

impl Chain {
    /// Nothing is derived yet.
    pub fn at(checkpoint: Checkpoint, state: State) -> Self {
        let start = Snapshot { checkpoint, state };
        Self { schedule: Schedule::osaka(), start, batches: Vec::new() }
    }

    pub fn derive(mut self, l1: &L1, batches: u64) -> Self {
        let mut at = self.start.clone();
        for _ in 0..batches {
            let derivation = self.derivation(l1);
            let batch = BatchHistory::derive(&derivation, at).unwrap();
            at = batch.end().clone();
            self.batches.push(Arc::new(batch));
        }
        self
    }

    pub const fn derivation<'a>(&'a self, l1: &'a L1) -> Derivation<'a, crate::l1::Events> {
        Derivation { inputs: &l1.events, config: &L2, schedule: &self.schedule }
    }

    /// Batches `after+1..=upto`.
    pub fn claim(&self, after: usize, upto: usize) -> ClaimHistory {
        let batches = self.batches[after..upto].to_vec();
        ClaimHistory::new::<crate::l1::Absent>(batches).unwrap()
    }

    /// The same without states.
    pub fn hashes(&self, after: usize, upto: usize) -> Option<ClaimHashes> {
        let batches = self.batches[after..upto].iter();
        ClaimHashes::new(batches.map(|batch| Arc::new((&**batch).into())).collect())
    }

    /// The one batch of a claim in which a step lies, and where it starts.
    pub fn batch_of(&self, range: ClaimRange, at: StepIndex) -> (StepIndex, ClaimHistory) {
        let steps = |batch: BatchIndex| self.batches.get(batch.0 as usize - 1).map(|b| b.steps());
        let (batch, start) = range.batch_of(at, steps).unwrap();
        (start, self.claim(batch.0 as usize - 1, batch.0 as usize))
    }
}
