//! Every call.

use baton_client::proto::{TaskEventType, Webhook, WebhookFormat};
use baton_client::{NewTask, NewWebhook, Reason, actor};
use baton_tests::harness::{TestServer, wire};
use futures::TryStreamExt;
use serde_json::json;

use super::{Hook, genuine, refused, server, told, until, url};

#[tokio::test]
async fn webhooks_are_created_read_edited_and_deleted() {
    let server = server().await;
    let client = server.client();
    let new = || NewWebhook::new("dead", "https://hooks.example.com/a?b=c");
    let create = client.create_webhook(
        new()
            .event_types([TaskEventType::Failed, TaskEventType::Dead])
            .paused(),
    );
    let first = create.actor(actor::service("ops")).await.unwrap();
    assert_eq!(
        (first.name.as_str(), first.namespace.as_str()),
        ("dead", "default")
    );
    assert_eq!(first.creator.as_ref().unwrap().id, "ops");
    assert_eq!(first.format(), WebhookFormat::Standard);
    assert!(first.secrets[0].starts_with("whsec_") && first.secrets.len() == 1);
    let read = client.get_webhook("dead").await.unwrap();
    let hidden = Webhook {
        secrets: Vec::new(),
        ..first.clone().into_inner()
    };
    assert_eq!(read, hidden, "the secret is shown once");
    assert_eq!(
        refused(client.create_webhook(new()).await).reason,
        Reason::WebhookExists
    );

    let edit = Webhook {
        etag: first.etag.clone(),
        ..new().filter("queue = \"a\"").slack().into()
    };
    let edited = client.update_webhook(edit.clone(), []).await.unwrap();
    assert_eq!(
        (edited.format(), edited.filter.as_str()),
        (WebhookFormat::Slack, "queue = \"a\"")
    );
    assert_eq!(
        (&edited.event_types, edited.secrets.len()),
        (&first.event_types, 0)
    );
    assert_eq!(
        refused(client.update_webhook(edit, []).await).reason,
        Reason::EtagMismatch
    );
    let cleared = client
        .update_webhook(new(), ["filter", "event_types", "format"])
        .await
        .unwrap();
    assert_eq!((cleared.filter.as_str(), cleared.event_types.len()), ("", 0));
    client.delete_webhook("dead").await.unwrap();
    for answer in [
        client.get_webhook("dead").await.map(drop),
        client.test_webhook("dead").await.map(drop),
    ] {
        assert_eq!(refused(answer).reason, Reason::WebhookNotFound);
    }
    server.finish().await;
}

#[tokio::test]
async fn webhooks_are_listed_by_their_names_also_after_a_restart() {
    let mut server = server().await;
    let client = server.client();
    let known = NewWebhook::new("dead", "https://hooks.example.com/").paused();
    client.create_webhook(known).await.unwrap();
    let known = client.get_webhook("dead").await.unwrap();
    for name in ["c", "a", "b"] {
        let other = NewWebhook::new(name, "https://hooks.example.com/").paused();
        client.create_webhook(other).await.unwrap();
    }
    server.restart().await;
    let client = server.client();
    let page = client.list_webhooks().page_size(3).await.unwrap();
    let names: Vec<_> = page.webhooks.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let all: Vec<_> = client
        .list_webhooks()
        .page_size(3)
        .all()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|found| found.secrets.is_empty() && found.paused));
    assert_eq!(all[3], known, "also after a restart");
    server.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_webhook_is_said_by_field_and_no_secret_is_repeated() {
    let server = TestServer::start().await;
    let bad = json!({"webhook": {
        "name": "A b", "url": "", "filter": "attempt = 1", "event_types": [99], "format": 7,
        "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "geheim", "geheim"], "note": "\u{0}",
    }});
    let status = wire::call_json(server.channel(), "CreateWebhook", &bad)
        .await
        .unwrap_err();
    let said = format!("{status:?}");
    for field in [
        "webhook.name",
        "webhook.url",
        "webhook.filter",
        "webhook.event_types[0]",
        "webhook.format",
        "webhook.secrets",
        "webhook.note",
    ] {
        assert!(said.contains(field), "{field}: {said}");
    }
    let client = server.client();
    let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "geheim"];
    let refusal = refused(
        client
            .create_webhook(NewWebhook::new("a", "https://a.example/").secrets(secrets))
            .await,
    );
    assert_eq!(refusal.violations[0].field, "webhook.secrets[1]");
    assert!(!format!("{refusal:?}").contains("geheim"));
    for (url, why) in [
        ("http://hooks.example.com/", "http"),
        ("https://hooks.example.com:8443/", "8443"),
        ("https://127.0.0.1/", "not allowed"),
        ("https://[::ffff:169.254.169.254]/", "not allowed"),
        ("https://2130706433/", "not allowed"),
        ("https://ada:word@hooks.example.com/", "password"),
        ("file:///etc/passwd", "file"),
        ("no url", "URL"),
    ] {
        let refusal = refused(client.create_webhook(NewWebhook::new("a", url)).await);
        assert_eq!(refusal.reason, Reason::InvalidField, "{url}");
        assert_eq!(refusal.violations[0].field, "webhook.url");
        assert!(refusal.violations[0].description.contains(why), "{refusal:?}");
    }
    let edit = Webhook {
        name: "a".to_owned(),
        ..Webhook::default()
    };
    for field in ["paused", "name", "secrets", "url", "status"] {
        let refusal = refused(client.update_webhook(edit.clone(), [field]).await);
        assert_eq!(refusal.reason, Reason::InvalidField, "{field}");
    }
    assert_eq!(
        refused(client.update_webhook(edit, []).await).violations[0].field,
        "webhook"
    );
    server.finish().await;
}

