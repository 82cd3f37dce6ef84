//! Deploys a rollup and writes its configuration, or verifies one that is deployed. See `docs/deploy.md`.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use alloy::{
    network::EthereumWallet,
    providers::{Provider, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, U256};
use clap::{Args, Parser};
use eyre::{Context, Result};
use recourse_node::{
    deploy::{DeployParams, deploy, script_plan, verify},
    lifecycle::{LogFormat, Secret, init_tracing},
};
use recourse_protocol::{GenesisAccount, L2Config, Limits, Periods, RollupConfig};

/// Deploys Inbox, StepVerifier, ChunkStore, Rollup and Bridge on an L1, and writes the configuration that the daemons read.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// JSON-RPC of L1.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545")]
    l1_rpc: String,
    #[command(flatten)]
    key: Key,
    /// Where the configuration (TOML) goes; without it, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// TOML file of genesis accounts: a table per address with balance, nonce, code, storage.
    #[arg(long, value_name = "FILE")]
    alloc: Option<PathBuf>,
    /// Deploy nothing: compare L1 with this configuration and with the bytecode of this build, and print the check list.
    /// Exit status 1 if anything differs; a NOTE is what to know before trusting it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_file", "key_env", "out", "alloc", "plan"])]
    verify: Option<PathBuf>,
    /// Deploy nothing: write the plan (JSON) that contracts/script/Deploy.s.sol carries out.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_file", "key_env", "out"])]
    plan: Option<PathBuf>,
    #[command(flatten)]
    rollup: Rollup,
    /// Log as JSON instead of text; logs go to standard error.
    #[arg(long)]
    log_json: bool,
}

/// Where the private key of the paying account is: 32 bytes of hex.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Key {
    /// File that holds the private key.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Environment variable that holds the private key, instead of --key-file.
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
}

#[derive(Debug, Args)]
struct Rollup {
    /// Chain id of L2; what is signed for one chain is valid on all with its id. Needed unless L1 is for development
    /// [default: 8079].
    #[arg(long, value_name = "ID")]
    l2_chain_id: Option<u64>,
    /// Gas limit of every L2 block, at least 2^24 [default: 2^25].
    #[arg(long, value_name = "GAS")]
    gas_limit: Option<u64>,
    /// Least time between two L2 blocks, at least 1 [default: 1].
    #[arg(long, value_name = "SECONDS")]
    block_time: Option<u64>,
    /// Bytes of state that one L2 transaction may use, 2^19 to 2^20 [default: 2^20].
    #[arg(long, value_name = "BYTES")]
    max_witness_bytes: Option<u32>,
    /// How long a claim can be challenged [default: 604800, 7 days].
    #[arg(long, value_name = "SECONDS")]
    challenge_window: Option<u64>,
    /// How long a challenged owner has to reveal [default: 129600, 36 hours].
    #[arg(long, value_name = "SECONDS")]
    response_period: Option<u64>,
    /// How long the sequencer may be silent, and L1 inputs unserved [default: 43200, 12 hours].
    #[arg(long, value_name = "SECONDS")]
    force_delay: Option<u64>,
    /// From the confirmation of a claim to the first withdrawal against it [default: 86400, 1 day].
    #[arg(long, value_name = "SECONDS")]
    withdrawal_delay: Option<u64>,
    /// Gaps that one reveal shows, 2 to 4095 [default: 4095].
    #[arg(long, value_name = "N")]
    arity: Option<u32>,
    /// Reveals that the longest claim needs; arity^levels is at least 2^24 - 2^15 [default: 2].
    #[arg(long, value_name = "N")]
    levels: Option<u8>,
    /// Bond of a claim; see docs/money.md [default: 32 * 10^18, 32 ether].
    #[arg(long, value_name = "WEI")]
    claim_bond: Option<U256>,
    /// Bond of a challenge [default: 2 * 10^17, 0.2 ether].
    #[arg(long, value_name = "WEI")]
    challenge_bond: Option<U256>,
    /// Fee that a forced transaction burns [default: 10^15, 0.001 ether].
    #[arg(long, value_name = "WEI")]
    force_fee: Option<U256>,
    /// Least deposit [default: 100000 gwei, 10^-4 ether].
    #[arg(long, value_name = "GWEI")]
    min_deposit: Option<u64>,
    /// Out of a dead claim's bond, for each staged byte that the proof used [default: 221 gas at 50 gwei, 1.105 * 10^13].
    #[arg(long, value_name = "WEI")]
    chunk_reward: Option<U256>,
    /// Tells rollups apart that are equal otherwise: it changes all addresses [default: 0].
    #[arg(long, value_name = "HASH")]
    salt: Option<B256>,
    /// Who alone may append batches while active [default: everybody may].
    #[arg(long, value_name = "ADDRESS")]
    sequencer: Option<Address>,
    /// ERC-20 on L1 that pays for L2 gas [default: ether].
    #[arg(long, value_name = "ADDRESS")]
    gas_token: Option<Address>,
}

