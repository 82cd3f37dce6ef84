use revm::{
    context::{ContextError, ContextTr, Evm, FrameStack},
    handler::{
        EthFrame, EvmTr, FrameInitOrResult, FrameResult, ItemOrResult,
        evm::{ContextDbError, FrameInitResult},
        instructions::EthInstructions,
    },
    interpreter::{FrameInput, interpreter::EthInterpreter, interpreter_action::FrameInit},
};

use super::{collision, handler::Context, precompiles::BoundedPrecompiles};

pub(super) type Instructions<'a> = EthInstructions<EthInterpreter, Context<'a>>;
type Frame = EthFrame<EthInterpreter>;
type Eth<'a> = Evm<Context<'a>, (), Instructions<'a>, BoundedPrecompiles, Frame>;

/// revm's EVM for Ethereum, in which creations also collide with storage (EIP-7610).
pub(super) struct L2Evm<'a>(pub(super) Eth<'a>);

impl<'a> L2Evm<'a> {
    pub(super) fn new(context: Context<'a>) -> Self {
        let spec = context.cfg.spec;
        Self(Evm::new(
            context,
            EthInstructions::new_mainnet_with_spec(spec),
            BoundedPrecompiles::new(spec),
        ))
    }
}

impl<'a> EvmTr for L2Evm<'a> {
    type Context = Context<'a>;
    type Instructions = Instructions<'a>;
    type Precompiles = BoundedPrecompiles;
    type Frame = Frame;

    fn all(&self) -> (&Context<'a>, &Instructions<'a>, &BoundedPrecompiles, &FrameStack<Frame>) {
        self.0.all()
    }

    fn all_mut(
        &mut self,
    ) -> (&mut Context<'a>, &mut Instructions<'a>, &mut BoundedPrecompiles, &mut FrameStack<Frame>)
    {
        self.0.all_mut()
    }

    fn frame_init(
        &mut self,
        init: FrameInit,
    ) -> Result<FrameInitResult<'_, Frame>, ContextDbError<Context<'a>>> {
        if let FrameInput::Create(create) = &init.frame_input
            && let Some(collision) = collision::with_storage(&mut self.0.ctx, init.depth, create)?
        {
            return Ok(ItemOrResult::Result(FrameResult::Create(collision)));
        }
        self.0.frame_init(init)
    }

    /// A frame that goes on after a call can work straight on to its end: nobody else looks before all frames have.
    fn frame_run(&mut self) -> Result<FrameInitOrResult<Frame>, ContextDbError<Context<'a>>> {
        let frame = self.0.frame_stack.get();
        let (depth, left) = (frame.depth, frame.interpreter.gas.remaining());
        if let Some(bound) = self.0.ctx.db_mut().bound_mut() {
            bound.look(depth, left, 0).map_err(ContextError::Db)?;
        }
        self.0.frame_run()
    }

    fn frame_return_result(
        &mut self,
        result: FrameResult,
    ) -> Result<Option<FrameResult>, ContextDbError<Context<'a>>> {
        self.0.frame_return_result(result)
    }
}
