//! The state as one transaction sees it while others run: revm's database, which remembers what was taken from it.

use std::{
    collections::BTreeMap,
    hint::spin_loop,
    sync::{
        Arc,
        atomic::Ordering::{Acquire, Relaxed},
    },
    thread::yield_now,
};

use alloy_eips::eip2935;
use alloy_primitives::{
    Address, B256, KECCAK256_EMPTY, U256,
    map::{Entry, HashMap},
};
use revm::{
    Database,
    state::{AccountId, AccountInfo, Bytecode},
};

use super::{
    flat::{FlatAccount, FlatState},
    job::FlatTx,
    record::{AccountRead, Record, SlotRead, Status, Work, needs},
    space::{Blocked, Failure, Space},
};
use crate::{
    error::StateError,
    evm::{StorageKnown, history_slot, is_recent},
};

/// How long a thread waits for another before it lets others use its core, in turns of a loop.
const PATIENCE: u32 = 2_000;

/// What all views of a block have in common.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) space: &'a Space,
    pub(super) records: &'a [Record],
    pub(super) flat: &'a dyn FlatState,
    pub(super) txs: &'a [FlatTx],
    pub(super) number: u64,
    pub(super) ancestors: Option<&'a Arc<BTreeMap<u64, B256>>>,
}

/// revm's database for the transaction under way.
pub(super) struct View<'a> {
    pub(super) scene: Scene<'a>,
    pub(super) tx: u32,
    pub(super) work: Work,
    /// For each account: the run that read it last, and where its read lies.
    marks: Vec<(u32, u32)>,
    run: u32,
    /// With the run that counted its bytes last.
    codes: HashMap<B256, (Bytecode, u32)>,
    /// What `BLOCKHASH` has read: it takes little gas, and revm remembers nothing of it.
    hashes: BTreeMap<u64, B256>,
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("tx", &self.tx).finish_non_exhaustive()
    }
}

impl<'a> View<'a> {
    pub(super) fn new(scene: Scene<'a>) -> Self {
        Self {
            scene,
            tx: 0,
            work: Work::default(),
            marks: Vec::new(),
            run: 0,
            codes: HashMap::default(),
            hashes: BTreeMap::new(),
        }
    }

    /// A transaction begins.
    pub(super) fn begin(&mut self, tx: u32) {
        self.tx = tx;
        self.work.clear();
        self.work.since = self.scene.space.floor.load(Acquire);
        self.hashes.clear();
        self.run = self.run.wrapping_add(1);
    }

    /// What the transaction read of an account, if it did.
    pub(super) fn seen(&self, cell: u32) -> Option<&AccountRead> {
        let mark = self.marks.get(usize::try_from(cell).ok()?)?;
        self.work.accounts.get(self.place(*mark)?)
    }

    /// The transaction took this from an account that it read.
    pub(super) fn need(&mut self, cell: u32, what: u8) {
        let mark = usize::try_from(cell).ok().and_then(|cell| self.marks.get(cell)).copied();
        let place = mark.and_then(|mark| self.place(mark));
        if let Some(read) = place.and_then(|place| self.work.accounts.get_mut(place)) {
            read.needs |= what;
        }
    }

    /// As [`View::need`], for an account that was not read if it is not known.
    pub(super) fn need_of(&mut self, address: Address, what: u8) {
        if let Some(cell) = self.scene.space.accounts.find(&address) {
            self.need(cell, what);
        }
    }

    fn place(&self, (run, place): (u32, u32)) -> Option<usize> {
        (run == self.run).then(|| usize::try_from(place).ok()).flatten()
    }

    /// The account before the transaction.
    fn read(&mut self, address: Address) -> Result<(u32, FlatAccount), Failure> {
        let scene = self.scene;
        let cell = scene.space.account_index(address)?;
        if let Some(read) = self.seen(cell) {
            return Ok((cell, read.seen));
        }
        let tx = self.tx;
        let seen = self.patiently(|| scene.space.account(scene.flat, cell, tx))?;
        let at = usize::try_from(cell).unwrap_or(usize::MAX);
        if self.marks.len() <= at {
            let room = at.saturating_add(1).next_power_of_two();
            self.marks.resize(room, (0, 0));
        }
        let place = u32::try_from(self.work.accounts.len()).unwrap_or(u32::MAX);
        if let Some(mark) = self.marks.get_mut(at) {
            *mark = (self.run, place);
        }
        self.work.accounts.push(AccountRead { cell, needs: 0, seen });
        Ok((cell, seen))
    }

