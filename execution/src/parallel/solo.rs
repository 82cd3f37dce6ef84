//! One thread alone: one EVM, whose journal is kept from one transaction to the next. It does what revm does, and remembers
//! which slots were written.
//!
//! Where bytes of state are limited, each call has a journal of its own for as long as it runs, so that the database is asked
//! for all that it uses ([`super::uses`]). Plain transfers keep to any limit that is not too low for the highest tries, and are
//! not weighed.

use std::{marker::PhantomData, mem};

use alloy_primitives::{Address, KECCAK256_EMPTY};
use revm::{
    context::{
        BlockEnv, Cfg, CfgEnv, Context as RevmContext, ContextSetters, ContextTr, Evm, FrameStack,
        Journal, JournalTr, TransactionType, TxEnv,
        journaled_state::account::JournaledAccountTr,
        result::{EVMError, HaltReason},
    },
    handler::{
        EthFrame, EthPrecompiles, EvmTr, FrameInitOrResult, FrameResult, Handler, ItemOrResult,
        evm::{ContextDbError, FrameInitResult},
        instructions::EthInstructions,
        post_execution,
    },
    interpreter::{
        FrameInput, InitialAndFloorGas, interpreter::EthInterpreter, interpreter_action::FrameInit,
    },
    state::AccountInfo,
};

use super::{
    direct::Direct,
    job::{FlatBlock, FlatOutcome, FlatTx, TxEnd},
    space::Failure,
    transfer::{self, Transfer},
    weight::PLAIN,
};
use crate::evm::with_storage;

type Context<'a> = RevmContext<BlockEnv, &'a TxEnv, CfgEnv, Direct<'a>, Journal<Direct<'a>>, ()>;
type Instructions<'a> = EthInstructions<EthInterpreter, Context<'a>>;
type Frame = EthFrame<EthInterpreter>;

/// revm's EVM for Ethereum, in which creations also collide with storage (EIP-7610).
struct Machine<'a>(Evm<Context<'a>, (), Instructions<'a>, EthPrecompiles, Frame>);

/// Runs a block that it can run. Gives what came of it, and the gas that was run for nothing, at most: of a transaction that may
/// use too much, or failed, and of all if nothing stands.
pub(super) fn run(block: &FlatBlock<'_>) -> (Result<FlatOutcome, Failure>, u64) {
    let idle = TxEnv::default();
    Solo::new(block, &idle).run(block)
}

/// Whether a limit on bytes of state, if there is one, is one that plain transfers keep to in any state.
pub(super) fn can_run(block: &FlatBlock<'_>) -> bool {
    block.max_witness_bytes.is_none_or(|limit| limit >= PLAIN)
}

/// What became of a transaction.
enum End {
    Ended(TxEnd),
    /// It may use more bytes of state than it is allowed, which only the tries can tell: it did not happen.
    TooMuch {
        /// What was run for that.
        gas: u64,
    },
}

struct Solo<'a> {
    machine: Machine<'a>,
    /// Whether the journal holds changes.
    kept: bool,
}

impl<'a> Solo<'a> {
    fn new(block: &FlatBlock<'a>, idle: &'a TxEnv) -> Self {
        let spec = block.cfg.spec;
        let mut context = RevmContext {
            block: block.block.clone(),
            tx: idle,
            cfg: block.cfg.clone(),
            journaled_state: Journal::new(Direct::new(block)),
            chain: (),
            local: Default::default(),
            error: Ok(()),
        };
        context.journaled_state.set_spec_id(spec);
        let instructions = EthInstructions::new_mainnet_with_spec(spec);
        let machine = Machine(Evm::new(context, instructions, EthPrecompiles::new(spec)));
        Self { machine, kept: false }
    }

