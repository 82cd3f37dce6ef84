//! At most so many calls a second from one address.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use jsonrpsee::{
    MethodResponse,
    core::middleware::{Batch, BatchEntry, BatchEntryErr, Notification, RpcServiceT},
    types::{ErrorObjectOwned, Request},
};
use parking_lot::Mutex;
use tower::Layer;

/// So much of the allowance may be used at once.
const SECOND: Duration = Duration::from_secs(1);
/// "Limit exceeded" in EIP-1474.
pub(crate) const LIMIT_EXCEEDED: i32 = -32005;
/// Addresses that are told apart at once; all further ones share one allowance.
const MAX_CALLERS: usize = 16_384;
/// The allowance of those.
const OTHERS: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Who a connection comes from. The server puts it into each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Caller(IpAddr);

impl Caller {
    /// Whoever has an IPv6 address has a network of 2^64, so that the network counts.
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            v4 @ IpAddr::V4(_) => v4,
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        })
    }
}

/// Allowances of all callers: so many calls a second, of which those of one second may come at once.
pub(crate) struct Rates {
    per_second: NonZeroU32,
    callers: Mutex<Callers>,
}

#[derive(Default)]
struct Callers {
    /// When all calls that came so far from an address are worked off at that rate.
    until: HashMap<IpAddr, Instant>,
    /// When those were last looked for that are worked off.
    swept: Option<Instant>,
}

impl Callers {
    /// Whether there is room for one more. Nobody is busy for more than a second, so that looking more often finds little, and
    /// would let many addresses buy a look at all of them with each call.
    fn has_room(&mut self, now: Instant) -> bool {
        let rested = self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SECOND);
        if self.until.len() >= MAX_CALLERS && rested {
            self.swept = Some(now);
            self.until.retain(|_, until| *until > now);
        }
        self.until.len() < MAX_CALLERS
    }
}

impl fmt::Debug for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rates").field("per_second", &self.per_second).finish_non_exhaustive()
    }
}

impl Rates {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self { per_second, callers: Mutex::default() }
    }

    /// Takes a call out of the allowance.
    pub(crate) fn take(&self, caller: Caller, now: Instant) -> Result<(), String> {
        let Caller(mut address) = caller;
        let mut callers = self.callers.lock();
        if !callers.until.contains_key(&address) && !callers.has_room(now) {
            address = OTHERS;
        }
        let until = callers.until.entry(address).or_insert(now);
        let spacing = SECOND.checked_div(self.per_second.get()).unwrap_or_default();
        let ahead = until.saturating_duration_since(now).saturating_add(spacing);
        if ahead > SECOND {
            return Err(format!("more than {} calls a second from {}", self.per_second, caller.0));
        }
        *until = now.checked_add(ahead).unwrap_or(now);
        Ok(())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct RateLayer(pub(crate) Option<Arc<Rates>>);

impl<S> Layer<S> for RateLayer {
    type Service = Rated<S>;

    fn layer(&self, inner: S) -> Rated<S> {
        Rated { inner, rates: self.0.clone() }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Rated<S> {
    inner: S,
    rates: Option<Arc<Rates>>,
}

impl<S> Rated<S> {
    fn take(&self, request: &Request<'_>) -> Result<(), ErrorObjectOwned> {
        let caller = request.extensions().get::<Caller>().copied();
        let (Some(rates), Some(caller)) = (&self.rates, caller) else { return Ok(()) };
        let refused = |message| ErrorObjectOwned::owned(LIMIT_EXCEEDED, message, None::<()>);
        rates.take(caller, Instant::now()).map_err(refused)
    }
}

impl<S> RpcServiceT for Rated<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let (taken, inner) = (self.take(&request), self.inner.clone());
        async move {
            match taken {
                Ok(()) => inner.call(request).await,
                Err(refusal) => MethodResponse::error(request.id, refusal),
            }
        }
    }

    fn batch<'a>(
        &self,
        mut batch: Batch<'a>,
    ) -> impl Future<Output = S::BatchResponse> + Send + 'a {
        for entry in batch.iter_mut() {
            let Ok(BatchEntry::Call(request)) = entry else { continue };
            if let Err(refusal) = self.take(request) {
                *entry = Err(BatchEntryErr::new(request.id.clone(), refusal));
            }
        }
        self.inner.batch(batch)
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = S::NotificationResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(address: &str) -> Caller {
        Caller::of(address.parse().unwrap())
    }

    #[test]
    fn a_second_of_calls_may_come_at_once_and_then_one_by_one() {
        let rates = Rates::new(NonZeroU32::new(10).unwrap());
        let (start, one) = (Instant::now(), caller("10.0.0.1"));
        for _ in 0..10 {
            rates.take(one, start).unwrap();
        }
        let refusal = rates.take(one, start).unwrap_err();
        assert_eq!(refusal, "more than 10 calls a second from 10.0.0.1");
        rates.take(caller("10.0.0.2"), start).unwrap();
        let later = start + Duration::from_millis(100);
        rates.take(one, later).unwrap();
        rates.take(one, later).unwrap_err();
        // What was refused counts for nothing, and what was not used is lost but for a second's worth.
        let much_later = start + Duration::from_secs(60);
        for _ in 0..10 {
            rates.take(one, much_later).unwrap();
        }
        rates.take(one, much_later).unwrap_err();
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller_and_mapped_addresses_are_those_of_ipv4() {
        assert_eq!(caller("2001:db8:0:1::1"), caller("2001:db8:0:1:ffff::2"));
        assert_ne!(caller("2001:db8:0:1::1"), caller("2001:db8:0:2::1"));
        assert_eq!(caller("::ffff:10.0.0.1"), caller("10.0.0.1"));
    }

    #[test]
    fn callers_beyond_the_table_share_an_allowance_until_others_are_quiet() {
        let rates = Rates::new(NonZeroU32::new(1).unwrap());
        let start = Instant::now();
        let numbered = |n: usize| Caller::of(IpAddr::from(u32::try_from(n).unwrap().to_be_bytes()));
        for n in 0..MAX_CALLERS {
            rates.take(numbered(n), start).unwrap();
        }
        rates.take(numbered(MAX_CALLERS), start).unwrap();
        rates.take(numbered(MAX_CALLERS + 1), start).unwrap_err();
        assert!(rates.callers.lock().until.len() <= MAX_CALLERS + 1);
        let later = start + Duration::from_secs(2);
        rates.take(numbered(MAX_CALLERS), later).unwrap();
        rates.take(numbered(MAX_CALLERS + 1), later).unwrap();
        assert_eq!(rates.callers.lock().until.len(), 2);
    }
}
