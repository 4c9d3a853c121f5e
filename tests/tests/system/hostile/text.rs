//! Text of every kind.

use baton_client::{NewTask, Reason, value};
use baton_tests::harness::TestServer;

use super::{assert_alive, refused_with, task};
use crate::support::{created, get, started};

#[tokio::test]
async fn strange_text_is_kept_or_refused_but_never_changed() {
    let server = TestServer::start().await;
    for strange in [
        "\u{202e}drowssap",
        "e\u{301}",
        "\u{200b}",
        "🤖👩‍👩‍👧",
        "'; DROP TABLE task; --",
        "%_\\",
        "\r\n\t",
    ] {
        let new = NewTask::new("test")
            .title(strange)
            .description(strange)
            .label("k", strange);
        let task = get(&server, &created(&server, new).await.id).await;
        assert_eq!(
            (
                task.title.as_str(),
                task.description.as_str(),
                task.labels["k"].as_str()
            ),
            (strange, strange, strange)
        );
        let quoted = strange.replace('\\', "\\\\").replace('"', "\\\"");
        let found = server
            .send(server.client().list().filter(format!("title = \"{quoted}\"")))
            .await;
        if let Ok(page) = found {
            assert!(page.tasks.iter().any(|found| found.id == task.id), "{strange:?}");
        }
    }
    // A NUL would be cut off by the database: it is refused wherever text can stand.
    let nul = "a\0b";
    let cases = [
        (task(|task| task.title = nul.to_owned()), "task.title"),
        (task(|task| task.description = nul.to_owned()), "task.description"),
        (task(|task| task.queue = nul.to_owned()), "task.queue"),
        (
            task(|task| task.labels = [("k".to_owned(), nul.to_owned())].into()),
            "task.labels",
        ),
        (
            NewTask::new("test").input_payload(value::uri(nul, "")).into(),
            "task.input",
        ),
        (
            NewTask::new("test")
                .assignee(baton_client::actor::human(nul))
                .into(),
            "task.assignee.id",
        ),
    ];
    for (request, field) in cases {
        refused_with(&server, request, field).await;
    }
    let running = started(&server, NewTask::new("test")).await;
    let client = server.client();
    let comment = server.refused(client.comment(&running.id, nul)).await;
    assert_eq!(comment.violations[0].field, "message");
    let failing = server.refused(client.fail(&running.id, nul)).await;
    assert_eq!(failing.violations[0].field, "error.message");
    let filter = server
        .refused(client.list().filter(format!("title = \"{nul}\"")))
        .await;
    assert_eq!(filter.reason, Reason::InvalidFilter);
    assert_alive(&server).await;
    server.finish().await;
}
