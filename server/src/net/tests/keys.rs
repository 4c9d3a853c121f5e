//! Who may come in.

use std::io::Write;

use baton_test_database::TestDatabase;
use tokio::net::TcpListener;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::client::with_header;
use super::{TestServer, reason};
use crate::config::Config;
use crate::{NetworkError, RunError, Server};

const KEY: &str = "an-annoyingly-long-key";

async fn guarded() -> TestServer {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "ann:{KEY}").unwrap();
    TestServer::start(Config {
        api_key_file: Some(file.path().to_owned()),
        ..Config::default()
    })
    .await
}

#[tokio::test]
async fn a_key_opens_and_names_its_caller() {
    let server = guarded().await;
    let client = server.client().await;
    let request = with_header("authorization", &format!("Bearer {KEY}"));
    assert_eq!(client.send("Who", request).await.unwrap(), "Some(\"ann\") true");
}

#[tokio::test]
async fn without_a_key_only_health_answers() {
    let server = guarded().await;
    let client = server.client().await;
    let methods = [
        "Echo",
        "Stream",
        "Nothing",
        "/no.such.Service/Method",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ];
    for method in methods {
        let status = client.call(method, "").await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unauthenticated, "API_KEY_MISSING")
        );
        let request = with_header("authorization", "Bearer an-annoyingly-long-guess");
        let status = client.send(method, request).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unauthenticated, "API_KEY_INVALID")
        );
        assert!(!format!("{status:?}").contains("guess"), "{status:?}");
    }
    let mut health = HealthClient::new(client.wire.clone());
    health.check(HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test]
async fn without_key_file_nobody_is_named() {
    let server = TestServer::start(Default::default()).await;
    let request = with_header("authorization", &format!("Bearer {KEY}"));
    assert_eq!(
        server.client().await.send("Who", request).await.unwrap(),
        "None true"
    );
}

#[tokio::test]
async fn a_listener_that_is_open_to_all_needs_a_word() {
    let open =
        |config: Config| async { Server::open(config, TcpListener::bind("0.0.0.0:0").await.unwrap()).await };
    let Err(RunError::Network(NetworkError::Exposed(message))) = open(Config::default()).await else {
        panic!("it started")
    };
    assert!(
        message.contains("--api-key-file") && message.contains("--insecure"),
        "{message}"
    );
    let database = TestDatabase::new();
    assert!(
        open(Config {
            insecure: true,
            database: database.url(),
            ..Config::default()
        })
        .await
        .is_ok()
    );
    let missing = Config {
        api_key_file: Some("/nonexistent/keys".into()),
        ..Config::default()
    };
    assert!(matches!(
        open(missing).await,
        Err(RunError::Network(NetworkError::ApiKeys(_)))
    ));
}
