//! Hand-made EVM code.

use alloy_primitives::{Address, Bytes, U256};
use revm::bytecode::opcode as op;

/// EVM code under construction.
#[derive(Clone, Debug, Default)]
pub struct Code(Vec<u8>);

impl Code {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn op(mut self, opcode: u8) -> Self {
        self.0.push(opcode);
        self
    }

    pub fn ops(mut self, opcodes: &[u8]) -> Self {
        self.0.extend(opcodes);
        self
    }

    /// Pushes the shortest way.
    pub fn push(mut self, value: impl TryInto<U256>) -> Self {
        let value: U256 = value.try_into().ok().unwrap();
        let bytes = value.to_be_bytes_trimmed_vec();
        self.0.push(op::PUSH0 + bytes.len() as u8);
        self.0.extend(bytes);
        self
    }

    pub fn address(self, address: Address) -> Self {
        let mut code = self.op(op::PUSH20);
        code.0.extend(address);
        code
    }

    /// `storage[slot] = value`
    pub fn store(self, slot: u64, value: u64) -> Self {
        self.push(value).push(slot).op(op::SSTORE)
    }

    /// `address.call{value, gas}()` without data; drops the answer.
    pub fn call(self, address: Address, value: u64, gas: u64) -> Self {
        self.ops(&[op::PUSH0; 4]).push(value).address(address).push(gas).ops(&[op::CALL, op::POP])
    }

    pub fn build(self) -> Bytes {
        self.0.into()
    }

    /// Code that deploys this code.
    pub fn deployer(self) -> Self {
        let runtime = self.0;
        // PUSH2 len, DUP1, PUSH1 offset, PUSH0, CODECOPY, PUSH0, RETURN
        let mut code = Self::new().op(op::PUSH2);
        code.0.extend((runtime.len() as u16).to_be_bytes());
        code.0.extend([op::DUP1, op::PUSH1, 10, op::PUSH0, op::CODECOPY, op::PUSH0, op::RETURN]);
        code.0.extend(runtime);
        code
    }
}

/// Writes calldata as pairs of words (slot, value) to storage.
pub fn storer() -> Bytes {
    Code::new()
        .op(op::PUSH0) // i
        .op(op::JUMPDEST) // 1: loop
        .ops(&[op::CALLDATASIZE, op::DUP2, op::LT, op::ISZERO, op::PUSH1, 23, op::JUMPI])
        .ops(&[op::DUP1, op::PUSH1, 32, op::ADD, op::CALLDATALOAD]) // value
        .ops(&[op::DUP2, op::CALLDATALOAD, op::SSTORE])
        .ops(&[op::PUSH1, 64, op::ADD, op::PUSH1, 1, op::JUMP])
        .op(op::JUMPDEST)
        .op(op::STOP)
        .build()
}

/// Reads the code of every address in its calldata (one a word) with `EXTCODESIZE`.
pub fn code_reader() -> Bytes {
    Code::new()
        .op(op::PUSH0)
        .op(op::JUMPDEST) // 1
        .ops(&[op::CALLDATASIZE, op::DUP2, op::LT, op::ISZERO, op::PUSH1, 19, op::JUMPI])
        .ops(&[op::DUP1, op::CALLDATALOAD, op::EXTCODESIZE, op::POP])
        .ops(&[op::PUSH1, 32, op::ADD, op::PUSH1, 1, op::JUMP])
        .op(op::JUMPDEST)
        .op(op::STOP)
        .build()
}
