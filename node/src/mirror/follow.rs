//! Following L1's head.

use std::sync::Arc;

use recourse_protocol::RollupConfig;

use super::{
    L1State, MirrorError,
    fold::Fold,
    proof::Proof,
    records::Records,
    scan::{Read, Scanner},
};
use crate::{
    l1::{BlockRef, Header, L1Client},
    store::Store,
};

/// Blocks next to the head that are read one by one, by hash. Older ones are read in ranges by number.
const NEAR: u64 = 32;
/// How often a block is read before its events are taken for all of them, where the endpoint has no receipts to tell.
const READS_WITHOUT_RECEIPTS: u8 = 3;
/// The same, where it refuses to say without saying that it can't: some minutes.
const READS_REFUSED: u8 = 60;

/// Follows L1's head and keeps what the contracts said up to it. Continuity is by block hash: an answer that does
/// not extend what is known is an error, never a guess.
#[derive(Debug)]
pub struct L1Mirror {
    client: L1Client,
    config: Arc<RollupConfig>,
    records: Records,
    fold: Fold,
    /// The newest block passed.
    cursor: Option<BlockRef>,
    /// The block after the cursor, if not all of its events came, or not for sure.
    doubtful: Option<Doubtful>,
    /// Whether the endpoint refused receipts for so long that it will not have them later either.
    gives_no_receipts: bool,
    /// Whether blocks were read in ranges since the contracts' own counters were last compared.
    unverified: bool,
    /// Number of the newest finalized block, as of the cursor.
    finalized: Option<u64>,
    log_range: u64,
}

/// A block of which events may be missing.
#[derive(Debug, Clone, Copy)]
struct Doubtful {
    header: Header,
    /// How often it was read and nothing could tell.
    unclear: u8,
}

impl L1Mirror {
    /// A mirror that goes on where `store` ends. `log_range`: blocks asked for at once.
    ///
    /// # Errors
    /// [`MirrorError`] when the store can't be read or its events contradict each other.
    pub fn open(
        client: L1Client,
        config: Arc<RollupConfig>,
        store: Arc<dyn Store>,
        log_range: u64,
    ) -> Result<Self, MirrorError> {
        let records = Records(store);
        let fold = match refold(&config, &records) {
            // What was stored can't be right: read it again.
            Err(MirrorError::Inconsistent { .. }) => {
                records.truncate(None)?;
                Fold::new(&config, records.0.clone())
            }
            fold => fold?,
        };
        let cursor = records.newest()?;
        Ok(Self {
            client,
            config,
            records,
            fold,
            cursor,
            doubtful: None,
            gives_no_receipts: false,
            unverified: true,
            finalized: None,
            log_range,
        })
    }

    /// Catches up with L1's head.
    ///
    /// # Errors
    /// [`MirrorError`]. After one of severity `Reset` the mirror has gone back to what still stands; call again.
    pub async fn sync(&mut self) -> Result<L1State, MirrorError> {
        let result = self.try_sync().await;
        if let Err(MirrorError::Inconsistent { .. }) = &result {
            // Nothing tells which answer was wrong: read everything again.
            self.go_back(None)?;
        }
        result
    }

    async fn try_sync(&mut self) -> Result<L1State, MirrorError> {
        let header = self.client.head_header().await?;
        let head = header.block;
        if !self.unverified && self.cursor == Some(head) {
            return Ok(self.state(head));
        }
        self.leave_dead_branch(&head).await?;
        self.read_doubtful().await?;
        self.read_ranges(&head).await?;
        self.read_near(header).await?;
        if self.unverified {
            let cursor = self.cursor.unwrap_or(head);
            self.scanner().compare_counters(&self.fold, &cursor).await?;
            self.unverified = false;
        }
        self.finalized = self.client.finalized().await?.map(|block| block.number);
        Ok(self.state(head))
    }

    fn state(&self, head: BlockRef) -> L1State {
        // A head that lags behind the cursor is an older one of the same chain.
        let head = self.cursor.filter(|cursor| cursor.number > head.number).unwrap_or(head);
        let mut game = self.fold.game.clone();
        game.now = head.timestamp;
        L1State {
            head,
            finalized: self.finalized,
            inbox: self.fold.inbox.clone(),
            game: Arc::new(game),
        }
    }

    /// Goes back to the newest known block that L1 still has, if that is not the cursor.
    async fn leave_dead_branch(&mut self, head: &BlockRef) -> Result<(), MirrorError> {
        let Some(cursor) = self.cursor else { return Ok(()) };
        if cursor.hash == head.hash {
            return Ok(());
        }
        let mut known = self.records.blocks()?;
        while let Some(block) = known.pop() {
            // Beyond the endpoint's head nothing can be compared: it may lag, or the chain may have shrunk. The
            // next block that it has will tell.
            if block.number > head.number {
                continue;
            }
            let canonical = self.client.block(block.number).await?;
            if canonical.is_some_and(|canonical| canonical.hash == block.hash) {
                let stands = block.number == cursor.number || cursor.number > head.number;
                return if stands { Ok(()) } else { self.rolled_back(Some(block.number), cursor) };
            }
        }
        self.rolled_back(None, cursor)
    }

