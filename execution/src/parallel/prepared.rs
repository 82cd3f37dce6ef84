use alloy_consensus::{Transaction, TxEnvelope};
use alloy_primitives::Address;

use super::job::FlatTx;
use crate::block::{Decoded, Invalid, admit, allow, read, recover};

/// A transaction that is read and has its sender: what can be done before its block, and beside it.
#[derive(Clone, Debug)]
pub struct Prepared(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Signed(Decoded),
    Unsigned(TxEnvelope),
    Unreadable(Invalid),
}

impl Prepared {
    /// Reads a transaction, and finds who signed it. `blobs` says whether the chain has blob transactions.
    #[must_use]
    pub fn new(raw: &[u8], blobs: bool) -> Self {
        Self(match read(raw, blobs) {
            Err(invalid) => Kind::Unreadable(invalid),
            Ok(transaction) => match recover(&transaction) {
                Ok(sender) => Kind::Signed(Decoded { transaction, sender }),
                Err(_) => Kind::Unsigned(transaction),
            },
        })
    }

    /// A transaction whose signer is known. Whoever says so vouches for it.
    #[must_use]
    pub fn signed(transaction: TxEnvelope, sender: Address, blobs: bool) -> Self {
        Self(match allow(&transaction, blobs) {
            Err(invalid) => Kind::Unreadable(invalid),
            Ok(()) => Kind::Signed(Decoded { transaction, sender }),
        })
    }

    pub(super) fn flat(&self) -> FlatTx {
        match &self.0 {
            Kind::Signed(decoded) => FlatTx::Ready(decoded.env()),
            Kind::Unsigned(transaction) => FlatTx::Unsigned { gas_limit: transaction.gas_limit() },
            Kind::Unreadable(invalid) => FlatTx::Unreadable(invalid.clone()),
        }
    }

    /// As it is decoded when it runs.
    pub(crate) fn decoded(self, available: u64) -> Result<Decoded, Invalid> {
        match self.0 {
            Kind::Signed(decoded) => {
                admit(decoded.transaction.gas_limit(), available)?;
                Ok(decoded)
            }
            Kind::Unsigned(transaction) => {
                admit(transaction.gas_limit(), available)?;
                Err(Invalid::Signature)
            }
            Kind::Unreadable(invalid) => Err(invalid),
        }
    }

    /// One that ran.
    pub(super) fn ran(self) -> Option<Decoded> {
        match self.0 {
            Kind::Signed(decoded) => Some(decoded),
            _ => None,
        }
    }
}
