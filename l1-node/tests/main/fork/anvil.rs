//! A fork of Anvil, with contracts and history on it.

use alloy::{
    eips::BlockId,
    network::{EthereumWallet, TransactionBuilder},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{Filter, TransactionReceipt, TransactionRequest},
    signers::local::{MnemonicBuilder, coins_bip39::English},
};
use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS,
    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
};
use alloy_primitives::{Address, B256, Bytes, U256, address, keccak256};
use alloy_sol_types::{SolCall, SolValue, sol};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount, proof::verify_proof};
use recourse_l1_node::{Config, DEV_MNEMONIC};
use serde_json::{Value, json};

use super::{config, fork, installed, program::Anvil};
use crate::{
    code::{STORE, deployer},
    harness::Net,
};

/// Where EXECUTE is.
const EXECUTE: Address = address!("0x0000000000000000000000000000000000000101");

sol! {
    /// A token like Tether's.
    interface IToken {
        function transfer(address to, uint256 amount) external;
        function balanceOf(address who) external view returns (uint256);
    }
}

/// Anvil with a token, a contract that holds 3, a few transactions and blocks.
struct History {
    anvil: Anvil,
    provider: DynProvider,
    user: Address,
    token: Address,
    store: Address,
    /// The last transaction that did something.
    receipt: TransactionReceipt,
}

impl History {
    /// `None` where Anvil is not installed.
    async fn made(args: &[&str]) -> Option<Self> {
        let program = installed()?;
        let anvil = Anvil::start(&program, args).await.unwrap();
        let key = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC).build().unwrap();
        let user = key.address();
        let wallet = EthereumWallet::from(key);
        let url = anvil.url().parse().unwrap();
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(url).erased();
        let artifact = include_str!("../../../../contracts/artifacts/test/TetherLike.json");
        let artifact: Value = serde_json::from_str(artifact).unwrap();
        let code: Bytes = artifact["bytecode"].as_str().unwrap().parse().unwrap();
        let code = [code.to_vec(), (user, U256::from(1000)).abi_encode_params()].concat();
        let token = create(&provider, code.into()).await;
        let store = create(&provider, deployer(STORE)).await;
        let word = U256::from(3).to_be_bytes::<32>();
        sent(&provider, TransactionRequest::default().with_to(store).with_input(word)).await;
        let transfer = IToken::transferCall { to: Address::repeat_byte(9), amount: U256::from(50) };
        let transfer =
            TransactionRequest::default().with_to(token).with_input(transfer.abi_encode());
        let receipt = sent(&provider, transfer).await;
        provider.raw_request::<_, Value>("anvil_mine".into(), json!([3, 12])).await.unwrap();
        Some(Self { anvil, provider, user, token, store, receipt })
    }

    async fn fork(&self) -> Net {
        fork(&[self.anvil.url().to_owned()]).await
    }
}

async fn create(provider: &DynProvider, code: Bytes) -> Address {
    let tx = TransactionRequest::default().with_deploy_code(code);
    sent(provider, tx).await.contract_address.unwrap()
}

async fn sent(provider: &DynProvider, tx: TransactionRequest) -> TransactionReceipt {
    let receipt = provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status());
    receipt
}

async fn tokens(provider: &DynProvider, token: Address, who: Address, at: BlockId) -> U256 {
    let call = IToken::balanceOfCall { who }.abi_encode();
    let call = TransactionRequest::default().with_to(token).with_input(call);
    U256::from_be_slice(&provider.call(call).block(at).await.unwrap())
}

/// A search over more than 100,000 blocks is refused.
#[tokio::test]
async fn a_search_for_logs_has_a_range() {
    let Some(history) = History::made(&["--hardfork", "osaka", "--number", "200000"]).await else {
        return;
    };
    let net = history.fork().await;
    let head = net.provider.get_block_number().await.unwrap();
    assert!(head > 200_000);
    let since = |from: u64| json!([{ "address": history.store, "fromBlock": format!("{from:#x}"), "toBlock": "latest" }]);
    let found = net.call("eth_getLogs", since(head - 99_999)).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    let refused = net.try_call("eth_getLogs", since(head - 100_000)).await.unwrap_err();
    assert_eq!(refused, (-32000, "query covers more than 100000 blocks".to_owned()));
}

