//! Following L1's head.

use std::sync::Arc;

use recourse_protocol::RollupConfig;

use super::{L1State, MirrorError, fold::Fold, records::Records, scan::Scanner};
use crate::{
    l1::{BlockRef, L1Client},
    store::Store,
};

/// Blocks next to the head that are read one by one, by hash. Older ones are read in ranges by number.
const NEAR: u64 = 32;

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
    /// Whether blocks were read in ranges since the contracts' own counters were last compared.
    unverified: bool,
    /// Number of the newest finalized block, as of the cursor.
    finalized: Option<u64>,
    log_range: u64,
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
        let (unverified, finalized) = (true, None);
        Ok(Self { client, config, records, fold, cursor, unverified, finalized, log_range })
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
        let head = self.client.head().await?;
        if !self.unverified && self.cursor == Some(head) {
            return Ok(self.state(head));
        }
        self.leave_dead_branch(&head).await?;
        self.read_ranges(&head).await?;
        self.read_near(&head).await?;
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
    async fn read_near(&mut self, head: &BlockRef) -> Result<(), MirrorError> {
        if self.next() > head.number {
            return Ok(());
        }
        let path = self.scanner().path(self.next(), *head).await?;
        if let (Some(cursor), Some(first)) = (self.cursor, path.first())
            && first.parent_hash != cursor.hash
        {
            return Err(MirrorError::Reorged { number: cursor.number });
        }
        for (block, logs) in self.scanner().blocks(path).await? {
            self.take(&block, &logs)?;
        }
        Ok(())
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
