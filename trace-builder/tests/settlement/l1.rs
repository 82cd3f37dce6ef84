//! An L1 in memory: the contracts on revm, with EXECUTE's pure function at its address. Metering and RPC are l1-node's.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use alloy_eips::eip4844::Blob;
use alloy_evm::{
    Evm, EvmEnv,
    eth::EthEvmBuilder,
    precompiles::{DynPrecompile, PrecompileInput, PrecompilesMap},
};
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use recourse_execution::{Claim, Schedule, State, TraceShape, execute};
use recourse_protocol::{
    Batch, BatchIndex, EXECUTE_ADDRESS, Inputs, L2Config, Limits, Payload, Periods, View,
    ViewIndex,
    bindings::{Credit, IChunkStore, IInbox, IRollup, IStepVerifier},
};
use recourse_trace_builder::{Blobs, Chunk, kzg::Committed};
use revm::{
    DatabaseCommit,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{ExecutionResult, HaltReason},
    },
    database::{CacheDB, EmptyDB},
    precompile::{
        PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileResult, PrecompileSpecId,
        Precompiles,
    },
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

/// The most gas of an L1 transaction (EIP-7825).
const TX_GAS: u64 = 1 << 24;
/// Gas of a call that is no transaction.
const ASK_GAS: u64 = 1 << 27;
pub const FORCE_DELAY: u64 = 1000;

#[derive(Debug, thiserror::Error)]
#[error("L1 has no {0}")]
pub struct Absent(&'static str);

/// The L1 inputs, from the Inbox's events.
#[derive(Clone, Default)]
pub struct Events {
    batches: Vec<Arc<Batch>>,
    views: Vec<View>,
    forced: Vec<Bytes>,
    deposits: Vec<Credit>,
    blobs: BTreeMap<B256, Arc<Blob>>,
    payloads: Arc<Mutex<BTreeMap<B256, Arc<Payload>>>>,
}

impl Inputs for Events {
    type Error = Absent;

    fn batch(&self, index: BatchIndex) -> Result<Option<Arc<Batch>>, Absent> {
        Ok(index.0.checked_sub(1).and_then(|at| self.batches.get(at as usize)).cloned())
    }

    fn view(&self, index: ViewIndex) -> Result<View, Absent> {
        self.views.get(index.0 as usize).copied().ok_or(Absent("view"))
    }

    fn payload(&self, batch: BatchIndex, blob: u32) -> Result<Arc<Payload>, Absent> {
        let batch = self.batch(batch)?.ok_or(Absent("batch"))?;
        let hash = *batch.versioned_hashes.get(blob as usize).ok_or(Absent("blob"))?;
        let mut known = self.payloads.lock().unwrap();
        let payload =
            known.entry(hash).or_insert_with(|| Arc::new(Payload::from_blob(&self.blobs[&hash])));
        Ok(Arc::clone(payload))
    }

    fn forced(&self, index: u64) -> Result<Bytes, Absent> {
        self.forced.get(index as usize).cloned().ok_or(Absent("forced transaction"))
    }

    fn deposit(&self, index: u64) -> Result<Credit, Absent> {
        self.deposits.get(index as usize).cloned().ok_or(Absent("deposit"))
    }
}

impl Blobs for Events {
    type Error = Absent;

    fn blob(&self, versioned_hash: B256) -> Result<Arc<Blob>, Absent> {
        self.blobs.get(&versioned_hash).cloned().ok_or(Absent("blob"))
    }
}

#[derive(Clone)]
pub struct L1 {
    db: CacheDB<EmptyDB>,
    number: u64,
    pub now: u64,
    pub events: Events,
    /// Versioned hashes by keccak: commitments are dear.
    committed: BTreeMap<B256, B256>,
    pub inbox: Address,
    pub verifier: Address,
    pub store: Address,
    pub rollup: Address,
    /// What every accepted transaction took.
    pub sent: Vec<Sent>,
}

/// What a transaction took.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub to: Address,
    pub selector: [u8; 4],
    /// Of calldata.
    pub bytes: usize,
    pub blobs: usize,
    pub gas: u64,
}

/// What a transaction gave.
#[derive(Debug)]
pub struct Receipt {
    pub gas: u64,
    pub output: Bytes,
    pub logs: Vec<Log>,
    created: Option<Address>,
}

/// How a transaction ended.
#[derive(Debug)]
pub enum Ended {
    Accepted(Receipt),
    Reverted(Bytes),
    OutOfGas,
}

