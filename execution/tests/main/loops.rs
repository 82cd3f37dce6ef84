//! Programs that burn gas for as long as they have any, each by one kind of work: for the bound on gross gas.

use std::collections::BTreeMap;

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, U256};
use recourse_execution::{GenesisAccount, State};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    inputs,
    scene::{self, call, contract, sign},
};

/// A program: a contract that the scene has.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: &'static str,
    pub code: Bytes,
}

impl Program {
    pub fn address(&self) -> Address {
        address_of(self.name)
    }

    /// The transaction that runs it.
    pub fn call(&self, gas_limit: u64) -> Bytes {
        sign(0, TxEip1559 { gas_limit, ..call(0, self.address(), Bytes::new()) })
    }
}

fn address_of(name: &str) -> Address {
    Address::from_slice(&alloy_primitives::keccak256(name)[12..])
}

/// A contract of the largest size.
pub const BIG: Address = Address::repeat_byte(0xb7);
/// Accounts with the code of [`BIG`].
const COPIES: u64 = 6_500;
/// Gas of a call that is going to fail: a bit more than a point evaluation.
pub const FAILING_CALL_GAS: u64 = 55_000;
/// Bytes of memory that the programs with data work on.
const DATA: u64 = 16 * 1024;

/// The accounts of the scene, the programs, and what they work on.
pub fn state() -> State {
    let mut accounts = scene::genesis().alloc;
    for program in programs() {
        let storage: BTreeMap<_, _> =
            (0..64_u64).map(|slot| (U256::from(slot), U256::from(1))).collect();
        let account = GenesisAccount { storage, ..contract(program.code.clone()) };
        accounts.insert(program.address(), account);
    }
    let big: Bytes = vec![op::JUMPDEST; 24_576].into();
    accounts.insert(BIG, contract(big.clone()));
    accounts.extend((0..COPIES).map(|index| (copy(index), contract(big.clone()))));
    State::of(&accounts).unwrap()
}

/// Consecutive addresses.
fn copy(index: u64) -> Address {
    Address::from_word((U256::from_be_slice(BIG.as_slice()) + U256::from(index + 1)).into())
}

/// What some programs do in each round, with memory of more than 16 KiB (0x4000) and a word on the stack.
const ROUNDS: [(&str, &[u8]); 15] = [
    ("JUMP only", &[]),
    ("MULMOD", &[op::DUP1, op::DUP1, op::DUP1, op::MULMOD, op::POP]),
    ("KECCAK256 of 16 KiB", &[op::PUSH2, 0x40, 0, op::PUSH0, op::KECCAK256, op::POP]),
    ("KECCAK256 of 32 B", &[op::PUSH1, 32, op::PUSH0, op::KECCAK256, op::POP]),
    ("MCOPY of 16 KiB", &[op::PUSH2, 0x40, 0, op::PUSH0, op::PUSH1, 1, op::MCOPY]),
    ("CODECOPY of 16 KiB", &[op::PUSH2, 0x40, 0, op::PUSH0, op::PUSH0, op::CODECOPY]),
    ("LOG0 of 1 KiB", &[op::PUSH2, 4, 0, op::PUSH0, op::LOG0]),
    (
        "LOG4 of nothing",
        &[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::LOG4],
    ),
    ("SLOAD, cold", &[op::DUP1, op::SLOAD, op::POP, op::PUSH1, 1, op::ADD]),
    ("SSTORE, warm", &[op::GAS, op::PUSH0, op::SSTORE]),
    ("SSTORE, new slots", &[op::PUSH1, 1, op::GAS, op::SSTORE]),
    // Clears a slot and sets it again: the most that is refunded.
    ("SSTORE, refunds", &[op::PUSH0, op::PUSH0, op::SSTORE, op::PUSH1, 1, op::PUSH0, op::SSTORE]),
    ("TSTORE", &[op::GAS, op::GAS, op::TSTORE]),
    ("BALANCE, cold", &[op::GAS, op::BALANCE, op::POP]),
    ("SELFBALANCE", &[op::SELFBALANCE, op::POP]),
];

/// All of them.
pub fn programs() -> Vec<Program> {
    let rounds = ROUNDS.map(|(name, ops)| (name, endless(setup(), |code| code.ops(ops))));
    let all = rounds.into_iter().chain(others()).chain(frames());
    let all = all.map(|(name, code)| Program { name, code: code.build() });
    all.chain(precompiles()).collect()
}

