//! Tracers that stop when what they record becomes too much.

use std::collections::{HashMap, HashSet};

use alloy_primitives::{Address, Log, U256};
use revm::{
    Inspector,
    bytecode::opcode::{SLOAD, SSTORE},
    context_interface::{ContextError, ContextTr},
    handler::FrameResult,
    inspector::JournalExt,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, FrameInput, Interpreter,
        interpreter_types::{InputsTr as _, Jumps as _, LoopControl as _},
    },
};
use revm_inspectors::tracing::{DebugInspector, StackSnapshotType, TracingInspectorConfig};

use crate::{ChainError, limits::TRACE_BYTES};

/// What a step takes without its stack, memory and storage, as it is recorded and as it is answered.
const STEP: usize = 512;
/// A word of the stack, which is held twice.
const STACK_WORD: usize = 64;
/// A word of memory in hex.
const MEMORY_WORD: usize = 128;
/// A slot of the storage that each SLOAD and SSTORE is told with.
const SLOT: usize = 128;
/// A call without its input.
const CALL: usize = 1024;

/// What all traces of one answer may still take.
#[derive(Debug)]
pub(crate) struct Room {
    left: usize,
    exceeded: bool,
}

impl Default for Room {
    fn default() -> Self {
        Self { left: TRACE_BYTES, exceeded: false }
    }
}

impl Room {
    const fn take(&mut self, bytes: usize) {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.exceeded = true,
        }
    }

    /// Refuses a trace that did not fit.
    ///
    /// # Errors
    /// When it was stopped for that.
    pub(crate) fn check(&self) -> Result<(), ChainError> {
        if self.exceeded {
            let text = format!(
                "the trace takes more than {} MiB: ask for less, for instance with limit or disableStack",
                TRACE_BYTES >> 20
            );
            return Err(ChainError::Refused(text));
        }
        Ok(())
    }
}

/// A tracer of one transaction that ends it when there is no more room.
#[derive(Debug)]
pub(crate) struct Bounded<'a> {
    inner: &'a mut DebugInspector,
    room: &'a mut Room,
    config: TracingInspectorConfig,
    /// Steps that are still recorded, where the caller named a limit.
    steps: u64,
    slots: HashMap<Address, HashSet<U256>>,
}

impl<'a> Bounded<'a> {
    pub(crate) fn new(inner: &'a mut DebugInspector, room: &'a mut Room) -> Self {
        let config = match inner {
            DebugInspector::Default(tracer, _) | DebugInspector::Erc7562Tracer(tracer, _) => {
                *tracer.config()
            }
            // These record no steps.
            _ => TracingInspectorConfig::none(),
        };
        let steps = config.step_limit.map_or(u64::MAX, std::num::NonZeroU64::get);
        Self { inner, room, config, steps, slots: HashMap::new() }
    }

    /// Counts what is recorded of a step.
    fn count(&mut self, interp: &mut Interpreter) {
        if !self.config.record_steps || self.steps == 0 {
            return;
        }
        self.steps = self.steps.saturating_sub(1);
        let mut bytes = STEP;
        if self.config.record_stack_snapshots != StackSnapshotType::None {
            bytes = bytes.saturating_add(interp.stack.len().saturating_mul(STACK_WORD));
        }
        if self.config.record_memory_snapshots {
            let words = interp.memory.len().div_ceil(32);
            bytes = bytes.saturating_add(words.saturating_mul(MEMORY_WORD));
        }
        if self.config.record_state_diff && matches!(interp.bytecode.opcode(), SLOAD | SSTORE) {
            let slots = self.slots.entry(interp.input.target_address()).or_default();
            slots.extend(interp.stack.data().last());
            bytes = bytes.saturating_add(slots.len().saturating_mul(SLOT));
        }
        self.room.take(bytes);
    }
}

impl<C: ContextTr<Journal: JournalExt>> Inspector<C> for Bounded<'_> {
    fn initialize_interp(&mut self, interp: &mut Interpreter, context: &mut C) {
        self.inner.initialize_interp(interp, context);
    }

    fn step(&mut self, interp: &mut Interpreter, context: &mut C) {
        self.count(interp);
        if !self.room.exceeded {
            return self.inner.step(interp, context);
        }
        if context.error().is_ok() {
            *context.error() = Err(ContextError::Custom("the trace takes too much".to_owned()));
        }
        interp.bytecode.action().take();
        interp.bytecode.reset_action();
        interp.halt_fatal();
    }

    fn step_end(&mut self, interp: &mut Interpreter, context: &mut C) {
        if !self.room.exceeded {
            self.inner.step_end(interp, context);
        }
    }

    fn log(&mut self, context: &mut C, log: Log) {
        self.inner.log(context, log);
    }

    fn log_full(&mut self, interp: &mut Interpreter, context: &mut C, log: Log) {
        self.inner.log_full(interp, context, log);
    }

    fn frame_start(&mut self, context: &mut C, input: &mut FrameInput) -> Option<FrameResult> {
        self.inner.frame_start(context, input)
    }

    fn frame_end(&mut self, context: &mut C, input: &FrameInput, result: &mut FrameResult) {
        self.inner.frame_end(context, input, result);
    }

    fn call(&mut self, context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        // One copy too many does no harm: the next step ends it.
        self.room.take(CALL.saturating_add(inputs.input.len()));
        self.inner.call(context, inputs)
    }

    fn call_end(&mut self, context: &mut C, inputs: &CallInputs, outcome: &mut CallOutcome) {
        self.room.take(outcome.result.output.len());
        self.inner.call_end(context, inputs, outcome);
    }

    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.room.take(CALL.saturating_add(inputs.init_code().len()));
        self.inner.create(context, inputs)
    }

    fn create_end(&mut self, context: &mut C, inputs: &CreateInputs, outcome: &mut CreateOutcome) {
        self.room.take(outcome.result.output.len());
        self.inner.create_end(context, inputs, outcome);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        // By name: the type of the context does not follow from the arguments.
        Inspector::<C>::selfdestruct(self.inner, contract, target, value);
    }
}
