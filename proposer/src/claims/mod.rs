//! Claims of the derived chain on L1: made, defended, confirmed, collected.

mod histories;
mod intent;
mod knowledge;
mod respond;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use alloy::eips::BlockId;
use alloy_primitives::{Address, U256};
use recourse_bisection::{Action, Party, Role, next_actions};
use recourse_node::{
    Node, NodeState, Severity,
    blobs::BlobSource,
    l1::{L1Client, L1Error},
    tx::TxManager,
};
use recourse_protocol::{RollupConfig, bindings::IRollup};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

use crate::{
    ServiceError,
    health::{Duties, REVEALS},
};
use histories::{Histories, Urgency};
use knowledge::Known;
use respond::{MoveError, Responder};

/// How claims are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimSettings {
    /// Who gets bonds back and what challengers lose.
    pub beneficiary: Address,
    /// Seconds of L1 time between two claims, at least.
    pub interval: u64,
    /// New batches that are worth a claim.
    pub min_batches: u64,
    /// Whether each claim carries its reveal.
    pub reveal_at_once: bool,
}

const PLANNING: &str = "planning claims";
const OWED: &str = "asking what the Rollup owes";
const BALANCE: &str = "asking for the balance";

/// The task that makes all moves of the proposer's account in the Rollup contract.
#[derive(Debug)]
pub(crate) struct Claimer {
    settings: ClaimSettings,
    rollup: RollupConfig,
    states: watch::Receiver<Arc<NodeState>>,
    client: L1Client,
    duties: Duties,
    transactions: TxManager,
    responder: Arc<Responder>,
    histories: Arc<Histories>,
    /// Keys of the moves that are being made.
    under_way: HashSet<String>,
    /// Moves that failed when they were made last, and are still wanted.
    failed: HashSet<String>,
    /// Moves that are mined in blocks which the node has not read yet: until then the planner asks for them again.
    mined: HashMap<String, u64>,
    /// L1 time of the newest new claim, in seconds.
    last_claim: Option<u64>,
    /// Whether what another run had sent, or this one without learning what became of it, is mined: till then a claim may be on
    /// its way.
    is_settled: bool,
}

/// What became of a move: the L1 block that it was mined in, if it was a transaction.
type Made = (String, Result<Option<u64>, MoveError>);
type Moves = JoinSet<Made>;

impl Claimer {
    pub(crate) fn new(
        settings: ClaimSettings,
        rollup: RollupConfig,
        node: &Node,
        transactions: TxManager,
        duties: Duties,
    ) -> Self {
        let blobs: BlobSource = node.blobs().clone();
        let histories = Arc::new(Histories::new(rollup.l2));
        let responder = Responder {
            rollup: rollup.clone(),
            beneficiary: settings.beneficiary,
            blobs,
            histories: Arc::clone(&histories),
            transactions: transactions.clone(),
        };
        Self {
            settings,
            rollup,
            states: node.subscribe(),
            client: node.client().clone(),
            duties,
            transactions,
            responder: Arc::new(responder),
            histories,
            under_way: HashSet::new(),
            failed: HashSet::new(),
            mined: HashMap::new(),
            last_claim: None,
            is_settled: false,
        }
    }

