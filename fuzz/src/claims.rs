//! Claims that are known to be true: `pre ++ post ++ gas used (8 bytes) ++ abi.encode(Trace)`, all from one state
//! ([`super::world`]). The tests of `recourse-execution` make the files (`cargo xtask fuzz --seeds`).

use std::sync::LazyLock;

use alloy_primitives::B256;
use alloy_sol_types::SolValue;
use recourse_execution::Witness;
use recourse_protocol::bindings::Trace;

/// The files.
pub const FILES: [(&str, &[u8]); 8] = [
    ("block", include_bytes!("../claims/block")),
    ("creation", include_bytes!("../claims/creation")),
    ("delegation", include_bytes!("../claims/delegation")),
    ("destruction", include_bytes!("../claims/destruction")),
    ("nothing", include_bytes!("../claims/nothing")),
    ("opening", include_bytes!("../claims/opening")),
    ("storage", include_bytes!("../claims/storage")),
    ("transfer", include_bytes!("../claims/transfer")),
];

/// All of them, decoded.
pub static KNOWN: LazyLock<Vec<Known>> =
    LazyLock::new(|| FILES.iter().map(|(_, bytes)| Known::read(bytes)).collect());

/// A claim with its parts.
#[derive(Clone, Debug)]
pub struct Known {
    pub pre: B256,
    pub post: B256,
    pub gas_used: u64,
    /// With an empty witness.
    pub trace: Trace,
    pub witness: Witness,
}

impl Known {
    /// The bytes of a file.
    pub fn write(&self) -> Vec<u8> {
        let trace = self.encoded_trace();
        [&self.pre[..], &self.post[..], &self.gas_used.to_be_bytes(), &trace].concat()
    }

    fn read(bytes: &[u8]) -> Self {
        let word = |at: usize| B256::from_slice(&bytes[at..at + 32]);
        let gas_used = u64::from_be_bytes(bytes[64..72].try_into().expect("eight bytes"));
        let mut trace = Trace::abi_decode(&bytes[72..]).expect("a trace");
        let witness = Witness::decode(&std::mem::take(&mut trace.witness)).expect("a witness");
        Self { pre: word(0), post: word(32), gas_used, trace, witness }
    }

    /// The trace with the witness inline, as EXECUTE takes it.
    pub fn encoded_trace(&self) -> Vec<u8> {
        Trace { witness: self.witness.encode(), ..self.trace.clone() }.abi_encode()
    }
}
