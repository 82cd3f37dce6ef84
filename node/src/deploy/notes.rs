//! What a configuration says that somebody may want to know before he trusts it with money. Nothing here is an error: it may be
//! just what was meant.

use alloy_eips::{eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS};
use alloy_primitives::{Address, U256};
use recourse_protocol::{GenesisAccount, RollupConfig, predeploys};

use super::{chain_ids, choices};

/// So many addresses are named in a line.
const NAMED: usize = 5;

/// Notes on a configuration, on the L1 of this chain id.
pub(super) fn notes(config: &RollupConfig, l1_chain_id: u64) -> Vec<String> {
    let mut notes = Vec::new();
    let l2 = config.l2.chain_id;
    if chain_ids::is_default(l2, l1_chain_id) {
        notes.push(format!(
            "l2-chain-id {l2} is the default: what is signed here is valid on every rollup that kept it"
        ));
    }
    notes.extend(accounts(config));
    notes.extend(choices::notes(config));
    notes.extend(trusted(config));
    notes
}

/// Money and code that L2 starts with.
fn accounts(config: &RollupConfig) -> Vec<String> {
    let [(ours, _)] = predeploys();
    // What is given under their addresses is not taken.
    let taken = [ours, HISTORY_STORAGE_ADDRESS, BEACON_ROOTS_ADDRESS];
    let given = || config.genesis.alloc.iter().filter(|(at, _)| !taken.contains(at));
    let that = |holds: fn(&GenesisAccount) -> bool| {
        given().filter(|(_, account)| holds(account)).map(|(at, _)| *at).collect::<Vec<_>>()
    };
    let (rich, code) = (
        that(|account| !account.balance.is_zero()),
        that(|account| !account.code.is_empty() || !account.storage.is_empty()),
    );
    let mut notes = Vec::new();
    if !rich.is_empty() {
        let sum = given().fold(U256::ZERO, |sum, (_, given)| sum.saturating_add(given.balance));
        notes.push(format!(
            "genesis balances of {sum} wei, which no deposit backs: who withdraws them takes what others deposited: {}",
            listed(&rich)
        ));
    }
    if !code.is_empty() {
        notes.push(format!(
            "genesis code or storage, which nothing here vouches for: {}",
            listed(&code)
        ));
    }
    notes
}

/// Whom users have to trust.
fn trusted(config: &RollupConfig) -> Vec<String> {
    let (deployment, delay) = (&config.deployment, config.periods.force_delay);
    let mut notes = Vec::new();
    if !deployment.gas_token.is_zero() {
        notes.push(format!(
            "gas-token {}: who can mint, block or change it can take or lock all deposits",
            deployment.gas_token
        ));
    }
    notes.push(if deployment.sequencer.is_zero() {
        "no sequencer: everybody appends, and who builds L1's blocks orders (a based rollup)".to_owned()
    } else {
        format!(
            "sequencer {}: it alone appends and orders until it was silent for force-delay, {delay} seconds",
            deployment.sequencer
        )
    });
    notes
}

