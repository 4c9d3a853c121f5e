//! Reading by id, counting, the server's own calls.

use super::*;

fn micros(time: Option<prost_types::Timestamp>) -> i64 {
    let time = time.unwrap();
    time.seconds * 1_000_000 + i64::from(time.nanos / 1_000)
}

fn batch_get(ids: Vec<String>, view: raw::TaskView) -> Request<raw::BatchGetTasksRequest> {
    Request::new(raw::BatchGetTasksRequest {
        ids,
        view: view.into(),
    })
}

#[tokio::test]
async fn tasks_are_answered_in_the_order_of_their_ids_or_not_at_all() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for n in 0..40 {
        let task = raw::Task {
            input: Some(text("1")),
            ..titled(&n.to_string())
        };
        ids.push(bench.create(task).await.id);
    }
    ids.reverse();
    let answer = ok(bench
        .tasks
        .batch_get_tasks(batch_get(ids.clone(), raw::TaskView::Unspecified))
        .await);
    let found: Vec<_> = answer.tasks.iter().map(|task| task.id.clone()).collect();
    assert_eq!(found, ids);
    assert!(answer.tasks.iter().all(|task| task.input.is_none()));
    let full = ok(bench
        .tasks
        .batch_get_tasks(batch_get(ids.clone(), raw::TaskView::Full))
        .await);
    assert!(full.tasks.iter().all(|task| task.input.is_some()));
    ids.insert(35, new_uuid(1));
    let refusal = refused(
        bench
            .tasks
            .batch_get_tasks(batch_get(ids, raw::TaskView::Basic))
            .await,
    );
    assert_eq!(
        (refusal.reason.as_str(), refusal.metadata["index"].as_str()),
        ("TASK_NOT_FOUND", "35")
    );
    assert_eq!(refusal.metadata["id"], new_uuid(1));
    bench.finish().await;
}

#[tokio::test]
async fn an_answer_that_no_client_would_read_is_refused() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let task = raw::Task {
            input: Some(data(1_000_000)),
            ..Default::default()
        };
        ids.push(bench.create(task).await.id);
    }
    ok(bench
        .tasks
        .batch_get_tasks(batch_get(ids[..3].to_vec(), raw::TaskView::Full))
        .await);
    let refusal = refused(
        bench
            .tasks
            .batch_get_tasks(batch_get(ids.clone(), raw::TaskView::Full))
            .await,
    );
    assert_eq!(
        (refusal.reason.as_str(), refusal.code),
        ("MESSAGE_TOO_LARGE", tonic::Code::ResourceExhausted)
    );
    ok(bench
        .tasks
        .batch_get_tasks(batch_get(ids, raw::TaskView::Basic))
        .await);
    bench.finish().await;
}

#[tokio::test]
async fn a_task_comes_with_its_newest_events() {
    let bench = Bench::new().await;
    let id = bench.create_id().await;
    bench.start(&id).await;
    let get = |event_limit, view: raw::TaskView| {
        Request::new(raw::GetTaskRequest {
            id: id.clone(),
            view: view.into(),
            event_limit,
        })
    };
    let answer = ok(bench.tasks.get_task(get(2, raw::TaskView::Basic)).await);
    let types: Vec<_> = answer.events.iter().map(raw::TaskEvent::r#type).collect();
    assert_eq!(types, [raw::TaskEventType::Assigned, raw::TaskEventType::Started]);
    let all = ok(bench.tasks.get_task(get(100, raw::TaskView::Full)).await).events;
    assert_eq!(
        all.iter().map(|event| event.sequence).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert!(
        ok(bench.tasks.get_task(get(0, raw::TaskView::Full)).await)
            .events
            .is_empty()
    );
    bench.finish().await;
}

#[tokio::test]
async fn counts_are_grouped_and_filtered() {
    let bench = Bench::new().await;
    for (queue, kind) in [("a", "x"), ("a", "x"), ("a", "y"), ("b", "")] {
        bench
            .create(raw::Task {
                queue: queue.to_owned(),
                r#type: kind.to_owned(),
                ..Default::default()
            })
            .await;
    }
    let elsewhere = raw::Task {
        namespace: "other".to_owned(),
        ..Default::default()
    };
    bench.create(elsewhere).await;
    let stats = |filter: &str| {
        Request::new(raw::GetTaskStatsRequest {
            namespace: String::new(),
            filter: filter.to_owned(),
        })
    };
    let all = ok(bench.tasks.get_task_stats(stats("")).await);
    assert_eq!(all.total, 4);
    let some = ok(bench.tasks.get_task_stats(stats("queue = a AND type = x")).await);
    assert_eq!((some.groups.len(), some.total), (1, 2));
    let group = &some.groups[0];
    assert_eq!(
        (
            group.state(),
            group.queue.as_str(),
            group.r#type.as_str(),
            group.count
        ),
        (raw::TaskState::Queued, "a", "x", 2)
    );
    assert!(micros(group.oldest_ready_time) <= micros(group.as_of_time));
    assert_eq!(
        ok(bench.tasks.get_task_stats(stats("state = COMPLETED")).await).total,
        0
    );
    bench.finish().await;
}

#[tokio::test]
async fn the_server_says_what_it_is() {
    let bench = Bench::new().await;
    let info = ok(bench
        .admin
        .get_server_info(Request::new(raw::GetServerInfoRequest {}))
        .await);
    assert_eq!(
        (info.version.as_str(), info.store_kind.as_str()),
        (env!("CARGO_PKG_VERSION"), bench.database.kind())
    );
    let (number, _) = info.store_version.split_once('.').unwrap();
    assert!(number.parse::<u32>().unwrap() >= 3, "{}", info.store_version);
    assert_eq!(info.epoch, bench.engine.store().epoch().to_string());
    assert!(info.test_mode && micros(info.start_time) <= micros(info.time));
    let limits = info.limits.unwrap();
    assert_eq!(
        (limits.max_message_bytes, limits.max_batch_size),
        (4 * 1024 * 1024, 1_000)
    );
    bench.finish().await;
}

#[tokio::test]
async fn advancing_the_clock_sets_going_what_is_due() {
    let bench = Bench::new().await;
    let request = raw::CreateTaskRequest {
        task: Some(Box::default()),
        delay: Some(prost_types::Duration {
            seconds: 3_600,
            nanos: 0,
        }),
        ..Default::default()
    };
    let id = ok(bench.tasks.create_task(Request::new(request)).await)
        .task
        .unwrap()
        .id;
    bench.advance(3_000).await;
    assert_eq!(bench.get(&id).await.state(), raw::TaskState::Scheduled);
    bench.advance(601).await;
    assert_eq!(bench.get(&id).await.state(), raw::TaskState::Queued);
    bench.finish().await;
}

#[tokio::test]
async fn a_real_clock_is_nobodys_to_move() {
    let bench = Bench::with(Clock::system()).await;
    let request = raw::AdvanceClockRequest {
        duration: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
    };
    let refusal = refused(bench.admin.advance_clock(Request::new(request)).await);
    assert_eq!(
        (refusal.reason.as_str(), refusal.code),
        ("TEST_MODE_OFF", tonic::Code::FailedPrecondition)
    );
    bench.finish().await;
}
