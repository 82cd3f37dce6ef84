//! The README's first command, with clocks that a slow machine can keep.

use std::process::Stdio;

use tokio::process::Command;

use crate::network::executable;

#[tokio::test]
async fn the_demo_tells_its_story_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--transactions", "60", "--challenge-window", "60", "--response-period", "40"];
    let output = Command::new(executable())
        .args(args)
        .arg("--folder")
        .arg(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let (told, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{errors}");
    for line in ["L1 ran the step itself", "lost its bond", "honest claim", "equals the proposer's"]
    {
        assert!(told.contains(line), "{line} is not in:\n{told}");
    }
    // A store is locked as long as its daemon runs.
    for daemon in ["proposer", "challenger"] {
        let store = folder.path().join(daemon);
        assert!(store.exists(), "{} is missing", store.display());
        wait_until_free(&store).await;
    }
}

/// The daemons are told to end when the demo does; they may need a moment.
async fn wait_until_free(store: &std::path::Path) {
    recourse_tests::wait_for("a daemon's end", recourse_tests::PATIENCE, || async {
        let folder = store.to_owned();
        let opened = recourse_node::store::SledStore::open(&folder);
        Ok(opened.is_ok().then_some(()))
    })
    .await
    .unwrap();
}
