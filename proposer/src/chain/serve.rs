//! The chain as the JSON-RPC server sees it.

use std::sync::Arc;

use alloy::rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_consensus::{TxEnvelope, transaction::Recovered};
use alloy_evm::EvmEnv;
use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_execution::{Schedule, State, block_env, cfg_env};
use recourse_protocol::bindings::BlockContext;
use recourse_rpc::{
    AccountView, BlockPoint, Call, Chain, ChainError, ChainEvent, Fees, Finality, MinedBlock,
    TxLocation,
};
use revm::{DatabaseRef as _, context::result::ResultAndState, state::Bytecode};
use tokio::sync::broadcast;

use super::{
    L2Chain,
    calls::{self, StateDb},
    next_base_fee, pending,
    scratch::{Scratchpad, context_of},
};
/// The tip that clients are told to offer, in wei per gas: any tip gets a transaction in.
const SUGGESTED_TIP: u128 = 1_000_000;

impl L2Chain {
    /// The state at a point, in the environment of its block.
    fn state_db(&self, at: BlockPoint) -> Result<StateDb, ChainError> {
        let blocks = self.blocks.read();
        match at {
            BlockPoint::Pending => {
                let head = blocks.head();
                let block = head.number().saturating_add(1);
                Ok(StateDb { state: blocks.head_state().clone(), block })
            }
            BlockPoint::Number(block) => {
                let found = blocks.state(block).cloned();
                if found.is_none() && block > blocks.head().number() {
                    return Err(ChainError::NotFound("block"));
                }
                let state = found.ok_or_else(|| ChainError::Refused(not_kept(block)))?;
                Ok(StateDb { state, block })
            }
        }
    }

    fn state(&self, at: BlockPoint) -> Result<State, ChainError> {
        self.state_db(at).map(|db| db.state)
    }

    fn context_of(&self, block: &MinedBlock) -> BlockContext {
        context_of(block.header(), self.l2.chain_id)
    }

    fn next_context(&self) -> BlockContext {
        let blocks = self.blocks.read();
        let head = self.context_of(&blocks.head().mined);
        BlockContext {
            number: head.number.saturating_add(1),
            timestamp: head.timestamp.saturating_add(self.l2.block_time),
            baseFee: U256::from(next_base_fee(&blocks, &self.l2)),
            coinbase: self.coinbase,
            ..head
        }
    }
}

/// As geth says it of a trie node that it pruned.
fn not_kept(block: u64) -> String {
    format!(
        "the state of block {block} is not kept: only those of the newest blocks, of `safe` and `finalized`, and of the newest confirmed claim's last block are"
    )
}

impl Chain for L2Chain {
    type Scratch = Scratchpad;

    fn chain_id(&self) -> u64 {
        self.l2.chain_id
    }

    fn client_version(&self) -> String {
        format!("recourse-proposer/v{}", env!("CARGO_PKG_VERSION"))
    }

    fn head(&self) -> u64 {
        self.head_number()
    }

    fn finality(&self) -> Finality {
        self.blocks.read().finality
    }

    fn block(&self, number: u64) -> Result<Option<Arc<MinedBlock>>, ChainError> {
        self.mined(number)
    }

    fn number_of(&self, hash: B256) -> Result<Option<u64>, ChainError> {
        let kept = self.blocks.read().number_of(hash);
        if kept.is_some() {
            return Ok(kept);
        }
        self.archived(|archive| archive.number_of(hash), |number| *number)
    }

    fn locate(&self, transaction: B256) -> Result<Option<TxLocation>, ChainError> {
        let kept = self.blocks.read().locate(transaction);
        if kept.is_some() {
            return Ok(kept);
        }
        self.archived(|archive| archive.locate(transaction), |place| place.block)
    }

    fn pooled(&self, transaction: B256) -> Result<Option<Recovered<TxEnvelope>>, ChainError> {
        Ok(self.pool.lock().get(transaction).map(|pooled| pooled.tx.clone()))
    }

