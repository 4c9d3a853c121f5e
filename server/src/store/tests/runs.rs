//! Runs: each comes back the same, and lists of them are the evaluator's, page by page.

use baton_domain::filter::{Filter, Schema};
use baton_domain::{AttemptOutcome, PayloadKind, Run, RunEnd, TaskId, Timestamp};
use bytes::Bytes;
use uuid::Uuid;

use super::fixture::{Fixture, NOW, all_bytes, creator, delete, payload};
use super::maximal::{run, run_end};
use super::sqlite_plans::{assert_sound, watched};
use crate::store::{EndedRun, RunQuery, SCAN_ROWS, Store, WriteBatch};

fn id(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

fn query(filter: &str) -> RunQuery {
    RunQuery {
        namespace: "other".to_owned(),
        filter: Filter::parse(filter, Schema::RUNS).unwrap(),
        after: None,
        limit: 100,
        scan_limit: SCAN_ROWS,
        payloads: false,
    }
}

async fn begin(fixture: &mut Fixture, runs: &[Run]) {
    let batch = WriteBatch {
        runs_begun: runs.to_vec(),
        ..WriteBatch::default()
    };
    fixture.writer.commit(&batch).await.unwrap();
}

async fn all(store: &Store, filter: &str) -> Vec<Run> {
    store.runs(&query(filter)).await.unwrap().runs
}

/// As lists tell it: the output is named, not carried.
fn told(run: &Run) -> Run {
    let mut run = run.clone();
    if let Some(output) = run.end.as_mut().and_then(|end| end.output.as_mut()) {
        *output = output.reference();
    }
    run
}

#[tokio::test]
async fn a_run_comes_back_the_same_before_and_after_its_end() {
    let mut fixture = Fixture::new().await;
    let full = run(id(1), 1);
    let empty = Run {
        assignee: None,
        end: None,
        ..run(id(1), 2)
    };
    begin(&mut fixture, &[full.clone(), empty.clone()]).await;
    assert_eq!(all(&fixture.store, "").await, [empty.clone(), told(&full)]);
    let ended = |number, end: RunEnd| EndedRun {
        task_id: id(1),
        number,
        end,
    };
    let plain = RunEnd {
        outcome: AttemptOutcome::Released,
        error: None,
        output: None,
        end_time: Timestamp::from_micros(0),
    };
    // A late receipt takes the place of what was known; a run that nobody began is none.
    let batch = WriteBatch {
        runs_ended: vec![
            ended(1, plain.clone()),
            ended(2, run_end("late")),
            ended(3, plain.clone()),
        ],
        ..WriteBatch::default()
    };
    fixture.writer.commit(&batch).await.unwrap();
    let with = |run: &Run, end| Run {
        end: Some(end),
        ..run.clone()
    };
    let expected = [told(&with(&empty, run_end("late"))), with(&full, plain)];
    assert_eq!(all(&fixture.store, "").await, expected);
}

/// Runs that differ in all that filters name, in two namespaces.
fn population() -> Vec<Run> {
    let pick = |n: i32, of: i32| n % of == 0;
    let run = |n: i32| Run {
        namespace: if pick(n, 7) { "default" } else { "other" }.to_owned(),
        queue: if pick(n, 2) { "q" } else { "" }.to_owned(),
        task_type: if pick(n, 3) { "my-task" } else { "other-task" }.to_owned(),
        assignee: (!pick(n, 4)).then(creator),
        attempt: n % 5,
        start_time: Timestamp::from_micros(NOW.as_micros() + i64::from(n)),
        end: (!pick(n, 5)).then(|| RunEnd {
            outcome: AttemptOutcome::ALL[usize::try_from(n).unwrap() % AttemptOutcome::ALL.len()],
            ..run_end("e")
        }),
        ..run(id(u128::try_from(n % 6).unwrap()), n + 1)
    };
    (0..100).map(run).collect()
}

#[tokio::test]
async fn lists_have_what_the_filter_says_newest_first_whatever_the_pages() {
    let mut fixture = Fixture::new().await;
    let runs = population();
    // In batches: the order is that of all of them.
    for runs in runs.chunks(30) {
        begin(&mut fixture, runs).await;
    }
    let task = format!("task_id = {}", id(3));
    let filters = [
        "",
        "type = my-task",
        "type = my-task AND outcome = OK",
        &task,
        &format!("{task} AND NOT outcome:*"),
        "outcome = ATTEMPT_OUTCOME_TIMEOUT OR attempt >= 3",
        "assignee.id = billing AND NOT type = my-task",
        "queue:* AND start_time < 2100-01-01T00:00:00Z",
        "type = nobody",
    ];
    for filter in filters {
        let parsed = query(filter).filter;
        let expected: Vec<Run> = runs
            .iter()
            .rev()
            .filter(|run| run.namespace == "other" && parsed.matches(*run))
            .map(told)
            .collect();
        assert_eq!(all(&fixture.store, filter).await, expected, "{filter}");
        for (limit, scan_limit) in [(1, SCAN_ROWS), (7, SCAN_ROWS), (7, 3), (200, 10)] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let asked = RunQuery {
                    limit,
                    scan_limit,
                    after,
                    ..query(filter)
                };
                let page = fixture.store.runs(&asked).await.unwrap();
                assert!(page.runs.len() <= limit as usize);
                found.extend(page.runs);
                let Some(next) = page.next else { break };
                assert!(after.is_none_or(|after| next < after), "{filter}");
                after = Some(next);
            }
            assert_eq!(
                found, expected,
                "{filter}, pages of {limit}, {scan_limit} looked at"
            );
        }
    }
}

