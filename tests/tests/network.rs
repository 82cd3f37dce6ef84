//! What every other test stands on.

use std::{path::Path, time::Duration};

use recourse_tests::{Network, NetworkOptions, Role};

pub(crate) fn executable() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_demo"))
}

#[tokio::test]
async fn an_l1_starts_and_takes_the_contracts() {
    let folder = tempfile::tempdir().unwrap();
    let network =
        Network::start(executable(), folder.path(), &NetworkOptions::default()).await.unwrap();
    let wallet = network.l1_wallet(Role::User).unwrap();
    let before = wallet.now().await.unwrap();
    network.pass_window().await.unwrap();
    let passed = wallet.now().await.unwrap() - before;
    assert!(Duration::from_secs(passed) >= Duration::from_secs(3_600));
}
