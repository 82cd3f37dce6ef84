//! Blocks that ask something of the consensus layer (EIP-6110, EIP-7002).

use alloy::eips::{eip7002, eip7685::Requests};
use alloy_eips::eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS;
use alloy_primitives::{Bytes, TxKind, U256};
use recourse_execution::{
    GenesisAccount,
    payload::{
        ChainKind, DepositRequest, ExecutionRequests, InvalidBlock, NotOnL2, PayloadError,
        WithdrawalRequest,
    },
};

use super::{blocks::rehashed, check};
use crate::l2_block::{self, Built, Scene, sender, transaction};

/// DepositEvent(bytes,bytes,bytes,bytes,bytes)
const TOPIC: &str = "649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5";

/// A contract asks for a withdrawal: the block must say so, and can be none of L2.
#[test]
fn requests_are_of_l1_alone() {
    let scene = Scene::new(&Bytes::new());
    let pubkey = [0x11; 48];
    let data = [&pubkey[..], &7_u64.to_be_bytes()].concat();
    let ask =
        transaction(0, TxKind::Call(eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS), 1, data.into());
    let source_address = sender().address().into();
    let request = WithdrawalRequest { source_address, validator_pubkey: pubkey, amount: 7 };
    let requests = ExecutionRequests {
        withdrawals: vec![request].try_into().unwrap(),
        ..ExecutionRequests::default()
    };
    let mut list = Requests::default();
    // EIP-7002: source, key, amount (little-endian).
    let flat = [&source_address[..], &pubkey[..], &7_u64.to_le_bytes()].concat();
    list.push_request_with_type(1, Bytes::from(flat));
    let honest = scene.build(vec![ask], vec![], requests.clone(), list.requests_hash());
    let honest = closed(&scene, honest, requests);
    assert_eq!(check(&honest.input, ChainKind::L1), Ok(()));
    assert_eq!(check(&honest.input, ChainKind::L2), Err(NotOnL2::Requests.into()));

    let mut silent = honest.clone();
    silent.block.header.requests_hash = Some(Requests::default().requests_hash());
    assert_eq!(rehashed(&silent), Err(InvalidBlock::Requests.into()));
}

/// The system calls at the end change the state, too: the header's root is what comes out with them.
fn closed(scene: &Scene, built: Built, requests: ExecutionRequests) -> Built {
    let Err(PayloadError::Block(InvalidBlock::StateRoot(root))) =
        check(&built.input, ChainKind::L1)
    else {
        panic!("the queue changes the root");
    };
    let mut block = built.block;
    block.header.state_root = root;
    scene.input(block, requests)
}

/// The deposit contract is an address: whatever emits its event there makes a request, and nothing else may.
#[test]
fn an_event_that_is_no_deposit_makes_the_block_invalid() {
    let built = depositing().block(vec![deposit(Bytes::new())]);
    assert_eq!(check(&built.input, ChainKind::L2), Err(InvalidBlock::Requests.into()));
}

#[test]
fn deposits_are_of_l1_alone() {
    let fields: [Vec<u8>; 5] = [
        vec![1; 48],
        vec![2; 32],
        3_u64.to_le_bytes().into(),
        vec![4; 96],
        5_u64.to_le_bytes().into(),
    ];
    let request = DepositRequest {
        pubkey: [1; 48],
        withdrawal_credentials: [2; 32],
        amount: 3,
        signature: [4; 96],
        index: 5,
    };
    let requests = ExecutionRequests {
        deposits: vec![request].try_into().unwrap(),
        ..ExecutionRequests::default()
    };
    let mut list = Requests::default();
    list.push_request_with_type(0, Bytes::from(fields.concat()));
    let ask = deposit(event(&fields).into());
    let built = depositing().build(vec![ask], vec![], requests, list.requests_hash());
    assert_eq!(check(&built.input, ChainKind::L1), Ok(()));
    assert_eq!(check(&built.input, ChainKind::L2), Err(NotOnL2::Requests.into()));
    let mut silent = built;
    silent.block.header.requests_hash = Some(Requests::default().requests_hash());
    assert_eq!(rehashed(&silent), Err(InvalidBlock::Requests.into()));
}

/// The ABI encoding of five byte strings.
fn event(fields: &[Vec<u8>]) -> Vec<u8> {
    let word = |number: usize| U256::from(number).to_be_bytes::<32>();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    for field in fields {
        head.extend(word(fields.len() * 32 + tail.len()));
        tail.extend(word(field.len()));
        tail.extend(field);
        tail.resize(tail.len().next_multiple_of(32), 0);
    }
    [head, tail].concat()
}

/// A chain whose deposit contract emits its calldata as an event.
fn depositing() -> Scene {
    let mut alloc = l2_block::alloc(&Bytes::new());
    // calldatacopy(0, 0, calldatasize); log1(0, calldatasize, topic)
    let code: Bytes = format!("0x365f5f377f{TOPIC}365fa100").parse().unwrap();
    let contract = GenesisAccount { nonce: 1, code, ..GenesisAccount::default() };
    alloc.insert(MAINNET_DEPOSIT_CONTRACT_ADDRESS, contract);
    Scene::of(alloc)
}

fn deposit(event: Bytes) -> alloy::consensus::TxEnvelope {
    transaction(0, MAINNET_DEPOSIT_CONTRACT_ADDRESS.into(), 0, event)
}