/// The first of them, and how many others there are.
fn listed(addresses: &[Address]) -> String {
    let first: Vec<String> = addresses.iter().take(NAMED).map(Address::to_string).collect();
    let others = addresses.len().saturating_sub(NAMED);
    let named = first.join(", ");
    if others == 0 { named } else { format!("{named} and {others} more") }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, Bytes};
    use recourse_protocol::{BatchIndex, Checkpoint, Contracts, GenesisConfig, L2_WITHDRAWALS};

    use super::*;
    use crate::deploy::DeployParams;

    type Change = fn(&mut DeployParams);

    /// What is said of the defaults with one change, on a development chain, beside the last line, which is of the sequencer.
    fn of(change: Change) -> Vec<String> {
        let mut lines = all(change, 31_337);
        lines.pop().unwrap();
        lines
    }

    fn all(change: Change, l1_chain_id: u64) -> Vec<String> {
        let mut params = DeployParams::default();
        change(&mut params);
        let nowhere = Contracts {
            inbox: Address::ZERO,
            rollup: Address::ZERO,
            verifier: Address::ZERO,
            chunk_store: Address::ZERO,
            bridge: Address::ZERO,
            deploy_block: 0,
        };
        let checkpoint = Checkpoint { batch: BatchIndex(1), ..Checkpoint::default() };
        let genesis = GenesisConfig { checkpoint, alloc: params.alloc.clone() };
        notes(&params.rollup_config(l1_chain_id, nowhere, genesis), l1_chain_id)
    }

    #[test]
    fn of_the_defaults_only_that_nobody_sequences() {
        let based =
            "no sequencer: everybody appends, and who builds L1's blocks orders (a based rollup)";
        assert_eq!(all(|_| {}, 31_337), [based]);
        let default = "l2-chain-id 8079 is the default: what is signed here is valid on every rollup that kept it";
        assert_eq!(all(|_| {}, 1), [default, based]);
        assert_eq!(all(|p| p.l2.chain_id = 8080, 1), [based]);
    }

    #[test]
    fn the_sequencer_and_the_token_are_named() {
        let lines = all(
            |p| (p.sequencer, p.gas_token) = (Address::repeat_byte(1), Address::repeat_byte(2)),
            31_337,
        );
        assert_eq!(
            lines,
            [
                "gas-token 0x0202020202020202020202020202020202020202: who can mint, block or change it can take or lock all deposits",
                "sequencer 0x0101010101010101010101010101010101010101: it alone appends and orders until it was silent for force-delay, 43200 seconds",
            ]
        );
    }

    #[test]
    fn every_period_and_bond_below_or_above_its_default_is_named_with_it() {
        let changes: [(Change, &str); 12] = [
            (
                |p| p.periods.challenge_window -= 1,
                "challenge-window 604799 seconds, below the default of 604800: ",
            ),
            (
                |p| p.periods.challenge_window += 1,
                "challenge-window 604801 seconds, above the default of 604800: ",
            ),
            (
                |p| p.periods.response_period = 1,
                "response-period 1 seconds, below the default of 129600: ",
            ),
            (
                |p| p.periods.force_delay *= 2,
                "force-delay 86400 seconds, above the default of 43200: ",
            ),
            (
                |p| p.periods.withdrawal_delay = 0,
                "withdrawal-delay 0 seconds, below the default of 86400: ",
            ),
            (
                |p| p.limits.claim_bond = U256::from(2),
                "claim-bond 2 wei, below the default of 32000000000000000000: ",
            ),
            (
                |p| p.limits.challenge_bond += U256::ONE,
                "challenge-bond 200000000000000001 wei, above the default of 200000000000000000: ",
            ),
            (
                |p| p.limits.chunk_reward = U256::ZERO,
                "chunk-reward 0 wei a byte, below the default of 11050000000000: ",
            ),
            (
                |p| p.limits.force_fee = U256::ZERO,
                "force-fee 0 wei, below the default of 1000000000000000: ",
            ),
            (
                |p| p.limits.min_deposit_gwei = 0,
                "min-deposit 0 gwei, below the default of 100000: ",
            ),
            (|p| p.l2.gas_limit *= 2, "gas-limit 67108864 gas, above the default of 33554432: "),
            (
                |p| (p.limits.arity, p.limits.levels) = (2, 24),
                "levels 24 reveals, above the default of 2: ",
            ),
        ];
        for (change, expected) in changes {
            let lines = of(change);
            let [line] = lines.as_slice() else { panic!("expected {expected}, got {lines:?}") };
            assert!(line.starts_with(expected), "expected {expected}, got {line}");
        }
        assert_eq!(of(|p| p.l2.gas_limit /= 2), [""; 0], "less work harms nobody");
    }

    #[test]
    fn money_that_nothing_backs_is_summed_and_its_holders_named() {
        let lines = of(|p| {
            let account = |balance| GenesisAccount { balance, ..GenesisAccount::default() };
            for byte in 1..=7 {
                p.alloc.insert(Address::repeat_byte(byte), account(U256::from(byte)));
            }
            p.alloc.insert(Address::repeat_byte(8), account(U256::ZERO));
            // The predeploys win.
            for predeploy in [L2_WITHDRAWALS, HISTORY_STORAGE_ADDRESS, BEACON_ROOTS_ADDRESS] {
                p.alloc.insert(predeploy, account(U256::from(1000)));
            }
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert!(line.starts_with("genesis balances of 28 wei, which no deposit backs: "), "{line}");
        assert!(line.contains(&Address::repeat_byte(5).to_string()), "{line}");
        assert!(line.ends_with(" and 2 more"), "{line}");
        // A sum beyond 256 bits is a note, too.
        let lines = of(|p| {
            for byte in 1..=2 {
                let account = GenesisAccount { balance: U256::MAX, ..GenesisAccount::default() };
                p.alloc.insert(Address::repeat_byte(byte), account);
            }
        });
        assert!(
            lines[0].starts_with(&format!("genesis balances of {} wei", U256::MAX)),
            "{lines:?}"
        );
    }

    #[test]
    fn code_and_storage_that_stand_in_the_genesis_are_named() {
        let lines = of(|p| {
            let code =
                GenesisAccount { code: Bytes::from_static(&[0]), ..GenesisAccount::default() };
            let slot = [(B256::ZERO, U256::ONE)].into_iter().collect();
            let storage = GenesisAccount { storage: slot, ..GenesisAccount::default() };
            p.alloc.insert(Address::repeat_byte(1), code);
            p.alloc.insert(Address::repeat_byte(2), storage);
            let nonce = GenesisAccount { nonce: 1, ..GenesisAccount::default() };
            p.alloc.insert(Address::repeat_byte(3), nonce);
        });
        let (one, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let expected =
            format!("genesis code or storage, which nothing here vouches for: {one}, {other}");
        assert_eq!(lines, [expected]);
    }
}
