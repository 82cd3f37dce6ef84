//! Contracts of the rollup that stand in the L2's genesis, beside the system contracts that EXECUTE asks for.

use alloy_primitives::{Address, Bytes, address};

/// Account of `L2Withdrawals`: where money leaves the L2. The Bridge on L1 knows it, too.
pub const L2_WITHDRAWALS: Address = address!("0x8079000000000000000000000000000000000001");

/// What the accounts of our predeploys hold: their code, by address. Their nonce is 1, their storage empty.
#[must_use]
pub const fn predeploys() -> [(Address, Bytes); 1] {
    let code = include_bytes!("../../contracts/artifacts/L2Withdrawals.bin");
    [(L2_WITHDRAWALS, Bytes::from_static(code))]
}
