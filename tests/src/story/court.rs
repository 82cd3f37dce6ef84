//! The dispute, as the Rollup contract's events tell it.

use alloy::providers::Provider;
use alloy_primitives::{Address, B256, utils::format_ether};
use eyre::{OptionExt, ensure};
use recourse_protocol::bindings::{
    IRollup::{self, Challenged, Died, Proposed, SegmentRevealed, StepProven},
    Segment,
};

use super::{PATIENCE, teller::Teller};
use crate::{Lie, Network, Role, Seen, Wallet, wait_for};

/// Watches one trial.
pub(super) struct Court<'a> {
    network: &'a Network,
    wallet: Wallet,
    rollup: Address,
}

impl<'a> Court<'a> {
    pub(super) fn new(network: &'a Network) -> eyre::Result<Self> {
        let wallet = network.l1_wallet(Role::Deployer)?;
        Ok(Self { network, wallet, rollup: network.config().contracts.rollup })
    }

    /// From the false claim to its death. Gives the batch that was claimed.
    pub(super) async fn watch_the_trial(&mut self, teller: &Teller, lie: Lie) -> eyre::Result<u64> {
        let claim = self.network.claim_of(Role::Cheat).await?;
        let Proposed { attempt, batch, steps, .. } = claim.event;
        let what =
            format!("claims batch {batch}, {steps} steps after its parent: attempt {attempt}");
        teller.tell("cheat", &what);
        self.receipt(teller, claim.transaction).await?;
        let died = self.follow(teller, attempt).await?;
        self.verdict(teller, &died.event, lie).await?;
        Ok(batch)
    }

    /// Tells each move as it comes, until the attempt is dead.
    async fn follow(&self, teller: &Teller, attempt: B256) -> eyre::Result<Seen<Died>> {
        let (mut challenges, mut reveals) = (0, 0);
        loop {
            let seen = self.of::<Challenged>(|e| e.attempt == attempt).await?;
            for seen in seen.iter().skip(challenges) {
                teller.tell("challenger", &format!("challenges {}", span(&seen.event.segment)));
                self.receipt(teller, seen.transaction).await?;
            }
            challenges = challenges.max(seen.len());
            let seen = self.of::<SegmentRevealed>(|e| e.attempt == attempt).await?;
            for seen in seen.iter().skip(reveals) {
                let SegmentRevealed { segment, count, .. } = &seen.event;
                let what = format!("reveals {} in a blob, {count} gaps", span(segment));
                teller.tell("cheat", &what);
                self.receipt(teller, seen.transaction).await?;
            }
            reveals = reveals.max(seen.len());
            if let Some(died) = self.of::<Died>(|e| e.attempt == attempt).await?.pop() {
                return Ok(died);
            }
            wait_for("the next move", PATIENCE, || async {
                let moves = self.of::<Challenged>(|e| e.attempt == attempt).await?.len()
                    > challenges
                    || self.of::<SegmentRevealed>(|e| e.attempt == attempt).await?.len() > reveals
                    || !self.of::<Died>(|e| e.attempt == attempt).await?.is_empty();
                Ok(moves.then_some(()))
            })
            .await?;
        }
    }

    async fn verdict(&self, teller: &Teller, died: &Died, lie: Lie) -> eyre::Result<()> {
        let proven = self.of::<StepProven>(|_| true).await?.pop();
        let how = match (&proven, died.byTimeout) {
            (_, true) => "nobody answered for the claim".to_owned(),
            (Some(step), _) => format!("L1 ran the step itself: after {}", step.event.pre),
            (None, _) => "the claim went on past the end of its batch".to_owned(),
        };
        teller.tell("L1", &format!("the claim is false. {how}"));
        if let Some(step) = proven {
            teller.more(&format!("stands {}, whatever the cheat says", step.event.post));
            self.receipt(teller, step.transaction).await?;
        }
        ensure!(died.byTimeout != lie.reveals(), "the claim died in an unexpected way");
        let call = IRollup::attemptOfCall { attempt: died.attempt };
        let attempt = self.wallet.ask(self.rollup, &call).await?;
        ensure!(
            died.reward.checked_add(died.burnt) == Some(attempt.bond),
            "a part of the bond is left"
        );
        let watchtower = Role::Challenger.signer()?.address();
        ensure!(died.beneficiary == watchtower, "the reward went to {}", died.beneficiary);
        let (reward, burnt) = (format_ether(died.reward), format_ether(died.burnt));
        teller.tell(
            "cheat",
            &format!("lost its bond: {reward} ether to the challenger, {burnt} burnt"),
        );
        Ok(())
    }

    async fn of<E: alloy::sol_types::SolEvent>(
        &self,
        wanted: impl Fn(&E) -> bool,
    ) -> eyre::Result<Vec<Seen<E>>> {
        let all = self.wallet.events::<E>(self.rollup).await?;
        Ok(all.into_iter().filter(|seen| wanted(&seen.event)).collect())
    }

    async fn receipt(&self, teller: &Teller, transaction: B256) -> eyre::Result<()> {
        let receipt = self.wallet.provider().get_transaction_receipt(transaction).await?;
        let gas = receipt.ok_or_eyre("an event without receipt")?.gas_used;
        teller.more(&format!("L1 transaction {transaction}, {gas} gas"));
        Ok(())
    }
}

fn span(segment: &Segment) -> String {
    format!("steps {} to {}", segment.start, segment.end)
}
