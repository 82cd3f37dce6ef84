//! Which rules are in force when.

use std::{collections::BTreeMap, sync::Arc};

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{B256, keccak256};
use revm::primitives::hardfork::SpecId;

/// The rules of one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// The hard fork.
    pub spec: SpecId,
    /// Blob transactions. None on L2: there they are no-ops, and `BLOBBASEFEE` is 1.
    pub blobs: Option<BlobRules>,
}

/// Blob transactions (EIP-4844), on a chain that has them. Only for blocks of other chains than ours, one by one: the price
/// is that of a single block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobRules {
    /// Wei for a unit of blob gas.
    pub base_fee: u128,
    /// The most blobs that one transaction may carry.
    pub max_per_transaction: u64,
}

impl RuleSet {
    /// Cancun, without blobs.
    pub const CANCUN: Self = Self { spec: SpecId::CANCUN, blobs: None };
    /// Osaka, without blobs.
    pub const OSAKA: Self = Self { spec: SpecId::OSAKA, blobs: None };

    /// These rules with blob transactions.
    #[must_use]
    pub const fn with_blobs(self, blobs: BlobRules) -> Self {
        Self { blobs: Some(blobs), ..self }
    }
}

/// The rules by the timestamp from which they are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    first: RuleSet,
    later: Vec<(u64, RuleSet)>,
    ancestors: Option<Arc<BTreeMap<u64, B256>>>,
}

impl Schedule {
    /// `first` from the beginning on, then each of `later` from its timestamp on; these must ascend.
    #[must_use]
    pub fn new(first: RuleSet, later: Vec<(u64, RuleSet)>) -> Self {
        Self { first, later, ancestors: None }
    }

    /// With the hashes of earlier blocks by their numbers: what `BLOCKHASH` gives, instead of what the EIP-2935 contract
    /// says. Only for blocks of other chains than ours, whose witnesses prove those hashes by headers.
    #[must_use]
    pub fn with_ancestors(self, ancestors: BTreeMap<u64, B256>) -> Self {
        Self { ancestors: Some(Arc::new(ancestors)), ..self }
    }

    /// The hashes of earlier blocks, unless they are read from the state: that needs rules that keep them there.
    pub(crate) fn ancestors(&self, timestamp: u64) -> Option<Arc<BTreeMap<u64, B256>>> {
        let in_state = self.at(timestamp).spec.is_enabled_in(SpecId::PRAGUE);
        self.ancestors.clone().or_else(|| (!in_state).then(Arc::default))
    }

    /// Osaka for ever.
    #[must_use]
    pub fn osaka() -> Self {
        Self::new(RuleSet::OSAKA, Vec::new())
    }

    /// The rules in force at a timestamp.
    #[must_use]
    pub fn at(&self, timestamp: u64) -> RuleSet {
        self.later
            .iter()
            .rev()
            .find(|(since, _)| *since <= timestamp)
            .map_or(self.first, |(_, rules)| *rules)
    }

    /// Whether a code hash is a standard code of the EIP-2935 contract under some rule set up to `timestamp`.
    #[must_use]
    pub fn is_history_code(&self, code_hash: B256, timestamp: u64) -> bool {
        self.up_to(timestamp, SpecId::PRAGUE)
            && code_hash == keccak256(&eip2935::HISTORY_STORAGE_CODE)
    }

    /// Whether a code hash is a standard code of the EIP-4788 contract under some rule set up to `timestamp`.
    #[must_use]
    pub fn is_anchor_code(&self, code_hash: B256, timestamp: u64) -> bool {
        self.up_to(timestamp, SpecId::CANCUN) && code_hash == keccak256(&eip4788::BEACON_ROOTS_CODE)
    }

    /// Whether a rule set up to `timestamp` includes `spec`.
    fn up_to(&self, timestamp: u64, spec: SpecId) -> bool {
        let started = self.later.iter().filter(|(since, _)| *since <= timestamp);
        std::iter::once(&self.first)
            .chain(started.map(|(_, rules)| rules))
            .any(|rules| rules.spec.is_enabled_in(spec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANCUN: RuleSet = RuleSet::CANCUN;

    #[test]
    fn rules_change_at_their_timestamps() {
        let schedule = Schedule::new(CANCUN, vec![(100, RuleSet::OSAKA)]);
        assert_eq!(schedule.at(0), CANCUN);
        assert_eq!(schedule.at(99), CANCUN);
        assert_eq!(schedule.at(100), RuleSet::OSAKA);
        assert_eq!(Schedule::osaka().at(u64::MAX), RuleSet::OSAKA);
    }

    #[test]
    fn ancestors_are_those_given_else_none_before_eip_2935_and_the_states_after() {
        let hashes = BTreeMap::from([(7, B256::repeat_byte(7))]);
        let schedule = Schedule::new(CANCUN, vec![(100, RuleSet::OSAKA)]);
        assert_eq!(schedule.ancestors(99).as_deref(), Some(&BTreeMap::new()));
        assert_eq!(schedule.ancestors(100), None);
        let given = schedule.with_ancestors(hashes.clone());
        assert_eq!(given.ancestors(99).as_deref(), Some(&hashes));
        assert_eq!(given.ancestors(100).as_deref(), Some(&hashes));
    }

    #[test]
    fn codes_are_standard_from_their_fork_on() {
        let schedule = Schedule::new(CANCUN, vec![(100, RuleSet::OSAKA)]);
        let history = keccak256(&eip2935::HISTORY_STORAGE_CODE);
        let anchor = keccak256(&eip4788::BEACON_ROOTS_CODE);
        assert!(schedule.is_anchor_code(anchor, 0));
        assert!(!schedule.is_history_code(history, 99));
        assert!(schedule.is_history_code(history, 100));
        assert!(!schedule.is_history_code(anchor, 100));
    }
}
