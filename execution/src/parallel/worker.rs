//! A thread at work on a block: one EVM for all transactions that it runs.

use std::{marker::PhantomData, mem};

use revm::{
    context::{ContextSetters, ContextTr, JournalTr, TxEnv, result::EVMError},
    handler::Handler,
};

use super::{
    machine::{FlatHandler, Machine},
    record::{Outcome, Status, needs},
    run::Run,
    space::Failure,
    view::View,
};

/// A thread at work.
pub(super) struct Worker<'a> {
    pub(super) run: &'a Run<'a>,
    machine: Machine<'a>,
    /// Those that waited for what ran last.
    waiting: Vec<u32>,
    /// Gas that it ran.
    pub(super) gas: u64,
}

impl<'a> Worker<'a> {
    pub(super) fn new(run: &'a Run<'a>) -> Self {
        let view = View::new(run.scene());
        let machine = Machine::new(view, run.cfg, run.block, &run.idle);
        Self { run, machine, waiting: Vec::new(), gas: 0 }
    }

    /// Runs a transaction, and publishes what came of it.
    pub(super) fn execute(&mut self, index: u32) {
        let run = self.run;
        let Some((record, tx)) = run.record(index).zip(run.env(index)) else {
            return;
        };
        let outcome = self.outcome(index, tx);
        self.gas = self.gas.saturating_add(outcome.gas(tx.gas_limit));
        let view = self.machine.view();
        view.work.outcome = Some(outcome);
        run.pause();
        {
            let mut work = record.work();
            run.space.take_back(index, &work, &view.work);
            mem::swap(&mut *work, &mut view.work);
        }
        record.set(Status::Done);
        record.release(&mut self.waiting);
        run.wake(&mut self.waiting);
    }

    fn outcome(&mut self, index: u32, tx: &'a TxEnv) -> Outcome {
        self.machine.view().begin(index);
        self.machine.0.ctx.set_tx(tx);
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
