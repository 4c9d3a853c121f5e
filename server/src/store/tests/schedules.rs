//! Schedules: written and read back, found when they are due, guarded by their revision.

use std::sync::Arc;

use baton_domain::schedule::{Cron, NewSchedule, OverlapPolicy, TickRecord, Timing, Zone};
use baton_domain::schedule::{Tick, TickCounts, TickOutcome};
use baton_domain::{NewTask, Schedule, ScheduleId, ScheduleSpec, Span, TaskId, Timestamp};
use uuid::Uuid;

use super::fixture::{Fixture, NOW, human, new_task};
use super::maximal::maximal;
use super::sqlite_plans::{assert_sound, explain, watched};
use crate::store::plan::Part;
use crate::store::rows::SCHEDULE;
use crate::store::{CommitError, WriteBatch};

const MINUTE: Span = Span::from_secs(60);

/// What stands with a template has no id, no namespace and no hash.
fn template(task: NewTask) -> Box<NewTask> {
    Box::new(NewTask {
        id: TaskId(Uuid::nil()),
        namespace: String::new(),
        spec_hash: [0; 32],
        ..task
    })
}

fn schedule(id: u128, name: &str) -> Schedule {
    let new = NewSchedule {
        id: ScheduleId(Uuid::from_u128(id)),
        namespace: "default".to_owned(),
        name: name.to_owned(),
        spec: ScheduleSpec {
            description: String::new(),
            timing: Timing::Interval {
                every: MINUTE,
                phase: Span::from_secs(3),
            },
            zone: Zone::utc(),
            start_time: None,
            end_time: None,
            jitter: Span::ZERO,
            overlap: OverlapPolicy::Skip,
            catchup: Span::from_secs(3_600),
        },
        template: template(new_task(TaskId(Uuid::nil()))),
        paused: false,
        note: String::new(),
        creator: human(),
    };
    Schedule::create(new, NOW)
}

/// A schedule that fills every field.
fn full() -> Schedule {
    let task = maximal(TaskId(Uuid::nil()));
    let id = |n| TaskId(Uuid::from_u128(n));
    Schedule {
        spec: ScheduleSpec {
            description: task.description.clone(),
            timing: Timing::Cron(Cron::parse("0 30 2 * * MON-FRI").unwrap()),
            zone: Zone::named("Europe/Berlin").unwrap(),
            start_time: Some(Timestamp::from_micros(-5)),
            end_time: Some(Timestamp::from_micros(i64::MAX)),
            jitter: Span::from_micros(7),
            overlap: OverlapPolicy::BufferAll,
            catchup: Span::from_micros(8),
        },
        template: template(NewTask {
            function: task.function,
            description: task.description,
            input: task.input,
            metadata: task.metadata,
            assignee: task.assignee,
            retry_policy: task.retry_policy,
            timeouts: task.timeouts,
            verification: task.verification,
            verification_grace: task.verification_grace,
            labels: task.labels,
            ..new_task(id(0))
        }),
        paused: true,
        note: task.title,
        update_time: NOW.plus(MINUTE),
        edit_revision: 4,
        revision: 9,
        next: Some(Tick {
            time: NOW,
            fire_time: NOW.plus(Span::from_micros(7)),
        }),
        waiting: vec![NOW, NOW.plus(MINUTE)],
        running: vec![id(5), id(6)],
        recent: vec![
            TickRecord {
                tick: NOW,
                outcome: TickOutcome::Fired,
                task_id: Some(id(5)),
                time: NOW.plus(MINUTE),
            },
            TickRecord {
                tick: NOW,
                outcome: TickOutcome::Missed,
                task_id: None,
                time: NOW,
            },
        ],
        counts: TickCounts {
            fired: 10,
            skipped: 11,
            missed: 12,
        },
        ..schedule(2, "nightly.full-1")
    }
}

fn added(schedules: &[Schedule]) -> WriteBatch {
    WriteBatch {
        schedules_added: schedules.iter().cloned().map(Arc::new).collect(),
        ..WriteBatch::default()
    }
}

fn updated(before: &Schedule, now: Schedule) -> WriteBatch {
    WriteBatch {
        schedules_updated: vec![(Arc::new(before.clone()), Arc::new(now))],
        ..WriteBatch::default()
    }
}

#[tokio::test]
async fn a_schedule_is_read_as_it_was_written() {
    let mut fixture = Fixture::new().await;
    let all = [schedule(1, "a"), full()];
    fixture.writer.commit(&added(&all)).await.unwrap();
    for written in &all {
        let read = fixture.store.schedule("default", &written.name).await.unwrap();
        assert_eq!(read.as_ref(), Some(written));
    }
    assert_eq!(fixture.store.schedule("other", "a").await.unwrap(), None);
    let ids: Vec<_> = all.iter().map(|schedule| schedule.id).collect();
    let mut read = fixture.store.schedules(&ids).await.unwrap();
    read.sort_by_key(|schedule| schedule.id);
    assert_eq!(read, all);
    // Changed in every field, and after the file was opened again.
    let changed = Schedule {
        revision: 2,
        id: all[0].id,
        name: "a".to_owned(),
        ..full()
    };
    fixture
        .writer
        .commit(&updated(&all[0], changed.clone()))
        .await
        .unwrap();
    let (_database, opened) = fixture.reopen().await;
    let read = opened.store.schedule("default", "a").await.unwrap();
    assert_eq!(read, Some(changed));
}

