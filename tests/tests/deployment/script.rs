//! contracts/script/Deploy.s.sol, by forge itself: it deploys what `recourse-deploy` would, or nothing.

use std::{
    env::consts,
    path::{Path, PathBuf},
    process::Output,
};

use alloy_primitives::hex;
use recourse_node::deploy::script_plan;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{L1, params};

fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts").canonicalize().unwrap()
}

/// The native one: npm's launcher returns 0 when a script fails.
fn forge() -> PathBuf {
    let arch = if consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    let os = if consts::OS == "macos" { "darwin" } else { consts::OS };
    let forge = contracts().join(format!("node_modules/@foundry-rs/forge-{os}-{arch}/bin/forge"));
    assert!(forge.exists(), "{} is missing: `cargo xtask contracts` installs it", forge.display());
    forge
}

/// A plan where foundry.toml lets scripts read; it goes with the test.
struct PlanFile(PathBuf);

impl PlanFile {
    fn write(name: &str, plan: &Value) -> Self {
        let folder = contracts().join("cache");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("plan-{}-{name}.json", std::process::id()));
        std::fs::write(&path, plan.to_string()).unwrap();
        Self(path)
    }
}

impl Drop for PlanFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

impl L1 {
    /// Lets forge carry a plan out with the first account.
    async fn carry_out(&self, name: &str, plan: &Value) -> Output {
        let file = PlanFile::write(name, plan);
        let key = hex::encode_prefixed(self.node.accounts()[0].signer().to_bytes());
        Command::new(forge())
            .current_dir(contracts())
            .args(["script", "script/Deploy.s.sol", "--sig", "run(string)"])
            .arg(&file.0)
            .args(["--rpc-url", &self.node.url(), "--private-key", &key, "--broadcast", "--slow"])
            .output()
            .await
            .unwrap()
    }
}

fn printed(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

#[tokio::test]
async fn the_forge_script_deploys_what_the_command_plans_and_nothing_else() {
    let l1 = L1::start().await;
    // Forge simulates in the newest block, which must not be the genesis.
    l1.ask("evm_mine", json!([])).await;
    let plan = script_plan(&params()).unwrap();

    let other = "0x0000000000000000000000000000000000000007";
    for (name, field, value, error) in [
        ("address", "/deployment", json!(other), "OtherAddress"),
        ("store", "/chunkStore", json!(other), "OtherAddress"),
        ("part", "/parts/2/address", json!(other), "OtherAddress"),
        ("salt", "/salt", json!(alloy_primitives::B256::repeat_byte(1)), "OtherAddress"),
        ("chain", "/l2ChainId", json!(31_337), "ChainIdOfL1"),
    ] {
        let mut altered = plan.clone();
        *altered.pointer_mut(field).unwrap() = value;
        let output = l1.carry_out(name, &altered).await;
        let said = printed(&output);
        assert!(!output.status.success() && said.contains(error), "{name}: {said}");
    }
    assert_eq!(l1.nonce(0).await, 0, "nothing was sent");

    let output = l1.carry_out("plan", &plan).await;
    assert!(output.status.success(), "{}", printed(&output));
    assert_eq!(l1.nonce(0).await, 6, "the ChunkStore, the Deployment, four parts");
    // The command finds all done.
    let config = l1.deploy(1, &params()).await;
    assert_eq!(l1.nonce(1).await, 0);
    let report = l1.verify(&config).await;
    assert!(report.holds(), "{report}");
}
