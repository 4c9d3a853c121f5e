//! How watches of one task end.

use baton_client::proto::WatchTaskRequest;
use baton_client::{EventType, NewTask};
use baton_tests::harness::TestServer;
use baton_tests::oracle::Scope;

use super::reason;
use crate::support::started;

/// Events that a watch reads at once.
const PAGE: usize = 256;

#[tokio::test]
async fn a_history_of_whole_pages_ends_too() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test")).await;
    for _ in task.revision..(PAGE as i64 - 1) {
        server.ok(client.comment(&task.id, "on it")).await;
    }
    let done = server.ok(client.complete(&task.id)).await.into_inner();
    assert_eq!(done.revision, PAGE as i64, "as many events as are read at once");
    let mut watch = server.watch_task(&task.id).await;
    assert!(watch.ended().await.is_none(), "a good end");
    assert_eq!(watch.events().len(), PAGE);
    server.finish_with(vec![watch]).await;
}

#[tokio::test]
async fn a_watch_of_one_task_goes_on_after_the_task_was_deleted() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test")).await;
    let opening = WatchTaskRequest {
        id: task.id.clone(),
        ..WatchTaskRequest::default()
    };
    let scope = Scope {
        task: Some(task.id.clone()),
        ..Scope::default()
    };
    let watch = server.watch_task(&task.id).await;
    watch.until_events(usize::try_from(task.revision).unwrap()).await;
    watch.stop();
    server.ok(client.complete(&task.id)).await;
    server.ok(client.delete(&task.id)).await;
    let mut rest = server.resume(opening.clone(), scope.clone(), &watch).await;
    assert!(rest.ended().await.is_none(), "a good end");
    let types: Vec<_> = rest.events().iter().map(|event| event.r#type()).collect();
    assert_eq!(types, [EventType::Completed, EventType::Deleted]);
    let mut nothing = server.resume(opening.clone(), scope.clone(), &rest).await;
    assert!(nothing.ended().await.is_none(), "a good end");
    assert!(nothing.events().is_empty());
    // Without a token, there is nothing to watch.
    let refused = server.try_watch(opening, scope).await.unwrap_err();
    assert_eq!(reason(&refused), "TASK_NOT_FOUND");
    server.finish_with(vec![rest]).await;
}
