//! Random blocks: every step settles, and steps, pieces and the whole agree.

use alloy_primitives::{Address, Bytes, U256};
use proptest::prelude::*;
use recourse_execution::block::{BlockBody, Opening};
use recourse_protocol::bindings::Credit;
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    pieces::whole_is_steps,
    scene::{
        self, STORER, account, call, create, delegation, filler, legacy, sign, state, transfer,
        writes,
    },
};

/// One thing that a contract does while it is created.
#[derive(Clone, Debug)]
pub enum Act {
    Store(u64, u64),
    Balance(Address),
    CodeSize(Address),
    CodeHash(Address),
    Call(Address, u64),
    Delegate(Address),
    Log(u64),
    BlockHash(u64),
    Destruct(Address),
    Create,
    Revert,
    Invalid,
}

#[derive(Clone, Debug)]
pub enum Tx {
    Transfer(Address, u64),
    Legacy(Address),
    Writes(Vec<(u64, u64)>),
    Acts(Vec<Act>),
    Deploys(Vec<Act>),
    Delegation(u8, u64, Address),
    WrongNonce,
    Garbage(Vec<u8>),
}

fn addresses() -> impl Strategy<Value = Address> {
    prop_oneof![
        (0_u8..8).prop_map(account),
        (0_u64..400).prop_map(filler),
        // Contracts that earlier transactions may have made.
        (0_u8..8, 0_u64..4).prop_map(|(sender, nonce)| account(sender).create(nonce)),
        (0_u8..18).prop_map(Address::with_last_byte),
        Just(STORER),
        Just(scene::COINBASE),
    ]
}

pub fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0_u64..6, 0_u64..3).prop_map(|(slot, value)| Act::Store(slot, value)),
        addresses().prop_map(Act::Balance),
        addresses().prop_map(Act::CodeSize),
        addresses().prop_map(Act::CodeHash),
        (addresses(), 0_u64..2).prop_map(|(to, value)| Act::Call(to, value)),
        addresses().prop_map(Act::Delegate),
        (0_u64..9).prop_map(Act::Log),
        (0_u64..3).prop_map(Act::BlockHash),
        addresses().prop_map(Act::Destruct),
        Just(Act::Create),
        Just(Act::Revert),
        Just(Act::Invalid),
    ];
    prop::collection::vec(act, 0..8)
}

pub fn txs() -> impl Strategy<Value = Tx> {
    let pairs = prop::collection::vec((prop_oneof![0_u64..30, 500_u64..520], 0_u64..3), 0..12);
    prop_oneof![
        1 => (addresses(), 0_u64..3).prop_map(|(to, value)| Tx::Transfer(to, value)),
        1 => addresses().prop_map(Tx::Legacy),
        3 => pairs.prop_map(Tx::Writes),
        3 => acts().prop_map(Tx::Acts),
        2 => acts().prop_map(Tx::Deploys),
        1 => (0_u8..8, 0_u64..3, addresses()).prop_map(|(who, nonce, to)| Tx::Delegation(who, nonce, to)),
        1 => Just(Tx::WrongNonce),
        1 => prop::collection::vec(any::<u8>(), 0..100).prop_map(Tx::Garbage),
    ]
}

pub fn assemble(acts: &[Act]) -> Code {
    acts.iter().fold(Code::new(), |code, act| match act {
        Act::Store(slot, value) => code.store(*slot, *value),
        Act::Balance(who) => code.address(*who).ops(&[op::BALANCE, op::POP]),
        Act::CodeSize(who) => code.address(*who).ops(&[op::EXTCODESIZE, op::POP]),
        Act::CodeHash(who) => code.address(*who).ops(&[op::EXTCODEHASH, op::POP]),
        Act::Call(to, value) => code.call(*to, *value, 60_000),
        Act::Delegate(to) => code
            .ops(&[op::PUSH0; 4])
            .address(*to)
            .push(60_000_u64)
            .ops(&[op::DELEGATECALL, op::POP]),
        Act::Log(topic) => code.push(*topic).ops(&[op::PUSH0, op::PUSH0, op::LOG1]),
        Act::BlockHash(number) => {
            code.push(*number).ops(&[op::BLOCKHASH, op::PUSH1, 9, op::SSTORE])
        }
        Act::Destruct(heir) => code.address(*heir).op(op::SELFDESTRUCT),
        // A child whose code is empty.
        Act::Create => code.ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::CREATE, op::POP]),
        Act::Revert => code.ops(&[op::PUSH0, op::PUSH0, op::REVERT]),
        Act::Invalid => code.op(op::INVALID),
    })
}

/// Signs with the nonces that the senders have if all that went before was valid.
pub fn signed(txs: &[(u8, Tx)]) -> Vec<Bytes> {
    let mut nonces = [0_u64; 8];
    txs.iter()
        .map(|(from, tx)| {
            let nonce = nonces[usize::from(*from)];
            nonces[usize::from(*from)] += 1;
            match tx {
                Tx::Transfer(to, value) => sign(*from, transfer(nonce, *to, *value)),
                Tx::Legacy(to) => sign(*from, legacy(nonce, *to)),
                Tx::Writes(pairs) => sign(*from, call(nonce, STORER, writes(pairs))),
                Tx::Acts(acts) => sign(*from, create(nonce, assemble(acts).build())),
                Tx::Deploys(acts) => sign(*from, create(nonce, assemble(acts).deployer().build())),
                Tx::Delegation(who, at, to) => sign(*from, delegation(nonce, *who, *at, *to)),
                Tx::WrongNonce => {
                    nonces[usize::from(*from)] -= 1;
                    sign(*from, transfer(nonce + 5, STORER, 1))
                }
                Tx::Garbage(bytes) => {
                    nonces[usize::from(*from)] -= 1;
                    bytes.clone().into()
                }
            }
        })
        .collect()
}

fn credits() -> impl Strategy<Value = Vec<Credit>> {
    let credit = (addresses(), 0_u64..5).prop_map(|(to, gwei)| Credit { to, amountGwei: gwei });
    prop::collection::vec(credit, 0..5)
}

/// Mostly so low that many transactions pass it, at some point of their run.
fn limits() -> impl Strategy<Value = u32> {
    prop_oneof![1_000_u32..9_000, Just(crate::scene::MAX_WITNESS)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_blocks(txs in prop::collection::vec((0_u8..8, txs()), 0..10), credits in credits(), seed: [u8; 32], max_witness in limits()) {
        let body = BlockBody {
            opening: Some(Opening { parent_hash: seed.into(), anchor: U256::from(7).into() }),
            transactions: signed(&txs),
            credits: Some(credits),
        };
        whole_is_steps(&state(), &body, max_witness);
    }
}
