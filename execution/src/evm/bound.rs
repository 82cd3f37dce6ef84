use revm::{
    Inspector,
    bytecode::opcode::KECCAK256,
    context::ContextTr,
    handler::FrameResult,
    interpreter::{
        FrameInput, InstructionResult, Interpreter, interpreter::EthInterpreter,
        interpreter_types::Jumps,
    },
};

use super::handler::Context;
use crate::error::StateError;

/// Gas of one word hashed by `KECCAK256`.
const KECCAK_WORD_GAS: u64 = 6;
/// Gas limit of a transaction above which [`GasBound`] refuses it: one instruction could expand memory for all of it, here
/// 47 MB at most, before it is stopped. From EIP-7825 on no transaction comes near; before it a hostile trace could ask for
/// terabytes.
const MOST_GAS_LIMIT: u64 = 1 << 32;

/// Holds a transaction to an amount of gross gas (gas before refunds) without changing what it sees.
///
/// Gross gas spent is the gas limit less what is left in all open frames. `KECCAK256` and precompiles, whose work can be
/// large in one instruction, are stopped before they work; everything else after one instruction, whose work beyond its
/// constant cost is at most an expansion of memory that the transaction's gas limit pays for.
#[derive(Clone, Debug)]
pub(crate) struct GasBound {
    /// The transaction's gas limit.
    limit: u64,
    /// Gross gas allowed.
    allowed: u64,
    /// What must be left, over all frames: the gas limit less `allowed`.
    floor: u64,
    /// Gas left in each open frame.
    frames: Vec<u64>,
    /// The sum of `frames`.
    left: u64,
    broken: bool,
}

impl GasBound {
    pub(crate) fn new(gas_limit: u64, allowed: u64) -> Self {
        Self {
            limit: gas_limit,
            allowed,
            floor: gas_limit.saturating_sub(allowed),
            frames: Vec::new(),
            left: 0,
            broken: false,
        }
    }

    /// Why execution was stopped, if it was: the bound was passed.
    pub(crate) fn broken(&self) -> Option<StateError> {
        self.broken.then(|| self.passed(self.spent()))
    }

    pub(crate) fn break_now(&mut self) {
        self.broken = true;
    }

    /// Refuses gas that a transaction spends before its first frame, and gas limits that buy memory without bound.
    pub(crate) fn admit_intrinsic(&mut self, gas: u64) -> Result<(), StateError> {
        if gas > self.allowed || self.limit > MOST_GAS_LIMIT {
            self.broken = true;
            return Err(self.passed(0));
        }
        Ok(())
    }

    fn passed(&self, spent: u64) -> StateError {
        StateError::GasBound { allowed: self.allowed, spent }
    }

    fn spent(&self) -> u64 {
        self.limit.saturating_sub(self.left)
    }

    /// Gas that may still be spent.
    pub(crate) fn allowance(&self) -> u64 {
        self.left.saturating_sub(self.floor)
    }

    fn open(&mut self, gas: u64) {
        self.frames.push(gas);
        self.left = self.left.saturating_add(gas);
    }

    fn close(&mut self) {
        let gas = self.frames.pop().unwrap_or_default();
        self.left = self.left.saturating_sub(gas);
    }

    fn set(&mut self, gas: u64) {
        if let Some(top) = self.frames.last_mut() {
            self.left = self.left.saturating_sub(*top).saturating_add(gas);
            *top = gas;
        }
    }
}

/// Reports the gas left to the [`GasBound`] of the database, and stops execution where that is passed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BoundInspector;

impl<'a> Inspector<Context<'a>> for BoundInspector {
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, context: &mut Context<'a>) {
        let Some(bound) = context.db_mut().bound_mut() else {
            return;
        };
        bound.set(interpreter.gas.remaining());
        if bound.left >= bound.floor && next_work(interpreter) <= bound.allowance() {
            return;
        }
        bound.broken = true;
        let passed = bound.passed(bound.spent());
        *context.error() = Err(passed.into());
        interpreter.halt(InstructionResult::FatalExternalError);
    }

    fn step_end(
        &mut self,
        interpreter: &mut Interpreter<EthInterpreter>,
        context: &mut Context<'a>,
    ) {
        if let Some(bound) = context.db_mut().bound_mut() {
            bound.set(interpreter.gas.remaining());
        }
    }

    fn frame_start(
        &mut self,
        context: &mut Context<'a>,
        input: &mut FrameInput,
    ) -> Option<FrameResult> {
        let gas = match input {
            FrameInput::Call(call) => call.gas_limit,
            FrameInput::Create(create) => create.gas_limit(),
            FrameInput::Empty => 0,
        };
        if let Some(bound) = context.db_mut().bound_mut() {
            bound.open(gas);
        }
        None
    }

    fn frame_end(&mut self, context: &mut Context<'a>, _: &FrameInput, _: &mut FrameResult) {
        if let Some(bound) = context.db_mut().bound_mut() {
            bound.close();
        }
    }
}

/// Gas of the next instruction's hashing; none when its frame lacks that gas, for then nothing is hashed.
fn next_work(interpreter: &Interpreter<EthInterpreter>) -> u64 {
    if interpreter.bytecode.opcode() != KECCAK256 {
        return 0;
    }
    let Some(len) = interpreter.stack.data().iter().rev().nth(1) else {
        return 0;
    };
    let words = u64::try_from(*len).unwrap_or(u64::MAX).div_ceil(32);
    let gas = words.saturating_mul(KECCAK_WORD_GAS);
    if gas > interpreter.gas.remaining() { 0 } else { gas }
}
