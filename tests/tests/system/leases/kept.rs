//! How workers keep leases, and what they are told of those they lose.

use baton_client::State;
use baton_proto::v1::{
    AppendOutputRequest, AttemptOutcome, CompleteTaskRequest, DrainWorkerRequest, LeaseDirective,
    LeaseRenewal, LeaseTasksRequest, LeaseUpdate, LeasedTask, ListTaskRunsRequest, ListWorkersRequest,
    Progress, ReportTasksRequest, ReportedCompletion, SaveCheckpointRequest, TaskReport, task_report,
};
use baton_tests::harness::TestServer;

use super::{
    LONG, begun, complete, id, lease, leased, one, pass, reason, renew, renew_all, renewal, seconds,
    until_open,
};
use crate::support::{get, queued, until};

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
    assert_eq!(
        refused.reason().map(ToString::to_string).as_deref(),
        Some("LEASE_LOST")
    );
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
    // A third of what is left; a moment has passed.
    assert_eq!(answer.renew_after.map(|after| after.seconds), Some(9));
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

#[tokio::test]
async fn who_only_listens_hears_of_a_cancel_and_renews_nothing() {
    let server = TestServer::start().await;
    let client = server.client();
    queued(&server).await;
    let held = begun(&server, "w").await;
    queued(&server).await;
    let unstarted = leased(&server, "w").await;
    let listen = |lease: &LeasedTask| LeaseRenewal {
        listen_only: true,
        ..renewal(lease)
    };
    let end = renew(&server, &held).await.lease_expire_time;
    pass(&server, 5).await;
    let both = vec![listen(&held), listen(&unstarted)];
    let answer = renew_all(&server, both.clone(), 0).await.unwrap();
    assert_eq!(answer.updates[0].lease_expire_time, end, "it is as it was");
    let directives: Vec<_> = answer.updates.iter().map(LeaseUpdate::directive).collect();
    assert_eq!(directives, [LeaseDirective::Continue; 2]);
    assert_eq!(get(&server, id(&unstarted)).await.state(), State::Assigned);
    let open = renew_all(&server, both.clone(), LONG);
    let (told, _) = futures::future::join(open, async {
        until_open(&server, "w").await;
        server.ok(client.cancel(id(&unstarted))).await;
    })
    .await;
    assert_eq!(told.unwrap().updates[1].directive(), LeaseDirective::Cancel);
    pass(&server, 26).await;
    let lost = renew_all(&server, both, 0).await.unwrap();
    let directives: Vec<_> = lost.updates.iter().map(LeaseUpdate::directive).collect();
    assert_eq!(directives, [LeaseDirective::Lost, LeaseDirective::Cancel]);
    server.finish().await;
}

/// What a server that has just begun does not know yet is not lost.
#[tokio::test]
async fn who_listens_after_a_restart_has_what_it_had() {
    let mut server = TestServer::start().await;
    let task = queued(&server).await;
    let held = begun(&server, "w").await;
    let listen = LeaseRenewal {
        listen_only: true,
        ..renewal(&held)
    };
    server.restart().await;
    let told = renew_all(&server, vec![listen.clone()], 0).await.unwrap();
    assert_eq!(told.updates[0].directive(), LeaseDirective::Continue);
    assert!(told.updates[0].lease_expire_time.is_some());
    server.restart().await;
    let open = renew_all(&server, vec![listen], LONG);
    let (told, _) = futures::future::join(open, async {
        until_open(&server, "w").await;
        server.ok(server.client().cancel(&task.id)).await;
    })
    .await;
    assert_eq!(told.unwrap().updates[0].directive(), LeaseDirective::Cancel);
    server.finish().await;
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
        server.workers().drain_worker(drain(false)).await
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
    server.workers().drain_worker(drain(true)).await.unwrap();
    assert_eq!(id(&leased(&server, "w").await), more.id);
    let mut calls = server.workers();
    let list = calls.list_workers(ListWorkersRequest::default()).await;
    let list = list.unwrap().into_inner().workers;
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].id.as_str(), list[0].any_type), ("w", true));
    server.finish().await;
}

#[tokio::test]
async fn who_takes_up_the_work_begins_where_it_was_saved() {
    let server = TestServer::start().await;
    let task = queued(&server).await;
    let first = begun(&server, "first").await;
    let saved = baton_client::value::json_text("7");
    let save = SaveCheckpointRequest {
        id: task.id.clone(),
        lease_token: first.lease_token.clone(),
        checkpoint: Some(saved.clone()),
        ..SaveCheckpointRequest::default()
    };
    server.save_checkpoint(save).await.unwrap();
    let part = AppendOutputRequest {
        id: task.id.clone(),
        lease_token: first.lease_token.clone(),
        chunk: Some(baton_client::value::json_text("\"Once\"")),
        index: Some(0),
        ..AppendOutputRequest::default()
    };
    server.append_output(part).await.unwrap();
    pass(&server, 30).await;
    until(&server, &task.id, State::Scheduled).await;
    pass(&server, 60).await;
    until(&server, &task.id, State::Queued).await;
    let second = leased(&server, "second").await;
    assert_eq!((second.attempt, second.checkpoint.as_ref()), (2, Some(&saved)));
    let report = TaskReport {
        id: task.id.clone(),
        lease_token: second.lease_token.clone(),
        start_time: None,
        result: Some(task_report::Result::Complete(ReportedCompletion::default())),
    };
    let reports = vec![report];
    let answer = server.report_tasks(ReportTasksRequest { reports }).await.unwrap();
    assert_eq!(answer.results[0].task.as_ref().unwrap().state(), State::Completed);
    let runs = ListTaskRunsRequest {
        filter: format!("task_id = {}", task.id),
        ..ListTaskRunsRequest::default()
    };
    let runs = server
        .workers()
        .list_task_runs(runs)
        .await
        .unwrap()
        .into_inner()
        .runs;
    let ends: Vec<_> = runs.iter().map(|run| (run.attempt, run.outcome())).collect();
    assert_eq!(ends, [(2, AttemptOutcome::Ok), (1, AttemptOutcome::LeaseExpired)]);
    server.finish().await;
}
