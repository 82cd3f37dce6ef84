//! The contracts of the published states.

use alloy_primitives::{Address, Bytes, U256};
use revm::bytecode::opcode as op;

/// EVM code under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code(Vec<u8>);

impl Code {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn ops(mut self, opcodes: &[u8]) -> Self {
        self.0.extend_from_slice(opcodes);
        self
    }

    /// Pushes the shortest way.
    pub(crate) fn push(mut self, value: u64) -> Self {
        let bytes = U256::from(value).to_be_bytes_trimmed_vec();
        let len = u8::try_from(bytes.len()).unwrap_or_default();
        self.0.push(op::PUSH0.saturating_add(len));
        self.0.extend_from_slice(&bytes);
        self
    }

    pub(crate) fn address(self, address: Address) -> Self {
        self.ops(&[op::PUSH20]).ops(address.as_slice())
    }

    /// `storage[slot] = value`
    pub(crate) fn store(self, slot: u64, value: u64) -> Self {
        self.push(value).push(slot).ops(&[op::SSTORE])
    }

    /// `storage[slot] = top of the stack`
    pub(crate) fn keep(self, slot: u64) -> Self {
        self.push(slot).ops(&[op::SSTORE])
    }

    /// `address.call{gas: gas}()` without data or value; drops the answer.
    pub(crate) fn call(self, address: Address, gas: u64) -> Self {
        self.ops(&[op::PUSH0; 5]).address(address).push(gas).ops(&[op::CALL, op::POP])
    }

    pub(crate) fn build(self) -> Bytes {
        self.0.into()
    }

    /// Code that deploys this code (at most 65,535 bytes).
    pub(crate) fn deployer(self) -> Bytes {
        let len = u16::try_from(self.0.len()).unwrap_or(u16::MAX);
        Self::new()
            .ops(&[op::PUSH2])
            .ops(&len.to_be_bytes())
            .ops(&[op::DUP1, op::PUSH1, 10, op::PUSH0, op::CODECOPY, op::PUSH0, op::RETURN])
            .ops(&self.0)
            .build()
    }
}

/// Writes its input as pairs of words (slot, value) to storage.
pub(crate) fn storer() -> Bytes {
    Code::new()
        .ops(&[op::PUSH0, op::JUMPDEST])
        .ops(&[op::CALLDATASIZE, op::DUP2, op::LT, op::ISZERO, op::PUSH1, 23, op::JUMPI])
        .ops(&[op::DUP1, op::PUSH1, 32, op::ADD, op::CALLDATALOAD])
        .ops(&[op::DUP2, op::CALLDATALOAD, op::SSTORE])
        .ops(&[op::PUSH1, 64, op::ADD, op::PUSH1, 1, op::JUMP])
        .ops(&[op::JUMPDEST, op::STOP])
        .build()
}

/// Looks at the code size of every address in its input, one a word.
pub(crate) fn code_reader() -> Bytes {
    Code::new()
        .ops(&[op::PUSH0, op::JUMPDEST])
        .ops(&[op::CALLDATASIZE, op::DUP2, op::LT, op::ISZERO, op::PUSH1, 19, op::JUMPI])
        .ops(&[op::DUP1, op::CALLDATALOAD, op::EXTCODESIZE, op::POP])
        .ops(&[op::PUSH1, 32, op::ADD, op::PUSH1, 1, op::JUMP])
        .ops(&[op::JUMPDEST, op::STOP])
        .build()
}

/// Writes, then reverts.
pub(crate) fn reverter() -> Bytes {
    Code::new().store(1, 5).ops(&[op::PUSH0, op::PUSH0, op::REVERT]).build()
}

/// Logs with one topic and its input as data, and again without either.
pub(crate) fn logger() -> Bytes {
    Code::new()
        .ops(&[op::CALLDATASIZE, op::PUSH0, op::PUSH0, op::CALLDATACOPY])
        .push(7)
        .ops(&[op::CALLDATASIZE, op::PUSH0, op::LOG1, op::PUSH0, op::PUSH0, op::LOG0, op::STOP])
        .build()
}

/// `storage[k] = blockhash(word k of the input)` for six words.
pub(crate) fn hasher() -> Bytes {
    let each = |code: Code, index: u64| {
        code.push(index.saturating_mul(32)).ops(&[op::CALLDATALOAD, op::BLOCKHASH]).keep(index)
    };
    (0..6).fold(Code::new(), each).ops(&[op::STOP]).build()
}

/// Stores what an L2 contract sees of its block.
pub(crate) fn observer() -> Bytes {
    let execute = [op::PUSH2, 0x01, 0x01];
    Code::new()
        .ops(&[op::BLOBBASEFEE])
        .keep(1)
        .ops(&[op::CHAINID])
        .keep(2)
        .ops(&[op::COINBASE])
        .keep(3)
        .ops(&[op::DIFFICULTY])
        .keep(4)
        .ops(&[op::GASLIMIT])
        .keep(5)
        .ops(&[op::BASEFEE])
        .keep(6)
        .ops(&[op::TIMESTAMP])
        .keep(7)
        .ops(&[op::NUMBER])
        .keep(8)
        .ops(&execute)
        .ops(&[op::EXTCODEHASH])
        .keep(9)
        .ops(&[op::STOP])
        .build()
}

/// Sends its balance away and, as it was not created now, stays.
pub(crate) fn destroyer(heir: Address) -> Bytes {
    Code::new().address(heir).ops(&[op::SELFDESTRUCT]).build()
}

/// Calls `first` and `second`, reads the balance of `third`, and writes to slot 1 how much gas is left.
pub(crate) fn caller(first: Address, second: Address, third: Address) -> Bytes {
    Code::new()
        .call(first, 100_000)
        .call(second, 100_000)
        .address(third)
        .ops(&[op::BALANCE, op::POP, op::GAS])
        .keep(1)
        .ops(&[op::STOP])
        .build()
}

/// Never ends.
pub(crate) fn looper() -> Bytes {
    Code::new().ops(&[op::JUMPDEST, op::PUSH0, op::JUMP]).build()
}

/// Codes that read one thing each, and the least gas with which they come to it: the rules of "In which order" in
/// docs/execute.md. `poor` has code, `rich` a delegate.
pub(crate) fn probes(poor: [Address; 4], rich: Address) -> [(Bytes, u64); 7] {
    let [first, second, third, fourth] = poor;
    let calls = |to| Code::new().ops(&[op::PUSH0; 5]).address(to).ops(&[op::PUSH0, op::CALL]);
    [
        (Code::new().address(first).ops(&[op::BALANCE]).build(), 3 + 100 + 2_500),
        (Code::new().address(second).ops(&[op::EXTCODESIZE]).build(), 3 + 100 + 2_500),
        (Code::new().ops(&[op::PUSH0, op::SLOAD]).build(), 2 + 100 + 2_000),
        (Code::new().ops(&[op::PUSH0, op::PUSH0, op::SSTORE]).build(), 2 + 2 + 2_301),
        (calls(third).build(), 15 + 100 + 2_500),
        (Code::new().address(fourth).ops(&[op::SELFDESTRUCT]).build(), 3 + 5_000 + 2_600),
        (calls(rich).build(), 15 + 100 + 2_500 + 100 + 2_500),
    ]
}
