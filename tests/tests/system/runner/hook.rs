//! A webhook's other side: an HTTP server that answers what the path asks for, and keeps what it is sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What was sent: path, headers in lower case, body.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Sent {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Answers `/500` with 500, `/429` with 429, and so on; everything else with 200.
pub(crate) struct Hook {
    pub(crate) address: SocketAddr,
    sent: Arc<Mutex<Vec<Sent>>>,
    serving: JoinHandle<()>,
}

impl Hook {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::<Mutex<Vec<Sent>>>::default();
        let kept = Arc::clone(&sent);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(answer(stream, kept));
            }
        });
        Hook {
            address,
            sent,
            serving,
        }
    }

    /// An address at which nobody listens yet.
    pub(crate) async fn nowhere() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// The `text` of everything that was sent.
    pub(crate) fn texts(&self) -> Vec<String> {
        let text = |sent: Sent| {
            let body: serde_json::Value = serde_json::from_str(&sent.body).unwrap();
            body["text"].as_str().unwrap().to_owned()
        };
        self.sent().into_iter().map(text).collect()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(mut stream: TcpStream, kept: Arc<Mutex<Vec<Sent>>>) {
    let Some(sent) = read(&mut stream).await else {
        return;
    };
    let status: u16 = sent.path[1..].parse().unwrap_or(200);
    kept.lock().unwrap().push(sent);
    let answer = format!("HTTP/1.1 {status} Answer\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    drop(stream.write_all(answer.as_bytes()).await);
}

async fn read(stream: &mut TcpStream) -> Option<Sent> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let mut lines = head.lines();
        let path = lines.next()?.split(' ').nth(1)?.to_owned();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let sent = Sent {
            path,
            headers,
            body: body.to_owned(),
        };
        if body.len() >= sent.header("content-length")?.parse().unwrap() {
            return Some(sent);
        }
    }
}
