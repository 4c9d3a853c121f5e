//! Numbers that no enum has, times that no calendar has.

use baton_client::proto::{CreateTaskRequest, Dependency, Progress, TaskError, TaskFunction, Verification};
use baton_client::{NewTask, Reason};
use baton_proto::v1::{Actor, RetryPolicy};
use baton_tests::harness::TestServer;
use prost_types::{Duration, Timestamp};

use super::{assert_alive, refused_with, task};
use crate::support::{id, queued, started};

#[tokio::test]
async fn unknown_numbers_of_every_enum_are_refused() {
    let server = TestServer::start().await;
    let client = server.client();
    let stranger = Actor {
        r#type: 9,
        id: "a".to_owned(),
        name: String::new(),
    };
    let function = TaskFunction {
        kind: 99,
        name: "f".to_owned(),
        ..TaskFunction::default()
    };
    let dependency = Dependency {
        task_id: id(),
        on_failure: 8,
        ..Dependency::default()
    };
    let policy = RetryPolicy {
        retry_outcomes: vec![2, 50],
        ..RetryPolicy::default()
    };
    let cases = [
        (task(|task| task.priority = 77), "task.priority"),
        (task(|task| task.priority = -1), "task.priority"),
        (task(|task| task.assignee = Some(stranger)), "task.assignee.type"),
        (task(|task| task.function = Some(function)), "task.function.kind"),
        (
            task(|task| task.verification = Some(Verification { mode: 4, grace: None })),
            "task.verification.mode",
        ),
        (
            task(|task| task.retry_policy = Some(policy)),
            "task.retry_policy.retry_outcomes[1]",
        ),
        (
            task(|task| task.dependencies = vec![dependency]),
            "task.dependencies[0].on_failure",
        ),
    ];
    for (request, field) in cases {
        refused_with(&server, request, field).await;
    }
    let known = queued(&server).await;
    let view = client.get(&known.id).with(|request| request.view = 5);
    assert_eq!(server.refused(view).await.violations[0].field, "view");
    let states = client.call(baton_client::proto::WaitTaskRequest {
        id: known.id.clone(),
        until_states: vec![99],
        ..Default::default()
    });
    assert_eq!(
        server.refused(states).await.violations[0].field,
        "until_states[0]"
    );
    assert_alive(&server).await;
    server.finish().await;
}

const TEN_YEARS: i64 = 3_650 * 86_400;

#[tokio::test]
async fn times_and_spans_have_their_bounds() {
    let server = TestServer::start().await;
    let times = [
        (i64::MAX, 0),
        (i64::MIN, 0),
        (0, -1),
        (0, 1_000_000_000),
        (253_402_300_800, 0),
    ];
    for (seconds, nanos) in times {
        let request = task(|task| task.schedule_time = Some(Timestamp { seconds, nanos }));
        refused_with(&server, request, "task.schedule_time").await;
    }
    let spans = [
        (-1, 0),
        (i64::MAX, 0),
        (i64::MIN, 0),
        (0, -5),
        (1, -5),
        (TEN_YEARS + 1, 0),
    ];
    for (seconds, nanos) in spans {
        let request = CreateTaskRequest {
            delay: Some(Duration { seconds, nanos }),
            ..NewTask::new("test").into()
        };
        refused_with(&server, request, "delay").await;
    }
    assert_alive(&server).await;
    server.finish().await;
}

#[tokio::test]
async fn retry_policies_have_their_bounds() {
    let server = TestServer::start().await;
    let policy = |change: fn(&mut RetryPolicy)| {
        let mut policy = RetryPolicy::default();
        change(&mut policy);
        task(move |task| task.retry_policy = Some(policy))
    };
    let negative = |policy: &mut RetryPolicy| {
        policy.initial_backoff = Some(Duration {
            seconds: -1,
            nanos: 0,
        });
    };
    let cases = [
        (policy(|p| p.max_attempts = Some(0)), "max_attempts"),
        (policy(|p| p.max_attempts = Some(i32::MAX)), "max_attempts"),
        (
            policy(|p| p.backoff_multiplier = Some(f64::NAN)),
            "backoff_multiplier",
        ),
        (policy(|p| p.backoff_multiplier = Some(0.5)), "backoff_multiplier"),
        (policy(|p| p.jitter = Some(f64::INFINITY)), "jitter"),
        (policy(|p| p.jitter = Some(-0.1)), "jitter"),
        (policy(negative), "initial_backoff"),
    ];
    for (request, field) in cases {
        refused_with(&server, request, &format!("task.retry_policy.{field}")).await;
    }
    server.finish().await;
}

#[tokio::test]
async fn what_holders_tell_has_its_bounds() {
    let server = TestServer::start().await;
    let client = server.client();
    let running = started(&server, NewTask::new("test")).await;
    for percent in [-1, 101, i32::MIN] {
        let refusal = server
            .refused(client.progress(&running.id).percent(percent))
            .await;
        assert_eq!(refusal.violations[0].field, "progress.percent");
    }
    let back_in_time = client.progress(&running.id).with(|request| {
        request.progress = Some(Progress {
            estimated_time_remaining: Some(Duration {
                seconds: -1,
                nanos: 0,
            }),
            ..Progress::default()
        });
    });
    let refusal = server.refused(back_in_time).await;
    assert_eq!(refusal.violations[0].field, "progress.estimated_time_remaining");
    let for_ever = client.fail(&running.id, "x").with(|request| {
        let error = request.error.get_or_insert_with(TaskError::default);
        error.retry_after = Some(Duration {
            seconds: i64::MAX,
            nanos: 0,
        });
    });
    assert_eq!(
        server.refused(for_ever).await.violations[0].field,
        "error.retry_after"
    );
    let pages = server.refused(client.list().page_size(i32::MIN)).await;
    assert_eq!(pages.reason, Reason::InvalidField);
    let limit = server.refused(client.get(&running.id).event_limit(101)).await;
    assert_eq!(limit.violations[0].field, "event_limit");
    server.finish().await;
}
