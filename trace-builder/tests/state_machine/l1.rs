//! The contracts on an EVM, with an ideal KZG: its precompile says yes to exactly what the posted blobs have.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use alloy_evm::{
    Evm, EvmEnv,
    eth::EthEvmBuilder,
    precompiles::{DynPrecompile, PrecompileInput, PrecompilesMap},
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, hex};
use alloy_sol_types::{SolCall, SolValue};
use recourse_bisection::model::{Chunk, MAX_BILL};
use recourse_protocol::{
    CheckpointHash,
    bindings::{IChunkStore, IInbox, IRollup},
};
use recourse_trace_builder::kzg::point_of;
use revm::{
    DatabaseCommit,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{ExecutionResult, Output},
    },
    database::{CacheDB, EmptyDB},
    precompile::{
        PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileResult, PrecompileSpecId,
        Precompiles,
    },
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

pub const WINDOW: u64 = 700;
pub const RESPONSE: u64 = 160;
/// Odd, so that rounding shows.
pub const CLAIM_BOND: u64 = 1_000_001;
pub const CHALLENGE_BOND: u64 = 107;
pub const CHUNK_REWARD: u64 = 2000;
/// More than a bill takes.
pub const MANY: usize = MAX_BILL + 1;
pub const START: u64 = 1_700_000_000;
pub const PLAYERS: [Address; 4] = [
    Address::repeat_byte(0xa1),
    Address::repeat_byte(0xb2),
    Address::repeat_byte(0xc3),
    Address::repeat_byte(0xd4),
];

const POINT_EVALUATION: Address = address!("000000000000000000000000000000000000000a");
const POINT_EVALUATION_GAS: u64 = 50_000;
/// A trie of the two system contracts alone, as in `contracts/test/symbolic/Symbolic.sol`.
const ROOT: [u8; 32] = hex!("9f42bd8694bb51cea140f07dae2ee2a6a9af552101474651939d3ecdcc895863");
const BRANCH: &[u8] = &hex!(
    "f851808080a066a64e47bae97c0fccdc260c76b1c987c89560cb40e86ea17a1d5fd49e35bebe8080a05fcf174853081b01a575e1d637da14fd8faa12f24de60f97a86d4c4312d2f0f980808080808080808080"
);
const LEAF_2935: &[u8] = &hex!(
    "f869a03c9d57be05dd69371c4dd2e871bce6e9f4124236825bb612ee18a45e5675be51b846f8440180a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a06e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d"
);
const LEAF_4788: &[u8] = &hex!(
    "f869a037d65eaa92c6bc4c13a5ec45527f0c18ea8932588728769ec7aecfe6d9f32e42b846f8440180a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a0f57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c"
);

/// Which element has its value at a point.
static INDICES: LazyLock<BTreeMap<U256, usize>> =
    LazyLock::new(|| (0..4096).map(|index| (point_of(index), index)).collect());

/// Elements by versioned hash; those beyond the list are no matter of any game.
pub type Posted = BTreeMap<B256, Arc<[CheckpointHash]>>;

#[derive(Clone)]
pub struct L1 {
    db: CacheDB<EmptyDB>,
    pub now: u64,
    number: u64,
    inbox: Address,
    pub store: Address,
    pub rollup: Address,
    pub posted: Posted,
    /// All that were staged, the first [`MANY`] and one when L1 began.
    pub chunks: Vec<Chunk>,
}

impl L1 {
    /// A rollup without batches.
    pub fn deploy(arity: u32, levels: u8) -> Self {
        let mut l1 = Self {
            db: CacheDB::new(EmptyDB::default()),
            now: START,
            number: 100,
            inbox: Address::ZERO,
            store: Address::ZERO,
            rollup: Address::ZERO,
            posted: Posted::new(),
            chunks: Vec::new(),
        };
        let rich = AccountInfo::from_balance(U256::from(10).pow(U256::from(24)));
        for player in PLAYERS {
            l1.db.insert_account_info(player, rich.clone());
        }
        let config = IInbox::Config {
            forceDelay: 1 << 40,
            minDepositGwei: 1,
            bridge: PLAYERS[0],
            ..Default::default()
        };
        l1.inbox = l1.create("Inbox", config.abi_encode());
        let verifier = l1.create("test/ToyVerifier", l1.inbox.abi_encode());
        l1.store = l1.create("ChunkStore", Vec::new());
        let config = IRollup::Config {
            inbox: l1.inbox,
            verifier,
            chunkStore: l1.store,
            arity,
            levels,
            challengeWindow: WINDOW,
            responsePeriod: RESPONSE,
            claimBond: u128::from(CLAIM_BOND),
            challengeBond: u128::from(CHALLENGE_BOND),
            chunkReward: u128::from(CHUNK_REWARD),
        };
        let proof = |leaf| [BRANCH, leaf].map(Bytes::from_static).to_vec();
        let arguments = (config, B256::from(ROOT), proof(LEAF_2935), proof(LEAF_4788));
        l1.rollup = l1.create("Rollup", arguments.abi_encode_params());
        l1.stage_chunks();
        l1
    }

    /// Many cheap chunks, and one that no half of a bond pays for.
    fn stage_chunks(&mut self) {
        for index in 0..MANY {
            self.stage(PLAYERS[2 + index % 2], 2 + index as u32);
        }
        self.stage(PLAYERS[3], 1000);
    }

    /// Stages so many bytes, unless they stand already.
    pub fn stage(&mut self, poster: Address, size: u32) {
        let call = IChunkStore::stageCall { chunk: vec![7; size as usize].into() };
        let output = self.send(poster, self.store, call.abi_encode(), 0, &[]).unwrap();
        let pointer = IChunkStore::stageCall::abi_decode_returns(&output).unwrap();
        if self.chunks.iter().all(|chunk| chunk.pointer != pointer) {
            self.chunks.push(Chunk { pointer, poster, size, staged_at: self.now });
        }
    }

