//! Logs of a run, with ether that moves told as if it were a token (`traceTransfers`).

use alloy_primitives::{Address, Log, LogData, U256};
use revm::{
    Inspector,
    context::JournalTr as _,
    context_interface::ContextTr,
    interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome},
};
use revm_inspectors::transfer::{TRANSFER_EVENT_TOPIC, TRANSFER_LOG_EMITTER};

/// Gathers the logs of a run in their order; what a frame logged that reverts is forgotten.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    told: bool,
    /// Logs so far in the block, forgotten ones included: what the next one is numbered.
    count: u64,
    logs: Vec<(u64, Log)>,
    frames: Vec<usize>,
}

impl Transfers {
    /// Gathers logs, and transfers of ether if asked to; so many logs were numbered before.
    pub(super) const fn new(told: bool, count: u64) -> Self {
        Self { told, count, logs: Vec::new(), frames: Vec::new() }
    }

    /// How many logs are numbered now.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// What was gathered, with numbers.
    pub(super) fn into_logs(self) -> Vec<(u64, Log)> {
        self.logs
    }

    fn push(&mut self, log: Log) {
        self.logs.push((self.count, log));
        self.count = self.count.saturating_add(1);
    }

    fn transfer(&mut self, from: Address, to: Address, wei: U256) {
        if !self.told || wei.is_zero() {
            return;
        }
        let topics = vec![TRANSFER_EVENT_TOPIC, from.into_word(), to.into_word()];
        let data = LogData::new_unchecked(topics, wei.to_be_bytes::<32>().into());
        self.push(Log { address: TRANSFER_LOG_EMITTER, data });
    }

    fn leave(&mut self, succeeded: bool) {
        let start = self.frames.pop().unwrap_or_default();
        if !succeeded {
            self.logs.truncate(start);
        }
    }
}

impl<C: ContextTr> Inspector<C> for Transfers {
    fn log(&mut self, _context: &mut C, log: Log) {
        self.push(log);
    }

    fn call(&mut self, _context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.frames.push(self.logs.len());
        if let Some(wei) = inputs.transfer_value() {
            self.transfer(inputs.transfer_from(), inputs.transfer_to(), wei);
        }
        None
    }

    fn call_end(&mut self, _context: &mut C, _inputs: &CallInputs, outcome: &mut CallOutcome) {
        self.leave(outcome.result.is_ok());
    }

    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.frames.push(self.logs.len());
        let caller = context.journal_mut().load_account(inputs.caller()).ok()?;
        let nonce = caller.data.info.nonce;
        self.transfer(inputs.caller(), inputs.created_address(nonce), inputs.value());
        None
    }

    fn create_end(
        &mut self,
        _context: &mut C,
        _inputs: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        self.leave(outcome.result.is_ok());
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.transfer(contract, target, value);
    }
}
