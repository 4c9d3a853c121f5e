//! Every call, who may create tasks of a type, and what they get.

use std::time::Duration;

use baton_client::proto::{RetryPolicy, TaskType, TaskTypeExposure};
use baton_client::{NewSchedule, NewTask, NewTaskType, Priority, Reason, actor};
use baton_server::config::UnknownTypes;
use baton_tests::harness::TestServer;
use futures::TryStreamExt;
use serde_json::json;

use super::{refused, violations};

#[tokio::test]
async fn types_are_registered_read_edited_and_forgotten() {
    let mut server = TestServer::start().await;
    server.history().others_act_too();
    let client = server.client();
    let new = || NewTaskType::new("rss-sweep").input_schema(json!({"required": ["url"], "type": "object"}));
    let register = client.register_task_type(new()).actor(actor::service("sweeper"));
    let first = register.await.unwrap();
    assert_eq!(
        (first.name.as_str(), first.namespace.as_str(), first.exposure()),
        ("rss-sweep", "default", TaskTypeExposure::Public)
    );
    assert_eq!(first.creator.as_ref().unwrap().id, "sweeper");
    // A worker that starts again finds it as it is, whatever order its runtime writes keys in.
    let again = client.register_task_type(new()).await.unwrap();
    assert_eq!(*again, *first);
    let other = refused(client.register_task_type(new().queue("feeds")).await);
    assert_eq!(other.reason, Reason::TaskTypeExists);
    assert!(other.message.contains("UpdateTaskType"), "{}", other.message);

    let edit = TaskType {
        etag: first.etag.clone(),
        ..new().queue("feeds").into()
    };
    let edited = client.update_task_type(edit.clone(), []).await.unwrap();
    assert_ne!(edited.etag, first.etag);
    let late = refused(client.update_task_type(edit, []).await);
    assert_eq!(late.reason, Reason::EtagMismatch);
    let cleared = client.update_task_type(new(), ["queue"]).await.unwrap();
    assert_eq!(
        (cleared.queue.as_str(), &cleared.input_schema),
        ("", &first.input_schema)
    );

    for name in ["c", "a", "b"] {
        client.register_task_type(NewTaskType::new(name)).await.unwrap();
    }
    let page = client.list_task_types().page_size(3).await.unwrap();
    let names: Vec<_> = page.task_types.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    server.restart().await;
    let client = server.client();
    let all: Vec<_> = client
        .list_task_types()
        .page_size(3)
        .all()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 4);
    assert_eq!(
        client.get_task_type("rss-sweep").await.unwrap(),
        cleared.into_inner()
    );
    let refusal = refused(client.create(NewTask::new("rss-sweep")).await);
    assert_eq!(refusal.reason, Reason::SchemaViolation);

    let refusal = refused(client.delete_task_type("rss-sweep").etag(&first.etag).await);
    assert_eq!(refusal.reason, Reason::EtagMismatch);
    client.delete_task_type("rss-sweep").await.unwrap();
    let refusal = refused(client.get_task_type("rss-sweep").await);
    assert_eq!(refusal.reason, Reason::TaskTypeNotFound);
    client.create(NewTask::new("rss-sweep")).await.unwrap();
    assert!(client.get_task_type("a").namespace("other").await.is_err());
    server.finish().await;
}

#[tokio::test]
async fn all_that_is_wrong_with_a_type_is_told_at_once() {
    let server = TestServer::start().await;
    let new = NewTaskType::new("no spaces")
        .input_schema(json!({"properties": {"n": {"type": "whole"}}}))
        .output_schema(json!({"$ref": "https://example.com/schema"}))
        .queue("Bad Queue")
        .with(|task_type| {
            task_type.retry_policy = Some(RetryPolicy {
                max_attempts: Some(1_000),
                ..RetryPolicy::default()
            });
        });
    let refusal = refused(server.client().register_task_type(new).await);
    assert_eq!(refusal.reason, Reason::InvalidField);
    let fields: Vec<_> = refusal.violations.iter().map(|v| v.field.as_str()).collect();
    for field in [
        "task_type.name",
        "task_type.input_schema.properties.n.type",
        "task_type.output_schema[\"$ref\"]",
        "task_type.queue",
        "task_type.retry_policy.max_attempts",
    ] {
        assert!(fields.contains(&field), "{field} is not in {fields:?}");
    }
    server.finish().await;
}

