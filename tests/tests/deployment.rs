//! Deployments whose addresses vouch for them, on L1s in this process.

#[cfg(feature = "forge")]
mod script;

use std::collections::BTreeMap;

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    sol_types::SolCall,
};
use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_l1_node::{Config, Handle, spawn};
use recourse_node::deploy::{
    CREATE2_PROXY, DEFAULT_L2_CHAIN_ID, DeployParams, Plan, Report, deploy, verify,
};
use recourse_protocol::{GenesisAccount, RollupConfig, bindings::IDeployment};
use serde_json::{Value, json};

/// An L1, and one of its accounts.
struct L1 {
    node: Handle,
}

impl L1 {
    async fn start() -> Self {
        Self { node: spawn(Config::default()).await.unwrap() }
    }

    async fn with_chain_id(chain_id: u64) -> Self {
        Self {
            node: spawn(Config { chain_id: Some(chain_id), ..Config::default() }).await.unwrap(),
        }
    }

    /// The provider of a dev account, and its address.
    fn account(&self, index: usize) -> (DynProvider, Address) {
        let signer = self.node.accounts()[index].signer().clone();
        let address = signer.address();
        let url = self.node.url().parse().unwrap();
        let wallet = EthereumWallet::from(signer);
        (ProviderBuilder::new().wallet(wallet).connect_http(url).erased(), address)
    }

    async fn deploy(&self, index: usize, params: &DeployParams) -> RollupConfig {
        let (provider, from) = self.account(index);
        deploy(&provider, from, params).await.unwrap()
    }

    async fn verify(&self, config: &RollupConfig) -> Report {
        verify(&self.account(9).0, config).await.unwrap()
    }

    /// Gas of each block, from block 1 on: here a block has one transaction.
    async fn gas_of_blocks(&self) -> Vec<u64> {
        let provider = self.account(9).0;
        let mut gas = Vec::new();
        for number in 1..=provider.get_block_number().await.unwrap() {
            let block = provider.get_block_by_number(number.into()).await.unwrap().unwrap();
            gas.push(block.header.gas_used);
        }
        gas
    }

    async fn nonce(&self, index: usize) -> u64 {
        let (provider, address) = self.account(index);
        provider.get_transaction_count(address).await.unwrap()
    }

    async fn ask(&self, method: &'static str, params: Value) {
        self.account(9).0.raw_request::<Value, Value>(method.into(), params).await.unwrap();
    }

    async fn code(&self, address: Address) -> Bytes {
        self.account(9).0.get_code_at(address).await.unwrap()
    }

    /// Sends calldata with as much gas as a transaction may have, whatever comes of it: whether it succeeded.
    async fn send(&self, index: usize, to: Address, input: Vec<u8>) -> bool {
        let (provider, from) = self.account(index);
        let tx = TransactionRequest::default().with_from(from).with_to(to).with_input(input);
        let tx = tx.with_gas_limit(1 << 24);
        provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap().status()
    }
}

fn params() -> DeployParams {
    let rich = GenesisAccount { balance: U256::from(10).pow(U256::from(20)), ..Default::default() };
    DeployParams {
        alloc: BTreeMap::from([(Address::repeat_byte(7), rich)]),
        ..DeployParams::default()
    }
}

fn create(plan: &Plan, part: usize) -> Vec<u8> {
    let part = &plan.parts[part];
    IDeployment::createCall { creationCode: part.creation_code.clone(), links: part.links.clone() }
        .abi_encode()
}

fn found(report: &Report) -> Vec<&str> {
    report.differences().map(|check| check.what.as_str()).collect()
}

#[tokio::test]
async fn the_same_configuration_has_the_same_addresses_on_every_l1_whoever_deploys() {
    let (one, other) = (L1::start().await, L1::start().await);
    // An account that has sent something before, and one that has not.
    assert!(other.send(3, Address::repeat_byte(1), vec![]).await);
    let (here, there) = (one.deploy(0, &params()).await, other.deploy(3, &params()).await);
    let plan = Plan::of(&params()).unwrap();
    for config in [&here, &there] {
        let at = config.contracts;
        let parts: Vec<_> = plan.parts.iter().map(|part| part.address).collect();
        assert_eq!(parts, [at.inbox, at.verifier, at.rollup, at.bridge]);
        assert_eq!(at.chunk_store, plan.chunk_store);
    }
    let names = ["ChunkStore", "Deployment"].into_iter();
    let names = names.chain(plan.parts.iter().map(|part| part.name));
    for ((number, name), gas) in (1..).zip(names).zip(one.gas_of_blocks().await) {
        println!("block {number}, {name}: {gas} gas");
        assert!(gas < 1 << 24, "{name} fits a transaction (EIP-7825)");
    }
    for (l1, config) in [(&one, &here), (&other, &there)] {
        let report = l1.verify(config).await;
        println!("{report}");
        assert!(report.holds(), "{report}");
        assert_eq!(RollupConfig::from_toml(&config.to_toml().unwrap()).unwrap(), *config);
    }
}

