//! What the holders of tasks tell while they work, and at its end.

use std::time::Duration;

use baton_client::{EventType, NewTask, State, value};
use baton_proto::v1::Payload;
use baton_proto::v1::payload::Kind;
use baton_proto::v1::task_event::Detail;
use baton_tests::harness::{TestServer, wire};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{created, get, until};

async fn call(server: &TestServer, name: &str, request: Value) -> Value {
    let answer = wire::call_json(server.channel(), name, &request).await;
    answer.unwrap_or_else(|status| panic!("{name} {request}: {status:?}"))
}

/// A new task that somebody holds by lease and has started, and the token.
async fn held(server: &TestServer, new: NewTask) -> (String, String) {
    let id = created(server, new).await.id;
    let request =
        json!({"id": id, "assignee": {"type": "ACTOR_TYPE_AGENT", "id": "w"}, "lease_duration": "60s"});
    let started = call(server, "StartTask", request).await;
    (id, started["lease_token"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn parts_of_the_output_are_seen_while_the_work_goes_on() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let (id, token) = held(&server, NewTask::new("test")).await;
    let watch = server.watch_task(&id).await;
    let append = |index: Value, text: &str| json!({"id": id, "lease_token": token, "index": index, "chunk": {"json": text}});
    for (index, text) in [
        (json!(0), "Once"),
        (json!(0), "Once"),
        (Value::Null, " upon"),
        (json!(2), " a time"),
    ] {
        call(&server, "AppendOutput", append(index, text)).await;
    }
    let gap = wire::call_json(server.channel(), "AppendOutput", &append(json!(7), "!")).await;
    assert_eq!(gap.unwrap_err().code(), tonic::Code::InvalidArgument);
    // Created, queued, assigned, started, and three parts: the task is still at work.
    watch.until_events(7).await;
    let parts: Vec<_> = watch
        .events()
        .into_iter()
        .filter_map(|event| match event.detail {
            Some(Detail::Output(output)) => Some((output.index, output.chunk)),
            _ => None,
        })
        .collect();
    let part = |text: &str| {
        let kind = Some(Kind::Json(value::to_value(json!(text))));
        Some(Payload {
            kind,
            ..Payload::default()
        })
    };
    assert_eq!(
        parts,
        [(0, part("Once")), (1, part(" upon")), (2, part(" a time"))]
    );
    assert_eq!(get(&server, &id).await.state(), State::InProgress);
    // Another run counts its parts anew.
    call(&server, "ReleaseTask", json!({"id": id, "lease_token": token})).await;
    let request =
        json!({"id": id, "assignee": {"type": "ACTOR_TYPE_AGENT", "id": "v"}, "lease_duration": "60s"});
    let token = call(&server, "StartTask", request).await["lease_token"].clone();
    let again = json!({"id": id, "lease_token": token, "index": 0, "chunk": {"json": "Again"}});
    call(&server, "AppendOutput", again).await;
    server.finish_with(vec![watch]).await;
}

#[tokio::test]
async fn a_checkpoint_stands_until_the_next_one_and_its_versions_are_told() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let (id, token) = held(&server, NewTask::new("test")).await;
    for page in [1, 1, 2] {
        let request = json!({"id": id, "lease_token": token, "checkpoint": {"json": {"page": page}}});
        call(&server, "SaveCheckpoint", request).await;
    }
    let query = json!({"id": id, "event_types": ["TASK_EVENT_TYPE_CHECKPOINT"], "view": "TASK_VIEW_FULL"});
    let events = call(&server, "ListTaskEvents", query).await;
    let told: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let checkpoint = &event["checkpoint"];
            (
                checkpoint["version"].clone(),
                checkpoint["payload"]["json"]["page"].clone(),
            )
        })
        .collect();
    assert_eq!(told, [(json!(1), json!(1.0)), (json!(2), json!(2.0))]);
    server.finish().await;
}

