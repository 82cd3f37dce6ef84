//! `cargo xtask rpc-conformance`.

use crate::command::cargo;

/// Prints the table of docs/json-rpc.md; writes it there with RECOURSE_WRITE=1.
pub(crate) fn conformance() -> eyre::Result<()> {
    let filter = ["rpc::rpc_conformance", "--exact", "--nocapture"];
    cargo(&[&["test", "--workspace", "--test", "end_to_end", "--"][..], &filter].concat())
}