#[tokio::test]
async fn the_chain_goes_on_from_the_fork_block() {
    let Some(history) = History::made(&["--hardfork", "osaka", "--chain-id", "4242"]).await else {
        return;
    };
    let parent = history.provider.get_block(BlockId::latest()).await.unwrap().unwrap().header;
    let net = history.fork().await;
    assert_eq!(net.node.chain_id(), 4242);
    assert_eq!(net.provider.get_block_number().await.unwrap(), parent.number);
    let info = net.call("anvil_nodeInfo", json!([])).await;
    assert_eq!(info["forkConfig"]["forkBlockNumber"], parent.number);
    net.call("evm_mine", json!([])).await;
    let next = net.provider.get_block(BlockId::latest()).await.unwrap().unwrap().header;
    assert_eq!((next.number, next.parent_hash), (parent.number + 1, parent.hash));
    let params = alloy_eips::eip1559::BaseFeeParams::ethereum();
    assert_eq!(next.base_fee_per_gas, parent.next_block_base_fee(params));
    assert_eq!(next.gas_limit, parent.gas_limit);
    // The upstream's time, which was moved ahead of the wall clock's.
    assert!((1..3600).contains(&(next.timestamp - parent.timestamp)), "{next:?}");
    let blob_params = alloy_eips::eip7840::BlobParams::osaka();
    assert_eq!(next.excess_blob_gas, parent.next_block_excess_blob_gas(blob_params));
}

#[tokio::test]
async fn what_was_before_the_fork_is_as_the_upstream_has_it() {
    let Some(history) = History::made(&["--hardfork", "osaka"]).await else { return };
    let net = history.fork().await;
    let (ours, theirs) = (&net.provider, &history.provider);
    let head = theirs.get_block_number().await.unwrap();
    for number in 0..=head {
        let at = BlockId::number(number);
        let full = async |provider: &DynProvider| {
            let block = provider.get_block(at).full().await.unwrap().unwrap();
            serde_json::to_value(block).unwrap()
        };
        let (mut a, mut b) = (full(ours).await, full(theirs).await);
        // Total difficulty is not told any more; sizes are counted in two ways.
        for block in [&mut a, &mut b] {
            for field in ["totalDifficulty", "size"] {
                block.as_object_mut().unwrap().remove(field);
            }
        }
        assert_eq!(a, b);
        let hash = b["hash"].as_str().unwrap().parse::<B256>().unwrap();
        let by_hash = ours.get_block_by_hash(hash).await.unwrap().unwrap();
        assert_eq!(by_hash.header.number, number);
    }
    let hash = history.receipt.transaction_hash;
    let receipt = ours.get_transaction_receipt(hash).await.unwrap().unwrap();
    assert_eq!(receipt.logs(), history.receipt.logs());
    assert_eq!(receipt.gas_used, history.receipt.gas_used);
    let tx = ours.get_transaction_by_hash(hash).await.unwrap().unwrap();
    assert_eq!(tx.block_hash, history.receipt.block_hash);
    assert_eq!(ours.get_transaction_receipt(B256::repeat_byte(1)).await.unwrap(), None);
    assert_eq!(ours.get_block_by_hash(B256::repeat_byte(1)).await.unwrap(), None);

    // A state in the past, and the token's owner there.
    let before = BlockId::number(history.receipt.block_number.unwrap() - 1);
    for at in [before, BlockId::latest()] {
        for who in [history.user, Address::repeat_byte(9)] {
            let expected = tokens(theirs, history.token, who, at).await;
            assert_eq!(tokens(ours, history.token, who, at).await, expected);
        }
        let nonce = theirs.get_transaction_count(history.user).block_id(at).await.unwrap();
        assert_eq!(ours.get_transaction_count(history.user).block_id(at).await.unwrap(), nonce);
    }
}

