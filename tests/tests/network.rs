//! What every other test stands on.

use std::{path::Path, time::Duration};

use recourse_protocol::{Payload, bindings::IInbox};
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

#[tokio::test]
async fn two_batches_fit_one_block() {
    let folder = tempfile::tempdir().unwrap();
    let options = NetworkOptions { l1_block_time: 6, ..NetworkOptions::default() };
    let network = Network::start(executable(), folder.path(), &options).await.unwrap();
    let payload = [Payload::new(b"whatever").unwrap()];
    let wallet = network.l1_wallet(Role::User).unwrap();
    let inbox = network.config().contracts.inbox;
    // The flag that allows one batch a transaction must not outlive its transaction.
    for _ in 0..3 {
        let (one, other) = tokio::join!(
            network.append(Role::Stranger, &payload),
            network.append(Role::Griefer, &payload),
        );
        assert_eq!(one.unwrap().abs_diff(other.unwrap()), 1);
    }
    let views = wallet.ask(inbox, &IInbox::viewCountCall {}).await.unwrap();
    let batches = wallet.ask(inbox, &IInbox::batchCountCall {}).await.unwrap();
    assert_eq!(batches, 6);
    assert!(u64::from(views) < 1 + batches, "no two of them were in one block");
}
