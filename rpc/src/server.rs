//! One port for JSON-RPC over HTTP POST, over WebSocket, and for a chain's own GET routes.

use std::{
    io::ErrorKind::{ConnectionAborted, ConnectionReset},
    net::SocketAddr,
    num::NonZeroU32,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use http::{Extensions, Method};
use jsonrpsee::{
    Methods, RpcModule,
    core::{id_providers::RandomIntegerIdProvider, traits::IdProvider},
    server::{
        BatchRequestConfig, HttpRequest, PingConfig, Server, ServerConfig, ServerHandle,
        StopHandle, middleware::rpc::RpcServiceBuilder, serve_with_graceful_shutdown, stop_channel,
    },
    types::{Params, SubscriptionId},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::{Service as _, ServiceBuilder};

use crate::{
    Gate,
    active::ActiveLayer,
    connections::{Connections, Line},
    gate::GateLayer,
    heavy::HeavyLayer,
    origins::{OriginLayer, Origins},
    rates::{Caller, RateLayer, Rates},
    routes::{GetLayer, Routes},
};

/// Room for a blob transaction in hex, six blobs with their cell proofs, several times over.
const MAX_REQUEST: u32 = 16 * 1024 * 1024;
/// Room for the traces and receipts of a full block.
const MAX_RESPONSE: u32 = 256 * 1024 * 1024;

/// Requests of one connection at once, which HTTP/2 allows; others wait.
const MAX_STREAMS: u32 = 4;
/// Calls in one batch, as in geth.
const MAX_BATCH: u32 = 1_000;
/// Subscriptions of one connection.
const MAX_SUBSCRIPTIONS: u32 = 256;
/// The method that lists all methods.
const LIST: &str = "rpc_methods";

/// An idle connection is closed after so long. Clients drop theirs before, so that no request meets a socket that closes.
const IDLE: Duration = Duration::from_secs(120);

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
    /// Connections at once; one address, or one /64 of IPv6, has at most a quarter of them, but for this machine's.
    pub max_connections: u32,
    /// The longest request, in bytes.
    pub max_request: u32,
    /// A connection without a call is closed after so long, and one whose peer takes none of its answers. A WebSocket is
    /// asked four times in it whether its peer still is there instead.
    pub idle: Duration,
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
            max_request: MAX_REQUEST,
            idle: IDLE,
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
    let rates = options.max_calls_per_second.map(Rates::new).map(Arc::new);
    let http = ServiceBuilder::new()
        .layer(OriginLayer::new(options.origins.clone()))
        .layer(options.origins.cors())
        .layer(GetLayer::new(routes, rates.clone()));
    let rpc = RpcServiceBuilder::new()
        .layer(ActiveLayer)
        .layer(RateLayer(rates))
        .layer(GateLayer(options.gate.clone()))
        .layer(HeavyLayer::new(MAX_RESPONSE));
    let server = Server::builder()
        .set_config(config(&options))
        .set_http_middleware(http)
        .set_rpc_middleware(rpc)
        .to_service_builder();
    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    let (stop, handle) = stop_channel();
    let methods = Methods::from(module);
    let connections = Connections::new(options.max_connections);
    let serve = move |line: Line, caller, stop: StopHandle| {
        let activity = line.activity();
        let (now, streams) =
            (activity.clone(), Arc::new(Semaphore::new(usize::try_from(MAX_STREAMS).unwrap_or(1))));
        let server = server.clone().build(methods.clone(), stop.clone());
        let service = tower::service_fn(move |mut request: HttpRequest<_>| {
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(now.clone());
            let (mut server, streams) = (server.clone(), Arc::clone(&streams));
            // It has no body to wait for.
            let busy = (*request.method() == Method::GET).then(|| now.call());
            async move {
                let _busy = busy;
                // It is never closed.
                let _stream = streams.acquire_owned().await.ok();
                server.call(request).await
            }
        });
        let served = serve_with_graceful_shutdown(line, service, stop.shutdown());
        let mut served: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(served);
        async move {
            tokio::select! {
                // Whatever a connection ends with concerns its peer only.
                _ = &mut served => {}
                () = activity.idle(options.idle) => {}
            }
        }
    };
    let open = move |socket, from: SocketAddr, stop| match connections.take(from.ip()) {
        Some(place) => {
            let line = Line::new(socket, place, options.idle);
            drop(tokio::spawn(serve(line, Caller::of(from.ip()), stop)));
        }
        None => connections.refuse(socket),
    };
    tokio::spawn(accept(listener, stop, open));
    Ok(RunningServer { address, handle })
}

fn config(options: &ServerOptions) -> ServerConfig {
    ServerConfig::builder()
        .max_request_body_size(options.max_request)
        .max_response_body_size(MAX_RESPONSE)
        // It counts requests. Connections are counted before (`Connections`), so that this never comes first.
        .max_connections(options.max_connections.saturating_mul(MAX_STREAMS))
        .max_subscriptions_per_connection(MAX_SUBSCRIPTIONS)
        .enable_ws_ping(pings(options.idle))
        .set_batch_request_config(BatchRequestConfig::Limit(MAX_BATCH))
        .set_id_provider(HexIds)
        .build()
}

/// Takes connections until it is told to stop.
async fn accept(
    listener: TcpListener,
    stop: StopHandle,
    open: impl Fn(TcpStream, SocketAddr, StopHandle),
) {
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
                open(socket, from, stop.clone());
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

/// A peer of a WebSocket that is silent for so long is gone. No ping goes out while it reads a long answer.
fn pings(idle: Duration) -> PingConfig {
    let part = |of| idle.checked_div(of).unwrap_or_default().max(Duration::from_millis(1));
    PingConfig::new().ping_interval(part(4)).inactive_limit(part(1)).max_failures(4)
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
