//! How workers get tasks.

use std::collections::BTreeSet;

use baton_client::{NewTask, State, actor};
use baton_proto::v1::{
    AssignTaskRequest, CompleteTaskRequest, LeaseDirective, LeaseTasksRequest, StartTaskRequest, Task,
    TaskPriority,
};
use baton_tests::harness::TestServer;
use tonic::Code;

use super::{LONG, complete, heard, id, lease, one, pass, reason, renew, seconds};
use crate::support::{created, get, queued};

#[tokio::test]
async fn a_call_that_waits_is_answered_by_the_task_that_becomes_ready() {
    let server = TestServer::start().await;
    let waiting = LeaseTasksRequest {
        wait_timeout: seconds(LONG),
        ..one("w")
    };
    let (answer, task) = futures::future::join(lease(&server, waiting), async {
        heard(&server, "w").await;
        queued(&server).await
    })
    .await;
    let [lease] = answer.leased_tasks.as_slice() else {
        panic!("{answer:?}")
    };
    let shown = lease.task.as_ref().unwrap();
    assert_eq!(
        (shown.id.as_str(), shown.state()),
        (task.id.as_str(), State::Assigned)
    );
    assert_eq!(shown.assignee, Some(actor::service("w")));
    assert_eq!((lease.attempt, lease.fence), (1, 1));
    assert_eq!(renew(&server, lease).await.directive(), LeaseDirective::Continue);
    assert_eq!(get(&server, &task.id).await.state(), State::InProgress);
    assert_eq!(complete(&server, lease).await.unwrap().state(), State::Completed);
    // The same once more is the same.
    assert_eq!(complete(&server, lease).await.unwrap().state(), State::Completed);
    server.finish().await;
}

#[tokio::test]
async fn a_ready_task_that_is_moved_to_another_queue_is_found_there() {
    let server = TestServer::start().await;
    let task = queued(&server).await;
    let waiting = LeaseTasksRequest {
        queues: vec!["other".to_owned()],
        wait_timeout: seconds(LONG),
        ..one("w")
    };
    let (answer, _) = futures::future::join(lease(&server, waiting), async {
        heard(&server, "w").await;
        let edit = Task {
            id: task.id.clone(),
            queue: "other".to_owned(),
            ..Task::default()
        };
        server.ok(server.client().update(edit, ["queue"])).await
    })
    .await;
    assert_eq!(answer.leased_tasks.iter().map(id).collect::<Vec<_>>(), [&task.id]);
    server.finish().await;
}

#[tokio::test]
async fn the_most_urgent_come_first_and_only_what_was_asked_for() {
    let server = TestServer::start().await;
    let new = |title: &str, priority| NewTask::new("a").title(title).priority(priority);
    let low = created(&server, new("low", TaskPriority::Low)).await;
    let first = created(&server, new("first", TaskPriority::Normal)).await;
    let second = created(&server, new("second", TaskPriority::Normal)).await;
    let urgent = created(&server, new("urgent", TaskPriority::Urgent)).await;
    created(&server, new("elsewhere", TaskPriority::Critical).queue("other")).await;
    created(&server, NewTask::new("b").priority(TaskPriority::Critical)).await;
    let assigned = NewTask::new("a").assignee(actor::human("ada"));
    created(&server, assigned.priority(TaskPriority::Critical)).await;
    let request = LeaseTasksRequest {
        any_type: false,
        types: vec!["a".to_owned(), "c".to_owned()],
        max_tasks: 3,
        ..one("w")
    };
    let answer = lease(&server, request.clone()).await;
    let ids: Vec<_> = answer.leased_tasks.iter().map(id).collect();
    assert_eq!(ids, [&urgent.id, &first.id, &second.id]);
    let rest = lease(&server, request).await;
    assert_eq!(rest.leased_tasks.iter().map(id).collect::<Vec<_>>(), [&low.id]);
    server.finish().await;
}

#[tokio::test]
async fn one_that_has_waited_for_too_long_goes_first() {
    let server = TestServer::start().await;
    let low = created(&server, NewTask::new("a").priority(TaskPriority::Low)).await;
    pass(&server, 301).await;
    let urgent = created(&server, NewTask::new("a").priority(TaskPriority::Critical)).await;
    created(&server, NewTask::new("a").priority(TaskPriority::Low)).await;
    let answer = lease(
        &server,
        LeaseTasksRequest {
            max_tasks: 2,
            ..one("w")
        },
    )
    .await;
    let ids: Vec<_> = answer.leased_tasks.iter().map(id).collect();
    assert_eq!(ids, [&low.id, &urgent.id]);
    server.finish().await;
}

