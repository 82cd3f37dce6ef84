//! The state behind all methods and the way they are registered.

use std::sync::Arc;

use alloy::rpc::types::Filter;
use alloy_primitives::B256;
use jsonrpsee::{
    RpcModule,
    core::RegisterMethodError,
    types::{ErrorObjectOwned, Params, ParamsSequence},
};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    Chain, ChainError,
    filters::Filters,
    heavy::{Held, Turn},
    limits::{FILTER_TEXT, FILTER_VALUES, PARAMETER_VALUES},
    methods,
};

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
        read(name, self.0.next().map_err(|error| wrong(name, &error))?)
    }

    /// The next parameter, which must be a filter of logs, and none that is too large.
    pub(crate) fn filter(&mut self, name: &str) -> Result<Filter, ChainError> {
        filter(name, self.0.next().map_err(|error| wrong(name, &error))?)
    }

    /// The next parameter, which may be a filter of logs.
    pub(crate) fn optional_filter(&mut self, name: &str) -> Result<Option<Filter>, ChainError> {
        self.text(name)?.map(|text| filter(name, text)).transpose()
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
        self.text(name)?.map(|text| read(name, text)).transpose()
    }

    fn text(&mut self, name: &str) -> Result<Option<&'a RawValue>, ChainError> {
        self.0.optional_next().map_err(|error| wrong(name, &error))
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
    module.register_blocking_method(name, move |params, context, extensions| {
        let turn = extensions.get::<Held>().and_then(Held::take).map(Arc::new);
        let mut args = Args::new(&params);
        let value = answer(&context, &mut args).map_err(ErrorObjectOwned::from)?;
        Ok::<_, ErrorObjectOwned>(Answer { value, _turn: turn })
    })?;
    Ok(())
}

/// An answer, and the turn in which it was made. That lasts until it is written out, whether or not the caller still waits.
#[derive(Clone)]
struct Answer<R> {
    value: R,
    _turn: Option<Arc<Turn>>,
}

impl<R: Serialize> Serialize for Answer<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

fn wrong(name: &str, error: &ErrorObjectOwned) -> ChainError {
    let detail = error.data().and_then(|data| String::deserialize(data).ok());
    let detail = detail.unwrap_or_else(|| error.message().to_owned());
    ChainError::InvalidParams(format!("{name}: {detail}"))
}

/// Values are counted as text first: an empty object is two characters, and what it stands for may take hundreds of bytes.
fn read<T: DeserializeOwned>(name: &str, text: &RawValue) -> Result<T, ChainError> {
    let values = text.get().bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if values > PARAMETER_VALUES {
        let text = format!("{name}: more than {PARAMETER_VALUES} values");
        return Err(ChainError::InvalidParams(text));
    }
    serde_json::from_str(text.get())
        .map_err(|error| ChainError::InvalidParams(format!("{name}: {error}")))
}

/// The length counts first: what the parser of filters makes of a long list is many times as large.
fn filter(name: &str, text: &RawValue) -> Result<Filter, ChainError> {
    let too_large = || {
        ChainError::InvalidParams(format!(
            "{name}: at most {FILTER_VALUES} addresses, and as many topics in each position"
        ))
    };
    if text.get().len() > FILTER_TEXT {
        return Err(too_large());
    }
    let filter = read::<Filter>(name, text)?;
    let mut topics = filter.topics.iter();
    if filter.address.len() > FILTER_VALUES || topics.any(|topic| topic.len() > FILTER_VALUES) {
        return Err(too_large());
    }
    Ok(filter)
}
