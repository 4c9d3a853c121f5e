//! What calls send, and how answers and refusals are read.

use std::time::Duration;

use baton_client::proto::{
    BatchCreateTasksRequest, BatchCreateTasksResponse, CreateTaskRequest, CreateTaskResponse,
    GetTaskResponse, ListTasksRequest, ListTasksResponse, PauseTaskRequest, PauseTaskResponse, Task,
    TaskEvent,
};
use baton_client::{Client, Code, Delivery, Error, NewTask, Reason, actor};
use futures::TryStreamExt;
use prost::Message;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

use crate::scripted::{Scripted, Step, answer_with, hang, refusal_with, replay_with};

fn task(id: &str) -> Task {
    Task {
        id: id.to_owned(),
        ..Task::default()
    }
}

fn header<'a>(seen: &'a crate::scripted::Seen, name: &str) -> &'a str {
    seen.headers
        .get(name)
        .map_or("", |value| value.to_str().expect("plain text"))
}

#[tokio::test]
async fn a_request_carries_what_the_client_was_set_up_with() {
    let created = CreateTaskResponse {
        deduplicated: false,
        task: Some(task("1")),
    };
    let server = Scripted::start([answer_with(&created)]).await;
    let client = server
        .builder()
        .api_key("secret")
        .user_agent("billing/2")
        .namespace("shop")
        .actor(actor::agent("a-1"))
        .build()
        .unwrap();

    let reply = client.create(NewTask::new("mail")).await.unwrap();
    assert_eq!(reply.id, "1");
    assert!(!reply.replayed());

    let seen = &server.seen()[0];
    assert_eq!(seen.path, "/baton.v1.TaskService/CreateTask");
    assert_eq!(header(seen, "authorization"), "Bearer secret");
    assert!(
        header(seen, "user-agent").starts_with("billing/2 baton-client/"),
        "{seen:?}"
    );
    assert!(!header(seen, "grpc-timeout").is_empty());
    let request: CreateTaskRequest = seen.read();
    assert_eq!(request.actor, Some(actor::agent("a-1")));
    assert_eq!(request.task.unwrap().namespace, "shop");
    let id: uuid::Uuid = request.task_id.parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(request.request_id, "", "a task_id is enough");
}

#[tokio::test]
async fn what_the_caller_says_wins_over_the_settings() {
    let server = Scripted::start([answer_with(&PauseTaskResponse {
        task: Some(task("1")),
    })])
    .await;
    let client = server.builder().actor(actor::agent("a-1")).build().unwrap();
    client
        .pause("1")
        .reason("lunch")
        .etag("\"7\"")
        .actor(actor::human("ada"))
        .request_id("019a0000-0000-7000-8000-000000000001")
        .await
        .unwrap();
    let request: PauseTaskRequest = server.seen()[0].read();
    assert_eq!(request.reason, "lunch");
    assert_eq!(request.etag, "\"7\"");
    assert_eq!(request.actor, Some(actor::human("ada")));
    assert_eq!(request.request_id, "019a0000-0000-7000-8000-000000000001");
}

#[tokio::test]
async fn every_member_of_a_batch_has_an_id_and_only_the_batch_a_request_id() {
    let created = BatchCreateTasksResponse {
        tasks: vec![task("1"), task("2")],
    };
    let server = Scripted::start([answer_with(&created)]).await;
    let client = server.builder().namespace("shop").build().unwrap();
    let first = NewTask::new("a").reference("first");
    let second = NewTask::new("b").depends_on_sibling("first");
    let tasks = client.batch_create([first, second]).await.unwrap();
    assert_eq!(tasks.len(), 2);

    let request: BatchCreateTasksRequest = server.seen()[0].read();
    assert!(!request.request_id.is_empty());
    let ids: Vec<_> = request
        .requests
        .iter()
        .map(|member| member.task_id.as_str())
        .collect();
    assert!(ids[0] != ids[1] && ids.iter().all(|id| !id.is_empty()), "{ids:?}");
    for member in &request.requests {
        assert_eq!(member.request_id, "");
        assert_eq!(member.task.as_ref().unwrap().namespace, "shop");
    }
}

