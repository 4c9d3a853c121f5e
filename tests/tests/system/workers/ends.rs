//! How the work on a task ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use baton_client::{
    Context, EventType, Failure, LeaseDirective, NewTask, Outcome, State, WatchItem, WatchOptions, value,
};
use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{
    AttemptOutcome, Payload, Progress, Receipt, ReceiptStatus, RetryPolicy, TaskError, Verification,
    VerificationMode,
};
use baton_tests::harness::TestServer;
use serde_json::{Value, json};

use super::{Running, channel, server, worker};
use crate::support::{created, get, until};

fn output(task: &baton_client::proto::Task) -> Value {
    let output = task.output.as_ref();
    output.map_or(Value::Null, |output| value::read_json(output).unwrap())
}

async fn failed(server: &TestServer, id: &str) -> TaskError {
    until(server, id, State::Failed).await.error.unwrap()
}

/// Two attempts, the second at once.
fn twice() -> RetryPolicy {
    RetryPolicy {
        max_attempts: Some(2),
        initial_backoff: Some(prost_types::Duration::default()),
        jitter: Some(0.0),
        ..RetryPolicy::default()
    }
}

#[tokio::test]
async fn what_a_handler_returns_completes_its_task_and_other_types_are_left_alone() {
    let server = server().await;
    let receipt = Receipt {
        status: ReceiptStatus::Completed.into(),
        no_verification: true,
        summary: "copied".to_owned(),
        ..Receipt::default()
    };
    let copied = receipt.clone();
    let worker = worker(&server, "w")
        .handler("add", |_, (a, b): (i64, i64)| async move { Ok(a + b) })
        .handler("nothing", |_, (): ()| async { Ok(()) })
        .raw_handler("copy", move |_, input: Option<Payload>| {
            let receipt = copied.clone();
            async move { Ok(Outcome::payload(input.unwrap_or_default()).receipt(receipt)) }
        });
    let worker = Running::start(worker);
    let add = created(&server, NewTask::new("add").input_json(&json!([19, 23]))).await;
    let nothing = created(&server, NewTask::new("nothing")).await;
    let bytes = value::bytes(vec![0, 159, 146, 150], "image/x");
    let verified = NewTask::new("copy").with(|task| {
        task.input = Some(bytes.clone());
        task.verification = Some(Verification {
            mode: VerificationMode::Receipt.into(),
            grace: None,
        });
    });
    let copy = created(&server, verified).await;
    let other = created(&server, NewTask::new("other")).await;
    assert_eq!(
        output(&until(&server, &add.id, State::Completed).await),
        json!(42)
    );
    assert_eq!(until(&server, &nothing.id, State::Completed).await.output, None);
    let copy = until(&server, &copy.id, State::Completed).await;
    assert_eq!((copy.output, copy.receipt), (Some(bytes), Some(receipt)));
    assert_eq!(copy.execution_count, 1);
    worker.stop().await;
    assert_eq!(get(&server, &other.id).await.state(), State::Queued);
    server.finish().await;
}