#[tokio::test]
async fn a_row_that_moved_on_is_not_written_over() {
    let mut fixture = Fixture::new().await;
    let before = schedule(1, "a");
    fixture
        .writer
        .commit(&added(std::slice::from_ref(&before)))
        .await
        .unwrap();
    let next = Schedule {
        revision: 2,
        ..before.clone()
    };
    fixture
        .writer
        .commit(&updated(&before, next.clone()))
        .await
        .unwrap();
    let again = fixture.writer.commit(&updated(&before, next)).await;
    assert!(matches!(again, Err(CommitError::Failed(_))), "{again:?}");
    let gone = WriteBatch {
        schedules_removed: vec![Arc::new(schedule(3, "b"))],
        ..WriteBatch::default()
    };
    assert!(fixture.writer.commit(&gone).await.is_err());
}

#[tokio::test]
async fn schedules_are_found_when_they_are_due_and_while_they_wait() {
    let mut fixture = Fixture::new().await;
    let (early, mut late, mut waits, mut rests) = (
        schedule(1, "a"),
        schedule(2, "b"),
        schedule(3, "c"),
        schedule(4, "d"),
    );
    let time = NOW.plus(Span::from_secs(100));
    late.next = Some(Tick {
        time,
        fire_time: time,
    });
    (waits.next, waits.waiting) = (None, vec![NOW]);
    // One that is paused rests, whatever waits.
    (rests.paused, rests.next, rests.waiting) = (true, None, vec![NOW]);
    let all = [early.clone(), late.clone(), waits.clone(), rests];
    fixture.writer.commit(&added(&all)).await.unwrap();
    let store = &fixture.store;
    let first = early.next.unwrap().fire_time;
    assert_eq!(store.next_schedule_time().await.unwrap(), Some(first));
    let due = |until| store.due_schedules(until, 10);
    assert_eq!(due(first.minus(Span::from_micros(1))).await.unwrap(), []);
    assert_eq!(due(first).await.unwrap(), [early.id]);
    assert_eq!(
        due(NOW.plus(Span::from_secs(100))).await.unwrap(),
        [early.id, late.id]
    );
    assert_eq!(store.waiting_schedules(None, 10).await.unwrap(), [waits.id]);
    assert_eq!(store.waiting_schedules(Some(waits.id), 10).await.unwrap(), []);
    let names = |schedules: Vec<Schedule>| schedules.into_iter().map(|s| s.name).collect::<Vec<_>>();
    let page = |after| store.list_schedules("default", after, 2);
    assert_eq!(names(page("").await.unwrap()), ["a", "b"]);
    assert_eq!(names(page("b").await.unwrap()), ["c", "d"]);
    assert_eq!(
        names(store.all_schedules(Some(late.id), 10).await.unwrap()),
        ["c", "d"]
    );
    // A name may be given again in the batch that frees it.
    let again = WriteBatch {
        schedules_removed: vec![Arc::new(early.clone())],
        schedules_added: vec![Arc::new(schedule(9, "a"))],
        ..WriteBatch::default()
    };
    fixture.writer.commit(&again).await.unwrap();
    let found = fixture.store.schedule("default", "a").await.unwrap().unwrap();
    assert_eq!(found.id, ScheduleId(Uuid::from_u128(9)));
}

#[tokio::test]
async fn schedules_are_found_by_their_indexes_of_sqlite() {
    let mut watched = watched().await;
    let store = watched.store.clone();
    store.schedule("default", "a").await.unwrap();
    watched
        .assert_uses("by name", &["schedule_by_name (namespace=? AND name=?)"])
        .await;
    store.schedules(&[ScheduleId(Uuid::nil())]).await.unwrap();
    watched
        .assert_uses("by id", &["sqlite_autoindex_schedule_1 (id=?)"])
        .await;
    store.list_schedules("default", "a", 5).await.unwrap();
    watched
        .assert_uses("list", &["schedule_by_name (namespace=? AND name>?)"])
        .await;
    store.due_schedules(NOW, 5).await.unwrap();
    watched.assert_uses("due", &["schedule_due (next_time<?)"]).await;
    store.next_schedule_time().await.unwrap();
    watched.assert_uses("next", &["schedule_due"]).await;
    store.waiting_schedules(None, 5).await.unwrap();
    watched.assert_uses("waiting", &["schedule_waiting"]).await;
    let all = (1 << SCHEDULE.columns().count()) - 1;
    let by_id = "sqlite_autoindex_schedule_1 (id=?)";
    for (part, expected) in [
        (Part::AddSchedules, "VIRTUAL TABLE"),
        (Part::UpdateSchedules(all), by_id),
        (Part::RemoveSchedules, by_id),
    ] {
        let text = part.text(crate::store::dialect::Dialect::Sqlite);
        let statement = text.split_inclusive(';').next().unwrap();
        let plan = explain(&mut watched.shell, statement).await;
        assert_sound(&format!("{part:?}"), &plan);
        assert!(plan.contains(expected), "{part:?}: {expected} is not in\n{plan}");
    }
}
