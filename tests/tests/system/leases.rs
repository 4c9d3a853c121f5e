//! Leases: how workers get tasks, keep them and lose them.

use std::collections::BTreeSet;
use std::time::Duration;

use baton_client::{NewTask, State, actor};
use baton_proto::v1::worker_service_client::WorkerServiceClient;
use baton_proto::v1::{
    AssignTaskRequest, CompleteTaskRequest, DrainWorkerRequest, GetWorkerRequest, LeaseDirective,
    LeaseRenewal, LeaseTasksRequest, LeaseTasksResponse, LeaseUpdate, LeasedTask, ListWorkersRequest,
    Progress, RenewLeasesRequest, RenewLeasesResponse, StartTaskRequest, Task, TaskPriority, Worker,
};
use baton_tests::harness::TestServer;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::{created, get, queued, until};

/// Longer than any test waits: who answers sooner was woken.
const LONG: u64 = 60;

fn seconds(seconds: u64) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(Duration::from_secs(seconds)).ok()
}

fn workers(server: &TestServer) -> WorkerServiceClient<Channel> {
    WorkerServiceClient::new(server.channel())
}

/// One task of any type from the default queue, without a wait.
fn one(worker: &str) -> LeaseTasksRequest {
    LeaseTasksRequest {
        worker: Some(actor::service(worker)),
        any_type: true,
        max_tasks: 1,
        wait_timeout: seconds(0),
        ..LeaseTasksRequest::default()
    }
}

async fn lease(server: &TestServer, request: LeaseTasksRequest) -> LeaseTasksResponse {
    workers(server).lease_tasks(request).await.unwrap().into_inner()
}

/// Leases the one task that is ready.
async fn leased(server: &TestServer, worker: &str) -> LeasedTask {
    let mut answer = lease(server, one(worker)).await;
    assert_eq!(answer.leased_tasks.len(), 1, "{answer:?}");
    answer.leased_tasks.pop().unwrap()
}

/// As [`leased`], and begins the work.
async fn begun(server: &TestServer, worker: &str) -> LeasedTask {
    let lease = leased(server, worker).await;
    let update = renew(server, &lease).await;
    assert_eq!(update.directive(), LeaseDirective::Continue);
    lease
}

fn id(lease: &LeasedTask) -> &str {
    &lease.task.as_ref().unwrap().id
}

fn renewal(lease: &LeasedTask) -> LeaseRenewal {
    LeaseRenewal {
        id: id(lease).to_owned(),
        lease_token: lease.lease_token.clone(),
        progress: None,
    }
}

async fn renew_all(
    server: &TestServer,
    renewals: Vec<LeaseRenewal>,
    wait: u64,
) -> Result<RenewLeasesResponse, Status> {
    let request = RenewLeasesRequest {
        renewals,
        lease_duration: None,
        wait_timeout: seconds(wait),
    };
    Ok(workers(server).renew_leases(request).await?.into_inner())
}

async fn renew(server: &TestServer, lease: &LeasedTask) -> LeaseUpdate {
    let answer = renew_all(server, vec![renewal(lease)], 0).await.unwrap();
    answer.updates.into_iter().next().unwrap()
}

async fn complete(server: &TestServer, lease: &LeasedTask) -> Result<Task, Status> {
    let request = CompleteTaskRequest {
        id: id(lease).to_owned(),
        lease_token: lease.lease_token.clone(),
        ..CompleteTaskRequest::default()
    };
    let answer = server.raw().complete_task(request).await?;
    Ok(answer.into_inner().task.unwrap())
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

async fn pass(server: &TestServer, seconds: u64) {
    let passed = server.client().advance_clock(Duration::from_secs(seconds));
    server.ok(passed).await;
}

/// Waits until the worker is heard of.
async fn heard(server: &TestServer, worker: &str) -> Worker {
    loop {
        let request = GetWorkerRequest {
            id: worker.to_owned(),
            ..GetWorkerRequest::default()
        };
        match workers(server).get_worker(request).await {
            Ok(found) => return found.into_inner().worker.unwrap(),
            Err(status) => assert_eq!(reason(&status), "WORKER_NOT_FOUND"),
        }
    }
}

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
async fn a_lease_that_is_not_started_goes_back_and_its_token_is_worth_nothing() {
    let server = TestServer::start().await;
    let task = queued(&server).await;
    let lost = leased(&server, "w").await;
    pass(&server, 10).await;
    let back = get(&server, &task.id).await;
    assert_eq!((back.state(), back.attempt), (State::Queued, 1));
    assert_eq!(back.state_reason, "lease_expired");
    let again = begun(&server, "other").await;
    assert_eq!(again.attempt, 1);
    assert_eq!(renew(&server, &lost).await.directive(), LeaseDirective::Lost);
    let refused = complete(&server, &lost).await.unwrap_err();
    assert_eq!(reason(&refused), "LEASE_LOST");
    // The first worker is told by its next poll, too.
    let told = lease(&server, one("w")).await.updates;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].fence, told[0].directive()),
        (lost.fence, LeaseDirective::Lost)
    );
    let without = CompleteTaskRequest {
        id: task.id.clone(),
        ..CompleteTaskRequest::default()
    };
    let refused = server.raw().complete_task(without).await.unwrap_err();
    assert_eq!(reason(&refused), "LEASE_REQUIRED");
    complete(&server, &again).await.unwrap();
    server.finish().await;
}

