//! From gas to bonds. All amounts are wei; every rounding is up.

use recourse_protocol::{DEFAULT_CHALLENGE_BOND, DEFAULT_CLAIM_BOND, DEFAULT_WITNESS_BYTES};

use super::measure::Measured;

pub const GWEI: u128 = 1_000_000_000;
pub const ETHER: u128 = 1_000_000_000 * GWEI;
/// Gas of a blob (EIP-4844).
const BLOB_GAS: u128 = 1 << 17;
/// What locked ether is worth, in percent a year.
pub const CAPITAL_PERCENT: u128 = 5;
/// Seconds.
pub const WINDOW: u128 = 7 * 86_400;
pub const RESPONSE: u128 = 36 * 3600;
pub const LEVELS: u128 = 2;
const YEAR: u128 = 365 * 86_400;
/// EIP-170: the code that passes the limit of a witness still belongs to it.
const CODE_BYTES: u128 = 24_576;
/// RLP headers that the limit does not count, in percent of the witness: 2 bytes for a node of 56 or more, 1 for a shorter one
/// of at least 32.
const HEADER_PERCENT: u128 = 4;

/// What gas may cost.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    pub fee: u128,
    pub blob_fee: u128,
}

/// The bonds that cover it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bonds {
    pub claim: u128,
    pub challenge: u128,
    pub chunk_reward: u128,
}

/// What one maximal lie costs who kills it, in gas, when others take of it what they can.
#[derive(Debug, Clone, Copy)]
pub struct HonestSide {
    /// Bytes staged: the largest witness that the rules allow, and what of a blob does not fit the proof.
    pub staged_bytes: u128,
    /// Gas for that.
    pub staging: u128,
    /// Both challenges, the proof, and collecting what is owed.
    pub moves: u128,
    /// Calldata of chunks in vain, when somebody copies them all and is first, and what the kill is dearer by when each of the
    /// copies has another poster.
    pub in_vain: u128,
}

impl HonestSide {
    pub fn of(measured: &Measured) -> Self {
        let kill = measured.kill();
        let largest = (u128::from(DEFAULT_WITNESS_BYTES) + CODE_BYTES) * (100 + HEADER_PERCENT);
        let unplayed = largest.div_ceil(100).saturating_sub(kill.witness as u128);
        let staged_bytes = kill.staged_bytes() as u128 + unplayed;
        let staging = u128::from(kill.staged_gas()) + unplayed * chunk_gas(measured);
        let chunks = staged_bytes.div_ceil(measured.chunk.0 as u128).max(kill.staged.len() as u128);
        let gas = |name| u128::from(measured.gas(name));
        let challenges = gas("challengeClaim") + (LEVELS - 1) * gas("challengeGap");
        let collecting = LEVELS * gas("settleChallenge") + gas("withdraw");
        Self {
            staged_bytes,
            staging,
            moves: challenges + u128::from(kill.proof_gas) + collecting,
            in_vain: chunks * u128::from(measured.chunk_again + measured.poster_gas()),
        }
    }

    pub const fn gas(&self) -> u128 {
        self.staging + self.moves
    }
}

/// L1 gas that a staged byte costs, rounded up.
pub fn chunk_gas(measured: &Measured) -> u128 {
    u128::from(measured.chunk.1).div_ceil(measured.chunk.0 as u128)
}

/// What it costs to lock an amount for some seconds.
pub const fn capital(amount: u128, seconds: u128) -> u128 {
    (amount * CAPITAL_PERCENT * seconds).div_ceil(100 * YEAR)
}

/// The longest that a claim takes.
pub const fn worst_delay() -> u128 {
    WINDOW + 2 * LEVELS * RESPONSE
}

/// The least bonds that cover the worst case: the paid half of a claim's pays for its kill, whoever was first with the chunks;
/// a challenge's pays for its answer.
pub fn least(measured: &Measured, caps: Caps) -> Bonds {
    let chunk_reward = chunk_gas(measured) * caps.fee;
    let honest = HonestSide::of(measured);
    let staging = (honest.staging * caps.fee).max(honest.staged_bytes * chunk_reward);
    let locked = capital(LEVELS * DEFAULT_CHALLENGE_BOND, worst_delay());
    let half = staging + (honest.moves + honest.in_vain) * caps.fee + locked;
    Bonds { claim: 2 * half, challenge: answer(measured, caps), chunk_reward }
}

/// What a reveal costs the owner: its gas, its blob, and the claim's bond for two more response periods.
fn answer(measured: &Measured, caps: Caps) -> u128 {
    let waiting = capital(DEFAULT_CLAIM_BOND, 2 * RESPONSE);
    u128::from(measured.gas("reveal")) * caps.fee + BLOB_GAS * caps.blob_fee + waiting
}

impl Bonds {
    /// In numbers that a person can read.
    pub const fn rounded(self) -> Self {
        Self {
            claim: self.claim.div_ceil(ETHER) * ETHER,
            challenge: self.challenge.div_ceil(ETHER / 100) * (ETHER / 100),
            ..self
        }
    }
}
