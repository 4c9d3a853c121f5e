//! Which calls a worker makes, and how many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use baton_client::proto::{
    AppendOutputRequest, AppendOutputResponse, BulkTaskError, BulkTaskResult, LeaseDirective,
    LeaseTasksRequest, LeaseTasksResponse, LeaseUpdate, LeasedTask, RenewLeasesRequest, RenewLeasesResponse,
    ReportTasksRequest, ReportTasksResponse, Task, task_report,
};
use baton_client::{Code, Context, Ended, RetrySettings, Worker, value};
use futures::FutureExt;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::scripted::{Scripted, Seen, Step, answer_with, refusal};

/// A server that leases once as many tasks as are asked for, and then none.
#[derive(Default)]
struct Tasks {
    leased: AtomicBool,
}

impl Tasks {
    fn lease(&self, request: &LeaseTasksRequest) -> Step {
        if self.leased.swap(true, Ordering::SeqCst) {
            return Step::Hang(oneshot::channel().0);
        }
        let lease = |n: i32| LeasedTask {
            task: Some(Task {
                id: n.to_string(),
                r#type: "test".to_owned(),
                ..Task::default()
            }),
            lease_token: format!("token-{n}"),
            fence: 1,
            attempt: 1,
            ..LeasedTask::default()
        };
        answer_with(&LeaseTasksResponse {
            leased_tasks: (0..request.max_tasks).map(lease).collect(),
            ..LeaseTasksResponse::default()
        })
    }

    /// Keeps every lease, and stays open where that is asked for.
    fn renew(request: &RenewLeasesRequest) -> Step {
        if request.wait_timeout.is_some_and(|wait| wait.seconds > 0) {
            return Step::Hang(oneshot::channel().0);
        }
        let update = |id: &String| LeaseUpdate {
            id: id.clone(),
            fence: 1,
            directive: LeaseDirective::Continue.into(),
            lease_expire_time: None,
        };
        let ids = request.renewals.iter().map(|renewal| &renewal.id);
        answer_with(&RenewLeasesResponse {
            updates: ids.map(update).collect(),
            renew_after: None,
        })
    }
}

fn taken(request: &ReportTasksRequest) -> Step {
    let result = |id: &String| BulkTaskResult {
        id: id.clone(),
        task: Some(Task::default()),
        error: None,
    };
    let ids = request.reports.iter().map(|report| &report.id);
    answer_with(&ReportTasksResponse {
        results: ids.map(result).collect(),
    })
}

