//! The moves of one task, beyond what the lifecycle seed shows.

use std::time::Duration;

use baton_client::proto::{AttemptOutcome, RetryPolicy};
use baton_client::{EventType, NewTask, Reason, State, actor, value};
use baton_proto::v1::Task;
use baton_tests::harness::TestServer;
use serde_json::json;

use crate::support::{created, get, person, queued, start, started, until, worker};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn questions_are_asked_and_answered_once() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test")).await;
    let ask = client
        .request_input(&task.id, "Which colour?")
        .key("colour")
        .choices(["red", "blue"]);
    let asked = server.ok(ask.clone()).await;
    assert_eq!(asked.state(), State::InputRequired);
    let blue = value::json(&json!("blue")).unwrap();
    let green = value::json(&json!("green")).unwrap();
    let wrong = server.refused(client.provide_input(&task.id, green)).await;
    assert_eq!(
        (wrong.reason, wrong.violations[0].field.as_str()),
        (Reason::InvalidField, "input")
    );
    let unknown = server
        .refused(client.provide_input(&task.id, blue.clone()).key("size"))
        .await;
    assert_eq!(
        (unknown.reason, unknown.violations[0].field.as_str()),
        (Reason::InvalidField, "key")
    );
    let answered = server
        .ok(client
            .provide_input(&task.id, blue.clone())
            .key("colour")
            .actor(person()))
        .await;
    assert_eq!(answered.state(), State::InProgress);
    assert_eq!(
        answered.input_requests[0].answer,
        Some(blue.clone()),
        "the answer that was sent comes back"
    );
    let again = server.refused(ask).await;
    assert_eq!(again.violations[0].field, "input_request.key");
    let stands = get(&server, &task.id).await;
    assert_eq!(stands.input_requests[0].answerer, Some(person()));
    assert_eq!(stands.assignee, Some(worker()));
    // The last eight stand; a key is drawn where none is given.
    for _ in 0..8 {
        let asked = server.ok(client.request_input(&task.id, "More?")).await;
        assert!(asked.input_requests.iter().all(|request| !request.key.is_empty()));
        server.ok(client.provide_input(&task.id, blue.clone())).await;
    }
    let stands = get(&server, &task.id).await;
    assert_eq!(stands.input_requests.len(), 8);
    assert!(
        stands
            .input_requests
            .iter()
            .all(|request| request.key != "colour")
    );
    server.finish().await;
}

#[tokio::test]
async fn a_review_approves_sends_back_or_rejects() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test").needs_approval()).await;
    let handed_in = server.ok(client.complete(&task.id).output_json(&json!(1))).await;
    assert_eq!(
        (handed_in.state(), handed_in.state_reason.as_str()),
        (State::Review, "verification_required")
    );
    let own = server.refused(client.approve(&task.id).actor(worker())).await;
    assert_eq!(own.reason, Reason::SelfApproval);
    let back = server
        .ok(client
            .request_rework(&task.id, "the totals are missing")
            .actor(person()))
        .await;
    assert_eq!((back.state(), back.attempt), (State::InProgress, 2));
    assert_eq!(back.state_message, "the totals are missing");
    server.ok(client.complete(&task.id).output_json(&json!(2))).await;
    let done = server.ok(client.approve(&task.id).actor(person())).await;
    assert_eq!(done.state(), State::Completed);
    // Both versions of the output are still there to be read.
    let whole = client.list_events(&task.id).view(baton_client::View::Full);
    let events = server.ok(whole).await.events;
    let outputs = events.iter().filter_map(|event| match &event.detail {
        Some(baton_proto::v1::task_event::Detail::Result(result)) => result.output.as_ref(),
        _ => None,
    });
    let texts: Vec<serde_json::Value> = outputs
        .map(|named| value::read_json(named.payload.as_ref().unwrap()).unwrap())
        .collect();
    assert_eq!(texts, [json!(1), json!(2)]);

    let rejected = started(&server, NewTask::new("test")).await;
    server.ok(client.submit(&rejected.id)).await;
    let refused = server
        .ok(client.reject(&rejected.id).reason("wrong customer"))
        .await;
    assert_eq!(
        (refused.state(), refused.state_reason.as_str()),
        (State::Failed, "rejected")
    );
    let error = refused.error.clone().unwrap();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("REJECTED", "wrong customer")
    );
    // A review that the holder asked for by itself may be approved by anybody.
    let own = started(&server, NewTask::new("test")).await;
    server.ok(client.submit(&own.id)).await;
    server.ok(client.approve(&own.id).actor(worker())).await;
    server.finish().await;
}