impl L1 {
    pub const OWNER: Address = Address::repeat_byte(0xa1);

    pub fn deploy(genesis: &State, l2: &L2Config, periods: Periods, limits: Limits) -> Self {
        let mut l1 = Self {
            db: CacheDB::new(EmptyDB::default()),
            number: 100,
            now: 1_700_000_000,
            events: Events::default(),
            committed: BTreeMap::new(),
            inbox: Address::ZERO,
            verifier: Address::ZERO,
            store: Address::ZERO,
            rollup: Address::ZERO,
            sent: Vec::new(),
        };
        l1.inbox = l1.create("Inbox", inbox_config(&limits).abi_encode());
        l1.verifier = l1.deploy_verifier(l2).expect("deployed");
        l1.store = l1.create("ChunkStore", Vec::new());
        l1.rollup = l1.deploy_rollup(genesis, periods, limits).expect("deployed");
        l1
    }

    /// Another StepVerifier; or why its constructor refuses.
    pub fn deploy_verifier(&mut self, l2: &L2Config) -> Result<Address, Bytes> {
        self.try_create("StepVerifier", verifier_config(self.inbox, l2).abi_encode())
    }

    /// Another Rollup on the StepVerifier at hand; or why its constructor refuses.
    pub fn deploy_rollup(
        &mut self,
        genesis: &State,
        periods: Periods,
        limits: Limits,
    ) -> Result<Address, Bytes> {
        let history = alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
        let anchors = alloy_eips::eip4788::BEACON_ROOTS_ADDRESS;
        let config = IRollup::Config {
            inbox: self.inbox,
            verifier: self.verifier,
            chunkStore: self.store,
            arity: limits.arity,
            levels: limits.levels,
            challengeWindow: periods.challenge_window,
            responsePeriod: periods.response_period,
            claimBond: limits.claim_bond.to(),
            challengeBond: limits.challenge_bond.to(),
            chunkReward: limits.chunk_reward.to(),
        };
        let arguments = (
            config,
            genesis.root(),
            genesis.proof(history, &[]).unwrap().nodes,
            genesis.proof(anchors, &[]).unwrap().nodes,
        );
        self.try_create("Rollup", arguments.abi_encode_params())
    }

    /// A new block, some seconds later.
    pub fn mine(&mut self, seconds: u64) {
        self.number += 1;
        self.now += seconds;
    }

    pub fn balance(&self, who: Address) -> U256 {
        self.db.cache.accounts.get(&who).map(|account| account.info.balance).unwrap_or_default()
    }

    /// A transaction in the current block; reverts give their data.
    pub fn send(
        &mut self,
        from: Address,
        to: Address,
        data: impl Into<Bytes>,
        value: U256,
        blobs: &[Box<Blob>],
    ) -> Result<Receipt, Bytes> {
        self.transact(from, TxKind::Call(to), data.into(), value, blobs)
    }

    /// A transaction without value and blobs that gets no more gas than this.
    pub fn send_within(
        &mut self,
        gas_limit: u64,
        from: Address,
        to: Address,
        data: impl Into<Bytes>,
    ) -> Ended {
        let (kind, data) = (TxKind::Call(to), data.into());
        self.run(TxEnv { caller: from, kind, data, gas_limit, ..TxEnv::default() }, &[])
    }

    /// Stages a chunk.
    pub fn stage(&mut self, from: Address, chunk: &Chunk) -> Receipt {
        let call = IChunkStore::stageCall { chunk: chunk.bytes.clone() };
        let receipt = self.send(from, self.store, call.abi_encode(), U256::ZERO, &[]).unwrap();
        let pointer = IChunkStore::stageCall::abi_decode_returns(&receipt.output).unwrap();
        assert_eq!(pointer, chunk.pointer, "as computed off chain");
        receipt
    }

    /// A transaction that must succeed.
    pub fn call(&mut self, to: Address, call: &impl SolCall, value: U256) -> Receipt {
        self.send(Self::OWNER, to, call.abi_encode(), value, &[]).expect("accepted")
    }

    /// Appends a batch of blobs.
    pub fn append(&mut self, fee_recipient: Address, min_view: u32, blobs: &[Box<Blob>]) {
        let call =
            IInbox::appendCall { feeRecipient: fee_recipient, minView: min_view, expectedIndex: 0 };
        self.send(Self::OWNER, self.inbox, call.abi_encode(), U256::ZERO, blobs).expect("appended");
    }

