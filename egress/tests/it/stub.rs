//! An HTTP server that does as the test says, byte by byte.

use std::future::Future;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::PATIENCE;

/// Listens at a port of 127.0.0.1 that the system chose.
pub(crate) struct Stub {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Stub {
    pub(crate) async fn start() -> Stub {
        Self::at("127.0.0.1:0").await
    }

    pub(crate) async fn at(address: &str) -> Stub {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        Stub { listener, address }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        let accepted = timeout(PATIENCE, self.listener.accept()).await;
        accepted.expect("somebody connects").unwrap().0
    }

    /// Takes one request, answers it, and closes. Answers the request.
    pub(crate) async fn answer(&self, answer: &str) -> String {
        let mut stream = self.accept().await;
        let request = request(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        request
    }

    /// Nobody has connected so far: the next who does is the test itself.
    pub(crate) async fn nobody_came(&self) {
        let own = TcpStream::connect(self.address).await.unwrap();
        let first = self.accept().await;
        assert_eq!(first.peer_addr().unwrap(), own.local_addr().unwrap());
    }
}

/// Reads one request, its body as long as its header says.
pub(crate) async fn request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    loop {
        let count = timeout(PATIENCE, stream.read(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        assert!(count > 0, "the request ends in the middle: {text}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text;
        }
    }
}

/// Does both, and answers what the first made.
pub(crate) async fn beside<T>(first: impl Future<Output = T>, second: impl Future) -> T {
    timeout(PATIENCE, async { tokio::join!(first, second).0 })
        .await
        .expect("both come to an end")
}
