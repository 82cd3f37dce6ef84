//! What came of the daemon's duties: what fails, and which answers are due.

use std::{
    collections::{BTreeMap, HashSet},
    error::Error,
    sync::Arc,
    time::Instant,
};

use alloy_primitives::{Address, U256};
use parking_lot::Mutex;
use recourse_node::health::Health;
use recourse_protocol::{Attempt, AttemptId, AttemptStatus, Game};

use super::{Problem, Thresholds};

/// Reveals that are made and sent at once, at most; those with the nearest deadlines. Each holds a blob, and L1 takes few in a
/// block.
pub(crate) const REVEALS: usize = 16;

const MOVING: &str = "making a move";

/// What came of the daemon's duties. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Duties {
    node: Health,
    noted: Arc<Mutex<Noted>>,
}

#[derive(Debug, Default)]
struct Noted {
    /// As the newest L1 block shows it.
    game: Option<Arc<Game>>,
    /// Of the own account, in wei; none before it was first read.
    balance: Option<U256>,
    /// Since when what failed last has failed.
    tasks: BTreeMap<&'static str, Instant>,
    /// The same of moves, by name: the success of one says nothing of another.
    moves: BTreeMap<String, Instant>,
}

impl Duties {
    /// Failures are shown in the node's health, too.
    pub(crate) fn new(node: Health) -> Self {
        Self { node, noted: Arc::default() }
    }

    pub(crate) fn failed(&self, what: &'static str, error: &dyn Error) {
        self.node.failed(what, error);
        self.noted.lock().tasks.entry(what).or_insert_with(Instant::now);
    }

    pub(crate) fn succeeded(&self, what: &'static str) {
        self.node.succeeded(what);
        self.noted.lock().tasks.remove(what);
    }

    /// There is nothing to do of a kind: an older failure is no problem.
    pub(crate) fn rests(&self, what: &'static str) {
        self.noted.lock().tasks.remove(what);
    }

    /// What was asked for, if it was told.
    pub(crate) fn told<T, E: Error>(&self, what: &'static str, answer: Result<T, E>) -> Option<T> {
        match &answer {
            Ok(_) => self.succeeded(what),
            Err(error) => self.failed(what, error),
        }
        answer.ok()
    }

    pub(crate) fn move_failed(&self, name: &str, error: &dyn Error) {
        self.node.failed(MOVING, error);
        self.noted.lock().moves.entry(name.to_owned()).or_insert_with(Instant::now);
    }

    pub(crate) fn move_made(&self, name: &str) {
        self.node.succeeded(MOVING);
        self.noted.lock().moves.remove(name);
    }

    /// Forgets moves that nobody wants any more.
    pub(crate) fn keep(&self, wanted: &HashSet<String>) {
        self.noted.lock().moves.retain(|name, _| wanted.contains(name));
    }

    pub(crate) fn see(&self, game: Arc<Game>) {
        self.noted.lock().game = Some(game);
    }

    /// One that is not told leaves the last one standing.
    pub(crate) fn see_balance(&self, told: Option<U256>) {
        let mut noted = self.noted.lock();
        noted.balance = told.or(noted.balance);
    }

    pub(crate) fn balance(&self) -> Option<U256> {
        self.noted.lock().balance
    }

    /// What is wrong; nothing when healthy.
    pub(super) fn problems(&self, own: Address, limits: &Thresholds, now: Instant) -> Vec<Problem> {
        let noted = self.noted.lock();
        let tasks = noted.tasks.iter().map(|(what, since)| ((*what).to_owned(), *since));
        let moves = noted.moves.iter().map(|(name, since)| (name.clone(), *since));
        let late = |(what, since): (String, Instant)| {
            let age = now.saturating_duration_since(since);
            (age > limits.lag).then_some(Problem::Fails { what, seconds: age.as_secs() })
        };
        let mut problems: Vec<Problem> = tasks.chain(moves).filter_map(late).collect();
        let mut open = 0usize;
        if let Some(game) = &noted.game {
            let due = due(game, own);
            // What is too late is not answered any more.
            let in_time = due.iter().filter(|due| game.now <= due.deadline);
            open = in_time.map(|due| due.challenges).sum();
            problems.extend(due.iter().filter_map(|due| due.problem(game)));
        }
        let expected = limits.answer.saturating_mul(U256::from(open.clamp(1, REVEALS)));
        let too_low = noted.balance.filter(|got| *got < expected);
        problems.extend(too_low.map(|got| Problem::BalanceTooLow { expected, got }));
        problems
    }
}

/// The open challenges of an own attempt.
struct Due {
    attempt: AttemptId,
    challenges: usize,
    /// The first.
    deadline: u64,
    /// Whether the tip is past the end of the claim.
    passed: bool,
}

impl Due {
    fn problem(&self, game: &Game) -> Option<Problem> {
        let Self { attempt, challenges, deadline, passed } = *self;
        if game.now > deadline {
            // After that nothing waits for it.
            return (!passed).then_some(Problem::ClaimLapsed { attempt });
        }
        let seconds_left = deadline.saturating_sub(game.now);
        let is_late = seconds_left < game.periods.response_period / 2;
        is_late.then_some(Problem::RevealLate { attempt, challenges, seconds_left })
    }
}

/// The challenges that own attempts which may still confirm have to answer.
fn due(game: &Game, own: Address) -> Vec<Due> {
    let is_asked =
        |a: &Attempt| a.owner == own && a.status == AttemptStatus::Live && first(a).is_some();
    let asked: Vec<_> = game.attempts.iter().filter(|(_, a)| is_asked(a)).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let void = game.void();
    let tip = game.contents.get(&game.tip).map(|tip| tip.batch).unwrap_or_default();
    let due = |(id, attempt): (&AttemptId, &Attempt)| {
        let content = game.contents.get(&attempt.content)?;
        let is_over = content.confirmed || content.contradicted || void.contains(&attempt.content);
        let challenges = attempt.open_challenges().count();
        let (attempt, deadline, passed) = (*id, first(attempt)?, content.batch <= tip);
        (!is_over).then_some(Due { attempt, challenges, deadline, passed })
    };
    asked.into_iter().filter_map(due).collect()
}

fn first(attempt: &Attempt) -> Option<u64> {
    let challenges = attempt.open_challenges().filter_map(|(_, state)| state.challenge);
    challenges.map(|challenge| challenge.deadline).min()
}
