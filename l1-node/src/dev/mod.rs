//! Methods of a dev chain, with Anvil's names.

mod accounts;
mod faults;
mod mining;
mod send;

use std::sync::Arc;

use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::node::Node;

/// All dev methods.
pub(crate) fn module(node: Arc<Node>) -> Result<RpcModule<()>, RegisterMethodError> {
    let mut module = RpcModule::from_arc(node);
    mining::register(&mut module)?;
    accounts::register(&mut module)?;
    send::register(&mut module)?;
    faults::register(&mut module)?;
    Ok(module.remove_context())
}
