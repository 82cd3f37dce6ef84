//! revm on top of a [`View`]: what it takes from accounts is noted, and fees wait for the end.

use std::marker::PhantomData;

use alloy_primitives::Address;
use revm::{
    bytecode::opcode as op,
    context::{
        Block, BlockEnv, CfgEnv, Context as RevmContext, ContextTr, Evm, FrameStack, Journal,
        JournalTr, TxEnv,
        result::{EVMError, HaltReason},
    },
    handler::{
        EthFrame, EthPrecompiles, EvmTr, FrameInitOrResult, FrameResult, Handler, ItemOrResult,
        evm::{ContextDbError, FrameInitResult},
        instructions::EthInstructions,
        post_execution,
    },
    interpreter::{
        FrameInput, Instruction, InstructionContext, InstructionExecResult, instruction_table,
        interpreter::EthInterpreter, interpreter_action::FrameInit, interpreter_types::InputsTr,
    },
    primitives::hardfork::SpecId,
};

use super::{record::needs, space::Failure, transfer, view::View};
use crate::evm::with_storage;

pub(super) type Context<'a> =
    RevmContext<BlockEnv, &'a TxEnv, CfgEnv, View<'a>, Journal<View<'a>>, ()>;
type Instructions<'a> = EthInstructions<EthInterpreter, Context<'a>>;
type Frame = EthFrame<EthInterpreter>;

pub(super) struct Machine<'a>(
    pub(super) Evm<Context<'a>, (), Instructions<'a>, EthPrecompiles, Frame>,
);

impl<'a> Machine<'a> {
    pub(super) fn new(view: View<'a>, cfg: &CfgEnv, block: &BlockEnv, tx: &'a TxEnv) -> Self {
        let spec = cfg.spec;
        let mut context = RevmContext {
            block: block.clone(),
            tx,
            cfg: cfg.clone(),
            journaled_state: Journal::new(view),
            chain: (),
            local: Default::default(),
            error: Ok(()),
        };
        context.journaled_state.set_spec_id(spec);
        Self(Evm::new(context, instructions(spec), EthPrecompiles::new(spec)))
    }

    pub(super) fn view(&mut self) -> &mut View<'a> {
        &mut self.0.ctx.journaled_state.database
    }
}

/// Ethereum's instructions, of which those that look at balances say so.
fn instructions<'a>(spec: SpecId) -> Instructions<'a> {
    let mut table = EthInstructions::new_mainnet_with_spec(spec);
    insert::<{ op::BALANCE }>(&mut table, Instruction::new(balance));
    insert::<{ op::SELFBALANCE }>(&mut table, Instruction::new(self_balance));
    insert::<{ op::SELFDESTRUCT }>(&mut table, Instruction::new(self_destruct));
    table
}

fn insert<'a, const OP: u8>(
    table: &mut Instructions<'a>,
    instruction: Instruction<EthInterpreter, Context<'a>>,
) {
    let gas = table.gas_table().get(usize::from(OP)).copied().unwrap_or_default();
    table.insert_instruction(OP, instruction, gas);
}

type Step<'c, 'a> = InstructionContext<'c, Context<'a>, EthInterpreter>;

#[expect(clippy::indexing_slicing, reason = "a table of 256 by a byte")]
fn base<'a, const OP: u8>() -> Instruction<EthInterpreter, Context<'a>> {
    instruction_table::<EthInterpreter, Context<'a>>()[OP as usize]
}

fn balance<'a>(step: Step<'_, 'a>) -> InstructionExecResult {
    let Step { interpreter, host } = step;
    let of = interpreter.stack.data().last().copied();
    let done = base::<{ op::BALANCE }>().execute(Step { interpreter, host: &mut *host });
    if let Some(of) = of {
        host.db_mut().need_of(Address::from_word(of.into()), needs::BALANCE);
    }
    done
}

fn self_balance<'a>(step: Step<'_, 'a>) -> InstructionExecResult {
    let Step { interpreter, host } = step;
    host.db_mut().need_of(interpreter.input.target_address(), needs::BALANCE);
    base::<{ op::SELFBALANCE }>().execute(Step { interpreter, host })
}

fn self_destruct<'a>(step: Step<'_, 'a>) -> InstructionExecResult {
    let Step { interpreter, host } = step;
    host.db_mut().need_of(interpreter.input.target_address(), needs::BALANCE);
    base::<{ op::SELFDESTRUCT }>().execute(Step { interpreter, host })
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
        match &init.frame_input {
            FrameInput::Create(create) => {
                let mut what = needs::NONCE;
                if !create.value().is_zero() {
                    what |= needs::BALANCE;
                }
                self.0.ctx.db_mut().need_of(create.caller(), what);
                if let Some(collision) = with_storage(&mut self.0.ctx, init.depth, create)? {
                    return Ok(ItemOrResult::Result(FrameResult::Create(collision)));
                }
            }
            // Whether it has the value.
            FrameInput::Call(call)
                if call.value.transfer().is_some_and(|value| !value.is_zero()) =>
            {
                let payer = call.caller;
                self.0.ctx.db_mut().need_of(payer, needs::BALANCE);
            }
            _ => {}
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

pub(super) type Error = EVMError<Failure>;

/// Ethereum's handler, which leaves the fee to the end unless the transaction loaded its recipient anyway.
pub(super) struct FlatHandler<'a>(pub(super) PhantomData<Machine<'a>>);

impl<'a> Handler for FlatHandler<'a> {
    type Evm = Machine<'a>;
    type Error = Error;
    type HaltReason = HaltReason;

    #[inline]
    fn reward_beneficiary(
        &self,
        evm: &mut Self::Evm,
        result: &mut FrameResult,
    ) -> Result<(), Error> {
        let context = &mut evm.0.ctx;
        let beneficiary = context.block.beneficiary();
        if context.journaled_state.inner.state.contains_key(&beneficiary) {
            return Ok(post_execution::reward_beneficiary(context, result.gas())?);
        }
        let reward = transfer::reward(context, result.gas());
        context.journaled_state.database.work.reward = reward;
        Ok(())
    }
}
