//! `cleanup`: what is old goes, and nothing else; `heartbeat` and `startup`.

use std::time::Duration;

use baton_client::{NewSchedule, NewTask, NewTaskType, State};
use baton_tests::harness::TestServer;
use serde_json::json;

use super::{Handlers, Place, done, output};
use crate::support::{created, start, until};
use crate::workers::server;

const DAY: Duration = Duration::from_secs(86_400);

async fn completed(server: &TestServer, task_type: &str) -> String {
    let task = created(server, NewTask::new(task_type)).await;
    start(server, &task.id).await;
    server.ok(server.client().complete(&task.id)).await;
    task.id
}

async fn is_there(server: &TestServer, id: &str) -> bool {
    server.client().get(id).await.is_ok()
}

#[tokio::test]
async fn settled_tasks_older_than_thirty_days_go_and_others_stay() {
    let server = server().await;
    let mut old = Vec::new();
    for _ in 0..5 {
        old.push(completed(&server, "rss-sweep").await);
    }
    let other = completed(&server, "kept").await;
    let open = created(&server, NewTask::new("rss-sweep")).await;
    server.ok(server.client().advance_clock(DAY * 31)).await;
    let young = completed(&server, "rss-sweep").await;
    let place = Place::new();
    let runner = place.runner(
        "[handlers.few]\nkind = 'cleanup'\ntypes = ['rss-sweep']\nmax_count = 3\n\
         [handlers.all]\nkind = 'cleanup'\nfilter = 'type != kept'\n\
         [handlers.week]\nkind = 'cleanup'\nolder_than_days = 7\ntypes = ['nothing']\n",
    );
    let handlers = Handlers::start(&server, runner);
    let few = output(&done(&server, NewTask::new("few")).await);
    assert_eq!(few["tasksRemoved"], 3);
    // The oldest first.
    for (index, id) in old.iter().enumerate() {
        assert_eq!(is_there(&server, id).await, index >= 3, "{index}");
    }
    assert_eq!(few["tasksRetained"], 1);
    let all = output(&done(&server, NewTask::new("all")).await);
    assert_eq!(
        (all["tasksRemoved"].clone(), all["tasksRetainedIsExact"].clone()),
        (json!(2), json!(true))
    );
    // The young one and the clean-up before.
    assert_eq!(all["tasksRetained"], 2);
    assert_eq!(
        output(&done(&server, NewTask::new("week")).await)["tasksRemoved"],
        0
    );
    for id in &old {
        assert!(!is_there(&server, id).await);
    }
    for id in [&other, &open.id, &young] {
        assert!(is_there(&server, id).await);
    }
    handlers.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn a_heartbeat_says_how_far_the_queues_are_behind() {
    let server = server().await;
    let waiting = created(&server, NewTask::new("nobody-does-this")).await;
    server
        .ok(server.client().advance_clock(Duration::from_secs(90)))
        .await;
    let place = Place::new();
    let handlers = Handlers::start(
        &server,
        place.runner("[handlers.heartbeat]\nkind = 'heartbeat'\n"),
    );
    let beat = output(&done(&server, NewTask::new("heartbeat")).await);
    assert!(beat["lagMs"].as_i64().unwrap() >= 90_000, "{beat}");
    assert_eq!(beat["queued"], 1);
    let store = format!("{} ", server.database().kind());
    assert!(beat["store"].as_str().unwrap().starts_with(&store), "{beat}");
    handlers.stop().await;
    server.ok(server.client().cancel(&waiting.id)).await;
    let handlers = Handlers::start(
        &server,
        place.runner("[handlers.heartbeat]\nkind = 'heartbeat'\n"),
    );
    let beat = output(&done(&server, NewTask::new("heartbeat")).await);
    assert_eq!(
        (beat["lagMs"].clone(), beat["queued"].clone()),
        (json!(0), json!(0))
    );
    handlers.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn each_start_of_a_worker_leaves_a_task() {
    let server = server().await;
    let place = Place::new();
    let text = "[worker]\nid = 'main'\n[handlers.startup]\nkind = 'startup'\n[handlers.heartbeat]\nkind = 'heartbeat'\n";
    for count in 1..=2 {
        let handlers = Handlers::start(&server, place.runner(text));
        let all = loop {
            let list = server.client().list().filter("type = startup").await.unwrap();
            if list.tasks.len() == count {
                break list.tasks;
            }
            tokio::task::yield_now().await;
        };
        let task = until(&server, &all[0].id, State::Completed).await;
        assert_eq!(output(&task)["worker"], "main");
        assert_eq!(output(&task)["types"], json!(["heartbeat", "startup"]));
        handlers.stop().await;
    }
    server.finish().await;
}

/// Nobody else makes tasks of an internal type: the schedule of its name does it for the worker.
#[tokio::test]
async fn a_start_is_recorded_also_where_its_type_is_internal() {
    let server = server().await;
    let client = server.client();
    let internal = NewTaskType::new("startup").internal();
    client.register_task_type(internal).await.unwrap();
    let yearly = NewSchedule::every("startup", DAY * 365, NewTask::new("startup"));
    client.create_schedule(yearly).await.unwrap();
    let place = Place::new();
    let handlers = Handlers::start(&server, place.runner("[handlers.startup]\nkind = 'startup'\n"));
    let task = loop {
        let list = client.list().filter("type = startup").await.unwrap();
        match list.tasks.first() {
            Some(task) => break task.id.clone(),
            None => tokio::task::yield_now().await,
        }
    };
    until(&server, &task, State::Completed).await;
    handlers.stop().await;
    server.finish().await;
}
