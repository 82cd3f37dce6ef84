//! Why L1 could not be read or written.

use alloy::transports::{TransportError, TransportErrorKind};
use alloy_primitives::{Address, Bytes};

use crate::Severity;

/// JSON-RPC error codes that mean "later": rate limits of the big providers, limits of EIP-1474, internal errors.
const LATER: [i64; 6] = [429, -32_005, -32_007, -32_016, -32_029, -32_603];

/// Codes for a method that is not there: JSON-RPC's, EIP-1474's, and Besu's for one that is switched off.
const NO_METHOD: [i64; 3] = [-32_601, -32_004, -32_604];

/// Why L1 could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum L1Error {
    /// The endpoint is no HTTP URL.
    #[error("not an HTTP URL: {url}")]
    Url {
        /// As given.
        url: String,
    },
    /// The HTTP client could not be made.
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
    /// No answer before the deadline.
    #[error("{method}: no answer within the deadline")]
    Unavailable {
        /// JSON-RPC method.
        method: &'static str,
        /// The last failure, boxed for its size.
        #[source]
        source: Box<TransportError>,
    },
    /// An answer that is an error.
    #[error("{method}: refused")]
    Refused {
        /// JSON-RPC method.
        method: &'static str,
        /// As answered, boxed for its size.
        #[source]
        source: Box<TransportError>,
    },
    /// A call of a contract reverted.
    #[error("{method} to {to} reverted with {data}")]
    Reverted {
        /// JSON-RPC method.
        method: &'static str,
        /// The contract.
        to: Address,
        /// ABI-encoded error.
        data: Bytes,
    },
    /// A contract's answer does not decode.
    #[error("{to} answers what its interface does not")]
    Undecodable {
        /// The contract.
        to: Address,
        /// Why.
        #[source]
        source: alloy::sol_types::Error,
    },
    /// L1 or the deployment is not the configured one.
    #[error("{what}: expected {expected}, got {got}")]
    Mismatch {
        /// What differs.
        what: &'static str,
        /// As configured.
        expected: String,
        /// As read.
        got: String,
    },
    /// A block that was there is not there any more.
    #[error("block {block} is gone")]
    Gone {
        /// Number or hash.
        block: String,
    },
}

impl L1Error {
    /// What to do about it.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Unavailable { .. } | Self::Refused { .. } => Severity::Temporary,
            Self::Gone { .. } => Severity::Reset,
            Self::Url { .. }
            | Self::Client(_)
            | Self::Reverted { .. }
            | Self::Undecodable { .. }
            | Self::Mismatch { .. } => Severity::Critical,
        }
    }

    /// JSON-RPC's code of an answer that is an error.
    fn answered(&self) -> Option<(i64, &str)> {
        let Self::Refused { source, .. } = self else { return None };
        source.as_error_resp().map(|answer| (answer.code, answer.message.as_ref()))
    }

    /// Whether the endpoint says that it does not have such a method.
    pub(crate) fn is_no_method(&self) -> bool {
        self.answered().is_some_and(|(code, _)| NO_METHOD.contains(&code))
    }

    /// Whether it refuses a transaction because it has it: there is no code for that, but these are the words of clients.
    pub(crate) fn is_known_already(&self) -> bool {
        let words = ["already known", "known transaction", "already imported", "alreadyknown"];
        self.answered().is_some_and(|(_, message)| {
            let message = message.to_lowercase();
            // As in "unknown transaction type".
            let message = message.replace("unknown transaction", "");
            words.iter().any(|words| message.contains(words))
        })
    }

    pub(crate) fn mismatch(
        what: &'static str,
        expected: impl ToString,
        got: impl ToString,
    ) -> Self {
        Self::Mismatch { what, expected: expected.to_string(), got: got.to_string() }
    }
}

/// Whether the same request may succeed a moment later.
pub(super) fn is_transient(error: &TransportError) -> bool {
    match error {
        TransportError::ErrorResp(payload) => LATER.contains(&payload.code),
        TransportError::Transport(kind) => match kind {
            TransportErrorKind::HttpError(http)
            | TransportErrorKind::HttpErrorWithRetryAfter { error: http, .. } => {
                matches!(http.status, 408 | 429 | 500..)
            }
            TransportErrorKind::NonRetryable(_) | TransportErrorKind::PubsubUnavailable => false,
            _ => true,
        },
        // A proxy's error page, say.
        TransportError::DeserError { .. } => true,
        _ => false,
    }
}
