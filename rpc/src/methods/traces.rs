//! `debug_traceTransaction` with geth's call tracer and its default struct logger.

use alloy::rpc::types::trace::geth::{
    CallConfig, GethDebugBuiltInTracerType, GethDebugTracerType, GethDebugTracingOptions,
    GethTrace, NoopFrame,
};
use alloy_primitives::B256;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use revm_inspectors::tracing::TracingInspectorConfig;

use crate::{
    Chain, ChainError, TxLocation,
    api::{Api, Args, method},
};

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "debug_traceTransaction", trace)
}

fn trace<C: Chain>(api: &Api<C>, args: &mut Args<'_>) -> Result<GethTrace, ChainError> {
    let hash = args.required::<B256>("transaction hash")?;
    let options = args.optional::<GethDebugTracingOptions>("options")?.unwrap_or_default();
    let at = api.chain.locate(hash)?.ok_or(ChainError::NotFound("transaction"))?;
    match &options.tracer {
        None => struct_logs(api, at, options),
        Some(GethDebugTracerType::BuiltInTracer(GethDebugBuiltInTracerType::CallTracer)) => {
            let config = options
                .tracer_config
                .into_call_config()
                .map_err(|error| ChainError::InvalidParams(error.to_string()))?;
            calls(api, at, config)
        }
        Some(GethDebugTracerType::BuiltInTracer(GethDebugBuiltInTracerType::NoopTracer)) => {
            Ok(GethTrace::NoopTracer(NoopFrame::default()))
        }
        Some(_) => Err(ChainError::Unsupported("this tracer")),
    }
}

fn calls<C: Chain>(
    api: &Api<C>,
    at: TxLocation,
    config: CallConfig,
) -> Result<GethTrace, ChainError> {
    let trace = api.chain.trace(at, TracingInspectorConfig::from_geth_call_config(&config))?;
    let gas = *trace.result.result.gas();
    let frame = trace.inspector.geth_builder().geth_call_traces_with_result_gas(config, gas);
    Ok(GethTrace::CallTracer(frame))
}

fn struct_logs<C: Chain>(
    api: &Api<C>,
    at: TxLocation,
    options: GethDebugTracingOptions,
) -> Result<GethTrace, ChainError> {
    let config = TracingInspectorConfig::from_geth_config(&options.config);
    let trace = api.chain.trace(at, config)?;
    let gas = *trace.result.result.gas();
    let output = trace.result.result.into_output().unwrap_or_default();
    let builder = trace.inspector.geth_builder();
    Ok(GethTrace::Default(builder.geth_traces_with_result_gas(gas, output, options.config)))
}
