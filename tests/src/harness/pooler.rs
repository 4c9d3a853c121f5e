//! A pooler that lends sessions of PostgreSQL by the transaction, as PgBouncer does, for machines that have none: enough of it
//! for whoever asks and waits for the answer.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What clients say first who want to talk in secret.
const ASK_FOR_TLS: [u8; 4] = 80_877_103_u32.to_be_bytes();
/// Kinds of messages: of clients, then of servers.
const QUERY: u8 = b'Q';
const SYNC: u8 = b'S';
const TERMINATE: u8 = b'X';
const READY: u8 = b'Z';
/// What a server adds to [`READY`] outside of transactions.
const IDLE: u8 = b'I';

/// Sessions that nobody uses at the moment; the one given back last is lent next.
type Sessions = Arc<Mutex<Vec<TcpStream>>>;

/// Stands before a PostgreSQL that asks for no password. It ends with this value.
#[derive(Debug)]
pub struct Pooler {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Pooler {
    /// Lends sessions of `server`.
    pub async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let accepting = tokio::spawn(async move {
            let sessions = Sessions::default();
            while let Ok((client, _)) = listener.accept().await {
                let sessions = Arc::clone(&sessions);
                tokio::spawn(async move {
                    // A client that hangs up, and a session that ends, are nothing to this.
                    drop(serve(client, server, &sessions).await);
                });
            }
        });
        Pooler { address, accepting }
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut client: TcpStream, server: SocketAddr, sessions: &Sessions) -> io::Result<()> {
    let session = log_in(&mut client, server).await?;
    give_back(sessions, session);
    loop {
        let mut asked = Message::read(&mut client).await?;
        let Some(mut session) = sessions.lock().expect("no holder panics").pop() else {
            return Err(io::Error::other("every session is lent"));
        };
        // Until the transaction is over, the session is this client's.
        loop {
            asked.write(&mut session).await?;
            match asked.kind {
                TERMINATE => return Ok(()),
                QUERY | SYNC if answer(&mut session, &mut client).await? == IDLE => break,
                _ => asked = Message::read(&mut client).await?,
            }
        }
        give_back(sessions, session);
    }
}

fn give_back(sessions: &Sessions, session: TcpStream) {
    sessions.lock().expect("no holder panics").push(session);
}

/// Makes a session with what the client says first.
async fn log_in(client: &mut TcpStream, server: SocketAddr) -> io::Result<TcpStream> {
    loop {
        let mut first = vec![0; 4];
        client.read_exact(&mut first).await?;
        let rest = u32::from_be_bytes([first[0], first[1], first[2], first[3]]).saturating_sub(4);
        first.resize(4 + rest as usize, 0);
        client.read_exact(&mut first[4..]).await?;
        if first[4..] == ASK_FOR_TLS {
            client.write_all(b"N").await?;
            continue;
        }
        let mut session = TcpStream::connect(server).await?;
        session.write_all(&first).await?;
        answer(&mut session, client).await?;
        return Ok(session);
    }
}

/// Hands on what the server says until it waits for the next question; answers how it waits.
async fn answer(session: &mut TcpStream, client: &mut TcpStream) -> io::Result<u8> {
    loop {
        let said = Message::read(session).await?;
        said.write(client).await?;
        if said.kind == READY {
            return said
                .body
                .first()
                .copied()
                .ok_or_else(|| io::Error::other("it is cut off"));
        }
    }
}

struct Message {
    kind: u8,
    body: Vec<u8>,
}

impl Message {
    async fn read(from: &mut TcpStream) -> io::Result<Self> {
        let kind = from.read_u8().await?;
        let length = from.read_u32().await?.saturating_sub(4);
        let mut body = vec![0; length as usize];
        from.read_exact(&mut body).await?;
        Ok(Message { kind, body })
    }

    async fn write(&self, to: &mut TcpStream) -> io::Result<()> {
        let length = u32::try_from(self.body.len() + 4).map_err(io::Error::other)?;
        to.write_u8(self.kind).await?;
        to.write_u32(length).await?;
        to.write_all(&self.body).await
    }
}
