//! A lie about a step that no L1 transaction can carry: a transaction of 120,000 bytes that reads a megabyte of code, nearly all that one may. The
//! watchtower stages its proof over several blocks, and is killed in the middle.

use std::collections::BTreeMap;

use alloy::{
    consensus::{SignableTransaction, Transaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    providers::Provider,
    rpc::types::TransactionReceipt,
};
use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use recourse_protocol::{
    GenesisAccount, Payload, TapeWriter,
    bindings::{
        IChunkStore::{Staged, stageCall},
        IRollup::{self, Died, PosterPaid, StepProven},
    },
};
use recourse_tests::{Lie, Network, NetworkOptions, PATIENCE, Role, Wallet, wait_for};

use alloy_sol_types::SolCall;

use crate::network::executable;

/// Asks for the length of the code of each address in its calldata, up to a word of zeros.
const READER: Address = Address::repeat_byte(0x52);
const READER_CODE: &[u8] = &hex!("5f5b803580156012573b50602001600156005b00");
const CONTRACTS: u64 = 41;
const TRANSACTION_BYTES: usize = 120_000;

fn contract(index: u64) -> Address {
    Address::from_slice(&keccak256(index.to_be_bytes())[12..])
}

fn alloc() -> BTreeMap<Address, GenesisAccount> {
    let account =
        |code: Vec<u8>| GenesisAccount { nonce: 1, code: code.into(), ..Default::default() };
    // No two alike, and no byte zero.
    let code = |index: u64| [index.to_be_bytes().to_vec(), vec![0xfe; 24_568]].concat();
    let contracts = (1..=CONTRACTS).map(|index| (contract(index), account(code(index))));
    contracts.chain([(READER, account(READER_CODE.to_vec()))]).collect()
}

/// One block with one transaction.
fn tape(chain_id: u64, now: u64) -> Payload {
    let mut input: Vec<u8> = (1..=CONTRACTS).flat_map(|i| contract(i).into_word().0).collect();
    input.extend([0; 32]);
    input.resize(TRANSACTION_BYTES, 0x5a);
    let mut tx = TxEip1559 {
        chain_id,
        gas_limit: 10_000_000,
        max_fee_per_gas: 20_000_000_000,
        to: READER.into(),
        input: input.into(),
        ..TxEip1559::default()
    };
    let signature = Role::Stranger.signer().unwrap().sign_transaction_sync(&mut tx).unwrap();
    let raw: Bytes = TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into();
    let mut tape = TapeWriter::default();
    tape.open(now, 0).unwrap();
    tape.tx(&raw).unwrap();
    Payload::new(&tape.into_bytes()).unwrap()
}

async fn staged(wallet: &Wallet, network: &Network) -> Vec<B256> {
    let store = network.config().contracts.chunk_store;
    let events = wallet.events::<Staged>(store).await.unwrap();
    events.into_iter().map(|seen| seen.transaction).collect()
}

/// Every transaction that was sent to the store.
async fn sent_to_the_store(wallet: &Wallet, network: &Network) -> usize {
    let store = network.config().contracts.chunk_store;
    let head = wallet.provider().get_block_number().await.unwrap();
    let mut sent = 0;
    for number in 0..=head {
        let block = wallet.provider().get_block_by_number(number.into()).full().await.unwrap();
        let transactions = block.unwrap().transactions;
        let transactions = transactions.as_transactions().unwrap();
        sent += transactions.iter().filter(|tx| (**tx).to() == Some(store)).count();
    }
    sent
}

async fn receipt(wallet: &Wallet, hash: B256) -> (TransactionReceipt, usize) {
    let receipt = wallet.receipt(hash).await.unwrap();
    let tx = wallet.provider().get_transaction_by_hash(hash).await.unwrap().unwrap();
    let bytes = tx.inner.encode_2718_len();
    assert!(receipt.gas_used <= 1 << 24, "EIP-7825");
    assert!(bytes <= 128 * 1024, "the public pool takes no more: {bytes}");
    (receipt, bytes)
}

#[tokio::test]
async fn a_lie_about_a_huge_step_dies_although_the_watchtower_crashes_while_it_stages() {
    let folder = tempfile::tempdir().unwrap();
    // Blocks slow enough that staging takes a few of them.
    let options = NetworkOptions { l1_block_time: 3, alloc: alloc(), ..Default::default() };
    let network = Network::start(executable(), folder.path(), &options).await.unwrap();
    let wallet = network.l1_wallet(Role::User).unwrap();
    let now = wallet.now().await.unwrap();
    let payload = tape(network.config().l2.chain_id, now);
    network.append(Role::Stranger, &[payload]).await.unwrap();
    let _cheat = network.cheat("cheat", Role::Cheat, Lie::WrongGas).await.unwrap();
    let attempt = network.claim_of(Role::Cheat).await.unwrap().event.attempt;

    let challenger = network.challenger("challenger", Role::Challenger).await.unwrap();
    wait_for("a first chunk", PATIENCE, || async {
        Ok((!staged(&wallet, &network).await.is_empty()).then_some(()))
    })
    .await
    .unwrap();
    challenger.kill().await.unwrap();
    let before = staged(&wallet, &network).await.len();
    assert_eq!(
        wallet.events::<StepProven>(network.config().contracts.rollup).await.unwrap().len(),
        0
    );

    let _challenger = network.challenger("challenger", Role::Challenger).await.unwrap();
    let fate = network.fate_of(attempt).await.unwrap();
    assert_eq!(fate.status as u8, IRollup::Status::Dead as u8);
    let chunks = staged(&wallet, &network).await;
    assert!(before < chunks.len(), "it was killed after the last of {before} chunks");
    let sent = sent_to_the_store(&wallet, &network).await;
    assert_eq!(sent, chunks.len(), "every chunk was sent once");
    bill(&wallet, &network, &chunks).await;
}

/// Prints what the dispute cost, and checks who was paid.
async fn bill(wallet: &Wallet, network: &Network, chunks: &[B256]) {
    let rollup = network.config().contracts.rollup;
    let (mut bytes, mut gas) = (0, 0);
    for hash in chunks {
        let tx = wallet.provider().get_transaction_by_hash(*hash).await.unwrap().unwrap();
        bytes += stageCall::abi_decode(tx.input()).unwrap().chunk.len();
        gas += receipt(wallet, *hash).await.0.gas_used;
    }
    println!("{} chunks, {bytes} bytes: {gas} gas", chunks.len());
    let died = wallet.events::<Died>(rollup).await.unwrap();
    let (proof, size) = receipt(wallet, died[0].transaction).await;
    println!("proveFraud: a transaction of {size} bytes, {} gas", proof.gas_used);

    let rewards = wallet.events::<PosterPaid>(rollup).await.unwrap();
    let challenger = Role::Challenger.signer().unwrap().address();
    assert!(rewards.iter().all(|seen| seen.event.poster == challenger));
    let paid = rewards.iter().fold(U256::ZERO, |sum, seen| sum + seen.event.amount);
    let limits = &network.config().limits;
    let priced = limits.chunk_reward * U256::from(bytes);
    let half = limits.claim_bond / U256::from(2);
    let billed = rewards.iter().fold(U256::ZERO, |sum, seen| sum + seen.event.size);
    assert_eq!(billed, U256::from(bytes), "every byte is paid for");
    let most = priced.min(half - half / U256::from(16));
    // Each share is rounded down.
    assert!(paid <= most && most - paid <= U256::from(rewards.len()), "{paid} of {most}");
    assert_eq!(U256::from(died[0].event.reward) + paid, half);
}
