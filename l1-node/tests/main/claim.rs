//! A small L2 and true claims about it.

use std::collections::BTreeMap;

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    signers::{SignerSync, local::PrivateKeySigner},
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_sol_types::{SolType, SolValue, sol_data};
use recourse_execution::{Genesis, GenesisAccount, Recorded, Recorder, Schedule, State};
use recourse_protocol::{TxPosition, bindings::BlockContext};

/// What goes into an envelope.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) pre: B256,
    pub(crate) post: B256,
    pub(crate) trace: Bytes,
    pub(crate) gas_used: u64,
}

impl Claim {
    /// A transfer on L2, proven with an inline witness.
    pub(crate) fn transfer() -> Self {
        let (pre, recorded) = record();
        Self {
            pre,
            post: recorded.state_root,
            trace: recorded.trace.abi_encode().into(),
            gas_used: recorded.gas_used,
        }
    }

    /// The same with the second half of the witness where `pointer_of` puts it.
    pub(crate) async fn pointing<F: Future<Output = Address>>(
        pointer_of: impl FnOnce(Vec<u8>) -> F,
    ) -> (Self, usize) {
        let (pre, recorded) = record();
        let mut trace = recorded.trace;
        let witness = trace.witness.to_vec();
        let (inline, rest) = witness.split_at(witness.len() / 2);
        trace.witness = inline.to_vec().into();
        trace.pointers = vec![pointer_of(rest.to_vec()).await];
        let claim = Self {
            pre,
            post: recorded.state_root,
            trace: trace.abi_encode().into(),
            gas_used: recorded.gas_used,
        };
        (claim, rest.len())
    }

    /// A claim about nothing well formed.
    pub(crate) fn nonsense(gas_used: u64) -> Self {
        Self { pre: B256::ZERO, post: B256::ZERO, trace: Bytes::new(), gas_used }
    }

    pub(crate) fn encode(&self) -> Bytes {
        type Envelope = (
            sol_data::FixedBytes<32>,
            sol_data::FixedBytes<32>,
            sol_data::Bytes,
            sol_data::Uint<64>,
        );
        let fields = (self.pre, self.post, self.trace.clone(), self.gas_used);
        Envelope::abi_encode_params(&fields).into()
    }
}

fn record() -> (B256, Recorded) {
    let sender = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
    let account = GenesisAccount { balance: U256::from(10_u64.pow(18)), ..Default::default() };
    let alloc = BTreeMap::from([(sender.address(), account)]);
    let state: State = Genesis { alloc }.build().unwrap();
    let block = BlockContext {
        chainId: 77,
        number: 1,
        timestamp: 1_800_000_000,
        gasLimit: 1 << 28,
        baseFee: U256::from(1_000_000_000),
        prevRandao: B256::ZERO,
        coinbase: Address::with_last_byte(0xcb),
    };
    let tx = TxEip1559 {
        chain_id: 77,
        gas_limit: 50_000,
        max_fee_per_gas: 2_000_000_000,
        to: TxKind::Call(Address::repeat_byte(0xaa)),
        value: U256::ONE,
        ..Default::default()
    };
    let signature = sender.sign_hash_sync(&tx.signature_hash()).unwrap();
    let raw = TxEnvelope::from(tx.into_signed(signature)).encoded_2718();
    let recorded = Recorder::new(&Schedule::osaka(), 1 << 20)
        .transact(&state, &block, TxPosition::default(), &raw)
        .unwrap();
    assert_eq!(recorded.gas_used, 21_000);
    (state.root(), recorded)
}
