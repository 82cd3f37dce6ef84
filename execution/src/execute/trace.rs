use std::borrow::Cow;

use alloy_primitives::{Address, B256, Bytes};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit, Trace},
};

use super::{ExecuteError, abi::Encoding};
use crate::block::{Opening, Parts};

/// A [`Trace`] of which all that can be long lies where it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TraceView<'a> {
    pub(super) context: BlockContext,
    pub(super) opens: bool,
    parent_hash: B256,
    anchor: B256,
    seals: bool,
    credits: Cow<'a, [Credit]>,
    gas_used_before: u64,
    receipt_digest_before: B256,
    pub(super) receipt_digest_after: B256,
    transactions: Vec<&'a [u8]>,
    pub(super) max_witness_bytes: u32,
    pub(super) witness: &'a [u8],
    pointers: Cow<'a, [Address]>,
}

impl<'a> TraceView<'a> {
    /// Reads the canonical ABI encoding of a trace.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, ExecuteError> {
        let trace = Self::read(bytes).ok_or(ExecuteError::Trace)?;
        if !trace.seals && !trace.credits.is_empty() {
            return Err(ExecuteError::CreditsWithoutSeal);
        }
        Ok(trace)
    }

    /// The fields in the order of [`Trace`]: first the head, then what its offsets point to.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut argument = Encoding::new(bytes);
        let offset = argument.length()?;
        argument.is_at(offset)?;
        let mut trace = argument.inner();
        let context = context(&mut trace)?;
        let (opens, parent_hash) = (trace.boolean()?, trace.bytes32()?);
        let (anchor, seals) = (trace.bytes32()?, trace.boolean()?);
        let credits_at = trace.length()?;
        let gas_used_before = trace.uint64()?;
        let (receipt_digest_before, receipt_digest_after) = (trace.bytes32()?, trace.bytes32()?);
        let transactions_at = trace.length()?;
        let max_witness_bytes = trace.uint32()?;
        let (witness_at, pointers_at) = (trace.length()?, trace.length()?);

        trace.is_at(credits_at)?;
        let credits = trace.array(credit)?.into();
        trace.is_at(transactions_at)?;
        let transactions = trace.bytes_array()?;
        trace.is_at(witness_at)?;
        let witness = trace.bytes()?;
        trace.is_at(pointers_at)?;
        let pointers = trace.array(Encoding::address)?.into();
        trace.end()?;
        Some(Self {
            context,
            opens,
            parent_hash,
            anchor,
            seals,
            credits,
            gas_used_before,
            receipt_digest_before,
            receipt_digest_after,
            transactions,
            max_witness_bytes,
            witness,
            pointers,
        })
    }

    /// The bytes of the witness: the inline ones, then those pointed to.
    pub(super) fn witness_bytes(
        &self,
        code_of: &dyn Fn(Address) -> Option<Bytes>,
    ) -> Result<Cow<'a, [u8]>, ExecuteError> {
        let mut bytes = Cow::Borrowed(self.witness);
        for pointer in self.pointers.iter() {
            let code = code_of(*pointer).unwrap_or_default();
            match code.split_first() {
                Some((0, part)) => bytes.to_mut().extend_from_slice(part),
                _ => return Err(ExecuteError::Pointer(*pointer)),
            }
        }
        Ok(bytes)
    }

    /// Where its transactions start.
    pub(super) fn start(&self) -> TxPosition {
        TxPosition {
            gas_used_before: self.gas_used_before,
            receipt_digest_before: self.receipt_digest_before,
        }
    }

    pub(super) fn parts(&self) -> Parts<'_> {
        let opening = Opening { parent_hash: self.parent_hash, anchor: self.anchor };
        Parts {
            opening: self.opens.then_some(opening),
            transactions: self.transactions.clone(),
            credits: self.seals.then_some(&self.credits),
        }
    }
}

fn context(head: &mut Encoding<'_>) -> Option<BlockContext> {
    Some(BlockContext {
        chainId: head.uint64()?,
        number: head.uint64()?,
        timestamp: head.uint64()?,
        gasLimit: head.uint64()?,
        baseFee: head.uint256()?,
        prevRandao: head.bytes32()?,
        coinbase: head.address()?,
    })
}

fn credit(words: &mut Encoding<'_>) -> Option<Credit> {
    Some(Credit { to: words.address()?, amountGwei: words.uint64()? })
}

