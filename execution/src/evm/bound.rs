use revm::{
    bytecode::opcode as op,
    context::ContextTr,
    handler::instructions::EthInstructions,
    interpreter::{
        Instruction, InstructionContext, InstructionExecResult, InstructionResult, Interpreter,
        instruction_table, interpreter::EthInterpreter,
    },
    primitives::hardfork::SpecId,
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
/// Gross gas spent is the gas limit less what is left in all open frames. It is looked at before every instruction that can
/// begin much work or that any repetition passes: see [`instructions`]. `KECCAK256` and precompiles are stopped before they
/// work. Between two looks lies code that runs straight on, thus cheap instructions not more than the code has bytes; one
/// expansion of memory, which the transaction's gas limit pays for, can come before a look sees it.
#[derive(Clone, Debug)]
pub(crate) struct GasBound {
    /// The transaction's gas limit.
    limit: u64,
    /// Gross gas allowed.
    allowed: u64,
    /// What must be left, over all frames: the gas limit less `allowed`.
    floor: u64,
    /// For each frame, by its depth: gas left in those that called it.
    above: Vec<u64>,
    /// Gross gas spent when the bound was passed, thus execution stopped.
    broken: Option<u64>,
}

impl GasBound {
    /// None when there is nothing to bound: all that the transaction can spend is allowed.
    pub(crate) fn new(gas_limit: u64, allowed: u64) -> Option<Self> {
        let floor = gas_limit.saturating_sub(allowed);
        let above = vec![0];
        let bound = Self { limit: gas_limit, allowed, floor, above, broken: None };
        (floor > 0 || gas_limit > MOST_GAS_LIMIT).then_some(bound)
    }

    /// Why execution was stopped, if it was: the bound was passed.
    pub(crate) fn broken(&self) -> Option<StateError> {
        self.broken.map(|spent| StateError::GasBound { allowed: self.allowed, spent })
    }

    /// Refuses gas that a transaction spends before its first frame, and gas limits that buy memory without bound.
    pub(crate) fn admit_intrinsic(&mut self, gas: u64) -> Result<(), StateError> {
        if gas > self.allowed || self.limit > MOST_GAS_LIMIT {
            return Err(self.stop(0));
        }
        Ok(())
    }

    /// What a call that has just been made with this gas may spend.
    pub(crate) fn allowance(&self, gas: u64) -> u64 {
        let above = self.above.last().copied().unwrap_or_default();
        gas.saturating_sub(self.floor.saturating_sub(above))
    }

    /// The call that has just been made with this gas is stopped.
    pub(crate) fn stop_call(&mut self, gas: u64) -> StateError {
        let above = self.above.last().copied().unwrap_or_default();
        self.stop(self.limit.saturating_sub(above.saturating_add(gas)))
    }

    fn stop(&mut self, spent: u64) -> StateError {
        self.broken = Some(spent);
        StateError::GasBound { allowed: self.allowed, spent }
    }

    /// Stops a frame that has this gas left when too little is left over all, once its next instruction has spent `work`.
    pub(super) fn look(&mut self, depth: usize, left: u64, work: u64) -> Result<(), StateError> {
        let above = self.above.get(depth).copied().unwrap_or_default();
        let left = left.saturating_add(above);
        if left.checked_sub(work).is_some_and(|left| left >= self.floor) {
            return Ok(());
        }
        Err(self.stop(self.limit.saturating_sub(left)))
    }

    /// A frame makes a call, and keeps this gas.
    fn descend(&mut self, depth: usize, left: u64) {
        self.above.truncate(depth.saturating_add(1));
        let above = self.above.last().copied().unwrap_or_default();
        self.above.push(above.saturating_add(left));
    }
}

/// Ethereum's instructions, of which those are watched that
/// - every loop passes: `JUMPDEST`;
/// - work more than their constant gas buys: hashes, copies, `EXP`, logs, whatever can expand memory;
/// - read or write state;
/// - open frames.
pub(super) fn instructions<'a>(spec: SpecId) -> EthInstructions<EthInterpreter, Context<'a>> {
    let mut table = EthInstructions::new_mainnet_with_spec(spec);
    macro_rules! watch {
        ($($name:ident)*) => {
            $(insert::<{ op::$name }>(&mut table, Instruction::new(watched::<{ op::$name }>));)*
        };
    }
    watch!(JUMPDEST EXP MLOAD MSTORE MSTORE8 RETURN REVERT);
    watch!(CALLDATACOPY CODECOPY EXTCODECOPY RETURNDATACOPY MCOPY LOG0 LOG1 LOG2 LOG3 LOG4);
    watch!(BALANCE SELFBALANCE EXTCODESIZE EXTCODEHASH BLOCKHASH);
    watch!(SLOAD SSTORE TLOAD TSTORE SELFDESTRUCT);
    watch!(CREATE CREATE2 CALL CALLCODE DELEGATECALL STATICCALL);
    insert::<{ op::KECCAK256 }>(&mut table, Instruction::new(keccak256));
    table
}

fn insert<'a, const OP: u8>(
    table: &mut EthInstructions<EthInterpreter, Context<'a>>,
    instruction: Instruction<EthInterpreter, Context<'a>>,
) {
    let gas = table.gas_table().get(usize::from(OP)).copied().unwrap_or_default();
    table.insert_instruction(OP, instruction, gas);
}

type Step<'c, 'a> = InstructionContext<'c, Context<'a>, EthInterpreter>;

/// The instruction itself, once there is gas for it. If it opens a frame, what the frame below needs is noted.
fn watched<'a, const OP: u8>(step: Step<'_, 'a>) -> InstructionExecResult {
    let Step { interpreter, host } = step;
    check(interpreter, host, 0)?;
    let done = base::<OP>().execute(Step { interpreter: &mut *interpreter, host: &mut *host });
    if done == Err(InstructionResult::Suspend)
        && let Some(bound) = host.db_mut().bound_mut()
    {
        bound.descend(interpreter.input.depth, interpreter.gas.remaining());
    }
    done
}

fn keccak256<'a>(step: Step<'_, 'a>) -> InstructionExecResult {
    let Step { interpreter, host } = step;
    let work = hashing(interpreter);
    check(interpreter, host, work)?;
    base::<{ op::KECCAK256 }>().execute(Step { interpreter, host })
}

#[expect(clippy::indexing_slicing, reason = "a table of 256 by a byte")]
fn base<'a, const OP: u8>() -> Instruction<EthInterpreter, Context<'a>> {
    instruction_table::<EthInterpreter, Context<'a>>()[OP as usize]
}

fn check(
    interpreter: &Interpreter<EthInterpreter>,
    host: &mut Context<'_>,
    work: u64,
) -> InstructionExecResult {
    let Some(bound) = host.db_mut().bound_mut() else {
        return Ok(());
    };
    let (depth, left) = (interpreter.input.depth, interpreter.gas.remaining());
    bound.look(depth, left, work).map_err(|passed| {
        *host.error() = Err(passed.into());
        InstructionResult::FatalExternalError
    })
}

/// Gas of the next instruction's hashing; none when its frame lacks that gas, for then nothing is hashed.
fn hashing(interpreter: &Interpreter<EthInterpreter>) -> u64 {
    let Some(len) = interpreter.stack.data().iter().rev().nth(1) else {
        return 0;
    };
    let words = u64::try_from(*len).unwrap_or(u64::MAX).div_ceil(32);
    let gas = words.saturating_mul(KECCAK_WORD_GAS);
    if gas > interpreter.gas.remaining() { 0 } else { gas }
}
