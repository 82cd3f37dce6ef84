//! What `cargo xtask bonds` shows.

use recourse_protocol::{
    BLOB_FEE_CAP, DEFAULT_CHALLENGE_BOND, DEFAULT_CHUNK_REWARD, DEFAULT_CLAIM_BOND, FEE_CAP,
};

use super::{
    derive::{
        Bonds, CAPITAL_PERCENT, Caps, ETHER, GWEI, HonestSide, LEVELS, RESPONSE, WINDOW, capital,
        least, worst_delay,
    },
    measure::Measured,
};

/// Seconds.
const SLOT: u128 = 12;
const BLOCK_GAS: [u128; 2] = [36_000_000, 60_000_000];
const OTHER_CAPS: [u128; 4] = [10, 25, 50, 100];
const FORCE_FEE: u128 = ETHER / 1000;

pub const CAPS: Caps = Caps { fee: FEE_CAP, blob_fee: BLOB_FEE_CAP };
pub const DEFAULTS: Bonds = Bonds {
    claim: DEFAULT_CLAIM_BOND,
    challenge: DEFAULT_CHALLENGE_BOND,
    chunk_reward: DEFAULT_CHUNK_REWARD,
};

/// An amount in ether.
fn ether(wei: u128) -> String {
    format!("{}.{:06}", wei / ETHER, wei % ETHER / (ETHER / 1_000_000))
}

fn at_cap(gas: u128) -> String {
    ether(gas * FEE_CAP)
}

pub fn print(measured: &Measured) {
    moves(measured);
    kills(measured);
    derivation(measured);
    many_at_once(measured);
    floods(measured);
    recommendation(measured);
}

fn moves(measured: &Measured) {
    eprintln!(
        "\n# Moves, each at its dearest (arity 4095, 2 levels), at {} gwei\n",
        FEE_CAP / GWEI
    );
    eprintln!("| move | gas | calldata bytes | ether |\n|---|---|---|---|");
    for (name, sent) in &measured.moves {
        eprintln!("| {name} | {} | {} | {} |", sent.gas, sent.bytes, at_cap(sent.gas.into()));
    }
    let (bytes, gas) = measured.chunk;
    eprintln!("| stage, {bytes} bytes | {gas} | | {} |", at_cap(gas.into()));
    let again = measured.chunk_again;
    eprintln!("| stage, somebody was first | {again} | | {} |", at_cap(again.into()));
    let force = measured.least_force;
    eprintln!("| force, 0 bytes | {force} | | {} |", at_cap(force.into()));
}

fn kills(measured: &Measured) {
    eprintln!(
        "\n# Kills of maximal lies: an item as long as can be, a witness over 2^20 bytes, 2^24 gas of L2\n"
    );
    eprintln!("| item | witness | staged | gas for that | proveFraudGap | in all | ether |");
    eprintln!("|---|---|---|---|---|---|---|");
    for kill in &measured.kills {
        eprintln!(
            "| {} | {} bytes | {} bytes, {} chunks | {} | {} bytes, {} gas | {} | {} |",
            kill.what,
            kill.witness,
            kill.staged_bytes(),
            kill.staged.len(),
            kill.staged_gas(),
            kill.proof_bytes,
            kill.proof_gas,
            kill.gas(),
            at_cap(kill.gas().into())
        );
    }
}

fn derivation(measured: &Measured) {
    let honest = HonestSide::of(measured);
    let bonds = least(measured, CAPS);
    eprintln!("\n# The claim bond: its paid half covers the honest side of one maximal lie\n");
    eprintln!("| part | gas | ether |\n|---|---|---|");
    let reward = honest.staged_bytes * bonds.chunk_reward;
    let bytes = honest.staged_bytes;
    eprintln!(
        "| {bytes} bytes staged, at the chunk reward | {} | {} |",
        honest.staging,
        ether(reward)
    );
    let moves = honest.moves;
    eprintln!("| {LEVELS} challenges, the proof, collecting | {moves} | {} |", at_cap(moves));
    let in_vain = honest.in_vain;
    eprintln!(
        "| calldata in vain and as many posters, if a copier is first with all | {in_vain} | {} |",
        at_cap(in_vain)
    );
    let locked = capital(LEVELS * DEFAULT_CHALLENGE_BOND, worst_delay());
    let days = worst_delay() / 86_400;
    eprintln!(
        "| {LEVELS} challenge bonds locked {days} days at {CAPITAL_PERCENT} % a year | | {} |",
        ether(locked)
    );
    eprintln!("| half of the least claim bond | | {} |", ether(bonds.claim / 2));
    eprintln!("\n# The challenge bond covers the owner's answer\n");
    eprintln!("| part | ether |\n|---|---|");
    eprintln!("| reveal, gas | {} |", at_cap(measured.gas("reveal").into()));
    eprintln!(
        "| its blob at {} gwei a blob gas | {} |",
        BLOB_FEE_CAP / GWEI,
        ether((1 << 17) * BLOB_FEE_CAP)
    );
    let waiting = capital(DEFAULT_CLAIM_BOND, 2 * RESPONSE);
    eprintln!("| the claim bond locked 3 days longer | {} |", ether(waiting));
    eprintln!("| least challenge bond | {} |", ether(bonds.challenge));
}

