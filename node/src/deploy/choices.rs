//! Numbers that were chosen otherwise than by default, and what follows from it.

use alloy_primitives::U256;
use recourse_protocol::RollupConfig;

use super::DeployParams;

/// A number beside its default.
struct Choice {
    name: &'static str,
    unit: &'static str,
    /// Where it stands.
    of: fn(&DeployParams) -> U256,
    /// What less means; none if it means no harm.
    below: Option<&'static str>,
    /// What more means; none if it means no harm.
    above: Option<&'static str>,
}

const PERIODS: [Choice; 4] = [
    Choice {
        name: "challenge-window",
        unit: "seconds",
        of: |p| U256::from(p.periods.challenge_window),
        below: Some("watchers have less time to see a lie and to get a challenge into L1"),
        above: Some("every withdrawal waits longer"),
    },
    Choice {
        name: "response-period",
        unit: "seconds",
        of: |p| U256::from(p.periods.response_period),
        below: Some("a true claim dies of less censorship of its owner"),
        above: Some("disputes, and with them withdrawals, last longer"),
    },
    Choice {
        name: "force-delay",
        unit: "seconds",
        of: |p| U256::from(p.periods.force_delay),
        below: Some("batches that L1 is slow to include are refused sooner"),
        above: Some("a sequencer can censor and keep silent for longer"),
    },
    Choice {
        name: "withdrawal-delay",
        unit: "seconds",
        of: |p| U256::from(p.periods.withdrawal_delay),
        below: Some("after a lie that nobody challenged, money leaves sooner"),
        above: Some("every withdrawal waits longer"),
    },
];

const MONEY: [Choice; 5] = [
    Choice {
        name: "claim-bond",
        unit: "wei",
        of: |p| p.limits.claim_bond,
        below: Some("a lie is cheaper, and may not pay for its killing (docs/money.md)"),
        above: Some("fewer can claim, and nothing is withdrawn without a claim"),
    },
    Choice {
        name: "challenge-bond",
        unit: "wei",
        of: |p| p.limits.challenge_bond,
        below: Some("to challenge may cost less than to answer (docs/money.md)"),
        above: Some("fewer can challenge a lie"),
    },
    Choice {
        name: "chunk-reward",
        unit: "wei a byte",
        of: |p| p.limits.chunk_reward,
        below: Some("who stages a large proof may not get back what it costs"),
        above: Some("posters of chunks get more of a dead claim's bond, who kills it less"),
    },
    Choice {
        name: "force-fee",
        unit: "wei",
        of: |p| p.limits.force_fee,
        below: Some("it is cheaper to fill the queue that blocks must work off"),
        above: Some("who is censored pays more to be heard"),
    },
    Choice {
        name: "min-deposit",
        unit: "gwei",
        of: |p| U256::from(p.limits.min_deposit_gwei),
        below: Some("it is cheaper to fill the queue of deposits"),
        above: Some("small deposits are refused"),
    },
];

const WORK: [Choice; 3] = [
    Choice {
        name: "gas-limit",
        unit: "gas",
        of: |p| U256::from(p.l2.gas_limit),
        below: None,
        above: Some(
            "watchers must execute more a second, also of what is slowest for its gas (docs/security.md, A10)",
        ),
    },
    Choice {
        name: "max-witness-bytes",
        unit: "bytes",
        of: |p| U256::from(p.l2.max_witness_bytes),
        below: Some("more transactions fail for the state that they use"),
        above: None,
    },
    Choice {
        name: "levels",
        unit: "reveals",
        of: |p| U256::from(p.limits.levels),
        below: None,
        above: Some("each level adds two response periods to the longest dispute"),
    },
];

/// A line for each number that is not the default, and whose being so can harm somebody.
pub(super) fn notes(config: &RollupConfig) -> Vec<String> {
    let (chosen, defaults) = (DeployParams::from(config), DeployParams::default());
    let all = PERIODS.iter().chain(&MONEY).chain(&WORK);
    all.filter_map(|choice| choice.note(&chosen, &defaults)).collect()
}

impl Choice {
    fn note(&self, chosen: &DeployParams, defaults: &DeployParams) -> Option<String> {
        let Self { name, unit, of, below, above } = self;
        let (got, default) = (of(chosen), of(defaults));
        let (side, meaning) = if got < default {
            ("below", (*below)?)
        } else if got > default {
            ("above", (*above)?)
        } else {
            return None;
        };
        Some(format!("{name} {got} {unit}, {side} the default of {default}: {meaning}"))
    }
}
