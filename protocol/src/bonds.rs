//! Bonds of a deployment that names none, and the fees that they are made for. docs/money.md derives them from measured gas;
//! `cargo xtask bonds` measures and derives anew, and a test fails when they no longer cover the worst case.

/// What a unit of L1 gas may cost, tip included, before a maximal kill costs more than it is paid: 50 gwei, in wei.
pub const FEE_CAP: u128 = 50_000_000_000;
/// What a unit of blob gas may cost before a reveal costs more than a challenge bond: 1,000 gwei, in wei.
pub const BLOB_FEE_CAP: u128 = 1_000_000_000_000;
/// Bond of a claim, in wei: 32 ether.
pub const DEFAULT_CLAIM_BOND: u128 = 32_000_000_000_000_000_000;
/// Bond of a challenge, in wei: 0.2 ether.
pub const DEFAULT_CHALLENGE_BOND: u128 = 200_000_000_000_000_000;
/// For each staged byte that a fraud proof used, in wei: 221 gas at the fee cap.
pub const DEFAULT_CHUNK_REWARD: u128 = 221 * FEE_CAP;