    fn run(mut self, block: &FlatBlock<'a>) -> (Result<FlatOutcome, Failure>, u64) {
        let mut available = block.available;
        let mut outcome = FlatOutcome::default();
        let mut wasted = 0;
        outcome.ends.reserve(block.transactions.len());
        for tx in block.transactions {
            match self.end(tx, available) {
                Ok(End::Ended(end)) => {
                    available = available.saturating_sub(end.gas_used());
                    outcome.ends.push(end);
                }
                // From here on the tries have to be asked.
                Ok(End::TooMuch { gas }) => {
                    wasted = gas;
                    break;
                }
                Err(failure) => {
                    let limit = tx.env().map_or(0, |env| env.gas_limit);
                    wasted = limit.min(block.cfg.tx_gas_limit_cap());
                    outcome.failure = Some(failure);
                    break;
                }
            }
        }
        let mut journal = self.machine.0.ctx.journaled_state;
        let state = journal.finalize();
        match journal.database.end(state) {
            Ok((changes, codes)) => (Ok(FlatOutcome { changes, codes, ..outcome }), wasted),
            Err(failure) => (Err(failure), wasted.saturating_add(outcome.gas())),
        }
    }

    fn end(&mut self, tx: &'a FlatTx, available: u64) -> Result<End, Failure> {
        if let Err(invalid) = tx.admit(available) {
            return Ok(End::Ended(TxEnd::NoOp(invalid)));
        }
        let Some(env) = tx.env() else {
            return Err(Failure::Stopped);
        };
        self.machine.0.ctx.set_tx(env);
        self.machine.0.ctx.db_mut().begin();
        if let Some(end) = self.transfer(env)? {
            self.kept |= matches!(end, TxEnd::Ran(_));
            return Ok(End::Ended(end));
        }
        // revm asks whether an authority exists by how its journal loaded it, which says nothing of earlier transactions.
        let is_limited = self.machine.0.ctx.db().is_limited();
        if !is_limited && env.tx_type == u8::from(TransactionType::Eip7702) {
            self.flush()?;
        }
        let Journal { database, inner } = &mut self.machine.0.ctx.journaled_state;
        database.begin_call(&mut inner.state)?;
        let end = self.call();
        let Journal { database, inner } = &mut self.machine.0.ctx.journaled_state;
        database.end_call(&mut inner.state);
        end
    }

    /// Runs a transaction that is no plain transfer.
    fn call(&mut self) -> Result<End, Failure> {
        // What fails, revm has undone.
        let result = SoloHandler::default().run(&mut self.machine);
        *self.machine.0.ctx.error() = Ok(());
        let result = match result {
            Ok(result) => result,
            Err(EVMError::Transaction(invalid)) => {
                return Ok(End::Ended(TxEnd::NoOp(invalid.into())));
            }
            Err(EVMError::Database(failure)) => return Err(failure),
            Err(other) => return Err(Failure::Evm(other.to_string())),
        };
        let Journal { database, inner } = &mut self.machine.0.ctx.journaled_state;
        if !database.settle(&mut inner.state)? {
            return Ok(End::TooMuch { gas: result.gas().total_gas_spent() });
        }
        self.kept = true;
        Ok(End::Ended(TxEnd::Ran(result)))
    }

    /// Runs a plain transfer between accounts without code. None, and nothing is changed, if it is none.
    fn transfer(&mut self, tx: &TxEnv) -> Result<Option<TxEnd>, Failure> {
        let Some(to) = transfer::recipient(tx, &self.machine.0.precompiles) else {
            return Ok(None);
        };
        let handler = SoloHandler::default();
        let initial = handler
            .validate_env(&mut self.machine)
            .and_then(|()| handler.validate_initial_tx_gas(&mut self.machine));
        let paid = match initial {
            Ok(initial) => pay(&mut self.machine.0.ctx, initial, to),
            Err(EVMError::Transaction(invalid)) => Ok(Some(TxEnd::NoOp(invalid.into()))),
            Err(_) => Ok(None),
        };
        let journal = &mut self.machine.0.ctx.journaled_state;
        match &paid {
            Ok(Some(TxEnd::Ran(_))) => journal.commit_tx(),
            _ => journal.discard_tx(),
        }
        if matches!(&paid, Ok(Some(TxEnd::Ran(_)))) {
            journal.database.moved([tx.caller, to], &journal.inner.state);
        }
        paid
    }

