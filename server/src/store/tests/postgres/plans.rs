//! The plans that PostgreSQL makes of every statement that runs often, once it makes one plan for all values: an index serves it,
//! none reads a large table whole, and none sorts what an index gives in order. The tables are large and analysed: for small
//! ones any plan will do.

use baton_domain::filter::{Filter, Schema};
use baton_domain::{PayloadRole, State, Timestamp};
use uuid::Uuid;

use super::watched::{May, Watched, watched};
use crate::store::news::NEWS;
use crate::store::plan::{Part, together};
use crate::store::rows::{EVENT, RUN, TASK};
use crate::store::tests::asked::{all, id, list};
use crate::store::tests::fixture::NOW;
use crate::store::{
    BEGINNING, Demand, EventsOfQuery, ListField, RunQuery, SCAN_ROWS, SettledQuery, Window,
    dialect::{self, Dialect},
};

#[tokio::test]
async fn hot_reads_and_writes_find_their_rows_by_an_index() {
    let mut watched = watched().await;
    by_key(&mut watched).await;
    claims(&mut watched).await;
    the_log(&mut watched).await;
    lists(&mut watched).await;
    writes(&mut watched).await;
    writes_together(&mut watched).await;
    upkeep(&mut watched).await;
    watched.end();
}

async fn by_key(watched: &mut Watched) {
    let store = watched.store.clone();
    store.task(id()).await.unwrap();
    watched
        .uses("task", May::Nothing, &["task_id_key", "lease_pkey"])
        .await;
    store.tasks(&[id()]).await.unwrap();
    watched.uses("tasks", May::Nothing, &["task_id_key"]).await;
    store.payload(id(), PayloadRole::Input, 1).await.unwrap();
    watched.uses("payload", May::Nothing, &["payload_pkey"]).await;
    store.held_keys(&[("default", "k")]).await.unwrap();
    watched.uses("held keys", May::Nothing, &["dedup_pkey"]).await;
    store.requests(&[Uuid::nil()]).await.unwrap();
    watched.uses("requests", May::Nothing, &["request_pkey"]).await;
    store.deleted(&[id()]).await.unwrap();
    watched.uses("deleted", May::Nothing, &["event_by_task"]).await;
    store.dependants(id(), 1, 10).await.unwrap();
    watched.uses("dependants", May::Nothing, &["edge_pkey"]).await;
    store.open_children(id(), 10).await.unwrap();
    watched
        .uses("open children", May::Sort, &["task_open_child"])
        .await;
    store.due((BEGINNING, NOW), 10).await.unwrap();
    watched
        .uses("due", May::Nothing, &["task_due", "lease_due"])
        .await;
    store.next_wake(BEGINNING).await.unwrap();
    watched
        .uses("next wake", May::Nothing, &["task_due", "lease_due"])
        .await;
    store.task_groups("default").await.unwrap();
    watched.uses("groups", May::Sort, &["task_ready_by_type"]).await;
    let task = format!("task_id = {}", id());
    for (filter, index) in [
        (task.as_str(), "run_by_task"),
        ("type = send_email", "run_by_type"),
    ] {
        let query = RunQuery {
            namespace: "default".to_owned(),
            filter: Filter::parse(filter, Schema::RUNS).unwrap(),
            after: Some(9),
            limit: 5,
            scan_limit: SCAN_ROWS,
            payloads: false,
        };
        store.runs(&query).await.unwrap();
        watched.uses("runs", May::Nothing, &[index]).await;
    }
}

async fn claims(watched: &mut Watched) {
    let store = watched.store.clone();
    for (types, index) in [
        (None, "task_ready "),
        (Some(vec!["x".to_owned(), "y".to_owned()]), "task_ready_by_type "),
    ] {
        let demand = Demand {
            namespace: "default".to_owned(),
            queues: vec!["a".to_owned(), "b".to_owned()],
            types,
        };
        store.ready(&demand, 0).await.unwrap();
        watched.uses("ready", May::Sort, &[index]).await;
    }
}

async fn the_log(watched: &mut Watched) {
    let store = watched.store.clone();
    store.log("default", 5, 10).await.unwrap();
    watched.uses("log", May::Nothing, &["event_pkey"]).await;
    let since = Timestamp::from_micros(0);
    store.first_position_since("default", since).await.unwrap();
    watched
        .uses("first position since", May::Nothing, &["event_pkey"])
        .await;
    store.heads().await.unwrap();
    watched.uses("heads", May::Nothing, &["event_pkey"]).await;
    watched.statement("news", &NEWS, &["event_pkey"]).await;
    for window in [Window::After(1), Window::Before(9)] {
        let query = EventsOfQuery {
            window,
            types: Vec::new(),
            limit: 5,
            payloads: false,
        };
        store.events_of(id(), &query).await.unwrap();
        watched.uses("events of", May::Nothing, &["event_by_task"]).await;
    }
}