/// A worker's server, whose other calls are answered by the test.
async fn server<F>(others: impl Fn(Seen) -> F + Send + Sync + 'static) -> Scripted
where
    F: Future<Output = Step> + Send + 'static,
{
    let tasks = Tasks::default();
    Scripted::answering(Box::new(move |seen: Seen| match seen.path.as_str() {
        "/baton.v1.WorkerService/LeaseTasks" => futures::future::ready(tasks.lease(&seen.read())).boxed(),
        "/baton.v1.WorkerService/RenewLeases" => futures::future::ready(Tasks::renew(&seen.read())).boxed(),
        _ => others(seen).boxed(),
    }))
    .await
}

#[tokio::test]
async fn a_lone_report_goes_at_once_and_what_ends_meanwhile_goes_together() {
    const TASKS: usize = 50;
    let (told, mut reported) = mpsc::unbounded_channel();
    let answers = Arc::new(Semaphore::new(0));
    let allowed = Arc::clone(&answers);
    let server = server(move |seen| {
        let request: ReportTasksRequest = seen.read();
        told.send(request.reports.len()).expect("the test listens");
        let allowed = Arc::clone(&allowed);
        async move {
            allowed.acquire().await.expect("it is not closed").forget();
            taken(&request)
        }
    })
    .await;
    let (over, mut ended) = mpsc::unbounded_channel();
    let gate = Arc::new(Notify::new());
    let open = Arc::clone(&gate);
    let handler = move |context: Context, (): ()| {
        let (over, gate) = (over.clone(), Arc::clone(&open));
        async move {
            if context.id() != "0" {
                gate.notified().await;
                over.send(()).expect("the test listens");
            }
            Ok(())
        }
    };
    let stop = CancellationToken::new();
    let worker = Worker::builder(server.client()).concurrency(TASKS);
    let worker = worker
        .handler("test", handler)
        .run_until(stop.clone().cancelled_owned());
    let worker = tokio::spawn(worker);
    assert_eq!(reported.recv().await, Some(1));
    for _ in 1..TASKS {
        gate.notify_one();
        ended.recv().await.expect("a handler ends");
    }
    answers.add_permits(TASKS);
    assert_eq!(reported.recv().await, Some(TASKS - 1));
    stop.cancel();
    assert_eq!(worker.await.expect("no panic").expect("no error"), Ended::Stopped);
    let polls = server.seen();
    let polls = polls
        .iter()
        .filter(|seen| seen.path == "/baton.v1.WorkerService/LeaseTasks");
    let asked: Vec<_> = polls
        .map(|seen| seen.read::<LeaseTasksRequest>().max_tasks)
        .collect();
    // As many as there was room for: all, and then the place of the first.
    assert_eq!(asked, [50, 1]);
}

#[tokio::test]
async fn an_end_that_could_not_be_told_is_told_again_in_the_same_words() {
    let (told, mut reported) = mpsc::unbounded_channel();
    let times = AtomicUsize::new(0);
    let server = server(move |seen| {
        let request: ReportTasksRequest = seen.read();
        let step = match times.fetch_add(1, Ordering::SeqCst) {
            0 => Step::Refuse(refusal(Code::Unavailable, "OUTCOME_UNKNOWN")),
            1 => answer_with(&ReportTasksResponse {
                results: vec![BulkTaskResult {
                    id: request.reports[0].id.clone(),
                    task: None,
                    error: Some(BulkTaskError {
                        code: 14,
                        reason: "STORE_BUSY".to_owned(),
                        ..BulkTaskError::default()
                    }),
                }],
            }),
            _ => taken(&request),
        };
        told.send(request).expect("the test listens");
        futures::future::ready(step)
    })
    .await;
    let stop = CancellationToken::new();
    let worker = Worker::builder(server.client()).concurrency(1);
    let worker = worker
        .handler("test", |_, (): ()| async { Ok("done") })
        .run_until(stop.clone().cancelled_owned());
    let worker = tokio::spawn(worker);
    let first = reported.recv().await.expect("a report");
    for _ in 0..2 {
        assert_eq!(reported.recv().await.as_ref(), Some(&first));
    }
    stop.cancel();
    assert_eq!(worker.await.expect("no panic").expect("no error"), Ended::Stopped);
}

#[tokio::test]
async fn a_report_that_the_server_fails_on_holds_up_no_other() {
    const TASKS: usize = 5;
    let (told, mut reported) = mpsc::unbounded_channel();
    let server = server(move |seen| {
        let request: ReportTasksRequest = seen.read();
        let has_poison = request.reports.iter().any(|report| report.id == "2");
        let step = if has_poison {
            Step::Refuse(refusal(Code::Internal, "BUG"))
        } else {
            let ids = request.reports.iter().map(|report| report.id.clone());
            ids.for_each(|id| told.send(id).expect("the test listens"));
            taken(&request)
        };
        futures::future::ready(step)
    })
    .await;
    let worker = Worker::builder(server.client()).concurrency(TASKS);
    let worker = worker.handler("test", |_, (): ()| async { Ok(()) });
    let worker = tokio::spawn(worker.run_until(std::future::pending()));
    let mut ids = Vec::new();
    for _ in 1..TASKS {
        ids.push(reported.recv().await.expect("a report"));
    }
    ids.sort_unstable();
    assert_eq!(ids, ["0", "1", "3", "4"]);
    worker.abort();
}

#[tokio::test]
async fn a_worker_that_gives_up_waits_for_no_start() {
    let (told, mut reported) = mpsc::unbounded_channel();
    let (asked, mut starting) = mpsc::unbounded_channel();
    let leased = AtomicBool::new(false);
    let server = Scripted::answering(Box::new(move |seen: Seen| {
        let step = match seen.path.as_str() {
            "/baton.v1.WorkerService/LeaseTasks" if !leased.swap(true, Ordering::SeqCst) => {
                answer_with(&LeaseTasksResponse {
                    leased_tasks: vec![LeasedTask {
                        task: Some(Task {
                            id: "0".to_owned(),
                            r#type: "test".to_owned(),
                            ..Task::default()
                        }),
                        lease_token: "token".to_owned(),
                        // Somebody held it before: the start is told before the work begins.
                        fence: 2,
                        ..LeasedTask::default()
                    }],
                    ..LeaseTasksResponse::default()
                })
            }
            "/baton.v1.WorkerService/ReportTasks" => {
                let request: ReportTasksRequest = seen.read();
                told.send(request.clone()).expect("the test listens");
                taken(&request)
            }
            "/baton.v1.WorkerService/RenewLeases" => {
                asked.send(()).expect("the test listens");
                Step::Hang(oneshot::channel().0)
            }
            _ => Step::Hang(oneshot::channel().0),
        };
        futures::future::ready(step).boxed()
    }))
    .await;
    let stop = CancellationToken::new();
    let worker = Worker::builder(server.client()).grace(Duration::ZERO);
    let worker = worker.handler("test", |_, (): ()| async { Ok(()) });
    let worker = tokio::spawn(worker.run_until(stop.clone().cancelled_owned()));
    starting.recv().await.expect("it tells the start");
    stop.cancel();
    let report = reported.recv().await.expect("a report").reports.remove(0);
    assert!(
        matches!(report.result, Some(task_report::Result::Release(_))),
        "{report:?}"
    );
    assert_eq!(worker.await.expect("no panic").expect("no error"), Ended::Stopped);
}

#[tokio::test]
async fn a_call_that_listens_renews_nothing() {
    const TASKS: usize = 3;
    let (told, mut renewed) = mpsc::unbounded_channel();
    let tasks = Tasks::default();
    let server = Scripted::answering(Box::new(move |seen: Seen| {
        let step = match seen.path.as_str() {
            "/baton.v1.WorkerService/LeaseTasks" => tasks.lease(&seen.read()),
            "/baton.v1.WorkerService/RenewLeases" => {
                let request: RenewLeasesRequest = seen.read();
                let step = Tasks::renew(&request);
                told.send(request).expect("the test listens");
                step
            }
            _ => taken(&seen.read()),
        };
        futures::future::ready(step).boxed()
    }))
    .await;
    let worker = Worker::builder(server.client()).concurrency(TASKS);
    let worker = worker.handler("test", |_, (): ()| async {
        std::future::pending::<()>().await;
        Ok(())
    });
    let worker = tokio::spawn(worker.run_until(std::future::pending()));
    let mut started = 0;
    loop {
        let request = renewed.recv().await.expect("a renewal");
        let listens = request.wait_timeout.is_some_and(|wait| wait.seconds > 0);
        assert!(
            request
                .renewals
                .iter()
                .all(|renewal| renewal.listen_only == listens)
        );
        if !listens {
            started += request.renewals.len();
        } else if request.renewals.len() == TASKS {
            break;
        }
    }
    assert_eq!(started, TASKS, "each is renewed once, to start it");
    worker.abort();
}

#[tokio::test]
async fn a_part_of_which_nobody_knows_is_told_again_before_the_next() {
    let (told, mut parts) = mpsc::unbounded_channel();
    let times = AtomicUsize::new(0);
    let server = server(move |seen| {
        let step = if seen.path.ends_with("/AppendOutput") {
            let request: AppendOutputRequest = seen.read();
            told.send((request.index, request.chunk))
                .expect("the test listens");
            if times.fetch_add(1, Ordering::SeqCst) == 0 {
                Step::Refuse(refusal(Code::Unavailable, "OUTCOME_UNKNOWN"))
            } else {
                answer_with(&AppendOutputResponse {
                    task: Some(Task::default()),
                })
            }
        } else {
            taken(&seen.read())
        };
        futures::future::ready(step)
    })
    .await;
    let once = RetrySettings {
        max_attempts: 1,
        ..RetrySettings::default()
    };
    let client = server.builder().retry(once).build().expect("good settings");
    let handler = |context: Context, (): ()| async move {
        let lost = context.append_output("a").await;
        assert!(lost.is_err_and(|error| error.outcome_unknown()));
        context.append_output("b").await?;
        Ok(())
    };
    let stop = CancellationToken::new();
    let worker = Worker::builder(client).concurrency(1).handler("test", handler);
    let worker = tokio::spawn(worker.run_until(stop.clone().cancelled_owned()));
    for (place, text) in [(0, "a"), (0, "a"), (1, "b")] {
        let part = value::json(text).expect("JSON");
        assert_eq!(parts.recv().await, Some((Some(place), Some(part))));
    }
    stop.cancel();
    assert_eq!(worker.await.expect("no panic").expect("no error"), Ended::Stopped);
}
