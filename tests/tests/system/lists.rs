//! Lists: filters, orders, pages; stats and explanations.

use std::collections::BTreeSet;
use std::time::Duration;

use baton_client::proto::ListTasksRequest;
use baton_client::{NewTask, Priority, Reason};
use baton_proto::v1::Task;
use baton_tests::harness::TestServer;
use futures::TryStreamExt;

use crate::support::{created, get, queued, start};

/// Ten tasks that differ in everything a filter can see.
pub(crate) async fn ten(server: &TestServer) -> Vec<Task> {
    let client = server.client();
    let mut tasks = Vec::new();
    for number in 0..10 {
        let new = NewTask::new(if number % 2 == 0 { "even" } else { "odd" })
            .title(format!("Task {number}"))
            .queue(["a", "b", "c"][number % 3])
            .priority([Priority::Low, Priority::High][number / 5])
            .label("number", number.to_string())
            .label("app.kubernetes.io/name", "web");
        let new = if number == 9 {
            new.delay(Duration::from_secs(3_600))
        } else {
            new
        };
        tasks.push(created(server, new).await);
    }
    start(server, &tasks[0].id).await;
    start(server, &tasks[1].id).await;
    server.ok(client.complete(&tasks[1].id)).await;
    let mut now = Vec::new();
    for task in &tasks {
        now.push(get(server, &task.id).await);
    }
    now
}

async fn numbers(server: &TestServer, filter: &str) -> Vec<usize> {
    let page = server
        .ok(server.client().list().filter(filter).order_by("create_time"))
        .await;
    assert!(page.next_page_token.is_empty());
    page.tasks
        .iter()
        .map(|task| task.labels["number"].parse().unwrap())
        .collect()
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let server = TestServer::start().await;
    let tasks = ten(&server).await;
    let parent = &tasks[0];
    let by_id = format!("id = \"{}\"", tasks[3].id);
    let since = format!("create_time > \"{}\"", parent.create_time.unwrap());
    let cases: Vec<(&str, Vec<usize>)> = vec![
        ("", (0..10).collect()),
        ("state = IN_PROGRESS", vec![0]),
        ("state = TASK_STATE_COMPLETED", vec![1]),
        ("state = SCHEDULED", vec![9]),
        ("NOT state = QUEUED", vec![0, 1, 9]),
        ("state != QUEUED", vec![0, 1, 9]),
        ("queue = a AND type = even", vec![0, 6]),
        (
            "queue = \"a\" AND (type = even OR priority = HIGH)",
            vec![0, 6, 9],
        ),
        ("queue = a AND type = even OR type = odd", vec![0, 3, 6, 9]),
        ("priority = TASK_PRIORITY_LOW", (0..5).collect()),
        ("labels.number = \"7\"", vec![7]),
        ("labels.number:*", (0..10).collect()),
        ("labels:number", (0..10).collect()),
        (
            "labels.\"app.kubernetes.io/name\" = 'web' AND labels.number = 2",
            vec![2],
        ),
        ("labels.missing = x", vec![]),
        ("labels.missing != x", (0..10).collect()),
        ("title = \"Task 4\"", vec![4]),
        ("assignee.id = agent-1", vec![0, 1]),
        ("assignee.id:*", vec![0, 1]),
        ("creator.id = anonymous", (0..10).collect()),
        ("schedule_time:*", vec![9]),
        ("start_time:* AND end_time:*", vec![1]),
        ("attempt >= 1 AND retry_count < 1", (0..10).collect()),
        ("retry_count > 0", vec![]),
        ("state_reason = completed", vec![1]),
        ("create_time > \"2020-01-01T00:00:00Z\"", (0..10).collect()),
        ("create_time < \"2020-01-01T00:00:00Z\"", vec![]),
        (&by_id, vec![3]),
        (&since, (1..10).collect()),
    ];
    for (filter, expected) in cases {
        assert_eq!(numbers(&server, filter).await, expected, "{filter}");
    }
    server.finish().await;
}

#[tokio::test]
async fn mistakes_in_filters_name_their_place() {
    let server = TestServer::start().await;
    let long = format!("title = \"{}\"", "x".repeat(4_096));
    let deep = format!("{}state = QUEUED{}", "(".repeat(25), ")".repeat(25));
    let many = vec!["queue = a"; 65].join(" OR ");
    let cases = [
        ("state =", 7),
        ("colour = red", 0),
        ("state = RUNNING", 8),
        ("queue = a AND", 13),
        ("(queue = a", 0),
        ("attempt = many", 10),
        ("create_time > yesterday", 14),
        ("state < QUEUED", 6),
        ("queue = \"a", 8),
        ("queue ~ a", 6),
    ];
    for (filter, position) in cases {
        let refusal = server.refused(server.client().list().filter(filter)).await;
        assert_eq!(refusal.reason, Reason::InvalidFilter, "{filter}");
        assert_eq!(
            refusal.metadata["position"],
            position.to_string(),
            "{filter}: {}",
            refusal.message
        );
    }
    for filter in [&long, &deep, &many] {
        let refusal = server.refused(server.client().list().filter(filter)).await;
        assert_eq!(refusal.reason, Reason::InvalidFilter);
    }
    server.finish().await;
}