impl<'a> From<&'a Trace> for TraceView<'a> {
    fn from(trace: &'a Trace) -> Self {
        Self {
            context: trace.context.clone(),
            opens: trace.opens,
            parent_hash: trace.parentHash,
            anchor: trace.anchor,
            seals: trace.seals,
            credits: (&trace.credits[..]).into(),
            gas_used_before: trace.gasUsedBefore,
            receipt_digest_before: trace.receiptDigestBefore,
            receipt_digest_after: trace.receiptDigestAfter,
            transactions: trace.transactions.iter().map(|raw| &raw[..]).collect(),
            max_witness_bytes: trace.maxWitnessBytes,
            witness: &trace.witness,
            pointers: (&trace.pointers[..]).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::arithmetic_side_effects,
        reason = "offsets in short byte strings; a test may fail loudly"
    )]

    use alloy_primitives::{U256, keccak256};
    use alloy_sol_types::SolValue;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn trace() -> impl Strategy<Value = Trace> {
        let lists = (
            vec((any::<[u8; 20]>(), any::<u64>()), 0..3),
            vec(vec(any::<u8>(), 0..70), 0..4),
            vec(any::<[u8; 20]>(), 0..3),
            vec(any::<u8>(), 0..70),
        );
        (any::<[u64; 6]>(), any::<[bool; 2]>(), lists).prop_map(
            |(numbers, [opens, seals], lists)| {
                let [a, b, c, d, e, f] = numbers;
                let hash = |number: u64| keccak256(number.to_be_bytes());
                let (credits, transactions, pointers, witness) = lists;
                let credit =
                    |(to, gwei): ([u8; 20], u64)| Credit { to: to.into(), amountGwei: gwei };
                Trace {
                    context: BlockContext {
                        chainId: a,
                        number: b,
                        timestamp: c,
                        gasLimit: d,
                        baseFee: U256::from_be_bytes(hash(e).0),
                        prevRandao: hash(a),
                        coinbase: Address::from_word(hash(b)),
                    },
                    opens,
                    parentHash: hash(c),
                    anchor: hash(d),
                    seals: seals || !credits.is_empty(),
                    credits: credits.into_iter().map(credit).collect(),
                    gasUsedBefore: f,
                    receiptDigestBefore: hash(e),
                    receiptDigestAfter: hash(f),
                    transactions: transactions.into_iter().map(Bytes::from).collect(),
                    maxWitnessBytes: (e >> 32) as u32,
                    witness: witness.into(),
                    pointers: pointers.into_iter().map(Address::from).collect(),
                }
            },
        )
    }

    /// What "canonical" means: the library reads it, and writes the same bytes again.
    fn reference(bytes: &[u8]) -> Option<Trace> {
        let trace = Trace::abi_decode(bytes).ok().filter(|trace| trace.abi_encode() == bytes)?;
        (trace.seals || trace.credits.is_empty()).then_some(trace)
    }

    fn assert_as_reference(bytes: &[u8]) {
        let expected = reference(bytes);
        assert_eq!(TraceView::decode(bytes).ok(), expected.as_ref().map(TraceView::from));
    }

    proptest! {
        #[test]
        fn what_the_encoder_writes_is_read(trace in trace()) {
            let bytes = trace.abi_encode();
            prop_assert_eq!(TraceView::decode(&bytes), Ok(TraceView::from(&trace)));
        }

        /// Any bit, any word (offsets and lengths to their neighbours), any end: read only if the encoder writes just that.
        #[test]
        fn what_another_encoder_could_write_is_read_as_the_library_and_its_encoder_say(
            trace in trace(),
            at: prop::sample::Index,
            bit in 0..8_u32,
            words in vec((any::<prop::sample::Index>(), -3_i64..4), 1..4),
        ) {
            let good = trace.abi_encode();
            let mut bad = good.clone();
            bad[at.index(good.len())] ^= 1 << bit;
            assert_as_reference(&bad);
            assert_as_reference(&good[..at.index(good.len())]);
            let mut bad = good.clone();
            for (word, times) in words {
                let low = word.index(good.len() / 32) * 32 + 24;
                let moved = i64::from_be_bytes(bad[low..low + 8].try_into().unwrap());
                let by = if bit % 2 == 0 { times } else { times * 32 };
                bad[low..low + 8].copy_from_slice(&moved.wrapping_add(by).to_be_bytes());
                assert_as_reference(&bad);
            }
            bad = good;
            bad.extend(vec![0; 8 * bit as usize + 8]);
            assert_as_reference(&bad);
        }
    }
}
