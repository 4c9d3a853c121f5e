//! Lists, page by page.

use super::*;

fn list(filter: &str, page_size: i32) -> raw::ListTasksRequest {
    raw::ListTasksRequest {
        filter: filter.to_owned(),
        page_size,
        ..Default::default()
    }
}

impl Bench {
    /// All pages of a list; every one but the last has a token.
    async fn pages(&self, mut request: raw::ListTasksRequest) -> Vec<Vec<raw::Task>> {
        let mut pages = Vec::new();
        loop {
            let answer = ok(self.tasks.list_tasks(Request::new(request.clone())).await);
            pages.push(answer.tasks);
            if answer.next_page_token.is_empty() {
                return pages;
            }
            request.page_token = answer.next_page_token;
        }
    }
}

fn titles(pages: &[Vec<raw::Task>]) -> Vec<&str> {
    pages.iter().flatten().map(|task| task.title.as_str()).collect()
}

#[tokio::test]
async fn pages_follow_each_other_in_every_order() {
    let bench = Bench::new().await;
    for (n, priority) in [(0, 3), (1, 1), (2, 5), (3, 3), (4, 0)] {
        bench
            .create(raw::Task {
                priority,
                ..titled(&n.to_string())
            })
            .await;
    }
    for (order_by, expected) in [
        ("", vec!["4", "3", "2", "1", "0"]),
        ("create_time", vec!["0", "1", "2", "3", "4"]),
        ("priority", vec!["1", "4", "0", "3", "2"]),
        ("priority desc", vec!["2", "3", "0", "4", "1"]),
    ] {
        let request = raw::ListTasksRequest {
            order_by: order_by.to_owned(),
            ..list("", 2)
        };
        let pages = bench.pages(request).await;
        assert_eq!(titles(&pages), expected, "{order_by}");
        assert!(pages.iter().all(|page| page.len() <= 2));
    }
    let some = bench.pages(list("priority = HIGH OR title = \"1\"", 1)).await;
    assert_eq!(titles(&some), ["3", "1", "0"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_page_is_basic_unless_asked_for_whole() {
    let bench = Bench::new().await;
    let task = raw::Task {
        input: Some(text("1")),
        ..Default::default()
    };
    bench.create(task).await;
    assert_eq!(bench.pages(list("", 0)).await[0][0].input, None);
    let full = raw::ListTasksRequest {
        view: raw::TaskView::Full.into(),
        ..list("", 0)
    };
    assert_eq!(bench.pages(full).await[0][0].input, Some(text("1")));
    bench.finish().await;
}

#[tokio::test]
async fn a_page_ends_where_clients_stop_reading() {
    let bench = Bench::new().await;
    for n in 0..7 {
        bench
            .create(raw::Task {
                input: Some(data(1_000_000)),
                ..titled(&n.to_string())
            })
            .await;
    }
    let request = raw::ListTasksRequest {
        view: raw::TaskView::Full.into(),
        order_by: "create_time".to_owned(),
        ..list("", 100)
    };
    let pages = bench.pages(request).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(titles(&pages), ["0", "1", "2", "3", "4", "5", "6"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_token_goes_on_with_its_own_list_only() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        bench.create_id().await;
    }
    let first = ok(bench.tasks.list_tasks(Request::new(list("", 1))).await);
    let token = first.next_page_token;
    let with = |request: raw::ListTasksRequest, token: &str| {
        Request::new(raw::ListTasksRequest {
            page_token: token.to_owned(),
            ..request
        })
    };
    // The page size may change, and an equal filter is the same filter.
    ok(bench.tasks.list_tasks(with(list("  ", 2), &token)).await);
    let ordered = raw::ListTasksRequest {
        order_by: "update_time".to_owned(),
        ..list("", 1)
    };
    let elsewhere = raw::ListTasksRequest {
        namespace: "other".to_owned(),
        ..list("", 1)
    };
    let whole = raw::ListTasksRequest {
        view: raw::TaskView::Full.into(),
        ..list("", 1)
    };
    for other in [list("state = QUEUED", 1), ordered, elsewhere, whole] {
        let refusal = refused(bench.tasks.list_tasks(with(other, &token)).await);
        assert_eq!(
            (refusal.reason.as_str(), &refusal.fields[..]),
            ("PAGE_TOKEN_INVALID", &["page_token".to_owned()][..])
        );
    }
    for forged in ["x", "AQE", &format!("{token}A"), &token[1..]] {
        let refusal = refused(bench.tasks.list_tasks(with(list("", 1), forged)).await);
        assert_eq!(refusal.reason, "PAGE_TOKEN_INVALID", "{forged}");
    }
    let events = raw::ListTaskEventsRequest {
        id: first.tasks[0].id.clone(),
        page_token: token,
        ..Default::default()
    };
    let refusal = refused(bench.tasks.list_task_events(Request::new(events)).await);
    assert_eq!(refusal.reason, "PAGE_TOKEN_INVALID");
    bench.finish().await;
}

/// The inputs that events name.
fn inputs(events: Vec<raw::TaskEvent>) -> Vec<raw::PayloadRef> {
    let input = |event: raw::TaskEvent| match event.detail {
        Some(raw::task_event::Detail::Created(created)) => created.input,
        Some(raw::task_event::Detail::Retried(retried)) => {
            assert_eq!(retried.delay.map(|delay| delay.seconds), Some(5));
            retried.input
        }
        other => panic!("{other:?}"),
    };
    events.into_iter().filter_map(input).collect()
}

#[tokio::test]
async fn a_history_is_read_page_by_page_with_what_payloads_were() {
    let bench = Bench::new().await;
    let id = bench
        .create(raw::Task {
            input: Some(text("1")),
            ..Default::default()
        })
        .await
        .id;
    bench.start(&id).await;
    bench.fail(&id).await;
    let retry = raw::RetryTaskRequest {
        id: id.clone(),
        input: Some(text("2")),
        delay: Some(prost_types::Duration { seconds: 5, nanos: 0 }),
        ..Default::default()
    };
    ok(bench.tasks.retry_task(Request::new(retry)).await);
    let request = |types: &[raw::TaskEventType], view: raw::TaskView, token: &str| {
        Request::new(raw::ListTaskEventsRequest {
            id: id.clone(),
            page_size: 2,
            page_token: token.to_owned(),
            view: view.into(),
            event_types: types.iter().map(|kind| (*kind).into()).collect(),
        })
    };
    let (mut sequences, mut token) = (Vec::new(), String::new());
    loop {
        let page = ok(bench
            .tasks
            .list_task_events(request(&[], raw::TaskView::Basic, &token))
            .await);
        sequences.extend(page.events.iter().map(|event| event.sequence));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(sequences, [1, 2, 3, 4, 5, 6]);

    let types = [raw::TaskEventType::Created, raw::TaskEventType::Retried];
    let basic = ok(bench
        .tasks
        .list_task_events(request(&types, raw::TaskView::Basic, ""))
        .await);
    assert_eq!(basic.next_page_token, "");
    let full = ok(bench
        .tasks
        .list_task_events(request(&types, raw::TaskView::Full, ""))
        .await);
    let (basic, full) = (inputs(basic.events), inputs(full.events));
    assert!(basic.iter().all(|named| named.payload.is_none()));
    let versions: Vec<_> = full
        .iter()
        .map(|named| (named.version, named.payload.clone()))
        .collect();
    assert_eq!(versions, [(1, Some(text("1"))), (2, Some(text("2")))]);
    // SHA-256 of "1".
    assert_eq!(
        basic[0].sha256,
        "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_history_ends_a_page_where_clients_stop_reading() {
    let bench = Bench::new().await;
    let id = bench.create_id().await;
    bench.start(&id).await;
    for _ in 0..5 {
        let submit = raw::SubmitForReviewRequest {
            id: id.clone(),
            output: Some(data(900_000)),
            ..Default::default()
        };
        ok(bench.tasks.submit_for_review(Request::new(submit)).await);
        let rework = raw::RequestReworkRequest {
            id: id.clone(),
            ..Default::default()
        };
        ok(bench.tasks.request_rework(Request::new(rework)).await);
    }
    let (mut sizes, mut outputs, mut token) = (Vec::new(), 0, String::new());
    loop {
        let request = raw::ListTaskEventsRequest {
            id: id.clone(),
            page_size: 1_000,
            page_token: token,
            view: raw::TaskView::Full.into(),
            ..Default::default()
        };
        let page = ok(bench.tasks.list_task_events(Request::new(request)).await);
        sizes.push(page.events.len());
        for event in page.events {
            if let Some(raw::task_event::Detail::Result(result)) = event.detail {
                outputs += i32::from(result.output.unwrap().payload.is_some());
            }
        }
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((sizes.iter().sum::<usize>(), outputs), (14, 5));
    assert_eq!(sizes.len(), 2, "{sizes:?}");
    bench.finish().await;
}

#[tokio::test]
async fn the_events_of_a_task_that_is_not_there_are_not_found() {
    let bench = Bench::new().await;
    let request = raw::ListTaskEventsRequest {
        id: new_uuid(1),
        ..Default::default()
    };
    let refusal = refused(bench.tasks.list_task_events(Request::new(request)).await);
    assert_eq!(refusal.reason, "TASK_NOT_FOUND");
    let none = raw::ListTaskEventsRequest {
        id: bench.create_id().await,
        event_types: vec![raw::TaskEventType::Dead.into()],
        ..Default::default()
    };
    assert!(
        ok(bench.tasks.list_task_events(Request::new(none)).await)
            .events
            .is_empty()
    );
    bench.finish().await;
}