    /// Appends a batch; gives its hash.
    pub fn append(&mut self) -> B256 {
        self.number += 1;
        let call = IInbox::appendCall { feeRecipient: PLAYERS[0], minView: 0, expectedIndex: 0 };
        let blob = [B256::with_last_byte(9) | B256::right_padding_from(&[1])];
        let output = self.send(PLAYERS[0], self.inbox, call.abi_encode(), 0, &blob).unwrap();
        let index = IInbox::appendCall::abi_decode_returns(&output).unwrap();
        self.read(self.inbox, &IInbox::batchHashCall { index })
    }

    /// A transaction; reverts give their data.
    pub fn send(
        &mut self,
        from: Address,
        to: Address,
        data: Vec<u8>,
        value: u64,
        blobs: &[B256],
    ) -> Result<Bytes, Bytes> {
        let kind = TxKind::Call(to);
        self.transact(from, kind, data.into(), value, blobs).map(Output::into_data)
    }

    /// What a view says.
    pub fn read<C: SolCall>(&mut self, to: Address, call: &C) -> C::Return {
        let tx = self.tx(PLAYERS[0], TxKind::Call(to), call.abi_encode().into(), 0, &[]);
        let result = self.evm_result(tx, false);
        let ExecutionResult::Success { output, .. } = result else { panic!("{result:?}") };
        C::abi_decode_returns(&output.into_data()).unwrap()
    }

    pub fn balance(&self, who: Address) -> U256 {
        self.db.cache.accounts.get(&who).map(|account| account.info.balance).unwrap_or_default()
    }

    fn create(&mut self, name: &str, arguments: Vec<u8>) -> Address {
        let path = format!("{}/../contracts/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let artifact: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut code = hex::decode(artifact["bytecode"].as_str().unwrap()).unwrap();
        code.extend(arguments);
        let output = self.transact(PLAYERS[0], TxKind::Create, code.into(), 0, &[]).unwrap();
        *output.address().unwrap()
    }

    fn tx(&self, from: Address, kind: TxKind, data: Bytes, value: u64, blobs: &[B256]) -> TxEnv {
        TxEnv {
            caller: from,
            kind,
            data,
            value: U256::from(value),
            gas_limit: 1 << 24,
            gas_price: 0,
            gas_priority_fee: Some(0),
            tx_type: if blobs.is_empty() { 2 } else { 3 },
            max_fee_per_blob_gas: if blobs.is_empty() { 0 } else { 1 << 40 },
            blob_hashes: blobs.to_vec(),
            ..TxEnv::default()
        }
    }

    fn transact(
        &mut self,
        from: Address,
        kind: TxKind,
        data: Bytes,
        value: u64,
        blobs: &[B256],
    ) -> Result<Output, Bytes> {
        let tx = self.tx(from, kind, data, value, blobs);
        match self.evm_result(tx, true) {
            ExecutionResult::Success { output, .. } => Ok(output),
            ExecutionResult::Revert { output, .. } => Err(output),
            ExecutionResult::Halt { reason, .. } => panic!("halted: {reason:?}"),
        }
    }

    fn evm_result(&mut self, tx: TxEnv, keep: bool) -> ExecutionResult {
        let env = self.env();
        let precompiles = precompiles(self.posted.clone());
        let mut evm = EthEvmBuilder::new(&mut self.db, env).precompiles(precompiles).build();
        let outcome = evm.transact_raw(tx).expect("a valid transaction");
        drop(evm);
        if keep {
            self.db.commit(outcome.state);
        }
        outcome.result
    }

    fn env(&self) -> EvmEnv {
        let mut cfg_env = CfgEnv::new_with_spec(SpecId::OSAKA);
        cfg_env.disable_nonce_check = true;
        let block_env = BlockEnv {
            number: U256::from(self.number),
            timestamp: U256::from(self.now),
            gas_limit: 60_000_000,
            basefee: 0,
            prevrandao: Some(B256::ZERO),
            ..BlockEnv::default()
        };
        EvmEnv { cfg_env, block_env }
    }
}

fn precompiles(posted: Posted) -> PrecompilesMap {
    let standard = Precompiles::new(PrecompileSpecId::from_spec_id(SpecId::OSAKA));
    let ideal =
        DynPrecompile::new_stateful(PrecompileId::Custom("ideal KZG".into()), move |input| {
            evaluate(&posted, &input)
        });
    PrecompilesMap::from_static(standard)
        .with_applied_precompile(&POINT_EVALUATION, |_| Some(ideal))
}

/// Input: versioned hash, point, value, commitment, proof (EIP-4844).
fn evaluate(posted: &Posted, input: &PrecompileInput<'_>) -> PrecompileResult {
    let word = |at: usize| B256::from_slice(&input.data[32 * at..32 * at + 32]);
    let index = INDICES.get(&U256::from_be_bytes(word(1).0));
    let opens = posted
        .get(&word(0))
        .zip(index)
        .and_then(|(elements, index)| elements.get(*index))
        .is_some_and(|element| element.0 == word(2));
    if !opens {
        return Ok(PrecompileOutput::halt(
            PrecompileHalt::BlobVerifyKzgProofFailed,
            input.reservoir,
        ));
    }
    let modulus = hex!("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");
    let answer = (U256::from(4096), U256::from_be_bytes(modulus)).abi_encode();
    Ok(PrecompileOutput::new(POINT_EVALUATION_GAS, answer.into(), input.reservoir))
}
