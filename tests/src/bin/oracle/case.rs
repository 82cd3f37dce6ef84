//! A block on a state, as both sides get it and as it is written to a file.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use recourse_execution::{
    BlobRules, GenesisAccount, RuleSet, Schedule, State,
    block::{BlockBody, Opening},
};
use recourse_protocol::bindings::{BlockContext, Credit as TapeCredit};
use serde::{Deserialize, Serialize};

/// A block on a state. `tests/oracle/worker.py` reads the same JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Case {
    /// Makes this case anew.
    pub(crate) seed: u64,
    pub(crate) chain_id: U64,
    /// Whether the rules have blob transactions, at a price of 1. On L2 they are no-ops.
    pub(crate) blobs: bool,
    pub(crate) block: Block,
    /// Of the blocks before this one, at most 256, the parent's last.
    pub(crate) block_hashes: Vec<B256>,
    pub(crate) alloc: BTreeMap<Address, Account>,
    pub(crate) transactions: Vec<Bytes>,
    pub(crate) credits: Vec<Credit>,
}

/// What the EVM sees of the block, and the beacon root of its opening.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Block {
    pub(crate) number: U64,
    pub(crate) timestamp: U64,
    pub(crate) gas_limit: U64,
    pub(crate) base_fee: U64,
    pub(crate) prev_randao: B256,
    pub(crate) coinbase: Address,
    pub(crate) anchor: B256,
}

/// An account of the state before. None is empty, no slot is zero.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) nonce: U64,
    pub(crate) balance: U256,
    pub(crate) code: Bytes,
    pub(crate) storage: BTreeMap<U256, U256>,
}

/// A withdrawal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Credit {
    pub(crate) to: Address,
    pub(crate) gwei: U64,
}

impl Case {
    /// The state before.
    ///
    /// # Errors
    /// Never in practice: it is wholly in memory.
    pub(crate) fn state(&self) -> eyre::Result<State> {
        state_of(&self.alloc)
    }

    pub(crate) fn schedule(&self) -> Schedule {
        let rules = if self.blobs {
            // Osaka's EIP-7594 limit.
            RuleSet::OSAKA.with_blobs(BlobRules { base_fee: 1, max_per_transaction: 6 })
        } else {
            RuleSet::OSAKA
        };
        Schedule::new(rules, Vec::new())
    }

    pub(crate) fn context(&self) -> BlockContext {
        BlockContext {
            chainId: self.chain_id.to(),
            number: self.block.number.to(),
            timestamp: self.block.timestamp.to(),
            gasLimit: self.block.gas_limit.to(),
            baseFee: U256::from(self.block.base_fee),
            prevRandao: self.block.prev_randao,
            coinbase: self.block.coinbase,
        }
    }

    pub(crate) fn body(&self) -> BlockBody {
        BlockBody {
            opening: Some(Opening {
                parent_hash: self.block_hashes.last().copied().unwrap_or_default(),
                anchor: self.block.anchor,
            }),
            transactions: self.transactions.clone(),
            credits: Some(
                self.credits
                    .iter()
                    .map(|credit| TapeCredit { to: credit.to, amountGwei: credit.gwei.to() })
                    .collect(),
            ),
        }
    }
}

/// The state of these accounts.
///
/// # Errors
/// Never in practice: it is wholly in memory.
pub(crate) fn state_of(alloc: &BTreeMap<Address, Account>) -> eyre::Result<State> {
    let account = |account: &Account| GenesisAccount {
        balance: account.balance,
        nonce: account.nonce.to(),
        code: account.code.clone(),
        storage: account.storage.clone(),
    };
    let alloc = alloc.iter().map(|(address, it)| (*address, account(it))).collect();
    Ok(State::of(&alloc)?)
}
