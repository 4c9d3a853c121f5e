//! The table of repeats, row by row: what came, what kind of call it was, and whether it is sent again.

use std::time::{Duration, Instant};

use baton_client::proto::{
    AdvanceClockResponse, CreateTaskRequest, CreateTaskResponse, GetTaskResponse, PauseTaskRequest,
    PauseTaskResponse, Task,
};
use baton_client::{Client, Code, NewTask, Reason, RetrySettings};
use bytes::Bytes;
use tonic::Status;

use crate::scripted::{End, Scripted, Step, answer_with, refusal, refusal_with};

/// What the first attempt meets.
#[derive(Clone, Copy, Debug)]
enum Came {
    Refused(Code, &'static str),
    Nameless(Code),
    BrokenConnection,
}

/// What kind of call it is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Read,
    Create,
    Keyed,
    Unkeyed,
}

const KINDS: [Kind; 4] = [Kind::Read, Kind::Create, Kind::Keyed, Kind::Unkeyed];

fn step(came: Came) -> Step {
    match came {
        Came::Refused(code, reason) => Step::Refuse(refusal(code, reason)),
        Came::Nameless(code) => Step::Refuse(Status::new(code, "no reason")),
        Came::BrokenConnection => Step::Stream(Vec::new(), End::Cut(Bytes::new(), None)),
    }
}

/// Makes a call of this kind whose second attempt would succeed; says how many attempts came.
async fn attempts(kind: Kind, came: Came) -> usize {
    let task = Some(Task::default());
    let good = match kind {
        Kind::Read => answer_with(&GetTaskResponse {
            task,
            events: Vec::new(),
        }),
        Kind::Create => answer_with(&CreateTaskResponse {
            task,
            deduplicated: false,
        }),
        Kind::Keyed | Kind::Unkeyed => answer_with(&PauseTaskResponse { task }),
    };
    let server = Scripted::start([step(came), good]).await;
    let client = server
        .builder()
        .request_ids(kind != Kind::Unkeyed)
        .build()
        .expect("good settings");
    let outcome = match kind {
        Kind::Read => client.get("1").await.map(|_| ()),
        Kind::Create => client.create(NewTask::new("x")).await.map(|_| ()),
        Kind::Keyed | Kind::Unkeyed => client.pause("1").await.map(|_| ()),
    };
    let attempts = server.seen().len();
    assert_eq!(outcome.is_ok(), attempts == 2, "{kind:?} {came:?}: {outcome:?}");
    attempts
}

#[tokio::test]
async fn what_certainly_did_nothing_is_always_repeated() {
    for reason in ["OVERLOADED", "STORE_BUSY", "STORE_UNAVAILABLE", "DRAINING"] {
        for kind in KINDS {
            assert_eq!(
                attempts(kind, Came::Refused(Code::Unavailable, reason)).await,
                2,
                "{kind:?} {reason}"
            );
        }
    }
}

#[tokio::test]
async fn what_may_have_done_something_is_repeated_only_under_an_id() {
    let uncertain = [
        Came::Refused(Code::Unavailable, "OUTCOME_UNKNOWN"),
        Came::Refused(Code::Unavailable, "A_REASON_OF_TOMORROW"),
        Came::Nameless(Code::Unavailable),
        Came::BrokenConnection,
    ];
    for came in uncertain {
        for kind in KINDS {
            let expected = if kind == Kind::Unkeyed { 1 } else { 2 };
            assert_eq!(attempts(kind, came).await, expected, "{kind:?} {came:?}");
        }
    }
}

#[tokio::test]
async fn a_no_is_never_repeated() {
    let refused = [
        Came::Refused(Code::InvalidArgument, "INVALID_FIELD"),
        Came::Refused(Code::Aborted, "ETAG_MISMATCH"),
        Came::Refused(Code::ResourceExhausted, "QUOTA_EXCEEDED"),
        Came::Refused(Code::Internal, "BUG"),
        Came::Nameless(Code::Unknown),
    ];
    for came in refused {
        for kind in KINDS {
            assert_eq!(attempts(kind, came).await, 1, "{kind:?} {came:?}");
        }
    }
}