#[tokio::test]
async fn an_internal_type_is_for_schedules() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let client = server.client();
    let beat = NewTaskType::new("heartbeat").internal().queue("inside");
    client.register_task_type(beat).await.unwrap();
    let refusal = refused(client.create(NewTask::new("heartbeat")).await);
    assert_eq!(
        (refusal.code, refusal.reason),
        (baton_client::Code::PermissionDenied, Reason::TypeInternal)
    );
    let refusal = refused(client.create(NewTask::new("heartbeat").validate_only()).await);
    assert_eq!(refusal.reason, Reason::TypeInternal);
    let batch = client.batch_create([NewTask::new("other"), NewTask::new("heartbeat")]);
    let refusal = refused(batch.await);
    assert_eq!(refusal.reason, Reason::TypeInternal);
    assert_eq!(refusal.metadata["index"], "1");
    let other = client.create(NewTask::new("other").hold()).await.unwrap();
    let edit = baton_client::proto::Task {
        id: other.id.clone(),
        r#type: "heartbeat".to_owned(),
        ..Default::default()
    };
    let refusal = refused(client.update(edit, ["type"]).await);
    assert_eq!(refusal.reason, Reason::TypeInternal);

    let hourly = NewSchedule::every("beat", Duration::from_secs(3_600), NewTask::new("heartbeat"));
    client.create_schedule(hourly).await.unwrap();
    let triggered = client.trigger_schedule("beat").await.unwrap();
    assert_eq!(
        (triggered.task.r#type.as_str(), triggered.task.queue.as_str()),
        ("heartbeat", "inside")
    );
    // What is there is worked on like any other task.
    client.cancel(&triggered.task.id).await.unwrap();
    server.finish().await;
}

#[tokio::test]
async fn a_task_gets_from_its_type_what_it_does_not_say() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let client = server.client();
    let policy = |most| RetryPolicy {
        max_attempts: Some(most),
        ..RetryPolicy::default()
    };
    let new = NewTaskType::new("sweep")
        .queue("feeds")
        .priority(Priority::High)
        .attempt_timeout(Duration::from_secs(60))
        .with(|task_type| task_type.retry_policy = Some(policy(7)));
    client.register_task_type(new).await.unwrap();
    let said = |task: &baton_client::proto::Task| {
        let attempts = task.retry_policy.as_ref().and_then(|policy| policy.max_attempts);
        let timeout = task
            .timeouts
            .as_ref()
            .and_then(|timeouts| timeouts.attempt_timeout);
        let timeout = timeout.map(|timeout| timeout.seconds);
        (task.queue.clone(), task.priority(), attempts, timeout)
    };
    let silent = client.create(NewTask::new("sweep")).await.unwrap();
    assert_eq!(
        said(&silent),
        ("feeds".to_owned(), Priority::High, Some(7), Some(60))
    );
    let spoken = NewTask::new("sweep")
        .queue("default")
        .priority(Priority::Normal)
        .with(|task| {
            task.retry_policy = Some(policy(1));
            task.timeouts = Some(baton_client::proto::TaskTimeouts {
                total_timeout: Some(prost_types::Duration { seconds: 5, nanos: 0 }),
                ..Default::default()
            });
        });
    let spoken = client.create(spoken).await.unwrap();
    assert_eq!(
        said(&spoken),
        ("default".to_owned(), Priority::Normal, Some(1), None)
    );
    // A schedule asks its type at each tick: this one was made before the type was what it is.
    let hourly = NewSchedule::every("hourly", Duration::from_secs(3_600), NewTask::new("later"));
    let hourly = client.create_schedule(hourly).await.unwrap();
    assert_eq!(hourly.task.as_ref().unwrap().queue, "");
    client
        .register_task_type(NewTaskType::new("later").queue("slow"))
        .await
        .unwrap();
    server.ok(client.advance_clock(Duration::from_secs(3_601))).await;
    let made = client.list().filter("type = later").await.unwrap();
    assert_eq!((made.tasks.len(), made.tasks[0].queue.as_str()), (1, "slow"));
    server.finish().await;
}

#[tokio::test]
async fn a_server_may_refuse_types_that_it_does_not_know() {
    let server = TestServer::start_with(|config| config.unknown_types = UnknownTypes::Refuse).await;
    server.history().others_act_too();
    let client = server.client();
    let refusal = refused(client.create(NewTask::new("stranger")).await);
    assert_eq!(refusal.reason, Reason::TaskTypeUnknown);
    assert_eq!(refusal.metadata["type"], "stranger");
    assert_eq!(refusal.violations[0].field, "task.type");
    let refusal = refused(client.create(NewTask::new("")).await);
    assert_eq!(refusal.reason, Reason::TaskTypeUnknown);
    let hourly = NewSchedule::every("hourly", Duration::from_secs(3_600), NewTask::new("stranger"));
    let refusal = refused(client.create_schedule(hourly).await);
    assert_eq!(refusal.reason, Reason::TaskTypeUnknown);
    assert_eq!(
        violations(&refusal)[0].split(':').next(),
        Some("schedule.task.type")
    );
    client
        .register_task_type(NewTaskType::new("stranger"))
        .await
        .unwrap();
    let task = client.create(NewTask::new("stranger").hold()).await.unwrap();
    let edit = baton_client::proto::Task {
        id: task.id.clone(),
        r#type: "nobody".to_owned(),
        ..Default::default()
    };
    let refusal = refused(client.update(edit, ["type"]).await);
    assert_eq!(refusal.reason, Reason::TaskTypeUnknown);
    // In its own namespace only.
    let elsewhere = NewTask::new("stranger").with(|task| task.namespace = "other".to_owned());
    let refusal = refused(client.create(elsewhere).await);
    assert_eq!(refusal.reason, Reason::TaskTypeUnknown);
    server.finish().await;
}
