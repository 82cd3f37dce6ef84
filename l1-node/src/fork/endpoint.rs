//! One JSON-RPC endpoint of the forked chain.

use std::time::Duration;

use http::{StatusCode, header::RETRY_AFTER};
use parking_lot::Mutex;
use reqwest::{Client, Response, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{config::label, error::chain_of};

/// A longer answer is refused.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// A longer wait than this is not granted, whatever the endpoint asks for.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// "Limit exceeded" (EIP-1474).
const LIMIT_EXCEEDED: i64 = -32005;
/// How some providers say the same: HTTP's code in an answer of status 200.
const TOO_MANY: i64 = 429;

/// An endpoint and what is known of it.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: Url,
    pub(super) label: String,
    pub(super) standing: Mutex<Standing>,
}

/// Whether an endpoint has been seen to have the forked block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not asked yet, or it did not answer.
    Unknown,
    /// It has.
    Admitted,
    /// It has another one.
    Expelled(String),
}

/// Why an endpoint gave no result.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) text: String,
    pub(super) lasting: Lasting,
}

/// Whether asking again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasting {
    /// It may, after a pause that is at least this long.
    Temporary(Duration),
    /// It said no.
    Final,
}

#[derive(Deserialize)]
struct Answer {
    // `null` is a result, too, and not the same as none.
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
}

fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

impl Endpoint {
    pub(super) fn new(url: Url) -> Self {
        Self { label: label(&url), url, standing: Mutex::new(Standing::Unknown) }
    }

    /// Asks once.
    pub(super) async fn ask(
        &self,
        client: &Client,
        method: &str,
        params: &Value,
    ) -> Result<Value, Problem> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = client.post(self.url.clone()).json(&body).send().await;
        // An error of reqwest names the whole URL otherwise.
        let answer = sent.map_err(|error| self.temporary(chain_of(&error.without_url())))?;
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            let lasting = Lasting::Temporary(wanted_wait(&answer));
            return Err(self.problem("too many requests", lasting));
        }
        let bytes = self.body(answer).await?;
        if status.is_server_error() {
            return Err(self.temporary(format!("HTTP {status}")));
        }
        match serde_json::from_slice::<Answer>(&bytes) {
            Ok(Answer { error: Some(refusal), .. }) => Err(self.refused(&refusal)),
            Ok(Answer { result: Some(result), .. }) if status.is_success() => Ok(result),
            _ if !status.is_success() => {
                Err(self.problem(format!("HTTP {status}"), Lasting::Final))
            }
            Ok(_) => Err(self.temporary("not a JSON-RPC answer")),
            Err(error) => Err(self.temporary(format!("not a JSON-RPC answer: {error}"))),
        }
    }

    pub(super) fn problem(&self, text: impl AsRef<str>, lasting: Lasting) -> Problem {
        Problem { text: format!("{}: {}", self.label, text.as_ref()), lasting }
    }

    fn temporary(&self, text: impl AsRef<str>) -> Problem {
        self.problem(text, Lasting::Temporary(Duration::ZERO))
    }

    fn refused(&self, refusal: &Refusal) -> Problem {
        let text = format!("error {}: {}", refusal.code, refusal.message);
        if [LIMIT_EXCEEDED, TOO_MANY].contains(&refusal.code) {
            self.temporary(text)
        } else {
            self.problem(text, Lasting::Final)
        }
    }

    async fn body(&self, mut answer: Response) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        loop {
            let chunk = answer.chunk().await;
            let chunk = chunk.map_err(|error| self.temporary(chain_of(&error.without_url())))?;
            let Some(chunk) = chunk else { return Ok(bytes) };
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER {
                let text = format!("an answer of more than {MAX_ANSWER} bytes");
                return Err(self.problem(text, Lasting::Final));
            }
        }
    }
}

/// `Retry-After` in seconds.
fn wanted_wait(answer: &Response) -> Duration {
    let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = seconds.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    Duration::from_secs(seconds).min(MAX_WAIT)
}
