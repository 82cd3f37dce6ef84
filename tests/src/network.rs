//! A whole network of real processes: an L1, the contracts on it, daemons.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::{network::TransactionBuilder as _, rpc::types::TransactionRequest};
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use eyre::{WrapErr, eyre};
use recourse_node::deploy::{DeployParams, deploy};
use recourse_protocol::{
    GenesisAccount, Limits, Periods, RollupConfig,
    bindings::IRollup::{self, Attempt, Proposed},
};

use crate::{Anvil, Daemon, Lie, Role, Seen, Upstream, Wallet, l2_balance, wait_for};

/// How long anything that an honest daemon does may take here, on a slow machine. Never waited for in full unless something
/// is wrong.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// What a network is like.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// Gaps that one reveal shows, and reveals that the longest claim needs.
    pub arity: (u32, u8),
    /// Clocks of the game, in seconds.
    pub periods: Periods,
    /// Seconds from one L1 block to the next; 0 is one block a transaction.
    pub l1_block_time: u64,
    /// Seconds that L1's beacon API serves blobs; weeks without.
    pub blob_retention: Option<u64>,
    /// Accounts of the L2's genesis beside the roles'.
    pub alloc: BTreeMap<Address, GenesisAccount>,
    /// Who alone may append batches; nobody in particular for a based rollup.
    pub sequencer: Option<Role>,
    /// Creation code of an ERC-20 that pays for L2 gas, which is deployed first; ether without.
    pub gas_token: Option<Bytes>,
    /// What L1 is a fork of; it begins with a genesis block of its own without.
    pub fork: Option<ForkOf>,
    /// URL of an L1 that runs already, instead of one that is started here.
    pub l1: Option<String>,
}

/// A chain to fork.
#[derive(Debug, Clone)]
pub struct ForkOf {
    /// URL of its JSON-RPC.
    pub url: String,
    /// An ERC-20 there that pays for L2 gas.
    pub gas_token: Address,
}

impl Default for NetworkOptions {
    /// The default arity; clocks so long that they run out only when somebody turns them on.
    fn default() -> Self {
        Self {
            arity: (4095, 2),
            periods: Periods {
                challenge_window: 3_600,
                response_period: 1_800,
                force_delay: 24 * 3_600,
                withdrawal_delay: 600,
            },
            l1_block_time: 1,
            blob_retention: None,
            alloc: BTreeMap::new(),
            sequencer: None,
            gas_token: None,
            fork: None,
            l1: None,
        }
    }
}

/// An L1: a child of ours, or somebody else's at this URL.
#[derive(Debug)]
enum L1 {
    Child(Box<Daemon>),
    Foreign(String),
}

/// A network.
#[derive(Debug)]
pub struct Network {
    executable: PathBuf,
    folder: PathBuf,
    l1: L1,
    config: RollupConfig,
    /// What the L1 is a fork of because [`ON_A_FORK`] says so.
    _upstream: Option<Upstream>,
}

/// Environment variable: with the value 1 each L1 that would begin with a genesis block of its own is a fork of an Anvil instead.
const ON_A_FORK: &str = "RECOURSE_ON_A_FORK";

/// An Anvil to fork, where all L1s are to be forks.
async fn upstream(options: &NetworkOptions) -> eyre::Result<Option<Upstream>> {
    let wanted = std::env::var_os(ON_A_FORK).is_some_and(|value| value == "1");
    if !wanted || options.fork.is_some() || options.l1.is_some() {
        return Ok(None);
    }
    let program = Anvil::program().ok_or_else(|| {
        eyre!("{ON_A_FORK}=1, but anvil is not installed (cargo xtask contracts)")
    })?;
    Upstream::start(&program).await.map(Some)
}