#[tokio::test]
async fn a_second_rollup_stands_beside_the_first_and_shares_its_store() {
    let l1 = L1::start().await;
    let first = l1.deploy(0, &params()).await;
    let salted = DeployParams { salt: B256::repeat_byte(1), ..params() };
    let second = l1.deploy(0, &salted).await;
    assert_ne!(first.contracts.rollup, second.contracts.rollup);
    assert_eq!(first.contracts.chunk_store, second.contracts.chunk_store);
    assert!(l1.verify(&first).await.holds());
    assert!(l1.verify(&second).await.holds());
}

#[tokio::test]
async fn whoever_finishes_a_deployment_finishes_this_one() {
    let l1 = L1::start().await;
    let plan = Plan::of(&params()).unwrap();
    // A stranger sees the first transaction coming, and goes on with it.
    let creation = [plan.salt.as_slice(), &plan.creation_code().unwrap()].concat();
    assert!(l1.send(5, CREATE2_PROXY, creation.clone()).await);
    assert!(!l1.send(6, CREATE2_PROXY, creation).await, "there is one already");
    assert!(l1.send(5, plan.deployment, create(&plan, 0)).await);
    let stranger = l1.nonce(5).await;
    let config = l1.deploy(0, &params()).await;
    assert_eq!(config.contracts.inbox, plan.parts[0].address);
    assert!(l1.verify(&config).await.holds());
    // The store and three parts.
    assert_eq!((l1.nonce(5).await, l1.nonce(0).await), (stranger, 4));

    // It is all done: who deploys it again sends nothing, and gets the same.
    assert_eq!(l1.deploy(1, &params()).await, config);
    assert_eq!(l1.nonce(1).await, 0);
}

#[tokio::test]
async fn two_who_deploy_at_once_get_the_same_rollup() {
    let l1 = L1::start().await;
    let params = params();
    let (one, other) = tokio::join!(l1.deploy(0, &params), l1.deploy(1, &params));
    assert_eq!(one, other);
    assert!(l1.verify(&one).await.holds());
}

#[tokio::test]
async fn wrong_code_and_wrong_order_are_refused() {
    let l1 = L1::start().await;
    let plan = Plan::of(&params()).unwrap();
    let creation = [plan.salt.as_slice(), &plan.creation_code().unwrap()].concat();
    assert!(l1.send(5, CREATE2_PROXY, creation).await);
    assert!(!l1.send(5, plan.deployment, create(&plan, 1)).await, "the second part first");
    let mut backdoor = plan.clone();
    let mut code = backdoor.parts[0].creation_code.to_vec();
    *code.last_mut().unwrap() ^= 1;
    backdoor.parts[0].creation_code = code.into();
    assert!(!l1.send(5, plan.deployment, create(&backdoor, 0)).await, "another argument");
    let mut moved = plan.clone();
    moved.parts[0].links[0].part = 1;
    assert!(!l1.send(5, plan.deployment, create(&moved, 0)).await, "another bridge");
    assert!(!l1.send(5, plan.deployment, create(&plan, 3)).await, "the last part first");
    // None of this has spoilt it.
    let config = l1.deploy(0, &params()).await;
    assert_eq!(config.contracts.bridge, plan.parts[3].address);
    assert!(!l1.send(5, plan.deployment, create(&plan, 3)).await, "once more");
}

#[tokio::test]
async fn a_chain_that_lacks_the_proxy_gets_it_by_its_presigned_transaction() {
    let l1 = L1::start().await;
    let known = l1.code(CREATE2_PROXY).await;
    l1.ask("anvil_setCode", json!([CREATE2_PROXY, "0x"])).await;
    l1.ask("anvil_setNonce", json!([CREATE2_PROXY, "0x0"])).await;
    assert!(l1.code(CREATE2_PROXY).await.is_empty());
    let config = l1.deploy(0, &params()).await;
    assert_eq!(l1.code(CREATE2_PROXY).await, known);
    assert!(l1.verify(&config).await.holds());
}

#[tokio::test]
async fn verifying_finds_code_that_was_altered() {
    let l1 = L1::start().await;
    let config = l1.deploy(0, &params()).await;
    let at = config.contracts;
    let plan = Plan::of(&params()).unwrap();
    for (name, address) in [
        ("Deployment", plan.deployment),
        ("ChunkStore", at.chunk_store),
        ("Inbox", at.inbox),
        ("StepVerifier", at.verifier),
        ("Rollup", at.rollup),
        ("Bridge", at.bridge),
    ] {
        let code = l1.code(address).await;
        // The last byte is of no instruction that runs in any of them, and counts all the same.
        let mut altered = code.to_vec();
        *altered.last_mut().unwrap() ^= 1;
        l1.ask("anvil_setCode", json!([address, Bytes::from(altered)])).await;
        let report = l1.verify(&config).await;
        assert_eq!(found(&report), [format!("code of the {name} at {address}")]);
        l1.ask("anvil_setCode", json!([address, code])).await;
        assert!(l1.verify(&config).await.holds());
    }
    // An immutable: who may release deposits.
    let code = l1.code(at.inbox).await.to_vec();
    let bridge = at.bridge.into_word();
    let word = (0..code.len() - 32).find(|at| code[*at..at + 32] == bridge[..]).unwrap();
    let mut altered = code.clone();
    altered[word + 12..word + 32].copy_from_slice(l1.account(5).1.as_slice());
    l1.ask("anvil_setCode", json!([at.inbox, Bytes::from(altered)])).await;
    assert!(
        found(&l1.verify(&config).await).contains(&&*format!("code of the Inbox at {}", at.inbox))
    );
}