#[tokio::test]
async fn a_hundred_webhooks_are_all() {
    let server = TestServer::start().await;
    let client = server.client();
    for number in 0..100 {
        let new = NewWebhook::new(format!("w{number}"), "https://hooks.example.com/").paused();
        client.create_webhook(new).await.unwrap();
    }
    let more = NewWebhook::new("more", "https://hooks.example.com/").paused();
    assert_eq!(
        refused(client.create_webhook(more).await).reason,
        Reason::QuotaExceeded
    );
    server.finish().await;
}

#[tokio::test]
async fn a_paused_webhook_goes_on_where_it_was_and_a_test_is_sent_all_the_same() {
    let server = server().await;
    let client = server.client();
    let hook = Hook::start().await;
    let new = NewWebhook::new("all", url(&hook, "/")).paused();
    let secret = client.create_webhook(new).await.unwrap().secrets[0].clone();
    client.create(NewTask::new("work")).await.unwrap();
    let tested = client.test_webhook("all").await.unwrap();
    assert!(
        tested.delivered && tested.status_code == 200 && tested.error.is_empty(),
        "{tested:?}"
    );
    let sent = hook.sent();
    assert_eq!(sent.len(), 1, "nothing but the test");
    assert_eq!(super::message(&sent[0])["type"], "webhook.test");
    assert_eq!(genuine(&sent[0], &secret), Ok(()));
    let resumed = client.resume_webhook("all").note("on with it").await.unwrap();
    assert_eq!((resumed.paused, resumed.note.as_str()), (false, "on with it"));
    told(client, "all").await;
    assert_eq!(hook.sent().len(), 3, "what came while it was paused is told");
    client.pause_webhook("all").note("enough").await.unwrap();
    client.create(NewTask::new("work")).await.unwrap();
    let edit = Webhook {
        name: "all".to_owned(),
        url: url(&hook, "/500"),
        ..Webhook::default()
    };
    client.update_webhook(edit, []).await.unwrap();
    let tested = client.test_webhook("all").await.unwrap();
    assert_eq!((tested.delivered, tested.status_code), (false, 500));
    assert!(tested.error.contains("500"), "{tested:?}");
    let paused = until(client, "all", |webhook| webhook.paused).await;
    assert_eq!(paused.status.unwrap().delivered_count, 2);
    server.finish().await;
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    let server = server().await;
    let client = server.client();
    let hook = Hook::start().await;
    let (old, new) = (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
    );
    let created = client
        .create_webhook(NewWebhook::new("all", url(&hook, "/")).secrets([old]))
        .await
        .unwrap();
    assert!(created.secrets.is_empty(), "who gave it knows it");
    let both = NewWebhook::new("all", "").secrets([new, old]);
    client.update_webhook(both, ["secrets"]).await.unwrap();
    client.create(NewTask::new("work")).await.unwrap();
    told(client, "all").await;
    for sent in hook.sent() {
        assert_eq!((genuine(&sent, old), genuine(&sent, new)), (Ok(()), Ok(())));
    }
    server.finish().await;
}
