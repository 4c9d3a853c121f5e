//! Creating one task, trying one out, creating many.

use super::*;

fn chosen(n: u32, task: raw::Task) -> raw::CreateTaskRequest {
    raw::CreateTaskRequest {
        task: Some(Box::new(task)),
        task_id: new_uuid(n),
        ..Default::default()
    }
}

fn on_ref(name: &str) -> raw::Dependency {
    raw::Dependency {
        r#ref: name.to_owned(),
        ..Default::default()
    }
}

fn member(name: &str, waits_for: &[&str]) -> raw::CreateTaskRequest {
    raw::CreateTaskRequest {
        r#ref: name.to_owned(),
        task: Some(Box::new(raw::Task {
            title: name.to_owned(),
            dependencies: waits_for.iter().map(|name| on_ref(name)).collect(),
            ..Default::default()
        })),
        ..Default::default()
    }
}

fn batch(requests: Vec<raw::CreateTaskRequest>) -> Request<raw::BatchCreateTasksRequest> {
    Request::new(raw::BatchCreateTasksRequest {
        requests,
        ..Default::default()
    })
}

#[tokio::test]
async fn a_chosen_id_makes_a_create_repeatable_for_the_same_task_only() {
    let bench = Bench::new().await;
    let request = chosen(1, titled("a"));
    let first = bench
        .tasks
        .create_task(Request::new(request.clone()))
        .await
        .unwrap();
    assert!(!is_replayed(&first));
    bench.start(&new_uuid(1)).await;
    let again = bench.tasks.create_task(Request::new(request)).await.unwrap();
    assert!(is_replayed(&again));
    // The task as it is by now, not as it was created.
    assert_eq!(
        again.into_inner().task.unwrap().state(),
        raw::TaskState::InProgress
    );
    let refusal = refused(
        bench
            .tasks
            .create_task(Request::new(chosen(1, titled("b"))))
            .await,
    );
    assert_eq!(
        (refusal.reason.as_str(), refusal.code),
        ("TASK_ID_REUSED", tonic::Code::AlreadyExists)
    );
    assert_eq!(refusal.metadata["id"], new_uuid(1));
    bench.finish().await;
}

#[tokio::test]
async fn what_was_asked_for_is_what_is_kept() {
    let bench = Bench::new().await;
    let parent = bench.create_id().await;
    let task = raw::Task {
        namespace: "default".to_owned(),
        queue: "reports".to_owned(),
        r#type: "report".to_owned(),
        priority: raw::TaskPriority::Urgent.into(),
        title: "t".to_owned(),
        input: Some(raw::Payload {
            media_type: "text/plain".to_owned(),
            ..data(3)
        }),
        description: "d".to_owned(),
        labels: [("a/b".to_owned(), "ü".to_owned())].into(),
        // {"k": true}
        metadata: Some(vec![0x0a, 0x07, 0x0a, 0x01, b'k', 0x12, 0x02, 0x20, 0x01].into()),
        assignee: Some(human("ada")),
        parent_id: parent,
        schedule_time: Some(prost_types::Timestamp {
            seconds: 253_402_300_799,
            nanos: 999_999_000,
        }),
        retry_policy: Some(raw::RetryPolicy {
            max_attempts: Some(5),
            initial_backoff: Some(prost_types::Duration {
                seconds: 1,
                nanos: 500_000_000,
            }),
            max_backoff: Some(prost_types::Duration { seconds: 9, nanos: 0 }),
            backoff_multiplier: Some(3.5),
            jitter: Some(0.0),
            retry_outcomes: vec![raw::AttemptOutcome::Killed.into()],
            non_retryable_codes: vec!["bad".to_owned()],
        }),
        verification: Some(raw::Verification {
            mode: raw::VerificationMode::Manual.into(),
            grace: None,
        }),
        function: Some(raw::TaskFunction {
            kind: raw::TaskFunctionKind::Code.into(),
            name: "f".to_owned(),
            description: "fd".to_owned(),
            args: Some(Default::default()),
            output: Some(vec![0x20, 0x01].into()),
            prompt_template: "{{x}}".to_owned(),
        }),
        ..Default::default()
    };
    let created = bench.create(task.clone()).await;
    let read = bench.get(&created.id).await;
    assert_eq!(created, read);
    assert_eq!(read.state(), raw::TaskState::Scheduled);
    // Every field that was given comes back as it was; the others are the server's.
    let given = raw::Task {
        id: read.id.clone(),
        state: read.state,
        state_reason: read.state_reason.clone(),
        revision: 2,
        etag: "\"2\"".to_owned(),
        creator: read.creator.clone(),
        create_time: read.create_time,
        update_time: read.update_time,
        attempt: 1,
        ..task
    };
    assert_eq!(read, given);
    bench.finish().await;
}

