//! An EVM at Osaka rules that keeps its state, and hears what EXECUTE is asked.

use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, hex};
use recourse_protocol::EXECUTE_ADDRESS;
use revm::{
    Context, InspectCommitEvm, Inspector, MainBuilder, MainContext, MainnetEvm,
    context::{BlockEnv, CfgEnv, Journal, TxEnv, result::ExecutionResult},
    context_interface::ContextTr,
    database::{CacheDB, EmptyDB},
    interpreter::{CallInputs, CallOutcome},
    primitives::hardfork::SpecId,
    state::{AccountInfo, Bytecode},
};

type Db = CacheDB<EmptyDB>;
type Ctx = Context<BlockEnv, TxEnv, CfgEnv, Db, Journal<Db>, ()>;

/// Says "true" to every claim (PUSH1 1, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN), and to a query, which is empty, a price of 1 and
/// 2^64 - 1 gas left.
const ALWAYS_TRUE: &[u8] =
    &hex!("36601857" "60015f52" "67ffffffffffffffff602052" "60405ff3" "5b" "60015f5260205ff3");
/// Blobs are versioned hashes to the EVM; who sends them does not matter here.
pub(super) const SENDER: Address = Address::repeat_byte(0xaa);

/// Hears what EXECUTE is asked, but for queries.
#[derive(Debug, Default)]
pub(super) struct Ear(Option<Bytes>);

impl<CTX: ContextTr> Inspector<CTX> for Ear {
    fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        if inputs.target_address == EXECUTE_ADDRESS {
            let input = inputs.input.bytes(context);
            self.0 = Some(input).filter(|input| !input.is_empty()).or_else(|| self.0.take());
        }
        None
    }
}

pub(super) struct Evm {
    inner: MainnetEvm<Ctx, Ear>,
    nonce: u64,
}

/// What a transaction did.
pub(super) struct Done {
    pub(super) output: Bytes,
    pub(super) logs: Vec<Log>,
    pub(super) asked: Option<Bytes>,
}

impl Evm {
    pub(super) fn new() -> Self {
        let mut db = Db::default();
        let rich = AccountInfo { balance: U256::MAX >> 1, ..AccountInfo::default() };
        db.insert_account_info(SENDER, rich);
        let mock = AccountInfo {
            code: Some(Bytecode::new_raw(Bytes::from_static(ALWAYS_TRUE))),
            code_hash: alloy_primitives::keccak256(ALWAYS_TRUE),
            nonce: 1,
            ..AccountInfo::default()
        };
        db.insert_account_info(EXECUTE_ADDRESS, mock);
        let inner = Context::mainnet()
            .with_db(db)
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
                cfg.tx_gas_limit_cap = Some(u64::MAX);
            })
            .modify_block_chained(|block| {
                block.gas_limit = u64::MAX;
                block.basefee = 0;
            })
            .build_mainnet_with_inspector(Ear::default());
        Self { inner, nonce: 0 }
    }

    pub(super) fn set_block(&mut self, number: u64, timestamp: u64, prev_randao: B256) {
        self.inner.ctx.block.number = U256::from(number);
        self.inner.ctx.block.timestamp = U256::from(timestamp);
        self.inner.ctx.block.prevrandao = Some(prev_randao);
    }

    /// Sends a transaction; a revert gives its data and name of the halt.
    pub(super) fn send(
        &mut self,
        to: TxKind,
        data: Bytes,
        value: U256,
        blobs: Vec<B256>,
    ) -> Result<Done, String> {
        let tx = TxEnv {
            tx_type: if blobs.is_empty() { 2 } else { 3 },
            caller: SENDER,
            gas_limit: 1 << 32,
            gas_price: 0,
            gas_priority_fee: Some(0),
            kind: to,
            value,
            data,
            nonce: self.nonce,
            chain_id: Some(1),
            max_fee_per_blob_gas: u128::MAX >> 64,
            blob_hashes: blobs,
            ..TxEnv::default()
        };
        self.nonce += 1;
        self.inner.inspector = Ear::default();
        let result = self.inner.inspect_tx_commit(tx).map_err(|error| format!("{error:?}"))?;
        let asked = self.inner.inspector.0.take();
        match result {
            ExecutionResult::Success { output, logs, .. } => {
                Ok(Done { output: output.into_data(), logs, asked })
            }
            other => Err(format!("{other:?}")),
        }
    }

    /// Deploys a contract and gives its address.
    pub(super) fn deploy(&mut self, artifact: &str, arguments: &[u8]) -> Address {
        let artifact: serde_json::Value = serde_json::from_str(artifact).unwrap();
        let mut code = hex::decode(artifact["bytecode"].as_str().unwrap()).unwrap();
        code.extend(arguments);
        let address = SENDER.create(self.nonce);
        self.send(TxKind::Create, code.into(), U256::ZERO, vec![]).unwrap();
        address
    }
}
