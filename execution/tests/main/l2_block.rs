//! Valid whole blocks, made by hand, with what goes with them. The test binary of any crate can include this file by its
//! path.

use std::collections::BTreeMap;

use alloy::consensus::SignableTransaction;
use alloy::{
    consensus::{
        Block, BlockBody as Body, EMPTY_OMMER_ROOT_HASH, Header, TxEip1559, TxEnvelope, TxReceipt,
        proofs::{calculate_receipt_root, calculate_transaction_root, calculate_withdrawals_root},
    },
    eips::{
        eip1559::BaseFeeParams, eip2718::Encodable2718, eip4895::Withdrawal, eip7002, eip7251,
        eip7685::EMPTY_REQUESTS_HASH,
    },
    network::TxSignerSync,
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, Bloom, Bytes, TxKind, U256};
use recourse_execution::{
    Genesis, GenesisAccount, Recorder, Schedule, State, TxRun,
    block::{BlockBody, Opening},
    payload::{
        Beside, BlockRules, ChainKind, ExecutionRequests, ProtocolFork, StatelessInput,
        stateless_input, witness_of,
    },
};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit},
};

/// The chain of the blocks.
pub(crate) const CHAIN: u64 = 77;
/// A contract for tests.
pub(crate) const CONTRACT: Address = Address::repeat_byte(0xc0);

/// Blocks to be built on a genesis.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// Whose rules, and which chain's id.
    pub(crate) chain: (ChainKind, u64),
    /// The state before the block.
    pub(crate) pre: State,
    /// The headers before the block, oldest first.
    pub(crate) ancestors: Vec<Header>,
}

/// A block, and what proves it.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// The block.
    pub(crate) block: Block<TxEnvelope>,
    /// It and its witness.
    pub(crate) input: StatelessInput,
}

/// The only account with money.
pub(crate) fn sender() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap()
}

/// A transaction of that account.
pub(crate) fn transaction(nonce: u64, to: TxKind, value: u64, input: Bytes) -> TxEnvelope {
    let mut tx = TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 400_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1,
        to,
        value: U256::from(value),
        input,
        ..TxEip1559::default()
    };
    let signature = sender().sign_transaction_sync(&mut tx).unwrap();
    tx.into_signed(signature).into()
}

/// A transfer of 1 wei.
pub(crate) fn transfer(nonce: u64) -> TxEnvelope {
    transaction(nonce, Address::repeat_byte(0xaa).into(), 1, Bytes::new())
}

fn contract(code: &Bytes) -> GenesisAccount {
    GenesisAccount { nonce: 1, code: code.clone(), ..GenesisAccount::default() }
}

/// The genesis of a chain under Ethereum's rules: with the contracts of EIP-7002 and EIP-7251, which a chain of ours may
/// lack, and `code` at [`CONTRACT`].
pub(crate) fn alloc(code: &Bytes) -> BTreeMap<Address, GenesisAccount> {
    let bare = eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE.to_vec();
    let len = bare.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let rich = GenesisAccount { balance: U256::from(10_u64.pow(18)), ..GenesisAccount::default() };
    BTreeMap::from([
        (sender().address(), rich),
        (CONTRACT, contract(code)),
        (
            eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            contract(&eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE),
        ),
        (
            eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
            contract(&Bytes::copy_from_slice(&bare[..len])),
        ),
    ])
}

impl Scene {
    /// A chain with `code` at [`CONTRACT`], three blocks old.
    pub(crate) fn new(code: &Bytes) -> Self {
        Self::of(alloc(code))
    }

    /// A chain with these accounts beside the standard ones.
    pub(crate) fn of(alloc: BTreeMap<Address, GenesisAccount>) -> Self {
        Self::on(Genesis { alloc }.build().unwrap())
    }

    /// A chain with no other accounts than these. Those whose hashes a block may ask for know nothing of its state.
    pub(crate) fn on(pre: State) -> Self {
        let mut ancestors = grandparents();
        let mut parent = child(ancestors.last().unwrap());
        parent.state_root = pre.root();
        ancestors.push(parent);
        Self { chain: (ChainKind::L1, CHAIN), pre, ancestors }
    }

