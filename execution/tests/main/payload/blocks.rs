//! What is valid, what is not, and why.

use alloy::{
    consensus::{Header, proofs::calculate_withdrawals_root},
    eips::{eip2935, eip4788, eip4895::Withdrawal, eip7002, eip7251},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_execution::{
    ExecuteError, GenesisAccount, Invalid, State, StateError,
    payload::{
        BlockRules, BlockSchedule, ChainKind, ExecutionRequests, InvalidBlock, NotOnL2,
        PayloadError, ProtocolFork, StatelessValidationResult, validate,
        verify_stateless_new_payload,
    },
};

use super::{OSAKA, check, guest, says_valid, transfers};
use crate::l2_block::{self, Built, CHAIN, CONTRACT, Scene, sender, transaction, transfer};

type Change = fn(&mut Header);

#[test]
fn a_valid_block_is_valid_and_the_result_says_which() {
    let built = transfers();
    assert_eq!(check(&built.input, ChainKind::L1), Ok(()));
    assert_eq!(check(&built.input, ChainKind::L2), Ok(()));
    let result = guest(&OSAKA.encode_input(&built.input));
    let expected = StatelessValidationResult {
        new_payload_request_root: OSAKA.request_root(&built.input.new_payload_request),
        successful_validation: true,
        chain_id: CHAIN,
        schema_id: 0x1201,
    };
    assert_eq!(result, expected.encode());
}

/// With a hash that is right again, so that it is the field that is judged.
#[test]
fn a_header_that_lies_is_refused_for_the_lie() {
    use InvalidBlock as I;
    let lies: &[(Change, I)] = &[
        (|h| h.parent_hash.0[0] ^= 1, I::Parent),
        (|h| h.number += 1, I::Number),
        (|h| h.timestamp = 1_002, I::Timestamp),
        (|h| h.gas_limit += h.gas_limit, I::GasLimit),
        (|h| h.gas_limit = 0, I::GasLimit),
        (|h| h.base_fee_per_gas = Some(1), I::BaseFee),
        (|h| h.receipts_root.0[0] ^= 1, I::ReceiptsRoot),
        (|h| h.logs_bloom.0[0] ^= 1, I::LogsBloom),
        (|h| h.blob_gas_used = Some(1 << 17), I::BlobGasUsed),
        (|h| h.excess_blob_gas = Some(1), I::ExcessBlobGas),
        (|h| h.gas_used = h.gas_limit + 1, I::GasUsedOverLimit),
        (|h| h.gas_used += 1, I::GasUsed(42_000)),
    ];
    for (index, (lie, why)) in lies.iter().enumerate() {
        let mut built = transfers();
        lie(&mut built.block.header);
        assert_eq!(rehashed(&built), Err((*why).into()), "lie {index}");
    }
    let mut built = transfers();
    let root = built.block.header.state_root;
    built.block.header.state_root = B256::ZERO;
    assert_eq!(rehashed(&built), Err(I::StateRoot(root).into()));
}

/// The block with what its header says now, and the witness of before.
pub(super) fn rehashed(built: &Built) -> Result<(), PayloadError> {
    let beside = recourse_execution::payload::Beside {
        chain_id: CHAIN,
        requests: ExecutionRequests::default(),
        witness: built.input.witness.clone(),
    };
    check(
        &recourse_execution::payload::stateless_input(&built.block, beside).unwrap(),
        ChainKind::L1,
    )
}

/// What the consensus layer chooses freely is a part of the hash and no lie.
#[test]
fn fields_that_nothing_follows_from_are_free() {
    let mut built = transfers();
    built.block.header.extra_data = Bytes::from_static(b"extra");
    built.block.header.mix_hash = B256::repeat_byte(0x78);
    assert_eq!(rehashed(&built), Ok(()));
}

#[test]
fn less_gas_than_was_used_stops_early() {
    let mut built = transfers();
    built.block.header.gas_used = 1;
    let bound = ExecuteError::from(StateError::GasBound { allowed: 1, spent: 0 });
    assert_eq!(rehashed(&built), Err(bound.into()));
}

#[test]
fn blobs_are_of_l1_alone() {
    let good = transfers().input;
    let mut hashes = good.clone();
    hashes.new_payload_request.versioned_hashes.push([1; 32]).unwrap();
    assert_eq!(check(&hashes, ChainKind::L1), Err(PayloadError::VersionedHashes));
    let mut used = good.clone();
    used.new_payload_request.execution_payload.blob_gas_used = 1 << 17;
    let mut excess = good;
    excess.new_payload_request.execution_payload.excess_blob_gas = 1;
    for bad in [hashes, used, excess] {
        assert_eq!(check(&bad, ChainKind::L2), Err(NotOnL2::Blobs.into()));
    }
}

#[test]
fn withdrawals_are_of_l1_alone() {
    let scene = Scene::new(&Bytes::new());
    let withdrawal = Withdrawal { index: 3, validator_index: 4, address: CONTRACT, amount: 5 };
    let none = ExecutionRequests::default();
    let empty = alloy::eips::eip7685::EMPTY_REQUESTS_HASH;
    let built = scene.build(vec![transfer(0)], vec![withdrawal], none, empty);
    assert_eq!(check(&built.input, ChainKind::L1), Ok(()));
    assert_eq!(check(&built.input, ChainKind::L2), Err(NotOnL2::Withdrawals.into()));
    let mut other = built.clone();
    other.block.header.withdrawals_root = Some(calculate_withdrawals_root(&[]));
    let hash = rehashed(&other);
    assert!(matches!(hash, Err(PayloadError::BlockHash { .. })), "{hash:?}");
}

#[test]
fn a_chain_needs_the_contracts_that_the_rules_call() {
    let built = transfers();
    for missing in [
        eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
        eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
    ] {
        let mut alloc = l2_block::alloc(&Bytes::new());
        alloc.get_mut(&missing).unwrap().code = Bytes::from_static(&[0]);
        let scene = Scene::of(alloc);
        let mut other = built.block.clone();
        other.header.parent_hash = scene.ancestors.last().unwrap().hash_slow();
        let rules = BlockRules::of(OSAKA);
        let kind = (ChainKind::L2, CHAIN);
        let why = recourse_execution::payload::witness_of(
            &scene.pre,
            &scene.ancestors,
            &other,
            &rules,
            kind,
        );
        let expected = PayloadError::from(ExecuteError::Predeploy(missing));
        assert_eq!(why.unwrap_err(), expected.into());
    }
}

/// BLOCKHASH is what the headers of the witness say: they prove it as well as the state does.
#[test]
fn block_hashes_need_their_headers() {
    let hashes = l2_block::grandparents();
    let slots = hashes
        .iter()
        .zip(0_u64..)
        .map(|(header, number)| (U256::from(number), U256::from_be_bytes(header.hash_slow().0)));
    // sstore(0, blockhash(number - 2))
    let code = Bytes::from_static(&[0x60, 2, 0x43, 0x03, 0x40, 0x5f, 0x55, 0x00]);
    let mut alloc = l2_block::alloc(&code);
    let contract = |code: &Bytes, storage| GenesisAccount {
        nonce: 1,
        code: code.clone(),
        storage,
        ..GenesisAccount::default()
    };
    alloc.insert(
        eip2935::HISTORY_STORAGE_ADDRESS,
        contract(&eip2935::HISTORY_STORAGE_CODE, slots.collect()),
    );
    alloc.insert(eip4788::BEACON_ROOTS_ADDRESS, contract(&eip4788::BEACON_ROOTS_CODE, [].into()));
    let scene = Scene::on(State::of(&alloc).unwrap());
    let built = scene.block(vec![transaction(0, CONTRACT.into(), 0, Bytes::new())]);
    assert_eq!(check(&built.input, ChainKind::L2), Ok(()));

    let mut headers: Vec<_> = built.input.witness.headers.into_iter().collect();
    headers.remove(0);
    let mut input = transfers().input;
    input.new_payload_request = built.input.new_payload_request;
    input.public_keys = built.input.public_keys;
    input.witness.state = built.input.witness.state;
    input.witness.codes = built.input.witness.codes;
    input.witness.headers = headers.clone().try_into().unwrap();
    assert_eq!(check(&input, ChainKind::L2), Ok(()), "of block 0 nobody asks");
    headers.remove(0);
    input.witness.headers = headers.try_into().unwrap();
    let missing = ExecuteError::from(StateError::MissingAncestor(1));
    assert_eq!(check(&input, ChainKind::L2), Err(missing.into()));
}

/// What is no transaction can stand in a payload, with the right hash.
#[test]
fn what_is_no_transaction_makes_the_block_invalid() {
    let good = transfers().input;
    let first: Vec<u8> = good.new_payload_request.execution_payload.transactions[0].to_vec();
    let longer = [&first[..], &[0]].concat();
    let cut = first[..first.len() - 1].to_vec();
    for raw in [vec![], vec![0x7f], longer, cut] {
        let mut input = good.clone();
        let payload = &mut input.new_payload_request.execution_payload;
        payload.transactions = vec![raw.try_into().unwrap()].try_into().unwrap();
        input.public_keys.pop();
        let Err(PayloadError::BlockHash { got, .. }) = check(&input, ChainKind::L2) else {
            panic!("the hash is another");
        };
        input.new_payload_request.execution_payload.block_hash = got.0;
        let why = check(&input, ChainKind::L2);
        assert_eq!(why, Err(PayloadError::Transaction(Invalid::Undecodable)));
    }
}

#[test]
fn an_invalid_transaction_makes_the_block_invalid() {
    let mut built = transfers();
    built.block.body.transactions.swap(0, 1);
    built.input.public_keys.swap(0, 1);
    let transactions = &built.block.body.transactions;
    built.block.header.transactions_root =
        alloy::consensus::proofs::calculate_transaction_root(transactions);
    let why = rehashed(&built);
    assert!(matches!(why, Err(PayloadError::Transaction(_))), "{why:?}");
}

#[test]
fn the_schema_is_that_of_the_fork_in_force() {
    let input = transfers().input;
    let later = BlockRules::of(ProtocolFork::Bpo1);
    let timestamp = input.new_payload_request.execution_payload.timestamp;
    let schedule = BlockSchedule::new(BlockRules::of(OSAKA), vec![(timestamp, later)]);
    let why = validate(OSAKA, &input, &schedule, ChainKind::L2);
    let expected = PayloadError::Fork { expected: ProtocolFork::Bpo1, got: OSAKA };
    assert_eq!(why, Err(expected));
    let right = verify_stateless_new_payload(ProtocolFork::Bpo1, &input, &schedule, ChainKind::L2);
    assert!(right.successful_validation);
    assert_eq!(right.schema_id, 0x1301);
}

#[test]
fn keys_are_those_of_the_senders() {
    let good = transfers().input;
    let mut short = good.clone();
    short.public_keys.pop();
    let mut long = good.clone();
    long.public_keys.push(long.public_keys[0]);
    let mut zero = good.clone();
    zero.public_keys[1] = [0; 65];
    let mut prefix = good.clone();
    prefix.public_keys[0][0] = 6;
    let mut point = good.clone();
    point.public_keys[0][64] ^= 1;
    for bad in [short, long, zero, prefix, point] {
        assert_eq!(check(&bad, ChainKind::L2), Err(PayloadError::PublicKeys));
        assert!(!says_valid(&guest(&OSAKA.encode_input(&bad))));
    }
    assert_eq!(Address::from_raw_public_key(&good.public_keys[0][1..]), sender().address());
}