impl Network {
    /// Starts an L1 and deploys the contracts. `executable` is the `demo` binary; keys, logs and stores go to `folder`.
    ///
    /// # Errors
    /// When a process can't be started, or L1 refuses the contracts.
    pub async fn start(
        executable: &Path,
        folder: &Path,
        options: &NetworkOptions,
    ) -> eyre::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let block_time = options.l1_block_time.to_string();
        let mut args = args([("port", "0"), ("block-time", &block_time)]);
        if let Some(seconds) = options.blob_retention {
            args.extend(args_of([("blob-retention", seconds.to_string().as_str())]));
        }
        let upstream = upstream(options).await?;
        let forked = options.fork.as_ref().map(|fork| fork.url.as_str());
        if let Some(url) = forked.or(upstream.as_ref().map(Upstream::url)) {
            args.extend(args_of([("fork-url", url)]));
            args.push("--no-storage-caching".to_owned());
        }
        let l1 = match &options.l1 {
            Some(url) => L1::Foreign(url.clone()),
            None => {
                let child = Daemon::start(executable, "l1-node", "l1-node", &args, folder).await?;
                L1::Child(Box::new(child))
            }
        };
        let deployer = Wallet::connect(&l1.url(), Role::Deployer.signer()?)?;
        let mut params = params(options)?;
        if let Some(code) = &options.gas_token {
            params.gas_token = create(&deployer, code.clone()).await?;
        } else if let Some(fork) = &options.fork {
            params.gas_token = fork.gas_token;
        }
        let config = deploy(deployer.provider(), deployer.address(), &params)
            .await
            .wrap_err("the contracts were not deployed")?;
        std::fs::write(folder.join("rollup.toml"), config.to_toml()?)?;
        let (executable, folder) = (executable.to_owned(), folder.to_owned());
        Ok(Self { executable, folder, l1, config, _upstream: upstream })
    }

    /// The rollup.
    #[must_use]
    pub const fn config(&self) -> &RollupConfig {
        &self.config
    }

    /// Where keys, logs and stores are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// URL of the L1's JSON-RPC and beacon API.
    #[must_use]
    pub fn l1_url(&self) -> String {
        self.l1.url()
    }

    /// An account on L1.
    ///
    /// # Errors
    /// Never in practice.
    pub fn l1_wallet(&self, role: Role) -> eyre::Result<Wallet> {
        Wallet::connect(&self.l1_url(), role.signer()?)
    }

    /// Starts a proposer; `name` names its log and its store.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn proposer(&self, name: &str, role: Role) -> eyre::Result<Daemon> {
        let mut args = self.daemon_args(name, role)?;
        args.extend(args_of([
            ("rpc-addr", "127.0.0.1:0"),
            ("poll-interval", "200"),
            ("batch-interval", "2"),
            ("claim-interval", "1"),
        ]));
        Ok(Daemon::start(&self.executable, name, "proposer", &args, &self.folder).await?)
    }

    /// Starts a watchtower; `name` names its log and its store.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn challenger(&self, name: &str, role: Role) -> eyre::Result<Daemon> {
        self.challenger_behind(name, role, &self.l1_url()).await
    }

    /// Starts a watchtower that sees L1 through another endpoint.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn challenger_behind(
        &self,
        name: &str,
        role: Role,
        l1: &str,
    ) -> eyre::Result<Daemon> {
        let mut args = self.daemon_args_with(name, role, l1)?;
        args.extend(args_of([("http-addr", "127.0.0.1:0"), ("poll-interval", "200")]));
        Ok(Daemon::start(&self.executable, name, "challenger", &args, &self.folder).await?)
    }

    /// Starts a cheat, which claims the newest batch with a lie.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn cheat(&self, name: &str, role: Role, lie: Lie) -> eyre::Result<Daemon> {
        let mut args = self.daemon_args(name, role)?;
        args.extend(args_of([("lie", &lie.to_string())]));
        Ok(Daemon::start(&self.executable, name, "cheat", &args, &self.folder).await?)
    }

    /// Waits for the first claim of an account.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn claim_of(&self, role: Role) -> eyre::Result<Seen<Proposed>> {
        let owner = role.signer()?.address();
        let wallet = self.l1_wallet(Role::Deployer)?;
        wait_for(&format!("a claim of the {role:?}"), PATIENCE, || async {
            let claims = wallet.events::<Proposed>(self.config.contracts.rollup).await?;
            Ok(claims.into_iter().find(|claim| claim.event.owner == owner))
        })
        .await
    }

    /// Waits until an attempt has a fate.
    ///
    /// # Errors
    /// When it has none in time.
    pub async fn fate_of(&self, attempt: B256) -> eyre::Result<Attempt> {
        let wallet = self.l1_wallet(Role::Deployer)?;
        wait_for("the fate of a claim", PATIENCE, || async {
            let call = IRollup::attemptOfCall { attempt };
            let found = wallet.ask(self.config.contracts.rollup, &call).await?;
            Ok((found.status as u8 >= IRollup::Status::Dead as u8).then_some(found))
        })
        .await
    }

    /// Lets the clocks of a challenge window run out.
    ///
    /// # Errors
    /// When L1 can't be asked.
    pub async fn pass_window(&self) -> eyre::Result<()> {
        let wallet = self.l1_wallet(Role::Deployer)?;
        wallet.warp(self.config.periods.challenge_window.saturating_add(1)).await
    }

    /// Lets the clock of an answer run out.
    ///
    /// # Errors
    /// When L1 can't be asked.
    pub async fn pass_response(&self) -> eyre::Result<()> {
        let wallet = self.l1_wallet(Role::Deployer)?;
        wallet.warp(self.config.periods.response_period.saturating_add(1)).await
    }

    fn daemon_args(&self, name: &str, role: Role) -> eyre::Result<Vec<String>> {
        self.daemon_args_with(name, role, &self.l1_url())
    }

    fn daemon_args_with(&self, name: &str, role: Role, l1: &str) -> eyre::Result<Vec<String>> {
        let key = self.folder.join(format!("{name}.key"));
        std::fs::write(&key, hex::encode_prefixed(role.signer()?.to_bytes()))?;
        let (config, data) = (self.folder.join("rollup.toml"), self.folder.join(name));
        Ok(args([
            ("config", &config.to_string_lossy()),
            ("l1-rpc", l1),
            ("l1-beacon", l1),
            ("key-file", &key.to_string_lossy()),
            ("data-dir", &data.to_string_lossy()),
        ]))
    }
}

