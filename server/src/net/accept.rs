//! Accepts connections: counts them, gives each a time limit to speak, and can break every one of them.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::config::Limits;
use crate::metrics;

/// Pause after an accept failed (no file descriptors, mostly): a loop without it burns a core and fills the log.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// What every HTTP/2 connection begins with. Source: RFC 9113, section 3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Turns a listener into the connections that tonic serves.
pub(super) struct Acceptor {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    /// The last connection was refused.
    full: AtomicBool,
    handshake_timeout: Duration,
    killed: CancellationToken,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener, limits: &Limits, killed: CancellationToken) -> Self {
        Acceptor {
            listener,
            slots: Arc::new(Semaphore::new(limits.max_connections as usize)),
            full: AtomicBool::new(false),
            handshake_timeout: Duration::from_millis(limits.handshake_timeout_ms),
            killed,
        }
    }

    /// The endless stream of connections; dropping it closes the listener.
    pub(super) fn connections(self) -> impl Stream<Item = io::Result<Connection>> {
        futures::stream::unfold(self, |acceptor| async {
            let connection = acceptor.next().await;
            Some((Ok(connection), acceptor))
        })
    }

    async fn next(&self) -> Connection {
        loop {
            let (tcp, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
                metrics::connection_refused();
                // Once, not for each peer of a crowd.
                if !self.full.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%peer, "connections are refused: limits.max_connections are open");
                }
                continue;
            };
            self.full.store(false, Ordering::Relaxed);
            // Small answers must not wait for an ACK. A socket that refuses the option is dead already.
            if let Err(error) = tcp.set_nodelay(true) {
                tracing::debug!(%peer, %error, "connection lost at once");
                continue;
            }
            return Connection::new(tcp, slot, self);
        }
    }
}

/// A TCP connection that breaks when the server says so, or when its peer stays silent from the start.
///
/// tonic's graceful shutdown waits for as long as a peer keeps a stream open; breaking the transport underneath is
/// the one way to end it, because the tasks of the connection are tonic's own.
pub(super) struct Connection {
    tcp: TcpStream,
    killed: Pin<Box<WaitForCancellationFutureOwned>>,
    handshake: Option<Handshake>,
    _slot: OwnedSemaphorePermit,
}

/// The bytes of the preface seen so far, and the time left for the others.
struct Handshake {
    seen: usize,
    timeout: Pin<Box<Sleep>>,
}

impl Connection {
    fn new(tcp: TcpStream, slot: OwnedSemaphorePermit, acceptor: &Acceptor) -> Self {
        let timeout = Box::pin(tokio::time::sleep(acceptor.handshake_timeout));
        metrics::connection_opened();
        Connection {
            tcp,
            killed: Box::pin(acceptor.killed.clone().cancelled_owned()),
            handshake: Some(Handshake { seen: 0, timeout }),
            _slot: slot,
        }
    }

    #[cfg(test)]
    pub(super) fn nodelay(&self) -> bool {
        self.tcp.nodelay().unwrap()
    }

    /// Follows the preface through `read`. A peer that sends something else speaks HTTP/1.1, where hyper has a time
    /// limit of its own.
    fn follow_handshake(&mut self, read: &[u8]) {
        let Some(handshake) = &mut self.handshake else {
            return;
        };
        let rest = &PREFACE[handshake.seen..];
        let expected = &rest[..rest.len().min(read.len())];
        handshake.seen += expected.len();
        if handshake.seen == PREFACE.len() || !read.starts_with(expected) {
            self.handshake = None;
        }
    }

    /// Asked whenever the socket has nothing to do, and only then: a busy socket runs out of its budget soon, so
    /// this is never put off for long and costs a busy connection nothing.
    fn poll_broken(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.killed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(io::ErrorKind::ConnectionReset.into());
        }
        match &mut self.handshake {
            Some(handshake) => handshake
                .timeout
                .as_mut()
                .poll(cx)
                .map(|()| io::ErrorKind::TimedOut.into()),
            None => Poll::Pending,
        }
    }

    fn or_broken<T>(&mut self, io: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        match io {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => self.poll_broken(cx).map(Err),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        metrics::connection_closed();
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.tcp.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.tcp).poll_read(cx, buf);
        self.follow_handshake(&buf.filled()[before..]);
        self.or_broken(read, cx)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, buf);
        self.or_broken(written, cx)
    }

    /// So that h2 copies what is small into its buffer and writes the frames of many streams at once. Told that a socket
    /// takes vectors, it has a system call for each message of 256 bytes and more.
    fn is_write_vectored(&self) -> bool {
        false
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
