//! `eth_subscribe` over WebSocket: `newHeads`, `logs`, `newPendingTransactions`.

use std::sync::Arc;

use alloy::rpc::types::{Filter, pubsub::SubscriptionKind};
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionMessage,
    core::{RegisterMethodError, SubscriptionError},
    types::{ErrorObjectOwned, Params},
};
use serde::Serialize;
use tokio::sync::{
    OwnedSemaphorePermit,
    broadcast::{Receiver, error::RecvError},
};

use crate::{
    Chain, ChainError, ChainEvent,
    api::{Api, Args},
    filters::{Filters, logs, pooled},
};

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, api: Arc<Api<C>>, _| async move {
            serve(params, pending, &api.filters, api.chain.events()).await
        },
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
    filters: &Filters,
    mut events: Receiver<ChainEvent>,
) -> Result<(), SubscriptionError> {
    let (topic, _room) = match wanted(params, filters) {
        Ok(wanted) => wanted,
        Err(error) => {
            pending.reject(ErrorObjectOwned::from(error)).await;
            return Ok(());
        }
    };
    let Ok(sink) = pending.accept().await else { return Ok(()) };
    loop {
        let event = tokio::select! {
            () = sink.closed() => return Ok(()),
            event = events.recv() => event,
        };
        let event = match event {
            Ok(event) => event,
            Err(RecvError::Closed) => return Err("the node has stopped".into()),
            // Going on with a gap would be worse than an end, which is told in place of a result.
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "subscriber is too slow, closing its subscription");
                return Err("too slow: events were missed, subscribe anew".into());
            }
        };
        for message in messages(&topic, &event) {
            if sink.send(message).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// What to tell of, and the room that it takes.
fn wanted(
    params: Params<'_>,
    filters: &Filters,
) -> Result<(Topic, Option<OwnedSemaphorePermit>), ChainError> {
    let topic = topic(&params)?;
    let room = match &topic {
        Topic::Logs(filter) => Some(filters.room(filter)?),
        Topic::Heads | Topic::Pooled => None,
    };
    Ok((topic, room))
}

fn topic(params: &Params<'_>) -> Result<Topic, ChainError> {
    const OPTIONS: &str = "subscription options";
    let unsupported = || ChainError::InvalidParams("this subscription is not supported".to_owned());
    let mut args = Args::new(params);
    match args.required::<SubscriptionKind>("subscription")? {
        SubscriptionKind::NewHeads => Ok(Topic::Heads),
        SubscriptionKind::Logs => {
            Ok(Topic::Logs(Box::new(args.optional_filter(OPTIONS)?.unwrap_or_default())))
        }
        SubscriptionKind::NewPendingTransactions => match args.optional::<bool>(OPTIONS)? {
            None | Some(false) => Ok(Topic::Pooled),
            Some(true) => Err(unsupported()),
        },
        _ => Err(unsupported()),
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

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use serde_json::{Value, json};
    use tokio::sync::broadcast::{self, Sender};

    use super::*;

    #[tokio::test]
    async fn a_subscriber_that_missed_something_is_told() {
        let events = broadcast::channel(2).0;
        let mut module = RpcModule::new(events.clone());
        let serve = |params, pending, events: Arc<Sender<ChainEvent>>, _| async move {
            serve(params, pending, &Filters::default(), events.subscribe()).await
        };
        module.register_subscription("subscribe", "event", "unsubscribe", serve).unwrap();
        let request = json!({
            "jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": ["newPendingTransactions"],
        });
        let (answer, mut messages) =
            module.raw_json_request(&request.to_string(), 16).await.unwrap();
        let answer: Value = serde_json::from_str(answer.get()).unwrap();
        // The test's one thread goes on here before the subscription's task does.
        for byte in 0..4 {
            events.send(ChainEvent::Pooled(B256::repeat_byte(byte))).unwrap();
        }
        let last: Value = serde_json::from_str(messages.recv().await.unwrap().get()).unwrap();
        let told = json!({
            "subscription": answer["result"],
            "error": "too slow: events were missed, subscribe anew",
        });
        assert_eq!(last["params"], told, "{last}");
        assert!(messages.recv().await.is_none(), "nothing follows");
    }
}
