//! What one caller may ask for.

/// Blocks of one log search.
pub(crate) const LOG_RANGE: u64 = 100_000;
/// Gas of one `eth_call`, one trace of a call and all calls of one `eth_simulateV1`, as in geth.
pub(crate) const CALL_GAS: u64 = 50_000_000;
