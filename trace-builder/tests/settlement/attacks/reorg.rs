//! L1 goes to another branch in the middle of a game. Moves name hashes, so that one that was signed on the old branch either
//! means the same on the new one, or fails.

use alloy_eips::eip4844::Blob;
use alloy_primitives::{B256, U256};
use alloy_sol_types::{SolCall, SolError};
use recourse_bisection::Action;
use recourse_protocol::{
    AttemptId,
    bindings::IRollup::{self, NotChallenged, UnknownAttempt, WrongBatchHash},
};

use crate::{
    arena::{Arena, LIAR, PROPOSER, WATCHTOWER},
    fraud::{false_end, lie_from},
    l2::{Chain, PERIODS, SINK},
};

fn challenge(arena: &mut Arena, attempt: AttemptId) {
    let call = IRollup::challengeClaimCall { attempt: attempt.0 };
    arena.send(LIAR, call.abi_encode(), arena.game.limits.challenge_bond, &[]).unwrap();
}

fn only(arena: &Arena) -> AttemptId {
    let mut all = arena.game.attempts.keys();
    let id = *all.next().unwrap();
    assert!(all.next().is_none());
    id
}

/// The challenge is on a branch that dies, the answer is in the pool. There it is refused and costs a transaction; when the
/// challenge comes again, at another time, the very same answer is good.
#[test]
fn a_reorg_takes_the_challenge_away_before_its_answer() {
    let mut before = Arena::new(4095);
    before.honest(PROPOSER);
    let claim = only(&before);
    let mut old = before.clone();
    old.wait(12);
    challenge(&mut old, claim);
    let actions = old.next(PROPOSER);
    let answer = actions.iter().find(|action| matches!(action, Action::Reveal { .. })).unwrap();
    let answer = old.call_for(PROPOSER, answer);

    let mut new = before;
    new.wait(24);
    let why = new.send(PROPOSER, answer.data.clone(), U256::ZERO, &answer.blobs).unwrap_err();
    NotChallenged::abi_decode(&why).unwrap();
    new.wait(PERIODS.challenge_window / 2);
    challenge(&mut new, claim);
    new.send(PROPOSER, answer.data, U256::ZERO, &answer.blobs).unwrap();
    new.run(&[PROPOSER], &[], PERIODS.challenge_window + PERIODS.response_period);
    assert_eq!(new.tip_batch(), 3);
}

/// The batch is another one on the new branch. Claims, challenges and proofs of the old one find nothing there.
#[test]
fn a_reorg_puts_another_batch_under_a_claim() {
    let base = Arena::new(4095);
    let branch = |last: u8| {
        let mut arena = base.clone();
        let mut blob = Box::new(Blob::ZERO);
        blob[31] = last;
        arena.l1.append(SINK, 1, &[blob]);
        arena.wait(12);
        let start = arena.chain.start.clone();
        arena.chain = Chain::at(start.checkpoint, start.state).derive(&arena.l1, 4);
        arena
    };
    let (mut old, mut new) = (branch(0), branch(1));
    let claim = old.next(PROPOSER);
    let [action @ Action::Propose { .. }] = &claim[..] else { panic!("{claim:?}") };
    let claim = old.call_for(PROPOSER, action);
    let why = new.send(PROPOSER, claim.data, claim.value, &claim.blobs).unwrap_err();
    let refusal = WrongBatchHash::abi_decode(&why).unwrap();
    assert_eq!(refusal.batch, 4);
    assert_ne!(refusal.expected, refusal.got);

    // A lie about batch 4 on the old branch, and the watchtower's fraud proof of it.
    let (tip, end) = (old.game.tip, false_end(&old, 4));
    let steps = old.steps(0, 4);
    let lie = old.lie(tip, 4, end, (steps, 6), true);
    let moves = old.next(WATCHTOWER);
    let kill = moves.iter().find(|action| matches!(action, Action::ProveFraudGap { .. })).unwrap();
    let kill = old.call_for(WATCHTOWER, kill);
    // The same liar makes a claim of batch 4 on the new branch, with the same nonce.
    let end = false_end(&new, 4);
    let other = new.lie(tip, 4, end, (steps, 6), true);
    assert_ne!(other.attempt, lie.attempt);
    let why = new.send(WATCHTOWER, kill.data, U256::ZERO, &[]).unwrap_err();
    assert_eq!(UnknownAttempt::abi_decode(&why).unwrap().attempt, lie.attempt.0);
    // The watchtower looks at L1 again, and that is all it needs.
    new.honest(WATCHTOWER);
    assert!(new.is_dead(other.attempt));
}

/// Two claims of one owner come in another order on the new branch, so that by number the challenge of the false one would hit
/// the true one. By hash it hits nothing.
#[test]
fn a_reorg_turns_a_challenge_against_the_truth() {
    let base = Arena::new(4095);
    let truth = |arena: &mut Arena| {
        let (tip, end, steps) = (arena.game.tip, arena.end(1), arena.steps(0, 1));
        arena.lie(tip, 1, end, (steps, steps), false).attempt
    };
    let mut old = base.clone();
    let lie = lie_from(&mut old, 5, false).attempt;
    truth(&mut old);
    let mut new = base;
    let true_claim = truth(&mut new);
    let same_lie = lie_from(&mut new, 5, false).attempt;
    assert_ne!(lie, same_lie, "its nonce is another");
    let call = IRollup::challengeClaimCall { attempt: lie.0 }.abi_encode();
    let bond = new.game.limits.challenge_bond;
    let why = new.send(WATCHTOWER, call, bond, &[]).unwrap_err();
    assert_eq!(UnknownAttempt::abi_decode(&why).unwrap().attempt, lie.0);
    let untouched = new.view(&IRollup::attemptOfCall { attempt: true_claim.0 });
    assert_eq!((untouched.openChallenges, untouched.challengeBonds), (0, 0));
    assert_eq!(contents(&old, lie), contents(&new, same_lie), "one content, whatever the branch");
}

fn contents(arena: &Arena, attempt: AttemptId) -> B256 {
    arena.game.attempts[&attempt].content.0
}
