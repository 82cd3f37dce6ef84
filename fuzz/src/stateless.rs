//! EXECUTE of whole blocks (0x0102) on spoiled inputs: SSZ, request and witness. A "valid" must be one with every node of the
//! state in the witness, too, and about a block that follows its parent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use alloy_eips::{eip2935, eip4788, eip7002, eip7251};
use alloy_primitives::{Address, Bytes, U256};
use libssz_types::SszList;
use recourse_execution::{
    Genesis, GenesisAccount, State,
    payload::{
        BlockSchedule, ChainKind, ExecutionPayload, ExecutionWitness, PayloadError, ProtocolFork,
        StatelessInput, run_stateless_guest, validate,
    },
};

use super::{input::Input, world};

/// The state that it starts from: that of the other claims, and the two contracts that whole blocks call at their end.
pub static STATE: LazyLock<State> =
    LazyLock::new(|| Genesis { alloc: alloc() }.build().expect("it is sound"));

/// A valid input on [`STATE`], under Osaka's schema.
pub const KNOWN_BYTES: &[u8] = include_bytes!("../claims/stateless.ssz");

static SCHEDULE: LazyLock<BlockSchedule> = LazyLock::new(BlockSchedule::osaka);
static KNOWN: LazyLock<StatelessInput> = LazyLock::new(|| {
    let (fork, input) = ProtocolFork::decode_input(KNOWN_BYTES).expect("the known input");
    assert_eq!(fork, ProtocolFork::Osaka);
    input
});
/// All nodes and codes of [`STATE`].
static WHOLE_STATE: LazyLock<[Vec<Bytes>; 2]> = LazyLock::new(whole_state);

/// Takes the input as an encoding, or as what to spoil in the known one.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => encoding(
            &[&ProtocolFork::Osaka.schema_id().to_be_bytes()[..], input.take(usize::MAX)].concat(),
        ),
        1 => encoding(&spoilt_encoding(&mut input)),
        _ => spoilt_parts(&mut input),
    }
}

/// Bytes of anybody's.
fn encoding(bytes: &[u8]) {
    let says = run_stateless_guest(bytes, &SCHEDULE, ChainKind::L2);
    // The guest would take a panic for "not valid".
    let _ = ProtocolFork::decode_input(bytes).map(|(_, input)| check(&input));
    assert_eq!(says.len(), 43, "the result has one length");
    assert!(says[32] <= 1, "a bool");
    if says[32] == 1 {
        let (fork, input) = ProtocolFork::decode_input(bytes).expect("it was read");
        assert_eq!(fork.encode_input(&input), bytes, "one encoding");
        judge(&input);
    }
}

fn spoilt_encoding(input: &mut Input<'_>) -> Vec<u8> {
    let mut bytes = KNOWN_BYTES.to_vec();
    for _ in 0..input.byte() % 6 {
        let at = input.index(bytes.len());
        match input.byte() % 5 {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_slice(input.take(8)),
            // Offsets, counts and numbers are words of four and eight bytes.
            2 => overwrite(&mut bytes, at, &u32::from(input.u16()).to_le_bytes()),
            3 => overwrite(&mut bytes, at, &[0xff; 8]),
            _ => overwrite(&mut bytes, at, &[input.byte()]),
        }
    }
    bytes
}

/// Changes in the parts.
fn spoilt_parts(input: &mut Input<'_>) {
    let changed = spoilt(input);
    if check(&changed).is_ok() {
        judge(&changed);
    }
}

/// The known input, decoded, with some of its parts changed, and mostly with the block hash that goes with them.
///
/// # Panics
/// When order, copies or surplus made it invalid.
pub fn spoilt(input: &mut Input<'_>) -> StatelessInput {
    let mut changed = KNOWN.clone();
    let repair = !input.byte().is_multiple_of(4);
    let mut surplus_only = true;
    for _ in 0..input.byte() % 8 {
        surplus_only &= spoil(&mut changed, input).unwrap_or(false);
    }
    let says = check(&changed);
    assert!(says.is_ok() || !surplus_only, "order, copies and surplus do not matter: {says:?}");
    if repair && let Err(PayloadError::BlockHash { got, .. }) = says {
        changed.new_payload_request.execution_payload.block_hash = got.0;
    }
    changed
}

