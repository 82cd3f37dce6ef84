//! How a chain begins: with a genesis block, or with a block of the chain that it forks.

use std::sync::Arc;

use alloy_consensus::Sealable as _;
use alloy_eips::{eip1559::INITIAL_BASE_FEE, eip4895::Withdrawals};
use alloy_genesis::Genesis;
use recourse_rpc::MinedBlock;

use super::{Rules, clock::wall, genesis};
use crate::{
    Config, DevAccount,
    fork::Fork,
    journal::GenesisRecord,
    state::{EmptyBase, State, StateError},
};

/// EIP-155 chain id of a chain that is no fork, unless another is asked for.
const CHAIN_ID: u64 = 31_337;
/// Gas limit of a chain that is no fork.
const GAS_LIMIT: u64 = 60_000_000;

/// A chain's first block, the state after it, and what the next ones take over.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) rules: Rules,
    pub(super) gas_limit: u64,
    pub(super) block: Arc<MinedBlock>,
    pub(super) state: State,
    /// The chain's time now.
    pub(super) now: u64,
    pub(super) next_base_fee: Option<u64>,
}

impl Start {
    /// The beginning that the configuration asks for, or the one of which a file tells.
    pub(super) fn of(
        config: &Config,
        accounts: &[DevAccount],
        fork: Option<&Fork>,
        past: Option<&GenesisRecord>,
    ) -> Result<Self, StateError> {
        match fork {
            Some(fork) => Self::forked(config, accounts, fork),
            None => {
                let time = past.map(|past| past.timestamp).or(config.genesis_timestamp);
                Self::genesis(config, accounts, time.unwrap_or_else(wall))
            }
        }
    }

    fn genesis(
        config: &Config,
        accounts: &[DevAccount],
        timestamp: u64,
    ) -> Result<Self, StateError> {
        let mut state = State::new(Arc::new(EmptyBase));
        genesis::allocate(&mut state, config, accounts)?;
        let (gas_limit, base_fee) =
            (config.gas_limit.unwrap_or(GAS_LIMIT), config.base_fee.unwrap_or(INITIAL_BASE_FEE));
        let mut header = genesis::header(config, state.root()?, timestamp);
        (header.gas_limit, header.base_fee_per_gas) = (gas_limit, Some(base_fee));
        let header = header.seal_slow();
        state.set_block_hash(0, header.seal());
        let rules = Rules::osaka(config.chain_id.unwrap_or(CHAIN_ID));
        let price = rules.blob_fee(&header);
        let block = MinedBlock::new(header, Vec::new(), Vec::new(), Withdrawals::default(), price);
        Ok(Self {
            rules,
            gas_limit,
            block: Arc::new(block),
            state,
            now: timestamp,
            next_base_fee: None,
        })
    }

    /// The beginning that a genesis file tells of. There are no dev accounts.
    pub(super) fn from_file(file: &Genesis, rules: Rules) -> Result<Self, StateError> {
        let mut state = State::new(Arc::new(EmptyBase));
        genesis::allocate_file(&mut state, file)?;
        let header = genesis::header_of(file, &rules, state.root()?);
        let (gas_limit, now) = (header.gas_limit, header.timestamp);
        let price = rules.blob_fee(&header);
        let header = header.seal_slow();
        state.set_block_hash(0, header.seal());
        let block = MinedBlock::new(header, Vec::new(), Vec::new(), Withdrawals::default(), price);
        Ok(Self { rules, gas_limit, block: Arc::new(block), state, now, next_base_fee: None })
    }

    /// The fork block as it is; what a hard fork would write, and the dev accounts, in the state that the next block finds.
    fn forked(config: &Config, accounts: &[DevAccount], fork: &Fork) -> Result<Self, StateError> {
        let block = fork.last()?;
        let mut state = State::new(fork.base());
        genesis::hard_fork(&mut state, config, accounts)?;
        let header = block.header();
        state.set_block_hash(header.number, block.hash());
        Ok(Self {
            rules: Rules::osaka(config.chain_id.unwrap_or(fork.anchor().chain_id)),
            gas_limit: config.gas_limit.unwrap_or(header.gas_limit),
            now: config.genesis_timestamp.unwrap_or(header.timestamp),
            next_base_fee: config.base_fee,
            state,
            block,
        })
    }
}
