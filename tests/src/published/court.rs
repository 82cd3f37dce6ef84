//! Asks a real L1 node.

use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy_primitives::{Address, B256, Bytes, U256, address};
use eyre::{OptionExt, WrapErr, ensure};
use recourse_l1_node::{Config, Handle, spawn};
use serde_json::{Map, Value, json};

use super::{L1, Verdict};

const EXECUTE: Address = address!("0x0000000000000000000000000000000000000101");
/// Where [`RELAY`] is put for the time of a call.
const RELAY_ADDRESS: Address = address!("0x00000000000000000000000000000000000051a7");
/// L2 gas that calls of one L1 block may declare.
const LIMIT: u64 = 1 << 25;
/// L1 gas of [`RELAY`] between its two looks at the gas left, beside what the precompile takes.
const OVERHEAD: u64 = 2 + 2 + 3 + 2 + 3 + 3 + 3 + 100 + 2;
/// Of the whole call: more than a mined transaction may have, and enough for all that is forwarded.
const GAS: u64 = 60_000_000;

/// Input: a word `burn`, a word `gas`, then the precompile's input. Declares `burn` L2 gas in a call of its own, so that so
/// much less is left of the block; calls the precompile with `gas`; queries it. Returns words: whether the call succeeded,
/// the L1 gas it took, the length of what it returned, two words of that, the price, the L2 gas left.
const RELAY: &[u8] = &[
    0x60, 0x80, 0x60, 0x40, 0x52, // mstore(64, 128): an envelope with an empty trace
    0x5f, 0x35, 0x60, 0x60, 0x52, // mstore(96, burn)
    0x5f, 0x5f, 0x60, 0xa0, 0x5f, 0x61, 0x01, 0x01, 0x5a, 0xfa,
    0x50, // staticcall(.., 0, 160, ..)
    0x60, 0x40, 0x36, 0x03, // len = calldatasize - 64
    0x80, 0x60, 0x40, 0x5f, 0x37, // calldatacopy(0, 64, len)
    0x5a, // before = gas
    0x5f, 0x5f, 0x83, 0x5f, 0x61, 0x01, 0x01, // the arguments: 0x0101, 0, len, 0, 0
    0x60, 0x20, 0x35, 0xfa, // success = staticcall(calldataload(32), ..)
    0x5a, // after = gas
    0x90, 0x5f, 0x52, // mstore(0, success)
    0x90, 0x03, 0x60, 0x20, 0x52, // mstore(32, before - after)
    0x3d, 0x60, 0x40, 0x52, // mstore(64, returndatasize)
    0x5f, 0x60, 0x60, 0x52, 0x5f, 0x60, 0x80, 0x52, // mstore(96, 0), mstore(128, 0)
    0x3d, 0x5f, 0x60, 0x60, 0x3e, // returndatacopy(96, 0, returndatasize)
    0x60, 0x40, 0x60, 0xa0, 0x5f, 0x5f, 0x61, 0x01, 0x01, 0x5a, 0xfa, 0x50, // query to 160
    0x60, 0xe0, 0x5f, 0xf3, // return(0, 224)
];

/// A node that is asked by `eth_call` alone.
#[derive(Debug)]
pub struct Court {
    provider: DynProvider,
    _node: Handle,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub verdict: Verdict,
    /// What it returned.
    pub output: Bytes,
    /// L1 gas that it took.
    pub gas: u64,
    /// L2 gas that is left of the L1 block.
    pub gas_left_after: u64,
}

impl Court {
    /// Starts a node.
    ///
    /// # Errors
    /// When that fails.
    pub async fn open() -> eyre::Result<Self> {
        let node = spawn(Config::default()).await?;
        let provider = ProviderBuilder::new().connect_http(node.url().parse()?).erased();
        Ok(Self { provider, _node: node })
    }

    /// Calls the precompile in a block in which all is as `l1` says.
    ///
    /// # Errors
    /// When the node can't be asked, or there is no such block.
    pub async fn ask(&self, l1: &L1, input: &Bytes) -> eyre::Result<Answer> {
        let burn = LIMIT.checked_sub(l1.gas_left).ok_or_eyre("more is left than there ever is")?;
        let words = [burn, l1.gas_forwarded].map(|word| B256::from(U256::from(word)));
        let data = Bytes::from([words.concat().as_slice(), input].concat());
        let call = json!({ "to": RELAY_ADDRESS, "input": data, "gas": format!("{GAS:#x}") });
        let block = json!({ "baseFee": format!("{:#x}", l1.base_fee) });
        let params = json!([call, "latest", overrides(l1), block]);
        let answer: Bytes = self
            .provider
            .raw_request("eth_call".into(), params)
            .await
            .wrap_err("the relay failed")?;
        read(&answer)
    }
}

fn overrides(l1: &L1) -> Value {
    let word = |value: u64| B256::from(U256::from(value));
    let mut accounts = Map::new();
    let mut put = |address: Address, value| accounts.insert(format!("{address:?}"), value);
    put(RELAY_ADDRESS, json!({ "code": Bytes::from_static(RELAY) }));
    put(EXECUTE, json!({ "stateDiff": { word(0).to_string(): word(l1.excess) } }));
    for (address, code) in &l1.codes {
        put(*address, json!({ "code": code }));
    }
    Value::Object(accounts)
}

fn read(answer: &[u8]) -> eyre::Result<Answer> {
    let mut words = answer.chunks_exact(32).map(U256::from_be_slice);
    let mut word = || words.next().ok_or_eyre("the relay returned too little");
    let success = !word()?.is_zero();
    let took: u64 = word()?.saturating_to();
    let length: usize = word()?.saturating_to();
    let output = [word()?, word()?].map(B256::from).concat();
    let _price = word()?;
    let gas_left_after = word()?.saturating_to();
    let output = Bytes::copy_from_slice(output.get(..length).ok_or_eyre("a long answer")?);
    let gas = took.checked_sub(OVERHEAD).ok_or_eyre("less gas than the relay itself takes")?;
    let verdict = match (success, output.len(), output.last()) {
        (false, 0, _) => Verdict::Fails,
        (true, 64, _) => Verdict::Query,
        (true, 32, Some(1)) => Verdict::True,
        (true, 32, Some(0)) => Verdict::False,
        _ => eyre::bail!("no answer of the precompile's: {success}, {output}"),
    };
    ensure!(output.iter().take(31).all(|byte| *byte == 0) || length == 64, "not a bool: {output}");
    Ok(Answer { verdict, output, gas, gas_left_after })
}
