//! Precompiles at their worst: the longest inputs that gas buys, and inputs that lie about their length.

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, U256};
use recourse_execution::{GenesisAccount, State};
use recourse_protocol::MAX_TX_GAS;
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    inputs,
    scene::{self, call, contract, sign},
    small::{Case, MIB, STACK, ask_on},
};

/// Calls the precompile that the first word of calldata names with the rest of it, and stores 1 + whether that worked.
const FORWARD: Address = Address::repeat_byte(0xd5);
/// The most that a call of a precompile may allocate.
const MOST: usize = 64 * MIB;

fn forward() -> Bytes {
    Code::new()
        // calldatacopy(0, 32, calldatasize - 32)
        .ops(&[op::PUSH1, 32, op::CALLDATASIZE, op::SUB])
        .ops(&[op::DUP1, op::PUSH1, 32, op::PUSH0, op::CALLDATACOPY])
        // call(gas, calldata[0], 0, 0, length, 0, 0)
        .ops(&[op::PUSH0, op::PUSH0, op::DUP3, op::PUSH0, op::PUSH0])
        .ops(&[op::PUSH0, op::CALLDATALOAD, op::GAS, op::CALL])
        .ops(&[op::PUSH1, 1, op::ADD, op::PUSH0, op::SSTORE, op::STOP])
        .build()
}

fn state() -> State {
    let mut accounts = scene::genesis().alloc;
    accounts.insert(FORWARD, contract(forward()));
    // Rich enough for the largest transactions.
    let balance = U256::from(10).pow(U256::from(24));
    accounts.insert(scene::account(0), GenesisAccount { balance, ..Default::default() });
    State::of(&accounts).unwrap()
}

fn ask(precompile: u64, input: &[u8]) -> Case {
    let data = [&U256::from(precompile).to_be_bytes::<32>()[..], input].concat();
    let tx = TxEip1559 { gas_limit: MAX_TX_GAS, ..call(0, FORWARD, data.into()) };
    Case::new(&state(), &sign(0, tx))
}

/// Settles on a small stack with bounded memory; with too little gas it does not start.
fn settles(name: &str, case: &Case) {
    let bytes = case.is_true();
    assert!(bytes < MOST, "{name}: {} MiB", bytes / MIB);
    for less in [0, 21_000, case.recorded.gas_used / 2] {
        let (answer, bytes) = ask_on(STACK, &case.claim(less), &case.schedule);
        assert!(answer.is_err(), "{name}: {less}");
        assert!(bytes < MOST, "{name}: {} MiB", bytes / MIB);
    }
}

fn worked(case: &Case) -> bool {
    match case.recorded.state.storage(FORWARD, U256::ZERO).unwrap().to::<u64>() {
        1 => false,
        2 => true,
        other => panic!("neither worked nor failed: {other}"),
    }
}

#[test]
fn each_with_the_inputs_of_the_loops() {
    for (name, precompile, input) in inputs::all() {
        let case = ask(precompile, &input);
        let fails = name.starts_with("point") || name.contains("2^32 - 1");
        assert_eq!(worked(&case), !fails, "{name}");
        settles(name, &case);
    }
}

/// As many pairs and points as fit calldata and gas, within what a test's time allows.
#[test]
fn long_inputs() {
    for (name, precompile, input) in [
        ("BN254 pairing", 8, inputs::bn_pairs(64)),
        ("BLS12 G1 MSM", 12, inputs::bls_msm(256, &inputs::G1)),
        ("BLS12 G2 MSM", 14, inputs::bls_msm(128, &inputs::G2)),
        ("BLS12 pairing", 15, [&inputs::G1[..], &inputs::G2[..]].concat().repeat(64)),
        ("SHA256", 2, vec![0xff; 96 << 10]),
        ("RIPEMD160", 3, vec![0xff; 96 << 10]),
        ("IDENTITY", 4, vec![0xff; 96 << 10]),
    ] {
        let case = ask(precompile, &input);
        assert!(worked(&case), "{name}");
        settles(name, &case);
    }
}

/// Lengths up to 2^256 - 1, of which not a byte is there: EIP-7823 refuses more than 1,024, before anything is allocated.
#[test]
fn modexp_with_lengths_that_lie() {
    let lengths = [
        U256::from(1_024),
        U256::from(1_025),
        U256::from(u32::MAX),
        U256::from(1) << 63,
        U256::MAX,
    ];
    for base in lengths {
        for (exponent, modulus) in [(base, base), (U256::ZERO, U256::ZERO), (U256::from(1), base)] {
            let input = [base, exponent, modulus].map(|len| len.to_be_bytes::<32>()).concat();
            let case = ask(5, &input);
            // An exponent of 1,024 bytes costs more than a transaction has.
            let works = base <= U256::from(1_024) && exponent <= U256::from(1);
            assert_eq!(worked(&case), works, "{base} {exponent} {modulus}");
            settles("MODEXP", &case);
        }
    }
}

/// Inputs that are cut, too long, or not points.
#[test]
fn malformed_inputs() {
    for precompile in (1..=17).chain([0x100]) {
        for length in [0, 1, 31, 127, 128, 191, 193, 212, 214, 287, 385, 1_000] {
            for byte in [0, 1, 0xff] {
                let case = ask(precompile, &vec![byte; length]);
                let bytes = case.is_true();
                assert!(bytes < MOST, "{precompile}: {} MiB", bytes / MIB);
            }
        }
    }
}
