//! What the games were like.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::Told;

/// How often each move was accepted, and refused for which reason.
#[derive(Debug, Default)]
pub struct Totals {
    accepted: BTreeMap<&'static str, u64>,
    refused: BTreeMap<String, u64>,
    fates: BTreeSet<u8>,
}

impl Totals {
    pub fn add(&mut self, told: Told) {
        match told {
            Some((name, None)) => *self.accepted.entry(name).or_default() += 1,
            Some((name, Some(why))) => {
                *self.refused.entry(format!("{name}: {why:?}")).or_default() += 1;
            }
            None => {}
        }
    }

    /// What became of the attempts of a game.
    pub fn met(&mut self, fates: &BTreeSet<u8>) {
        self.fates.extend(fates);
    }

    /// That the games were games.
    #[expect(clippy::print_stdout, reason = "the tally of a long run")]
    pub fn check(&self, arity: u32) {
        let accepted: u64 = self.accepted.values().sum();
        let refused: u64 = self.refused.values().sum();
        println!("arity {arity}: {accepted} accepted, {refused} refused, {self:#?}");
        let mut moves = vec![
            "propose",
            "challengeClaim",
            "challengeGap",
            "reveal",
            "proveStep",
            "killGap",
            "proveFraudGap",
            "killClaim",
            "proveFraudClaim",
            "timeout",
            "confirm",
            "markVoid",
            "settleAttempt",
            "settleChallenge",
            "withdraw",
        ];
        // In bisection few claims get down to pairs past their end.
        if arity > 2 {
            moves.push("killGapBeyond");
        }
        for name in moves {
            assert!(self.accepted.contains_key(name), "no {name} was accepted");
        }
        // Pending, dead, confirmed, contradicted, void.
        assert_eq!(self.fates.len(), 5, "fates: {:?}", self.fates);
        assert!(self.refused.contains_key("proveStep: BillTooLong"), "no bill was too long");
        assert!(self.refused.contains_key("proveStep: TooMuchInline"), "no proof was too long");
        assert!(self.refused.len() > 30, "only {} kinds of refusal", self.refused.len());
    }
}
