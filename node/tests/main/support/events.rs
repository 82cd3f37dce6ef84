//! What the contracts emit, as they would.

use alloy::sol_types::SolEvent;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use recourse_protocol::{Batch, View, ViewIndex, bindings::IInbox};

use super::{Chain, FakeLog};

/// The Inbox as its events see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Events {
    views: u32,
    batches: u64,
    last_batch: B256,
    forced: u64,
    deposits: u64,
    /// Queue ends at the end of the last block that wrote one.
    pub(crate) ended: (u64, u64),
}

impl Events {
    /// A view that the next block records.
    pub(crate) fn view(&mut self, chain: &Chain) -> FakeLog {
        let head = chain.head();
        let view = View {
            l1_hash: head.hash,
            l1_number: head.number,
            l1_timestamp: chain.next_timestamp(),
            prev_randao: keccak256(head.hash),
            deposits_end: self.ended.0,
            forced_end: self.ended.1,
        };
        let event = IInbox::ViewRecorded { index: self.views, data: view.into() };
        self.views += 1;
        of_inbox(chain, event.encode_log_data())
    }

    /// A batch, with the view that it records.
    pub(crate) fn batch(
        &mut self,
        chain: &Chain,
        versioned_hashes: Vec<B256>,
        min_view: u32,
    ) -> Vec<FakeLog> {
        let view = self.view(chain);
        let batch = Batch {
            previous: self.last_batch,
            l1_hash: chain.head().hash,
            versioned_hashes,
            fee_recipient: Address::repeat_byte(0xfe),
            l1_timestamp: chain.next_timestamp(),
            view_count: self.views,
            min_view: ViewIndex(min_view),
        };
        self.batches += 1;
        self.last_batch = batch.hash();
        let (index, hash) = (self.batches, batch.hash());
        let event = IInbox::BatchAppended { index, hash, batch: batch.into() };
        vec![view, of_inbox(chain, event.encode_log_data())]
    }

    pub(crate) fn forced(&mut self, chain: &Chain, raw: &[u8]) -> FakeLog {
        let event = IInbox::Forced {
            index: self.forced,
            hash: keccak256(raw),
            rawTransaction: Bytes::copy_from_slice(raw),
        };
        self.forced += 1;
        of_inbox(chain, event.encode_log_data())
    }

    pub(crate) fn deposit(&mut self, chain: &Chain, to: Address, gwei: u64) -> FakeLog {
        let event = IInbox::Deposited { index: self.deposits, from: to, to, amountGwei: gwei };
        self.deposits += 1;
        of_inbox(chain, event.encode_log_data())
    }

    /// A block was mined with what was queued: views after it see it.
    pub(crate) fn queued(&mut self) {
        self.ended = (self.deposits, self.forced);
    }
}

fn of_inbox(chain: &Chain, data: alloy_primitives::LogData) -> FakeLog {
    FakeLog { address: chain.rollup.contracts.inbox, data }
}
