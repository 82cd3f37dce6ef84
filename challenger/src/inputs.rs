//! Asks the contracts, before a bond is put on a verdict, whether they recorded what the verdict was derived from.
//!
//! Blobs were checked against their versioned hashes when they were fetched, and a content is the hash of what it
//! claims. What is left to lie about are the events, so each fact behind them is read again from contract storage,
//! through an endpoint of the operator's choice.

use std::{collections::HashSet, future::Future, time::Duration};

use alloy::{eips::BlockId, sol_types::SolCall};
use alloy_primitives::{Address, B256, keccak256};
use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use recourse_bisection::ClaimRange;
use recourse_node::l1::{L1Client, L1Error};
use recourse_protocol::{
    AttemptId, BatchIndex, Checkpoint, ContentHash, Contracts, Inputs, ViewIndex,
    bindings::{Credit, IInbox, IRollup, View},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use crate::InputError;

/// Questions asked at once.
const AT_ONCE: usize = 8;
/// Moves whose questions are asked at once.
const MOVES_AT_ONCE: usize = 16;
/// How long an endpoint may be behind the one that the block is from: some slots.
const BEHIND: Duration = Duration::from_secs(60);
/// Between two looks whether it has the block.
const PAUSE: Duration = Duration::from_millis(500);

/// Something that the contracts recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Fact {
    /// Hash of a batch.
    Batch(BatchIndex, B256),
    /// A view of L1.
    View(ViewIndex, View),
    /// A deposit.
    Deposit(u64, Credit),
    /// Hash of a forced transaction.
    Forced(u64, B256),
    /// What an attempt claims.
    Content(AttemptId, ContentHash),
}

/// Reads facts.
pub(crate) trait Recorded: Sync {
    /// The fact in the place of `fact`.
    fn read(&self, fact: &Fact) -> impl Future<Output = Result<Fact, L1Error>> + Send;
    /// Whether it does not know the block that it is asked about.
    fn is_behind(&self) -> impl Future<Output = bool> + Send;
}

/// Contract storage at one L1 block.
#[derive(Debug)]
pub(crate) struct ContractsAt<'a> {
    pub(crate) client: &'a L1Client,
    pub(crate) contracts: &'a Contracts,
    pub(crate) block: B256,
}

/// Remembers what was confirmed. A fact is never recorded twice with different contents on one branch of L1, and
/// one on another branch is another fact.
#[derive(Debug)]
pub(crate) struct InputCheck {
    confirmed: Mutex<HashSet<Fact>>,
    turns: Semaphore,
}

impl Default for InputCheck {
    fn default() -> Self {
        Self { confirmed: Mutex::default(), turns: Semaphore::new(MOVES_AT_ONCE) }
    }
}

impl InputCheck {
    /// Whether all facts were confirmed before: then nothing has to be asked.
    pub(crate) fn knows(&self, facts: &[Fact]) -> bool {
        let confirmed = self.confirmed.lock();
        facts.iter().all(|fact| confirmed.contains(fact))
    }

    /// Confirms all facts. Waits for an endpoint that does not have the block yet: asked about a later one at the next try,
    /// it would be behind for ever.
    ///
    /// # Errors
    /// [`InputError::Disputed`] for the first that L1 does not confirm, [`InputError::L1`] when it could not be asked.
    pub(crate) async fn confirm<R: Recorded>(
        &self,
        facts: Vec<Fact>,
        recorded: &R,
    ) -> Result<(), InputError> {
        // Never closed, so that a turn always comes.
        let _turn = self.turns.acquire().await;
        let give_up = Instant::now().checked_add(BEHIND);
        loop {
            let error = match self.confirm_new(&facts, recorded).await {
                Err(InputError::L1(error)) => error,
                other => return other,
            };
            let in_time = give_up.is_some_and(|end| Instant::now() < end);
            let may_be_behind = matches!(error, L1Error::Refused { .. } | L1Error::Gone { .. });
            if !(may_be_behind && in_time && recorded.is_behind().await) {
                return Err(error.into());
            }
            sleep(PAUSE).await;
        }
    }