    /// Takes out of the journal what it kept.
    fn flush(&mut self) -> Result<(), Failure> {
        if !mem::take(&mut self.kept) {
            return Ok(());
        }
        let journal = &mut self.machine.0.ctx.journaled_state;
        let mut state = journal.finalize();
        journal.database.take(&mut state)?;
        // The map's memory is used again.
        journal.inner.state = state;
        Ok(())
    }
}

/// Moves what a plain transfer moves. If it did not run, what it did is to be discarded.
fn pay(
    context: &mut Context<'_>,
    initial: InitialAndFloorGas,
    to: Address,
) -> Result<Option<TxEnd>, Failure> {
    let (caller, value) = (context.tx.caller, context.tx.value);
    let AccountInfo { balance, nonce, code_hash, .. } =
        context.journaled_state.load_account(caller)?.data.info;
    let sender = AccountInfo { balance, nonce, code_hash, code: None, account_id: None };
    let Transfer { balance, gas, result } = match transfer::transfer(context, initial, &sender) {
        Ok(Some(transfer)) => transfer,
        Ok(None) => return Ok(None),
        Err(invalid) => return Ok(Some(TxEnd::NoOp(invalid.into()))),
    };
    let paid = if caller == to { Some(balance) } else { balance.checked_sub(value) };
    let mut recipient = context.journaled_state.load_account_mut(to)?.data;
    let (Some(paid), true) = (paid, *recipient.code_hash() == KECCAK256_EMPTY) else {
        return Ok(None);
    };
    // Adding nothing touches it too, as a transfer does.
    if caller != to && !recipient.incr_balance(value) {
        return Ok(None);
    }
    let mut sender = context.journaled_state.load_account_mut(caller)?.data;
    sender.set_balance(paid);
    sender.bump_nonce();
    post_execution::reward_beneficiary(context, &gas)?;
    Ok(Some(TxEnd::Ran(result)))
}

impl<'a> EvmTr for Machine<'a> {
    type Context = Context<'a>;
    type Instructions = Instructions<'a>;
    type Precompiles = EthPrecompiles;
    type Frame = Frame;

    #[inline]
    fn all(&self) -> (&Context<'a>, &Instructions<'a>, &EthPrecompiles, &FrameStack<Frame>) {
        self.0.all()
    }

    #[inline]
    fn all_mut(
        &mut self,
    ) -> (&mut Context<'a>, &mut Instructions<'a>, &mut EthPrecompiles, &mut FrameStack<Frame>)
    {
        self.0.all_mut()
    }

    #[inline]
    fn frame_init(
        &mut self,
        init: FrameInit,
    ) -> Result<FrameInitResult<'_, Frame>, ContextDbError<Context<'a>>> {
        if let FrameInput::Create(create) = &init.frame_input
            && let Some(collision) = with_storage(&mut self.0.ctx, init.depth, create)?
        {
            return Ok(ItemOrResult::Result(FrameResult::Create(collision)));
        }
        self.0.frame_init(init)
    }

    #[inline]
    fn frame_run(&mut self) -> Result<FrameInitOrResult<Frame>, ContextDbError<Context<'a>>> {
        self.0.frame_run()
    }

    #[inline]
    fn frame_return_result(
        &mut self,
        result: FrameResult,
    ) -> Result<Option<FrameResult>, ContextDbError<Context<'a>>> {
        self.0.frame_return_result(result)
    }
}

/// Ethereum's handler, which remembers what the transaction changed when all of it is done.
#[derive(Default)]
struct SoloHandler<'a>(PhantomData<Machine<'a>>);

impl<'a> Handler for SoloHandler<'a> {
    type Evm = Machine<'a>;
    type Error = EVMError<Failure>;
    type HaltReason = HaltReason;

    #[inline]
    fn reward_beneficiary(
        &self,
        evm: &mut Self::Evm,
        result: &mut FrameResult,
    ) -> Result<(), Self::Error> {
        post_execution::reward_beneficiary(&mut evm.0.ctx, result.gas())?;
        let Journal { database, inner } = &mut evm.0.ctx.journaled_state;
        database.note(&inner.journal);
        Ok(())
    }
}
