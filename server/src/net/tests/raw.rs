//! HTTP/2 by hand, for peers that no library would be: silent, deaf, or breaking the protocol.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// ENHANCE_YOUR_CALM. Source: RFC 9113, section 7.
pub(super) const ENHANCE_YOUR_CALM: u32 = 11;

/// A frame as it stands on the wire.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

pub(super) struct Peer {
    pub(super) tcp: TcpStream,
}

impl Peer {
    /// Connects and says nothing.
    pub(super) async fn silent(address: SocketAddr) -> Self {
        Peer {
            tcp: TcpStream::connect(address).await.unwrap(),
        }
    }

    /// Connects and shakes hands.
    pub(super) async fn greeted(address: SocketAddr) -> Self {
        let mut peer = Self::silent(address).await;
        peer.tcp
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .unwrap();
        peer.send(SETTINGS, 0, 0, &[]).await;
        peer
    }

    pub(super) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.tcp
            .write_all(&encode(kind, flags, stream, payload))
            .await
            .unwrap();
    }

    /// Reads a frame; `None` where the connection is closed or broken.
    pub(super) async fn read(&mut self) -> Option<Frame> {
        super::within(async {
            let mut head = [0; 9];
            self.tcp.read_exact(&mut head).await.ok()?;
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            self.tcp.read_exact(&mut payload).await.ok()?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            Some(Frame {
                kind: head[3],
                flags: head[4],
                stream,
                payload,
            })
        })
        .await
    }

    /// Reads on to the next frame of `kind`; `None` where the connection ends before.
    pub(super) async fn read_to(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.read().await?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }
}

pub(super) fn encode(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The header block of a call of the probe: the static table's `:method: POST` and `:scheme: http`, the others as
/// literals that are not indexed. Source: RFC 7541, section 6.2.2.
pub(super) fn call_headers(method: &str) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    block.extend(literal_header(":path", &format!("/baton.test.Probe/{method}")));
    block.extend(literal_header(":authority", "probe"));
    block.extend(literal_header("content-type", "application/grpc"));
    block.extend(literal_header("te", "trailers"));
    block
}

pub(super) fn literal_header(name: &str, value: &str) -> Vec<u8> {
    let mut header = vec![0];
    for text in [name, value] {
        header.push(u8::try_from(text.len()).unwrap());
        header.extend(text.as_bytes());
    }
    header
}

/// A gRPC message without content.
pub(super) const EMPTY_MESSAGE: [u8; 5] = [0; 5];

/// The error code of a GOAWAY or RST_STREAM frame.
pub(super) fn error_code(frame: &Frame) -> u32 {
    let at = if frame.kind == GOAWAY { 4 } else { 0 };
    u32::from_be_bytes(frame.payload[at..at + 4].try_into().unwrap())
}
