//! Webhooks, from the first look to the last, by calls and by a file.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Server, text};

const PATIENCE: Duration = Duration::from_secs(60);

/// Where messages go: takes each, answers it with 200, and hands out its headers and its body.
struct Endpoint {
    url: String,
    received: mpsc::Receiver<(String, Value)>,
}

impl Endpoint {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (messages, received) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut head = String::new();
                while stream.read_line(&mut head).unwrap() > 2 {}
                let head = head.to_lowercase();
                let length = head.split_once("content-length:").unwrap().1;
                let length = length.lines().next().unwrap().trim().parse().unwrap();
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
                stream.get_mut().write_all(answer).unwrap();
                if messages
                    .send((head, serde_json::from_slice(&body).unwrap()))
                    .is_err()
                {
                    return;
                }
            }
        });
        Endpoint { url, received }
    }

    #[track_caller]
    fn next(&self) -> (String, Value) {
        self.received.recv_timeout(PATIENCE).unwrap()
    }
}

fn complete(server: &Server, queue: &str) -> String {
    let id = server.create(&["report", "--queue", queue]);
    server.ok(&["task", "start", &id]);
    server.ok(&["task", "complete", &id]);
    id
}

#[test]
fn a_webhook_is_created_tried_edited_paused_and_deleted() {
    let endpoint = Endpoint::start();
    let server = Server::start_with(&["--webhook-allow-private-networks", "--webhook-allow-http"]);
    let what = ["--event-type", "COMPLETED", "--filter", "queue = \"reports\""];
    let create = ["webhook", "create", "done", &endpoint.url];
    let created = server.json(&[&create[..], &what].concat());
    let secret = created["secrets"][0].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{created}");
    let again = server.run(&create);
    assert!(
        text(&again.stderr).contains("(WEBHOOK_EXISTS)"),
        "{}",
        text(&again.stderr)
    );

    let tested = server.ok(&["webhook", "test", "done"]);
    assert!(tested.starts_with("delivered: 200 in "), "{tested}");
    let (head, body) = endpoint.next();
    assert!(
        head.starts_with("post /hook ") && head.contains("webhook-signature: v1,"),
        "{head}"
    );
    assert_eq!(body["type"], "webhook.test");

    complete(&server, "others");
    let task = complete(&server, "reports");
    let (_, body) = endpoint.next();
    assert_eq!(
        (body["type"].as_str(), body["data"]["taskId"].as_str()),
        (Some("task.completed"), Some(task.as_str()))
    );
    let sheet = server.ok(&["webhook", "get", "done"]);
    assert!(
        sheet.contains("COMPLETED") && !sheet.contains("whsec_"),
        "{sheet}"
    );

    let new = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let update = ["webhook", "update", "done", "--secret", new, "--secret", secret];
    server.ok(&update);
    server.ok(&["webhook", "test", "done"]);
    let (head, _) = endpoint.next();
    let signatures = head.lines().find(|line| line.starts_with("webhook-signature:"));
    assert_eq!(signatures.unwrap().matches("v1,").count(), 2, "{head}");

    let paused = server.json(&["webhook", "pause", "done", "--note", "moving"]);
    assert_eq!(
        (paused["paused"].as_bool(), paused["note"].as_str()),
        (Some(true), Some("moving"))
    );
    let late = complete(&server, "reports");
    let listed = server.ok(&["webhook", "list"]);
    assert!(
        listed.contains("paused") && listed.contains("queue = \"reports\""),
        "{listed}"
    );
    server.ok(&["webhook", "resume", "done"]);
    assert_eq!(endpoint.next().1["data"]["taskId"], late.as_str());
    server.ok(&["webhook", "delete", "done"]);
    let gone = server.run(&["webhook", "get", "done"]);
    assert!(
        text(&gone.stderr).contains("(WEBHOOK_NOT_FOUND)"),
        "{}",
        text(&gone.stderr)
    );
}

#[test]
fn a_webhook_goes_only_where_the_server_lets_it() {
    let server = Server::start();
    let refused = server.run(&["webhook", "create", "a", "http://127.0.0.1/"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("webhook.url"),
        "{}",
        text(&refused.stderr)
    );
    server.ok(&["webhook", "create", "a", "https://localhost/", "--paused"]);
    let tested = server.run(&["webhook", "test", "a"]);
    assert_eq!(tested.status.code(), Some(1), "for scripts");
    let tested = text(&tested.stdout);
    assert!(tested.starts_with("not delivered: "), "{tested}");
}

#[test]
fn a_file_declares_webhooks_and_what_it_drops_is_paused() {
    let endpoint = Endpoint::start();
    let mut server = Server::start();
    let mut declare = |declared: &str| {
        let rules = "[webhook_rules]\nallow_private_networks = true\nallow_http = true\n";
        std::fs::write(server.folder().join("baton.toml"), format!("{rules}{declared}")).unwrap();
        std::fs::write(
            server.folder().join("secret"),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        )
        .unwrap();
        server.restart();
        (
            server.json(&["webhook", "get", "done"]),
            complete(&server, "reports"),
        )
    };
    let url = &endpoint.url;
    let first = format!(
        "[webhooks.done]\nurl = \"{url}\"\nsecrets_file = \"secret\"\nevent_types = [\"completed\"]\n"
    );
    let (made, task) = declare(&first);
    assert_eq!(made["creator"]["id"], "baton.toml");
    let (head, body) = endpoint.next();
    assert!(head.contains("webhook-signature: v1,"), "{head}");
    assert_eq!(body["data"]["taskId"], task.as_str());
    // The same again changes nothing, whatever was delivered meanwhile.
    let (same, _) = declare(&first);
    assert_eq!(same["etag"], made["etag"]);
    endpoint.next();

    let (edited, task) = declare(&format!("{first}filter = \"queue = \\\"none\\\"\"\n"));
    assert_eq!(edited["filter"], "queue = \"none\"");
    let (gone, missed) = declare("");
    assert_eq!(gone["paused"], true);
    assert!(
        gone["note"].as_str().unwrap().contains("declares it no more"),
        "{gone}"
    );
    let (back, last) = declare(&first);
    assert!(back["paused"].is_null(), "{back}");
    // It goes on where it was: what the filter did not let through is passed, what came while it was paused is not.
    for wanted in [missed, last] {
        let (_, body) = endpoint.next();
        assert_ne!(body["data"]["taskId"], task.as_str());
        assert_eq!(body["data"]["taskId"], wanted.as_str());
    }
}
