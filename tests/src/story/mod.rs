//! The demo's story: one fraud, told as L1 tells it.

mod bill;
mod court;
mod teller;
mod traffic;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::providers::Provider;
use clap::Parser;
use eyre::{OptionExt, ensure};
use recourse_protocol::{Periods, bindings::IRollup::Confirmed};
use serde_json::Value;

use crate::{
    Anvil, Daemon, ForkOf, Lie, Network, NetworkOptions, Role, Upstream, Wallet, wait_for,
};
use court::Court;
use teller::Teller;

/// How long a step of the story may take, beside the challenge window.
const PATIENCE: Duration = Duration::from_secs(90);

/// One fraud, from the first transaction to the confirmed truth: starts an L1 with EXECUTE, a proposer, a cheating proposer
/// and a challenger as processes of their own, and tells what happens. Ends with 0 only if the cheat lost, the honest claim
/// confirmed, and proposer and challenger have the same L2 state.
#[derive(Debug, Clone, Parser)]
#[command(name = "demo", version)]
pub struct Args {
    /// What the cheat lies about.
    #[arg(long, value_enum, default_value_t = Lie::WrongStateRoot)]
    pub lie: Lie,
    /// How many L2 transactions the users send.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(20..=5_000))]
    pub transactions: u64,
    /// How long a claim can be challenged, in seconds; a real deployment has days.
    #[arg(long, value_name = "SECONDS", default_value_t = 25)]
    pub challenge_window: u64,
    /// How long a challenged owner has for an answer, in seconds; a real deployment has days.
    #[arg(long, value_name = "SECONDS", default_value_t = 12)]
    pub response_period: u64,
    /// Folder for logs, keys and stores [default: logs/demo-TIME].
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Start Anvil, put a token and some history on it, and play on a fork of it, with that token as L2's gas.
    #[arg(long)]
    pub fork_anvil: bool,
    /// Leave the network up until Ctrl-C.
    #[arg(long)]
    pub keep_running: bool,
}

/// Plays the story. `executable` is the demo's own.
///
/// # Errors
/// When anything ends otherwise than it must.
pub async fn tell(args: &Args, executable: PathBuf, folder: PathBuf) -> eyre::Result<Stage> {
    let teller = Teller::new();
    teller.line(&format!("Recourse demo. Logs, keys and stores: {}", folder.display()));
    let stage = Stage::set(&teller, args, &executable, &folder).await?;
    let head = traffic::play(&teller, &stage, args.transactions).await?;
    teller.tell("posted", &format!("L2 block {head} and all before it are on L1, in blobs"));
    let mut court = Court::new(&stage.network)?;
    let cheat = stage.network.cheat("cheat", Role::Cheat, args.lie).await?;
    teller.tell("cheat", &format!("a second proposer starts, with one lie in it: {}", args.lie));
    let batch = court.watch_the_trial(&teller, args.lie).await?;
    drop(cheat);
    confirmed(&teller, &stage.network, batch).await?;
    agree(&teller, &stage).await?;
    bill::print(&teller, &stage.network).await?;
    teller.tell("done", "the cheat lost its bond, the truth is final, nobody had to be trusted");
    Ok(stage)
}

/// A network that runs.
#[derive(Debug)]
pub struct Stage {
    /// What L1 is a fork of.
    upstream: Option<Upstream>,
    network: Network,
    proposer: Daemon,
    challenger: Daemon,
}

impl Stage {
    async fn set(
        teller: &Teller,
        args: &Args,
        executable: &Path,
        folder: &Path,
    ) -> eyre::Result<Self> {
        let periods = Periods {
            challenge_window: args.challenge_window,
            response_period: args.response_period,
            force_delay: 24 * 3_600,
            withdrawal_delay: 0,
        };
        let upstream = if args.fork_anvil { Some(forked(teller).await?) } else { None };
        let fork = upstream
            .as_ref()
            .map(|upstream| ForkOf { url: upstream.url().to_owned(), gas_token: upstream.token() });
        let options = NetworkOptions { periods, fork, ..NetworkOptions::default() };
        let network = Network::start(executable, folder, &options).await?;
        let contracts = network.config().contracts;
        teller.tell("L1", &format!("with EXECUTE at 0x0101: {}", network.l1_url()));
        teller.more(&format!("Inbox {}", contracts.inbox));
        teller.more(&format!("StepVerifier {}", contracts.verifier));
        teller.more(&format!("Rollup {}", contracts.rollup));
        teller.more(&format!("Bridge {}", contracts.bridge));
        let proposer = network.proposer("proposer", Role::Proposer).await?;
        teller.tell("proposer", &format!("L2 JSON-RPC at {}", proposer.url()));
        let challenger = network.challenger("challenger", Role::Challenger).await?;
        teller.tell("challenger", &format!("watches; health at {}/health", challenger.url()));
        Ok(Self { upstream, network, proposer, challenger })
    }

