//! The Solidity callers on a node, and what they tell.

use alloy::{
    network::TransactionBuilder,
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
    sol,
};
use alloy_primitives::{Address, Bytes, U256, address};
use alloy_sol_types::{SolCall, SolEvent};
use serde_json::json;

use super::model;
pub(super) use crate::harness::event;
use crate::{claim::Claim, harness::Net};

sol!(
    #![sol(all_derives)]
    ExecuteCaller,
    "../contracts/artifacts/test/ExecuteCaller.json"
);
sol!(StrictCaller, "../contracts/artifacts/test/StrictCaller.json");
sol!(
    #[sol(rpc)]
    ExecuteInConstructor,
    "../contracts/artifacts/test/ExecuteInConstructor.json"
);

pub(super) use ExecuteCaller::{Called, Counted, Framed};

/// Where EXECUTE is.
pub(super) const EXECUTE: Address = address!("0x0000000000000000000000000000000000000101");
/// The most gas of one transaction (EIP-7825).
pub(super) const MOST_GAS: u64 = 1 << 24;

/// How EXECUTE is called: `Kind` of the Solidity callers.
pub(super) const CALL: u8 = 0;
pub(super) const CALLCODE: u8 = 1;
pub(super) const DELEGATECALL: u8 = 2;
pub(super) const STATICCALL: u8 = 3;

/// A node without automatic mining, with a caller in block 1.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) net: Net,
    pub(super) caller: Address,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::on(Net::start().await).await
    }

    pub(super) async fn on(net: Net) -> Self {
        let caller = create(&net, ExecuteCaller::BYTECODE.clone()).await;
        net.call("evm_setAutomine", json!([false])).await;
        Self { net, caller }
    }

    /// A transaction of dev account `from` to anybody, with a stated tip, so that the order in a
    /// block is known.
    pub(super) fn request(&self, from: usize, to: Address, input: Bytes) -> TransactionRequest {
        TransactionRequest::default()
            .with_from(self.net.account(from))
            .with_to(to)
            .with_input(input)
            .with_gas_limit(MOST_GAS)
            .with_max_priority_fee_per_gas(1_000_000_000)
            .with_max_fee_per_gas(200_000_000_000)
    }

    /// A transaction of account 0 to the caller.
    pub(super) fn to_caller(&self, call: &impl SolCall) -> TransactionRequest {
        self.request(0, self.caller, call.abi_encode().into())
    }

    /// [`Net::mine`].
    pub(super) async fn mine(&self, txs: Vec<TransactionRequest>) -> Vec<TransactionReceipt> {
        self.net.mine(txs).await
    }

    /// Mines one transaction to the caller and gives what it told.
    pub(super) async fn told<E: SolEvent>(&self, call: &impl SolCall) -> E {
        event(&self.mine(vec![self.to_caller(call)]).await[0])
    }

    /// One call of EXECUTE in a block of its own.
    pub(super) async fn once(&self, input: Bytes) -> Called {
        self.told(&once(input)).await
    }

    /// Gas that [`Called::spent`] counts beside EXECUTE's own: a query has a known price.
    pub(super) async fn overhead(&self) -> u64 {
        self.once(Bytes::new()).await.spent.to::<u64>() - 100
    }

    /// The excess as the chain stores it after the newest block.
    pub(super) async fn excess(&self) -> u64 {
        self.net.provider.get_storage_at(EXECUTE, U256::ZERO).await.unwrap().to()
    }

    /// Puts a dev account's excess in place of the chain's.
    pub(super) async fn set_excess(&self, excess: u64) {
        let word = alloy_primitives::B256::from(U256::from(excess));
        self.net.call("anvil_setStorageAt", json!([EXECUTE, "0x0", word])).await;
    }
}

/// Deploys init code from account 0; the node must mine at once.
pub(super) async fn create(net: &Net, code: Bytes) -> Address {
    let tx = TransactionRequest::default().with_from(net.account(0)).with_deploy_code(code);
    let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status());
    receipt.contract_address.unwrap()
}

pub(super) fn once(input: Bytes) -> ExecuteCaller::onceCall {
    ExecuteCaller::onceCall { input }
}

pub(super) fn nonsense(gas: u64) -> Bytes {
    Claim::nonsense(gas).encode()
}

/// A query's answer.
pub(super) fn price_and_left(answer: &[u8]) -> (U256, u64) {
    assert_eq!(answer.len(), 64);
    (U256::from_be_slice(&answer[..32]), U256::from_be_slice(&answer[32..]).to())
}

/// What a true and cheap claim costs at an excess.
pub(super) fn transfer_cost(claim: &Claim, excess: u64) -> u64 {
    30_000 + claim.trace.len() as u64 + 6_000 + model::execution(excess, claim.gas_used)
}

/// The word for "true" and for "false".
pub(super) fn word(truth: bool) -> Bytes {
    U256::from(u8::from(truth)).to_be_bytes::<32>().into()
}
