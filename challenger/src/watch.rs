//! The watch: looks at every head, keeps the moves in order, makes them.
//!
//! One task owns all of this. What takes long (planning, fetching, building, waiting for L1) runs beside it, so that one
//! game never holds up another.

use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use alloy::rpc::types::TransactionReceipt;
use recourse_bisection::{Action, Need};
use recourse_node::{NodeState, health::chain};
use recourse_protocol::AttemptId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinError,
    time::MissedTickBehavior,
};
use tracing::Instrument;

use crate::{
    ErrandError, InputError, MoveError,
    errands::{Errand, Errands},
    intent,
    knowledge::HistoryKey,
    priority::{Priority, first_needed},
    responder::Responder,
    retry::Retries,
    round::{Lookout, Round},
    status::{PULSE, Status},
    tasks::Tasks,
};

/// What the watch works with.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) states: watch::Receiver<Arc<NodeState>>,
    pub(crate) lookout: Lookout,
    pub(crate) errands: Arc<Errands>,
    pub(crate) responder: Arc<Responder>,
    pub(crate) status: Arc<Status>,
    /// Moves that are built at once.
    pub(crate) builders: Arc<Semaphore>,
}

/// The watch at work.
#[derive(Debug)]
pub(crate) struct Shift {
    watch: Watch,
    tasks: Tasks<Task, Done>,
    /// What the last round was about; none before the first.
    planned: Option<Arc<NodeState>>,
    /// The most urgent move first.
    queue: VecDeque<(Priority, Action)>,
    /// Intents of moves under way.
    under_way: HashSet<String>,
    /// Of moves, by intent.
    retries: Retries,
    /// Errands under way, or about to be.
    errands: HashSet<Errand>,
    /// Of these, histories for which no CPU is free yet.
    waiting: Vec<HistoryKey>,
    /// Of errands; only to tell what fails again and again.
    errand_failures: Retries,
    /// The intent of the move whose inputs were last disputed.
    disputed: Option<String>,
    /// False claims that were announced.
    announced: BTreeSet<AttemptId>,
    /// Whether something happened since the last round began.
    stale: bool,
    /// Whether a round is under way.
    looking: bool,
    /// Whether the last round panicked.
    failed: bool,
}

/// Something that runs beside the watch.
#[derive(Debug)]
enum Task {
    Round,
    Errand(Errand),
    Move(Box<Action>),
}

/// What it came to.
#[derive(Debug)]
enum Done {
    Round(Result<Round, JoinError>),
    Errand(Errand, Result<(), ErrandError>),
    Move(Action, Box<Result<TransactionReceipt, MoveError>>),
}

impl Shift {
    pub(crate) fn new(watch: Watch) -> Self {
        Self {
            watch,
            tasks: Tasks::default(),
            planned: None,
            queue: VecDeque::new(),
            under_way: HashSet::new(),
            retries: Retries::default(),
            errands: HashSet::new(),
            waiting: Vec::new(),
            errand_failures: Retries::default(),
            disputed: None,
            announced: BTreeSet::new(),
            stale: true,
            looking: false,
            failed: false,
        }
    }