async fn lists(watched: &mut Watched) {
    let store = watched.store.clone();
    let parent = format!("parent_id = {}", id());
    let cases = [
        ("", ListField::CreateTime, "task_pkey"),
        ("queue = a", ListField::CreateTime, "task_pkey"),
        ("state = QUEUED", ListField::CreateTime, "task_by_state"),
        (
            "state = QUEUED AND type = x",
            ListField::CreateTime,
            "task_by_state",
        ),
        (
            "state = QUEUED OR state = DEAD",
            ListField::CreateTime,
            "task_by_state",
        ),
        ("labels.run = x", ListField::CreateTime, "task_label_72756e"),
        (
            "labels.run = x AND state = QUEUED",
            ListField::CreateTime,
            "task_label_72756e",
        ),
        (parent.as_str(), ListField::CreateTime, "task_by_parent"),
        ("", ListField::Id, "task_id_key"),
        ("", ListField::UpdateTime, "event_pkey"),
        ("", ListField::Priority, "task_by_priority"),
        ("", ListField::ScheduleTime, "task_by_schedule_time"),
    ];
    for (filter, field, index) in cases {
        for after in [false, true] {
            store.list(&list(filter, field, after)).await.unwrap();
            let what = format!("list {filter:?} by {field:?}, after: {after}");
            let may = if field == ListField::Id {
                May::Walk
            } else {
                May::Nothing
            };
            watched.uses(&what, may, &[index]).await;
        }
    }
    let settled = SettledQuery {
        namespace: "default",
        queue: "default",
        state: State::Completed,
        until: NOW,
        after: None,
    };
    store.settled_of(&settled, 10).await.unwrap();
    watched.uses("settled", May::Nothing, &["task_by_state"]).await;
}

async fn writes(watched: &mut Watched) {
    let parts = [
        (Part::RetireInputs, "task_id_key"),
        (Part::RetireOutputs, "task_id_key"),
        (Part::RetireCheckpoints, "task_id_key"),
        (Part::InsertTasks(all(&TASK)), "Insert on task"),
        (Part::Events(all(&EVENT)), "Insert on event"),
        (Part::UpdateTasks(all(&TASK)), "task_id_key"),
        (Part::DeleteTasks, "task_id_key"),
        (Part::Leases, "Insert on lease"),
        (Part::EndLeases, "lease_pkey"),
        (Part::DeleteRuns, "run_by_task"),
        (Part::BeginRuns(all(&RUN)), "Insert on run"),
        (Part::EndRuns, "run_by_task"),
        (Part::ReleaseKeys, "dedup_pkey"),
        (Part::TakeKeys, "Insert on dedup"),
        (Part::DeletePayloads, "payload_pkey"),
        (Part::RemoveEdges, "edge_pkey"),
        (Part::Requests, "Insert on request"),
        (Part::Counts, "Tid Scan on task_count"),
        (Part::Counts, "Index Scan Backward using task_count_pkey"),
    ];
    for (part, expected) in parts {
        let text = part.text(Dialect::Postgres);
        watched.statement(&format!("{part:?}"), &text, &[expected]).await;
    }
}

/// As a batch sends them: terms of one WITH.
async fn writes_together(watched: &mut Watched) {
    let statements: [(&str, &[Part], &[&str]); 3] = [
        (
            "tasks together",
            &[Part::InsertTasks(all(&TASK)), Part::UpdateTasks(all(&TASK))],
            &["Insert on task", "task_id_key"],
        ),
        (
            "creates together",
            &[
                Part::InsertTasks(all(&TASK)),
                Part::Counts,
                Part::Requests,
                Part::Events(all(&EVENT)),
            ],
            &[
                "Insert on task",
                "Index Scan Backward using task_count_pkey",
                "Insert on request",
                "Insert on event",
            ],
        ),
        (
            "rows together",
            &[
                Part::BeginRuns(all(&RUN)),
                Part::EndRuns,
                Part::EndLeases,
                Part::Leases,
                Part::Counts,
                Part::Requests,
                Part::Events(all(&EVENT)),
            ],
            &[
                "Insert on run",
                "run_by_task",
                "lease_pkey",
                "Insert on lease",
                "Index Scan Backward using task_count_pkey",
                "Insert on request",
                "Insert on event",
            ],
        ),
    ];
    for (what, parts, expected) in statements {
        watched.statement(what, &together::text(parts), expected).await;
        watched.statement(what, &together::turn(parts), expected).await;
    }
}

async fn upkeep(watched: &mut Watched) {
    let postgres = |text: dialect::Sql| text.of(Dialect::Postgres);
    let texts = [
        (postgres(dialect::RAISE_HORIZON), "event_pkey"),
        (postgres(dialect::TRIM_EVENTS), "deleted_task_pkey"),
        (postgres(dialect::TRIM_EVENTS), "event_by_task"),
        (postgres(dialect::TRIM_DELETED), "event_by_task"),
        (postgres(dialect::EXPIRE_REQUESTS), "request_due"),
        (postgres(dialect::EXPIRE_REQUESTS), "Tid Scan on request"),
        (postgres(dialect::EXPIRE_KEYS), "Tid Scan on dedup"),
        (postgres(dialect::EXPIRE_KEYS), "dedup_due"),
        (postgres(dialect::FIND_TASK), "task_id_key"),
        (postgres(dialect::FIND_REQUEST), "request_pkey"),
        (postgres(dialect::FIND_MISSING), "task_id_key"),
        (postgres(dialect::SPARE_LEASES), "task_id_key"),
    ];
    for (text, expected) in texts {
        watched.statement(text, text, &[expected]).await;
    }
}