/// From every open state a task pauses, and comes back to where the page says.
#[tokio::test]
async fn pause_and_resume_from_every_open_state() {
    let server = TestServer::start().await;
    let client = server.client();
    let blocker = queued(&server).await;
    let expected = [
        (State::Pending, State::Pending),
        (State::Scheduled, State::Scheduled),
        (State::Queued, State::Queued),
        (State::Assigned, State::Assigned),
        (State::InProgress, State::Assigned),
        (State::Blocked, State::Blocked),
        (State::InputRequired, State::InputRequired),
        (State::Review, State::Review),
    ];
    for (from, to) in expected {
        let task = in_state(&server, from, &blocker).await;
        let paused = server
            .ok(client.pause(&task.id).reason("waiting for the budget"))
            .await;
        assert_eq!(
            (paused.state(), paused.state_message.as_str()),
            (State::Paused, "waiting for the budget")
        );
        assert_eq!(paused.assignee, task.assignee, "from {from:?}");
        let again = server.refused(client.pause(&task.id)).await;
        assert_eq!(again.reason, Reason::InvalidStateTransition);
        let resumed = server.ok(client.resume(&task.id)).await;
        assert_eq!(resumed.state(), to, "from {from:?}");
        let refusal = server.refused(client.resume(&task.id)).await;
        assert_eq!(refusal.reason, Reason::InvalidStateTransition);
        server.ok(client.pause(&task.id)).await;
        server.ok(client.cancel(&task.id)).await;
    }
    server.finish().await;
}

async fn in_state(server: &TestServer, state: State, blocker: &Task) -> Task {
    let client = server.client();
    let new = NewTask::new("test");
    let task = match state {
        State::Pending => created(server, new.hold()).await,
        State::Scheduled => created(server, new.delay(HOUR)).await,
        State::Queued => created(server, new).await,
        State::Assigned => created(server, new.assignee(worker())).await,
        State::Blocked => created(server, new.depends_on(&blocker.id)).await,
        State::InProgress => started(server, new).await,
        State::InputRequired => {
            let task = started(server, new).await;
            server.ok(client.request_input(&task.id, "?")).await.into_inner()
        }
        State::Review => {
            let task = started(server, new).await;
            server.ok(client.submit(&task.id)).await.into_inner()
        }
        other => panic!("no way into {other:?} here"),
    };
    assert_eq!(task.state(), state);
    task
}

#[tokio::test]
async fn a_pause_keeps_the_moment_of_a_schedule() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = created(&server, NewTask::new("test").delay(HOUR)).await;
    server.ok(client.pause(&task.id)).await;
    server.ok(client.advance_clock(HOUR * 2)).await;
    assert_eq!(
        get(&server, &task.id).await.state(),
        State::Paused,
        "its time passes without effect"
    );
    let resumed = server.ok(client.resume(&task.id)).await;
    assert_eq!(resumed.schedule_time, task.schedule_time);
    until(&server, &task.id, State::Queued).await;
    server.finish().await;
}