    /// Makes moves until told to stop, then waits for those that are being made.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), ServiceError> {
        let mut moves = Moves::new();
        self.states.mark_changed();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                changed = self.states.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let state = Arc::clone(&self.states.borrow_and_update());
                    if let Err(error) = self.plan(state, &mut moves).await {
                        self.duties.failed(PLANNING, &error);
                    }
                }
                Some(done) = moves.join_next() => self.made(done?)?,
            }
        }
        self.histories.stop();
        while let Some(done) = moves.join_next().await {
            self.made(done?)?;
        }
        Ok(())
    }

    /// Starts the moves that are due at a head and not under way.
    async fn plan(&mut self, state: Arc<NodeState>, moves: &mut Moves) -> Result<(), JoinError> {
        self.is_settled = self.is_settled || self.transactions.pending() == 0;
        let own = self.transactions.address();
        let (owed, balance) = tokio::join!(self.owed(&state), self.client.balance(own));
        // What is owed can be taken at a later head; an answer to a challenge can't wait for it.
        let owed = self.duties.told(OWED, owed).unwrap_or_default();
        self.duties.see_balance(self.duties.told(BALANCE, balance));
        let party = Party {
            address: own,
            owed,
            role: Role::Proposer {
                min_batches: self.settings.min_batches,
                reveal_at_once: self.settings.reveal_at_once,
            },
        };
        let known = Known::new(Arc::clone(&state), Arc::clone(&self.histories), &self.responder);
        let game = Arc::clone(&state.l1.game);
        self.histories.forget_wishes();
        let actions = spawn_blocking(move || next_actions(&game, &known, &party)).await?;
        self.duties.succeeded(PLANNING);
        self.mined.retain(|_, block| *block > state.l1.head.number);
        let wanted: HashSet<String> = actions.iter().map(intent::key).collect();
        self.failed.retain(|key| wanted.contains(key));
        let histories =
            self.histories.wishes().into_iter().map(|range| intent::history(range, false));
        let all = wanted.iter().cloned().chain(histories);
        self.duties.keep(&all.map(|key| intent::duty(&key)).collect());
        // Only so many are made at once: what fails keeps no other waiting, and is not kept waiting for ever by all others.
        let (again, mut first): (Vec<_>, Vec<_>) =
            actions.into_iter().partition(|action| self.failed.contains(&intent::key(action)));
        let later = first.split_off(first.len().min(REVEALS.saturating_mul(3) / 4));
        for action in first.into_iter().chain(again).chain(later) {
            self.start(action, &state, moves);
        }
        self.look_up(&state, moves);
        Ok(())
    }

    /// Makes the next history that the planner asked for in vain. One at a time: those that challenges wait for come first, the
    /// nearest deadline before all, and their reveals need not wait for the others.
    fn look_up(&mut self, state: &Arc<NodeState>, moves: &mut Moves) {
        if self.under_way.iter().any(|key| intent::is_history(key)) {
            return;
        }
        let Some((range, urgency)) = self.histories.next_wish() else { return };
        let key = intent::history(range, urgency == Urgency::Challenged);
        tracing::info!(key, "running the batches of a claim");
        self.under_way.insert(key.clone());
        let (histories, state) = (Arc::clone(&self.histories), Arc::clone(state));
        moves.spawn(async move {
            let maker = Arc::clone(&histories);
            let made = spawn_blocking(move || maker.fulfil(&state, range)).await;
            if made.is_err() {
                histories.failed(range);
            }
            (key, made.map_err(MoveError::from).flatten().map(|()| None))
        });
    }

    async fn owed(&self, state: &NodeState) -> Result<U256, L1Error> {
        let call = IRollup::owedCall { who: self.transactions.address() };
        let head = BlockId::hash(state.l1.head.hash);
        self.client.call(self.rollup.contracts.rollup, &call, head).await
    }

    fn start(&mut self, action: Action, state: &Arc<NodeState>, moves: &mut Moves) {
        let key = intent::key(&action);
        let is_made = self.under_way.contains(&key) || self.mined.contains_key(&key);
        if is_made || !self.is_time_for(&action, state) {
            return;
        }
        let reveals = self.under_way.iter().filter(|key| intent::is_reveal(key)).count();
        if intent::is_reveal(&key) && reveals >= REVEALS {
            return;
        }
        if matches!(action, Action::Propose { .. }) {
            self.last_claim = Some(state.l1.head.timestamp);
        }
        tracing::info!(key, "making a move");
        self.under_way.insert(key.clone());
        let (responder, state) = (Arc::clone(&self.responder), Arc::clone(state));
        moves.spawn(async move {
            let result = responder.make(action, state).await;
            (key, result.map(Some))
        });
    }

    /// New claims keep their distance; everything else is made at once. One claim at a time: the next one would build
    /// on a parent that L1 does not show yet.
    fn is_time_for(&self, action: &Action, state: &NodeState) -> bool {
        let Action::Propose { content, .. } = action else { return true };
        if self.under_way.iter().chain(self.mined.keys()).any(|key| intent::is_claim(key)) {
            return false;
        }
        // A content that L1 knows lost its owner: its children wait for somebody to stand for it.
        let is_new = !state.l1.game.contents.contains_key(content);
        let last = self.last_claim.max(self.last_claim_on_l1(state));
        let due = last.map_or(0, |last| last.saturating_add(self.settings.interval));
        let rested = state.l1.head.timestamp >= due && self.is_settled;
        !is_new || (rested && state.derived)
    }

    /// When the newest own claim was made, in seconds of L1 time: its window tells.
    fn last_claim_on_l1(&self, state: &NodeState) -> Option<u64> {
        let own = self.transactions.address();
        let attempts = state.l1.game.attempts.values().filter(|attempt| attempt.owner == own);
        let window = self.rollup.periods.challenge_window;
        attempts.map(|attempt| attempt.window_end.saturating_sub(window)).max()
    }

    fn made(&mut self, (key, result): Made) -> Result<(), ServiceError> {
        self.under_way.remove(&key);
        match result {
            Ok(block) => {
                tracing::info!(key, "move made");
                self.failed.remove(&key);
                self.duties.move_made(&intent::duty(&key));
                if intent::is_challenged_history(&key) || intent::is_reveal(&key) {
                    // What waited for it need not wait for the next head.
                    self.states.mark_changed();
                }
                if let Some(block) = block {
                    self.mined.insert(key, block);
                }
            }
            Err(MoveError::Send(error)) if error.severity() == Severity::Critical => {
                return Err(ServiceError::Transactions(error));
            }
            Err(MoveError::Stopped) => tracing::info!(key, "not ready before the end"),
            // The planner asks again at the next head for what is still wanted.
            Err(error) => {
                if intent::is_claim(&key) && error.may_be_in_flight() {
                    self.is_settled = false;
                } else if intent::is_claim(&key) {
                    self.last_claim = None;
                }
                self.duties.move_failed(&intent::duty(&key), &error);
                self.failed.insert(key);
            }
        }
        Ok(())
    }
}
