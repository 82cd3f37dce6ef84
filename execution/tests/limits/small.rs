//! `execute` on a thread with little stack, with what it allocates counted.

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolValue;
use recourse_execution::{Claim, ExecuteError, Recorded, Recorder, Schedule, State, replay};
use recourse_protocol::{TxPosition, bindings::BlockContext};

use crate::{allocator::peak, scene};

/// What the precompile's thread must have at least; the tests run on this.
pub const STACK: usize = 2 << 20;
/// A quarter of that. Deep calls and tries run on it too: there is room.
pub const QUARTER: usize = STACK / 4;
pub const MIB: usize = 1 << 20;

/// An answer, and the most bytes allocated for it.
pub type Measured = (Result<(), ExecuteError>, usize);

/// Asks on a thread with this stack. A stack overflow or a failed allocation would end the whole program.
pub fn ask_on(stack: usize, claim: &Claim<'_>, schedule: &Schedule) -> Measured {
    ask_with(stack, claim, schedule, &|_| None)
}

/// As [`ask_on`], with codes that the trace points to.
pub fn ask_with(
    stack: usize,
    claim: &Claim<'_>,
    schedule: &Schedule,
    code_of: &(dyn Fn(Address) -> Option<Bytes> + Sync),
) -> Measured {
    on_stack(stack, || replay(claim, schedule, &|address| code_of(address)))
}

/// Runs on a thread with this stack, and counts what is allocated meanwhile.
pub fn on_stack<T: Send>(stack: usize, run: impl FnOnce() -> T + Send) -> (T, usize) {
    let run = || peak(run);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, run);
        thread.unwrap().join().expect("no panic")
    })
}

/// A recorded transaction, encoded as a claim needs it.
pub struct Case {
    pub pre: B256,
    pub recorded: Recorded,
    pub trace: Vec<u8>,
    pub schedule: Schedule,
}

impl Case {
    pub fn new(state: &State, raw: &Bytes) -> Self {
        Self::under(Schedule::osaka(), &scene::block(), state, raw)
    }

    pub fn under(schedule: Schedule, block: &BlockContext, state: &State, raw: &Bytes) -> Self {
        let recorded = Recorder::new(&schedule, u32::MAX)
            .transact(state, block, TxPosition::default(), raw)
            .unwrap();
        let trace = recorded.trace.abi_encode();
        Self { pre: state.root(), recorded, trace, schedule }
    }

    pub fn claim(&self, gas_used: u64) -> Claim<'_> {
        Claim { pre: self.pre, post: self.recorded.state_root, trace: &self.trace, gas_used }
    }

    /// The true claim.
    pub fn truth(&self) -> Claim<'_> {
        self.claim(self.recorded.gas_used)
    }

    /// The true claim is true on the least stack. Gives the bytes that it took.
    pub fn is_true(&self) -> usize {
        let (answer, bytes) = ask_on(STACK, &self.truth(), &self.schedule);
        assert_eq!(answer, Ok(()));
        bytes
    }
}
