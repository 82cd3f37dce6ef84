//! Batches whose content follows from their index alone, and the states after them.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, SignableTransaction as _, TxEip1559,
    transaction::Recovered,
};
use alloy_primitives::{Address, B256, Bytes, Log, Signature, U256, keccak256};
use recourse_execution::{Account, State, state::AccountChange, state::Code};
use recourse_node::derivation::{DerivedBatch, DerivedBlock, Included};
use recourse_protocol::{BatchIndex, Checkpoint, bindings::Credit};

/// A batch with its blocks.
pub(crate) type Whole = (DerivedBatch, Vec<Arc<DerivedBlock>>);

/// Accounts that there are at most.
const ACCOUNTS: u64 = 300;

/// What comes out of a hash as a number.
fn number(parts: [u64; 3]) -> u64 {
    let bytes: Vec<u8> = parts.iter().flat_map(|part| part.to_be_bytes()).collect();
    u64::from_be_bytes(keccak256(bytes)[..8].try_into().unwrap())
}

fn address(seed: u64) -> Address {
    Address::from_word(keccak256(seed.to_be_bytes()))
}

/// The state after a batch, from that before it.
pub(crate) fn after(before: &State, batch: u64) -> State {
    let mut changes = BTreeMap::new();
    for at in 0..number([batch, 0, 0]) % 40 {
        let dice = number([batch, at, 1]);
        let owner = address(dice % ACCOUNTS);
        let was = before.account(owner).unwrap();
        let code = Bytes::from(vec![(dice % 7) as u8; 20]);
        let mut account = was.clone().unwrap_or_default();
        account.nonce += 1;
        account.balance = U256::from(dice);
        if dice.is_multiple_of(3) {
            account.code_hash = keccak256(&code);
        }
        let value = |slot: u64| U256::from(number([batch, at, slot]) % 4);
        let slots = (2..2 + dice % 9).map(|slot| (keccak256(slot.to_be_bytes()), value(slot)));
        // An account that ends must have no storage left in these states.
        let ends = dice.is_multiple_of(5) && was.as_ref().is_some_and(|was| was.storage.is_empty());
        let change = AccountChange {
            before: was,
            after: (!ends).then_some(account),
            code: (dice.is_multiple_of(3) && !ends).then(|| Code::new(code)),
            slots: if dice.is_multiple_of(2) && !ends { slots.collect() } else { BTreeMap::new() },
        };
        changes.insert(keccak256(owner), change);
    }
    before.with_changes(changes).unwrap()
}

/// An account that is not touched again.
pub(crate) fn genesis() -> (Checkpoint, State) {
    let account = Account { balance: U256::from(7), ..Account::default() };
    let change =
        AccountChange { before: None, after: Some(account), code: None, slots: BTreeMap::new() };
    let changes = BTreeMap::from([(keccak256("genesis"), change)]);
    let state = State::default().with_changes(changes).unwrap();
    let checkpoint = Checkpoint {
        state_root: state.root(),
        parent_hash: keccak256("genesis block"),
        batch: BatchIndex(1),
        ..Checkpoint::default()
    };
    (checkpoint, state)
}

/// The batch that follows on a checkpoint and leads to a state.
pub(crate) fn batch(pre: &Checkpoint, state: &State) -> Whole {
    let index = pre.batch.0;
    let mut parent = *pre;
    let mut blocks = Vec::new();
    for _ in 0..number([index, 0, 2]) % 3 {
        let block = block(&parent, state, pre.batch);
        parent.number = block.header.number;
        parent.parent_hash = block.hash;
        blocks.push(Arc::new(block));
    }
    let post = Checkpoint { batch: BatchIndex(index + 1), state_root: state.root(), ..parent };
    let hash = keccak256(index.to_be_bytes());
    let batch = DerivedBatch { index: pre.batch, hash, pre: *pre, post, steps: 3, inputs: hash };
    (batch, blocks)
}

fn block(parent: &Checkpoint, state: &State, batch: BatchIndex) -> DerivedBlock {
    let number = parent.number + 1;
    let header = Header {
        number,
        parent_hash: parent.parent_hash,
        state_root: state.root(),
        base_fee_per_gas: Some(9),
        ..Header::default()
    };
    let transactions = (0..number % 3).map(|nonce| included(number, nonce)).collect();
    let credits = vec![Credit { to: address(number), amountGwei: number }];
    let hash = header.hash_slow();
    DerivedBlock { hash, header, transactions, credits, first_deposit: number - 1, batch }
}

fn included(number: u64, nonce: u64) -> Included {
    let tx = TxEip1559 { chain_id: 1, nonce, gas_limit: number, ..TxEip1559::default() };
    let transaction = tx.into_signed(Signature::test_signature()).into();
    let log =
        Log::new_unchecked(address(number), vec![B256::with_last_byte(1)], Bytes::from("data"));
    let receipt = Receipt {
        status: (nonce == 0).into(),
        cumulative_gas_used: 21_000 * (nonce + 1),
        logs: vec![log],
    };
    let logs_bloom = receipt.bloom_slow();
    Included {
        transaction: Recovered::new_unchecked(transaction, address(nonce)),
        receipt: ReceiptEnvelope::Eip1559(ReceiptWithBloom { receipt, logs_bloom }),
    }
}

/// Batches 1 to `count` with their blocks, and the states around them.
#[allow(dead_code, reason = "one of the two tests that share this")]
pub(crate) fn history(count: u64) -> (Vec<Whole>, Vec<State>) {
    let (mut at, state) = genesis();
    let (mut batches, mut states) = (Vec::new(), vec![state]);
    for index in 1..=count {
        let state = after(states.last().unwrap(), index);
        let batch = batch(&at, &state);
        at = batch.0.post;
        batches.push(batch);
        states.push(state);
    }
    (batches, states)
}