/// Changes one part; true when what is proven stays proven.
fn spoil(changed: &mut StatelessInput, input: &mut Input<'_>) -> Option<bool> {
    let StatelessInput { new_payload_request: request, witness, chain_id, public_keys } = changed;
    let payload = &mut request.execution_payload;
    match input.byte() % 8 {
        0 => return surplus(witness, input),
        1 => in_list(&mut witness.state, input)?,
        2 => in_list(&mut witness.codes, input)?,
        3 => headers(witness, input)?,
        4 => number(payload, input),
        5 => word(payload, input),
        6 => {
            let (from, to) = (input.index(payload.transactions.len()), input.byte() % 4);
            let mut list: Vec<_> = payload.transactions.iter().cloned().collect();
            match to {
                0 => drop(list.pop()),
                1 => list.push(list.get(from)?.clone()),
                2 => list.reverse(),
                _ => {
                    let mut raw = list.get(from)?.to_vec();
                    let at = input.index(raw.len());
                    overwrite(&mut raw, at, &[input.byte()]);
                    *list.get_mut(from)? = raw.try_into().ok()?;
                }
            }
            payload.transactions = list.try_into().ok()?;
        }
        _ => match input.byte() % 4 {
            0 => *chain_id ^= 1 << (input.byte() % 64),
            1 => drop(public_keys.pop()),
            2 => public_keys.reverse(),
            _ => request.parent_beacon_block_root[usize::from(input.byte() % 32)] ^= 1,
        },
    }
    Some(false)
}

fn surplus(witness: &mut ExecutionWitness, input: &mut Input<'_>) -> Option<bool> {
    let index = input.index(witness.state.len());
    match input.byte() % 3 {
        0 => witness.state.reverse(),
        1 => witness.state.push(witness.state.get(index)?.clone()),
        _ => witness.state.insert(index, vec![input.byte(); 40].try_into().ok()?),
    }
    Some(true)
}

fn in_list<const N: usize>(list: &mut Vec<SszList<u8, N>>, input: &mut Input<'_>) -> Option<()> {
    let index = input.index(list.len());
    let mut item = list.get(index)?.to_vec();
    let at = input.index(item.len());
    match input.byte() % 3 {
        0 => {
            list.remove(index);
            return Some(());
        }
        1 => item.truncate(at),
        _ => overwrite(&mut item, at, &[input.byte()]),
    }
    list[index] = item.try_into().ok()?;
    Some(())
}

fn headers(witness: &mut ExecutionWitness, input: &mut Input<'_>) -> Option<()> {
    let mut list: Vec<_> = witness.headers.iter().cloned().collect();
    match input.byte() % 3 {
        0 => drop((!list.is_empty()).then(|| list.remove(0))),
        1 => list.reverse(),
        _ => in_list(&mut list, input)?,
    }
    witness.headers = list.try_into().ok()?;
    Some(())
}

fn number(payload: &mut ExecutionPayload, input: &mut Input<'_>) {
    let which = input.byte();
    let near = i64::from(input.byte() as i8);
    let change = |value: u64, input: &mut Input<'_>| match input.byte() % 3 {
        0 => value.wrapping_add_signed(near),
        1 => 1_u64.wrapping_shl(input.byte().into()).wrapping_add_signed(near),
        _ => input.u64(),
    };
    let field = match which % 6 {
        0 => &mut payload.block_number,
        1 => &mut payload.gas_limit,
        2 => &mut payload.gas_used,
        3 => &mut payload.timestamp,
        4 => &mut payload.blob_gas_used,
        _ => &mut payload.excess_blob_gas,
    };
    *field = change(*field, input);
}