#[tokio::test]
async fn logs_of_both_sides_of_the_fork_are_found() {
    let Some(history) = History::made(&["--hardfork", "osaka"]).await else { return };
    let net = history.fork().await;
    let word = U256::from(8).to_be_bytes::<32>();
    let call = TransactionRequest::default().with_to(history.store).with_input(word);
    let receipt = sent(&net.provider, call.with_from(net.account(0))).await;
    let all = Filter::new().address(history.store).from_block(0);
    let logs = net.provider.get_logs(&all).await.unwrap();
    let words: Vec<_> = logs.iter().map(|log| U256::from_be_slice(&log.data().data)).collect();
    assert_eq!(words, [U256::from(3), U256::from(8)]);
    assert_eq!(logs[0], history.provider.get_logs(&all).await.unwrap()[0]);
    assert_eq!(logs[1].transaction_hash, Some(receipt.transaction_hash));
    let newer = all.clone().from_block(receipt.block_number.unwrap());
    assert_eq!(net.provider.get_logs(&newer).await.unwrap(), logs[1..]);
    let older = all.to_block(receipt.block_number.unwrap() - 2);
    assert_eq!(net.provider.get_logs(&older).await.unwrap(), logs[..1]);
    let at = Filter::new().at_block_hash(logs[0].block_hash.unwrap()).address(history.store);
    assert_eq!(net.provider.get_logs(&at).await.unwrap(), logs[..1]);
}

#[tokio::test]
async fn a_token_of_the_upstream_moves_here_and_not_there() {
    let Some(history) = History::made(&["--hardfork", "osaka"]).await else { return };
    let net = history.fork().await;
    let friend = Address::repeat_byte(0xf0);
    let call = IToken::transferCall { to: friend, amount: U256::from(30) }.abi_encode();
    let call = TransactionRequest::default().with_to(history.token).with_input(call);
    sent(&net.provider, call.with_from(history.user)).await;
    let latest = BlockId::latest();
    for (who, ours, theirs) in [(history.user, 920, 950), (friend, 30, 0)] {
        let got = tokens(&net.provider, history.token, who, latest).await;
        assert_eq!(got, U256::from(ours));
        let got = tokens(&history.provider, history.token, who, latest).await;
        assert_eq!(got, U256::from(theirs));
    }
    // The code of the ancestors' hashes: PUSH1 n, BLOCKHASH.
    for number in 0..history.provider.get_block_number().await.unwrap() {
        let block = history.provider.get_block(number.into()).await.unwrap().unwrap();
        let code =
            [&[0x60, number as u8, 0x40][..], &[0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]].concat();
        let call = TransactionRequest::default().with_deploy_code(code);
        assert_eq!(net.provider.call(call).await.unwrap(), block.header.hash.0[..]);
    }
}

