//! One thread alone: one EVM, whose journal is kept from one transaction to the next. No versions, no validation.

use std::{mem, sync::atomic::Ordering};

use revm::{
    context::{ContextSetters, ContextTr, JournalTr, TransactionType, result::EVMError},
    handler::Handler,
    state::EvmState,
};

use super::{
    commit::Committer,
    job::{FlatTx, TxEnd},
    machine::{FlatHandler, Machine},
    run::Run,
    space::Failure,
    view::View,
};

/// One thread that runs a block, or the rest of one, alone.
pub(super) struct Solo<'a> {
    run: &'a Run<'a>,
    machine: Machine<'a>,
    /// Whether the journal holds anything that the space does not have.
    kept: bool,
}

impl<'a> Solo<'a> {
    pub(super) fn new(run: &'a Run<'a>) -> Self {
        let machine = Machine::new(View::new(run.scene()), run.cfg, run.block, &run.idle);
        Self { run, machine, kept: false }
    }

    /// Runs all transactions from the first one that is not committed.
    pub(super) fn work(&mut self, committer: &mut Committer) -> Result<(), Failure> {
        let first = self.run.space.floor.load(Ordering::Acquire);
        self.machine.view().begin(first);
        for (index, tx) in (0_u32..).zip(self.run.txs).skip(usize::try_from(first).unwrap_or(0)) {
            let end = self.end(index, tx, committer)?;
            committer.available = committer.available.saturating_sub(end.gas_used());
            committer.credit.earn(end.gas_used());
            self.run.gas.fetch_add(end.gas(), Ordering::Relaxed);
            committer.ends.push(end);
        }
        self.flush(self.run.len(), committer)
    }

    fn end(
        &mut self,
        index: u32,
        tx: &'a FlatTx,
        committer: &mut Committer,
    ) -> Result<TxEnd, Failure> {
        if let Err(invalid) = tx.admit(committer.available) {
            return Ok(TxEnd::NoOp(invalid));
        }
        let Some(env) = tx.env() else {
            return Err(Failure::Stopped);
        };
        // revm asks whether an authority exists by how its journal loaded it, which says nothing of earlier transactions.
        if env.tx_type == u8::from(TransactionType::Eip7702) {
            self.flush(index, committer)?;
        }
        self.machine.0.ctx.set_tx(env);
        let result = FlatHandler { keeps: true, ..FlatHandler::default() }.run(&mut self.machine);
        let destructed = mem::take(&mut self.machine.view().destructed);
        let context = &mut self.machine.0.ctx;
        *context.error() = Ok(());
        let end = match result {
            Ok(result) => {
                context.journaled_state.commit_tx();
                TxEnd::Ran(result)
            }
            // revm has undone it.
            Err(EVMError::Transaction(invalid)) => return Ok(TxEnd::NoOp(invalid.into())),
            Err(EVMError::Database(failure)) => return Err(failure),
            Err(other) => return Err(Failure::Evm(other.to_string())),
        };
        self.kept = true;
        // An account that ended is another one when it comes back.
        if destructed {
            self.flush(index.saturating_add(1), committer)?;
        }
        Ok(end)
    }

    /// Writes what the journal kept as the work of the transaction before `next`, and begins anew.
    fn flush(&mut self, next: u32, committer: &mut Committer) -> Result<(), Failure> {
        if !mem::take(&mut self.kept) {
            return Ok(());
        }
        let last = next.saturating_sub(1);
        let journal = &mut self.machine.0.ctx.journaled_state;
        let mut state: EvmState = journal.finalize();
        journal.database.tx = last;
        journal.database.publish(&mut state, true)?;
        let run = self.run;
        run.settle(last, &journal.database.work)?;
        committer.codes.append(&mut journal.database.work.codes);
        run.space.floor.store(next, Ordering::Release);
        journal.database.begin(next);
        journal.inner.state = state;
        Ok(())
    }
}