#[tokio::test]
async fn outputs_are_filled_where_they_are_asked_for_and_runs_go_with_their_task() {
    let mut fixture = Fixture::new().await;
    let mut task = fixture.put(|_| {}).await;
    task.output = Some(payload(PayloadKind::Data, 1, all_bytes()));
    let mut done = run(task.id, 1);
    done.namespace = "default".to_owned();
    if let Some(end) = &mut done.end {
        end.output = task.output.clone();
    }
    let before = fixture.store.task(task.id).await.unwrap().unwrap();
    let batch = WriteBatch {
        updated: vec![(before.into(), task.clone().into())],
        runs_begun: vec![done.clone(), run(id(1), 1)],
        ..WriteBatch::default()
    };
    fixture.writer.commit(&batch).await.unwrap();
    let asked = RunQuery {
        namespace: "default".to_owned(),
        payloads: true,
        ..query("")
    };
    let page = fixture.store.runs(&asked).await.unwrap();
    assert_eq!(page.runs, [done]);
    let output = page.runs[0].end.as_ref().and_then(|end| end.output.as_ref());
    assert_eq!(output.and_then(|output| output.body.clone()), Some(all_bytes()));
    // What is not there any more is named all the same.
    let other = fixture
        .store
        .runs(&RunQuery {
            payloads: true,
            ..query("")
        })
        .await
        .unwrap();
    let named = payload(PayloadKind::Uri, 2, Bytes::new()).reference();
    assert_eq!(
        other.runs[0].end.as_ref().and_then(|end| end.output.clone()),
        Some(named)
    );
    delete(&mut fixture, &task).await;
    assert_eq!(fixture.store.runs(&asked).await.unwrap().runs, []);
    assert_eq!(all(&fixture.store, "").await.len(), 1);
}

#[tokio::test]
async fn the_last_runs_of_a_type_are_read_from_an_index_of_sqlite() {
    let mut watched = watched().await;
    let store = watched.store.clone();
    let of_task = format!("task_id = {} AND type = my-task", id(1));
    let cases = [
        ("type = my-task", "run_by_type (namespace=? AND type=?"),
        (
            "type = my-task AND outcome = OK",
            "run_by_type (namespace=? AND type=?",
        ),
        (&of_task, "run_by_task (task_id=?"),
    ];
    for (filter, index) in cases {
        for after in [None, Some(7)] {
            let query = RunQuery {
                namespace: "default".to_owned(),
                filter: Filter::parse(filter, Schema::RUNS).unwrap(),
                after,
                limit: 20,
                scan_limit: SCAN_ROWS,
                payloads: false,
            };
            store.runs(&query).await.unwrap();
            let plan = watched.plans().await.join("\n");
            assert_sound(filter, &plan);
            assert!(plan.contains(index), "{filter}:\n{plan}");
            // They come in order, and no more of them are read than are asked for.
            let is_lazy = !plan.contains("TEMP B-TREE") && !plan.contains("MATERIALIZE");
            assert!(is_lazy, "{filter}:\n{plan}");
            let order = if filter == of_task { "number<?" } else { "rowid<?" };
            assert_eq!(plan.contains(order), after.is_some(), "{filter}:\n{plan}");
        }
    }
}
