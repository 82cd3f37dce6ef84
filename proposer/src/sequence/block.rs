//! L2 blocks, put together from steps.

use std::sync::Arc;

use alloy_consensus::{Header, Sealable as _};
use alloy_eips::eip4895::{Withdrawal, Withdrawals};
use alloy_primitives::{Address, B256};
use recourse_execution::{Executed, State};
use recourse_node::derivation::Included;
use recourse_protocol::{
    BatchIndex, Checkpoint, L2Config, Rule, Seal, Step, View,
    bindings::{BlockContext, Credit},
    l2_header,
};
use recourse_rpc::MinedBlock;

/// A sealed block with the state after it.
#[derive(Debug, Clone)]
pub struct L2Block {
    /// What JSON-RPC tells.
    pub mined: Arc<MinedBlock>,
    /// The state after the block, as long as it is kept.
    pub state: Option<State>,
    /// The batch that carries it.
    pub batch: BatchIndex,
}

impl L2Block {
    /// Puts a block together. `first_deposit` is the queue index of the first credit.
    #[must_use]
    pub fn new(
        header: Header,
        included: Vec<Included>,
        credits: &[Credit],
        first_deposit: u64,
        state: Option<State>,
        batch: BatchIndex,
    ) -> Self {
        let (transactions, receipts) =
            included.into_iter().map(|tx| (tx.transaction, tx.receipt)).unzip();
        let withdrawals = (first_deposit..).zip(credits).map(withdrawal).collect();
        let mined = MinedBlock::new(
            header.seal_slow(),
            transactions,
            receipts,
            Withdrawals::new(withdrawals),
            None,
        );
        Self { mined: Arc::new(mined), state, batch }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.mined.number()
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.mined.hash()
    }
}

/// Block 0, whose hash the genesis checkpoint carries as parent hash.
#[must_use]
pub fn genesis_block(genesis: &Checkpoint, view: &View, l2: &L2Config, state: State) -> L2Block {
    let block = BlockContext {
        chainId: l2.chain_id,
        number: genesis.number,
        timestamp: genesis.timestamp,
        gasLimit: l2.gas_limit,
        baseFee: genesis.base_fee,
        prevRandao: view.prev_randao,
        coinbase: Address::ZERO,
    };
    let sealed = Checkpoint { parent_hash: B256::ZERO, ..*genesis };
    let header = l2_header(&sealed, &block, view.l1_hash, &[]);
    L2Block::new(header, Vec::new(), &[], 0, Some(state), BatchIndex(0))
}

/// Gathers what the steps of a block did.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    executed: Vec<Executed>,
}

impl Assembler {
    /// Takes in a step; gives the block that it sealed.
    pub(super) fn take(
        &mut self,
        pre: &Checkpoint,
        step: &Step,
        executed: Vec<Executed>,
        state: &State,
    ) -> Option<L2Block> {
        self.executed.extend(executed);
        match &step.plan.rule {
            Rule::Open(_) => {
                self.executed.clear();
                None
            }
            Rule::Seal(seal) => Some(self.seal(pre, &step.post, seal, state)),
            Rule::Transact(_) | Rule::Skip | Rule::EndOfBlob | Rule::Close => None,
        }
    }

    fn seal(&mut self, pre: &Checkpoint, post: &Checkpoint, seal: &Seal, state: &State) -> L2Block {
        let included = std::mem::take(&mut self.executed).into_iter().map(Included::from).collect();
        // The checkpoint's parent hash is this block's own by now.
        let sealed = Checkpoint { parent_hash: pre.parent_hash, ..*post };
        let header = l2_header(&sealed, &seal.block, seal.anchor, &seal.credits);
        let first = pre.deposits_done;
        L2Block::new(header, included, &seal.credits, first, Some(state.clone()), pre.batch)
    }
}

fn withdrawal((index, credit): (u64, &Credit)) -> Withdrawal {
    Withdrawal { index, validator_index: 0, address: credit.to, amount: credit.amountGwei }
}
