//! The chain behind its lock, as JSON-RPC sees it.

use std::sync::Arc;

use alloy::rpc::types::{EIP1186AccountProofResponse, Filter, Log};
use alloy_consensus::{TxEnvelope, transaction::Recovered};
use alloy_eips::eip7840::BlobParams;
use alloy_evm::EvmEnv;
use alloy_primitives::{Address, B256, Bytes, U256};
use parking_lot::Mutex;
use recourse_rpc::{
    AccountView, BlockPoint, Call, Chain, ChainError, ChainEvent, Fees, Finality, MinedBlock,
    TxLocation,
};
use revm::context::result::ResultAndState;
use tokio::sync::{broadcast, watch};

use crate::{
    Config, DevAccount,
    chain::{Core, OpenError, PoolTx, Scratchpad, Simulation},
    config::Mining,
    faults::Faults,
    finality::FinalityClock,
    fork::Fork,
    state::{State, StateError},
};

/// A priority fee that gets a transaction in: 1 gwei, or less on a chain without traffic would
/// do as well, but this is what wallets expect.
const PRIORITY_FEE: u128 = 1_000_000_000;

/// A running chain.
#[derive(Debug)]
pub(crate) struct Node {
    core: Mutex<Core>,
    fork: Option<Arc<Fork>>,
    accounts: Vec<DevAccount>,
    finality: FinalityClock,
    faults: Arc<Faults>,
    mining: watch::Sender<Mining>,
}

impl Node {
    pub(crate) fn new(config: &Config, accounts: Vec<DevAccount>) -> Result<Self, OpenError> {
        let core = Core::open(config, &accounts)?;
        Ok(Self {
            fork: core.fork().cloned(),
            core: Mutex::new(core),
            accounts,
            finality: FinalityClock::new(config),
            faults: Arc::default(),
            mining: watch::Sender::new(config.mining),
        })
    }

    pub(crate) const fn core(&self) -> &Mutex<Core> {
        &self.core
    }

    pub(crate) fn dev_accounts(&self) -> &[DevAccount] {
        &self.accounts
    }

    /// Changes of the mining mode, for the task that mines at intervals.
    pub(crate) fn mining(&self) -> watch::Receiver<Mining> {
        self.mining.subscribe()
    }

    /// Changes the mining mode.
    pub(crate) fn set_mining(&self, mining: Mining) -> Result<(), ChainError> {
        self.core.lock().set_mining(mining)?;
        self.mining.send_replace(mining);
        Ok(())
    }

    /// The forked chain and the number, for a block that is older than the fork block.
    fn before_fork(&self, at: BlockPoint) -> Option<(&Fork, u64)> {
        let fork = self.fork.as_deref()?;
        match at {
            BlockPoint::Number(number) if number < fork.anchor().number => Some((fork, number)),
            _ => None,
        }
    }

    fn number_at(&self, at: BlockPoint) -> u64 {
        match at {
            BlockPoint::Number(number) => number,
            BlockPoint::Pending => self.head(),
        }
    }

    /// The state at a point. The forked chain is asked outside of the lock.
    fn state(&self, at: BlockPoint) -> Result<State, ChainError> {
        match self.before_fork(at) {
            Some((fork, number)) => Ok(fork.state(number)?),
            None => Ok(self.core.lock().state(at)?.clone()),
        }
    }

    /// What goes wrong because somebody asked for it.
    pub(crate) const fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// Which blocks are safe and finalized.
    pub(crate) const fn finality_clock(&self) -> &FinalityClock {
        &self.finality
    }

    pub(crate) fn version(&self) -> String {
        format!("recourse-l1-node/{}", env!("CARGO_PKG_VERSION"))
    }
}

impl Chain for Node {
    type Scratch = Scratchpad;

    fn chain_id(&self) -> u64 {
        self.core.lock().chain_id()
    }

    fn client_version(&self) -> String {
        self.version()
    }

    fn head(&self) -> u64 {
        self.core.lock().history().head_number()
    }

    fn finality(&self) -> Finality {
        self.finality.at(self.head())
    }

    fn block(&self, number: u64) -> Result<Option<Arc<MinedBlock>>, ChainError> {
        match self.before_fork(BlockPoint::Number(number)) {
            Some((fork, number)) => Ok(fork.block(number).map_err(StateError::from)?),
            None => Ok(self.core.lock().history().kept(number)?.cloned()),
        }
    }

    fn first_block(&self) -> u64 {
        self.fork.as_ref().map_or(0, |fork| fork.anchor().number)
    }

    fn older_logs(&self, filter: &Filter) -> Result<Vec<Log>, ChainError> {
        match &self.fork {
            Some(fork) => Ok(fork.logs(filter).map_err(StateError::from)?),
            None => Ok(Vec::new()),
        }
    }