    fn next_nonce(&self, address: Address) -> Result<u64, ChainError> {
        let blocks = self.blocks.read();
        if let Some(nonce) = self.pool.lock().next_nonce(address) {
            return Ok(nonce);
        }
        let account = blocks.head_state().account(address).map_err(ChainError::internal)?;
        Ok(account.map_or(0, |account| account.nonce))
    }

    fn submit(&self, raw: Bytes) -> Result<B256, ChainError> {
        self.admit(&raw)
    }

    fn account(&self, at: BlockPoint, address: Address) -> Result<AccountView, ChainError> {
        let db = self.state_db(at)?;
        let Some(info) = db.basic_ref(address).map_err(ChainError::internal)? else {
            return Ok(AccountView::default());
        };
        let code: Bytecode = db.code_by_hash_ref(info.code_hash).map_err(ChainError::internal)?;
        Ok(AccountView { balance: info.balance, nonce: info.nonce, code })
    }

    fn storage(&self, at: BlockPoint, address: Address, slot: U256) -> Result<U256, ChainError> {
        self.state(at)?.storage(address, slot).map_err(ChainError::internal)
    }

    fn proof(
        &self,
        at: BlockPoint,
        address: Address,
        slots: &[B256],
    ) -> Result<EIP1186AccountProofResponse, ChainError> {
        let numbers: Vec<U256> = slots.iter().map(|slot| U256::from_be_bytes(slot.0)).collect();
        let proof = self.state(at)?.proof(address, &numbers).map_err(ChainError::internal)?;
        let storage_proof = slots
            .iter()
            .zip(proof.storage)
            .map(|(key, slot)| EIP1186StorageProof {
                key: (*key).into(),
                value: slot.value,
                proof: slot.nodes,
            })
            .collect();
        Ok(EIP1186AccountProofResponse {
            address,
            balance: proof.balance,
            code_hash: proof.code_hash,
            nonce: proof.nonce,
            storage_hash: proof.storage_root,
            account_proof: proof.nodes,
            storage_proof,
        })
    }

    fn env(&self, at: BlockPoint) -> Result<EvmEnv, ChainError> {
        let context = match at {
            BlockPoint::Pending => self.next_context(),
            BlockPoint::Number(number) => {
                let block = self.mined(number)?.ok_or(ChainError::NotFound("block"))?;
                self.context_of(&block)
            }
        };
        let rules = Schedule::osaka().at(context.timestamp);
        let block_env = block_env(&context).map_err(ChainError::internal)?;
        Ok(EvmEnv { cfg_env: cfg_env(self.l2.chain_id, rules), block_env })
    }

    fn execute(&self, at: BlockPoint, call: Call) -> Result<ResultAndState, ChainError> {
        calls::run(self.state_db(at)?, call, self.l2.max_witness_bytes)
    }

    fn scratch(&self, at: BlockPoint) -> Result<Scratchpad, ChainError> {
        Ok(Scratchpad::new(self.state_db(at)?, self.l2))
    }

    fn pool(&self) -> Result<Vec<Recovered<TxEnvelope>>, ChainError> {
        Ok(self.pool.lock().all().map(|pooled| pooled.tx.clone()).collect())
    }

    fn fees(&self) -> Result<Fees, ChainError> {
        let base_fee = next_base_fee(&self.blocks.read(), &self.l2);
        Ok(Fees { base_fee, priority_fee: SUGGESTED_TIP, blob_base_fee: None })
    }

    fn pending_block(&self) -> Result<Option<Arc<MinedBlock>>, ChainError> {
        let context = self.next_context();
        let ready = self.ready();
        let (head, state) = {
            let blocks = self.blocks.read();
            (blocks.head().clone(), blocks.head_state().clone())
        };
        if context.number != head.number().saturating_add(1) {
            // The head moved in between: the block that was asked for is made.
            return Ok(Some(head.mined));
        }
        let block = pending::block(&self.l2, (&head, state), context, ready)
            .map_err(ChainError::internal)?;
        Ok(Some(block.mined))
    }

    fn events(&self) -> broadcast::Receiver<ChainEvent> {
        self.events.subscribe()
    }
}
