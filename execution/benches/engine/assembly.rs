//! EVM code by hand, with labels.

use std::collections::HashMap;

use alloy_primitives::U256;
use revm::bytecode::opcode as op;

/// Code under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assembly {
    bytes: Vec<u8>,
    labels: HashMap<&'static str, usize>,
    jumps: Vec<(usize, &'static str)>,
}

impl Assembly {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn ops(mut self, ops: &[u8]) -> Self {
        self.bytes.extend(ops);
        self
    }

    pub(crate) fn push(mut self, value: impl TryInto<U256>) -> Self {
        let value: U256 = value.try_into().ok().expect("a word");
        let bytes = value.to_be_bytes_trimmed_vec();
        self.bytes.push(op::PUSH0 + bytes.len() as u8);
        self.bytes.extend(bytes);
        self
    }

    pub(crate) fn label(mut self, name: &'static str) -> Self {
        self.labels.insert(name, self.bytes.len());
        self.ops(&[op::JUMPDEST])
    }

    fn target(mut self, name: &'static str) -> Self {
        self.bytes.push(op::PUSH2);
        self.jumps.push((self.bytes.len(), name));
        self.ops(&[0, 0])
    }

    /// Jumps when the top of the stack is not zero.
    pub(crate) fn jump_if(self, name: &'static str) -> Self {
        self.target(name).ops(&[op::JUMPI])
    }

    /// Word `index` of the calldata.
    pub(crate) fn arg(self, index: u64) -> Self {
        self.push(index * 32).ops(&[op::CALLDATALOAD])
    }

    /// Stores the top of the stack as word `index` of memory.
    pub(crate) fn put(self, index: u64) -> Self {
        self.push(index * 32).ops(&[op::MSTORE])
    }

    /// Word `index` of memory.
    pub(crate) fn get(self, index: u64) -> Self {
        self.push(index * 32).ops(&[op::MLOAD])
    }

    /// Calls the address on top of the stack with the first `words` words of memory; the answer replaces word 0. Reverts when
    /// the call does.
    pub(crate) fn call(self, words: u64) -> Self {
        // [to] -> call(gas, to, 0, 0, len, 0, 32)
        self.push(32_u64)
            .push(0_u64)
            .push(words * 32)
            .push(0_u64)
            .push(0_u64)
            .ops(&[op::DUP6, op::GAS, op::CALL, op::ISZERO])
            .jump_if("revert")
            .ops(&[op::POP])
    }

    /// A loop of arithmetic on the top of the stack, as the mathematics of prices has it.
    pub(crate) fn arithmetic(self, name: &'static str, times: u64) -> Self {
        // [x] -> [x']
        self.push(times)
            .label(name)
            .ops(&[op::SWAP1])
            .ops(&[op::DUP1, op::DUP1, op::MUL, op::PUSH1, 7, op::SHR])
            .push(1_000_003_u64)
            .ops(&[op::SWAP1, op::DIV, op::DUP2, op::XOR, op::PUSH1, 3, op::ADD])
            .ops(&[op::PUSH16, 255, 255, 255, 255, 255, 255, 255, 255])
            .ops(&[255, 255, 255, 255, 255, 255, 255, 255, op::AND])
            .ops(&[op::SWAP1, op::POP])
            .ops(&[op::SWAP1, op::PUSH1, 1, op::SWAP1, op::SUB, op::DUP1])
            .jump_if(name)
            .ops(&[op::POP])
    }

    /// Ends with word 0 of memory as the answer; the place where failures go lies behind.
    pub(crate) fn build(self) -> Vec<u8> {
        let mut code = self.push(32_u64).push(0_u64).ops(&[op::RETURN]).label("revert").ops(&[
            op::PUSH0,
            op::PUSH0,
            op::REVERT,
        ]);
        for (at, name) in &code.jumps {
            let target = code.labels[name] as u16;
            code.bytes[*at..*at + 2].copy_from_slice(&target.to_be_bytes());
        }
        code.bytes
    }
}