    fn rolled_back(&mut self, to: Option<u64>, from: BlockRef) -> Result<(), MirrorError> {
        self.go_back(to)?;
        tracing::warn!(from = from.number, to, "L1 was reorganised");
        Ok(())
    }

    fn go_back(&mut self, to: Option<u64>) -> Result<(), MirrorError> {
        self.records.truncate(to)?;
        self.fold = refold(&self.config, &self.records)?;
        self.cursor = self.records.newest()?;
        self.unverified |= to.is_none();
        Ok(())
    }

    /// Reads all that lies more than [`NEAR`] blocks back.
    async fn read_ranges(&mut self, head: &BlockRef) -> Result<(), MirrorError> {
        let last = head.number.saturating_sub(NEAR);
        let mut range = self.log_range.max(1);
        while self.next() <= last {
            let from = self.next();
            let to = from.saturating_add(range.saturating_sub(1)).min(last);
            match self.scanner().range(from, to).await {
                Ok((block, logs)) => self.take(&block, &logs)?,
                // Too many events at once for this endpoint, or something that a single block will show too.
                Err(error) if is_refusal(&error) && range > 1 => range /= 2,
                Err(error) => return Err(error),
            }
            self.unverified = true;
        }
        Ok(())
    }

    /// Reads the rest, block by block, each the child of the one before.
    async fn read_near(&mut self, head: Header) -> Result<(), MirrorError> {
        if self.next() > head.block.number {
            return Ok(());
        }
        let path = self.scanner().path(self.next(), head).await?;
        if let (Some(cursor), Some(first)) = (self.cursor, path.first())
            && first.block.parent_hash != cursor.hash
        {
            return Err(MirrorError::Reorged { number: cursor.number });
        }
        self.read_path(path).await
    }

    /// Reads the doubtful block again, if L1 still has it: no range may pass over it.
    async fn read_doubtful(&mut self) -> Result<(), MirrorError> {
        let Some(Doubtful { header, .. }) = self.doubtful else { return Ok(()) };
        let block = header.block;
        let next = self.next() == block.number
            && self.cursor.is_none_or(|cursor| cursor.hash == block.parent_hash);
        let stands = |canonical: BlockRef| canonical.hash == block.hash;
        if next && self.client.block(block.number).await?.is_some_and(stands) {
            return self.read_path(vec![header]).await;
        }
        self.doubtful = None;
        Ok(())
    }

    /// Takes these blocks up to the first of which events may be missing.
    async fn read_path(&mut self, path: Vec<Header>) -> Result<(), MirrorError> {
        for read in self.scanner().blocks(path).await? {
            self.judge(&read)?;
            self.take(&read.header.block, &read.logs)?;
        }
        Ok(())
    }

    /// Whether the events of a block may be taken for all of them.
    fn judge(&mut self, read: &Read) -> Result<(), MirrorError> {
        let (header, number) = (read.header, read.header.block.number);
        let known = self.doubtful.filter(|known| known.header.block.hash == header.block.hash);
        let before = known.map_or(0, |known| known.unclear);
        let (unclear, most) = match read.proof {
            Proof::Whole => {
                self.doubtful = None;
                return Ok(());
            }
            Proof::Incomplete => (before, u8::MAX),
            Proof::Unclear => (before.saturating_add(1), READS_WITHOUT_RECEIPTS),
            Proof::Refused if self.gives_no_receipts => {
                (before.saturating_add(1), READS_WITHOUT_RECEIPTS)
            }
            Proof::Refused => (before.saturating_add(1), READS_REFUSED),
        };
        if unclear >= most {
            self.gives_no_receipts = true;
            tracing::warn!(
                number,
                "no receipts tell whether all events of a block came: taken as they are"
            );
            self.doubtful = None;
            return Ok(());
        }
        self.doubtful = Some(Doubtful { header, unclear });
        Err(MirrorError::Incomplete { number })
    }

    fn take(&mut self, block: &BlockRef, logs: &[super::LogRecord]) -> Result<(), MirrorError> {
        for log in logs {
            self.fold.apply(log)?;
        }
        self.records.append(block, logs)?;
        self.cursor = Some(*block);
        Ok(())
    }

    /// Number of the next block to read.
    fn next(&self) -> u64 {
        let deployed = self.config.contracts.deploy_block;
        self.cursor.map_or(deployed, |cursor| cursor.number.saturating_add(1))
    }

    fn scanner(&self) -> Scanner<'_> {
        Scanner { client: &self.client, contracts: self.config.contracts }
    }
}

fn refold(config: &RollupConfig, records: &Records) -> Result<Fold, MirrorError> {
    let mut fold = Fold::new(config, records.0.clone());
    for log in records.logs()? {
        fold.apply(&log)?;
    }
    Ok(fold)
}

const fn is_refusal(error: &MirrorError) -> bool {
    matches!(error, MirrorError::L1(crate::l1::L1Error::Refused { .. }))
}