    async fn confirm_new<R: Recorded>(
        &self,
        facts: &[Fact],
        recorded: &R,
    ) -> Result<(), InputError> {
        let new: Vec<Fact> = {
            let confirmed = self.confirmed.lock();
            facts.iter().filter(|fact| !confirmed.contains(fact)).cloned().collect()
        };
        stream::iter(new)
            .map(|fact| self.confirm_one(fact, recorded))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn confirm_one<R: Recorded>(&self, fact: Fact, recorded: &R) -> Result<(), InputError> {
        let got = recorded.read(&fact).await?;
        if got != fact {
            let (expected, got) = (Box::new(fact), Box::new(got));
            return Err(InputError::Disputed {
                expected: format!("{expected:?}"),
                got: format!("{got:?}"),
            });
        }
        self.confirmed.lock().insert(fact);
        Ok(())
    }
}

/// All that the derivation of a range read, but for blobs.
///
/// # Errors
/// [`InputError::NotAtHand`].
pub(crate) fn facts_of<I: Inputs<Error: Send + Sync + 'static>>(
    inputs: &I,
    range: ClaimRange,
    from: &Checkpoint,
    to: &Checkpoint,
) -> Result<Vec<Fact>, InputError> {
    let mut facts = Vec::new();
    let mut views: HashSet<ViewIndex> = (from.view.0..=to.view.0).map(ViewIndex).collect();
    for index in (range.after.0.saturating_add(1)..=range.upto.0).map(BatchIndex) {
        let batch = inputs.batch(index).map_err(InputError::not_at_hand)?;
        let batch = batch.ok_or(InputError::Missing(index))?;
        views.insert(batch.min_view);
        facts.push(Fact::Batch(index, batch.hash()));
    }
    for index in views {
        let view = inputs.view(index).map_err(InputError::not_at_hand)?;
        facts.push(Fact::View(index, view.into()));
    }
    for index in from.forced_done..to.forced_done {
        let raw = inputs.forced(index).map_err(InputError::not_at_hand)?;
        facts.push(Fact::Forced(index, keccak256(raw)));
    }
    for index in from.deposits_done..to.deposits_done {
        let deposit = inputs.deposit(index).map_err(InputError::not_at_hand)?;
        facts.push(Fact::Deposit(index, deposit));
    }
    Ok(facts)
}

impl ContractsAt<'_> {
    async fn ask<C: SolCall + Sync>(&self, to: Address, call: C) -> Result<C::Return, L1Error> {
        self.client.call(to, &call, BlockId::hash(self.block)).await
    }
}

