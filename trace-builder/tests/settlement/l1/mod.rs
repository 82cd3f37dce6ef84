//! An L1 in memory: the contracts on revm, with EXECUTE's pure function at its address. Metering and RPC are l1-node's.

mod deploy;
mod events;
mod precompile;

use std::{collections::BTreeMap, sync::Arc};

use alloy_eips::eip4844::Blob;
use alloy_evm::{Evm, EvmEnv, eth::EthEvmBuilder};
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, keccak256};
use alloy_sol_types::SolCall;
use recourse_protocol::bindings::{IChunkStore, IInbox};
use recourse_trace_builder::{Chunk, kzg::Committed};
use revm::{
    DatabaseCommit,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{ExecutionResult, HaltReason},
    },
    database::{CacheDB, EmptyDB},
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

pub use deploy::FORCE_DELAY;
pub use events::{Absent, Events};
use precompile::precompiles;

/// The most gas of an L1 transaction (EIP-7825).
const TX_GAS: u64 = 1 << 24;
/// Gas of a call that is no transaction.
const ASK_GAS: u64 = 1 << 27;

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
                self.events.observe(&logs);
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
}