impl Rollup {
    fn params(&self, alloc: BTreeMap<Address, GenesisAccount>) -> DeployParams {
        let d = DeployParams::default();
        DeployParams {
            l2: L2Config {
                chain_id: self.l2_chain_id.unwrap_or(d.l2.chain_id),
                gas_limit: self.gas_limit.unwrap_or(d.l2.gas_limit),
                block_time: self.block_time.unwrap_or(d.l2.block_time),
                max_witness_bytes: self.max_witness_bytes.unwrap_or(d.l2.max_witness_bytes),
            },
            periods: Periods {
                challenge_window: self.challenge_window.unwrap_or(d.periods.challenge_window),
                response_period: self.response_period.unwrap_or(d.periods.response_period),
                force_delay: self.force_delay.unwrap_or(d.periods.force_delay),
                withdrawal_delay: self.withdrawal_delay.unwrap_or(d.periods.withdrawal_delay),
            },
            limits: Limits {
                arity: self.arity.unwrap_or(d.limits.arity),
                levels: self.levels.unwrap_or(d.limits.levels),
                claim_bond: self.claim_bond.unwrap_or(d.limits.claim_bond),
                challenge_bond: self.challenge_bond.unwrap_or(d.limits.challenge_bond),
                force_fee: self.force_fee.unwrap_or(d.limits.force_fee),
                min_deposit_gwei: self.min_deposit.unwrap_or(d.limits.min_deposit_gwei),
                chunk_reward: self.chunk_reward.unwrap_or(d.limits.chunk_reward),
            },
            salt: self.salt.unwrap_or(d.salt),
            sequencer: self.sequencer.unwrap_or(d.sequencer),
            gas_token: self.gas_token.unwrap_or(d.gas_token),
            alloc,
        }
    }
}

impl Key {
    fn signer(&self) -> Result<PrivateKeySigner> {
        let secret = match (&self.key_file, &self.key_env) {
            (Some(file), _) => Secret::from_file(file).wrap_err("--key-file")?,
            (None, Some(name)) => Secret::from_env(name).wrap_err("--key-env")?,
            (None, None) => eyre::bail!("one of --key-file and --key-env is needed"),
        };
        // The parser's error could quote the key.
        secret
            .expose()
            .trim()
            .parse()
            .map_err(|_quoting| eyre::eyre!("no private key of 32 bytes in hex"))
    }
}

impl Cli {
    fn params(&self) -> Result<DeployParams> {
        let alloc = match &self.alloc {
            Some(file) => {
                let text = std::fs::read_to_string(file).wrap_err("--alloc")?;
                toml::from_str(&text).wrap_err("--alloc")?
            }
            None => BTreeMap::new(),
        };
        Ok(self.rollup.params(alloc))
    }

    /// Deploys, writes the configuration, and looks at L1 once more.
    async fn deploy(&self) -> Result<()> {
        let signer = self.key.signer()?;
        let (from, url) = (signer.address(), self.l1_rpc.parse().wrap_err("--l1-rpc")?);
        let wallet = EthereumWallet::from(signer);
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(url);
        let config = deploy(&provider, from, &self.params()?).await?;
        let text = config.to_toml()?;
        match &self.out {
            Some(file) => std::fs::write(file, text).wrap_err("--out")?,
            None => std::io::stdout().write_all(text.as_bytes())?,
        }
        // Standard output may be the configuration.
        check(&provider, &config, &mut std::io::stderr()).await
    }

    async fn verify(&self, file: &Path) -> Result<()> {
        let text = std::fs::read_to_string(file).wrap_err("--verify")?;
        let config = RollupConfig::from_toml(&text).wrap_err("--verify")?;
        let url = self.l1_rpc.parse().wrap_err("--l1-rpc")?;
        let provider = ProviderBuilder::new().connect_http(url);
        check(&provider, &config, &mut std::io::stdout()).await
    }
}

/// Prints the check list; an error if anything on it differs.
async fn check(provider: &impl Provider, config: &RollupConfig, to: &mut impl Write) -> Result<()> {
    let report = verify(provider, config).await?;
    write!(to, "{report}")?;
    let differences = report.differences().count();
    if differences > 0 {
        eyre::bail!("{differences} of {} checks differ", report.checks.len());
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let format = if cli.log_json { LogFormat::Json } else { LogFormat::Text };
    init_tracing(format, "info").map_err(|error| eyre::eyre!(error))?;
    if let Some(file) = &cli.verify {
        return cli.verify(file).await;
    }
    if let Some(file) = &cli.plan {
        let text = serde_json::to_string_pretty(&script_plan(&cli.params()?)?)?;
        return std::fs::write(file, text).wrap_err("--plan");
    }
    cli.deploy().await
}