#[tokio::test]
async fn holders_release_and_put_off() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test")).await;
    let released = server.ok(client.release(&task.id)).await;
    assert_eq!(
        (released.state(), released.assignee.clone(), released.attempt),
        (State::Queued, None, 1)
    );
    start(&server, &task.id).await;
    let snoozed = server.ok(client.snooze(&task.id, HOUR)).await;
    assert_eq!((snoozed.state(), snoozed.attempt), (State::Scheduled, 1));
    assert_eq!(snoozed.assignee, Some(worker()));
    server
        .ok(client.advance_clock(HOUR + Duration::from_secs(1)))
        .await;
    let due = until(&server, &task.id, State::Assigned).await;
    assert_eq!((due.assignee, due.execution_count), (Some(worker()), 2));
    let started = server.ok(client.start(&task.id).assignee(person()));
    drop(started);
    let refusal = server.refused(client.start(&task.id).assignee(person())).await;
    assert_eq!(refusal.reason, Reason::InvalidStateTransition);
    let mine = server.ok(client.start(&task.id)).await;
    assert_eq!((mine.assignee.clone(), mine.execution_count), (Some(worker()), 3));
    server.finish().await;
}

#[tokio::test]
async fn a_start_without_assignee_is_by_the_actor() {
    let server = TestServer::start().await;
    let task = queued(&server).await;
    let mine = server.ok(server.client().start(&task.id).actor(person())).await;
    assert_eq!(mine.assignee, Some(person()));
    let other = queued(&server).await;
    let anonymous = server.ok(server.client().start(&other.id)).await;
    assert_eq!(anonymous.assignee, Some(actor::service("anonymous")));
    server.finish().await;
}

#[tokio::test]
async fn schedules_move_and_queueing_drops_them() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = queued(&server).await;
    let later = server.ok(client.schedule(&task.id, HOUR)).await;
    assert_eq!(later.state(), State::Scheduled);
    let sooner = server
        .ok(client.schedule(&task.id, Duration::from_secs(60)))
        .await;
    assert!(sooner.schedule_time.unwrap().seconds < later.schedule_time.unwrap().seconds);
    let ready = server.ok(client.queue(&task.id)).await;
    assert_eq!((ready.state(), ready.schedule_time), (State::Queued, None));
    // A task whose failed attempt waits is put off further: it waits for its schedule now.
    let policy = RetryPolicy {
        max_attempts: Some(3),
        ..RetryPolicy::default()
    };
    let failing = started(&server, NewTask::new("test").retry_policy(policy)).await;
    server.ok(client.fail(&failing.id, "no")).await;
    let moved = server.ok(client.schedule(&failing.id, HOUR)).await;
    assert_eq!(
        (moved.state(), moved.state_reason.as_str()),
        (State::Scheduled, "scheduled")
    );
    server.finish().await;
}

