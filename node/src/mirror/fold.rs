//! What a list of events says.

use std::{collections::BTreeMap, sync::Arc};

use recourse_protocol::{
    BatchIndex, CheckpointHash, Content, ContentHash, Contracts, Game, RollupConfig,
    genesis_content,
};

use super::{LogRecord, MirrorError, fold_game, fold_inbox};
use crate::{inbox::InboxSnapshot, store::Store};

/// The two contracts' state, as events made it.
#[derive(Debug, Clone)]
pub(super) struct Fold {
    pub(super) inbox: InboxSnapshot,
    pub(super) game: Game,
    contracts: Contracts,
}

impl Fold {
    /// Before the first event.
    pub(super) fn new(config: &RollupConfig, archive: Arc<dyn Store>) -> Self {
        let checkpoint = config.genesis.checkpoint.h248();
        let genesis = genesis_content(checkpoint);
        Self {
            inbox: InboxSnapshot::empty(archive),
            game: Game {
                now: config.genesis.checkpoint.timestamp,
                periods: config.periods,
                limits: config.limits,
                tip: genesis,
                contents: BTreeMap::from([(genesis, genesis_of(checkpoint))]),
                attempts: BTreeMap::new(),
                truths: BTreeMap::new(),
            },
            contracts: config.contracts,
        }
    }

    /// Takes in the next event.
    pub(super) fn apply(&mut self, log: &LogRecord) -> Result<(), MirrorError> {
        if log.address == self.contracts.inbox {
            fold_inbox::apply(&mut self.inbox, log)
        } else if log.address == self.contracts.rollup {
            fold_game::apply(&mut self.game, log)
        } else {
            Ok(())
        }
    }
}

fn genesis_of(checkpoint: CheckpointHash) -> Content {
    Content {
        parent: ContentHash::default(),
        batch: BatchIndex(0),
        batch_hash: alloy_primitives::B256::ZERO,
        checkpoint,
        steps: 0,
        confirmed: true,
        contradicted: false,
        voided: false,
    }
}
