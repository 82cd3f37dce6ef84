//! Programs that burn gas for as long as they have any, each by one kind of work: for the bound on gross gas.

use std::collections::BTreeMap;

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, U256};
use recourse_execution::{GenesisAccount, State};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
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
        Address::from_slice(&alloy_primitives::keccak256(self.name)[12..])
    }

    /// The transaction that runs it.
    pub fn call(&self, gas_limit: u64) -> Bytes {
        sign(0, TxEip1559 { gas_limit, ..call(0, self.address(), Bytes::new()) })
    }
}

/// A contract of the largest size.
pub const BIG: Address = Address::repeat_byte(0xb7);
/// Accounts with the code of [`BIG`].
const COPIES: u64 = 2_000;
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

/// All of them.
pub fn programs() -> Vec<Program> {
    let plain = [
        ("JUMP only", endless(setup(), |code| code)),
        ("GAS, POP", endless(setup(), |code| repeat(code, 64, &[op::GAS, op::POP]))),
        ("ORIGIN, POP", endless(setup(), |code| repeat(code, 64, &[op::ORIGIN, op::POP]))),
        ("MULMOD", endless(setup(), |code| repeat(code, 32, &[op::DUP1, op::DUP1, op::DUP1, op::MULMOD, op::POP]))),
        ("EXP of 32 bytes", endless(setup(), exp)),
        ("straight line", straight()),
        ("KECCAK256 of 16 KiB", endless(setup(), |code| code.push(DATA).ops(&[op::PUSH0, op::KECCAK256, op::POP]))),
        ("KECCAK256 of 32 B", endless(setup(), |code| code.ops(&[op::PUSH1, 32, op::PUSH0, op::KECCAK256, op::POP]))),
        ("MCOPY of 16 KiB", endless(setup(), |code| code.push(DATA).ops(&[op::PUSH0, op::PUSH1, 1, op::MCOPY]))),
        ("CODECOPY of 16 KiB", endless(setup(), |code| code.push(DATA).ops(&[op::PUSH0, op::PUSH0, op::CODECOPY]))),
        ("EXTCODECOPY of 16 KiB", endless(setup(), ext_code_copy)),
        ("EXTCODESIZE, equal codes", endless(first_copy(), code_sizes)),
        ("LOG0 of 1 KiB", endless(setup(), |code| code.push(1_024_u64).ops(&[op::PUSH0, op::LOG0]))),
        ("LOG4 of nothing", endless(setup(), |code| code.ops(&[op::PUSH0; 6]).op(op::LOG4))),
        ("SLOAD, cold", endless(Code::new().op(op::PUSH0), |code| code.ops(&[op::DUP1, op::SLOAD, op::POP, op::PUSH1, 1, op::ADD]))),
        ("SSTORE, warm", endless(setup(), |code| code.ops(&[op::GAS, op::PUSH0, op::SSTORE]))),
        ("SSTORE, new slots", endless(setup(), |code| code.ops(&[op::PUSH1, 1, op::GAS, op::SSTORE]))),
        ("SSTORE, refunds", endless(setup(), refunds)),
        ("TSTORE", endless(setup(), |code| code.ops(&[op::GAS, op::GAS, op::TSTORE]))),
        ("BALANCE, cold", endless(setup(), |code| code.ops(&[op::GAS, op::BALANCE, op::POP]))),
        ("CALL, depth", depth(op::CALL)),
        ("DELEGATECALL, depth", depth(op::DELEGATECALL)),
        ("CALL of BIG", endless(setup(), |code| code.call(BIG, 0, 50_000))),
        ("CREATE, 48 KiB of initcode", endless(initcode(), |code| code.push(49_152_u64).ops(&[op::PUSH0, op::PUSH0, op::CREATE, op::POP]))),
        ("CREATE2, 48 KiB of initcode", endless(initcode(), |code| code.op(op::GAS).push(49_152_u64).ops(&[op::PUSH0, op::PUSH0, op::CREATE2, op::POP]))),
        ("SELFDESTRUCT in a child", endless(destructing(), |code| code.ops(&[op::PUSH1, 2, op::PUSH1, 30, op::PUSH0, op::CREATE, op::POP]))),
        ("memory, then JUMP", endless(memory(), |code| code)),
    ];
    let plain = plain.into_iter().map(|(name, code)| Program { name, code: code.build() });
    plain.chain(precompiles()).collect()
}

