//! Deploys a rollup on an L1: Inbox, StepVerifier, ChunkStore, Rollup, Bridge, in this order, from the committed artifacts.
//!
//! The genesis is computed here and by the StepVerifier; deployment fails unless both agree, so that no node
//! can start from a state that L1 does not know.

mod artifact;
mod error;
mod genesis;
mod params;
mod transactions;

pub use error::DeployError;
pub use params::DeployParams;

use alloy::sol_types::SolValue;
use alloy::{network::Ethereum, providers::Provider};
use alloy_primitives::{Address, B256, Bytes};
use recourse_protocol::{
    Checkpoint, Contracts, GenesisConfig, RollupConfig, View,
    bindings::IInbox,
    bindings::IRollup,
    bindings::{IBridge, IStepVerifier},
};

use artifact::Contract;
use genesis::Genesis;
use transactions::Deployer;

/// How many contracts are deployed before the Bridge.
const BEFORE_THE_BRIDGE: u64 = 4;

/// Deploys a rollup with the provider's wallet, and gives the configuration that its nodes read.
///
/// Five transactions, each waited for. The account of `from` pays for them; it has no right over the
/// contracts afterwards. It must not send anything else in between: the Inbox is told the Bridge's address beforehand, which
/// its nonce decides. The Bridge checks that in its constructor.
///
/// # Errors
/// [`DeployError`]; contracts deployed before the failure stay on L1 and are of no use.
pub async fn deploy<P: Provider<Ethereum>>(
    provider: &P,
    from: Address,
    params: &DeployParams,
) -> Result<RollupConfig, DeployError> {
    let genesis = Genesis::of(&params.alloc)?;
    let deployer = Deployer { provider, from };
    let l1_chain_id = deployer.chain_id().await?;
    params.check(l1_chain_id, genesis.state_root)?;

    let bridge = deployer.address_after(BEFORE_THE_BRIDGE).await?;
    let inbox_config = inbox_config(params, bridge);
    let inbox = deployer.create(Contract::Inbox, &inbox_config.abi_encode()).await?;
    let verifier_config = verifier_config(params, inbox.address);
    let verifier = deployer.create(Contract::StepVerifier, &verifier_config.abi_encode()).await?;
    let checkpoint =
        agreed_genesis(&deployer, inbox.address, verifier.address, &genesis, params).await?;
    let store = deployer.create(Contract::ChunkStore, &[]).await?;
    let contracts = Contracts {
        inbox: inbox.address,
        // Not yet.
        rollup: Address::ZERO,
        verifier: verifier.address,
        chunk_store: store.address,
        bridge,
        deploy_block: inbox.block,
    };
    let arguments = rollup_arguments(params, &contracts, &genesis);
    let rollup = deployer.create(Contract::Rollup, &arguments).await?;
    let contracts = Contracts { rollup: rollup.address, ..contracts };
    let arguments = bridge_arguments(params, contracts.rollup, &genesis);
    deployer.create(Contract::Bridge, &arguments).await?;

    let config = params.rollup_config(
        l1_chain_id,
        contracts,
        GenesisConfig { checkpoint, alloc: params.alloc.clone() },
    );
    config.check()?;
    deployer.confirm_tip(contracts.rollup, &checkpoint).await?;
    Ok(config)
}

/// The genesis checkpoint, if L1 computes the one that is computed here.
async fn agreed_genesis<P: Provider<Ethereum>>(
    deployer: &Deployer<'_, P>,
    inbox: Address,
    verifier: Address,
    genesis: &Genesis,
    params: &DeployParams,
) -> Result<Checkpoint, DeployError> {
    let view = deployer.call(inbox, &IInbox::viewAtCall { index: 0 }).await?;
    let call = IStepVerifier::genesisCall { stateRoot: genesis.state_root };
    let theirs = Checkpoint::from(deployer.call(verifier, &call).await?);
    let ours = genesis.checkpoint(&View::from(view), &params.l2);
    if ours == theirs {
        Ok(ours)
    } else {
        Err(DeployError::Genesis { expected: Box::new(ours), got: Box::new(theirs) })
    }
}

const fn inbox_config(params: &DeployParams, bridge: Address) -> IInbox::Config {
    IInbox::Config {
        sequencer: params.sequencer,
        forceDelay: params.periods.force_delay,
        forceFee: params.limits.force_fee,
        minDepositGwei: params.limits.min_deposit_gwei,
        gasToken: params.gas_token,
        bridge,
    }
}

const fn verifier_config(params: &DeployParams, inbox: Address) -> IStepVerifier::Config {
    IStepVerifier::Config {
        inbox,
        chainId: params.l2.chain_id,
        gasLimit: params.l2.gas_limit,
        blockTime: params.l2.block_time,
        maxWitnessBytes: params.l2.max_witness_bytes,
    }
}

/// `abi.encode(config, genesisStateRoot, proofs2935, proofs4788)`.
fn rollup_arguments(params: &DeployParams, contracts: &Contracts, genesis: &Genesis) -> Vec<u8> {
    let config = IRollup::Config {
        inbox: contracts.inbox,
        verifier: contracts.verifier,
        chunkStore: contracts.chunk_store,
        arity: params.limits.arity,
        levels: params.limits.levels,
        challengeWindow: params.periods.challenge_window,
        responsePeriod: params.periods.response_period,
        // All were checked to fit.
        claimBond: params.limits.claim_bond.saturating_to(),
        challengeBond: params.limits.challenge_bond.saturating_to(),
        chunkReward: params.limits.chunk_reward.saturating_to(),
    };
    let proofs: (B256, Vec<Bytes>, Vec<Bytes>) =
        (genesis.state_root, genesis.history_proof.clone(), genesis.beacon_proof.clone());
    (config, proofs.0, proofs.1, proofs.2).abi_encode_params()
}

/// `abi.encode(config, genesisStateRoot, predeployProof)`.
fn bridge_arguments(params: &DeployParams, rollup: Address, genesis: &Genesis) -> Vec<u8> {
    let config = IBridge::Config { rollup, withdrawalDelay: params.periods.withdrawal_delay };
    (config, genesis.state_root, genesis.withdrawals_proof.clone()).abi_encode_params()
}