#[tokio::test]
async fn pages_go_through_every_order_without_loss() {
    let server = TestServer::start().await;
    let tasks = ten(&server).await;
    let expected: BTreeSet<_> = tasks.iter().map(|task| task.id.clone()).collect();
    let orders = [
        "",
        "create_time",
        "create_time desc",
        "update_time asc",
        "priority desc",
        "priority",
        "schedule_time",
    ];
    for order in orders {
        for size in [1, 3, 10] {
            let mut seen = Vec::new();
            let mut token = String::new();
            loop {
                let call = server
                    .client()
                    .list()
                    .order_by(order)
                    .page_size(size)
                    .page_token(&token);
                let page = server.ok(call).await;
                assert!(page.tasks.len() <= usize::try_from(size).unwrap());
                seen.extend(page.tasks);
                if page.next_page_token.is_empty() {
                    break;
                }
                token = page.next_page_token;
            }
            let ids: BTreeSet<_> = seen.iter().map(|task| task.id.clone()).collect();
            assert_eq!((seen.len(), &ids), (10, &expected), "{order:?} by {size}");
            in_order(order, &seen);
        }
    }
    server.finish().await;
}

fn in_order(order: &str, tasks: &[Task]) {
    let key = |task: &Task| -> i128 {
        let time = |time: Option<prost_types::Timestamp>| {
            time.map_or(i128::MIN, |t| {
                i128::from(t.seconds) * 1_000_000_000 + i128::from(t.nanos)
            })
        };
        match order.split(' ').next() {
            Some("priority") => i128::from(task.priority),
            Some("update_time") => time(task.update_time),
            Some("schedule_time") => time(task.schedule_time),
            _ => time(task.create_time),
        }
    };
    let keys: Vec<_> = tasks.iter().map(key).collect();
    let falls = order.is_empty() || order.ends_with("desc");
    let sorted = if falls {
        keys.iter().rev().is_sorted()
    } else {
        keys.is_sorted()
    };
    // Tasks without a schedule_time stand at one end or the other.
    assert!(sorted || order == "schedule_time", "{order}: {keys:?}");
}

#[tokio::test]
async fn page_tokens_belong_to_their_question() {
    let server = TestServer::start().await;
    let client = server.client();
    ten(&server).await;
    let page = server.ok(client.list().filter("queue = a").page_size(1)).await;
    let token = page.next_page_token;
    let events = server
        .ok(client
            .list_events(&page.tasks[0].id)
            .with(|request| request.page_size = 1))
        .await;
    let mut flipped = token.clone().into_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let cases: Vec<(ListTasksRequest, &str)> = vec![
        (request("queue = b", "", &token), "another filter"),
        (request("queue = a", "priority", &token), "another order"),
        (
            request("queue = a", "", &String::from_utf8(flipped).unwrap()),
            "a flipped byte",
        ),
        (request("queue = a", "", "forged"), "nonsense"),
        (
            request("queue = a", "", &events.next_page_token),
            "a token of another method",
        ),
    ];
    for (request, what) in cases {
        let refusal = server.refused(client.call(request)).await;
        assert_eq!(refusal.reason, Reason::PageTokenInvalid, "{what}");
    }
    // Size may change from page to page; a huge one is taken as the largest.
    server
        .ok(client
            .list()
            .filter("queue = a")
            .page_size(100_000)
            .page_token(&token))
        .await;
    let negative = server.refused(client.list().page_size(-1)).await;
    assert_eq!(negative.violations[0].field, "page_size");
    let unknown = server.refused(client.list().order_by("colour")).await;
    assert_eq!(unknown.violations[0].field, "order_by");
    server.finish().await;
}

fn request(filter: &str, order_by: &str, page_token: &str) -> ListTasksRequest {
    ListTasksRequest {
        filter: filter.to_owned(),
        order_by: order_by.to_owned(),
        page_token: page_token.to_owned(),
        ..ListTasksRequest::default()
    }
}

/// What no index serves is found in pieces: short pages, but in the end everything.
#[tokio::test]
async fn a_rare_label_among_many_is_found_in_bounded_steps() {
    let server = TestServer::start().await;
    let client = server.client();
    let rare = created(&server, NewTask::new("test").label("rare", "yes")).await;
    for _ in 0..11 {
        server
            .ok(client.batch_create((0..1_000).map(|_| NewTask::new("test"))))
            .await;
    }
    let first = server.ok(client.list().filter("labels.rare = yes")).await;
    assert!(
        first.tasks.is_empty() && !first.next_page_token.is_empty(),
        "10,000 rows are looked at a call"
    );
    let found: Vec<Task> = client
        .list()
        .filter("labels.rare = yes")
        .all()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, rare.id);
    server.finish().await;
}

#[tokio::test]
async fn namespaces_and_parents_separate() {
    let server = TestServer::start().await;
    let client = server.client();
    let here = queued(&server).await;
    let there = created(&server, NewTask::new("test").namespace("there")).await;
    let page = server.ok(client.list().namespace("there")).await;
    assert_eq!(
        page.tasks.iter().map(|task| &task.id).collect::<Vec<_>>(),
        [&there.id]
    );
    let child = created(&server, NewTask::new("test").parent(&here.id)).await;
    let page = server
        .ok(client.list().filter(format!("parent_id = \"{}\"", here.id)))
        .await;
    assert_eq!(
        page.tasks.iter().map(|task| &task.id).collect::<Vec<_>>(),
        [&child.id]
    );
    let foreign = server
        .refused(client.create(NewTask::new("test").namespace("there").parent(&here.id)))
        .await;
    assert_eq!(foreign.reason, Reason::TaskNotFound);
    let foreign = server
        .refused(client.create(NewTask::new("test").namespace("there").depends_on(&here.id)))
        .await;
    assert_eq!(foreign.reason, Reason::TaskNotFound);
    server.finish().await;
}