#[tokio::test]
async fn an_error_a_panic_and_an_input_that_does_not_fit_fail_their_attempts() {
    let server = server().await;
    let worker = worker(&server, "w")
        .handler("flaky", |context: Context, (): ()| async move {
            if context.attempt() == 1 {
                let failure = Failure::new("busy").code("BUSY");
                return Err(failure.retry_after(Duration::from_millis(1)));
            }
            Ok(context.attempt())
        })
        .handler("hopeless", |_, (): ()| async {
            let details = json!({"asked": "twice"});
            let details = details.as_object().cloned().unwrap();
            let failure = Failure::new("never").code("GONE").details(details);
            Err::<(), _>(failure.non_retryable())
        })
        .handler("panics", |_, text: Option<String>| async move {
            let number: i32 = text.unwrap_or_default().parse().unwrap();
            Ok(number)
        })
        .handler("reads", |_, path: String| async move {
            Ok(std::fs::read(path)?.len())
        });
    let worker = Running::start(worker);
    let flaky = created(&server, NewTask::new("flaky").retry_policy(twice())).await;
    let done = until(&server, &flaky.id, State::Completed).await;
    assert_eq!((output(&done), done.attempt), (json!(2), 2));
    let hopeless = created(&server, NewTask::new("hopeless").retry_policy(twice())).await;
    let error = failed(&server, &hopeless.id).await;
    assert_eq!((error.code.as_str(), error.message.as_str()), ("GONE", "never"));
    assert!(error.non_retryable && error.details.is_some());
    let panics = created(&server, NewTask::new("panics").retry_policy(twice())).await;
    let error = until(&server, &panics.id, State::Dead).await.error.unwrap();
    assert_eq!(error.code, "PANIC");
    assert!(error.message.contains("ParseIntError"), "{error:?}");
    let unfit = NewTask::new("panics")
        .input_json(&json!({"no": "text"}))
        .retry_policy(twice());
    let unfit = created(&server, unfit).await;
    assert_eq!(failed(&server, &unfit.id).await.code, "INVALID_INPUT");
    let reads = NewTask::new("reads").input_json(&json!("/no/such/file"));
    let reads = created(&server, reads).await;
    assert!(failed(&server, &reads.id).await.message.contains("No such file"));
    worker.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn a_handler_gives_its_task_back_or_puts_it_off_and_the_attempt_does_not_count() {
    let server = server().await;
    let times = Arc::new(AtomicUsize::new(0));
    let handler = move |_, (): ()| {
        let time = times.fetch_add(1, Ordering::SeqCst);
        async move {
            Ok(match time {
                0 => Outcome::release(),
                1 => Outcome::snooze(Duration::from_millis(1)),
                _ => Outcome::output(&time)?,
            })
        }
    };
    let worker = Running::start(worker(&server, "w").handler("test", handler));
    let task = created(&server, NewTask::new("test")).await;
    let done = until(&server, &task.id, State::Completed).await;
    assert_eq!(output(&done), json!(2));
    // What was given back at once was not begun.
    assert_eq!((done.attempt, done.execution_count), (1, 2));
    worker.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn what_a_handler_cannot_report_fails_for_good() {
    let server = server().await;
    let worker = worker(&server, "w")
        .handler("large", |_, (): ()| async { Ok("x".repeat(2 << 20)) })
        .handler("larger", |_, (): ()| async { Ok("x".repeat(8 << 20)) });
    let worker = Running::start(worker);
    for task_type in ["large", "larger"] {
        let task = created(&server, NewTask::new(task_type).retry_policy(twice())).await;
        let error = failed(&server, &task.id).await;
        assert_eq!(error.code, "REPORT_REFUSED", "{error:?}");
    }
    worker.stop().await;
    server.finish().await;
}

/// Each of these the server refuses as it is; by the number of the task.
fn unfit(n: usize) -> Failure {
    let failure = Failure::new("never");
    match n {
        0 => Failure::new("ne\0ver").code("GONE"),
        1 => {
            let details = json!({"long": "x".repeat(70_000)});
            failure
                .details(details.as_object().cloned().unwrap())
                .code("GONE")
        }
        2 => failure.retry_after(Duration::from_secs(8 * 86_400)).code("GONE"),
        3 => failure.code("GO\u{200b}NE"),
        _ => failure.outcome(AttemptOutcome::LeaseExpired).code("GONE"),
    }
}

#[tokio::test]
async fn a_failure_that_is_refused_as_it_was_told_stays_one() {
    let server = server().await;
    let worker = worker(&server, "w")
        .handler("final", |_, n: usize| async move {
            Err::<(), _>(unfit(n).non_retryable())
        })
        .handler("passing", |context: Context, n: usize| async move {
            if context.attempt() == 1 {
                return Err(unfit(n));
            }
            Ok(context.attempt())
        });
    let worker = Running::start(worker);
    let new = |name: &str, n: usize| NewTask::new(name).input_json(&json!(n)).retry_policy(twice());
    for n in 0..5 {
        let task = created(&server, new("final", n)).await;
        let error = failed(&server, &task.id).await;
        let code = if n == 3 { "REPORT_REFUSED" } else { "GONE" };
        assert_eq!((error.code.as_str(), error.non_retryable), (code, true));
        assert!(error.message.starts_with("never (not all of it"), "{error:?}");
        let task = created(&server, new("passing", n)).await;
        let done = until(&server, &task.id, State::Completed).await;
        assert_eq!(done.attempt, 2);
    }
    worker.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn a_cancel_a_pause_and_a_loss_reach_the_handler_while_it_runs() {
    let server = server().await;
    let (tell, mut told) = channel();
    let handler = move |context: Context, (): ()| {
        let tell = tell.clone();
        async move {
            tell.send(None).unwrap();
            context.cancelled().await;
            tell.send(Some((context.stop_reason(), context.is_leased())))
                .unwrap();
            Ok("nobody wants to know")
        }
    };
    let worker = Running::start(worker(&server, "w").concurrency(1).handler("test", handler));
    let gone = |why| Some((Some(why), false));
    let client = server.client();
    let task = created(&server, NewTask::new("test")).await;
    assert_eq!(told.next().await, None);
    server.ok(client.cancel(&task.id)).await;
    assert_eq!(told.next().await, gone(LeaseDirective::Cancel));
    let task = created(&server, NewTask::new("test")).await;
    assert_eq!(told.next().await, None);
    until(&server, &task.id, State::InProgress).await;
    server.ok(client.pause(&task.id)).await;
    assert_eq!(told.next().await, gone(LeaseDirective::Pause));
    assert_eq!(get(&server, &task.id).await.output, None);
    let task = created(&server, NewTask::new("test")).await;
    assert_eq!(told.next().await, None);
    until(&server, &task.id, State::InProgress).await;
    server.ok(client.advance_clock(Duration::from_secs(31))).await;
    assert_eq!(told.next().await, gone(LeaseDirective::Lost));
    until(&server, &task.id, State::Scheduled).await;
    worker.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn a_handler_that_does_not_heed_a_cancel_is_dropped_and_its_place_is_free() {
    let server = server().await;
    let (tell, mut told) = channel();
    let handler = move |_, text: Option<String>| {
        let tell = tell.clone();
        async move {
            tell.send(()).unwrap();
            if text.is_none() {
                std::future::pending::<()>().await;
            }
            Ok(text)
        }
    };
    let deaf = worker(&server, "w").concurrency(1).grace(Duration::ZERO);
    let worker = Running::start(deaf.handler("test", handler));
    let task = created(&server, NewTask::new("test")).await;
    told.next().await;
    server.ok(server.client().cancel(&task.id)).await;
    let next = created(&server, NewTask::new("test").input_json(&json!("go on"))).await;
    until(&server, &next.id, State::Completed).await;
    worker.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn a_handler_tells_how_far_it_is_and_what_it_has_so_far() {
    let server = server().await;
    let handler = |context: Context, (): ()| async move {
        context.append_output("Once").await?;
        context.append_output(" upon").await?;
        // More than anybody can have done: brought into range.
        let age = Duration::from_secs(u64::MAX / 2);
        context.set_progress(Progress {
            percent: Some(150),
            current_step: format!("\0{}", "x".repeat(300)),
            message: "a\0b".to_owned(),
            estimated_time_remaining: Some(value::span(age)),
        });
        context.cancelled().await;
        Ok(())
    };
    let worker = Running::start(worker(&server, "w").handler("test", handler));
    let task = created(&server, NewTask::new("test")).await;
    let mut watch = server
        .client()
        .watch(WatchOptions::task(&task.id).from_oldest())
        .await
        .unwrap();
    let mut parts = Vec::new();
    let progress = loop {
        let WatchItem::Event(event) = watch.next().await.unwrap().unwrap() else {
            continue;
        };
        match event.detail {
            Some(Detail::Output(part)) => parts.push((part.index, part.chunk)),
            Some(Detail::Progress(progress)) => break progress,
            _ => assert_ne!(event.r#type(), EventType::Completed),
        }
    };
    let part = |text: &str| Some(value::json(text).unwrap());
    assert_eq!(parts, [(0, part("Once")), (1, part(" upon"))]);
    assert_eq!((progress.percent, progress.current_step.len()), (Some(100), 256));
    let guess = progress.estimated_time_remaining.map(|guess| guess.seconds);
    assert_eq!((progress.message.as_str(), guess), ("ab", Some(3_650 * 86_400)));
    server.ok(server.client().cancel(&task.id)).await;
    worker.stop().await;
    server.finish().await;
}
