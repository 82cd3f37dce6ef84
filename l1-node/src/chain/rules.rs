//! The rules in force at a block: this chain's own are Osaka with its first blob parameters; a chain that is taken up
//! from elsewhere has the forks of its genesis file.

use alloy_consensus::Header;
use alloy_eips::{eip1559::BaseFeeParams, eip7840::BlobParams, eip7892::BlobScheduleBlobParams};
use alloy_evm::EvmEnv;
use alloy_genesis::ChainConfig;
use alloy_primitives::U256;
use revm::{
    context::{BlockEnv, CfgEnv},
    context_interface::block::BlobExcessGasAndPrice,
    primitives::hardfork::SpecId,
};

/// The rules of a chain, block by block.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    config: ChainConfig,
    blobs: BlobScheduleBlobParams,
    execute_from: u64,
}

impl Rules {
    /// Osaka from the first block on: at most 6 blobs a transaction and 9 a block, target 6 (EIP-7691, EIP-7594,
    /// EIP-7918).
    pub(crate) fn osaka(chain_id: u64) -> Self {
        let first = Some(0);
        Self::of(ChainConfig {
            chain_id,
            homestead_block: first,
            eip150_block: first,
            eip155_block: first,
            eip158_block: first,
            byzantium_block: first,
            constantinople_block: first,
            petersburg_block: first,
            istanbul_block: first,
            berlin_block: first,
            london_block: first,
            merge_netsplit_block: first,
            shanghai_time: first,
            cancun_time: first,
            prague_time: first,
            osaka_time: first,
            terminal_total_difficulty: Some(U256::ZERO),
            terminal_total_difficulty_passed: true,
            ..ChainConfig::default()
        })
    }

    /// Those of a genesis file.
    pub(crate) fn of(config: ChainConfig) -> Self {
        let blobs = config.blob_schedule_blob_params();
        Self { config, blobs, execute_from: 0 }
    }

    /// EXECUTE is there from this block on only.
    pub(crate) const fn activate_execute(&mut self, number: u64) {
        self.execute_from = number;
    }

    /// Whether EXECUTE is there in the block of this number.
    pub(crate) const fn has_execute(&self, number: u64) -> bool {
        number >= self.execute_from
    }

    /// EIP-155 chain id.
    pub(crate) const fn chain_id(&self) -> u64 {
        self.config.chain_id
    }

    /// The EVM's rule set in the block of this header.
    pub(crate) fn spec(&self, header: &Header) -> SpecId {
        let config = &self.config;
        let since = |time: Option<u64>| time.is_some_and(|time| header.timestamp >= time);
        let from = |block: Option<u64>| block.is_some_and(|block| header.number >= block);
        // Proof of work has a difficulty; the total that ended it is not looked at.
        let merged = header.difficulty.is_zero() && config.terminal_total_difficulty.is_some();
        let forks = [
            (merged && since(config.osaka_time), SpecId::OSAKA),
            (merged && since(config.prague_time), SpecId::PRAGUE),
            (merged && since(config.cancun_time), SpecId::CANCUN),
            (merged && since(config.shanghai_time), SpecId::SHANGHAI),
            (merged, SpecId::MERGE),
            (from(config.london_block), SpecId::LONDON),
            (from(config.berlin_block), SpecId::BERLIN),
            (from(config.istanbul_block), SpecId::ISTANBUL),
            // Constantinople without Petersburg priced SSTORE by EIP-1283, which no other fork had and revm does not
            // know: a block whose gas depends on it does not come out as its header says.
            (from(config.constantinople_block), SpecId::PETERSBURG),
            (from(config.byzantium_block), SpecId::BYZANTIUM),
            (from(config.eip158_block), SpecId::SPURIOUS_DRAGON),
            (from(config.eip150_block), SpecId::TANGERINE),
            (from(config.homestead_block), SpecId::HOMESTEAD),
        ];
        forks.iter().find(|(active, _)| *active).map_or(SpecId::FRONTIER, |(_, spec)| *spec)
    }

    /// Blob limits and prices at a time.
    pub(crate) fn blob_params(&self, timestamp: u64) -> BlobParams {
        let since = |time: Option<u64>| time.is_some_and(|time| timestamp >= time);
        if let Some(scheduled) = self.blobs.active_scheduled_params_at_timestamp(timestamp) {
            return *scheduled;
        }
        match (since(self.config.osaka_time), since(self.config.prague_time)) {
            (true, _) => self.blobs.osaka,
            (_, true) => self.blobs.prague,
            _ => self.blobs.cancun,
        }
    }

    /// The same, `None` before there were blobs.
    pub(crate) fn blob_params_at(&self, timestamp: u64) -> Option<BlobParams> {
        let blobs = self.config.cancun_time.is_some_and(|time| timestamp >= time);
        blobs.then(|| self.blob_params(timestamp))
    }

    /// The blob base fee of a block in wei, `None` before there were blobs.
    pub(crate) fn blob_fee(&self, header: &Header) -> Option<u128> {
        header.blob_fee(self.blob_params(header.timestamp))
    }

    /// The environment in which the block of this header runs.
    pub(crate) fn env(&self, header: &Header) -> EvmEnv {
        let spec = self.spec(header);
        let mut cfg = CfgEnv::new_with_spec(spec).with_chain_id(self.chain_id());
        let blobs = self.blob_params(header.timestamp);
        cfg.max_blobs_per_tx = Some(blobs.max_blobs_per_tx);
        let merged = spec.is_enabled_in(SpecId::MERGE);
        let blob_price = |excess_blob_gas| BlobExcessGasAndPrice {
            excess_blob_gas,
            blob_gasprice: blobs.calc_blob_fee(excess_blob_gas),
        };
        let block = BlockEnv {
            number: U256::from(header.number),
            beneficiary: header.beneficiary,
            timestamp: U256::from(header.timestamp),
            gas_limit: header.gas_limit,
            basefee: header.base_fee_per_gas.unwrap_or_default(),
            difficulty: header.difficulty,
            prevrandao: merged.then_some(header.mix_hash),
            blob_excess_gas_and_price: spec
                .is_enabled_in(SpecId::CANCUN)
                .then(|| blob_price(header.excess_blob_gas.unwrap_or_default())),
            ..BlockEnv::default()
        };
        EvmEnv::new(cfg, block)
    }
}

/// EIP-1559 parameters of mainnet.
pub(crate) const fn base_fee_params() -> BaseFeeParams {
    BaseFeeParams::ethereum()
}