impl Recorded for ContractsAt<'_> {
    async fn is_behind(&self) -> bool {
        matches!(self.client.block_by_hash(self.block).await, Ok(None))
    }

    async fn read(&self, fact: &Fact) -> Result<Fact, L1Error> {
        let Contracts { inbox, rollup, .. } = *self.contracts;
        Ok(match *fact {
            Fact::Batch(at, _) => {
                Fact::Batch(at, self.ask(inbox, IInbox::batchHashCall { index: at.0 }).await?)
            }
            Fact::View(at, _) => {
                Fact::View(at, self.ask(inbox, IInbox::viewAtCall { index: at.0 }).await?)
            }
            Fact::Deposit(at, _) => {
                Fact::Deposit(at, self.ask(inbox, IInbox::depositAtCall { index: at }).await?)
            }
            Fact::Forced(at, _) => {
                Fact::Forced(at, self.ask(inbox, IInbox::forcedHashCall { index: at }).await?)
            }
            Fact::Content(attempt, _) => {
                let call = IRollup::attemptOfCall { attempt: attempt.0 };
                Fact::Content(attempt, ContentHash(self.ask(rollup, call).await?.content))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use recourse_protocol::{Batch, MemoryInputs};

    use super::*;

    /// An L1 that has recorded these facts alone.
    struct Only(Vec<Fact>);

    impl Recorded for Only {
        async fn is_behind(&self) -> bool {
            false
        }

        async fn read(&self, fact: &Fact) -> Result<Fact, L1Error> {
            let place = |f: &&Fact| match (f, fact) {
                (Fact::Batch(a, _), Fact::Batch(b, _)) => a == b,
                (Fact::Forced(a, _), Fact::Forced(b, _)) => a == b,
                _ => false,
            };
            self.0
                .iter()
                .find(place)
                .cloned()
                .ok_or_else(|| L1Error::Gone { block: "latest".into() })
        }
    }

    /// Does not know the block at first.
    struct Late {
        l1: Only,
        /// Looks that find no block.
        looks: AtomicUsize,
    }

    impl Recorded for Late {
        async fn read(&self, fact: &Fact) -> Result<Fact, L1Error> {
            if self.looks.load(Ordering::Relaxed) > 0 {
                return Err(L1Error::Gone { block: "asked about".into() });
            }
            self.l1.read(fact).await
        }

        async fn is_behind(&self) -> bool {
            let one_less = |left: usize| left.checked_sub(1);
            self.looks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
        }
    }

    fn batch(index: u64, byte: u8) -> Fact {
        Fact::Batch(BatchIndex(index), B256::repeat_byte(byte))
    }

    #[tokio::test]
    async fn confirms_what_is_recorded() {
        let l1 = Only(vec![batch(1, 1), Fact::Forced(0, B256::ZERO)]);
        let facts = vec![batch(1, 1), Fact::Forced(0, B256::ZERO)];
        InputCheck::default().confirm(facts, &l1).await.unwrap();
    }

    #[tokio::test]
    async fn refuses_what_is_recorded_otherwise() {
        let check = InputCheck::default();
        let error = check.confirm(vec![batch(1, 2)], &Only(vec![batch(1, 1)])).await.unwrap_err();
        assert!(matches!(error, InputError::Disputed { .. }));
    }

    #[tokio::test]
    async fn silence_confirms_nothing() {
        let error =
            InputCheck::default().confirm(vec![batch(1, 1)], &Only(vec![])).await.unwrap_err();
        assert!(matches!(error, InputError::L1(_)));
    }

    #[tokio::test]
    async fn waits_for_an_endpoint_that_is_behind() {
        let facts = vec![batch(1, 1)];
        let late = Late { l1: Only(facts.clone()), looks: AtomicUsize::new(2) };
        let check = InputCheck::default();
        assert!(!check.knows(&facts));
        check.confirm(facts.clone(), &late).await.unwrap();
        assert!(check.knows(&facts));
        assert_eq!(late.looks.into_inner(), 0);
    }

    #[tokio::test]
    async fn asks_once_and_another_branch_again() {
        let check = InputCheck::default();
        check.confirm(vec![batch(1, 1)], &Only(vec![batch(1, 1)])).await.unwrap();
        check.confirm(vec![batch(1, 1)], &Only(vec![])).await.unwrap();
        assert!(check.confirm(vec![batch(1, 3)], &Only(vec![batch(1, 1)])).await.is_err());
    }

    #[test]
    fn everything_that_a_range_reads_is_a_fact() {
        let view = |deposits_end, forced_end| recourse_protocol::View {
            deposits_end,
            forced_end,
            ..recourse_protocol::View::default()
        };
        let batch = |min_view| {
            let batch = Batch { min_view: ViewIndex(min_view), ..Batch::default() };
            (Arc::new(batch), Vec::new())
        };
        let inputs = MemoryInputs {
            batches: vec![batch(0), batch(1), batch(2)],
            views: vec![view(0, 0), view(1, 0), view(2, 1), view(3, 2)],
            forced: vec![vec![1].into(), vec![2].into()],
            deposits: vec![Credit::default(); 3],
        };
        let from = Checkpoint { view: ViewIndex(1), ..Checkpoint::default() };
        let to = Checkpoint {
            view: ViewIndex(2),
            deposits_done: 2,
            forced_done: 1,
            ..Checkpoint::default()
        };
        let range = ClaimRange { after: BatchIndex(1), upto: BatchIndex(3) };
        let facts = facts_of(&inputs, range, &from, &to).unwrap();
        let count = |wanted: fn(&Fact) -> bool| facts.iter().filter(|f| wanted(f)).count();
        assert_eq!(count(|f| matches!(f, Fact::Batch(BatchIndex(2 | 3), _))), 2);
        assert_eq!(count(|f| matches!(f, Fact::View(ViewIndex(1 | 2), _))), 2);
        assert_eq!(count(|f| matches!(f, Fact::Deposit(0 | 1, _))), 2);
        assert_eq!(count(|f| matches!(f, Fact::Forced(0, _))), 1);
        assert_eq!(facts.len(), 7);

        let beyond = ClaimRange { upto: BatchIndex(4), ..range };
        assert!(matches!(facts_of(&inputs, beyond, &from, &to), Err(InputError::Missing(_))));
    }
}