#[tokio::test]
async fn retries_follow_their_policy_to_the_dead_letter() {
    let server = TestServer::start().await;
    let client = server.client();
    let policy = RetryPolicy {
        max_attempts: Some(3),
        initial_backoff: Some(value::span(Duration::from_secs(10))),
        max_backoff: Some(value::span(Duration::from_secs(15))),
        jitter: Some(0.0),
        non_retryable_codes: vec!["FATAL".to_owned()],
        ..RetryPolicy::default()
    };
    let task = created(
        &server,
        NewTask::new("test")
            .retry_policy(policy.clone())
            .assignee(worker()),
    )
    .await;
    for (attempt, wait) in [(2, 10), (3, 15)] {
        server.ok(client.start(&task.id)).await;
        let failed = server.ok(client.fail(&task.id, "again")).await;
        assert_eq!((failed.state(), failed.attempt), (State::Scheduled, attempt));
        let waits = failed.schedule_time.unwrap().seconds - failed.update_time.unwrap().seconds;
        assert_eq!(waits, wait);
        server.ok(client.advance_clock(Duration::from_secs(16))).await;
        until(&server, &task.id, State::Assigned).await;
    }
    let dead = server.ok(client.fail(&task.id, "again")).await;
    assert_eq!((dead.state(), dead.attempt), (State::Dead, 3));
    let back = server.ok(client.retry(&task.id)).await;
    assert_eq!(
        (back.state(), back.attempt, back.retry_count),
        (State::Queued, 1, 1)
    );
    start(&server, &task.id).await;
    let fatal = server.ok(client.fail(&task.id, "no way").code("FATAL")).await;
    assert_eq!(
        (fatal.state(), fatal.state_reason.as_str()),
        (State::Failed, "not_retryable")
    );
    let given_up = server.ok(client.discard(&task.id)).await;
    assert_eq!(
        (given_up.state(), given_up.state_reason.as_str()),
        (State::Cancelled, "discarded")
    );
    assert_eq!(given_up.end_time, fatal.end_time, "it settled when it failed");

    let floor = started(&server, NewTask::new("test").retry_policy(policy)).await;
    let waits = server.ok(client.fail(&floor.id, "429").retry_after(HOUR)).await;
    let wait = waits.schedule_time.unwrap().seconds - waits.update_time.unwrap().seconds;
    assert_eq!(wait, 3_600, "retry_after wins over the longest backoff");
    // Without a policy only what says nothing about the work is tried again.
    let plain = started(&server, NewTask::new("test")).await;
    let killed = client.fail(&plain.id, "oom").outcome(AttemptOutcome::Timeout);
    assert_eq!(server.ok(killed).await.state(), State::Scheduled);
    server.finish().await;
}

#[tokio::test]
async fn edits_are_bound_to_the_state() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = queued(&server).await;
    let edited = |change: &dyn Fn(&mut Task)| {
        let mut edit = Task {
            id: task.id.clone(),
            ..Task::default()
        };
        change(&mut edit);
        edit
    };
    let moved = edited(&|edit| edit.queue = "mail".to_owned());
    assert_eq!(
        server.ok(client.update(moved.clone(), ["queue"])).await.queue,
        "mail"
    );
    start(&server, &task.id).await;
    let refusal = server.refused(client.update(moved, ["queue"])).await;
    assert_eq!(refusal.reason, Reason::InvalidStateTransition);
    let titled = edited(&|edit| edit.title = "still open".to_owned());
    server.ok(client.update(titled.clone(), ["title"])).await;
    server.ok(client.complete(&task.id)).await;
    let refusal = server.refused(client.update(titled, ["title"])).await;
    assert_eq!(refusal.reason, Reason::InvalidStateTransition);
    let labelled = edited(&|edit| {
        edit.labels.insert("season".to_owned(), "over".to_owned());
    });
    let settled = server.ok(client.update(labelled, ["labels"])).await;
    assert_eq!((settled.state(), settled.labels.len()), (State::Completed, 1));
    // A label map is replaced whole.
    let cleared = server.ok(client.update(edited(&|_| {}), ["labels"])).await;
    assert!(cleared.labels.is_empty());
    server.finish().await;
}

#[tokio::test]
async fn deleting_needs_a_settled_task_or_force() {
    let server = TestServer::start().await;
    let client = server.client();
    let task = queued(&server).await;
    let watch = server.watch_task(&task.id).await;
    let refusal = server.refused(client.delete(&task.id)).await;
    assert_eq!(refusal.reason, Reason::InvalidStateTransition);
    server.ok(client.delete(&task.id).force()).await;
    watch
        .until(|messages| {
            let mut events = messages.iter().flat_map(|message| &message.events);
            events.any(|event| event.r#type() == EventType::Deleted)
        })
        .await;
    let gone = server.refused(client.delete(&task.id)).await;
    assert_eq!(gone.reason, Reason::TaskNotFound);
    // Its id is not free for another one while its events are in the log.
    let reused = server
        .refused(client.create(NewTask::new("other").id(&task.id)))
        .await;
    assert_eq!(reused.reason, Reason::TaskIdReused);
    server.finish().await;
}