    /// A valid block with these transactions and withdrawals; `requests` are those that it makes.
    pub(crate) fn build(
        &self,
        transactions: Vec<TxEnvelope>,
        withdrawals: Vec<Withdrawal>,
        requests: ExecutionRequests,
        requests_hash: B256,
    ) -> Built {
        let header = Header {
            beneficiary: Address::repeat_byte(0xcb),
            transactions_root: calculate_transaction_root(&transactions),
            withdrawals_root: Some(calculate_withdrawals_root(&withdrawals)),
            parent_beacon_block_root: Some(B256::repeat_byte(0xbb)),
            mix_hash: B256::repeat_byte(0x77),
            requests_hash: Some(requests_hash),
            ..child(self.ancestors.last().unwrap())
        };
        let body = Body { transactions, ommers: vec![], withdrawals: Some(withdrawals.into()) };
        let mut block = Block { header, body };
        self.execute(&mut block);
        self.input(block, requests)
    }

    /// A valid block with these transactions.
    pub(crate) fn block(&self, transactions: Vec<TxEnvelope>) -> Built {
        self.build(transactions, vec![], ExecutionRequests::default(), EMPTY_REQUESTS_HASH)
    }

    /// A block with its witness. Its header may lie, but not about the gas.
    pub(crate) fn input(&self, block: Block<TxEnvelope>, requests: ExecutionRequests) -> Built {
        let rules = BlockRules::of(ProtocolFork::Osaka);
        let witness = witness_of(&self.pre, &self.ancestors, &block, &rules, self.chain).unwrap();
        let beside = Beside { chain_id: self.chain.1, requests, witness };
        Built { input: stateless_input(&block, beside).unwrap(), block }
    }

    /// Writes into the header what comes of the block, by the recorder of EXECUTE.
    fn execute(&self, block: &mut Block<TxEnvelope>) {
        let header = &block.header;
        let context = BlockContext {
            chainId: self.chain.1,
            number: header.number,
            timestamp: header.timestamp,
            gasLimit: header.gas_limit,
            baseFee: U256::from(header.base_fee_per_gas.unwrap()),
            prevRandao: header.mix_hash,
            coinbase: header.beneficiary,
        };
        let opening = Opening {
            parent_hash: header.parent_hash,
            anchor: header.parent_beacon_block_root.unwrap(),
        };
        let credits = block.body.withdrawals.iter().flatten();
        let credits = credits.map(|one| Credit { to: one.address, amountGwei: one.amount });
        let body = BlockBody {
            opening: Some(opening),
            transactions: block
                .body
                .transactions
                .iter()
                .map(|tx| tx.encoded_2718().into())
                .collect(),
            credits: Some(credits.collect()),
        };
        let schedule = Schedule::osaka();
        let recorder = Recorder::new(&schedule, u32::MAX);
        let done = recorder.piece(&self.pre, &context, TxPosition::default(), &body).unwrap();
        let receipts: Vec<_> = done
            .runs
            .iter()
            .map(|run| match run {
                TxRun::Included(executed) => executed.receipt.clone(),
                TxRun::NoOp(why) => panic!("{why}"),
            })
            .collect();
        block.header.gas_used = done.gas_used;
        block.header.state_root = done.state_root;
        block.header.receipts_root = calculate_receipt_root(&receipts);
        block.header.logs_bloom = receipts.iter().fold(Bloom::ZERO, |all, one| all | one.bloom());
    }
}

/// Blocks 0 and 1.
pub(crate) fn grandparents() -> Vec<Header> {
    let first = Header { timestamp: 1_000, base_fee_per_gas: Some(1_000_000_000), ..header() };
    let second = child(&first);
    vec![first, second]
}

fn child(parent: &Header) -> Header {
    Header {
        parent_hash: parent.hash_slow(),
        number: parent.number + 1,
        timestamp: parent.timestamp + 1,
        base_fee_per_gas: parent.next_block_base_fee(BaseFeeParams::ethereum()),
        ..header()
    }
}

fn header() -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        gas_limit: 30_000_000,
        withdrawals_root: Some(calculate_withdrawals_root(&[])),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}
