use alloy_eips::eip7840::BlobParams;

use super::ProtocolFork;
use crate::rules::{BlobRules, RuleSet};

/// The rules of a whole block: its fork and how its blobs are priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRules {
    /// The fork.
    pub fork: ProtocolFork,
    /// Its blob parameters.
    pub blobs: BlobParams,
}

impl BlockRules {
    /// The rules of a fork with mainnet's blob parameters.
    #[must_use]
    pub const fn of(fork: ProtocolFork) -> Self {
        let blobs = match fork {
            ProtocolFork::Cancun => BlobParams::cancun(),
            ProtocolFork::Prague => BlobParams::prague(),
            ProtocolFork::Osaka => BlobParams::osaka(),
            ProtocolFork::Bpo1 => BlobParams::bpo1(),
            ProtocolFork::Bpo2 => BlobParams::bpo2(),
        };
        Self { fork, blobs }
    }

    /// The rules of a chain without blobs.
    #[must_use]
    pub fn without_blobs(&self) -> RuleSet {
        RuleSet { spec: self.fork.spec(), blobs: None }
    }

    /// The rules of a chain with blobs, for the block with this excess.
    #[must_use]
    pub fn with_blobs(&self, excess_blob_gas: u64) -> RuleSet {
        self.without_blobs().with_blobs(BlobRules {
            base_fee: self.blobs.calc_blob_fee(excess_blob_gas),
            max_per_transaction: self.blobs.max_blobs_per_tx,
        })
    }
}

/// The rules of whole blocks by the timestamp from which they are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockSchedule {
    first: BlockRules,
    later: Vec<(u64, BlockRules)>,
}

impl BlockSchedule {
    /// `first` from the beginning on, then each of `later` from its timestamp on; these must ascend.
    #[must_use]
    pub const fn new(first: BlockRules, later: Vec<(u64, BlockRules)>) -> Self {
        Self { first, later }
    }

    /// Osaka for ever, with its first blob parameters.
    #[must_use]
    pub const fn osaka() -> Self {
        Self::new(BlockRules::of(ProtocolFork::Osaka), Vec::new())
    }

    /// The rules in force at a timestamp.
    #[must_use]
    pub fn at(&self, timestamp: u64) -> BlockRules {
        let begun = self.later.iter().rev().find(|(since, _)| *since <= timestamp);
        begun.map_or(self.first, |(_, rules)| *rules)
    }
}