    /// A call that is not held to the gas of a transaction and changes nothing: its answer, or why it reverts.
    pub fn ask(&mut self, to: Address, data: Vec<u8>) -> Result<Bytes, Bytes> {
        let tx = TxEnv {
            caller: Self::OWNER,
            kind: TxKind::Call(to),
            data: data.into(),
            gas_limit: ASK_GAS,
            gas_price: 1,
            ..TxEnv::default()
        };
        let mut env = self.env();
        env.cfg_env.tx_gas_limit_cap = Some(ASK_GAS);
        env.block_env.gas_limit = ASK_GAS;
        let mut evm = EthEvmBuilder::new(self.db.clone(), env).precompiles(precompiles()).build();
        match evm.transact_raw(tx).expect("a valid transaction").result {
            ExecutionResult::Success { output, .. } => Ok(output.into_data()),
            ExecutionResult::Revert { output, .. } => Err(output),
            ExecutionResult::Halt { reason, .. } => panic!("halted: {reason:?}"),
        }
    }

    fn create(&mut self, name: &str, arguments: Vec<u8>) -> Address {
        self.try_create(name, arguments).expect("deployed")
    }

    /// Deploys a committed artifact.
    fn try_create(&mut self, name: &str, arguments: Vec<u8>) -> Result<Address, Bytes> {
        let path = format!("{}/../contracts/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let artifact: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut code =
            alloy_primitives::hex::decode(artifact["bytecode"].as_str().unwrap()).unwrap();
        code.extend(arguments);
        let receipt = self.transact(Self::OWNER, TxKind::Create, code.into(), U256::ZERO, &[])?;
        Ok(receipt.created.unwrap())
    }

    fn transact(
        &mut self,
        from: Address,
        kind: TxKind,
        data: Bytes,
        value: U256,
        blobs: &[Box<Blob>],
    ) -> Result<Receipt, Bytes> {
        let tx = TxEnv { caller: from, kind, data, value, gas_limit: TX_GAS, ..TxEnv::default() };
        match self.run(tx, blobs) {
            Ended::Accepted(receipt) => Ok(receipt),
            Ended::Reverted(data) => Err(data),
            Ended::OutOfGas => panic!("out of gas"),
        }
    }

    fn run(&mut self, tx: TxEnv, blobs: &[Box<Blob>]) -> Ended {
        let rich = AccountInfo::from_balance(U256::from(10).pow(U256::from(24)));
        if !self.db.cache.accounts.contains_key(&tx.caller) {
            self.db.insert_account_info(tx.caller, rich);
        }
        let blob_hashes: Vec<B256> = blobs.iter().map(|blob| self.versioned_hash(blob)).collect();
        let selector = tx.data.first_chunk().copied().unwrap_or_default();
        let to = tx.kind.to().copied().unwrap_or_default();
        let mut sent = Sent { to, selector, bytes: tx.data.len(), blobs: blobs.len(), gas: 0 };
        let tx = TxEnv {
            gas_price: 1,
            gas_priority_fee: Some(0),
            tx_type: if blobs.is_empty() { 2 } else { 3 },
            max_fee_per_blob_gas: if blobs.is_empty() { 0 } else { 1 << 40 },
            blob_hashes: blob_hashes.clone(),
            ..tx
        };
        let mut evm =
            EthEvmBuilder::new(self.db.clone(), self.env()).precompiles(precompiles()).build();
        let outcome = evm.transact_raw(tx).expect("a valid transaction");
        self.db.commit(outcome.state);
        let gas = outcome.result.tx_gas_used();
        let created = outcome.result.created_address();
        match outcome.result {
            ExecutionResult::Success { logs, output, .. } => {
                for (hash, blob) in blob_hashes.into_iter().zip(blobs) {
                    self.events.blobs.insert(hash, Arc::new(*blob.clone()));
                }
                self.observe(&logs);
                sent.gas = gas;
                self.sent.push(sent);
                Ended::Accepted(Receipt { gas, output: output.into_data(), logs, created })
            }
            ExecutionResult::Revert { output, .. } => Ended::Reverted(output),
            ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => Ended::OutOfGas,
            ExecutionResult::Halt { reason, .. } => panic!("halted: {reason:?}"),
        }
    }

    fn versioned_hash(&mut self, blob: &Blob) -> B256 {
        let commit = || Committed::to(blob).unwrap().versioned_hash();
        *self.committed.entry(keccak256(blob)).or_insert_with(commit)
    }

    fn env(&self) -> EvmEnv {
        let cfg = CfgEnv::new_with_spec(SpecId::OSAKA);
        let mut cfg_env = cfg;
        cfg_env.disable_nonce_check = true;
        let block_env = BlockEnv {
            number: U256::from(self.number),
            timestamp: U256::from(self.now),
            gas_limit: 60_000_000,
            basefee: 1,
            prevrandao: Some(keccak256(self.number.to_be_bytes())),
            ..BlockEnv::default()
        };
        EvmEnv { cfg_env, block_env }
    }

    fn observe(&mut self, logs: &[Log]) {
        for log in logs {
            if let Ok(event) = IInbox::ViewRecorded::decode_log(log) {
                self.events.views.push(event.data.data.into());
            } else if let Ok(event) = IInbox::BatchAppended::decode_log(log) {
                self.events.batches.push(Arc::new(event.data.batch.into()));
            } else if let Ok(event) = IInbox::Forced::decode_log(log) {
                self.events.forced.push(event.data.rawTransaction);
            } else if let Ok(event) = IInbox::Deposited::decode_log(log) {
                let (to, amount) = (event.data.to, event.data.amountGwei);
                self.events.deposits.push(Credit { to, amountGwei: amount });
            }
        }
    }
}

fn inbox_config(limits: &Limits) -> IInbox::Config {
    IInbox::Config {
        sequencer: Address::ZERO,
        forceDelay: FORCE_DELAY,
        forceFee: limits.force_fee,
        minDepositGwei: limits.min_deposit_gwei,
        gasToken: Address::ZERO,
        bridge: Address::ZERO,
    }
}

const fn verifier_config(inbox: Address, l2: &L2Config) -> IStepVerifier::Config {
    IStepVerifier::Config {
        inbox,
        chainId: l2.chain_id,
        gasLimit: l2.gas_limit,
        blockTime: l2.block_time,
        maxWitnessBytes: l2.max_witness_bytes,
    }
}

/// Osaka's, and EXECUTE at the dearest rate that it may have. Its meter is l1-node's matter.
fn precompiles() -> PrecompilesMap {
    let standard = Precompiles::new(PrecompileSpecId::from_spec_id(SpecId::OSAKA));
    let ask = DynPrecompile::new_stateful(PrecompileId::Custom("EXECUTE".into()), ask);
    PrecompilesMap::from_static(standard).with_applied_precompile(&EXECUTE_ADDRESS, |_| Some(ask))
}

fn ask(mut input: PrecompileInput<'_>) -> PrecompileResult {
    if input.data.is_empty() {
        // A query: a price, and all of an L1 block's capacity.
        let answer = (U256::from(1), U256::from(1 << 25)).abi_encode();
        return Ok(PrecompileOutput::new(100, answer.into(), input.reservoir));
    }
    let question = <(B256, B256, Bytes, u64)>::abi_decode_params(input.data);
    let Ok((pre, post, trace, gas_used)) = question else {
        return Ok(PrecompileOutput::revert(input.gas, Bytes::new(), input.reservoir));
    };
    let shape = TraceShape::of(&trace);
    let mut codes = BTreeMap::new();
    for pointer in &shape.pointers {
        input.internals.load_account_code(*pointer).unwrap();
        let account = input.internals.load_account(*pointer).unwrap();
        codes.insert(*pointer, account.info.code.as_ref().unwrap().original_bytes());
    }
    let pointed: usize = shape.pointers.iter().map(|pointer| codes[pointer].len() - 1).sum();
    let open = if shape.opens { 60_000 } else { 0 };
    let gas = 30_000
        + (trace.len() + pointed) as u64
        + 2_600 * shape.pointers.len() as u64
        + 6_000 * (shape.transactions + shape.credits)
        + open
        + gas_used.div_ceil(4);
    if gas > input.gas {
        return Ok(PrecompileOutput::halt(PrecompileHalt::OutOfGas, input.reservoir));
    }
    let claim = Claim { pre, post, trace: &trace, gas_used };
    let answer = execute(&claim, &Schedule::osaka(), &|pointer| codes.get(&pointer).cloned());
    Ok(PrecompileOutput::new(gas, answer.abi_encode().into(), input.reservoir))
}