#[tokio::test]
async fn without_request_ids_a_change_carries_none() {
    let server = Scripted::start([answer_with(&PauseTaskResponse {
        task: Some(task("1")),
    })])
    .await;
    let client = server.builder().request_ids(false).build().unwrap();
    client.pause("1").await.unwrap();
    assert_eq!(server.seen()[0].read::<PauseTaskRequest>().request_id, "");
}

#[tokio::test]
async fn the_answer_to_a_repeat_says_so() {
    let server = Scripted::start([replay_with(&PauseTaskResponse {
        task: Some(task("1")),
    })])
    .await;
    assert!(server.client().pause("1").await.unwrap().replayed());
}

#[tokio::test]
async fn get_answers_the_task_and_its_events() {
    let event = TaskEvent {
        sequence: 4,
        ..TaskEvent::default()
    };
    let fetched = GetTaskResponse {
        task: Some(task("1")),
        events: vec![event],
    };
    let server = Scripted::start([answer_with(&fetched)]).await;
    let fetched = server.client().get("1").event_limit(1).await.unwrap();
    assert_eq!((fetched.task.id.as_str(), fetched.events[0].sequence), ("1", 4));
}

#[tokio::test]
async fn all_pages_come_as_one_stream() {
    let page = |ids: &[&str], token: &str| {
        answer_with(&ListTasksResponse {
            tasks: ids.iter().map(|id| task(id)).collect(),
            next_page_token: token.to_owned(),
        })
    };
    // A short page, and even an empty one, is not the last as long as it has a token.
    let server = Scripted::start([page(&["1", "2"], "t1"), page(&[], "t2"), page(&["3"], "")]).await;
    let list = server.client().list().filter("state = QUEUED").page_size(2);
    let tasks: Vec<Task> = list.all().try_collect().await.unwrap();
    let ids: Vec<_> = tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3"]);

    let requests: Vec<ListTasksRequest> = server.seen().iter().map(crate::scripted::Seen::read).collect();
    let tokens: Vec<_> = requests
        .iter()
        .map(|request| request.page_token.as_str())
        .collect();
    assert_eq!(tokens, ["", "t1", "t2"]);
    assert!(
        requests
            .iter()
            .all(|request| request.filter == "state = QUEUED" && request.page_size == 2)
    );
}

#[tokio::test]
async fn a_refused_move_names_the_moves_that_are_allowed() {
    let metadata = [
        ("from", "PENDING"),
        ("command", "complete"),
        ("allowed", "queue, schedule,cancel"),
    ];
    let status = refusal_with(
        Code::FailedPrecondition,
        "INVALID_STATE_TRANSITION",
        &metadata,
        None,
    );
    let server = Scripted::start([Step::Refuse(status)]).await;
    let error = server.client().complete("1").await.unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::InvalidStateTransition));
    assert_eq!(error.code(), Some(Code::FailedPrecondition));
    assert_eq!(error.allowed_moves(), ["queue", "schedule", "cancel"]);
    assert_eq!(error.refusal().unwrap().metadata["from"], "PENDING");
    assert_eq!(error.to_string(), "words for people (INVALID_STATE_TRANSITION)");
    assert!(!error.outcome_unknown());
    assert_eq!(server.paths().len(), 1, "a refusal is not repeated");
}

#[tokio::test]
async fn every_violation_is_listed() {
    let mut details = ErrorDetails::new();
    details.set_error_info("INVALID_FIELD", "baton.dev", std::collections::HashMap::new());
    details.add_bad_request_violation("task.type", "too long");
    details.add_bad_request_violation("task.labels", "too many");
    let status = Status::with_error_details(Code::InvalidArgument, "2 violations", details);
    let server = Scripted::start([Step::Refuse(status)]).await;
    let error = server.client().create(NewTask::new("x")).await.unwrap_err();
    let fields: Vec<_> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, ["task.type", "task.labels"]);
    let text = error.to_string();
    assert_eq!(
        text,
        "2 violations (INVALID_FIELD); task.type: too long; task.labels: too many"
    );
}

