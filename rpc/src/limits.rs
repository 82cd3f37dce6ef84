//! What one caller may ask for.

/// Blocks of one log search.
pub(crate) const LOG_RANGE: u64 = 100_000;
/// Gas of one `eth_call`, one trace of a call and all calls of one `eth_simulateV1`, as in geth.
pub(crate) const CALL_GAS: u64 = 50_000_000;
/// Values of a parameter, nested ones included: as many slots in hex do not fit into a request.
pub(crate) const PARAMETER_VALUES: usize = 250_000;
/// Addresses of a filter of logs, and topics in each of its positions, as in geth.
pub(crate) const FILTER_VALUES: usize = 1_000;
/// Characters of a filter of logs: three times as many as the largest takes.
pub(crate) const FILTER_TEXT: usize = 1024 * 1024;
/// Addresses and topics of all filters and subscriptions together, which take up to half a kilobyte each.
pub(crate) const ALL_FILTER_VALUES: usize = 200_000;
/// What the traces of one answer may take in memory while they are made, as [`crate::bounded`] counts it.
pub(crate) const TRACE_BYTES: usize = 512 * 1024 * 1024;
