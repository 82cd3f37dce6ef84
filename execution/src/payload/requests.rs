//! What a block asks of the consensus layer (EIP-7685).

use alloy_eips::{
    eip6110::{DEPOSIT_REQUEST_TYPE, MAINNET_DEPOSIT_CONTRACT_ADDRESS},
    eip7002::WITHDRAWAL_REQUEST_TYPE,
    eip7251::CONSOLIDATION_REQUEST_TYPE,
    eip7685::Requests,
};
use alloy_primitives::{B256, Bytes, Log, U256, b256};
use libssz::SszEncode;

use super::{InvalidBlock, containers::ExecutionRequests};
use crate::block::{Closing, Executed};

/// Topic of `DepositEvent(bytes,bytes,bytes,bytes,bytes)`.
const DEPOSIT_EVENT: B256 =
    b256!("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
/// Where the fields of a deposit stand in its event, and how long they are (EIP-6110).
const DEPOSIT_FIELDS: [(usize, usize); 5] = [(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)];
/// Length of such an event.
const DEPOSIT_EVENT_BYTES: usize = 576;
/// A word of the ABI.
const WORD: usize = 32;

/// The requests of a payload, as its header commits to them.
pub(super) fn encode(requests: &ExecutionRequests) -> Requests {
    of([
        requests.deposits.to_ssz(),
        requests.withdrawals.to_ssz(),
        requests.consolidations.to_ssz(),
    ])
}

/// The requests that a block makes: with the logs of the deposit contract, and with what its last system calls gave.
pub(super) fn made(included: &[&Executed], closing: Closing) -> Result<Requests, InvalidBlock> {
    let mut deposits = Vec::new();
    for log in included.iter().flat_map(|executed| executed.receipt.logs()) {
        let from_contract = log.address == MAINNET_DEPOSIT_CONTRACT_ADDRESS;
        if from_contract && log.topics().first() == Some(&DEPOSIT_EVENT) {
            deposits.extend(deposit(log).ok_or(InvalidBlock::Requests)?);
        }
    }
    Ok(of([deposits, closing.withdrawals.to_vec(), closing.consolidations.to_vec()]))
}

/// Types without requests have no place in the list.
fn of(data: [Vec<u8>; 3]) -> Requests {
    let kinds = [DEPOSIT_REQUEST_TYPE, WITHDRAWAL_REQUEST_TYPE, CONSOLIDATION_REQUEST_TYPE];
    let mut requests = Requests::default();
    for (kind, data) in kinds.into_iter().zip(data) {
        if !data.is_empty() {
            requests.push_request_with_type(kind, Bytes::from(data));
        }
    }
    requests
}

/// The request in an event of the deposit contract; none when that is not laid out as the contract's are.
fn deposit(log: &Log) -> Option<Vec<u8>> {
    let data = &log.data.data;
    if data.len() != DEPOSIT_EVENT_BYTES {
        return None;
    }
    let mut request = Vec::new();
    for (index, (at, len)) in DEPOSIT_FIELDS.into_iter().enumerate() {
        let start = at.checked_add(WORD)?;
        if number(data, index.checked_mul(WORD)?)? != at || number(data, at)? != len {
            return None;
        }
        request.extend_from_slice(data.get(start..start.checked_add(len)?)?);
    }
    Some(request)
}

fn number(data: &[u8], at: usize) -> Option<usize> {
    let word = data.get(at..at.checked_add(WORD)?)?;
    usize::try_from(U256::try_from_be_slice(word)?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a test may fail loudly"
    )]

    use alloy_primitives::LogData;
    use alloy_sol_types::{SolEvent, sol};

    use super::*;

    sol! {
        event DepositEvent(bytes pubkey, bytes credentials, bytes amount, bytes signature, bytes index);
    }

    fn event() -> Log<LogData> {
        let event = DepositEvent {
            pubkey: vec![1; 48].into(),
            credentials: vec![2; 32].into(),
            amount: vec![3; 8].into(),
            signature: vec![4; 96].into(),
            index: vec![5; 8].into(),
        };
        Log { address: MAINNET_DEPOSIT_CONTRACT_ADDRESS, data: event.encode_log_data() }
    }

    #[test]
    fn a_deposit_is_the_fields_of_its_event() {
        let log = event();
        assert_eq!(log.topics(), [DEPOSIT_EVENT]);
        let fields = [vec![1; 48], vec![2; 32], vec![3; 8], vec![4; 96], vec![5; 8]];
        assert_eq!(deposit(&log), Some(fields.concat()));
    }

    #[test]
    fn another_layout_is_no_deposit() {
        let data = event().data.data;
        for word in [0, 1, 4, 5, 8, 10, 12, 16] {
            let mut bad = data.to_vec();
            bad[word * WORD + WORD - 1] ^= 1;
            let log = Log { data: LogData::new_unchecked(vec![], bad.into()), ..event() };
            assert_eq!(deposit(&log), None, "word {word}");
        }
        let short = data.slice(..data.len() - WORD);
        let log = Log { data: LogData::new_unchecked(vec![], short), ..event() };
        assert_eq!(deposit(&log), None);
    }
}
