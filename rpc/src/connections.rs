//! How many sockets are open, and for how long when nothing happens on them.

use std::{
    collections::HashMap,
    io::{self, IoSlice},
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};

use crate::rates::Caller;

/// One address, or one /64 of IPv6, has at most one in so many of all connections.
const SHARE: u32 = 4;
/// So many callers beyond the limit are told so at once; all further ones are hung up on.
const REFUSALS: usize = 64;
/// A refused caller is waited for so long.
const REFUSAL_TIME: Duration = Duration::from_secs(5);
/// What it is told.
const REFUSAL: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\ncontent-type: text/plain\r\n\
    content-length: 20\r\n\r\nToo many connections";

/// Places by caller.
type Taken = Arc<Mutex<HashMap<Caller, u32>>>;

/// The places of all connections.
#[derive(Debug)]
pub(crate) struct Connections {
    places: Arc<Semaphore>,
    /// Most places of one caller.
    share: u32,
    /// Places that callers have; this machine's are not counted, since behind a proxy on it all callers have its address.
    taken: Taken,
    refusals: Arc<Semaphore>,
}

impl Connections {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            places: Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(usize::MAX))),
            share: (most / SHARE).max(1),
            taken: Arc::default(),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
        }
    }

    /// A place for a connection from this address, `None` when there is none left for it.
    pub(crate) fn take(&self, from: IpAddr) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        if from.to_canonical().is_loopback() {
            return Some(Place { _permit: permit, counted: None });
        }
        let caller = Caller::of(from);
        let mut taken = self.taken.lock();
        let count = taken.entry(caller).or_default();
        if *count >= self.share {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Place { _permit: permit, counted: Some((Arc::clone(&self.taken), caller)) })
    }

    /// Tells a caller that there is no place for it.
    pub(crate) fn refuse(&self, mut socket: TcpStream) {
        let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() else { return };
        let tell = async move {
            // An answer to no request yet is none to clients, and one with the request unread is lost on the way.
            let mut buffer = [0; 4096];
            if socket.read(&mut buffer).await? > 0 {
                socket.write_all(REFUSAL).await?;
                socket.shutdown().await?;
                while socket.read(&mut buffer).await? > 0 {}
            }
            io::Result::Ok(())
        };
        drop(tokio::spawn(async move {
            // Nothing is lost when it cannot be told.
            let _ = tokio::time::timeout(REFUSAL_TIME, tell).await;
            drop(permit);
        }));
    }
}

/// The place of one connection. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    counted: Option<(Taken, Caller)>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((taken, caller)) = &self.counted else { return };
        let mut taken = taken.lock();
        if let Some(count) = taken.get_mut(caller) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(caller);
            }
        }
    }
}

/// What happens on a connection.
#[derive(Debug, Clone)]
pub(crate) struct Activity(Arc<Mutex<Now>>);

#[derive(Debug)]
struct Now {
    /// Calls that are being answered.
    calls: usize,
    /// When the last one was, or a piece of an answer was sent.
    last: Instant,
}

impl Activity {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Now { calls: 0, last: Instant::now() })))
    }

    fn touch(&self) {
        self.0.lock().last = Instant::now();
    }

    /// A call is answered as long as this is held.
    pub(crate) fn call(&self) -> Busy {
        let mut now = self.0.lock();
        now.calls = now.calls.saturating_add(1);
        Busy(self.clone())
    }

    /// Since when nothing happens.
    fn idle_since(&self) -> Option<Instant> {
        let now = self.0.lock();
        (now.calls == 0).then_some(now.last)
    }

    /// Waits until nothing has happened for so long.
    pub(crate) async fn idle(&self, limit: Duration) {
        loop {
            let rested = self.idle_since().map_or(Duration::ZERO, |since| since.elapsed());
            match limit.checked_sub(rested) {
                Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
                _ => return,
            }
        }
    }
}

/// A call that is being answered.
#[derive(Debug)]
pub(crate) struct Busy(Activity);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut now = self.0.0.lock();
        now.calls = now.calls.saturating_sub(1);
        now.last = Instant::now();
    }
}

/// A socket in its place. What takes it over, as WebSocket does, takes the place with it.
#[derive(Debug)]
pub(crate) struct Line {
    socket: TcpStream,
    activity: Activity,
    /// Ends a peer that takes nothing of what is sent.
    stalled: Option<Pin<Box<Sleep>>>,
    patience: Duration,
    _place: Place,
}

impl Line {
    pub(crate) fn new(socket: TcpStream, place: Place, patience: Duration) -> Self {
        Self { socket, activity: Activity::new(), stalled: None, patience, _place: place }
    }

    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// Passes on what the socket made of bytes to send, and fails when it has taken none for too long.
    fn sent<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.stalled = None;
            self.activity.touch();
            return done;
        }
        let patience = self.patience;
        let sleep = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.sent(cx, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.socket).poll_write_vectored(cx, bytes);
        self.sent(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_has_a_quarter_of_all_places() {
        let connections = Connections::new(8);
        let one = address("10.0.0.1");
        let first = connections.take(one).unwrap();
        let second = connections.take(address("::ffff:10.0.0.1")).unwrap();
        assert!(connections.take(one).is_none(), "the same address, written otherwise");
        let network: Vec<_> = (1..=2)
            .map(|n| connections.take(address(&format!("2001:db8::{n}"))).unwrap())
            .collect();
        assert!(connections.take(address("2001:db8::3")).is_none(), "a network is one caller");
        // What was refused took nothing: four of eight are left, and this machine may have them all.
        let local: Vec<_> = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.0.0.1"]
            .map(|text| connections.take(address(text)).unwrap())
            .into();
        assert!(connections.take(address("127.0.0.1")).is_none());
        assert!(connections.take(address("10.0.0.2")).is_none());
        drop((first, second));
        let third = connections.take(one).unwrap();
        drop((third, network, local));
        assert!(connections.taken.lock().is_empty(), "nobody is remembered");
        assert_eq!(connections.places.available_permits(), 8);
    }
}