fn many_at_once(measured: &Measured) {
    let kill = HonestSide::of(measured).gas();
    let reference = measured.gas("killGap");
    eprintln!(
        "\n# Many maximal lies at once: each carries its own bond; equal ones die by reference ({reference} gas)\n"
    );
    eprintln!(
        "| L1 gas a block | time | kills, L1 half full of them | liar's bonds | of these burned |"
    );
    eprintln!("|---|---|---|---|---|");
    let prompt = WINDOW - LEVELS * RESPONSE;
    for limit in BLOCK_GAS {
        for (what, seconds) in [("one response period", RESPONSE), ("challenged at once", prompt)] {
            let kills = seconds / SLOT * (limit / 2) / kill;
            let bonds = kills * DEFAULT_CLAIM_BOND;
            let hours = seconds / 3600;
            let (all, half) = (bonds / ETHER, bonds / 2 / ETHER);
            eprintln!("| {limit} | {what}, {hours} h | {kills} | {all} ether | {half} ether |");
        }
    }
    let blocks = kill.div_ceil(60_000_000);
    eprintln!(
        "\nOne kill is {kill} gas, {blocks} full blocks of 60 M gas; who kills one after another needs {} ether.",
        at_cap(kill)
    );
    let hold = RESPONSE / SLOT * 30_000_000 * FEE_CAP / ETHER;
    eprintln!("Holding L1 (60 M gas) at the cap for a response period burns {hold} ether.");
}

fn floods(measured: &Measured) {
    let gaps = 4095;
    let answer = u128::from(measured.gas("reveal")) * FEE_CAP + (1 << 17) * BLOB_FEE_CAP;
    eprintln!("\n# Floods\n");
    eprintln!("| flood | attacker loses | the other side fronts |\n|---|---|---|");
    eprintln!(
        "| all {gaps} gaps of a true reveal challenged | {} ether | {} ether, gets the attacker's |",
        gaps * DEFAULT_CHALLENGE_BOND / ETHER,
        ether(gaps * answer)
    );
    let in_a_day = 7200 * 60_000_000 / u128::from(measured.least_force);
    eprintln!(
        "| a day of L1 (60 M gas) full of forced no-ops, {in_a_day} of them | {} ether of FORCE_FEE, {} of gas at 1 gwei | a claim may span {} steps |",
        in_a_day * FORCE_FEE / ETHER,
        7200 * 60_000_000 * GWEI / ETHER,
        4095 * 4095
    );
}

fn recommendation(measured: &Measured) {
    eprintln!("\n# Recommended, by fee cap\n");
    eprintln!(
        "| gwei a gas | gwei a blob gas | claim bond | challenge bond | chunk reward, wei a byte |"
    );
    eprintln!("|---|---|---|---|---|");
    for gwei in OTHER_CAPS {
        // The same proportion of both fees.
        let caps = Caps { fee: gwei * GWEI, blob_fee: BLOB_FEE_CAP / (FEE_CAP / GWEI) * gwei };
        line(caps, least(measured, caps).rounded(), "");
    }
    line(CAPS, DEFAULTS, " (the defaults)");
}

fn line(caps: Caps, bonds: Bonds, note: &str) {
    let (claim, challenge, reward) =
        (ether(bonds.claim), ether(bonds.challenge), bonds.chunk_reward);
    let (fee, blob) = (caps.fee / GWEI, caps.blob_fee / GWEI);
    eprintln!("| {fee} | {blob} | {claim} | {challenge} | {reward} |{note}");
}