#[tokio::test]
async fn no_more_bytes_than_were_asked_for_but_one_task_in_any_case() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        let input = serde_json::json!("x".repeat(10_000));
        created(&server, NewTask::new("a").input_json(&input)).await;
    }
    let asking = |max_bytes| LeaseTasksRequest {
        max_tasks: 3,
        max_bytes,
        ..one("w")
    };
    assert_eq!(lease(&server, asking(1)).await.leased_tasks.len(), 1);
    assert_eq!(lease(&server, asking(100_000)).await.leased_tasks.len(), 2);
    server.finish().await;
}

#[tokio::test]
async fn many_workers_share_many_tasks_and_none_is_given_twice() {
    const TASKS: usize = 200;
    let server = TestServer::start().await;
    let worker = |number: i32| {
        let server = &server;
        async move {
            let mut got = Vec::new();
            loop {
                let request = LeaseTasksRequest {
                    max_tasks: 1 + number % 7,
                    wait_timeout: seconds(2),
                    ..one(&format!("w-{number}"))
                };
                let answer = lease(server, request).await;
                if answer.leased_tasks.is_empty() {
                    return got;
                }
                assert!(answer.leased_tasks.len() <= usize::try_from(1 + number % 7).unwrap());
                for lease in &answer.leased_tasks {
                    renew(server, lease).await;
                    complete(server, lease).await.unwrap();
                    got.push(id(lease).to_owned());
                }
            }
        }
    };
    let working = futures::future::join_all((0..20).map(worker));
    let creating = async {
        for _ in 0..TASKS / 10 {
            futures::future::join_all((0..10).map(|_| queued(&server))).await;
        }
    };
    let (got, ()) = futures::future::join(working, creating).await;
    let all: Vec<_> = got.concat();
    assert_eq!(all.len(), TASKS);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), TASKS);
    server.finish().await;
}

#[tokio::test]
async fn clients_grant_leases_too() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let task = queued(&server).await;
    let assigned = AssignTaskRequest {
        id: task.id.clone(),
        assignee: Some(actor::agent("a")),
        lease_duration: seconds(60),
        ..AssignTaskRequest::default()
    };
    let granted = server.raw().assign_task(assigned).await.unwrap().into_inner();
    let start = |token: &str| StartTaskRequest {
        id: task.id.clone(),
        lease_token: token.to_owned(),
        ..StartTaskRequest::default()
    };
    let refused = server.raw().start_task(start("")).await.unwrap_err();
    assert_eq!(reason(&refused), "LEASE_REQUIRED");
    let forged = server.raw().start_task(start("x")).await.unwrap_err();
    assert_eq!(
        (forged.code(), reason(&forged).as_str()),
        (Code::InvalidArgument, "INVALID_FIELD")
    );
    let started = server.raw().start_task(start(&granted.lease_token)).await;
    let started = started.unwrap().into_inner();
    assert_eq!(
        (&started.lease_token, started.fence),
        (&granted.lease_token, granted.fence)
    );
    assert_eq!(started.task.unwrap().assignee, Some(actor::agent("a")));
    let other = queued(&server).await;
    let elsewhere = CompleteTaskRequest {
        id: other.id.clone(),
        lease_token: granted.lease_token,
        ..CompleteTaskRequest::default()
    };
    let refused = server.raw().complete_task(elsewhere).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_FIELD");
    server.finish().await;
}

#[tokio::test]
async fn a_server_that_stops_answers_the_calls_that_wait() {
    let mut server = TestServer::start().await;
    let waiting = LeaseTasksRequest {
        wait_timeout: seconds(LONG),
        ..one("w")
    };
    let mut calls = server.workers();
    let call = tokio::spawn(async move { calls.lease_tasks(waiting).await });
    heard(&server, "w").await;
    server.stop().await;
    let refused = call.await.unwrap().unwrap_err();
    assert_eq!(reason(&refused), "DRAINING");
}
