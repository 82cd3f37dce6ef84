//! One port for JSON-RPC over HTTP POST, over WebSocket, and for a chain's own GET routes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::{HeaderValue, Method, header};
use jsonrpsee::{
    RpcModule,
    core::{id_providers::RandomIntegerIdProvider, traits::IdProvider},
    server::{Server, ServerConfig, ServerHandle, middleware::rpc::RpcServiceBuilder},
    types::SubscriptionId,
};
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::{
    Gate,
    gate::GateLayer,
    routes::{GetLayer, Routes},
};

/// Room for a blob transaction in hex, six blobs with their cell proofs, several times over.
const MAX_REQUEST: u32 = 16 * 1024 * 1024;
/// Room for the traces and receipts of a full block.
const MAX_RESPONSE: u32 = 256 * 1024 * 1024;

/// A call that takes longer is given up when the server stops.
const DRAIN: Duration = Duration::from_secs(10);

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Browser origins that may call (CORS).
    pub origins: Origins,
    /// Connections at once.
    pub max_connections: u32,
    /// Stands before every JSON-RPC request.
    pub gate: Option<Arc<dyn Gate>>,
}

impl ServerOptions {
    /// Listens here with any origin allowed and at most 1,000 connections.
    #[must_use]
    pub const fn new(listen: SocketAddr) -> Self {
        Self { listen, origins: Origins::Any, max_connections: 1000, gate: None }
    }
}

/// Browser origins that may call.
#[derive(Debug, Clone, Default)]
pub enum Origins {
    /// All of them.
    #[default]
    Any,
    /// Only these.
    List(Vec<HeaderValue>),
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
    module: RpcModule<()>,
    routes: Option<Arc<dyn Routes>>,
) -> std::io::Result<RunningServer> {
    let config = ServerConfig::builder()
        .max_request_body_size(MAX_REQUEST)
        .max_response_body_size(MAX_RESPONSE)
        .max_connections(options.max_connections)
        .set_id_provider(HexIds)
        .build();
    let layers = ServiceBuilder::new().layer(cors(&options.origins)).layer(GetLayer::new(routes));
    let server = Server::builder()
        .set_config(config)
        .set_http_middleware(layers)
        .set_rpc_middleware(RpcServiceBuilder::new().layer(GateLayer(options.gate)))
        .build(options.listen)
        .await?;
    let address = server.local_addr()?;
    Ok(RunningServer { address, handle: server.start(module) })
}

fn cors(origins: &Origins) -> CorsLayer {
    let origins = match origins {
        Origins::Any => AllowOrigin::from(Any),
        Origins::List(list) => AllowOrigin::list(list.clone()),
    };
    CorsLayer::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .allow_origin(origins)
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
