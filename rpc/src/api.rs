//! The state behind all methods and the way they are registered.

use std::sync::Arc;

use alloy_primitives::B256;
use jsonrpsee::{
    RpcModule,
    core::RegisterMethodError,
    types::{ErrorObjectOwned, Params, ParamsSequence},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Chain, ChainError, filters::Filters, methods};

/// All standard methods on a chain, to be merged with the chain's own and served by
/// [`crate::serve`].
///
/// # Errors
/// When two methods have one name: never, for this fixed table.
pub fn module<C: Chain>(chain: Arc<C>) -> Result<RpcModule<()>, RegisterMethodError> {
    let mut module = RpcModule::new(Api { chain, filters: Filters::default() });
    methods::node::register(&mut module)?;
    methods::blocks::register(&mut module)?;
    methods::transactions::register(&mut module)?;
    methods::state::register(&mut module)?;
    methods::calls::register(&mut module)?;
    methods::fees::register(&mut module)?;
    methods::logs::register(&mut module)?;
    methods::simulate::register(&mut module)?;
    methods::traces::register(&mut module)?;
    methods::raw::register(&mut module)?;
    methods::pool::register(&mut module)?;
    methods::subscriptions::register(&mut module)?;
    Ok(module.remove_context())
}

/// What every method sees.
#[derive(Debug)]
pub(crate) struct Api<C> {
    pub(crate) chain: Arc<C>,
    pub(crate) filters: Filters,
}

/// Positional parameters of a call.
#[derive(Debug)]
pub struct Args<'a>(ParamsSequence<'a>);

impl<'a> Args<'a> {
    /// Reads parameters from the front.
    #[must_use]
    pub fn new(params: &'a Params<'a>) -> Self {
        Self(params.sequence())
    }

    /// The next parameter, which must be there.
    ///
    /// # Errors
    /// [`ChainError::InvalidParams`] when it is absent or of another type.
    pub fn required<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, ChainError> {
        let value: serde_json::Value = self.0.next().map_err(|error| wrong(name, &error))?;
        serde_json::from_value(value)
            .map_err(|error| ChainError::InvalidParams(format!("{name}: {error}")))
    }

    /// The next parameter, which must be a hash: 32 bytes of hex with 0x.
    ///
    /// # Errors
    /// [`ChainError::InvalidParams`] when it is absent or something else.
    pub fn hash(&mut self, name: &str) -> Result<B256, ChainError> {
        let text = self.required::<String>(name)?;
        if !text.starts_with("0x") {
            return Err(ChainError::InvalidParams(format!("{name}: expected hex with 0x")));
        }
        text.parse().map_err(|error| ChainError::InvalidParams(format!("{name}: {error}")))
    }

    /// The next parameter, `None` when it is absent or null.
    ///
    /// # Errors
    /// [`ChainError::InvalidParams`] when it is of another type.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, ChainError> {
        let value: Option<serde_json::Value> =
            self.0.optional_next().map_err(|error| wrong(name, &error))?;
        value.map(serde_json::from_value).transpose().map_err(|error: serde_json::Error| {
            ChainError::InvalidParams(format!("{name}: {error}"))
        })
    }
}

/// Registers a method that runs on a blocking thread.
///
/// # Errors
/// When the name is taken.
pub fn method<X, R>(
    module: &mut RpcModule<X>,
    name: &'static str,
    answer: fn(&X, &mut Args<'_>) -> Result<R, ChainError>,
) -> Result<(), RegisterMethodError>
where
    X: Send + Sync + 'static,
    R: Serialize + Clone + Send + 'static,
{
    module.register_blocking_method(name, move |params, context, _| {
        let mut args = Args::new(&params);
        answer(&context, &mut args).map_err(ErrorObjectOwned::from)
    })?;
    Ok(())
}

fn wrong(name: &str, error: &ErrorObjectOwned) -> ChainError {
    let detail = error.data().map_or_else(|| error.message().to_owned(), ToString::to_string);
    ChainError::InvalidParams(format!("{name}: {detail}"))
}
