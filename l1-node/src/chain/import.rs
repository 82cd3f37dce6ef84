//! A chain that is taken up from elsewhere: a genesis file as geth writes it, and a file of RLP blocks one after another.
//! Each block is executed under the rules of its time, and must come out as its header says.

use std::{io, path::Path, path::PathBuf, sync::Arc};

use alloy_consensus::{
    Block, Header, TxEnvelope,
    transaction::{Recovered, SignerRecoverable as _},
};
use alloy_genesis::Genesis;
use alloy_primitives::B256;
use alloy_rlp::Decodable;
use recourse_rpc::{BlockPoint, ChainError, Rejection};

use super::{
    Core, Rules,
    builder::{Builder, Built, Skip},
    clock::Clock,
    transaction::PoolTx,
};

/// Why a chain cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file is no genesis file.
    #[error("{path} is no genesis file")]
    Genesis {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The chain never comes to the rules that this node mines under.
    #[error("the genesis file has no osakaTime: this node mines under Osaka's rules")]
    NoOsaka,
    /// A block is no RLP block.
    #[error("block {index} of the file cannot be decoded")]
    Decode {
        /// Its place in the file, from 0.
        index: usize,
        /// What is wrong.
        #[source]
        source: alloy_rlp::Error,
    },
    /// A block does not follow the one before it.
    #[error("block {number} does not follow: expected parent {expected}, got {got}")]
    Parent {
        /// Its number.
        number: u64,
        /// The head's hash.
        expected: B256,
        /// The parent that it names.
        got: B256,
    },
    /// A block cannot be executed.
    #[error("block {number} cannot be executed")]
    Invalid {
        /// Its number.
        number: u64,
        /// Why.
        #[source]
        source: ChainError,
    },
    /// A block comes out otherwise than its header says.
    #[error("block {number}: {field} differs: the header has {expected}, execution gives {got}")]
    Differs {
        /// Its number.
        number: u64,
        /// What differs first.
        field: &'static str,
        /// The header's.
        expected: String,
        /// Ours.
        got: String,
    },
}

/// Reads a genesis file.
pub(super) fn read_genesis(path: &Path) -> Result<(Genesis, Rules), ImportError> {
    let text = read(path)?;
    let genesis: Genesis = serde_json::from_slice(&text)
        .map_err(|source| ImportError::Genesis { path: path.to_owned(), source })?;
    if genesis.config.osaka_time.is_none() {
        return Err(ImportError::NoOsaka);
    }
    let rules = Rules::of(genesis.config.clone());
    Ok((genesis, rules))
}

impl Core {
    /// Takes in all blocks of a file, oldest first. EXECUTE is there from the next block on.
    pub(super) fn import(&mut self, path: &Path) -> Result<(), ImportError> {
        let bytes = read(path)?;
        let mut rest = bytes.as_slice();
        Arc::make_mut(&mut self.rules).activate_execute(u64::MAX);
        for index in 0.. {
            if rest.is_empty() {
                break;
            }
            let block = Block::<TxEnvelope>::decode(&mut rest)
                .map_err(|source| ImportError::Decode { index, source })?;
            self.import_block(block)?;
        }
        self.go_on_from_import();
        Ok(())
    }

    fn import_block(&mut self, block: Block<TxEnvelope>) -> Result<(), ImportError> {
        let (expected, got) = (self.head_hash(), block.header.parent_hash);
        let number = block.header.number;
        if expected != got || number != self.history().head_number().saturating_add(1) {
            return Err(ImportError::Parent { number, expected, got });
        }
        let header = block.header.clone();
        let built = self.run(block).map_err(|source| ImportError::Invalid { number, source })?;
        compare(&header, built.block.header().inner())?;
        self.adopt(built).map_err(|source| ImportError::Invalid { number, source })?;
        Ok(())
    }

    fn run(&self, block: Block<TxEnvelope>) -> Result<Built, ChainError> {
        let state = self.state(BlockPoint::Pending)?.clone();
        let mut builder = Builder::open(state, block.header, &self.rules)?;
        for tx in block.body.transactions {
            // Frontier took signatures with either s.
            let sender = tx.recover_signer_unchecked().map_err(|_| Rejection::InvalidSender)?;
            let tx = Recovered::new_unchecked(tx, sender);
            let tx = Arc::new(PoolTx { tx, blobs: Vec::new(), impersonated: false });
            builder.add(&tx).map_err(|skip| match skip {
                Skip::Failed(error) => error,
                Skip::Invalid(reason) => reason.into(),
                Skip::Full => ChainError::Refused("the block has too little gas".to_owned()),
            })?;
        }
        builder.add_body(block.body.ommers, block.body.withdrawals)?;
        builder.seal()
    }

    fn head_hash(&self) -> B256 {
        self.head().map_or(B256::ZERO, |head| head.hash())
    }

    /// The next block comes after the newest one in time and has its gas limit.
    fn go_on_from_import(&mut self) {
        let Ok(head) = self.head() else { return };
        let (timestamp, gas_limit) = (head.header().timestamp, head.header().gas_limit);
        let next = head.number().saturating_add(1);
        self.clock = Clock::starting_at(timestamp);
        self.gas_limit = gas_limit;
        Arc::make_mut(&mut self.rules).activate_execute(next);
        tracing::info!(number = next.saturating_sub(1), "took the chain up from a file");
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ImportError> {
    std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })
}

/// Everything that execution makes is in the header, so one hash would do; a person wants to know what differs.
fn compare(given: &Header, made: &Header) -> Result<(), ImportError> {
    let (expected, got) = (given.hash_slow(), made.hash_slow());
    if expected == got {
        return Ok(());
    }
    let fields = [
        ("gasUsed", format!("{:?}", given.gas_used), format!("{:?}", made.gas_used)),
        ("receiptsRoot", given.receipts_root.to_string(), made.receipts_root.to_string()),
        ("stateRoot", given.state_root.to_string(), made.state_root.to_string()),
        ("requestsHash", format!("{:?}", given.requests_hash), format!("{:?}", made.requests_hash)),
        ("header", expected.to_string(), got.to_string()),
    ];
    let differs = fields.into_iter().find(|(_, given, made)| given != made);
    differs.map_or(Ok(()), |(field, expected, got)| {
        Err(ImportError::Differs { number: given.number, field, expected, got })
    })
}
