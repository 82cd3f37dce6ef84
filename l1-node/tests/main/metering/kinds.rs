//! Every way to reach EXECUTE.

use alloy::{
    eips::eip7702::Authorization, network::TransactionBuilder, network::TransactionBuilder7702,
    providers::Provider, signers::SignerSync,
};
use alloy_primitives::{Bytes, U256};
use alloy_sol_types::{SolCall, SolValue};

use super::{
    callers::{
        CALL, CALLCODE, Called, DELEGATECALL, EXECUTE, ExecuteCaller, ExecuteInConstructor,
        STATICCALL, Scene, event, nonsense, once, price_and_left, transfer_cost, word,
    },
    model,
};
use crate::claim::Claim;

fn of_kind(kind: u8, value: u64, input: Bytes) -> ExecuteCaller::ofKindCall {
    ExecuteCaller::ofKindCall { kind, value: U256::from(value), input }
}

#[tokio::test]
async fn every_kind_of_call_reaches_it_at_the_same_price() {
    let scene = Scene::new().await;
    let claim = Claim::transfer();
    let lie = Claim { post: claim.pre, ..claim.clone() };
    for kind in [CALL, CALLCODE, DELEGATECALL, STATICCALL] {
        let query: Called = scene.told(&of_kind(kind, 0, Bytes::new())).await;
        assert_eq!(price_and_left(&query.answer).1, model::LIMIT);
        // What the CALL itself takes, which differs by how many operands there are.
        let overhead = query.spent.to::<u64>() - 100;
        for (claim, truth) in [(&claim, true), (&lie, false)] {
            let told: Called = scene.told(&of_kind(kind, 0, claim.encode())).await;
            assert!(told.success);
            assert_eq!(told.answer, word(truth), "kind {kind}");
            assert_eq!(told.spent.to::<u64>(), transfer_cost(claim, 0) + overhead, "kind {kind}");
        }
        let over: Called = scene.told(&of_kind(kind, 0, nonsense(model::LIMIT + 1))).await;
        assert!(!over.success);
    }
}

#[tokio::test]
async fn a_call_may_carry_ether_which_is_lost_unless_the_call_fails() {
    let scene = Scene::new().await;
    let balance = |address| scene.net.provider.get_balance(address).into_future();
    // Ether that comes in must not touch the price.
    scene.set_excess(500_000_000).await;
    let money = scene.request(0, scene.caller, Bytes::new()).with_value(U256::from(100));
    scene.mine(vec![money]).await;
    // Before anybody sends some, the account has a nonce and nothing else.
    assert_eq!(balance(EXECUTE).await.unwrap(), U256::ZERO);

    let told: Called = scene.told(&of_kind(CALL, 7, Claim::transfer().encode())).await;
    assert!(told.success);
    assert_eq!(told.answer, word(true));
    assert_eq!(balance(EXECUTE).await.unwrap(), U256::from(7));

    let told: Called = scene.told(&of_kind(CALL, 7, nonsense(model::LIMIT + 1))).await;
    assert!(!told.success);
    assert_eq!(balance(EXECUTE).await.unwrap(), U256::from(7));

    // CALLCODE moves ether from the caller to itself.
    let told: Called = scene.told(&of_kind(CALLCODE, 7, Claim::transfer().encode())).await;
    assert_eq!(told.answer, word(true));
    assert_eq!(balance(EXECUTE).await.unwrap(), U256::from(7));
    assert_eq!(balance(scene.caller).await.unwrap(), U256::from(93));
    let declared = [0, 21_000, 0, 21_000];
    let excess = declared.into_iter().fold(500_000_000, model::next_excess);
    assert_eq!(scene.excess().await, excess);
    assert_eq!(scene.net.provider.get_transaction_count(EXECUTE).await.unwrap(), 1);
}

#[tokio::test]
async fn a_constructor_may_call() {
    let scene = Scene::new().await;
    let mut code = ExecuteInConstructor::BYTECODE.to_vec();
    code.extend(Claim::transfer().encode().abi_encode());
    let tx = scene.request(0, EXECUTE, Bytes::new()).with_deploy_code(code);
    let created = scene.mine(vec![tx]).await[0].contract_address.unwrap();
    let contract = ExecuteInConstructor::new(created, &scene.net.provider);
    assert!(contract.success().call().await.unwrap());
    assert_eq!(contract.answer().call().await.unwrap(), word(true));
    assert_eq!(scene.excess().await, 0, "21,000 is below the target");
}

#[tokio::test]
async fn a_transaction_may_go_to_it_directly() {
    let scene = Scene::new().await;
    let full = scene.request(0, EXECUTE, nonsense(model::LIMIT));
    let query = scene.request(1, EXECUTE, Bytes::new());
    let receipts = scene.mine(vec![full, query]).await;
    assert!(receipts.iter().all(|receipt| receipt.status()));
    assert_eq!(receipts[1].gas_used, 21_000 + 100);
    assert_eq!(scene.excess().await, model::LIMIT - model::TARGET);
}

#[tokio::test]
async fn a_delegation_to_it_runs_nothing() {
    // EIP-7702: the code of a precompile, as a delegation sees it, is empty.
    let scene = Scene::new().await;
    let delegator = &scene.net.node.accounts()[5];
    let authorization = Authorization {
        chain_id: U256::from(scene.net.node.chain_id()),
        address: EXECUTE,
        nonce: 0,
    };
    let signature = delegator.signer().sign_hash_sync(&authorization.signature_hash()).unwrap();
    let tx = scene
        .request(0, delegator.address(), nonsense(model::LIMIT))
        .with_authorization_list(vec![authorization.into_signed(signature)]);
    let direct = scene.mine(vec![tx]).await;
    assert!(direct[0].status());
    let code = scene.net.provider.get_code_at(delegator.address()).await.unwrap();
    assert_eq!(code, [&[0xef, 1, 0][..], EXECUTE.as_slice()].concat());
    assert_eq!(scene.excess().await, 0, "the call declared the whole limit, and did not run");
    // Nor when it is called again, now that the delegation stands.
    let again = scene.request(0, delegator.address(), nonsense(model::LIMIT));
    assert!(scene.mine(vec![again]).await[0].status());
    assert_eq!(scene.excess().await, 0);
}

#[tokio::test]
async fn an_account_that_delegates_to_a_caller_calls_like_it() {
    let scene = Scene::new().await;
    let delegator = &scene.net.node.accounts()[5];
    let authorization = Authorization {
        chain_id: U256::from(scene.net.node.chain_id()),
        address: scene.caller,
        nonce: 0,
    };
    let signature = delegator.signer().sign_hash_sync(&authorization.signature_hash()).unwrap();
    let tx = scene
        .request(0, delegator.address(), once(nonsense(model::LIMIT)).abi_encode().into())
        .with_authorization_list(vec![authorization.into_signed(signature)]);
    let told: Called = event(&scene.mine(vec![tx]).await[0]);
    assert!(told.success);
    assert_eq!(scene.excess().await, model::LIMIT - model::TARGET);
}
