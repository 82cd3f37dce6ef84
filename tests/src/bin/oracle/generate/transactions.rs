//! The transactions of a block.

use alloy::eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use recourse_execution::{State, StateExecutor};
use recourse_protocol::{Executor, TxPosition};

use super::{
    CHAIN,
    author::Author,
    cast::Cast,
    delegation::authorizations,
    dice::Dice,
    draft::{Draft, Kind},
    invalid::spoiled,
};
use crate::case::Case;

/// At most so many in a block.
const MOST: u64 = 10;

/// Adds transactions. Our executor runs along, so that they have the nonces that are due.
///
/// # Errors
/// When it breaks.
pub(super) fn fill(dice: &mut Dice, cast: &Cast, case: &mut Case) -> eyre::Result<()> {
    let (block, opening) = (case.context(), case.body().opening.unwrap_or_default());
    let mut engine = StateExecutor::new(case.state()?, case.schedule(), u32::MAX);
    engine.open(engine.state().root(), &block, opening.parent_hash, opening.anchor)?;
    let mut position = TxPosition::default();
    let mut blobs = case.blobs;
    for _ in 0..dice.within(1, MOST) {
        let mut writer = Writer { dice, cast, case, state: engine.state().clone(), blobs };
        let raw = writer.transaction()?;
        blobs = writer.blobs;
        let _ = engine.transact(engine.state().root(), &block, position, &raw)?;
        position = engine.take_runs().iter().fold(position, |position, run| run.after(position));
        case.transactions.push(raw);
    }
    Ok(())
}

/// Writes one transaction.
struct Writer<'a> {
    dice: &'a mut Dice,
    cast: &'a Cast,
    case: &'a Case,
    state: State,
    /// Whether one with blobs may still come: one is in the limits of any block.
    blobs: bool,
}

impl Writer<'_> {
    fn transaction(&mut self) -> eyre::Result<Bytes> {
        let key = self.cast.key(self.dice)?;
        let sender = key.address();
        let mut draft = self.draft(sender)?;
        match self.dice.below(100) {
            0..=37 => draft.to = self.dice.pick(&self.cast.contracts).into(),
            38..=55 => self.creation(&mut draft),
            56..=66 => self.transfer(&mut draft),
            67..=78 => {
                let authorizations = authorizations(self.dice, self.cast, &self.state, sender)?;
                draft.kind = Kind::Eip7702 { authorizations };
            }
            79 => draft.kind = Kind::Eip7702 { authorizations: Vec::new() },
            80..=84 => self.large(&mut draft),
            85..=88 if self.blobs => self.blob(&mut draft),
            _ => return spoiled(self.dice, self.cast, draft),
        }
        draft.sign(&key, |signature| signature)
    }

    /// A call of anybody, with what all kinds have.
    fn draft(&mut self, sender: Address) -> eyre::Result<Draft> {
        let base_fee: u64 = self.case.block.base_fee.to();
        let tip = self.dice.below(10);
        let words = self.dice.below(4);
        let input: Vec<u8> =
            (0..words).flat_map(|_| self.dice.word().to_be_bytes::<32>()).collect();
        Ok(Draft {
            chain_id: CHAIN,
            nonce: self.state.account(sender)?.map_or(0, |account| account.nonce),
            gas_limit: self.gas(),
            // Room for the whole tip.
            fee: base_fee.saturating_add(self.dice.within(tip, 20)).into(),
            tip: tip.into(),
            to: self.dice.pick(&self.cast.names).into(),
            value: U256::from(if self.dice.percent(60) { 0 } else { self.dice.below(5) }),
            input: input.into(),
            access_list: self.access_list(),
            kind: match self.dice.below(6) {
                0 => Kind::Legacy { protected: false },
                1 => Kind::Legacy { protected: true },
                2 => Kind::Eip2930,
                _ => Kind::Eip1559,
            },
        })
    }

    fn gas(&mut self) -> u64 {
        match self.dice.below(10) {
            0 => self.dice.within(21_000, 90_000),
            1..=7 => self.dice.within(200_000, 1_000_000),
            _ => self.dice.within(1_000_000, 2_000_000),
        }
    }

    fn access_list(&mut self) -> AccessList {
        if self.dice.percent(60) {
            return AccessList::default();
        }
        let items = (0..self.dice.below(4)).map(|_| {
            let slots = self.dice.below(4);
            let slots: Vec<U256> = (0..slots).map(|_| self.dice.pick(&self.cast.slots)).collect();
            AccessListItem {
                address: self.dice.pick(&self.cast.names),
                storage_keys: slots.into_iter().map(B256::from).collect(),
            }
        });
        AccessList(items.collect())
    }

    /// By a code that others create with too, or by one of its own.
    fn creation(&mut self, draft: &mut Draft) {
        draft.to = TxKind::Create;
        draft.input = if self.dice.percent(30) {
            let library = self.cast.init(self.dice);
            self.state.code_at(library).unwrap_or_default()
        } else {
            Author::new(self.dice, self.cast).init()
        };
        draft.gas_limit = draft.gas_limit.max(self.dice.within(50_000, 300_000));
    }

    fn transfer(&mut self, draft: &mut Draft) {
        draft.input = Bytes::new();
        draft.value = U256::from(self.dice.below(1_000_000));
        draft.gas_limit = self.dice.pick(&[21_000, 21_001, 30_000, 100_000, 1 << 24]);
    }

    /// Calldata that costs more by the floor (EIP-7623) than by what is done with it.
    fn large(&mut self, draft: &mut Draft) {
        let length = self.dice.below(6_000);
        let mut input = self.dice.bytes(length);
        let zeros = self.dice.below(100);
        input.iter_mut().for_each(|byte| {
            if self.dice.percent(zeros) {
                *byte = 0;
            }
        });
        draft.input = input.into();
        draft.gas_limit = self.dice.within(20_000, 400_000);
    }

    /// Of blobs that nobody sees; at times more than there may be, or with hashes of another version.
    fn blob(&mut self, draft: &mut Draft) {
        let version = if self.dice.percent(90) { 1 } else { 2 };
        let hashes = (0..self.dice.below(8)).map(|_| {
            let mut hash = B256::from_slice(&self.dice.bytes(32));
            hash.0[0] = version;
            hash
        });
        draft.kind = Kind::Eip4844 { hashes: hashes.collect(), blob_fee: 1 };
        if let Kind::Eip4844 { blob_fee, .. } = &mut draft.kind {
            *blob_fee = self.dice.below(4).into();
        }
        self.blobs = false;
    }
}