#[tokio::test]
async fn a_renewal_keeps_the_lease_and_leaves_the_task_as_it_is() {
    let server = TestServer::start().await;
    let task = queued(&server).await;
    let lease = begun(&server, "w").await;
    let before = get(&server, &task.id).await;
    pass(&server, 20).await;
    let kept = renew(&server, &lease).await;
    assert_eq!(get(&server, &task.id).await, before);
    pass(&server, 20).await;
    let told = LeaseRenewal {
        progress: Some(Progress {
            percent: Some(40),
            ..Progress::default()
        }),
        ..renewal(&lease)
    };
    let answer = renew_all(&server, vec![told.clone()], 0).await.unwrap();
    assert!(answer.updates[0].lease_expire_time.unwrap().seconds > kept.lease_expire_time.unwrap().seconds);
    assert_eq!(answer.renew_after, seconds(10));
    let progressed = get(&server, &task.id).await;
    assert_eq!(progressed.revision, before.revision + 1);
    renew_all(&server, vec![told], 0).await.unwrap();
    assert_eq!(get(&server, &task.id).await.revision, progressed.revision);
    // Nobody renews: the attempt failed, and another follows.
    pass(&server, 30).await;
    let waits = until(&server, &task.id, State::Scheduled).await;
    assert_eq!(
        (waits.attempt, waits.error.unwrap().code.as_str()),
        (2, "LEASE_EXPIRED")
    );
    assert_eq!(waits.assignee, None);
    server.finish().await;
}

#[tokio::test]
async fn a_cancel_and_a_pause_reach_a_worker_that_keeps_a_call_open() {
    let server = TestServer::start().await;
    let client = server.client();
    queued(&server).await;
    let cancelled = begun(&server, "w").await;
    queued(&server).await;
    let paused = begun(&server, "w").await;
    let poll = LeaseTasksRequest {
        wait_timeout: seconds(LONG),
        ..one("w")
    };
    let (told, _) = futures::future::join(lease(&server, poll), async {
        until_open(&server, "w").await;
        server.ok(client.cancel(id(&cancelled))).await;
    })
    .await;
    assert_eq!(told.updates.len(), 1);
    assert_eq!(told.updates[0].directive(), LeaseDirective::Cancel);
    assert_eq!(told.updates[0].id, id(&cancelled));
    let open = renew_all(&server, vec![renewal(&paused)], LONG);
    let (told, _) = futures::future::join(open, async {
        until_open(&server, "w").await;
        server.ok(client.pause(id(&paused))).await;
    })
    .await;
    assert_eq!(told.unwrap().updates[0].directive(), LeaseDirective::Pause);
    let both = renew_all(&server, vec![renewal(&paused), renewal(&cancelled)], 0).await;
    let directives: Vec<_> = both.unwrap().updates.iter().map(LeaseUpdate::directive).collect();
    assert_eq!(directives, [LeaseDirective::Pause, LeaseDirective::Cancel]);
    server.finish().await;
}

/// Waits until a call of the worker waits: from then on it counts as heard of now, whatever the clock says.
async fn until_open(server: &TestServer, worker: &str) {
    loop {
        let before = heard(server, worker).await.last_seen_time;
        let after = heard(server, worker).await.last_seen_time;
        if before != after {
            return;
        }
    }
}

#[tokio::test]
async fn a_worker_that_drains_is_told_at_once_and_gets_nothing_new() {
    let server = TestServer::start().await;
    queued(&server).await;
    let held = begun(&server, "w").await;
    let drain = |resume| DrainWorkerRequest {
        id: "w".to_owned(),
        resume,
        ..DrainWorkerRequest::default()
    };
    let open = renew_all(&server, vec![renewal(&held)], LONG);
    let (told, drained) = futures::future::join(open, async {
        until_open(&server, "w").await;
        workers(&server).drain_worker(drain(false)).await
    })
    .await;
    let drained = drained.unwrap().into_inner().worker.unwrap();
    assert!(drained.draining);
    assert_eq!(
        (drained.lease_count, drained.leases[0].task_id.as_str()),
        (1, id(&held))
    );
    assert_eq!(told.unwrap().updates[0].directive(), LeaseDirective::Drain);
    let more = queued(&server).await;
    let answer = lease(&server, one("w")).await;
    assert!(answer.leased_tasks.is_empty() && answer.poll_after.is_some());
    assert_eq!(answer.updates[0].directive(), LeaseDirective::Drain);
    complete(&server, &held).await.unwrap();
    workers(&server).drain_worker(drain(true)).await.unwrap();
    assert_eq!(id(&leased(&server, "w").await), more.id);
    let mut calls = workers(&server);
    let list = calls.list_workers(ListWorkersRequest::default()).await;
    let list = list.unwrap().into_inner().workers;
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].id.as_str(), list[0].any_type), ("w", true));
    server.finish().await;
}

#[tokio::test]
async fn clients_grant_leases_too() {
    let server = TestServer::start().await;
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
    let mut calls = workers(&server);
    let call = tokio::spawn(async move { calls.lease_tasks(waiting).await });
    heard(&server, "w").await;
    server.stop().await;
    let refused = call.await.unwrap().unwrap_err();
    assert_eq!(reason(&refused), "DRAINING");
}