#[tokio::test]
async fn a_repeat_is_the_same_request() {
    let unknown = || Step::Refuse(refusal(Code::Unavailable, "OUTCOME_UNKNOWN"));
    let created = answer_with(&CreateTaskResponse {
        deduplicated: false,
        task: Some(Task::default()),
    });
    let paused = answer_with(&PauseTaskResponse {
        task: Some(Task::default()),
    });
    let server = Scripted::start([unknown(), unknown(), created, unknown(), paused]).await;
    let client = server.client();
    client.create(NewTask::new("x")).await.unwrap();
    client.pause("1").await.unwrap();

    let seen = server.seen();
    let creates: Vec<CreateTaskRequest> = seen[..3].iter().map(crate::scripted::Seen::read).collect();
    assert!(creates.windows(2).all(|pair| pair[0] == pair[1]), "{creates:?}");
    let pauses: Vec<PauseTaskRequest> = seen[3..].iter().map(crate::scripted::Seen::read).collect();
    assert_eq!(pauses[0], pauses[1]);
    assert_ne!(pauses[0].request_id, "");
}

#[tokio::test]
async fn a_lost_outcome_of_an_unrepeatable_change_is_told_as_unknown() {
    let cut = Step::Stream(Vec::new(), End::Cut(Bytes::new(), None));
    let server = Scripted::start([cut, answer_with(&AdvanceClockResponse::default())]).await;
    let error = server
        .client()
        .advance_clock(Duration::from_secs(60))
        .await
        .unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_server_says_how_long_to_wait() {
    let wait = Duration::from_millis(300);
    let busy = refusal_with(Code::Unavailable, "OVERLOADED", &[], Some(wait));
    let paused = answer_with(&PauseTaskResponse {
        task: Some(Task::default()),
    });
    let server = Scripted::start([Step::Refuse(busy), paused]).await;
    let begun = Instant::now();
    server.client().pause("1").await.unwrap();
    assert!(begun.elapsed() >= wait, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_wait_beyond_the_time_of_the_call_ends_it_at_once() {
    let busy = refusal_with(
        Code::Unavailable,
        "OVERLOADED",
        &[],
        Some(Duration::from_secs(3_600)),
    );
    let server = Scripted::start([Step::Refuse(busy)]).await;
    let error = server.client().pause("1").await.unwrap_err();
    assert_eq!(
        error.reason(),
        Some(&Reason::Overloaded),
        "the cause, not a timeout: {error:?}"
    );
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3_600)));
}

#[tokio::test]
async fn attempts_are_limited_for_a_call_and_repeats_for_a_client() {
    let down = || Step::Refuse(refusal(Code::Unavailable, "DRAINING"));
    let server = Scripted::start(std::iter::repeat_with(down).take(100)).await;
    let retry = RetrySettings {
        max_attempts: 3,
        initial_backoff: Duration::from_millis(1),
        budget: 5,
        ..RetrySettings::default()
    };
    let client = server.builder().retry(retry).build().unwrap();
    let mut sent = Vec::new();
    for _ in 0..5 {
        let before = server.seen().len();
        client.pause("1").await.unwrap_err();
        sent.push(server.seen().len() - before);
    }
    assert_eq!(sent, [3, 3, 2, 1, 1], "two repeats a call, five in all");
}

#[tokio::test]
async fn the_next_server_is_used_when_one_is_gone_and_kept_then() {
    let paused = || {
        answer_with(&PauseTaskResponse {
            task: Some(Task::default()),
        })
    };
    let server = Scripted::start([paused(), paused(), paused()]).await;
    let client = Client::builder()
        .endpoint("http://127.0.0.1:1")
        .endpoint(server.url())
        .retry(RetrySettings {
            budget: 1,
            ..RetrySettings::default()
        })
        .build()
        .unwrap();
    for _ in 0..3 {
        client
            .pause("1")
            .await
            .expect("one repeat is enough for all three");
    }
}