impl L1 {
    fn url(&self) -> String {
        match self {
            Self::Child(daemon) => daemon.url(),
            Self::Foreign(url) => url.clone(),
        }
    }
}

/// Deploys a contract on L1.
///
/// # Errors
/// When it could not be created.
pub async fn create(wallet: &Wallet, code: Bytes) -> eyre::Result<Address> {
    let receipt = wallet.send(TransactionRequest::default().with_deploy_code(code)).await?;
    match receipt.contract_address.filter(|_| receipt.status()) {
        Some(address) => Ok(address),
        None => eyre::bail!("no contract was created by {}", receipt.transaction_hash),
    }
}

fn args<const N: usize>(flags: [(&str, &str); N]) -> Vec<String> {
    args_of(flags).collect()
}

fn args_of<const N: usize>(flags: [(&str, &str); N]) -> impl Iterator<Item = String> {
    flags.map(|(flag, value)| [format!("--{flag}"), value.to_owned()]).into_iter().flatten()
}

fn params(options: &NetworkOptions) -> eyre::Result<DeployParams> {
    let rich = || GenesisAccount { balance: l2_balance(), ..GenesisAccount::default() };
    let mut alloc = options.alloc.clone();
    for role in Role::ALL {
        alloc.insert(role.signer()?.address(), rich());
    }
    let defaults = DeployParams::default();
    let (arity, levels) = options.arity;
    // Small change, that a paid half of a bond and its rewards can be read at a glance.
    let limits = Limits {
        arity,
        levels,
        claim_bond: U256::from(1_000_000_000_000_000_000u64),
        challenge_bond: U256::from(100_000_000_000_000_000u64),
        // 220 gas at 10 gwei.
        chunk_reward: U256::from(2_200_000_000_000u64),
        ..defaults.limits
    };
    let sequencer = options.sequencer.map(Role::signer).transpose()?;
    let sequencer = sequencer.map_or(Address::ZERO, |signer| signer.address());
    Ok(DeployParams { limits, periods: options.periods, sequencer, alloc, ..defaults })
}
