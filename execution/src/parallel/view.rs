//! The state as one transaction sees it while others run: revm's database, which remembers what was taken from it.

use std::{
    collections::BTreeMap,
    hint::spin_loop,
    sync::{Arc, atomic::Ordering::Acquire},
    thread::yield_now,
};

use alloy_eips::eip2935;
use alloy_primitives::{
    Address, B256, Bytes, KECCAK256_EMPTY, U256,
    map::{B256Map, Entry},
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

/// A code that a thread has.
struct Loaded {
    code: Bytecode,
    /// The run that counted its bytes last.
    run: u32,
    /// How often it was asked for.
    times: u32,
}

/// So often is a code asked for that is worth a copy: all threads that use the same one count who does, each time.
const OFTEN: u32 = 32;

impl Loaded {
    fn ask(&mut self) {
        self.times = self.times.saturating_add(1);
        if self.times == OFTEN {
            let bytes = Bytes::copy_from_slice(self.code.original_byte_slice());
            let copy = Bytecode::new_raw_checked(bytes).ok();
            if let Some(copy) = copy.filter(|copy| copy.kind() == self.code.kind()) {
                self.code = copy;
            }
        }
    }
}

/// revm's database for the transaction under way.
pub(super) struct View<'a> {
    pub(super) scene: Scene<'a>,
    pub(super) tx: u32,
    pub(super) work: Box<Work>,
    /// For each account: the run that read it last, and where its read lies.
    marks: Vec<(u32, u32)>,
    run: u32,
    codes: B256Map<Loaded>,
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
            work: Box::default(),
            marks: Vec::new(),
            run: 0,
            codes: B256Map::default(),
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

    pub(super) fn seen_mut(&mut self, cell: u32) -> Option<&mut AccountRead> {
        let mark = self.marks.get(usize::try_from(cell).ok()?)?;
        let place = self.place(*mark)?;
        self.work.accounts.get_mut(place)
    }

    /// The transaction took this from an account that it read.
    pub(super) fn need(&mut self, cell: u32, what: u8) {
        if let Some(read) = self.seen_mut(cell) {
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
        let cell = self.scene.space.account_index(address)?;
        Ok((cell, self.read_cell(cell)?))
    }

    /// The account of a cell before the transaction.
    pub(super) fn read_cell(&mut self, cell: u32) -> Result<FlatAccount, Failure> {
        if let Some(read) = self.seen(cell) {
            return Ok(read.seen);
        }
        let (scene, tx) = (self.scene, self.tx);
        let (seen, sequence) = self.patiently(|| scene.space.read_account(scene.flat, cell, tx))?;
        self.note(AccountRead { cell, needs: 0, sequence, seen });
        Ok(seen)
    }

    fn note(&mut self, read: AccountRead) {
        let at = usize::try_from(read.cell).unwrap_or(usize::MAX);
        if self.marks.len() <= at {
            let room = at.saturating_add(1).next_power_of_two();
            self.marks.resize(room, (0, 0));
        }
        let place = u32::try_from(self.work.accounts.len()).unwrap_or(u32::MAX);
        if let Some(mark) = self.marks.get_mut(at) {
            *mark = (self.run, place);
        }
        self.work.accounts.push(read);
    }

    /// The hash of the code of a cell's account before the transaction; nothing else of it is read if it is as before the block.
    pub(super) fn code_of(&mut self, cell: u32) -> Result<B256, Failure> {
        let space = self.scene.space;
        let account = space.accounts.get(cell).ok_or(Failure::Full)?;
        // First: whoever changes the code says so before the versions change.
        let sequence = account.versions.sequence();
        if self.seen(cell).is_some() || space.ever_coded(cell) {
            return self.read_cell(cell).map(|account| account.code_hash);
        }
        let seen = space.base_account(self.scene.flat, account)?.value;
        self.note(AccountRead { cell, needs: needs::CODE_ALONE, sequence, seen });
        Ok(seen.code_hash)
    }

    fn slot(&mut self, cell: u32) -> Result<U256, Failure> {
        let (scene, tx) = (self.scene, self.tx);
        let times = scene.space.disputed(cell);
        let early = if times > 0 { self.let_pass(cell, times)? } else { None };
        let (seen, sequence) = self.patiently(|| scene.space.read_slot(scene.flat, cell, tx))?;
        if let Some((early, cell)) = early.zip(scene.space.slots.get(cell)) {
            let changed = early != Some(seen);
            cell.disputed.waited(changed);
            self.work.waited |= changed;
        }
        self.work.slots.push(SlotRead { cell, sequence, seen });
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
    /// a transaction that nobody took could be the one to take it. Tells what it would have read had it not waited, if it did.
    fn let_pass(&self, slot: u32, times: u32) -> Result<Option<Option<U256>>, Failure> {
        let Scene { space, records, txs, flat, .. } = self.scene;
        let mut early = None;
        let called = |index: u32| {
            let tx = usize::try_from(index).ok().and_then(|index| txs.get(index))?;
            tx.env().map(|env| env.kind)
        };
        for index in space.floor.load(Acquire)..self.tx {
            let record = usize::try_from(index).ok().and_then(|index| records.get(index));
            if record.is_some_and(|record| record.status() == Status::Running)
                && (times > 1 || called(index) == called(self.tx))
            {
                early = early.or_else(|| Some(space.slot(flat, slot, self.tx).ok()));
                self.wait(index)?;
            }
        }
        Ok(early)
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
            account_id: usize::try_from(cell).ok().and_then(AccountId::new),
            ..account.info()
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Failure> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        let run = self.run;
        let loaded = match self.codes.entry(hash) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let code = match self.scene.space.new_code(hash) {
                    Some(code) => code,
                    None => self.scene.flat.code(hash)?,
                };
                place.insert(Loaded { code, run: run.wrapping_sub(1), times: 0 })
            }
        };
        loaded.ask();
        // Several accounts may have it: it is proven once.
        if std::mem::replace(&mut loaded.run, run) != run {
            let len = loaded.code.original_byte_slice().len();
            let len = u64::try_from(len).unwrap_or(u64::MAX);
            self.work.code_bytes = self.work.code_bytes.saturating_add(len);
        }
        Ok(loaded.code.clone())
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
