//! A wire between two that talk, which can be slow, torn, one-way or dead, and changes while they talk.
//!
//! It stands between clients and a server, and between a server and PostgreSQL.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::Rng as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How the wire is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wire {
    /// As it should be.
    Good,
    /// Each piece takes so long, both ways.
    Slow(Duration),
    /// Of so many pieces one tears its connection.
    Torn(u32),
    /// Connections stand, new ones too, and nothing comes through either way.
    Dead,
    /// What the server says is lost.
    AnswersLost,
    /// What the client says is lost.
    RequestsLost,
    /// New connections are closed at once; those that stand are as they were.
    Closed,
}

/// What happens to the connection that first says the words of a trap. It is sprung once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// The words are lost with all that follows, both ways.
    Before,
    /// The words go through, and all answers from then on are lost; it is sprung by the first of them.
    After,
}

#[derive(Debug)]
struct State {
    server: SocketAddr,
    wire: watch::Sender<Wire>,
    /// How it is for connections that ever said `mark`.
    marked: watch::Sender<Option<Wire>>,
    mark: &'static [u8],
    trap: Mutex<Option<(Trap, &'static [u8])>>,
    sprung: watch::Sender<u64>,
    /// Connections that were made before the last of so many burials are dead.
    buried: watch::Sender<u64>,
    cut: Mutex<CancellationToken>,
}

/// A wire to a server. It ends with this value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A good wire to `server`. Connections that say `mark` can be dealt with apart.
    pub async fn to(server: SocketAddr, mark: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::new(State {
            server,
            wire: watch::Sender::new(Wire::Good),
            marked: watch::Sender::new(None),
            mark: mark.as_bytes(),
            trap: Mutex::default(),
            sprung: watch::Sender::new(0),
            buried: watch::Sender::new(0),
            cut: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Proxy {
            address,
            state,
            accepting,
        }
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the wire, for connections that stand too.
    pub fn set(&self, wire: Wire) {
        self.state.wire.send_replace(wire);
    }

    /// Changes it for the connections with the mark only; `None`: they are as the others.
    pub fn set_marked(&self, wire: Option<Wire>) {
        self.state.marked.send_replace(wire);
    }

    /// Leaves every connection that stands without an answer for ever, though nobody closes it.
    pub fn bury(&self) {
        self.state.buried.send_modify(|count| *count += 1);
    }

    /// Resets every connection that stands.
    pub fn cut(&self) {
        let mut cut = self.state.cut.lock().expect("no holder panics");
        std::mem::take(&mut *cut).cancel();
    }

    /// Lays a trap; the answer waits until it is sprung.
    pub fn trap(&self, trap: Trap, words: &'static str) -> impl Future<Output = ()> + Send + use<> {
        let mut sprung = self.state.sprung.subscribe();
        sprung.mark_unchanged();
        *self.state.trap.lock().expect("no holder panics") = Some((trap, words.as_bytes()));
        async move { sprung.changed().await.expect("the proxy stands") }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let cut = state.cut.lock().expect("no holder panics").clone();
        tokio::spawn(async move {
            let closed = *state.wire.borrow() == Wire::Closed;
            // At once, as a cable would: nothing that was written is delivered behind the cut.
            drop(client.set_zero_linger());
            if !closed {
                cut.run_until_cancelled_owned(carry(client, state)).await;
            }
        });
    }
}

/// What the two directions of a connection share.
#[derive(Default)]
struct Pair {
    born: u64,
    has_mark: AtomicBool,
    requests_lost: AtomicBool,
    answers_lost: AtomicBool,
    told: AtomicBool,
}

async fn carry(client: TcpStream, state: Arc<State>) {
    let Ok(server) = TcpStream::connect(state.server).await else {
        return;
    };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    drop(server.set_zero_linger());
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let pair = Pair {
        born: *state.buried.borrow(),
        ..Pair::default()
    };
    let up = pump(
        (from_client, to_server),
        |piece| pair.request(piece, &state),
        &pair,
        &state,
    );
    let down = pump((from_server, to_client), |_| pair.answer(&state), &pair, &state);
    // Whichever ends first ends both.
    tokio::select! { () = up => {} () = down => {} }
}

impl Pair {
    fn wire(&self, state: &State) -> Wire {
        if self.born < *state.buried.borrow() {
            return Wire::Dead;
        }
        let marked = *state.marked.borrow();
        let marked = marked.filter(|_| self.has_mark.load(Ordering::SeqCst));
        marked.unwrap_or(*state.wire.borrow())
    }

    /// Whether what the client says goes on to the server.
    fn request(&self, piece: &[u8], state: &State) -> bool {
        if !state.mark.is_empty() && says(piece, state.mark) {
            self.has_mark.store(true, Ordering::SeqCst);
        }
        let mut trap = state.trap.lock().expect("no holder panics");
        if let Some((kind, _)) = trap.take_if(|(_, words)| says(piece, words)) {
            self.answers_lost.store(true, Ordering::SeqCst);
            if kind == Trap::Before {
                self.requests_lost.store(true, Ordering::SeqCst);
                self.told.store(true, Ordering::SeqCst);
                state.sprung.send_modify(|count| *count += 1);
            }
        }
        let lost = matches!(self.wire(state), Wire::Dead | Wire::RequestsLost);
        !lost && !self.requests_lost.load(Ordering::SeqCst)
    }

    /// Whether what the server says goes on to the client.
    fn answer(&self, state: &State) -> bool {
        if self.answers_lost.load(Ordering::SeqCst) {
            if !self.told.swap(true, Ordering::SeqCst) {
                state.sprung.send_modify(|count| *count += 1);
            }
            return false;
        }
        !matches!(self.wire(state), Wire::Dead | Wire::AnswersLost)
    }
}

fn says(piece: &[u8], words: &[u8]) -> bool {
    piece.windows(words.len()).any(|window| window == words)
}

async fn pump(
    (mut from, mut to): (OwnedReadHalf, OwnedWriteHalf),
    passes: impl Fn(&[u8]) -> bool,
    pair: &Pair,
    state: &State,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length) = from.read(&mut buffer).await {
        let wire = pair.wire(state);
        let torn = matches!(wire, Wire::Torn(pieces) if rand::rng().random_range(0..pieces) == 0);
        if length == 0 && matches!(wire, Wire::Dead | Wire::AnswersLost | Wire::RequestsLost) {
            // Nobody hears that one end has gone.
            std::future::pending::<()>().await;
        }
        if length == 0 || torn {
            return;
        }
        if let Wire::Slow(span) = wire {
            // The delay is the fault.
            drop(tokio::time::timeout(span, std::future::pending::<()>()).await);
        }
        if passes(&buffer[..length]) && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
