//! Where nothing is sent.

use baton_client::{NewTask, NewWebhook};
use baton_server::config::WebhookRules;
use baton_tests::harness::{Process, TestDatabase, TestServer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::{Hook, PATIENCE, told, until, url};

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused_where_it_is_sent() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let client = server.client();
    client
        .create_webhook(NewWebhook::new("all", "https://localhost/"))
        .await
        .unwrap();
    let tested = client.test_webhook("all").await.unwrap();
    assert!(
        !tested.delivered && tested.error.contains("not allowed"),
        "{tested:?}"
    );
    client.create(NewTask::new("work")).await.unwrap();
    let failed = until(client, "all", |webhook| {
        !webhook.status.as_ref().unwrap().last_error.is_empty()
    })
    .await;
    assert!(failed.status.unwrap().last_error.contains("not allowed"));
    server.finish().await;
}

#[tokio::test]
async fn each_setting_allows_one_thing() {
    let rules = WebhookRules {
        allow_private_networks: true,
        allow_http: false,
    };
    let server = TestServer::start_with(|config| config.webhook_rules = rules).await;
    let client = server.client();
    let new = |url| NewWebhook::new("a", url).paused();
    assert!(client.create_webhook(new("http://10.0.0.1/")).await.is_err());
    client
        .create_webhook(new("https://10.0.0.1:8443/"))
        .await
        .unwrap();
    server.finish().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = super::server().await;
    let client = server.client();
    let target = Hook::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let from = listener.local_addr().unwrap();
    let location = url(&target, "/");
    let redirecting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            redirect(stream, &location).await;
        }
    });
    let new = NewWebhook::new("all", format!("http://{from}/")).paused();
    client.create_webhook(new).await.unwrap();
    let tested = client.test_webhook("all").await.unwrap();
    assert_eq!((tested.delivered, tested.status_code), (false, 307));
    assert!(target.sent().is_empty());
    redirecting.abort();
    server.finish().await;
}

async fn redirect(mut stream: TcpStream, location: &str) {
    let answer = format!("HTTP/1.1 307 Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    // Until the other side hangs up.
    let mut rest = Vec::new();
    drop(tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await);
}

#[tokio::test]
async fn no_log_has_a_secret_or_a_url() {
    let database = TestDatabase::new();
    let allow = |command: &mut std::process::Command| {
        command
            .args(["--webhook-allow-private-networks", "--webhook-allow-http"])
            .env("BATON_LOG_FILTER", "debug");
    };
    let process = Process::start(&database, allow).unwrap();
    let client = process.client();
    let hook = Hook::start().await;
    let given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let mut secrets = vec![given.to_owned()];
    for (name, path, secret) in [("good", "/T0P", Some(given)), ("bad", "/0000500", None)] {
        let mut new = NewWebhook::new(name, url(&hook, path));
        if let Some(secret) = secret {
            new = new.secrets([secret]);
        }
        secrets.extend(client.create_webhook(new).await.unwrap().into_inner().secrets);
    }
    assert_eq!(secrets.len(), 2);
    client.create(NewTask::new("work")).await.unwrap();
    told(&client, "good").await;
    until(&client, "bad", |webhook| {
        !webhook.status.as_ref().unwrap().last_error.is_empty()
    })
    .await;
    client.list_webhooks().await.unwrap();
    drop(client);
    let stopped = tokio::task::spawn_blocking(move || process.stop_and_read());
    let log = tokio::time::timeout(PATIENCE, stopped).await.unwrap().unwrap();
    assert!(log.contains("an event was not delivered"), "{log}");
    for secret in &secrets {
        assert!(!log.contains(&secret["whsec_".len()..]), "a secret is in the log");
    }
    assert!(
        !log.contains("T0P") && !log.contains("/0000500"),
        "a URL is in the log: {log}"
    );
}
