//! The rules in force: Osaka with its first blob parameters.

use alloy_consensus::Header;
use alloy_eips::{eip1559::BaseFeeParams, eip7840::BlobParams};
use alloy_evm::EvmEnv;
use alloy_primitives::U256;
use revm::{
    context::{BlockEnv, CfgEnv},
    context_interface::block::BlobExcessGasAndPrice,
    primitives::hardfork::SpecId,
};

/// The EVM's rule set.
pub(crate) const SPEC: SpecId = SpecId::OSAKA;

/// At most 6 blobs a transaction and 9 a block, target 6 (EIP-7691, EIP-7594, EIP-7918).
pub(crate) const fn blob_params() -> BlobParams {
    BlobParams::osaka()
}

/// EIP-1559 parameters of mainnet.
pub(crate) const fn base_fee_params() -> BaseFeeParams {
    BaseFeeParams::ethereum()
}

/// The environment in which the block of this header runs.
pub(crate) fn env(header: &Header, chain_id: u64) -> EvmEnv {
    let mut cfg = CfgEnv::new_with_spec(SPEC).with_chain_id(chain_id);
    cfg.max_blobs_per_tx = Some(blob_params().max_blobs_per_tx);
    let excess_blob_gas = header.excess_blob_gas.unwrap_or_default();
    let block = BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
            excess_blob_gas,
            blob_gasprice: blob_params().calc_blob_fee(excess_blob_gas),
        }),
        ..BlockEnv::default()
    };
    EvmEnv::new(cfg, block)
}
