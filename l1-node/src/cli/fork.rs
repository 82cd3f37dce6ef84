//! Flags about the chain to fork, with Anvil's names where the meaning is Anvil's.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use clap::Args;
use http::{HeaderName, HeaderValue};
use reqwest::Url;

use crate::ForkConfig;

/// The chain to fork.
#[derive(Clone, Args)]
#[command(next_help_heading = "Fork")]
pub struct ForkArgs {
    /// Start from the state of the chain at this JSON-RPC endpoint, read as it is needed. Several: the next one is asked when one
    /// fails; they must agree on the fork block.
    #[arg(short = 'f', long, visible_alias = "rpc-url", value_name = "URL")]
    pub fork_url: Vec<Url>,
    /// The last block that is the other chain's [default: its newest].
    #[arg(long, visible_alias = "fork-block", value_name = "BLOCK", requires = "fork_url")]
    pub fork_block_number: Option<u64>,
    /// Folder for what was read once, a file for each chain and block [default: recourse/fork in the user's cache folder; none for an endpoint of this machine or a private network].
    #[arg(long, value_name = "DIR", requires = "fork_url")]
    pub fork_cache: Option<PathBuf>,
    /// Keep nothing of what was read on disk.
    #[arg(long, requires = "fork_url", conflicts_with = "fork_cache")]
    pub no_storage_caching: bool,
    /// Requests a second at most, to all endpoints together [default: no limit].
    #[arg(long, value_name = "N", requires = "fork_url", value_parser = clap::value_parser!(u32).range(1..))]
    pub fork_rate: Option<u32>,
    /// A header of every request, as `Name: value`.
    #[arg(long, value_name = "HEADER", requires = "fork_url", value_parser = header)]
    pub fork_header: Vec<(HeaderName, HeaderValue)>,
    /// How long one request may take, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 15_000)]
    pub timeout: u64,
    /// Rounds over all endpoints after the first, before a read fails.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub retries: u32,
    /// Pause before the first of these rounds, in milliseconds; it doubles with each.
    #[arg(long, value_name = "MS", default_value_t = 500)]
    pub fork_retry_backoff: u64,
}

/// Without keys.
impl fmt::Debug for ForkArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForkArgs").field("config", &self.config()).finish_non_exhaustive()
    }
}

impl ForkArgs {
    /// The chain to fork, if there is one.
    pub(super) fn config(&self) -> Option<ForkConfig> {
        if self.fork_url.is_empty() {
            return None;
        }
        // Dev nodes change state without a new block, and nodes that fork others have those's blocks: there a hash does not name
        // one state.
        let ours = || user_cache().filter(|_| !self.fork_url.iter().any(is_near));
        let cache = self.fork_cache.clone().or_else(ours).filter(|_| !self.no_storage_caching);
        Some(ForkConfig {
            block: self.fork_block_number,
            cache,
            rate: self.fork_rate,
            timeout: Duration::from_millis(self.timeout),
            retries: self.retries,
            backoff: Duration::from_millis(self.fork_retry_backoff),
            headers: self.fork_header.clone(),
            ..ForkConfig::new(self.fork_url.clone())
        })
    }
}

/// Whether an endpoint is on this machine or in a private network.
fn is_near(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
        }
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_unspecified()
        }
        Err(_) => {
            let within = |domain: &&str| host.ends_with(*domain);
            !host.contains('.') || [".localhost", ".local", ".internal"].iter().any(within)
        }
    }
}

/// Where programs keep what they can get again (XDG base directories).
fn user_cache() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    Some(cache?.join("recourse/fork"))
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| "a header is `Name: value`".to_owned())?;
    let name = name.trim().parse().map_err(|_| format!("{name} is no header's name"))?;
    let mut value: HeaderValue =
        value.trim().parse().map_err(|_| "this is no header's value".to_owned())?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_of_dev_nodes_unless_asked_for() {
        let near = |url: &str| is_near(&url.parse().unwrap());
        for url in [
            "http://127.0.0.1:8545",
            "http://localhost",
            "http://[::1]:1",
            "http://10.0.0.7",
            "http://192.168.1.2",
            "http://anvil:8545",
            "http://dev.internal",
        ] {
            assert!(near(url), "{url}");
        }
        for url in
            ["https://rpc.example.org/v1/key", "http://203.0.113.7:8545", "http://[2001:db8::1]/"]
        {
            assert!(!near(url), "{url}");
        }
        let config = |urls: &[&str], cache: Option<&str>| {
            let urls = urls.iter().map(|url| url.parse().unwrap()).collect();
            let args = ForkArgs {
                fork_url: urls,
                fork_block_number: None,
                fork_cache: cache.map(PathBuf::from),
                no_storage_caching: false,
                fork_rate: None,
                fork_header: Vec::new(),
                timeout: 1,
                retries: 0,
                fork_retry_backoff: 1,
            };
            args.config().unwrap().cache
        };
        assert_eq!(config(&["https://rpc.example.org", "http://localhost"], None), None);
        assert_eq!(config(&["http://localhost"], Some("here")), Some(PathBuf::from("here")));
        assert_eq!(config(&["https://rpc.example.org"], None), user_cache());
    }
}
