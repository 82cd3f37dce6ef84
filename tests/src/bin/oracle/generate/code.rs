//! EVM code under construction.

use alloy_primitives::{Address, Bytes, U256};
use revm::bytecode::opcode as op;

#[derive(Clone, Debug, Default)]
pub(super) struct Code(Vec<u8>);

/// A jump whose target is not known yet.
#[derive(Debug)]
#[must_use]
pub(super) struct Jump(usize);

impl Code {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn ops(&mut self, opcodes: &[u8]) -> &mut Self {
        self.0.extend(opcodes);
        self
    }

    /// Pushes the shortest way.
    pub(super) fn push(&mut self, value: impl Into<U256>) -> &mut Self {
        let bytes = value.into().to_be_bytes_trimmed_vec();
        // At most 32.
        let length = u8::try_from(bytes.len()).unwrap_or(32);
        self.0.push(op::PUSH0.saturating_add(length));
        self.ops(&bytes)
    }

    pub(super) fn number(&mut self, value: u64) -> &mut Self {
        self.push(U256::from(value))
    }

    pub(super) fn address(&mut self, address: Address) -> &mut Self {
        self.ops(&[op::PUSH20]).ops(address.as_slice())
    }

    /// `opcode` is `JUMP` or `JUMPI`; what a `JUMPI` looks at is on the stack.
    pub(super) fn jump(&mut self, opcode: u8) -> Jump {
        self.ops(&[op::PUSH2, 0, 0, opcode]);
        Jump(self.0.len().saturating_sub(3))
    }

    /// The jump comes here.
    pub(super) fn land(&mut self, jump: Jump) {
        let here = u16::try_from(self.0.len()).unwrap_or(u16::MAX);
        self.ops(&[op::JUMPDEST]);
        let places = self.0.iter_mut().skip(jump.0);
        for (place, byte) in places.zip(here.to_be_bytes()) {
            *place = byte;
        }
    }

    /// A place to jump back to.
    pub(super) fn label(&mut self) -> u64 {
        let here = u64::try_from(self.0.len()).unwrap_or(u64::MAX);
        self.ops(&[op::JUMPDEST]);
        here
    }

    pub(super) fn build(self) -> Bytes {
        self.0.into()
    }
}
