use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_execution::GenesisAccount;
use recourse_protocol::bindings::{BlockContext, Credit, Trace};
use serde::{Deserialize, Serialize};

/// One piece of a block, and what it comes to. The call vector of the same name proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TraceVector {
    /// Unique among traces.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// The state that it begins with, by its name.
    pub state: String,
    /// The trace without its witness.
    pub trace: TraceFields,
    /// The least witness.
    pub witness: WitnessSize,
    /// The root of `state`.
    pub pre_state_root: B256,
    /// The root after it.
    pub post_state_root: B256,
    /// L2 gas that its transactions use together.
    pub gas_used: u64,
    /// What became of its transactions.
    pub runs: Vec<RunFields>,
    /// Accounts that differ afterwards, whole; `null` for one that is gone.
    pub post: BTreeMap<Address, Option<AccountFields>>,
}

/// A state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateVector {
    /// Its root.
    pub root: B256,
    /// All its accounts.
    pub accounts: BTreeMap<Address, AccountFields>,
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountFields {
    /// Nonce.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// Code.
    pub code: Bytes,
    /// Slots that are not zero.
    pub storage: BTreeMap<U256, U256>,
}

/// The trace without its witness and pointers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields of `Trace`, described in docs/execute.md")]
pub struct TraceFields {
    pub context: Context,
    pub opens: bool,
    pub parent_hash: B256,
    pub anchor: B256,
    pub seals: bool,
    pub credits: Vec<CreditFields>,
    pub gas_used_before: u64,
    pub receipt_digest_before: B256,
    pub receipt_digest_after: B256,
    pub transactions: Vec<Bytes>,
    pub max_witness_bytes: u32,
}

/// What the EVM sees of the block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields of `BlockContext`, described in docs/execute.md")]
pub struct Context {
    pub chain_id: u64,
    pub number: u64,
    pub timestamp: u64,
    pub gas_limit: u64,
    pub base_fee: U256,
    pub prev_randao: B256,
    pub coinbase: Address,
}

/// A credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreditFields {
    /// Whose balance grows.
    pub to: Address,
    /// By how much.
    pub amount_gwei: u64,
}

/// The size of a least witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WitnessSize {
    /// Trie nodes.
    pub nodes: usize,
    /// Codes.
    pub codes: usize,
    /// Bytes of all these together, without their RLP headers.
    pub bytes: usize,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunFields {
    /// Whether it is part of the block; if not, it was invalid and did nothing.
    pub included: bool,
    /// Why it was invalid, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub invalid: Option<String>,
    /// Whether it used more bytes of state than can be proven.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub exhausted: bool,
    /// L2 gas.
    pub gas_used: u64,
    /// Its EIP-2718 receipt; empty if it was invalid.
    pub receipt: Bytes,
}

impl TraceFields {
    /// The trace that these are the fields of, without a witness.
    #[must_use]
    pub fn trace(&self) -> Trace {
        let credit =
            |credit: &CreditFields| Credit { to: credit.to, amountGwei: credit.amount_gwei };
        Trace {
            context: self.context.block(),
            opens: self.opens,
            parentHash: self.parent_hash,
            anchor: self.anchor,
            seals: self.seals,
            credits: self.credits.iter().map(credit).collect(),
            gasUsedBefore: self.gas_used_before,
            receiptDigestBefore: self.receipt_digest_before,
            receiptDigestAfter: self.receipt_digest_after,
            transactions: self.transactions.clone(),
            maxWitnessBytes: self.max_witness_bytes,
            witness: Bytes::new(),
            pointers: Vec::new(),
        }
    }
}

impl From<&Trace> for TraceFields {
    fn from(trace: &Trace) -> Self {
        let credit =
            |credit: &Credit| CreditFields { to: credit.to, amount_gwei: credit.amountGwei };
        Self {
            context: (&trace.context).into(),
            opens: trace.opens,
            parent_hash: trace.parentHash,
            anchor: trace.anchor,
            seals: trace.seals,
            credits: trace.credits.iter().map(credit).collect(),
            gas_used_before: trace.gasUsedBefore,
            receipt_digest_before: trace.receiptDigestBefore,
            receipt_digest_after: trace.receiptDigestAfter,
            transactions: trace.transactions.clone(),
            max_witness_bytes: trace.maxWitnessBytes,
        }
    }
}

impl Context {
    fn block(&self) -> BlockContext {
        BlockContext {
            chainId: self.chain_id,
            number: self.number,
            timestamp: self.timestamp,
            gasLimit: self.gas_limit,
            baseFee: self.base_fee,
            prevRandao: self.prev_randao,
            coinbase: self.coinbase,
        }
    }
}

impl From<&BlockContext> for Context {
    fn from(block: &BlockContext) -> Self {
        Self {
            chain_id: block.chainId,
            number: block.number,
            timestamp: block.timestamp,
            gas_limit: block.gasLimit,
            base_fee: block.baseFee,
            prev_randao: block.prevRandao,
            coinbase: block.coinbase,
        }
    }
}

impl From<&GenesisAccount> for AccountFields {
    fn from(account: &GenesisAccount) -> Self {
        Self {
            nonce: account.nonce,
            balance: account.balance,
            code: account.code.clone(),
            storage: account.storage.clone(),
        }
    }
}

impl From<&AccountFields> for GenesisAccount {
    fn from(account: &AccountFields) -> Self {
        Self {
            nonce: account.nonce,
            balance: account.balance,
            code: account.code.clone(),
            storage: account.storage.clone(),
        }
    }
}
