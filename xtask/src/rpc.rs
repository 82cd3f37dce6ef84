//! `cargo xtask rpc-conformance`.

use crate::{command::named_tests, vectors};

/// Where the questions and answers are.
const ARCHIVE: &str = "execution-apis-io";

/// Prints the table of docs/json-rpc.md; writes it there with RECOURSE_WRITE=1.
pub(crate) fn conformance() -> eyre::Result<()> {
    vectors::need(ARCHIVE)?;
    let filter = ["rpc::rpc_conformance", "--exact", "--nocapture"];
    named_tests(&[&["--workspace", "--test", "end_to_end", "--"][..], &filter].concat(), &[])
}
