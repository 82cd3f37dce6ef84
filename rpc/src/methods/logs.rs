//! Logs and polled filters.

use alloy::rpc::types::{Filter, FilterBlockOption, FilterChanges, Log};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::U256;
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::{
    Chain, ChainError, MinedBlock,
    api::{Api, Args, method},
    filters::Kind,
    limits::LOG_RANGE,
    resolve,
};

/// Logs of one answer; a larger answer is refused, never cut.
const MAX_LOGS: usize = 100_000;

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "eth_getLogs", |api, args| search(api, &args.filter("filter")?))?;
    method(module, "eth_newFilter", |api, args| {
        install(api, Kind::Logs(Box::new(args.filter("filter")?)))
    })?;
    method(module, "eth_newBlockFilter", |api, _| install(api, Kind::Blocks))?;
    method(module, "eth_newPendingTransactionFilter", |api, _| install(api, Kind::Pooled))?;
    method(module, "eth_uninstallFilter", |api, args| Ok(api.filters.remove(id(args)?)))?;
    method(module, "eth_getFilterChanges", |api, args| -> Result<FilterChanges, _> {
        api.filters.changes(id(args)?)
    })?;
    method(module, "eth_getFilterLogs", |api, args| {
        let filter = api.filters.log_filter(id(args)?)?;
        search(api, &filter)
    })
}

/// The logs of this block that a filter wants.
pub(crate) fn matching(filter: &Filter, block: &MinedBlock, removed: bool) -> Vec<Log> {
    if !filter.matches_bloom(*block.bloom()) {
        return Vec::new();
    }
    let mut logs = block.rpc_logs(removed);
    logs.retain(|log| filter.matches(&log.inner));
    logs
}

fn id(args: &mut Args<'_>) -> Result<U256, ChainError> {
    args.required("filter id")
}

fn install<C: Chain>(api: &Api<C>, kind: Kind) -> Result<U256, ChainError> {
    api.filters.install(kind, api.chain.events())
}

fn search<C: Chain>(api: &Api<C>, filter: &Filter) -> Result<Vec<Log>, ChainError> {
    let (from, to) = range(api, filter)?;
    if to.saturating_sub(from) >= LOG_RANGE {
        return Err(ChainError::Refused(format!("query covers more than {LOG_RANGE} blocks")));
    }
    let first = api.chain.first_block();
    let mut logs = match first.checked_sub(1) {
        Some(last) if from <= last => {
            let older = filter.clone().from_block(from).to_block(to.min(last));
            api.chain.older_logs(&older)?
        }
        _ => Vec::new(),
    };
    for number in from.max(first)..=to {
        let Some(block) = api.chain.block(number)? else { break };
        logs.append(&mut matching(filter, &block, false));
        if logs.len() > MAX_LOGS {
            return Err(ChainError::Refused(format!("query returns more than {MAX_LOGS} logs")));
        }
    }
    Ok(logs)
}

/// First and last block of a search; the last is at most the head.
fn range<C: Chain>(api: &Api<C>, filter: &Filter) -> Result<(u64, u64), ChainError> {
    let chain = &*api.chain;
    match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let number = chain.number_of(hash)?.ok_or(ChainError::NotFound("block"))?;
            Ok((number, number))
        }
        FilterBlockOption::Range { from_block, to_block } => {
            let head = chain.head();
            let end = |tag: Option<_>| tag.map_or(head, |tag| resolve::number(chain, tag));
            let (from, to) = (end(from_block), end(to_block));
            let beyond =
                |tag| matches!(tag, Some(BlockNumberOrTag::Number(number)) if number > head);
            if beyond(from_block) || beyond(to_block) {
                return Err(ChainError::InvalidParams(
                    "block range extends beyond current head block".to_owned(),
                ));
            }
            if from > to {
                return Err(ChainError::InvalidParams("fromBlock is above toBlock".to_owned()));
            }
            Ok((from, to.min(head)))
        }
    }
}