    fn number_of(&self, hash: B256) -> Result<Option<u64>, ChainError> {
        let own = self.core.lock().history().number_of(&hash);
        match &self.fork {
            Some(fork) if own.is_none() => Ok(fork.number_of(hash).map_err(StateError::from)?),
            _ => Ok(own),
        }
    }

    fn locate(&self, transaction: B256) -> Result<Option<TxLocation>, ChainError> {
        let (own, waits) = {
            let core = self.core.lock();
            (core.history().locate(&transaction), core.pool().get(&transaction).is_some())
        };
        match &self.fork {
            Some(fork) if own.is_none() && !waits => {
                Ok(fork.locate(transaction).map_err(StateError::from)?)
            }
            _ => Ok(own),
        }
    }

    fn pooled(&self, transaction: B256) -> Result<Option<Recovered<TxEnvelope>>, ChainError> {
        Ok(self.core.lock().pool().get(&transaction).map(|tx| tx.tx.clone()))
    }

    fn next_nonce(&self, address: Address) -> Result<u64, ChainError> {
        let core = self.core.lock();
        Ok(core.pool().next_nonce(address, core.nonce(address)?))
    }

    fn submit(&self, raw: Bytes) -> Result<B256, ChainError> {
        // Signature and cell proofs take a while and need no chain.
        let tx = PoolTx::decode(&raw)?;
        self.core.lock().submit(tx)
    }

    fn account(&self, at: BlockPoint, address: Address) -> Result<AccountView, ChainError> {
        let state = self.state(at)?;
        let Some(info) = state.account(address)? else {
            return Ok(AccountView::default());
        };
        let code = state.code(info.code_hash)?;
        Ok(AccountView { balance: info.balance, nonce: info.nonce, code })
    }

    fn storage(&self, at: BlockPoint, address: Address, slot: U256) -> Result<U256, ChainError> {
        Ok(self.state(at)?.storage(address, slot)?)
    }

    fn proof(
        &self,
        at: BlockPoint,
        address: Address,
        slots: &[B256],
    ) -> Result<EIP1186AccountProofResponse, ChainError> {
        // The state root of a block up to the fork is the upstream's.
        let number = self.number_at(at);
        match &self.fork {
            Some(fork) if number <= fork.anchor().number => Ok(fork.proof(number, address, slots)?),
            _ => Ok(self.state(at)?.proof(address, slots)?),
        }
    }

    fn env(&self, at: BlockPoint) -> Result<EvmEnv, ChainError> {
        if let Some((fork, number)) = self.before_fork(at) {
            let block = fork.block(number).map_err(StateError::from)?;
            let block = block.ok_or(ChainError::NotFound("block"))?;
            return Ok(self.core.lock().rules().env(block.header()));
        }
        let core = self.core.lock();
        Ok(core.rules().env(&core.header(at)?))
    }

    fn execute(&self, at: BlockPoint, call: Call) -> Result<ResultAndState, ChainError> {
        // What is tried on the newest block is meant for the next one.
        let next = self.number_at(at).saturating_add(1);
        let execute = self.core.lock().rules().has_execute(next);
        Simulation::on(self.state(at)?, execute).run(call)
    }

    fn fees(&self) -> Result<Fees, ChainError> {
        let core = self.core.lock();
        let header = core.next_header()?;
        Ok(Fees {
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            priority_fee: PRIORITY_FEE,
            blob_base_fee: core.rules().blob_fee(&header),
        })
    }

    fn blob_params(&self, timestamp: u64) -> Option<BlobParams> {
        self.core.lock().rules().blob_params_at(timestamp)
    }

    fn events(&self) -> broadcast::Receiver<ChainEvent> {
        self.core.lock().events()
    }

    fn pending_block(&self) -> Result<Option<Arc<MinedBlock>>, ChainError> {
        self.core.lock().pending().map(|block| Some(Arc::new(block)))
    }

    fn accounts(&self) -> Vec<Address> {
        self.accounts.iter().map(DevAccount::address).collect()
    }

    fn scratch(&self, at: BlockPoint) -> Result<Scratchpad, ChainError> {
        let rules = Arc::clone(self.core.lock().rules());
        Ok(Scratchpad::new(self.state(at)?, rules))
    }

    fn pool(&self) -> Result<Vec<Recovered<TxEnvelope>>, ChainError> {
        Ok(self.core.lock().pool().all().map(|tx| tx.tx.clone()).collect())
    }

    fn oldest_state(&self) -> u64 {
        self.core.lock().history().oldest_state()
    }
}