    /// Watches until nothing comes from the node any more. May be dropped at any time.
    pub(crate) async fn run(&mut self) {
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.look();
            self.send_errands();
            let builders = Arc::clone(&self.watch.builders);
            let cpu = Arc::clone(&self.watch.errands.cpu);
            tokio::select! {
                changed = self.watch.states.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.stale = true;
                }
                Some((task, done)) = self.tasks.next() => self.settle(task, done),
                Ok(permit) = builders.acquire_owned(), if !self.queue.is_empty() => self.start_next(permit),
                Ok(permit) = cpu.acquire_owned(), if !self.waiting.is_empty() => self.start_history(permit),
                _ = pulse.tick() => self.pulse(),
            }
        }
    }

    /// Waits for the moves under way; plans nothing more.
    pub(crate) async fn drain(&mut self) {
        self.queue.clear();
        while !self.under_way.is_empty() {
            let Some((task, done)) = self.tasks.next().await else { return };
            self.settle(task, done);
            self.queue.clear();
        }
    }

    /// Begins a round when something happened and none is under way.
    fn look(&mut self) {
        if !self.stale || self.looking {
            return;
        }
        (self.stale, self.looking) = (false, true);
        let state = Arc::clone(&self.watch.states.borrow_and_update());
        let lookout = self.watch.lookout.clone();
        self.tasks.spawn(Task::Round, async move { Done::Round(lookout.look(state).await) });
    }

    fn send_errands(&mut self) {
        for errand in self.watch.errands.wishes() {
            self.errands.insert(errand);
            match errand {
                Errand::Hashes(key) => self.waiting.push(key),
                Errand::Elements(_) => self.send(errand, None),
            }
        }
    }

    /// Makes the history that is needed first: others may be many, and cheap to ask for.
    fn start_history(&mut self, permit: OwnedSemaphorePermit) {
        let (state, own) = (Arc::clone(&self.watch.states.borrow()), self.watch.lookout.address);
        let first = first_needed(&self.waiting, &state.l1.game, own);
        let Some(key) = first.map(|at| self.waiting.swap_remove(at)) else { return };
        self.send(Errand::Hashes(key), Some(permit));
    }

    fn send(&mut self, errand: Errand, permit: Option<OwnedSemaphorePermit>) {
        let errands = Arc::clone(&self.watch.errands);
        let state = Arc::clone(&self.watch.states.borrow());
        let run = async move { Done::Errand(errand, errands.run(errand, state, permit).await) };
        let run = run.instrument(tracing::info_span!("errand", ?errand));
        self.tasks.spawn(Task::Errand(errand), run);
    }

    /// Makes the most urgent move that is not under way and not to be waited with.
    fn start_next(&mut self, permit: OwnedSemaphorePermit) {
        let Some(state) = self.planned.clone() else { return };
        let head = state.l1.head.number;
        while let Some((priority, action)) = self.queue.pop_front() {
            let intent = intent::intent(&action);
            let may = self.retries.may(&intent, head, Instant::now());
            if self.under_way.contains(&intent) || !may {
                continue;
            }
            self.under_way.insert(intent);
            let span = span(&action, &state, priority);
            let responder = Arc::clone(&self.watch.responder);
            let task = Task::Move(Box::new(action.clone()));
            let run = async move {
                let made = responder.make(action.clone(), state, permit).await;
                Done::Move(action, Box::new(made))
            };
            self.tasks.spawn(task, run.instrument(span));
            return;
        }
    }

    fn settle(&mut self, task: Option<Task>, done: Result<Done, JoinError>) {
        let error = match done {
            Ok(Done::Round(Ok(round))) => return self.take_round(round),
            Ok(Done::Round(Err(error))) => return self.round_failed(&error),
            Ok(Done::Errand(errand, result)) => return self.settle_errand(errand, result),
            Ok(Done::Move(action, result)) => return self.settle_move(&action, *result),
            Err(error) => error,
        };
        // What panicked failed like anything else: it is tried again, and counted.
        match task {
            Some(Task::Round) => self.round_failed(&error),
            Some(Task::Errand(errand)) => {
                self.watch.errands.library.give_up(&errand);
                self.settle_errand(errand, Err(error.into()));
            }
            Some(Task::Move(action)) => self.settle_move(&action, Err(error.into())),
            None => tracing::error!(error = chain(&error), "a task ended early"),
        }
    }

    /// Planned again at the next head; without one for long, planning is stuck.
    fn round_failed(&mut self, error: &JoinError) {
        (self.looking, self.failed) = (false, true);
        tracing::error!(error = chain(error), "planning failed");
    }

    fn take_round(&mut self, round: Round) {
        (self.looking, self.failed) = (false, false);
        self.report(&round);
        let wanted = round.moves.iter().map(|(_, action)| intent::intent(action)).collect();
        self.retries.keep(&wanted);
        if self.disputed.take_if(|intent| !wanted.contains(intent)).is_some() {
            self.watch.status.observe(|seen| seen.disputed = None);
        }
        // What failed and is still wanted was wished for again by this round.
        self.send_errands();
        self.errand_failures.keep(&self.errands.iter().map(name_of).collect());
        self.watch.errands.library.sweep();
        if !round.moves.iter().any(|(_, action)| matches!(action.need(), Need::Step(..))) {
            self.watch.errands.batches.no_proofs();
        }
        self.queue = round.moves.into();
        self.planned = Some(round.state);
    }

    fn report(&mut self, round: &Round) {
        let metrics = &self.watch.status.metrics;
        metrics.rounds.increment();
        metrics.false_attempts.set(count(round.verdicts.is_false.len()));
        metrics.false_unopposed.set(count(round.unopposed.len()));
        metrics.false_confirmed.set(count(round.verdicts.confirmed.len()));
        metrics.unjudged_attempts.set(count(round.verdicts.unknown.len()));
        metrics.moves_planned.set(count(round.moves.len()));
        for attempt in round.verdicts.is_false.difference(&self.announced) {
            let claim = round.state.l1.game.attempts.get(attempt);
            let owner = claim.map(|claim| claim.owner).unwrap_or_default();
            tracing::warn!(%attempt, %owner, "false claim");
        }
        self.announced.clone_from(&round.verdicts.is_false);
        self.watch.status.observe(|seen| {
            seen.planned = Instant::now();
            seen.balance = round.balance.or(seen.balance);
            seen.wanted = round.wanted;
            seen.confirmed.clone_from(&round.verdicts.confirmed);
            seen.unopposed = round.unopposed.iter().copied().collect();
            seen.see_unjudged(&round.verdicts.unjudged, Instant::now());
        });
        if let Some(balance) = round.balance {
            let gwei = balance.wrapping_div(alloy_primitives::U256::from(1_000_000_000u64));
            metrics.balance_gwei.set(gwei.saturating_to());
        }
    }

    fn settle_errand(&mut self, errand: Errand, result: Result<(), ErrandError>) {
        self.errands.remove(&errand);
        match result {
            Ok(()) => self.stale = true,
            // Wished for again by the round after the next head.
            Err(error) => {
                self.watch.status.metrics.errands_failed.increment();
                let times = self.errand_failures.failed(&name_of(&errand), Instant::now());
                tracing::error!(?errand, times, error = chain(&error), "errand failed");
            }
        }
    }

    fn settle_move(&mut self, action: &Action, result: Result<TransactionReceipt, MoveError>) {
        let intent = intent::intent(action);
        self.under_way.remove(&intent);
        let status = &self.watch.status;
        match result {
            Ok(receipt) => {
                status.metrics.moves_made.increment();
                let (transaction, gas) = (receipt.transaction_hash, receipt.gas_used);
                tracing::info!(intent, %transaction, gas, "move made");
                self.retries.done(&intent, receipt.block_number.unwrap_or_default());
            }
            // Its errand is under way and starts a round when it is done.
            Err(MoveError::NoHistoryYet(_)) => {}
            Err(error) => {
                status.metrics.moves_failed.increment();
                if let MoveError::Inputs(InputError::Disputed { expected, got }) = &error {
                    let what = format!("derived from {expected}, L1 says {got}");
                    status.observe(|seen| seen.disputed = Some(what));
                    self.disputed = Some(intent.clone());
                }
                let times = self.retries.failed(&intent, Instant::now());
                let error_text = chain(&error);
                // Somebody was faster, as a rule; what is still wanted comes again with the next head.
                if error.is_outdated() && times < 3 {
                    tracing::warn!(intent, times, error = error_text, "move out of date");
                } else {
                    tracing::error!(intent, times, error = error_text, "move failed");
                }
            }
        }
    }

    fn pulse(&mut self) {
        let newest = Arc::clone(&self.watch.states.borrow());
        let is_newest = |planned| Arc::ptr_eq(planned, &newest);
        // What follows L1 tells of a head first; what derives L2 must hand it on, whether there is a batch to derive or not.
        let up_to_date = !self.failed
            && self.planned.as_ref().is_some_and(is_newest)
            && self.watch.status.is_head(newest.l1.head.hash);
        let mut failing = self.retries.problems();
        failing.extend(self.errand_failures.problems());
        self.watch.status.observe(|seen| {
            if up_to_date {
                seen.planned = Instant::now();
            }
            seen.failing = failing;
        });
        self.watch.status.pulse();
        self.stale |= self.retries.is_due(Instant::now());
    }
}

/// One span for each game: all that is logged under it names the claim.
fn span(action: &Action, state: &NodeState, priority: Priority) -> tracing::Span {
    let game = &state.l1.game;
    let action_name = intent::key(action, game);
    let seconds_left = priority.time_left(game.now);
    match intent::attempt(action) {
        Some(attempt) => {
            tracing::info_span!("game", %attempt, action = action_name, seconds_left)
        }
        None => tracing::info_span!("game", action = action_name, seconds_left),
    }
}

fn name_of(errand: &Errand) -> String {
    format!("{errand:?}")
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
