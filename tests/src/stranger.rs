//! Batches that nobody's sequencer made: anybody may append to a based rollup.

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, Bytes, U256};
use recourse_protocol::{Payload, TapeWriter, bindings::IInbox};

use crate::{ITetherLike, Network, Role, traffic::raw_transfer};

impl Network {
    /// Appends one batch with payloads as they are; gives its index.
    ///
    /// # Errors
    /// When the Inbox refuses it.
    pub async fn append(&self, role: Role, payloads: &[Payload]) -> eyre::Result<u64> {
        self.append_obliged(role, payloads, 0).await
    }

    /// Appends one batch at whose end L2 must have served a view of L1; gives its index.
    ///
    /// # Errors
    /// When the Inbox refuses it.
    pub async fn append_obliged(
        &self,
        role: Role,
        payloads: &[Payload],
        min_view: u32,
    ) -> eyre::Result<u64> {
        let wallet = self.l1_wallet(role)?;
        let inbox = self.config().contracts.inbox;
        let call = IInbox::appendCall {
            feeRecipient: wallet.address(),
            minView: min_view,
            expectedIndex: 0,
        };
        let receipt = wallet.transact_with_blobs(inbox, &call, payloads).await?;
        let event = receipt.decoded_log::<IInbox::BatchAppended>();
        event.map(|event| event.index).ok_or_else(|| eyre::eyre!("no event of the batch"))
    }

    /// Appends a batch with one of everything: blocks, transfers, invalid transactions, noise, a second blob.
    ///
    /// # Errors
    /// When the Inbox refuses it.
    pub async fn append_a_bit_of_everything(&self) -> eyre::Result<u64> {
        let stranger = Role::Stranger.signer()?;
        let wallet = self.l1_wallet(Role::Stranger)?;
        let inbox = self.config().contracts.inbox;
        let view = wallet.ask(inbox, &IInbox::viewCountCall {}).await?.saturating_sub(1);
        let now = wallet.now().await?;
        let mut first = TapeWriter::default();
        first.tx(b"no block is open")?;
        first.open(now.saturating_sub(2), view)?;
        for nonce in 0..20 {
            first.tx(&self.transfer(&stranger, nonce)?)?;
        }
        first.tx(&self.transfer(&stranger, 3)?)?; // an old nonce
        first.tx(b"no transaction at all")?;
        first.open(now.saturating_sub(1), view)?;
        first.tx(&self.transfer(&stranger, 20)?)?;
        let mut second = TapeWriter::default();
        second.tx(&self.transfer(&stranger, 21)?)?;
        let mut second = second.into_bytes();
        second.extend([0xff; 40]); // garbage ends the blob
        self.append(Role::Stranger, &[Payload::new(&first.into_bytes())?, Payload::new(&second)?])
            .await
    }

    fn transfer(&self, from: &PrivateKeySigner, nonce: u64) -> eyre::Result<Bytes> {
        let to = Address::left_padding_from(&nonce.saturating_add(0xbeef).to_be_bytes());
        raw_transfer(from, self.config().l2.chain_id, nonce, to, 1_000)
    }

    /// Queues a forced transaction.
    ///
    /// # Errors
    /// When the Inbox refuses it.
    pub async fn force(&self, role: Role, raw: Bytes) -> eyre::Result<()> {
        let call = IInbox::forceCall { rawTransaction: raw };
        let wallet = self.l1_wallet(role)?;
        wallet
            .transact(self.config().contracts.inbox, &call, self.config().limits.force_fee)
            .await
            .map(drop)
    }

    /// Deposits what pays for gas on L2, ether or a token, in gwei of L2, to an account there.
    ///
    /// # Errors
    /// When the token or the Inbox refuses it.
    pub async fn deposit_gas(&self, role: Role, to: Address, gwei: u64) -> eyre::Result<()> {
        let wallet = self.l1_wallet(role)?;
        let inbox = self.config().contracts.inbox;
        let token = wallet.ask(inbox, &IInbox::configCall {}).await?.gasToken;
        if token.is_zero() {
            return self.deposit(role, to, gwei).await;
        }
        let approve = ITetherLike::approveCall { spender: inbox, amount: U256::MAX };
        wallet.transact(token, &approve, U256::ZERO).await?;
        let deposit = IInbox::depositTokenCall { to, amountGwei: gwei };
        wallet.transact(inbox, &deposit, U256::ZERO).await.map(drop)
    }

    /// Deposits ether, in gwei, to an account on L2.
    ///
    /// # Errors
    /// When the Inbox refuses it.
    pub async fn deposit(&self, role: Role, to: Address, gwei: u64) -> eyre::Result<()> {
        let wei = U256::from(gwei).saturating_mul(U256::from(1_000_000_000u64));
        let wallet = self.l1_wallet(role)?;
        wallet
            .transact(self.config().contracts.inbox, &IInbox::depositCall { to }, wei)
            .await
            .map(drop)
    }
}
