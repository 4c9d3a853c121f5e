//! Many tasks in one transaction.

use baton_client::{NewTask, Reason, State};
use baton_proto::v1::BatchCreateTasksRequest;
use baton_tests::harness::TestServer;

use crate::support::{id, queued, until};

fn member(reference: &str) -> NewTask {
    NewTask::new("test").reference(reference)
}

#[tokio::test]
async fn members_depend_on_each_other_in_any_order() {
    let server = TestServer::start().await;
    let client = server.client();
    let outside = queued(&server).await;
    let members = [
        member("last").depends_on_sibling("first").depends_on(&outside.id),
        member("first"),
        NewTask::new("test").hold(),
    ];
    let made = server.ok(client.batch_create(members)).await;
    let states: Vec<_> = made.iter().map(|task| task.state()).collect();
    assert_eq!(states, [State::Blocked, State::Queued, State::Pending]);
    let on: Vec<_> = made[0]
        .dependencies
        .iter()
        .map(|d| (d.task_id.as_str(), d.r#ref.as_str()))
        .collect();
    assert!(on.contains(&(made[1].id.as_str(), "")), "{on:?}");
    server.ok(client.start(&made[1].id)).await;
    server.ok(client.complete(&made[1].id)).await;
    server.ok(client.cancel(&outside.id)).await;
    until(&server, &made[0].id, State::Failed).await;
    server.finish().await;
}

#[tokio::test]
async fn one_bad_member_creates_none() {
    let server = TestServer::start().await;
    let client = server.client();
    let stays = server.watch_state(State::Queued).await;
    let taken = queued(&server).await;
    let cases = [
        (NewTask::new("test").depends_on(id()), Reason::TaskNotFound),
        (NewTask::new("test").parent(id()), Reason::TaskNotFound),
        (
            NewTask::new("test").id(&taken.id).title("another"),
            Reason::TaskIdReused,
        ),
        (member("a").depends_on_sibling("b"), Reason::InvalidField),
        (NewTask::new("test").namespace("elsewhere"), Reason::InvalidField),
        (NewTask::new("te st"), Reason::InvalidField),
    ];
    for (bad, reason) in cases {
        let refusal = server
            .refused(client.batch_create([NewTask::new("test"), bad]))
            .await;
        assert_eq!(refusal.reason, reason, "{refusal:?}");
        let names_it = refusal.metadata.get("index").is_some_and(|index| index == "1")
            || refusal
                .violations
                .iter()
                .any(|violation| violation.field.starts_with("requests[1]"));
        assert!(names_it, "{refusal:?}");
    }
    let ring = [
        member("a").depends_on_sibling("b"),
        member("b").depends_on_sibling("a"),
    ];
    let refusal = server.refused(client.batch_create(ring)).await;
    assert_eq!(refusal.reason, Reason::DependencyCycle);
    let twins = server
        .refused(client.batch_create([member("a"), member("a")]))
        .await;
    assert_eq!(twins.reason, Reason::InvalidField);
    // Nothing came of all that: only the one task was ever queued.
    stays.until_events(1).await;
    stays.until_quiet().await;
    assert_eq!(stays.events().len(), 1);
    server.finish().await;
}

#[tokio::test]
async fn a_batch_has_its_limits() {
    let server = TestServer::start().await;
    let client = server.client();
    let made = server
        .ok(client.batch_create((0..1_000).map(|_| NewTask::new("test"))))
        .await;
    assert_eq!(made.len(), 1_000);
    let more = server
        .refused(client.batch_create((0..1_001).map(|_| NewTask::new("test"))))
        .await;
    assert_eq!(more.reason, Reason::BatchTooLarge);
    let none = server
        .refused(client.call(BatchCreateTasksRequest::default()))
        .await;
    assert_eq!(none.reason, Reason::InvalidField);
    let validating = server
        .refused(client.batch_create([NewTask::new("test").validate_only()]))
        .await;
    assert_eq!(validating.violations[0].field, "requests[0].validate_only");
    let got = server
        .ok(client.batch_get(made.iter().map(|task| &task.id)))
        .await;
    let order = |tasks: &[baton_proto::v1::Task]| tasks.iter().map(|t| t.id.clone()).collect::<Vec<_>>();
    assert_eq!(order(&got), order(&made));
    let with_a_stranger = made.iter().map(|task| task.id.clone()).take(2).chain([id()]);
    let refusal = server.refused(client.batch_get(with_a_stranger)).await;
    assert_eq!(
        (refusal.reason, refusal.metadata["index"].as_str()),
        (Reason::TaskNotFound, "2")
    );
    server.finish().await;
}