fn precompiles() -> impl Iterator<Item = Program> {
    precompile_inputs().into_iter().map(|(name, address, input)| Program {
        name,
        code: endless(in_memory(&input), |code| {
            code.ops(&[op::PUSH0, op::PUSH0])
                .push(input.len() as u64)
                .ops(&[op::PUSH0, op::PUSH0])
                .push(U256::from(address))
                .ops(&[op::GAS, op::CALL, op::POP])
        })
        .build(),
    })
}

/// Precompiles with inputs that keep them busy.
pub fn precompile_inputs() -> Vec<(&'static str, u64, Vec<u8>)> {
    vec![
        ("ECRECOVER of garbage", 1, vec![0x1b; 128]),
        ("ECRECOVER", 1, ecrecover()),
        ("SHA256 of 16 KiB", 2, vec![7; DATA as usize]),
        ("RIPEMD160 of 16 KiB", 3, vec![7; DATA as usize]),
        ("IDENTITY of 16 KiB", 4, vec![7; DATA as usize]),
        ("MODEXP of 1,024 bytes", 5, modexp(1_024, 1_024)),
        ("MODEXP, short exponent", 5, modexp(1_024, 1)),
        ("BN254 mul", 7, bn_mul()),
        ("BN254 pairing, 16 pairs", 8, vec![0; 192 * 16]),
        ("BLAKE2F, 2^19 rounds", 9, blake2f(1 << 19)),
        ("BLAKE2F, 2^32 - 1 rounds", 9, blake2f(u32::MAX)),
        ("point evaluation, garbage", 10, vec![7; 192]),
        ("BLS12 G1 MSM, 64 points", 12, bls_msm(64, &G1)),
        ("BLS12 G2 MSM, 32 points", 14, bls_msm(32, &G2)),
        ("BLS12 pairing, 16 pairs", 15, [&G1[..], &G2[..]].concat().repeat(16)),
        ("BLS12 map to G2", 17, vec![0; 128]),
        ("P256 of garbage", 0x100, vec![1; 160]),
    ]
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

/// Clears a slot and sets it again: the most that is refunded.
fn refunds(code: Code) -> Code {
    let pair = [op::PUSH0, op::PUSH0, op::SSTORE, op::PUSH1, 1, op::PUSH0, op::SSTORE];
    code.ops(&pair)
}

/// Calls itself with all gas but 1/64.
fn depth(how: u8) -> Code {
    let arguments = if how == op::CALL { 5 } else { 4 };
    endless(Code::new(), |code| {
        code.ops(&vec![op::PUSH0; arguments]).ops(&[op::ADDRESS, op::GAS, how, op::POP])
    })
}

/// 48 KiB of `JUMPDEST`s that start with a `STOP`, in memory.
fn initcode() -> Code {
    let half = 24_576_u64;
    let copy = |code: Code, to: u64| {
        code.push(half).op(op::PUSH0).push(to).address(BIG).op(op::EXTCODECOPY)
    };
    copy(copy(Code::new(), 0), half).ops(&[op::PUSH0, op::PUSH0, op::MSTORE8])
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

fn modexp(len: usize, exponent: usize) -> Vec<u8> {
    let lengths = [len, exponent, len].map(|len| U256::from(len).to_be_bytes::<32>());
    [lengths.concat(), vec![0xff; 2 * len + exponent]].concat()
}

fn bn_mul() -> Vec<u8> {
    let words = [U256::from(1), U256::from(2), U256::MAX];
    words.map(|word| word.to_be_bytes::<32>()).concat()
}

fn blake2f(rounds: u32) -> Vec<u8> {
    let mut input = vec![3; 213];
    input[..4].copy_from_slice(&rounds.to_be_bytes());
    input[212] = 1;
    input
}

/// A valid signature, of a hash that nobody knows.
fn ecrecover() -> Vec<u8> {
    use alloy::signers::SignerSync;
    let hash = alloy_primitives::B256::repeat_byte(0x5e);
    let signature = scene::key(0).sign_hash_sync(&hash).unwrap();
    let v = U256::from(27 + u8::from(signature.v()));
    let words = [U256::from_be_bytes(hash.0), v, signature.r(), signature.s()];
    words.map(|word| word.to_be_bytes::<32>()).concat()
}

/// Copies of a generator, each with the largest scalar.
fn bls_msm(points: usize, generator: &[u8]) -> Vec<u8> {
    [generator, &[0xff; 32][..]].concat().repeat(points)
}

/// The generator of BLS12-381's G1, as EIP-2537 encodes it.
const G1: [u8; 128] = alloy_primitives::hex!(
    "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    "0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
);

/// The generator of BLS12-381's G2, as EIP-2537 encodes it.
const G2: [u8; 256] = alloy_primitives::hex!(
    "00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    "0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
    "000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"
);