#[tokio::test]
async fn the_task_that_is_in_the_way_is_named() {
    let mut details = ErrorDetails::new();
    details.set_error_info("TASK_ID_REUSED", "baton.dev", std::collections::HashMap::new());
    details.set_resource_info("task", "019a", "", "");
    let status = Status::with_error_details(Code::AlreadyExists, "taken", details);
    let server = Scripted::start([Step::Refuse(status)]).await;
    let error = server
        .client()
        .create(NewTask::new("x").id("019a"))
        .await
        .unwrap_err();
    assert_eq!(error.existing_id(), Some("019a"));
}

#[tokio::test]
async fn a_call_that_is_not_answered_ends_with_its_time() {
    let (step, gave_up) = hang();
    let server = Scripted::start([step]).await;
    let within = Duration::from_millis(80);
    let error = server.client().pause("1").timeout(within).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::DeadlineExceeded {
                method: "PauseTask",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.outcome_unknown());
    gave_up.await.expect_err("the server sees the client give up");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_apart_from_one_that_refuses() {
    let client = Client::builder()
        .endpoint("http://127.0.0.1:1")
        .retry(baton_client::RetrySettings {
            max_attempts: 2,
            ..Default::default()
        })
        .build()
        .unwrap();
    let error = client.server_info().await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert_eq!(error.code(), Some(Code::Unavailable));
    assert!(!error.outcome_unknown());
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn a_refusal_of_a_proxy_has_no_reason_and_is_not_repeated() {
    let server = Scripted::start([Step::Refuse(Status::permission_denied("who are you?"))]).await;
    let error = server.client().pause("1").await.unwrap_err();
    assert_eq!(
        (error.reason(), error.code()),
        (None, Some(Code::PermissionDenied))
    );
    assert!(error.to_string().contains("who are you?"), "{error}");
    assert_eq!(server.paths().len(), 1);
}

/// The call fails, is not repeated, and the error says that it is not Baton that refused, with this code.
async fn is_no_answer(answer: Vec<u8>, code: Code) {
    let good = CreateTaskResponse {
        deduplicated: false,
        task: Some(task("1")),
    };
    let step = Step::Answer(answer.into(), Vec::new());
    let server = Scripted::start([step, answer_with(&good)]).await;
    let error = server
        .client()
        .create(NewTask::new("x"))
        .await
        .expect_err("no answer");
    let Error::Transport(lost) = &error else {
        panic!("{error:?}");
    };
    assert_eq!((lost.delivery(), lost.code()), (Delivery::Foreign, code));
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_an_error() {
    let created = CreateTaskResponse {
        deduplicated: false,
        task: Some(task("1")),
    };
    let mut cut_off = created.encode_to_vec();
    cut_off.pop();
    is_no_answer(cut_off, Code::Internal).await;
    is_no_answer(vec![0xff; 20], Code::Internal).await;
}

#[tokio::test]
async fn an_answer_may_have_four_mebibytes_and_no_more() {
    const MOST: usize = 4 << 20;
    let listed = |title: usize| {
        let mut task = task("1");
        task.title = "x".repeat(title);
        ListTasksResponse {
            tasks: vec![task],
            ..Default::default()
        }
    };
    let around = listed(MOST).encoded_len() - MOST;
    let largest = listed(MOST - around);
    assert_eq!(largest.encoded_len(), MOST);
    let server = Scripted::start([answer_with(&largest)]).await;
    let page = server.client().list().await.unwrap();
    assert_eq!(page, largest);
    is_no_answer(listed(MOST - around + 1).encode_to_vec(), Code::OutOfRange).await;
}
