//! The kinds of fraud.

use alloy_primitives::{B256, U256, keccak256};
use clap::ValueEnum;
use recourse_protocol::{Checkpoint, Rule, Transact, TransactionSource, ViewIndex, fold_digest};

use super::history::{FalseHistory, Position};

/// What a cheat lies about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Lie {
    /// A transfer ends at another state root.
    WrongStateRoot,
    /// A transaction used another amount of gas.
    WrongGas,
    /// A valid transaction of the tape is passed over.
    SkippedTransaction,
    /// An invalid transaction ran.
    InvalidExecuted,
    /// A block opens with another base fee.
    WrongBaseFee,
    /// A block opens with another timestamp.
    WrongTimestamp,
    /// A block opens with another view of L1.
    WrongView,
    /// A block is sealed under another hash.
    WrongSeal,
    /// The batch ends with another count of deposits.
    WrongBatchEnd,
    /// The true end, but one step early.
    TooFewSteps,
    /// The true end, then two steps more.
    TooManySteps,
    /// A false claim whose owner never reveals.
    Silent,
    /// A false claim that is answered with noise between the right ends.
    Garbage,
    /// No lie at all, but an owner who never answers.
    Vanished,
}

impl core::fmt::Display for Lie {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

impl Lie {
    /// Whether its owner answers challenges.
    #[must_use]
    pub const fn reveals(self) -> bool {
        !matches!(self, Self::Silent | Self::Vanished)
    }

    /// The false history, if the true one has a step to lie about.
    #[must_use]
    pub fn tell(self, truth: &[Position]) -> Option<FalseHistory> {
        match self {
            Self::TooFewSteps => FalseHistory::without_one(truth),
            Self::TooManySteps => FalseHistory::going_on(truth),
            Self::Vanished => FalseHistory::of(truth.iter().map(|p| p.checkpoint).collect()),
            Self::Garbage => Some(self.tell_from_a_step(truth)?.noisy()),
            _ => self.tell_from_a_step(truth),
        }
    }

    /// The lie begins with one step; what it changed stays changed to the end.
    fn tell_from_a_step(self, truth: &[Position]) -> Option<FalseHistory> {
        let at = truth.iter().position(|position| self.applies(position))?;
        let first = at.checked_add(1)?;
        let checkpoints = truth.iter().enumerate().map(|(index, position)| {
            let mut checkpoint = position.checkpoint;
            if index == first {
                if let Some(before) = truth.get(at) {
                    self.begin(before, &mut checkpoint);
                }
            } else if index > first {
                self.carry_on(&mut checkpoint);
            }
            checkpoint
        });
        FalseHistory::of(checkpoints.collect())
    }

    fn applies(self, position: &Position) -> bool {
        let Some((rule, gas_used)) = &position.taken else { return false };
        match (self, rule) {
            (Self::WrongStateRoot | Self::Silent | Self::Garbage, Rule::Transact(_)) => {
                *gas_used == 21_000
            }
            (Self::WrongGas, Rule::Transact(_)) => *gas_used > 0,
            (Self::SkippedTransaction, Rule::Transact(tx)) => {
                *gas_used > 0 && tx.source == TransactionSource::Tape
            }
            (Self::InvalidExecuted, Rule::Transact(_)) => *gas_used == 0,
            (Self::WrongBaseFee | Self::WrongTimestamp | Self::WrongView, Rule::Open(_))
            | (Self::WrongSeal, Rule::Seal(_))
            | (Self::WrongBatchEnd, Rule::Close) => true,
            _ => false,
        }
    }

    /// The first false checkpoint; `post` is the true one.
    fn begin(self, before: &Position, post: &mut Checkpoint) {
        let Some((rule, _)) = &before.taken else { return };
        match (self, rule) {
            (Self::SkippedTransaction, _) => {
                *post = Checkpoint { offset: post.offset, ..before.checkpoint };
            }
            (Self::InvalidExecuted, Rule::Transact(tx)) => run_anyway(tx, post),
            _ => self.carry_on(post),
        }
    }

    /// What stays false.
    fn carry_on(self, checkpoint: &mut Checkpoint) {
        match self {
            Self::WrongGas => checkpoint.gas_used = checkpoint.gas_used.wrapping_add(1),
            Self::WrongBaseFee => {
                checkpoint.base_fee = checkpoint.base_fee.wrapping_add(U256::ONE);
            }
            Self::WrongTimestamp => checkpoint.timestamp = checkpoint.timestamp.wrapping_add(1),
            Self::WrongView => checkpoint.view = ViewIndex(checkpoint.view.0.wrapping_add(1)),
            Self::WrongSeal => checkpoint.parent_hash = keccak256(checkpoint.parent_hash),
            Self::WrongBatchEnd => {
                checkpoint.deposits_done = checkpoint.deposits_done.wrapping_add(1);
            }
            _ => checkpoint.state_root = keccak256(checkpoint.state_root),
        }
    }
}

/// As if an invalid transaction had been a transfer.
fn run_anyway(tx: &Transact, post: &mut Checkpoint) {
    post.gas_used = post.gas_used.wrapping_add(21_000);
    post.tx_digest = fold_digest(post.tx_digest, keccak256(&tx.raw));
    post.receipt_digest = fold_digest(post.receipt_digest, B256::repeat_byte(1));
    post.state_root = keccak256(post.state_root);
}