fn word(payload: &mut ExecutionPayload, input: &mut Input<'_>) {
    let which = input.byte();
    let (at, bit) = (usize::from(input.byte()), input.byte() % 8);
    let field: &mut [u8] = match which % 7 {
        0 => &mut payload.parent_hash,
        1 => &mut payload.fee_recipient,
        2 => &mut payload.state_root,
        3 => &mut payload.receipts_root,
        4 => &mut payload.logs_bloom,
        5 => &mut payload.prev_randao,
        _ => &mut payload.base_fee_per_gas,
    };
    let len = field.len();
    field[at % len] ^= 1 << bit;
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes.iter_mut().skip(at).zip(with).for_each(|(place, byte)| *place = *byte);
}

/// Whether a block of our chain is valid under Osaka's rules.
///
/// # Errors
/// Why not.
pub fn check(input: &StatelessInput) -> Result<(), PayloadError> {
    validate(ProtocolFork::Osaka, input, &SCHEDULE, ChainKind::L2)
}

/// What was called valid is so.
///
/// # Panics
/// When it is not.
pub fn judge(input: &StatelessInput) {
    let mut honest = input.clone();
    honest.witness = whole_witness(&KNOWN.witness);
    assert_eq!(check(&honest), Ok(()), "valid with less than the whole state alone");
    let (got, known) = (&input.new_payload_request, &KNOWN.new_payload_request);
    let follows = |payload: &ExecutionPayload| {
        (payload.parent_hash, payload.block_number, payload.base_fee_per_gas)
    };
    assert_eq!(follows(&got.execution_payload), follows(&known.execution_payload));
    let times = [known, got].map(|request| request.execution_payload.timestamp);
    assert!(times[0] <= times[1], "the known one comes a second after its parent: {times:?}");
    assert!(got.execution_payload.withdrawals.is_empty(), "not on L2");
    assert_eq!(got.execution_requests, known.execution_requests);
    assert_eq!(input.chain_id, KNOWN.chain_id, "all senders signed for this chain");
}

/// Every node and code of the state, and the headers of the known input.
fn whole_witness(known: &ExecutionWitness) -> ExecutionWitness {
    let [nodes, codes] = &*WHOLE_STATE;
    ExecutionWitness {
        state: nodes.iter().filter_map(|node| node.to_vec().try_into().ok()).collect(),
        codes: codes.iter().filter_map(|code| code.to_vec().try_into().ok()).collect(),
        headers: known.headers.clone(),
    }
}

fn alloc() -> BTreeMap<Address, GenesisAccount> {
    // The constant has zeros behind the code.
    let consolidations = eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE.to_vec();
    let length = consolidations.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let contract = |code| GenesisAccount { nonce: 1, code, ..GenesisAccount::default() };
    let mut alloc = world::genesis().alloc;
    alloc.extend([
        (
            eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            contract(eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE.clone()),
        ),
        (
            eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
            contract(Bytes::copy_from_slice(&consolidations[..length])),
        ),
    ]);
    alloc
}

/// By the proofs of all that is in it.
fn whole_state() -> [Vec<Bytes>; 2] {
    let system = [eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS];
    let mut alloc = alloc();
    alloc.extend(system.map(|address| (address, GenesisAccount::default())));
    let [mut nodes, mut codes] = [BTreeSet::new(), BTreeSet::new()];
    for (address, account) in &alloc {
        let slots: Vec<U256> = account.storage.keys().copied().collect();
        let proof = STATE.proof(*address, &slots).expect("the state is in memory");
        nodes.extend(proof.nodes);
        nodes.extend(proof.storage.into_iter().flat_map(|slot| slot.nodes));
        let code = STATE.code_at(*address).expect("the state is in memory");
        codes.extend((!code.is_empty()).then_some(code));
    }
    [nodes, codes].map(|items| items.into_iter().collect())
}
