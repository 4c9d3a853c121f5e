//! How a worker comes to its end, and what it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use baton_client::{Code, Context, Ended, Error, NewTask, Outcome, State, value};
use baton_proto::v1::WaitTaskRequest;
use serde_json::json;

use super::{Gate, Running, channel, server, worker};
use crate::support::{created, get, queued, until};

/// Begins, says so, and ends when the test opens the gate.
macro_rules! gated {
    ($tell:expr, $gate:expr) => {{
        let (tell, gate) = ($tell, Arc::clone(&$gate));
        move |context: Context, (): ()| {
            let (tell, gate) = (tell.clone(), Arc::clone(&gate));
            async move {
                tell.send(context.id().to_owned()).unwrap();
                gate.notified().await;
                Ok("done")
            }
        }
    }};
}

#[tokio::test]
async fn a_worker_that_stops_finishes_what_it_holds_and_takes_nothing_new() {
    let server = server().await;
    let (tell, mut told) = channel();
    let gate = Gate::default();
    let one = worker(&server, "w").concurrency(1);
    let worker = Running::start(one.handler("test", gated!(tell, gate)));
    let (first, second) = (queued(&server).await, queued(&server).await);
    assert_eq!(told.next().await, first.id);
    worker.tell_to_stop();
    gate.notify_one();
    assert_eq!(worker.ended().await.unwrap(), Ended::Stopped);
    assert_eq!(get(&server, &first.id).await.state(), State::Completed);
    assert_eq!(get(&server, &second.id).await.state(), State::Queued);
    server.finish().await;
}

/// What `run` heeds, beside Ctrl-C.
#[cfg(unix)]
#[tokio::test]
async fn a_worker_stops_when_its_process_is_told_to() {
    let server = server().await;
    let (tell, mut told) = channel();
    let gate = Gate::default();
    let worker = worker(&server, "w").handler("test", gated!(tell, gate));
    let worker = tokio::spawn(worker.run());
    let task = queued(&server).await;
    told.next().await;
    let pid = std::process::id().to_string();
    let sent = std::process::Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.unwrap().success());
    gate.notify_one();
    assert_eq!(worker.await.unwrap().unwrap(), Ended::Stopped);
    assert_eq!(get(&server, &task.id).await.state(), State::Completed);
    server.finish().await;
}

#[tokio::test]
async fn what_does_not_end_within_the_grace_is_given_back_at_once() {
    let server = server().await;
    let (tell, mut told) = channel();
    let hasty = worker(&server, "w").grace(Duration::ZERO);
    let worker = Running::start(hasty.handler("test", gated!(tell, Gate::default())));
    let task = queued(&server).await;
    told.next().await;
    worker.stop().await;
    let back = get(&server, &task.id).await;
    assert_eq!(
        (back.state(), back.attempt, back.assignee),
        (State::Queued, 1, None)
    );
    server.finish().await;
}

/// Panics when it is dropped.
struct Brittle;

impl Drop for Brittle {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "broken");
    }
}

#[tokio::test]
async fn a_handler_that_panics_as_it_is_dropped_is_given_back_too() {
    let server = server().await;
    let (tell, mut told) = channel();
    let handler = move |_, (): ()| {
        let tell = tell.clone();
        async move {
            let _brittle = Brittle;
            tell.send(()).unwrap();
            std::future::pending::<()>().await;
            Ok(())
        }
    };
    let hasty = worker(&server, "w").grace(Duration::ZERO);
    let worker = Running::start(hasty.handler("test", handler));
    let task = queued(&server).await;
    told.next().await;
    worker.stop().await;
    assert_eq!(get(&server, &task.id).await.state(), State::Queued);
    server.finish().await;
}

#[tokio::test]
async fn a_handler_can_make_way_when_its_worker_stops() {
    let server = server().await;
    let (tell, mut told) = channel();
    let handler = move |context: Context, (): ()| {
        let tell = tell.clone();
        async move {
            tell.send(()).unwrap();
            context.draining().cancelled().await;
            assert!(!context.is_cancelled() && context.is_leased());
            context.save_checkpoint(&7).await?;
            Ok(Outcome::release())
        }
    };
    let worker = Running::start(worker(&server, "w").handler("test", handler));
    let task = queued(&server).await;
    told.next().await;
    worker.stop().await;
    assert_eq!(get(&server, &task.id).await.state(), State::Queued);
    server.finish().await;
}

#[tokio::test]
async fn a_worker_that_is_drained_finishes_and_ends() {
    let server = server().await;
    let (tell, mut told) = channel();
    let gate = Gate::default();
    let two = worker(&server, "w").concurrency(2);
    let worker = Running::start(two.handler("test", gated!(tell, gate)));
    let first = queued(&server).await;
    told.next().await;
    let client = server.client();
    let drained = client.drain_worker("w").await.unwrap();
    assert!(drained.draining);
    let second = queued(&server).await;
    gate.notify_one();
    assert_eq!(worker.ended().await.unwrap(), Ended::Drained);
    assert_eq!(get(&server, &first.id).await.state(), State::Completed);
    assert_eq!(get(&server, &second.id).await.state(), State::Queued);
    server.finish().await;
}

