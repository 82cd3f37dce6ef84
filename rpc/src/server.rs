//! One port for JSON-RPC over HTTP POST, over WebSocket, and for a chain's own GET routes.

use std::{
    future::Future,
    io::ErrorKind::{ConnectionAborted, ConnectionReset},
    net::SocketAddr,
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use http::Extensions;
use jsonrpsee::{
    Methods, RpcModule,
    core::{id_providers::RandomIntegerIdProvider, traits::IdProvider},
    server::{
        BatchRequestConfig, HttpRequest, Server, ServerConfig, ServerHandle, StopHandle,
        middleware::rpc::RpcServiceBuilder, serve_with_graceful_shutdown, stop_channel,
    },
    types::{Params, SubscriptionId},
};
use tokio::net::{TcpListener, TcpStream};
use tower::{Service as _, ServiceBuilder};

use crate::{
    Gate,
    gate::GateLayer,
    origins::{OriginLayer, Origins},
    rates::{Caller, RateLayer, Rates},
    routes::{GetLayer, Routes},
};

/// Room for a blob transaction in hex, six blobs with their cell proofs, several times over.
const MAX_REQUEST: u32 = 16 * 1024 * 1024;
/// Room for the traces and receipts of a full block.
const MAX_RESPONSE: u32 = 256 * 1024 * 1024;

/// Calls in one batch, as in geth.
const MAX_BATCH: u32 = 1_000;
/// Subscriptions of one connection.
const MAX_SUBSCRIPTIONS: u32 = 256;
/// The method that lists all methods.
const LIST: &str = "rpc_methods";

/// When no connection could be taken, as with too many files open, it is tried again after so long.
const RETRY_ACCEPT: Duration = Duration::from_millis(50);

/// A call that takes longer is given up when the server stops.
const DRAIN: Duration = Duration::from_secs(10);

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Web pages that may call.
    pub origins: Origins,
    /// Connections at once.
    pub max_connections: u32,
    /// Calls a second from one address, a batch counting as many; no limit without.
    pub max_calls_per_second: Option<NonZeroU32>,
    /// Stands before every JSON-RPC request.
    pub gate: Option<Arc<dyn Gate>>,
}

impl ServerOptions {
    /// Listens here for at most 1,000 connections, and for web pages of this machine only.
    #[must_use]
    pub const fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            origins: Origins::Local,
            max_connections: 1000,
            max_calls_per_second: None,
            gate: None,
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct RunningServer {
    /// The address it listens on.
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl RunningServer {
    /// Stops taking connections and waits until the open calls are answered, for ten seconds at
    /// most.
    pub async fn stop(self) {
        // An error means that it has stopped already.
        let _ = self.handle.stop();
        if tokio::time::timeout(DRAIN, self.handle.stopped()).await.is_err() {
            tracing::warn!("some calls were still open when the server stopped");
        }
    }
}

/// Serves a module, and `routes` for GET requests where there are any.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve(
    options: ServerOptions,
    mut module: RpcModule<()>,
    routes: Option<Arc<dyn Routes>>,
) -> std::io::Result<RunningServer> {
    list(&mut module);
    let config = ServerConfig::builder()
        .max_request_body_size(MAX_REQUEST)
        .max_response_body_size(MAX_RESPONSE)
        .max_connections(options.max_connections)
        .max_subscriptions_per_connection(MAX_SUBSCRIPTIONS)
        .set_batch_request_config(BatchRequestConfig::Limit(MAX_BATCH))
        .set_id_provider(HexIds)
        .build();
    let rates = options.max_calls_per_second.map(Rates::new).map(Arc::new);
    let http = ServiceBuilder::new()
        .layer(OriginLayer::new(options.origins.clone()))
        .layer(options.origins.cors())
        .layer(GetLayer::new(routes, rates.clone()));
    let rpc = RpcServiceBuilder::new().layer(RateLayer(rates)).layer(GateLayer(options.gate));
    let server = Server::builder()
        .set_config(config)
        .set_http_middleware(http)
        .set_rpc_middleware(rpc)
        .to_service_builder();
    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    let (stop, handle) = stop_channel();
    let methods = Methods::from(module);
    let serve = move |socket, caller, stop: StopHandle| {
        let server = server.clone().build(methods.clone(), stop.clone());
        let service = tower::service_fn(move |mut request: HttpRequest<_>| {
            request.extensions_mut().insert(caller);
            server.clone().call(request)
        });
        serve_with_graceful_shutdown(socket, service, stop.shutdown())
    };
    tokio::spawn(accept(listener, stop, serve));
    Ok(RunningServer { address, handle })
}

/// Takes connections until it is told to stop.
async fn accept<F, C>(listener: TcpListener, stop: StopHandle, serve: F)
where
    F: Fn(TcpStream, Caller, StopHandle) -> C,
    C: Future<Output: Send> + Send + 'static,
{
    let stopped = stop.clone().shutdown();
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
        };
        match accepted {
            Ok((socket, from)) => {
                // Without it answers come late, but come.
                let _ = socket.set_nodelay(true);
                drop(tokio::spawn(serve(socket, Caller::of(from.ip()), stop.clone())));
            }
            // Whoever called hung up: others need not wait for that.
            Err(error) if matches!(error.kind(), ConnectionAborted | ConnectionReset) => {}
            Err(error) => {
                tracing::debug!(%error, "a connection was not taken");
                tokio::time::sleep(RETRY_ACCEPT).await;
            }
        }
    }
}

/// Lets a client ask for the names of all methods.
fn list(module: &mut RpcModule<()>) {
    let mut names: Vec<&'static str> = module.method_names().collect();
    names.push(LIST);
    names.sort_unstable();
    let answer = move |_: Params<'_>, (): &(), _: &Extensions| names.clone();
    // It fails only where a chain has a method of this name, which is then the chain's.
    let _ = module.register_method(LIST, answer);
}

/// Subscription ids as hex quantities, as Ethereum clients expect them.
#[derive(Debug)]
struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        match RandomIntegerIdProvider.next_id() {
            SubscriptionId::Num(id) => SubscriptionId::Str(format!("{id:#x}").into()),
            other @ SubscriptionId::Str(_) => other,
        }
    }
}