#[tokio::test]
async fn verifying_finds_a_configuration_that_was_altered() {
    type Change = fn(&mut RollupConfig);
    let l1 = L1::start().await;
    let config = l1.deploy(0, &params()).await;
    // What moves all addresses of the parts.
    let changes: [Change; 8] = [
        |c| c.deployment.salt = B256::repeat_byte(1),
        |c| c.deployment.sequencer = Address::repeat_byte(1),
        |c| c.l2.chain_id += 1,
        |c| c.periods.challenge_window -= 1,
        |c| c.periods.withdrawal_delay = 0,
        |c| c.limits.claim_bond -= U256::ONE,
        |c| c.limits.force_fee += U256::ONE,
        |c| c.genesis.alloc.clear(),
    ];
    for change in changes {
        let mut config = config.clone();
        change(&mut config);
        let report = l1.verify(&config).await;
        for name in ["Inbox", "StepVerifier", "Rollup", "Bridge"] {
            let what = format!("address of the {name} follows from this file");
            assert!(found(&report).contains(&&*what), "{name}\n{report}");
        }
    }
    let one = |change: Change| {
        let mut config = config.clone();
        change(&mut config);
        config
    };
    let report = l1.verify(&one(|c| c.contracts.bridge = Address::repeat_byte(1))).await;
    assert!(found(&report).contains(&"address of the Bridge follows from this file"), "{report}");
    let report = l1.verify(&one(|c| c.contracts.deploy_block += 1)).await;
    assert_eq!(found(&report), ["deploy-block"]);
    let report = l1.verify(&one(|c| c.genesis.checkpoint.timestamp += 1)).await;
    assert_eq!(found(&report), ["genesis checkpoint (view 0)"]);
    let report = l1.verify(&one(|c| c.l1_chain_id += 1)).await;
    assert_eq!(found(&report), ["chain id of L1"]);
    let report = l1.verify(&one(|c| c.l2.chain_id = c.l1_chain_id)).await;
    assert!(found(&report).contains(&"chain id of L2"), "{report}");
}

#[tokio::test]
async fn verifying_says_what_to_know_of_a_rollup_that_is_as_it_was_configured() {
    let l1 = L1::start().await;
    let mut risky = params();
    risky.periods.withdrawal_delay = 0;
    risky.limits.claim_bond = U256::from(2);
    risky.sequencer = l1.account(0).1;
    let code = GenesisAccount { code: Bytes::from_static(&[0]), ..Default::default() };
    risky.alloc.insert(Address::repeat_byte(8), code);
    let report = l1.verify(&l1.deploy(0, &risky).await).await;
    assert!(report.holds(), "{report}");
    let printed = report.to_string();
    for note in [
        "NOTE     genesis balances of 100000000000000000000 wei, which no deposit backs: ",
        "NOTE     genesis code or storage, ",
        "NOTE     withdrawal-delay 0 seconds, below the default of 86400: ",
        "NOTE     claim-bond 2 wei, below the default of 32000000000000000000: ",
        "NOTE     sequencer 0x",
    ] {
        assert!(printed.contains(note), "{note}\n{printed}");
    }
    assert_eq!(printed.matches("NOTE").count(), 5, "{printed}");
}

#[tokio::test]
async fn no_rollup_shares_its_chain_id_with_its_l1_or_with_all_that_kept_the_default() {
    let l1 = L1::with_chain_id(1).await;
    let with = |chain_id| {
        let mut params = params();
        params.l2.chain_id = chain_id;
        params
    };
    let (provider, from) = l1.account(0);
    for (chain_id, expected) in [
        (
            DEFAULT_L2_CHAIN_ID,
            "expected one that no other chain has (--l2-chain-id) on L1 1, got 8079",
        ),
        (1, "expected another one than L1's 1, got 1"),
        (0, "expected at least 1, got 0"),
    ] {
        let error = deploy(&provider, from, &with(chain_id)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("l2-chain-id: {expected}"));
    }
    assert_eq!(l1.nonce(0).await, 0, "nothing was sent");
    let config = l1.deploy(0, &with(8080)).await;
    assert!(l1.verify(&config).await.holds());
}

#[tokio::test]
async fn verifying_finds_an_l1_without_the_rollup() {
    let config = L1::start().await.deploy(0, &params()).await;
    let report = L1::start().await.verify(&config).await;
    for name in ["Deployment", "ChunkStore", "Inbox", "StepVerifier", "Rollup", "Bridge"] {
        let what = format!("code of the {name}");
        assert!(found(&report).iter().any(|check| check.starts_with(&what)), "{report}");
    }
    for what in ["parts that the Deployment made", "claims start from that genesis"] {
        assert!(found(&report).contains(&what), "{report}");
    }
}
