//! Bonds from measured worst-case gas at a stated fee cap. `cargo xtask bonds` prints it; docs/money.md explains it.

mod derive;
mod measure;
mod table;

use std::sync::OnceLock;

use derive::{Bonds, ETHER, least};
use measure::Measured;
use table::{CAPS, DEFAULTS};

fn measured() -> &'static Measured {
    static MEASURED: OnceLock<Measured> = OnceLock::new();
    MEASURED.get_or_init(Measured::now)
}

/// What is wrong with bonds, if anything.
fn too_small(got: Bonds, least: Bonds) -> Option<String> {
    [
        ("claim bond", got.claim, least.claim),
        ("challenge bond", got.challenge, least.challenge),
        ("chunk reward", got.chunk_reward, least.chunk_reward),
    ]
    .into_iter()
    .find(|(_, got, least)| got < least)
    .map(|(what, got, least)| {
        format!("{what}: the default is {got} wei, the measured worst case needs {least}: see protocol/src/bonds.rs")
    })
}

#[test]
fn the_default_bonds_cover_the_measured_worst_case() {
    table::print(measured());
    assert_eq!(too_small(DEFAULTS, least(measured(), CAPS)), None);
}

/// The test above can fail: what makes a kill or an answer dearer asks for more.
#[test]
fn dearer_moves_need_larger_bonds() {
    let now = least(measured(), CAPS);
    let mut dearer = measured().clone();
    for kill in &mut dearer.kills {
        kill.proof_gas += 20_000_000;
    }
    assert!(least(&dearer, CAPS).claim >= now.claim + 2 * ETHER);
    assert!(too_small(DEFAULTS, least(&dearer, CAPS)).unwrap().starts_with("claim bond"));
    let mut dearer = measured().clone();
    dearer.moves.get_mut("reveal").unwrap().gas += 4_000_000;
    assert!(too_small(DEFAULTS, least(&dearer, CAPS)).unwrap().starts_with("challenge bond"));
    let mut dearer = measured().clone();
    dearer.chunk.1 += 50_000;
    assert!(too_small(DEFAULTS, least(&dearer, CAPS)).unwrap().starts_with("chunk reward"));
}

/// A maximal lie must not be able to eat the parts of who proves it.
#[test]
fn chunk_rewards_of_the_largest_witness_leave_what_the_proof_costs() {
    let honest = derive::HonestSide::of(measured());
    let left = DEFAULTS.claim / 2 - honest.staged_bytes * DEFAULTS.chunk_reward;
    assert!(left >= (honest.moves + honest.in_vain) * CAPS.fee, "{left} wei are left");
}

/// Nor must a full bill, whoever's: a killer who staged nothing is paid for the challenges and the dearest kill by reference.
#[test]
fn a_full_bill_leaves_the_killer_what_the_kill_costs() {
    let gas = |name| u128::from(measured().gas(name));
    let challenges = gas("challengeClaim") + gas("challengeGap");
    let collecting = 2 * gas("settleChallenge") + gas("withdraw");
    let share = DEFAULTS.claim / 2 / 16;
    let spent = challenges + gas(measure::FULL_BILL) + collecting;
    assert!(share >= spent * CAPS.fee, "{share} wei for {spent} gas");
}

/// The largest witness is on the bill at its full price.
#[test]
fn posters_of_the_largest_witness_get_their_price() {
    let honest = derive::HonestSide::of(measured());
    let half = DEFAULTS.claim / 2;
    assert!(honest.staged_bytes * DEFAULTS.chunk_reward <= half - half / 16);
}

#[test]
fn the_documents_name_the_defaults() {
    let deploy = include_str!("../../../../docs/deploy.md");
    let default = |flag: &str| {
        let row = deploy.lines().find(|line| line.starts_with(&format!("| `--{flag}` |"))).unwrap();
        wei(row.split('|').nth(3).unwrap().trim())
    };
    assert_eq!(default("claim-bond"), DEFAULTS.claim);
    assert_eq!(default("challenge-bond"), DEFAULTS.challenge);
    assert_eq!(default("chunk-reward"), DEFAULTS.chunk_reward);
}

/// Reads `a * 10^b`, with `a` of up to three decimals.
fn wei(text: &str) -> u128 {
    let (factor, power) = text.split_once(" * 10^").unwrap();
    let (whole, decimals) = factor.split_once('.').unwrap_or((factor, ""));
    let digits: u128 = format!("{whole}{decimals}").parse().unwrap();
    digits * 10u128.pow(power.parse::<u32>().unwrap() - decimals.len() as u32)
}
