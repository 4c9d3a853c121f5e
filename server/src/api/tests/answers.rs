//! What calls that change a task answer.

use super::*;

fn manual(input: raw::Payload) -> raw::Task {
    raw::Task {
        input: Some(input),
        verification: Some(raw::Verification {
            mode: raw::VerificationMode::Manual.into(),
            grace: None,
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_answer_shows_the_payloads_that_the_call_carried_and_no_others() {
    let bench = Bench::new().await;
    let created = bench.create(manual(text("1"))).await;
    assert_eq!(created.input, Some(text("1")));
    let id = created.id;

    // Whoever takes a task over sees it whole.
    let started = bench.start(&id).await;
    assert_eq!(started.input, Some(text("1")));

    let progress = raw::UpdateProgressRequest {
        id: id.clone(),
        progress: Some(raw::Progress::default()),
        ..Default::default()
    };
    let told = ok(bench.tasks.update_progress(Request::new(progress)).await)
        .task
        .unwrap();
    assert_eq!((told.input, told.output), (None, None));

    let submitted = bench.complete(&id, Some(text("2"))).await;
    assert_eq!(submitted.state(), raw::TaskState::Review);
    assert_eq!((submitted.input, submitted.output), (None, Some(text("2"))));

    let approve = raw::ApproveTaskRequest {
        id: id.clone(),
        actor: Some(human("eve")),
        ..Default::default()
    };
    let approved = ok(bench.tasks.approve_task(Request::new(approve)).await)
        .task
        .unwrap();
    assert_eq!((approved.input, approved.output), (None, None));

    let whole = bench.get(&id).await;
    assert_eq!(whole.state(), raw::TaskState::Completed);
    assert_eq!((whole.input, whole.output), (Some(text("1")), Some(text("2"))));
    bench.finish().await;
}

#[tokio::test]
async fn an_answered_question_shows_its_answer_and_only_to_who_gave_it() {
    let bench = Bench::new().await;
    let id = bench.create_id().await;
    for (key, answer) in [("first", "\"red\""), ("", "\"blue\"")] {
        if key == "first" {
            bench.start(&id).await;
        }
        let request = raw::RequestInputRequest {
            id: id.clone(),
            input_request: Some(raw::InputRequest {
                key: key.to_owned(),
                prompt: "Which?".to_owned(),
                choices: vec!["red".to_owned(), "blue".to_owned()],
                ..Default::default()
            }),
            ..Default::default()
        };
        let asked = ok(bench.tasks.request_input(Request::new(request)).await)
            .task
            .unwrap();
        let open = asked.input_requests.last().unwrap().clone();
        assert!(!open.key.is_empty(), "a key is drawn where none is given");
        let wrong = raw::ProvideInputRequest {
            id: id.clone(),
            input: Some(text("\"green\"")),
            ..Default::default()
        };
        let refusal = refused(bench.tasks.provide_input(Request::new(wrong.clone())).await);
        assert_eq!(
            (refusal.reason.as_str(), &refusal.fields[..]),
            ("INVALID_FIELD", &["input".to_owned()][..])
        );
        let right = raw::ProvideInputRequest {
            input: Some(text(answer)),
            key: open.key,
            ..wrong
        };
        let answered = ok(bench.tasks.provide_input(Request::new(right)).await)
            .task
            .unwrap();
        let shown: Vec<_> = answered
            .input_requests
            .iter()
            .map(|request| request.answer.is_some())
            .collect();
        assert_eq!(shown.iter().filter(|shown| **shown).count(), 1);
        assert_eq!(answered.input_requests.last().unwrap().answer, Some(text(answer)));
        assert_eq!(answered.state(), raw::TaskState::InProgress);
    }
    let all = bench.get(&id).await.input_requests;
    assert!(all.iter().all(|request| request.answer.is_some()));
    bench.finish().await;
}

#[tokio::test]
async fn a_repeat_changes_nothing_and_says_so() {
    let bench = Bench::new().await;
    let id = bench.create_id().await;
    bench.start(&id).await;
    let request = raw::CompleteTaskRequest {
        id: id.clone(),
        request_id: new_uuid(1),
        output: Some(text("1")),
        ..Default::default()
    };
    let first = bench
        .tasks
        .complete_task(Request::new(request.clone()))
        .await
        .unwrap();
    assert!(!is_replayed(&first));
    let again = bench
        .tasks
        .complete_task(Request::new(request.clone()))
        .await
        .unwrap();
    assert!(is_replayed(&again));
    assert_eq!(again.into_inner(), first.into_inner());

    let other = raw::CompleteTaskRequest {
        output: Some(text("2")),
        ..request
    };
    let refusal = refused(bench.tasks.complete_task(Request::new(other)).await);
    assert_eq!(
        (refusal.reason.as_str(), refusal.code),
        ("REQUEST_ID_REUSED", tonic::Code::AlreadyExists)
    );
    // The same id for another call is another call.
    let cancel = raw::CancelTaskRequest {
        id,
        request_id: new_uuid(1),
        ..Default::default()
    };
    let refusal = refused(bench.tasks.cancel_task(Request::new(cancel)).await);
    assert_eq!(refusal.reason, "REQUEST_ID_REUSED");
    bench.finish().await;
}

#[tokio::test]
async fn a_comment_is_answered_with_its_event() {
    let bench = Bench::new().await;
    let id = bench.create_id().await;
    let request = raw::AddCommentRequest {
        id,
        message: "hello".to_owned(),
        request_id: new_uuid(2),
        actor: Some(human("ada")),
    };
    let answer = ok(bench.tasks.add_comment(Request::new(request.clone())).await);
    let event = answer.event.clone().unwrap();
    assert_eq!(
        (event.message.as_str(), event.r#type()),
        ("hello", raw::TaskEventType::Comment)
    );
    assert_eq!(event.actor, Some(human("ada")));
    assert_eq!(event.sequence, answer.task.as_ref().unwrap().revision);
    // A repeat finds the event of the first call.
    let again = ok(bench.tasks.add_comment(Request::new(request)).await);
    assert_eq!(again.event, answer.event);
    bench.finish().await;
}

fn update(id: &str, task: raw::Task, paths: &[&str]) -> Request<raw::UpdateTaskRequest> {
    Request::new(raw::UpdateTaskRequest {
        task: Some(Box::new(raw::Task {
            id: id.to_owned(),
            ..task
        })),
        update_mask: (!paths.is_empty()).then(|| prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..Default::default()
    })
}

#[tokio::test]
async fn updates_take_what_the_mask_names() {
    let bench = Bench::new().await;
    let created = bench
        .create(raw::Task {
            title: "old".to_owned(),
            description: "kept".to_owned(),
            queue: "reports".to_owned(),
            labels: [("a".to_owned(), "1".to_owned())].into(),
            ..Default::default()
        })
        .await;
    let masked = raw::Task {
        title: "new".to_owned(),
        description: "not named".to_owned(),
        input: Some(text("7")),
        ..Default::default()
    };
    let request = update(&created.id, masked, &["title", "queue", "labels", "input"]);
    let updated = ok(bench.tasks.update_task(request).await).task.unwrap();
    assert_eq!(
        (updated.title.as_str(), updated.description.as_str()),
        ("new", "kept")
    );
    assert_eq!((updated.queue.as_str(), updated.labels.len()), ("default", 0));
    assert_eq!(updated.input, Some(text("7")));
    assert_ne!(updated.etag, created.etag);

    let unmasked = update(&created.id, titled("newest"), &[]);
    let updated = ok(bench.tasks.update_task(unmasked).await).task.unwrap();
    assert_eq!(
        (updated.title.as_str(), updated.description.as_str()),
        ("newest", "kept")
    );
    assert_eq!(updated.input, None);
    bench.finish().await;
}

#[tokio::test]
async fn updates_are_guarded_by_etag_and_state() {
    let bench = Bench::new().await;
    let created = bench.create(titled("old")).await;
    let guarded = |etag: &str| raw::Task {
        etag: etag.to_owned(),
        ..titled("new")
    };
    let stale = update(&created.id, guarded("\"77\""), &["title"]);
    let refusal = refused(bench.tasks.update_task(stale).await);
    assert_eq!(
        (refusal.reason.as_str(), refusal.code),
        ("ETAG_MISMATCH", tonic::Code::Aborted)
    );
    assert_eq!(refusal.metadata["etag"], created.etag);
    ok(bench
        .tasks
        .update_task(update(&created.id, guarded(&created.etag), &["title"]))
        .await);

    bench.start(&created.id).await;
    let late = update(&created.id, titled("x"), &["queue"]);
    let refusal = refused(bench.tasks.update_task(late).await);
    assert_eq!(refusal.reason, "INVALID_STATE_TRANSITION");
    assert_eq!(
        (
            refusal.metadata["fields"].as_str(),
            refusal.metadata["from"].as_str()
        ),
        ("queue", "IN_PROGRESS")
    );
    bench.finish().await;
}

#[tokio::test]
async fn an_illegal_move_says_where_the_task_is_and_what_it_may_be_asked() {
    let bench = Bench::new().await;
    let id = bench.create_id().await;
    let request = raw::CompleteTaskRequest {
        id,
        ..Default::default()
    };
    let refusal = refused(bench.tasks.complete_task(Request::new(request)).await);
    assert_eq!(refusal.reason, "INVALID_STATE_TRANSITION");
    assert_eq!(refusal.code, tonic::Code::FailedPrecondition);
    assert_eq!(
        (
            refusal.metadata["from"].as_str(),
            refusal.metadata["command"].as_str()
        ),
        ("QUEUED", "complete")
    );
    assert!(
        refusal.metadata["allowed"]
            .split(", ")
            .any(|command| command == "start")
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_deleted_task_is_gone_and_its_delete_repeats() {
    let bench = Bench::new().await;
    let id = bench.create_id().await;
    let delete = raw::DeleteTaskRequest {
        id: id.clone(),
        request_id: new_uuid(3),
        ..Default::default()
    };
    let refusal = refused(bench.tasks.delete_task(Request::new(delete.clone())).await);
    assert_eq!(refusal.reason, "INVALID_STATE_TRANSITION");
    let forced = raw::DeleteTaskRequest {
        force: true,
        ..delete
    };
    assert!(!is_replayed(
        &bench
            .tasks
            .delete_task(Request::new(forced.clone()))
            .await
            .unwrap()
    ));
    assert!(is_replayed(
        &bench.tasks.delete_task(Request::new(forced)).await.unwrap()
    ));
    let get = raw::GetTaskRequest {
        id: id.clone(),
        ..Default::default()
    };
    let refusal = refused(bench.tasks.get_task(Request::new(get)).await);
    assert_eq!(
        (refusal.reason.as_str(), refusal.metadata["id"].as_str()),
        ("TASK_NOT_FOUND", id.as_str())
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_circle_of_dependencies_is_shown() {
    let bench = Bench::new().await;
    let (a, b) = (bench.create_id().await, bench.create_id().await);
    let wait = |id: &str, on: &str| raw::AddDependencyRequest {
        id: id.to_owned(),
        dependency: Some(raw::Dependency {
            task_id: on.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let blocked = ok(bench.tasks.add_dependency(Request::new(wait(&a, &b))).await)
        .task
        .unwrap();
    assert_eq!(blocked.state(), raw::TaskState::Blocked);
    let refusal = refused(bench.tasks.add_dependency(Request::new(wait(&b, &a))).await);
    assert_eq!(
        (refusal.reason.as_str(), refusal.code),
        ("DEPENDENCY_CYCLE", tonic::Code::InvalidArgument)
    );
    assert_eq!(refusal.metadata["path"], format!("{b} -> {a} -> {b}"));
    let nowhere = wait(&a, &new_uuid(9));
    let refusal = refused(bench.tasks.add_dependency(Request::new(nowhere)).await);
    assert_eq!(refusal.reason, "TASK_NOT_FOUND");
    assert_eq!(refusal.metadata["field"], "dependency.task_id");
    bench.finish().await;
}

/// Versions name inputs for ever: one that comes after a cleared one is not taken for the first.
#[tokio::test]
async fn an_input_after_a_cleared_one_has_a_version_of_its_own() {
    let bench = Bench::new().await;
    let id = bench.create(manual(text("1"))).await.id;
    for input in [None, Some("2"), Some("3")] {
        let task = raw::Task {
            input: input.map(text),
            ..Default::default()
        };
        ok(bench.tasks.update_task(update(&id, task, &["input"])).await);
    }
    let history = raw::ListTaskEventsRequest {
        id,
        view: raw::TaskView::Full.into(),
        ..Default::default()
    };
    let history = ok(bench.tasks.list_task_events(Request::new(history)).await);
    let inputs = history.events.into_iter().filter_map(|event| match event.detail {
        Some(raw::task_event::Detail::Created(created)) => created.input,
        Some(raw::task_event::Detail::Updated(updated)) => updated.input,
        _ => None,
    });
    let inputs: Vec<_> = inputs.map(|input| (input.version, input.payload)).collect();
    assert_eq!(
        inputs,
        [(1, Some(text("1"))), (2, Some(text("2"))), (3, Some(text("3")))]
    );
    bench.finish().await;
}