fn others() -> [(&'static str, Code); 7] {
    [
        ("GAS, POP", endless(setup(), |code| repeat(code, 64, &[op::GAS, op::POP]))),
        ("ORIGIN, POP", endless(setup(), |code| repeat(code, 64, &[op::ORIGIN, op::POP]))),
        ("EXP of 32 bytes", endless(setup(), exp)),
        ("straight line", straight()),
        ("EXTCODECOPY of 16 KiB", endless(setup(), ext_code_copy)),
        ("EXTCODESIZE, equal codes", endless(first_copy(), code_sizes)),
        ("memory, then JUMP", endless(memory(), |code| code)),
    ]
}

fn frames() -> [(&'static str, Code); 7] {
    let create = [op::PUSH2, 0xc0, 0, op::PUSH0, op::PUSH0, op::CREATE, op::POP];
    let create2 = [op::GAS, op::PUSH2, 0xc0, 0, op::PUSH0, op::PUSH0, op::CREATE2, op::POP];
    let straight = [op::PUSH2, 0xbb, 0x80, op::PUSH0, op::PUSH0, op::CREATE, op::POP];
    let child = [op::PUSH1, 2, op::PUSH1, 30, op::PUSH0, op::CREATE, op::POP];
    [
        ("CALL, depth", depth(op::CALL)),
        ("DELEGATECALL, depth", depth(op::DELEGATECALL)),
        ("CALL of BIG", endless(setup(), |code| code.call(BIG, 0, 50_000))),
        ("CREATE, 48 KiB of initcode", endless(initcode(), |code| code.ops(&create))),
        ("CREATE2, 48 KiB of initcode", endless(initcode(), |code| code.ops(&create2))),
        ("CREATE, straight initcode", endless(straight_initcode(), |code| code.ops(&straight))),
        ("SELFDESTRUCT in a child", endless(destructing(), |code| code.ops(&child))),
    ]
}

fn precompiles() -> impl Iterator<Item = Program> {
    inputs::all().into_iter().map(|(name, address, input)| Program {
        name,
        code: endless(in_memory(&input), |code| {
            let code = code
                .ops(&[op::PUSH0, op::PUSH0])
                .push(input.len() as u64)
                .ops(&[op::PUSH0, op::PUSH0])
                .push(U256::from(address));
            // A call that fails takes all of its gas at once: without a limit the loop would have one round.
            let code = if name.starts_with("point") {
                code.push(FAILING_CALL_GAS)
            } else {
                code.op(op::GAS)
            };
            code.ops(&[op::CALL, op::POP])
        })
        .build(),
    })
}

/// `head`, then `body` again and again.
fn endless(head: Code, body: impl Fn(Code) -> Code) -> Code {
    let start = head.clone().build().len();
    body(head.op(op::JUMPDEST)).push(start as u64).op(op::JUMP)
}

fn repeat(code: Code, times: usize, ops: &[u8]) -> Code {
    (0..times).fold(code, |code, _| code.ops(ops))
}

/// Memory of [`DATA`] bytes and a bit, and a word on the stack.
fn setup() -> Code {
    Code::new().op(op::GAS).push(DATA + 64).op(op::MLOAD).op(op::POP)
}

fn exp(code: Code) -> Code {
    (0..8).fold(code, |code, _| code.push(U256::MAX).push(U256::MAX).ops(&[op::EXP, op::POP]))
}

/// The longest code, without a jump before its end.
fn straight() -> Code {
    let head = Code::new().op(op::JUMPDEST);
    repeat(head, 12_280, &[op::GAS, op::POP]).ops(&[op::PUSH0, op::JUMP])
}

fn ext_code_copy(code: Code) -> Code {
    code.push(DATA).ops(&[op::PUSH0, op::PUSH0]).address(BIG).op(op::EXTCODECOPY)
}

fn first_copy() -> Code {
    Code::new().address(copy(0))
}

/// `EXTCODESIZE` of one account after the other, all with the same code.
fn code_sizes(code: Code) -> Code {
    code.ops(&[op::DUP1, op::EXTCODESIZE, op::POP, op::PUSH1, 1, op::ADD])
}

/// Calls itself with all gas but 1/64.
fn depth(how: u8) -> Code {
    let arguments = if how == op::CALL { 5 } else { 4 };
    endless(Code::new(), |code| {
        code.ops(&vec![op::PUSH0; arguments]).ops(&[op::ADDRESS, op::GAS, how, op::POP])
    })
}

/// The code of an account in memory, then once more.
fn twice(address: Address, len: u64) -> Code {
    [0, len].into_iter().fold(Code::new(), |code, to| {
        code.push(len).op(op::PUSH0).push(to).address(address).op(op::EXTCODECOPY)
    })
}

/// 48 KiB of `JUMPDEST`s that start with a `STOP`, in memory.
fn initcode() -> Code {
    twice(BIG, 24_576).ops(&[op::PUSH0, op::PUSH0, op::MSTORE8])
}

/// 48,000 bytes without a jump, in memory.
fn straight_initcode() -> Code {
    twice(address_of("straight line"), 24_000)
}

/// `ADDRESS SELFDESTRUCT` at the end of the first word of memory.
fn destructing() -> Code {
    Code::new().push(0x30ff_u64).ops(&[op::PUSH0, op::MSTORE])
}

/// The most memory that 2^20 gas buy, or thereabouts.
fn memory() -> Code {
    Code::new().push(22_000_u64 * 32).ops(&[op::MLOAD, op::POP])
}

/// Puts bytes into memory, word by word; runs of one byte in larger steps.
fn in_memory(input: &[u8]) -> Code {
    let words = input.chunks(32).enumerate().filter(|(_, word)| word.iter().any(|byte| *byte != 0));
    let code = words.fold(Code::new(), |code, (index, word)| {
        let mut padded = [0; 32];
        padded[..word.len()].copy_from_slice(word);
        code.push(U256::from_be_bytes(padded)).push(index as u64 * 32).op(op::MSTORE)
    });
    // All of it exists, so that the loop pays for no expansion.
    code.push(input.len() as u64).ops(&[op::MLOAD, op::POP])
}
