//! The committed contracts, put on the L1.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_sol_types::SolValue;
use recourse_execution::State;
use recourse_protocol::{
    L2Config, Limits, Periods,
    bindings::{IInbox, IRollup, IStepVerifier},
};
use revm::database::{CacheDB, EmptyDB};

use super::{Events, L1};

pub const FORCE_DELAY: u64 = 1000;

impl L1 {
    pub fn deploy(genesis: &State, l2: &L2Config, periods: Periods, limits: Limits) -> Self {
        let mut l1 = Self {
            db: CacheDB::new(EmptyDB::default()),
            number: 100,
            now: 1_700_000_000,
            events: Events::default(),
            committed: BTreeMap::new(),
            inbox: Address::ZERO,
            verifier: Address::ZERO,
            store: Address::ZERO,
            rollup: Address::ZERO,
            sent: Vec::new(),
        };
        l1.inbox = l1.create("Inbox", inbox_config(&limits).abi_encode());
        l1.verifier = l1.deploy_verifier(l2).expect("deployed");
        l1.store = l1.create("ChunkStore", Vec::new());
        l1.rollup = l1.deploy_rollup(genesis, periods, limits).expect("deployed");
        l1
    }

    /// Another StepVerifier; or why its constructor refuses.
    pub fn deploy_verifier(&mut self, l2: &L2Config) -> Result<Address, Bytes> {
        self.try_create("StepVerifier", verifier_config(self.inbox, l2).abi_encode())
    }

    /// Another Rollup on the StepVerifier at hand; or why its constructor refuses.
    pub fn deploy_rollup(
        &mut self,
        genesis: &State,
        periods: Periods,
        limits: Limits,
    ) -> Result<Address, Bytes> {
        let history = alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
        let anchors = alloy_eips::eip4788::BEACON_ROOTS_ADDRESS;
        let config = IRollup::Config {
            inbox: self.inbox,
            verifier: self.verifier,
            chunkStore: self.store,
            arity: limits.arity,
            levels: limits.levels,
            challengeWindow: periods.challenge_window,
            responsePeriod: periods.response_period,
            claimBond: limits.claim_bond.to(),
            challengeBond: limits.challenge_bond.to(),
            chunkReward: limits.chunk_reward.to(),
        };
        let arguments = (
            config,
            genesis.root(),
            genesis.proof(history, &[]).unwrap().nodes,
            genesis.proof(anchors, &[]).unwrap().nodes,
        );
        self.try_create("Rollup", arguments.abi_encode_params())
    }

    fn create(&mut self, name: &str, arguments: Vec<u8>) -> Address {
        self.try_create(name, arguments).expect("deployed")
    }

    /// Deploys a committed artifact.
    fn try_create(&mut self, name: &str, arguments: Vec<u8>) -> Result<Address, Bytes> {
        let path = format!("{}/../contracts/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let artifact: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut code =
            alloy_primitives::hex::decode(artifact["bytecode"].as_str().unwrap()).unwrap();
        code.extend(arguments);
        let receipt = self.transact(Self::OWNER, TxKind::Create, code.into(), U256::ZERO, &[])?;
        Ok(receipt.created.unwrap())
    }
}

fn inbox_config(limits: &Limits) -> IInbox::Config {
    IInbox::Config {
        sequencer: Address::ZERO,
        forceDelay: FORCE_DELAY,
        forceFee: limits.force_fee,
        minDepositGwei: limits.min_deposit_gwei,
        gasToken: Address::ZERO,
        bridge: Address::ZERO,
    }
}

const fn verifier_config(inbox: Address, l2: &L2Config) -> IStepVerifier::Config {
    IStepVerifier::Config {
        inbox,
        chainId: l2.chain_id,
        gasLimit: l2.gas_limit,
        blockTime: l2.block_time,
        maxWitnessBytes: l2.max_witness_bytes,
    }
}