/// Also where a full worker has no poll open.
#[tokio::test]
async fn a_worker_without_room_hears_of_a_drain_too() {
    let server = server().await;
    let (tell, mut told) = channel();
    let gate = Gate::default();
    let full = worker(&server, "w").concurrency(1);
    let worker = Running::start(full.handler("test", gated!(tell, gate)));
    let task = queued(&server).await;
    told.next().await;
    server.client().drain_worker("w").await.unwrap();
    gate.notify_one();
    assert_eq!(worker.ended().await.unwrap(), Ended::Drained);
    assert_eq!(get(&server, &task.id).await.state(), State::Completed);
    server.finish().await;
}

/// Nor does it need a lease to hear of it.
#[tokio::test]
async fn a_worker_that_holds_nothing_hears_of_a_drain_too() {
    let server = server().await;
    let idle = worker(&server, "w").handler("test", |_, (): ()| async { Ok(()) });
    let worker = Running::start(idle);
    let task = queued(&server).await;
    until(&server, &task.id, State::Completed).await;
    server.client().drain_worker("w").await.unwrap();
    assert_eq!(worker.ended().await.unwrap(), Ended::Drained);
    server.finish().await;
}

#[tokio::test]
async fn a_lease_is_renewed_for_as_long_as_its_handler_runs() {
    let server = server().await;
    let (tell, mut told) = channel();
    let gate = Gate::default();
    let short = worker(&server, "w").lease_duration(Duration::from_secs(5));
    let worker = Running::start(short.handler("test", gated!(tell, gate)));
    let task = queued(&server).await;
    told.next().await;
    until(&server, &task.id, State::InProgress).await;
    // Were it not renewed it would go to SCHEDULED within five seconds.
    let request = WaitTaskRequest {
        id: task.id.clone(),
        timeout: prost_types::Duration::try_from(Duration::from_secs(7)).ok(),
        until_states: vec![State::Scheduled.into()],
    };
    let kept = server.ok(server.client().call(request)).await;
    assert!(kept.timed_out, "the lease was lost: {kept:?}");
    gate.notify_one();
    let done = until(&server, &task.id, State::Completed).await;
    assert_eq!(done.attempt, 1);
    worker.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn who_takes_up_the_work_of_a_worker_that_is_gone_begins_where_it_was_saved() {
    let server = server().await;
    let (tell, mut told) = channel();
    let handler = move |context: Context, (): ()| {
        let tell = tell.clone();
        async move {
            let Some(page): Option<i32> = context.checkpoint()? else {
                context.save_checkpoint(&7).await?;
                tell.send(context.fence()).unwrap();
                return std::future::pending().await;
            };
            Ok((page, context.fence(), context.attempt()))
        }
    };
    let first = Running::start(worker(&server, "first").handler("test", handler.clone()));
    let task = queued(&server).await;
    let fence = told.next().await;
    drop(first);
    let pass = |seconds| server.client().advance_clock(Duration::from_secs(seconds));
    server.ok(pass(31)).await;
    until(&server, &task.id, State::Scheduled).await;
    server.ok(pass(60)).await;
    let second = Running::start(worker(&server, "second").handler("test", handler));
    let done = until(&server, &task.id, State::Completed).await;
    let (page, newer, attempt): (i32, i64, i32) = value::read_json(&done.output.unwrap()).unwrap();
    assert_eq!((page, attempt), (7, 2));
    assert!(newer > fence);
    second.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn a_worker_that_is_set_up_wrongly_says_so_at_once() {
    let server = server().await;
    let nothing = |_: Context, (): ()| async { Ok(()) };
    let wrong = [
        worker(&server, "w"),
        worker(&server, "w").concurrency(0).handler("test", nothing),
        worker(&server, "w").concurrency(1_001).handler("test", nothing),
        worker(&server, "w")
            .lease_duration(Duration::from_secs(4))
            .handler("test", nothing),
    ];
    for worker in wrong {
        let ended = worker.run_until(std::future::pending()).await;
        assert!(matches!(ended, Err(Error::Settings(_))), "{ended:?}");
    }
    // What the server refuses for good ends the worker too.
    let refused = worker(&server, "").handler("test", nothing);
    let ended = refused.run_until(std::future::pending()).await;
    assert_eq!(ended.unwrap_err().code(), Some(Code::InvalidArgument));
    created(&server, NewTask::new("x").input_json(&json!(1))).await;
    server.finish().await;
}
