//! Deploys a rollup on an L1, at addresses that commit to its code and its configuration, and verifies such deployments.
//!
//! The Deployment contract is made by CREATE2, with commitments to everything that it makes; so where it is follows from
//! parameters and committed bytecode alone ([`Plan`]), whoever sends the transactions. See `docs/deploy.md`.
//!
//! The genesis is computed here and by the StepVerifier; deployment fails unless both agree, so that no node
//! can start from a state that L1 does not know.

mod artifact;
mod chain_ids;
mod choices;
mod error;
mod genesis;
mod notes;
mod params;
mod plan;
mod proxy;
mod reading;
mod report;
mod script;
mod transactions;
mod verify;

pub use chain_ids::{DEFAULT_L2_CHAIN_ID, DEV_CHAIN_IDS};
pub use error::DeployError;
pub use params::DeployParams;
pub use plan::{CREATE2_PROXY, Part, Plan};
pub use report::{Check, Difference, Report};
pub use script::script_plan;
pub use verify::verify;

use alloy::{network::Ethereum, providers::Provider};
use alloy_primitives::Address;
use recourse_protocol::{
    Checkpoint, ContentHash, Contracts, GenesisConfig, RollupConfig, View,
    bindings::{IInbox, IRollup, IStepVerifier},
    genesis_content,
};

use genesis::Genesis;
use transactions::Deployer;

/// Deploys a rollup with the provider's wallet, and gives the configuration that its nodes read.
///
/// Sends what is not on L1 yet, one transaction after the other; so it can be called again after a failure, and after
/// somebody else has begun or finished the same deployment. The account of `from` pays; it has no right over the contracts
/// afterwards.
///
/// # Errors
/// [`DeployError`].
pub async fn deploy<P: Provider<Ethereum>>(
    provider: &P,
    from: Address,
    params: &DeployParams,
) -> Result<RollupConfig, DeployError> {
    let genesis = Genesis::of(&params.alloc)?;
    let plan = Plan::on(params, &genesis)?;
    let l1_chain_id = reading::chain_id(provider).await?;
    chain_ids::check(params.l2.chain_id, l1_chain_id)?;
    Deployer { provider, from }.carry_out(&plan).await?;

    let view = reading::call(provider, plan.inbox(), &IInbox::viewAtCall { index: 0 }).await?;
    let view = View::from(view);
    let checkpoint = agreed_genesis(provider, &plan, &genesis, &view, params).await?;
    let contracts = Contracts {
        inbox: plan.inbox(),
        rollup: plan.rollup(),
        verifier: plan.verifier(),
        chunk_store: plan.chunk_store,
        bridge: plan.bridge(),
        // View 0 is of the block before.
        deploy_block: view.l1_number.saturating_add(1),
    };
    let genesis = GenesisConfig { checkpoint, alloc: params.alloc.clone() };
    let config = params.rollup_config(l1_chain_id, contracts, genesis);
    config.check()?;
    confirm_genesis(provider, plan.rollup(), &checkpoint).await?;
    Ok(config)
}

/// The genesis checkpoint, if L1 computes the one that is computed here.
async fn agreed_genesis<P: Provider<Ethereum>>(
    provider: &P,
    plan: &Plan,
    genesis: &Genesis,
    view: &View,
    params: &DeployParams,
) -> Result<Checkpoint, DeployError> {
    let call = IStepVerifier::genesisCall { stateRoot: genesis.state_root };
    let theirs = Checkpoint::from(reading::call(provider, plan.verifier(), &call).await?);
    let ours = genesis.checkpoint(view, &params.l2);
    if ours == theirs {
        Ok(ours)
    } else {
        Err(DeployError::Genesis { expected: Box::new(ours), got: Box::new(theirs) })
    }
}

/// Checks that claims start from this checkpoint. The tip may have moved on: an earlier deployment of the same rollup is this one.
async fn confirm_genesis<P: Provider<Ethereum>>(
    provider: &P,
    rollup: Address,
    genesis: &Checkpoint,
) -> Result<(), DeployError> {
    let content: ContentHash = genesis_content(genesis.h248());
    let call = IRollup::contentOfCall { content: content.0 };
    let found = reading::call(provider, rollup, &call).await?;
    if found.confirmed { Ok(()) } else { Err(DeployError::Start { content }) }
}