#[tokio::test]
async fn what_a_hard_fork_brings_is_there_after_the_fork_block() {
    for upstream in ["osaka", "paris"] {
        let Some(program) = installed() else { return };
        let anvil = Anvil::start(&program, &["--hardfork", upstream]).await.unwrap();
        let theirs = ProviderBuilder::new().connect_http(anvil.url().parse().unwrap());
        theirs.raw_request::<_, Value>("anvil_mine".into(), json!([3])).await.unwrap();
        let contracts = [
            HISTORY_STORAGE_ADDRESS,
            BEACON_ROOTS_ADDRESS,
            WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
        ];
        let net = fork(&[anvil.url().to_owned()]).await;
        for contract in contracts {
            let before = theirs.get_code_at(contract).await.unwrap();
            let after = net.provider.get_code_at(contract).await.unwrap();
            let nonce = net.provider.get_transaction_count(contract).await.unwrap();
            assert!(!after.is_empty());
            if before.is_empty() {
                assert_eq!(nonce, 1);
            } else {
                assert_eq!(after, before, "what is there stays");
                assert_eq!(upstream, "osaka");
            }
        }
        net.call("evm_mine", json!([])).await;
        let head = net.provider.get_block(BlockId::latest()).await.unwrap().unwrap().header;
        let ask = |to, word: U256| {
            let input = word.to_be_bytes::<32>();
            net.provider.call(TransactionRequest::default().with_to(to).with_input(input))
        };
        let root = ask(BEACON_ROOTS_ADDRESS, U256::from(head.timestamp)).await.unwrap();
        assert_eq!(B256::from_slice(&root), head.parent_beacon_block_root.unwrap());
        let hash = ask(HISTORY_STORAGE_ADDRESS, U256::from(head.number - 1)).await.unwrap();
        assert_eq!(B256::from_slice(&hash), head.parent_hash);
        // EXECUTE answers a query.
        let query = TransactionRequest::default().with_to(EXECUTE);
        assert_eq!(net.provider.call(query).await.unwrap().len(), 64);
        assert_eq!(net.provider.get_transaction_count(EXECUTE).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn proofs_hold_for_what_was_written_here_and_nothing_else_is_proven() {
    let Some(history) = History::made(&["--hardfork", "osaka"]).await else { return };
    let net = history.fork().await;
    let fork_block = net.provider.get_block(BlockId::latest()).await.unwrap().unwrap().header;
    let prove = |slots: Vec<B256>, at: u64| net.provider.get_proof(history.store, slots).number(at);

    // Before: the upstream's proof, under the upstream's root.
    let proof = prove(vec![B256::ZERO], fork_block.number).await.unwrap();
    let account = Nibbles::unpack(keccak256(history.store));
    let leaf = TrieAccount::new(proof.nonce, proof.balance, proof.storage_hash, proof.code_hash);
    let leaf = alloy_rlp::encode(leaf);
    verify_proof(fork_block.state_root, account, Some(leaf), &proof.account_proof).unwrap();
    assert_eq!(proof.storage_proof[0].value, U256::from(3));

    net.call("evm_mine", json!([])).await;
    let (_, message) =
        net.try_call("eth_getProof", json!([history.store, [], "latest"])).await.unwrap_err();
    assert!(message.contains("was not written since the fork"), "{message}");
    let word = U256::from(8).to_be_bytes::<32>();
    let call = TransactionRequest::default().with_to(history.store).with_input(word);
    let receipt = sent(&net.provider, call.with_from(net.account(0))).await;
    let number = receipt.block_number.unwrap();
    let header = net.provider.get_block(number.into()).await.unwrap().unwrap().header;
    let proof = prove(vec![B256::ZERO], number).await.unwrap();
    assert_eq!(proof.code_hash, keccak256(STORE));
    let leaf = TrieAccount::new(proof.nonce, proof.balance, proof.storage_hash, proof.code_hash);
    let leaf = alloy_rlp::encode(leaf);
    verify_proof(header.state_root, account, Some(leaf), &proof.account_proof).unwrap();
    let slot = Nibbles::unpack(keccak256(B256::ZERO));
    let value = Some(alloy_rlp::encode(U256::from(8)));
    verify_proof(proof.storage_hash, slot, value, &proof.storage_proof[0].proof).unwrap();
    // Another slot of the same contract may hold anything upstream.
    let error = prove(vec![B256::with_last_byte(1)], number).await.unwrap_err();
    assert!(error.to_string().contains("was not written since the fork"), "{error}");
    // Writing what it holds makes it provable from the next block on.
    let one = B256::with_last_byte(1);
    net.call("anvil_setStorageAt", json!([history.store, one, B256::ZERO])).await;
    net.call("evm_mine", json!([])).await;
    prove(vec![one], number + 1).await.unwrap();
}

#[tokio::test]
async fn dev_accounts_have_their_ether_and_no_code() {
    let Some(history) = History::made(&["--hardfork", "osaka", "--balance", "5"]).await else {
        return;
    };
    let nonce = history.provider.get_transaction_count(history.user).await.unwrap();
    // What thieves do with well-known keys on public chains.
    let designator = format!("0xef0100{}", "5a".repeat(20));
    let set = json!([history.user, designator]);
    history.provider.raw_request::<_, Value>("anvil_setCode".into(), set).await.unwrap();
    history.provider.raw_request::<_, Value>("evm_mine".into(), json!([])).await.unwrap();
    let net = history.fork().await;
    let expected = Config::default().balance;
    assert_eq!(net.provider.get_balance(history.user).await.unwrap(), expected);
    assert_eq!(net.provider.get_transaction_count(history.user).await.unwrap(), nonce);
    assert!(net.provider.get_code_at(history.user).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_older_block_can_be_forked() {
    let Some(history) = History::made(&["--hardfork", "osaka"]).await else { return };
    let number = history.receipt.block_number.unwrap() - 1;
    let mut config = config(&[history.anvil.url().to_owned()]);
    config.fork.as_mut().unwrap().block = Some(number);
    let net = Net::with(config).await;
    assert_eq!(net.provider.get_block_number().await.unwrap(), number);
    // The transfer has not happened here, and its logs are not here.
    let stranger = Address::repeat_byte(9);
    let latest = BlockId::latest();
    assert_eq!(tokens(&net.provider, history.token, stranger, latest).await, U256::ZERO);
    let hash = history.receipt.transaction_hash;
    assert_eq!(net.provider.get_transaction_receipt(hash).await.unwrap(), None);
    assert!(net.provider.get_block((number + 1).into()).await.unwrap().is_none());
    net.call("evm_mine", json!([])).await;
    let [ours, theirs] = [&net.provider, &history.provider];
    let ours = ours.get_block((number + 1).into()).await.unwrap().unwrap().header;
    let theirs = theirs.get_block((number + 1).into()).await.unwrap().unwrap().header;
    assert_eq!(ours.parent_hash, theirs.parent_hash);
    assert_ne!(ours.hash, theirs.hash);
    assert_eq!(theirs.withdrawals_root, Some(EMPTY_ROOT_HASH));
}

#[tokio::test]
async fn an_upstream_that_dies_is_missed_only_for_what_was_not_read() {
    let Some(history) = History::made(&["--hardfork", "osaka"]).await else { return };
    let net = history.fork().await;
    let latest = BlockId::latest();
    assert_eq!(tokens(&net.provider, history.token, history.user, latest).await, U256::from(950));
    history.anvil.kill().await.unwrap();
    assert_eq!(tokens(&net.provider, history.token, history.user, latest).await, U256::from(950));
    let call = IToken::balanceOfCall { who: Address::repeat_byte(9) }.abi_encode();
    let call = TransactionRequest::default().with_to(history.token).with_input(call);
    let error = net.provider.call(call).await.unwrap_err();
    assert!(error.to_string().contains("no endpoint of the forked chain answered"), "{error}");
}

#[tokio::test]
async fn a_chain_without_base_fees_gets_them_with_its_first_block_here_and_again_after_a_rollback()
{
    let Some(program) = installed() else { return };
    let anvil = Anvil::start(&program, &["--hardfork", "berlin"]).await.unwrap();
    let net = fork(&[anvil.url().to_owned()]).await;
    let base_fee = async || {
        let head = net.call("eth_getBlockByNumber", json!(["latest", false])).await;
        head["baseFeePerGas"].clone()
    };
    for _ in 0..2 {
        assert_eq!(base_fee().await, Value::Null);
        net.call("anvil_mine", json!(["0x1"])).await;
        assert_eq!(base_fee().await, "0x3b9aca00");
        net.call("anvil_rollback", json!(["0x1"])).await;
    }
}
