//! A thread at work on a block: one EVM for all transactions that it runs.

use std::{marker::PhantomData, mem};

use alloy_primitives::KECCAK256_EMPTY;
use revm::{
    context::{ContextSetters, ContextTr, JournalTr, TxEnv, result::EVMError},
    handler::Handler,
};

use super::{
    cells::{ADDED, WHOLE, account_words},
    machine::{FlatHandler, Machine},
    record::{Outcome, Record, Status, needs},
    run::Run,
    space::Failure,
    transfer::{self, Transfer},
    versions::WINDOW,
    view::View,
};

/// A thread at work.
pub(super) struct Worker<'a> {
    pub(super) run: &'a Run<'a>,
    machine: Machine<'a>,
    /// Those that waited for what ran last.
    pub(super) waiting: Vec<u32>,
    /// Gas that it ran.
    pub(super) gas: u64,
}

impl<'a> Worker<'a> {
    pub(super) fn new(run: &'a Run<'a>) -> Self {
        let view = View::new(run.scene());
        let machine = Machine::new(view, run.cfg, run.block, &run.idle);
        Self { run, machine, waiting: Vec::new(), gas: 0 }
    }

    /// Runs a transaction, and publishes what came of it. Those that waited for it are to be woken.
    pub(super) fn execute(&mut self, index: u32, cells: Option<(u32, u32)>) {
        let run = self.run;
        let Some((record, tx)) = run.record(index).zip(run.env(index)) else {
            return;
        };
        let outcome = self.outcome(index, tx, cells);
        self.gas = self.gas.saturating_add(outcome.gas(tx.gas_limit));
        let view = self.machine.view();
        view.work.outcome = Some(outcome);
        run.pause();
        let before = record.take();
        if let Some(before) = &before {
            run.space.take_back(index, before, &view.work);
        }
        // That of one that is committed by now.
        let free = index.checked_sub(WINDOW).and_then(|of| run.record(of)).and_then(Record::take);
        let free = free.or(before).unwrap_or_default();
        record.put(mem::replace(&mut view.work, free));
        record.set(Status::Done);
        record.release(&mut self.waiting);
    }

    fn outcome(&mut self, index: u32, tx: &'a TxEnv, cells: Option<(u32, u32)>) -> Outcome {
        self.machine.0.ctx.set_tx(tx);
        if let Some(outcome) = self.transfer(index, tx, cells) {
            return outcome;
        }
        self.machine.view().begin(index);
        let result = FlatHandler(PhantomData).run(&mut self.machine);
        let outcome = match result {
            Ok(result) => Outcome::Ran(result),
            Err(EVMError::Transaction(invalid)) => Outcome::Invalid(invalid),
            Err(EVMError::Database(failure)) => Outcome::Failed(failure),
            Err(other) => Outcome::Failed(Failure::Evm(other.to_string())),
        };
        self.needs(tx);
        let context = &mut self.machine.0.ctx;
        *context.error() = Ok(());
        let journal = &mut context.journaled_state;
        let mut state = mem::take(&mut journal.inner.state);
        self.run.pause();
        let published = match &outcome {
            Outcome::Ran(_) => journal.database.publish(&mut state),
            _ => Ok(()),
        };
        // The map's memory is used again.
        state.clear();
        let _ = journal.finalize();
        journal.inner.state = state;
        published.map_or_else(Outcome::Failed, |()| outcome)
    }

    /// Runs a plain transfer between accounts without code. None, and nothing is written, if it is none.
    fn transfer(&mut self, index: u32, tx: &TxEnv, cells: Option<(u32, u32)>) -> Option<Outcome> {
        let to = transfer::recipient(tx, &self.machine.0.precompiles)?;
        // What it is paid for transactions is added up at their ends, and then it counts what it has.
        if [tx.caller, to].contains(&self.run.block.beneficiary) {
            return None;
        }
        self.machine.view().begin(index);
        let handler = FlatHandler(PhantomData);
        let initial = handler
            .validate_env(&mut self.machine)
            .and_then(|()| handler.validate_initial_tx_gas(&mut self.machine));
        let initial = match initial {
            Ok(initial) => initial,
            Err(EVMError::Transaction(invalid)) => return Some(Outcome::Invalid(invalid)),
            Err(_) => return None,
        };
        let context = &mut self.machine.0.ctx;
        let view = &mut context.journaled_state.database;
        let cell = |address| view.scene.space.account_index(address).ok();
        let (from, to) = cells.or_else(|| cell(tx.caller).zip(cell(to)))?;
        let sender = view.read_cell(from).ok()?;
        view.need(from, needs::NONCE | needs::BALANCE);
        let Transfer { balance, gas, result } =
            match transfer::transfer(&*context, initial, &sender.info()) {
                Ok(transfer) => transfer?,
                Err(invalid) => return Some(Outcome::Invalid(invalid)),
            };
        let view = &mut context.journaled_state.database;
        if from != to && view.code_of(to).ok()? != KECCAK256_EMPTY {
            return None;
        }
        let balance = if from == to { balance } else { balance.checked_sub(tx.value)? };
        let nonce = sender.nonce.checked_add(1)?;
        let reward = transfer::reward(&*context, &gas);
        let view = &mut context.journaled_state.database;
        view.work.reward = reward;
        self.run.pause();
        let whole = account_words(nonce, balance, KECCAK256_EMPTY);
        let mut written = view.put_account(from, WHOLE, whole);
        if written.is_ok() && from != to && !tx.value.is_zero() {
            let added = account_words(0, tx.value, KECCAK256_EMPTY);
            written = view.put_account(to, ADDED, added);
        }
        Some(written.map_or_else(Outcome::Failed, |()| Outcome::Ran(result)))
    }

    /// What validation looked at.
    fn needs(&mut self, tx: &TxEnv) {
        let view = self.machine.view();
        view.need_of(tx.caller, needs::NONCE | needs::BALANCE);
        if !tx.authorization_list.is_empty() {
            // Whoever signed an authorization: its nonce too.
            for read in &mut view.work.accounts {
                read.needs |= needs::NONCE | needs::BALANCE;
            }
        }
    }
}