    fn slot(&mut self, cell: u32) -> Result<U256, Failure> {
        let (scene, tx) = (self.scene, self.tx);
        let disputed = scene.space.slots.get(cell).map(|cell| cell.disputed.load(Relaxed));
        if let Some(times) = disputed.filter(|times| *times > 0) {
            self.let_pass(times)?;
        }
        let seen = self.patiently(|| scene.space.slot(scene.flat, cell, tx))?;
        self.work.slots.push(SlotRead { cell, seen });
        Ok(seen)
    }

    /// Reads again until nobody is in the way. The first transaction that is not committed never waits, so that all come on.
    fn patiently<T>(&self, mut read: impl FnMut() -> Result<T, Blocked>) -> Result<T, Failure> {
        loop {
            if self.scene.space.is_stopped() {
                return Err(Failure::Stopped);
            }
            match read() {
                Ok(value) => return Ok(value),
                Err(Blocked::Failed(failure)) => return Err(failure),
                Err(Blocked::By(other)) => self.wait(other)?,
            }
        }
    }

    /// Waits for transactions before this one that are under way and may write a slot over which some had to run again: those
    /// that call the same contract, and all when it happened more than once. Only for what a thread is at: whoever waits for
    /// a transaction that nobody took could be the one to take it.
    fn let_pass(&self, times: u32) -> Result<(), Failure> {
        let Scene { space, records, txs, .. } = self.scene;
        let called = |index: u32| {
            let tx = usize::try_from(index).ok().and_then(|index| txs.get(index))?;
            tx.env().map(|env| env.kind)
        };
        for index in space.floor.load(Acquire)..self.tx {
            let record = usize::try_from(index).ok().and_then(|index| records.get(index));
            if record.is_some_and(|record| record.status() == Status::Running)
                && (times > 1 || called(index) == called(self.tx))
            {
                self.wait(index)?;
            }
        }
        Ok(())
    }

    /// Until another transaction ran.
    fn wait(&self, other: u32) -> Result<(), Failure> {
        let record = usize::try_from(other).ok().and_then(|other| self.scene.records.get(other));
        let mut turns = 0_u32;
        while record.is_some_and(|record| record.status() < Status::Done) {
            if self.scene.space.is_stopped() {
                return Err(Failure::Stopped);
            }
            turns = turns.saturating_add(1);
            if turns > PATIENCE { yield_now() } else { spin_loop() }
        }
        Ok(())
    }
}

impl Database for View<'_> {
    type Error = Failure;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Failure> {
        let (cell, seen) = self.read(address)?;
        Ok(seen.existing().map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            account_id: usize::try_from(cell).ok().and_then(AccountId::new),
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Failure> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        let run = self.run;
        let (code, counted) = match self.codes.entry(hash) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let code = match self.scene.space.new_code(hash) {
                    Some(code) => code,
                    None => self.scene.flat.code(hash)?,
                };
                place.insert((code, run.wrapping_sub(1)))
            }
        };
        // Several accounts may have it: it is proven once.
        if std::mem::replace(counted, run) != run {
            let len = u64::try_from(code.original_byte_slice().len()).unwrap_or(u64::MAX);
            self.work.code_bytes = self.work.code_bytes.saturating_add(len);
        }
        Ok(code.clone())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Failure> {
        let (account, _) = self.read(address)?;
        let cell = self.scene.space.slot_index(account, slot)?;
        self.slot(cell)
    }

    fn storage_by_account_id(
        &mut self,
        address: Address,
        account: AccountId,
        slot: U256,
    ) -> Result<U256, Failure> {
        match u32::try_from(account.get()) {
            Ok(account) => {
                let cell = self.scene.space.slot_index(account, slot)?;
                self.slot(cell)
            }
            Err(_) => self.storage(address, slot),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Failure> {
        if !is_recent(self.scene.number, number) {
            return Ok(B256::ZERO);
        }
        if let Some(ancestors) = self.scene.ancestors {
            let known = ancestors.get(&number).copied();
            return known.ok_or(StateError::MissingAncestor(number).into());
        }
        if let Some(hash) = self.hashes.get(&number) {
            return Ok(*hash);
        }
        let hash = self.storage(eip2935::HISTORY_STORAGE_ADDRESS, history_slot(number))?.into();
        self.hashes.insert(number, hash);
        Ok(hash)
    }
}

impl StorageKnown for View<'_> {
    fn has_storage(&mut self, address: Address) -> Result<bool, Failure> {
        let (cell, seen) = self.read(address)?;
        self.need(cell, needs::STORAGE | needs::NONCE);
        Ok(seen.has_storage)
    }
}
