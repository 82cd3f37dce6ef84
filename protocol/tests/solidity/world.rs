//! An L1 with the two contracts, and what Rust knows of it: only what events say.

use std::sync::Arc;

use alloy_primitives::{Address, B256, TxKind, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use recourse_protocol::{
    Batch, Checkpoint, MemoryInputs, Payload, Rule, Step, TransactionSource, View,
    bindings::{Credit, IInbox, IStepVerifier, StepProof},
};

use super::{
    evm::{Done, Evm},
    kzg::Committed,
};
use crate::toy::CONFIG;

/// When the Inbox is deployed, in seconds.
pub(super) const START: u64 = 1_000;
const FORCE_DELAY: u64 = 60;
const FORCE_FEE: u64 = 5;
const GWEI: u64 = 1_000_000_000;

pub(super) struct World {
    evm: Evm,
    inbox: Address,
    verifier: Address,
    number: u64,
    now: u64,
    pub(super) inputs: MemoryInputs,
    pub(super) blobs: Vec<Vec<Committed>>,
}

/// A step that Solidity took.
pub(super) struct Taken {
    pub(super) post: Checkpoint,
    pub(super) asked: Option<alloy_primitives::Bytes>,
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            evm: Evm::new(),
            inbox: Address::ZERO,
            verifier: Address::ZERO,
            number: 100,
            now: START,
            inputs: MemoryInputs::default(),
            blobs: vec![],
        };
        world.pass(0);
        let config = IInbox::Config {
            sequencer: Address::ZERO,
            forceDelay: FORCE_DELAY,
            forceFee: U256::from(FORCE_FEE),
            minDepositGwei: 100_000,
            gasToken: Address::ZERO,
            bridge: Address::ZERO,
        };
        let artifact = include_str!("../../../contracts/artifacts/Inbox.json");
        world.inbox = world.evm.deploy(artifact, &config.abi_encode());
        let config = IStepVerifier::Config {
            inbox: world.inbox,
            chainId: CONFIG.chain_id,
            gasLimit: CONFIG.gas_limit,
            blockTime: CONFIG.block_time,
            maxWitnessBytes: CONFIG.max_witness_bytes,
        };
        let artifact = include_str!("../../../contracts/artifacts/StepVerifier.json");
        world.verifier = world.evm.deploy(artifact, &config.abi_encode());
        // The constructor's event is not heard by `call`.
        let first = world.call(world.inbox, &IInbox::viewAtCall { index: 0 }, 0, vec![]);
        let first = IInbox::viewAtCall::abi_decode_returns(&first.output).unwrap();
        world.inputs.views.push(first.into());
        world
    }

    /// The next L1 block, so many seconds later.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.number += 1;
        self.now += seconds;
        self.evm.set_block(self.number, self.now, keccak256(self.number.to_be_bytes()));
    }

    pub(super) fn poke(&mut self) {
        self.call(self.inbox, &IInbox::pokeCall {}, 0, vec![]);
    }

    pub(super) fn force(&mut self, raw: &[u8]) {
        let call = IInbox::forceCall { rawTransaction: raw.to_vec().into() };
        self.call(self.inbox, &call, FORCE_FEE, vec![]);
    }

    pub(super) fn deposit(&mut self, to: Address, gwei: u64) {
        self.call(self.inbox, &IInbox::depositCall { to }, gwei * GWEI, vec![]);
    }

    /// Appends the tapes with the lowest or the highest view that the Inbox accepts as the least one.
    pub(super) fn append(&mut self, tapes: &[Vec<u8>], newest_view: bool) {
        let payloads: Vec<_> =
            tapes.iter().map(|tape| Arc::new(Payload::new(tape).unwrap())).collect();
        let blobs: Vec<_> = payloads
            .iter()
            .map(|payload| {
                let mut blob = payload.to_blob();
                // The top byte of an element carries nothing, as long as the element is canonical.
                blob[32] = 0x42;
                Committed::new(&blob)
            })
            .collect();
        let hashes: Vec<_> = blobs.iter().map(|blob| blob.versioned_hash).collect();
        let views = self.inputs.views.len() as u32;
        let mut order: Vec<u32> = (0..=views).collect();
        if newest_view {
            order.reverse();
        }
        let appended = order.into_iter().find_map(|min_view| {
            let call = IInbox::appendCall {
                feeRecipient: Address::repeat_byte(0xfe),
                minView: min_view,
                expectedIndex: 0,
            };
            self.try_call(self.inbox, &call, 0, hashes.clone()).ok()
        });
        assert!(appended.is_some(), "some view can always be the least one");
        self.inputs.batches.last_mut().unwrap().1 = payloads;
        self.blobs.push(blobs);
    }

    pub(super) fn genesis(&mut self, root: B256) -> Checkpoint {
        let call = IStepVerifier::genesisCall { stateRoot: root };
        let done = self.call(self.verifier, &call, 0, vec![]);
        let start: Checkpoint =
            IStepVerifier::genesisCall::abi_decode_returns(&done.output).unwrap().into();
        assert_eq!((start.timestamp, start.batch.0, start.open), (START, 1, false));
        start
    }

    /// `StepVerifier.step`, or why it reverts.
    pub(super) fn step(&mut self, pre: &Checkpoint, proof: &StepProof) -> Result<Taken, String> {
        let call = IStepVerifier::stepCall { pre: (*pre).into(), proof: proof.clone() };
        let done = self.try_call(self.verifier, &call, 0, vec![])?;
        let post = IStepVerifier::stepCall::abi_decode_returns(&done.output).unwrap().into();
        Ok(Taken { post, asked: done.asked })
    }

    fn call(&mut self, to: Address, call: &impl SolCall, value: u64, blobs: Vec<B256>) -> Done {
        self.try_call(to, call, value, blobs).unwrap()
    }

    fn try_call(
        &mut self,
        to: Address,
        call: &impl SolCall,
        value: u64,
        blobs: Vec<B256>,
    ) -> Result<Done, String> {
        let data = call.abi_encode().into();
        let done = self.evm.send(TxKind::Call(to), data, U256::from(value), blobs)?;
        for log in &done.logs {
            self.hear(log);
        }
        Ok(done)
    }

    fn hear(&mut self, log: &alloy_primitives::Log) {
        if let Ok(event) = IInbox::ViewRecorded::decode_log(log) {
            assert_eq!(event.index as usize, self.inputs.views.len());
            self.inputs.views.push(View::from(event.data.data.clone()));
        } else if let Ok(event) = IInbox::BatchAppended::decode_log(log) {
            let batch = Batch::from(event.batch.clone());
            assert_eq!(batch.hash(), event.hash, "both languages hash a batch alike");
            assert_eq!(event.index as usize, self.inputs.batches.len() + 1);
            self.inputs.batches.push((Arc::new(batch), vec![]));
        } else if let Ok(event) = IInbox::Forced::decode_log(log) {
            assert_eq!(keccak256(&event.rawTransaction), event.hash);
            self.inputs.forced.push(event.rawTransaction.clone());
        } else if let Ok(event) = IInbox::Deposited::decode_log(log) {
            let credit = Credit { to: event.to, amountGwei: event.amountGwei };
            self.inputs.deposits.push(credit);
        }
    }
}

/// What a step did, finer than its rule.
pub(super) fn rule_name(taken: &Step) -> &'static str {
    match &taken.plan.rule {
        Rule::Open(_) if taken.plan.read == 0 => "implicit open",
        Rule::Open(_) => "open",
        Rule::Transact(tx) if tx.source != TransactionSource::Tape => "forced",
        Rule::Transact(_) if taken.gas_used == 0 => "no-op",
        Rule::Transact(_) => "tx",
        Rule::Seal(seal) if seal.credits.is_empty() => "seal",
        Rule::Seal(_) => "credits",
        Rule::Skip => "skip",
        Rule::EndOfBlob => "end",
        Rule::Close => "close",
    }
}