#[tokio::test]
async fn a_task_without_a_type_stands_for_its_function() {
    let bench = Bench::new().await;
    let function = raw::TaskFunction {
        kind: raw::TaskFunctionKind::Human.into(),
        name: "review/contract".to_owned(),
        ..Default::default()
    };
    let created = bench
        .create(raw::Task {
            function: Some(function),
            ..Default::default()
        })
        .await;
    assert_eq!(created.r#type, "review/contract");
    bench.finish().await;
}

#[tokio::test]
async fn a_tried_create_is_decided_like_a_real_one_and_kept_nowhere() {
    let bench = Bench::new().await;
    let other = bench.create_id().await;
    let tried = |task: raw::Task| {
        Request::new(raw::CreateTaskRequest {
            validate_only: true,
            ..chosen(5, task)
        })
    };
    let on = |task_id: &str| raw::Task {
        dependencies: vec![raw::Dependency {
            task_id: task_id.to_owned(),
            ..Default::default()
        }],
        input: Some(text("1")),
        ..Default::default()
    };
    let shown = ok(bench.tasks.create_task(tried(on(&other))).await).task.unwrap();
    assert_eq!(shown.state(), raw::TaskState::Blocked);
    assert_eq!((shown.id, shown.input), (new_uuid(5), Some(text("1"))));
    let get = raw::GetTaskRequest {
        id: new_uuid(5),
        ..Default::default()
    };
    assert_eq!(
        refused(bench.tasks.get_task(Request::new(get)).await).reason,
        "TASK_NOT_FOUND"
    );

    let refusal = refused(bench.tasks.create_task(tried(on(&new_uuid(6)))).await);
    assert_eq!(
        (refusal.reason.as_str(), refusal.metadata["field"].as_str()),
        ("TASK_NOT_FOUND", "task.dependencies[0].task_id")
    );
    let orphan = raw::Task {
        parent_id: new_uuid(6),
        ..Default::default()
    };
    let refusal = refused(bench.tasks.create_task(tried(orphan)).await);
    assert_eq!(refusal.metadata["field"], "task.parent_id");
    let refusal = refused(bench.tasks.create_task(tried(on(&new_uuid(5)))).await);
    assert_eq!(refusal.reason, "DEPENDENCY_CYCLE");

    ok(bench
        .tasks
        .create_task(Request::new(chosen(5, titled("real"))))
        .await);
    let refusal = refused(bench.tasks.create_task(tried(titled("another"))).await);
    assert_eq!(refusal.reason, "TASK_ID_REUSED");
    bench.finish().await;
}

#[tokio::test]
async fn members_of_a_batch_wait_for_each_other_by_name() {
    let bench = Bench::new().await;
    let requests = vec![member("a", &["c", "b"]), member("b", &["c"]), member("c", &[])];
    let created = ok(bench.tasks.batch_create_tasks(batch(requests)).await).tasks;
    let titles: Vec<_> = created.iter().map(|task| task.title.as_str()).collect();
    assert_eq!(titles, ["a", "b", "c"]);
    let states: Vec<_> = created.iter().map(raw::Task::state).collect();
    assert_eq!(
        states,
        [
            raw::TaskState::Blocked,
            raw::TaskState::Blocked,
            raw::TaskState::Queued
        ]
    );
    let waits: Vec<_> = created[0]
        .dependencies
        .iter()
        .map(|d| (d.task_id.clone(), d.r#ref.clone()))
        .collect();
    assert_eq!(
        waits,
        [
            (created[2].id.clone(), String::new()),
            (created[1].id.clone(), String::new())
        ]
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_circle_in_a_batch_is_told_in_the_callers_names() {
    let bench = Bench::new().await;
    let mut by_id = member("", &["a"]);
    by_id.task_id = new_uuid(8);
    let mut on_id = member("a", &[]);
    on_id.task.as_mut().unwrap().dependencies = vec![raw::Dependency {
        task_id: new_uuid(8),
        ..Default::default()
    }];
    let refusal = refused(
        bench
            .tasks
            .batch_create_tasks(batch(vec![member("x", &[]), on_id, by_id]))
            .await,
    );
    assert_eq!(refusal.reason, "DEPENDENCY_CYCLE");
    let path = &refusal.metadata["path"];
    let id = new_uuid(8);
    assert!(
        *path == format!("a -> {id} -> a") || *path == format!("{id} -> a -> {id}"),
        "{path}"
    );
    assert!(refusal.metadata.contains_key("index"));
    bench.finish().await;
}

#[tokio::test]
async fn a_batch_that_fails_names_its_member_and_creates_nothing() {
    let bench = Bench::new().await;
    let mut lost = member("b", &["a"]);
    lost.task.as_mut().unwrap().dependencies.push(raw::Dependency {
        task_id: new_uuid(9),
        ..Default::default()
    });
    let refusal = refused(
        bench
            .tasks
            .batch_create_tasks(batch(vec![member("a", &[]), lost]))
            .await,
    );
    assert_eq!(
        (refusal.reason.as_str(), refusal.metadata["index"].as_str()),
        ("TASK_NOT_FOUND", "1")
    );
    assert_eq!(
        refusal.metadata["field"],
        "requests[1].task.dependencies[1].task_id"
    );
    let stats = Request::new(raw::GetTaskStatsRequest::default());
    assert_eq!(ok(bench.tasks.get_task_stats(stats).await).total, 0);
    bench.finish().await;
}

#[tokio::test]
async fn a_batch_repeats_by_its_request_id() {
    let bench = Bench::new().await;
    let mut request = batch(vec![member("a", &[]), member("b", &["a"])]).into_inner();
    request.request_id = new_uuid(1);
    let first = bench
        .tasks
        .batch_create_tasks(Request::new(request.clone()))
        .await
        .unwrap();
    let again = bench
        .tasks
        .batch_create_tasks(Request::new(request))
        .await
        .unwrap();
    assert!(!is_replayed(&first) && is_replayed(&again));
    assert_eq!(first.into_inner(), again.into_inner());
    bench.finish().await;
}

#[tokio::test]
async fn a_batch_that_could_not_be_answered_is_not_created() {
    let bench = Bench::new().await;
    let wordy = |n: u32| raw::CreateTaskRequest {
        task: Some(Box::new(raw::Task {
            description: "x".repeat(16_000),
            ..Default::default()
        })),
        task_id: new_uuid(n),
        ..Default::default()
    };
    let refusal = refused(
        bench
            .tasks
            .batch_create_tasks(batch((0..200).map(wordy).collect()))
            .await,
    );
    assert_eq!(
        (refusal.reason.as_str(), refusal.code),
        ("MESSAGE_TOO_LARGE", tonic::Code::ResourceExhausted)
    );
    let get = raw::GetTaskRequest {
        id: new_uuid(0),
        ..Default::default()
    };
    assert_eq!(
        refused(bench.tasks.get_task(Request::new(get)).await).reason,
        "TASK_NOT_FOUND"
    );
    // Payloads are not answered, so they do not count.
    let heavy = |_| raw::CreateTaskRequest {
        task: Some(Box::new(raw::Task {
            input: Some(data(1_000_000)),
            ..Default::default()
        })),
        ..Default::default()
    };
    let created = ok(bench
        .tasks
        .batch_create_tasks(batch((0..4).map(heavy).collect()))
        .await)
    .tasks;
    assert!(created.iter().all(|task| task.input.is_none()));
    bench.finish().await;
}
