//! A chain that forks another one: Anvil's (`anvil`, which nobody here wrote), and one of our own behind an endpoint that fails.

mod anvil;
mod endpoint;
mod faults;
mod kept;
#[allow(unreachable_pub, reason = "it is part of a library, too")]
#[path = "../../../../tests/src/anvil.rs"]
pub(crate) mod program;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use recourse_l1_node::{Config, ForkConfig};

use crate::harness::Net;

/// Where Anvil is; that it is not installed is said, not by a macro, whose output is not shown of a test that passes.
pub(crate) fn installed() -> Option<PathBuf> {
    let program = program::Anvil::program();
    if program.is_none() {
        let skipped = "SKIPPED: anvil is not installed (cargo xtask contracts --check)\n";
        io::stderr().write_all(skipped.as_bytes()).unwrap();
    }
    program
}

/// A fork of the chains at these URLs that does not wait long for anybody.
fn config(urls: &[String]) -> Config {
    let urls = urls.iter().map(|url| url.parse().unwrap()).collect();
    let fork = ForkConfig { backoff: Duration::from_millis(10), ..ForkConfig::new(urls) };
    Config { fork: Some(fork), ..Config::default() }
}

async fn fork(urls: &[String]) -> Net {
    Net::with(config(urls)).await
}
