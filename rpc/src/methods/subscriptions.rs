//! `eth_subscribe` over WebSocket: `newHeads`, `logs`, `newPendingTransactions`.

use alloy::rpc::types::{
    Filter,
    pubsub::{Params as SubscriptionParams, SubscriptionKind},
};
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionMessage,
    core::RegisterMethodError,
    types::{ErrorObjectOwned, Params},
};
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    Chain, ChainError, ChainEvent,
    api::{Api, Args},
    filters::{logs, pooled},
};

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, api, _| async move { serve(params, pending, api.chain.events()).await },
    )?;
    Ok(())
}

/// What a subscriber wants to hear of.
#[derive(Debug)]
enum Topic {
    Heads,
    Logs(Box<Filter>),
    Pooled,
}

async fn serve(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    mut events: Receiver<ChainEvent>,
) {
    let topic = match topic(&params) {
        Ok(topic) => topic,
        Err(error) => return pending.reject(ErrorObjectOwned::from(error)).await,
    };
    let Ok(sink) = pending.accept().await else { return };
    loop {
        let event = tokio::select! {
            () = sink.closed() => return,
            event = events.recv() => event,
        };
        let event = match event {
            Ok(event) => event,
            Err(RecvError::Closed) => return,
            // Going on with a gap would be worse than a closed stream, which clients notice.
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "subscriber is too slow, closing its subscription");
                return;
            }
        };
        for message in messages(&topic, &event) {
            if sink.send(message).await.is_err() {
                return;
            }
        }
    }
}

fn topic(params: &Params<'_>) -> Result<Topic, ChainError> {
    let mut args = Args::new(params);
    let kind = args.required::<SubscriptionKind>("subscription")?;
    let rest = args.optional::<SubscriptionParams>("subscription options")?;
    match (kind, rest) {
        (SubscriptionKind::NewHeads, _) => Ok(Topic::Heads),
        (SubscriptionKind::Logs, Some(SubscriptionParams::Logs(filter))) => Ok(Topic::Logs(filter)),
        (SubscriptionKind::Logs, None | Some(SubscriptionParams::None)) => {
            Ok(Topic::Logs(Box::default()))
        }
        (SubscriptionKind::NewPendingTransactions, None | Some(SubscriptionParams::None)) => {
            Ok(Topic::Pooled)
        }
        (SubscriptionKind::NewPendingTransactions, Some(SubscriptionParams::Bool(false))) => {
            Ok(Topic::Pooled)
        }
        _ => Err(ChainError::InvalidParams("this subscription is not supported".to_owned())),
    }
}

fn messages(topic: &Topic, event: &ChainEvent) -> Vec<SubscriptionMessage> {
    match (topic, event) {
        (Topic::Heads, ChainEvent::Blocks { added, .. }) => {
            encode(added.iter().map(|block| block.rpc_header()))
        }
        (Topic::Logs(filter), event) => encode(logs(filter, event)),
        (Topic::Pooled, event) => encode(pooled(event)),
        (Topic::Heads, ChainEvent::Pooled(_)) => Vec::new(),
    }
}

fn encode<T: Serialize>(items: impl IntoIterator<Item = T>) -> Vec<SubscriptionMessage> {
    items
        .into_iter()
        .filter_map(|item| serde_json::value::to_raw_value(&item).ok())
        .map(SubscriptionMessage::from)
        .collect()
}
