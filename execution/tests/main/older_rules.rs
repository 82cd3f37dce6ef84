//! Rules older than those of L2, for blocks of other chains.

use std::collections::BTreeMap;

use alloy_eips::{eip2935, eip4788};
use recourse_execution::{
    ExecuteError, GenesisAccount, RecordError, Recorder, RuleSet, Schedule, State, block::Opening,
};
use recourse_protocol::bindings::BlockContext;

/// An opening needs the code of those system contracts that its rules call, and of no other.
#[test]
fn cancun_opens_without_the_history_contract() {
    let anchors = GenesisAccount {
        nonce: 1,
        code: eip4788::BEACON_ROOTS_CODE.clone(),
        ..GenesisAccount::default()
    };
    let state = State::of(&BTreeMap::from([(eip4788::BEACON_ROOTS_ADDRESS, anchors)])).unwrap();
    let block = BlockContext { number: 1, timestamp: 12, ..BlockContext::default() };
    let open = |rules| {
        let schedule = Schedule::new(rules, Vec::new());
        Recorder::new(&schedule, 1 << 20).open(&state, &block, Opening::default())
    };
    assert_ne!(open(RuleSet::CANCUN).unwrap().state_root, state.root());
    let missing = ExecuteError::Predeploy(eip2935::HISTORY_STORAGE_ADDRESS);
    assert_eq!(open(RuleSet::OSAKA).unwrap_err(), RecordError::Refused(missing));
}
