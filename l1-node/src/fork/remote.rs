//! The state of a block of the forked chain, read lazily.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::state::{AccountInfo, Bytecode};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, json};

use super::{
    ForkError,
    blocks::Blocks,
    cache::{Cache, Known},
    upstream::Upstream,
};
use crate::state::{BaseState, StateError};

/// The state after a block of the forked chain.
#[derive(Debug)]
pub(super) struct RemoteState {
    pub(super) upstream: Arc<Upstream>,
    pub(super) blocks: Arc<Blocks>,
    pub(super) cache: Cache,
    pub(super) number: u64,
    pub(super) hash: B256,
}

impl RemoteState {
    /// The block by its hash (EIP-1898): a reorg of the upstream is an error, never another state.
    fn id(&self) -> Value {
        json!({ "blockHash": self.hash })
    }

    fn explained(&self, error: ForkError) -> ForkError {
        match error {
            ForkError::Unanswered { refused: true, .. } => {
                ForkError::State { number: self.number, hash: self.hash, source: Box::new(error) }
            }
            other => other,
        }
    }

    fn fetch(&self, address: Address) -> Result<(Known, Bytecode), StateError> {
        let (upstream, params) = (Arc::clone(&self.upstream), json!([address, self.id()]));
        let asked = async move {
            futures::try_join!(
                upstream.any::<Number>("eth_getBalance", params.clone()),
                upstream.any::<Number>("eth_getTransactionCount", params.clone()),
                upstream.any::<Bytes>("eth_getCode", params.clone()),
            )
        };
        let (balance, nonce, code) =
            self.upstream.wait(asked).map_err(|error| self.explained(error))?;
        let code = Bytecode::new_raw_checked(code)?;
        let nonce = u64::try_from(nonce.0).map_err(|_| ForkError::WideNonce(address))?;
        let known = Known { balance: balance.0, nonce, code_hash: code.hash_slow() };
        Ok((known, code))
    }
}

/// A quantity or a word: `0x` and digits. An empty answer is no zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number(U256);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.strip_prefix("0x").filter(|digits| !digits.is_empty());
        let number = digits.and_then(|digits| U256::from_str_radix(digits, 16).ok());
        number
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("expected a number as 0x..., got {text:?}")))
    }
}

impl BaseState for RemoteState {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let known = match self.cache.account(address) {
            Some(known) => known,
            None => {
                let (known, code) = self.fetch(address)?;
                self.cache.add_account(address, known, code);
                known
            }
        };
        let info = AccountInfo {
            balance: known.balance,
            nonce: known.nonce,
            code_hash: known.code_hash,
            ..AccountInfo::default()
        };
        // Since EIP-161 there are no empty accounts.
        Ok((!info.is_empty()).then_some(AccountInfo { code: None, ..info }))
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        // Codes come with their accounts.
        self.cache.code(hash).ok_or_else(|| ForkError::UnknownCode(hash).into())
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        if let Some(value) = self.cache.slot(address, slot) {
            return Ok(value);
        }
        let (upstream, params) = (Arc::clone(&self.upstream), json!([address, slot, self.id()]));
        let asked = async move { upstream.any::<Number>("eth_getStorageAt", params).await };
        let Number(value) = self.upstream.wait(asked).map_err(|error| self.explained(error))?;
        self.cache.add_slot(address, slot, value);
        Ok(value)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        if number == self.number {
            return Ok(self.hash);
        }
        if let Some(hash) = self.cache.block_hash(number) {
            return Ok(hash);
        }
        let hash = self.blocks.hash(number)?.ok_or(ForkError::NoBlock(number))?;
        self.cache.add_block_hash(number, hash);
        Ok(hash)
    }

    fn is_whole(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_answer_is_no_zero() {
        let read = |text: &str| serde_json::from_value::<Number>(json!(text)).ok();
        let word = format!("0x{:064x}", 26);
        for (text, number) in [("0x0", 0_u64), ("0x1a", 26), (word.as_str(), 26)] {
            assert_eq!(read(text), Some(Number(U256::from(number))), "{text}");
        }
        for text in ["", "0x", "26", "0xzz", "-0x1", &format!("0x1{:064x}", 0)] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