#[tokio::test]
async fn a_question_that_nobody_answers_in_time_is_answered_by_its_default_or_fails() {
    let server = TestServer::start().await;
    server.history().others_act_too();
    let info = server.ok(server.client().server_info()).await;
    let at = |seconds| {
        let time = info.time.unwrap();
        json!(written(time.seconds + seconds))
    };
    let (first, token) = held(&server, NewTask::new("test")).await;
    let question = json!({"prompt": "Which colour?", "choices": ["red", "blue"], "schema": {"type": "string"},
        "deadline_time": at(600), "default_input": {"json": "red"}});
    let request = json!({"id": first, "lease_token": token, "input_request": question});
    call(&server, "RequestInput", request).await;
    let (second, token) = held(&server, NewTask::new("test")).await;
    let question = json!({"prompt": "Which branch?", "deadline_time": at(600)});
    call(
        &server,
        "RequestInput",
        json!({"id": second, "lease_token": token, "input_request": question}),
    )
    .await;
    server
        .ok(server.client().advance_clock(Duration::from_secs(601)))
        .await;
    let answered = until(&server, &first, State::Queued).await;
    assert_eq!(answered.state_reason, "input_provided");
    let whole = get(&server, &first).await;
    let request = &whole.input_requests[0];
    assert!(request.schema.is_some() && request.answer == request.default_input);
    assert_eq!(
        request.answerer.as_ref().map(|actor| actor.id.as_str()),
        Some("baton")
    );
    let failed = until(&server, &second, State::Failed).await;
    assert_eq!(failed.state_reason, "input_expired");
    assert_eq!(
        failed.error.map(|error| error.code),
        Some("INPUT_EXPIRED".to_owned())
    );
    server.finish().await;
}

/// A moment as JSON writes it.
fn written(seconds: i64) -> String {
    prost_types::Timestamp { seconds, nanos: 0 }.to_string()
}

/// Every third is done, fails, or is given back.
fn report_of(n: usize, id: &Value, granted: &Value) -> Value {
    let token = &granted["lease_token"];
    match n % 3 {
        0 => json!({"id": id, "lease_token": token, "complete": {"output": {"json": n}}}),
        1 => json!({"id": id, "lease_token": token, "fail": {"error": {"message": "no"}}}),
        _ => json!({"id": id, "lease_token": token, "release": {}}),
    }
}

#[tokio::test]
async fn hundreds_of_reports_in_one_call_start_and_finish_and_repeat() {
    const TASKS: usize = 300;
    let server = TestServer::start().await;
    server.history().others_act_too();
    let tasks: Vec<_> = (0..TASKS)
        .map(|n| json!({"task": {"type": if n % 3 == 0 { "my-task" } else { "other" }}}))
        .collect();
    let made = call(&server, "BatchCreateTasks", json!({"requests": tasks})).await;
    let ids: Vec<_> = made["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["id"].clone())
        .collect();
    let grants = ids.iter().map(|id| {
        let assignee = json!({"type": "ACTOR_TYPE_AGENT", "id": "w"});
        call(
            &server,
            "AssignTask",
            json!({"id": id, "assignee": assignee, "lease_duration": "60s"}),
        )
    });
    let tokens = join_all(grants).await;
    let reports: Vec<_> = (0..TASKS).map(|n| report_of(n, &ids[n], &tokens[n])).collect();
    // Twice at once, and once more: whichever comes first, each happens once.
    let report = || call(&server, "ReportTasks", json!({"reports": reports}));
    let (first, second) = tokio::join!(report(), report());
    let third = report().await;
    assert_eq!(first["results"], third["results"]);
    assert_eq!(second["results"], third["results"]);
    for (n, result) in third["results"].as_array().unwrap().iter().enumerate() {
        let state = ["TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_QUEUED"][n % 3];
        assert_eq!(
            (&result["id"], &result["task"]["state"]),
            (&ids[n], &json!(state)),
            "{n}: {result}"
        );
    }
    let query = json!({"filter": "type = \"my-task\"", "page_size": 20, "view": "TASK_VIEW_FULL"});
    let page = call(&server, "ListTaskRuns", query).await;
    let outputs: Vec<_> = page["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["output"]["json"].as_f64().unwrap())
        .collect();
    // The last twenty, and no others.
    assert_eq!(outputs.len(), 20);
    assert!(outputs.iter().all(|n| n % 3.0 == 0.0) && !page["next_page_token"].as_str().unwrap().is_empty());
    let events = server.client().list_events(ids[0].as_str().unwrap());
    let types: Vec<_> = server
        .ok(events)
        .await
        .events
        .iter()
        .map(|event| event.r#type())
        .collect();
    let expected = [
        EventType::Created,
        EventType::Queued,
        EventType::Assigned,
        EventType::Started,
        EventType::Completed,
    ];
    assert_eq!(types, expected);
    server.finish().await;
}
