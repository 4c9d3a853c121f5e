//! Peers that speak HTTP/2 to do harm, and more work than there is room for.

use std::time::Duration;

use baton_client::{Code, Error, NewTask};
use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{Process, TestDatabase};
use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::hasty;
use crate::support::{LOOK, id, moment, resident_bytes};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn field(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    let mut field = vec![0, length(name)];
    field.extend(name.as_bytes());
    field.push(length(value));
    field.extend(value.as_bytes());
    field
}

fn call() -> Vec<u8> {
    [
        field(":method", "POST"),
        field(":scheme", "http"),
        field(":path", "/baton.v1.TaskService/WatchTasks"),
        field(":authority", "a"),
        field("content-type", "application/grpc"),
        field("te", "trailers"),
    ]
    .concat()
}

/// The kinds of floods, of so many frames.
fn flood(kind: u64, frames: u32) -> Vec<u8> {
    let start = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[])].concat();
    let mut bytes = start;
    match kind {
        0 => {
            for n in 0..frames {
                bytes.extend(frame(HEADERS, END_HEADERS, 2 * n + 1, &call()));
                bytes.extend(frame(RST_STREAM, 0, 2 * n + 1, &8_u32.to_be_bytes()));
            }
        }
        1 => {
            bytes.extend(frame(HEADERS, 0, 1, &call()));
            for n in 0..frames {
                bytes.extend(frame(CONTINUATION, 0, 1, &field("x", &n.to_string())));
            }
        }
        _ => {
            bytes.extend(frame(HEADERS, END_HEADERS, 1, &call()));
            for _ in 0..frames {
                bytes.extend(frame(DATA, 0, 1, &[]));
            }
        }
    }
    bytes
}

/// F30: resets, continued headers and empty data without end, and connections that say nothing. Others are served, and the
/// server's memory stays where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_frames_and_silent_peers_disturb_nobody() {
    let fault = Injected::new("F30");
    let database = TestDatabase::new();
    let process = Process::start(&database, |_| {}).unwrap();
    let (client, history, address) = (process.client(), process.history(), process.address());
    let mut silent = Vec::new();
    for _ in 0..count(200, 3_000) {
        silent.push(TcpStream::connect(address).await.unwrap());
        fault.once();
    }
    history
        .send(client.create(NewTask::new("test").id(id())))
        .await
        .unwrap();
    let before = resident_bytes(process.id());
    for round in 0..count(6, 60) {
        let bytes = flood(round % 3, 20_000);
        let peer = async {
            let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
            let written = tokio::spawn(async move {
                // The server hangs up in the middle of it.
                let written = writer.write_all(&bytes).await;
                (written, writer)
            });
            let mut answer = Vec::new();
            // Empty data may be borne to its end: what counts is who else is served.
            drop(tokio::time::timeout(LOOK * 100, reader.read_to_end(&mut answer)).await);
            written.abort();
        };
        let work = async {
            for _ in 0..20 {
                history
                    .send(client.create(NewTask::new("test").id(id())))
                    .await
                    .unwrap();
            }
        };
        tokio::join!(peer, work);
        fault.once();
    }
    let growth = resident_bytes(process.id()).saturating_sub(before);
    assert!(growth < 64 << 20, "grew by {} MiB", growth >> 20);
    drop(silent);
    process.finish().await;
}

/// F25: many times what the server does in the time, asked without waiting. Each call is answered: done, or refused with the
/// word that it can be repeated; and what it keeps for all of them is bounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_can_be_done_is_refused_and_costs_no_memory() {
    let fault = Injected::new("F25");
    let database = TestDatabase::new();
    let process = Process::start(&database, |_| {}).unwrap();
    let history = process.history();
    let clients: Vec<_> = (0..8)
        .map(|_| hasty(process.address(), Duration::from_secs(60)))
        .collect();
    let wave = async |size: u64| {
        let calls = (0..size).map(|n| {
            let client = &clients[usize::try_from(n).unwrap() % clients.len()];
            history.send(client.create(NewTask::new("test").id(id())))
        });
        for answer in join_all(calls).await {
            match answer {
                Ok(_) => {}
                Err(Error::Refused(refusal)) => {
                    let told = matches!(refusal.code, Code::Unavailable | Code::ResourceExhausted);
                    assert!(told && refusal.retry_after.is_some(), "{refusal:?}");
                }
                Err(other) => panic!("{other:?}"),
            }
            fault.once();
        }
    };
    // The first wave brings memory to where it stays.
    wave(count(2_000, 4_000)).await;
    let before = resident_bytes(process.id());
    for _ in 0..count(1, 10) {
        wave(count(2_000, 4_000)).await;
    }
    let growth = resident_bytes(process.id()).saturating_sub(before);
    assert!(growth < 96 << 20, "grew by {} MiB", growth >> 20);
    moment(LOOK).await;
    process.finish().await;
}