    fn l2_wallet(&self, role: Role) -> eyre::Result<Wallet> {
        Wallet::connect(&self.proposer.url(), role.signer()?)
    }

    /// Where it can be looked at.
    #[must_use]
    pub fn addresses(&self) -> String {
        format!(
            "L1 {}  L2 {}  challenger {}/health",
            self.network.l1_url(),
            self.proposer.url(),
            self.challenger.url()
        )
    }
}

/// Anvil with a history.
async fn forked(teller: &Teller) -> eyre::Result<Upstream> {
    let program =
        Anvil::program().ok_or_eyre("anvil is not installed: cargo xtask demo does it")?;
    let upstream = Upstream::start(&program).await?;
    teller.tell("Anvil", &format!("{}, with some history on it", upstream.url()));
    teller.more(&format!("a token, which will be L2's gas: {}", upstream.token()));
    Ok(upstream)
}

/// Waits until a claim that covers `batch` is final.
async fn confirmed(teller: &Teller, network: &Network, batch: u64) -> eyre::Result<()> {
    let wallet = network.l1_wallet(Role::Deployer)?;
    let rollup = network.config().contracts.rollup;
    let seconds = network.config().periods.challenge_window;
    let patience = PATIENCE.saturating_add(Duration::from_secs(seconds));
    teller.wait(&format!("the honest claim's challenge window of {seconds} s runs out"));
    let seen = wait_for("the honest claim's confirmation", patience, || async {
        let confirmed = wallet.events::<Confirmed>(rollup).await?;
        Ok(confirmed.into_iter().find(|seen| seen.event.batch >= batch))
    })
    .await?;
    let (attempt, transaction) = (seen.event.attempt, seen.transaction);
    teller.tell("confirmed", &format!("honest claim {attempt} of batch {}", seen.event.batch));
    teller.more(&format!("L1 transaction {transaction}"));
    Ok(())
}

/// Both have derived the same batches, and stand at the same checkpoint.
async fn agree(teller: &Teller, stage: &Stage) -> eyre::Result<()> {
    let (ours, theirs) = (stage.proposer.url(), stage.challenger.url());
    let (checkpoint, batches) = wait_for("proposer and challenger to agree", PATIENCE, || async {
        let (ours, theirs) = (derived(&ours).await?, derived(&theirs).await?);
        Ok((ours.1 > 0 && ours == theirs).then_some(ours))
    })
    .await?;
    teller.tell("agreed", "the challenger's own derivation equals the proposer's");
    teller.more(&format!("checkpoint {checkpoint} after {batches} batches"));
    let safe = stage.l2_wallet(Role::User)?;
    let block = safe.provider().get_block_by_number(alloy::eips::BlockNumberOrTag::Safe).await?;
    let block = block.ok_or_eyre("the proposer serves no safe block")?;
    teller
        .more(&format!("L2 block {}, state root {}", block.header.number, block.header.state_root));
    Ok(())
}

/// Checkpoint and number of batches that a daemon says it derived.
async fn derived(url: &str) -> eyre::Result<(String, u64)> {
    let health: Value = reqwest::get(format!("{url}/health")).await?.json().await?;
    let report = find(&health, "batchesDerived").ok_or_eyre("no report in /health")?;
    let checkpoint = report.get("checkpoint").and_then(Value::as_str).unwrap_or_default();
    let batches = report.get("batchesDerived").and_then(Value::as_u64).unwrap_or_default();
    ensure!(checkpoint.starts_with("0x") || batches == 0, "no checkpoint in /health of {url}");
    Ok((checkpoint.to_owned(), batches))
}

/// The object that has this field, wherever it is.
fn find<'a>(value: &'a Value, field: &str) -> Option<&'a Value> {
    if value.get(field).is_some() {
        return Some(value);
    }
    value.as_object()?.values().find_map(|inner| find(inner, field))
}
