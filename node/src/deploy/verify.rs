//! Compares what is on L1 with a configuration and the committed bytecode.

use alloy::{network::Ethereum, providers::Provider};
use alloy_primitives::{Address, Bytes, U256, keccak256};
use recourse_protocol::{
    EXECUTE_ADDRESS, RollupConfig, View,
    bindings::{IDeployment, IInbox, IRollup},
    genesis_content,
};

use super::{
    DeployError, DeployParams, Plan, Report,
    genesis::Genesis,
    notes::notes,
    reading::{call, chain_id, code, raw_call, simulated},
};

/// Checks a deployment: that the addresses in the configuration are those that its own parameters and the committed bytecode
/// lead to, that the code there is what that bytecode leaves there, and that the genesis is what L1 recorded.
///
/// Believes the endpoint what L1 holds, and nothing else: no key, no trust in who deployed. Whether the rollup is one to trust is
/// another question, which nobody can answer for all: the notes of the list are what to look at.
///
/// # Errors
/// [`DeployError`] if L1 can't be asked, or the configuration makes no rollup. Differences are no errors, they are in the list.
pub async fn verify<P: Provider<Ethereum>>(
    provider: &P,
    config: &RollupConfig,
) -> Result<Report, DeployError> {
    let params = DeployParams::from(config);
    let genesis = Genesis::of(&params.alloc)?;
    let plan = Plan::on(&params, &genesis)?;
    let mut report = Report::default();
    let l1_chain_id = chain_id(provider).await?;
    report.same("chain id of L1", &config.l1_chain_id, &l1_chain_id);
    let l1s = "which is L1's: what is signed for one is valid on both";
    report.unlike("chain id of L2", &l1_chain_id, l1s, &config.l2.chain_id);
    report.same("EXECUTE answers at 0x0101", &true, &has_execute(provider).await);
    let found = addresses(config, &plan);
    for ((name, planned, creation_code), at) in plan.contracts()?.into_iter().zip(found) {
        report.same(format!("address of the {name} follows from this file"), &planned, &at);
        check_code(provider, &mut report, name, at, creation_code).await?;
    }
    check_parts(provider, &mut report, &plan).await?;
    check_genesis(provider, &mut report, config, &genesis).await?;
    report.notes = notes(config, l1_chain_id);
    Ok(report)
}

/// A query costs little and names no claim; an L1 without the precompile answers with nothing.
async fn has_execute<P: Provider<Ethereum>>(provider: &P) -> bool {
    raw_call(provider, EXECUTE_ADDRESS, Bytes::new()).await.is_ok_and(|answer| answer.len() == 64)
}

/// Where the configuration says that the contracts are, in the order of [`Plan::contracts`]. The Deployment is not in it.
fn addresses(config: &RollupConfig, plan: &Plan) -> [Address; 6] {
    let at = &config.contracts;
    [plan.deployment, at.chunk_store, at.inbox, at.verifier, at.rollup, at.bridge]
}

async fn check_code<P: Provider<Ethereum>>(
    provider: &P,
    report: &mut Report,
    name: &str,
    at: Address,
    creation_code: Bytes,
) -> Result<(), DeployError> {
    let describe = |code: &Bytes| format!("{} bytes with hash {}", code.len(), keccak256(code));
    let expected = match simulated(provider, at, creation_code).await {
        Ok(code) => describe(&code),
        Err(error) => format!("what its constructor leaves there, but that failed ({error})"),
    };
    let got = describe(&code(provider, at).await?);
    report.same(format!("code of the {name} at {at}"), &expected, &got);
    Ok(())
}

async fn check_parts<P: Provider<Ethereum>>(
    provider: &P,
    report: &mut Report,
    plan: &Plan,
) -> Result<(), DeployError> {
    let created = match call(provider, plan.deployment, &IDeployment::createdCall {}).await {
        Ok(created) => created,
        // There is none.
        Err(DeployError::Answer { .. }) => U256::ZERO,
        Err(error) => return Err(error),
    };
    report.same("parts that the Deployment made", &U256::from(plan.parts.len()), &created);
    Ok(())
}

/// The genesis checkpoint follows from the accounts and from view 0, which the Inbox's constructor recorded.
async fn check_genesis<P: Provider<Ethereum>>(
    provider: &P,
    report: &mut Report,
    config: &RollupConfig,
    genesis: &Genesis,
) -> Result<(), DeployError> {
    let at = &config.contracts;
    let view = match call(provider, at.inbox, &IInbox::viewAtCall { index: 0 }).await {
        Ok(view) => View::from(view),
        Err(DeployError::Answer { .. } | DeployError::Transport { .. }) => View::default(),
        Err(error) => return Err(error),
    };
    let checkpoint = genesis.checkpoint(&view, &config.l2);
    let given = &config.genesis.checkpoint;
    report.same("genesis state root", &checkpoint.state_root, &given.state_root);
    report.same("genesis checkpoint (view 0)", &checkpoint.h248(), &given.h248());
    let block = view.l1_number.saturating_add(1);
    report.same("deploy-block", &block, &config.contracts.deploy_block);
    let content = genesis_content(checkpoint.h248()).0;
    let confirmed = match call(provider, at.rollup, &IRollup::contentOfCall { content }).await {
        Ok(content) => content.confirmed,
        Err(DeployError::Answer { .. } | DeployError::Transport { .. }) => false,
        Err(error) => return Err(error),
    };
    report.same("claims start from that genesis", &true, &confirmed);
    Ok(())
}
