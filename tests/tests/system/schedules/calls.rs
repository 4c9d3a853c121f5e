//! Every call, and what a tick makes.

use std::time::Duration;

use baton_client::proto::{ActorType, OverlapPolicy, TaskPriority, TaskState, TickOutcome};
use baton_client::{Client, Error, NewSchedule, NewTask, Priority, Reason, Refusal, actor};
use futures::TryStreamExt;

use super::{HOUR, advance, get, hourly, outcomes, server, tasks, tick};

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => *refusal,
        other => panic!("was to be refused, but: {other:?}"),
    }
}

#[tokio::test]
async fn a_tick_makes_the_task_that_the_schedule_says() {
    let server = server().await;
    let client = server.client();
    let task = NewTask::new("work")
        .title("Hourly work")
        .queue("slow")
        .priority(Priority::High)
        .label("team", "finance")
        .input(&serde_json::json!({"pages": 3}))
        .unwrap();
    let new = NewSchedule::every("hourly", HOUR, task);
    let created = client
        .create_schedule(new)
        .actor(actor::human("ada"))
        .await
        .unwrap();
    assert_eq!(
        (created.name.as_str(), created.namespace.as_str()),
        ("hourly", "default")
    );
    assert_eq!(
        (created.overlap_policy(), created.fired_count),
        (OverlapPolicy::Skip, 0)
    );
    let made_by = created.creator.clone().unwrap();
    assert_eq!(made_by.id, "ada");
    let schedule = tick(&server).await;
    let [task] = tasks(client).await.try_into().unwrap();
    let task = client.get(&task.id).await.unwrap().task;
    assert_eq!(
        (task.state(), task.priority()),
        (TaskState::Queued, TaskPriority::High)
    );
    assert_eq!(
        (task.title.as_str(), task.queue.as_str()),
        ("Hourly work", "slow")
    );
    assert!(task.input.is_some());
    let by = task.creator.unwrap();
    assert_eq!((by.r#type(), by.id.as_str()), (ActorType::System, "baton"));
    assert_eq!(
        (
            task.labels["team"].as_str(),
            task.labels["baton.schedule"].as_str()
        ),
        ("finance", "hourly")
    );
    let last = &schedule.recent_ticks[0];
    assert_eq!(
        (last.outcome(), last.task_id.as_str()),
        (TickOutcome::Fired, task.id.as_str())
    );
    let named: jiff::Timestamp = task.labels["baton.tick"].parse().unwrap();
    assert_eq!(last.tick_time.unwrap().seconds, named.as_second());
    assert_eq!(named.as_second() % 3_600, 0);
    assert_eq!(
        (schedule.running_task_ids, schedule.fired_count),
        (vec![task.id], 1)
    );
    // What a tick does is no edit.
    assert_eq!(schedule.etag, created.etag);
    let found = client
        .list()
        .filter("labels.\"baton.schedule\" = \"hourly\"")
        .await
        .unwrap();
    assert_eq!(found.tasks.len(), 1);
    server.finish().await;
}

#[tokio::test]
async fn schedules_are_created_read_edited_and_deleted() {
    let server = server().await;
    let client = server.client();
    let first = hourly(&server, OverlapPolicy::Skip).await;
    let again = NewSchedule::cron("hourly", "@daily", NewTask::new("work"));
    let refusal = refused(client.create_schedule(again).await);
    assert_eq!(refusal.reason, Reason::ScheduleExists);
    for name in ["c", "a", "b"] {
        let new = NewSchedule::cron(name, "30 2 * * *", NewTask::new("work")).time_zone("europe/berlin");
        client.create_schedule(new).await.unwrap();
    }
    let page = client.list_schedules().page_size(3).await.unwrap();
    let names: Vec<_> = page
        .schedules
        .iter()
        .map(|schedule| schedule.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(page.schedules[0].time_zone, "Europe/Berlin");
    let all: Vec<_> = client
        .list_schedules()
        .page_size(3)
        .all()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 4);
    let edit = baton_client::proto::Schedule {
        name: "hourly".to_owned(),
        etag: first.etag.clone(),
        ..NewSchedule::every("hourly", HOUR * 2, NewTask::new("other")).into()
    };
    let edited = client.update_schedule(edit.clone(), ["interval"]).await.unwrap();
    assert_eq!(edited.task.as_ref().unwrap().r#type, "work");
    assert_ne!((&edited.etag, edited.next_time), (&first.etag, None));
    let refusal = refused(client.update_schedule(edit, ["interval"]).await);
    assert_eq!(refusal.reason, Reason::EtagMismatch);
    let refusal = refused(client.delete_schedule("hourly").etag(&first.etag).await);
    assert_eq!(refusal.reason, Reason::EtagMismatch);
    client.delete_schedule("hourly").etag(&edited.etag).await.unwrap();
    let refusal = refused(client.get_schedule("hourly").await);
    assert_eq!(refusal.reason, Reason::ScheduleNotFound);
    assert!(client.get_schedule("a").namespace("other").await.is_err());
    server.finish().await;
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let server = server().await;
    let client = server.client();
    let task = NewTask::new("te st").parent("0199d3a0-0000-7000-8000-000000000000");
    let new = NewSchedule::cron("Bad Name", "0 0 30 2 *", task)
        .time_zone("Mars/Olympus")
        .catchup_window(Duration::from_secs(1))
        .jitter(Duration::from_secs(100_000));
    let refusal = refused(client.create_schedule(new).await);
    let fields: Vec<_> = refusal.violations.iter().map(|v| v.field.as_str()).collect();
    for field in [
        "schedule.name",
        "schedule.cron",
        "schedule.time_zone",
        "schedule.catchup_window",
        "schedule.jitter",
        "schedule.task.type",
        "schedule.task.parent_id",
    ] {
        assert!(fields.contains(&field), "{field} is not in {fields:?}");
    }
    let often = NewSchedule::every("often", Duration::from_millis(999), NewTask::new("work"));
    let refusal = refused(client.create_schedule(often).await);
    assert_eq!(refusal.violations[0].field, "schedule.interval");
    server.finish().await;
}

#[tokio::test]
async fn a_paused_schedule_rests_and_is_triggered_all_the_same() {
    let server = server().await;
    let client = server.client();
    hourly(&server, OverlapPolicy::Skip).await;
    let paused = client.pause_schedule("hourly").note("holiday").await.unwrap();
    assert_eq!(
        (paused.paused, paused.next_time, paused.note.as_str()),
        (true, None, "holiday")
    );
    advance(&server, HOUR * 3).await;
    assert_eq!(tasks(client).await, []);
    let once = crate::support::id();
    let trigger = || {
        client
            .trigger_schedule("hourly")
            .request_id(&once)
            .actor(actor::human("ada"))
    };
    let triggered = trigger().await.unwrap();
    assert_eq!(triggered.task.creator.as_ref().unwrap().id, "ada");
    assert_eq!(outcomes(&triggered.schedule), [TickOutcome::Triggered]);
    let again = trigger().await.unwrap();
    assert!(again.replayed());
    assert_eq!(
        (again.task.id.as_str(), tasks(client).await.len()),
        (triggered.task.id.as_str(), 1)
    );
    let resumed = client.resume_schedule("hourly").await.unwrap();
    assert!(!resumed.paused && resumed.next_time.is_some());
    // The task by hand is open: the next tick passes.
    let schedule = tick(&server).await;
    assert_eq!(
        outcomes(&schedule),
        [TickOutcome::Skipped, TickOutcome::Triggered]
    );
    server.finish().await;
}

fn times(ticks: &[baton_client::proto::ScheduleTick]) -> Vec<String> {
    let shown = |tick: &baton_client::proto::ScheduleTick| {
        let seconds = tick.tick_time.unwrap().seconds;
        jiff::Timestamp::from_second(seconds).unwrap().to_string()
    };
    ticks.iter().map(shown).collect()
}

fn at(text: &str) -> prost_types::Timestamp {
    let time: jiff::Timestamp = text.parse().unwrap();
    prost_types::Timestamp {
        seconds: time.as_second(),
        nanos: 0,
    }
}

#[tokio::test]
async fn ticks_are_shown_before_they_come() {
    let server = server().await;
    let client = server.client();
    let berlin = NewSchedule::cron("", "30 2 * * *", NewTask::default()).time_zone("Europe/Berlin");
    let shown = client.preview_new_schedule(berlin).count(3);
    let shown = shown.after(at("2027-03-27T00:00:00Z")).await.unwrap();
    // On the 28th the clocks skip it.
    assert_eq!(
        times(&shown.ticks),
        [
            "2027-03-27T01:30:00Z",
            "2027-03-28T01:00:00Z",
            "2027-03-29T00:30:00Z"
        ]
    );
    assert_eq!(shown.words, "at 02:30 (Europe/Berlin)");
    let schedule = hourly(&server, OverlapPolicy::Skip).await;
    let known = client.preview_schedule("hourly").await.unwrap();
    assert_eq!((known.ticks.len(), known.words.as_str()), (10, "every hour"));
    assert_eq!(known.ticks[0].fire_time, schedule.next_time);
    assert_eq!(get(&server).await, schedule);
    let refusal = refused(client.preview_schedule("nobody").await);
    assert_eq!(refusal.reason, Reason::ScheduleNotFound);
    let refusal = refused(client.preview_schedule("").await);
    assert_eq!(refusal.violations[0].field, "name");
    server.finish().await;
}

/// Creates so many schedules that tick at one moment.
async fn many(client: &Client, count: usize) {
    let created = (0..count).map(|number| {
        let new = NewSchedule::cron(format!("s{number}"), "0 * * * *", NewTask::new("work"));
        async move { client.create_schedule(new).await.map(drop) }
    });
    futures::future::try_join_all(created).await.unwrap();
}

/// F36: what is due in one second is made, once each.
#[tokio::test]
async fn a_thousand_schedules_tick_at_one_moment() {
    const COUNT: usize = 1_000;
    let server = server().await;
    let client = server.client();
    many(client, COUNT).await;
    advance(&server, HOUR).await;
    let made = tasks(client).await;
    let schedules: std::collections::BTreeSet<_> =
        made.iter().map(|task| &task.labels["baton.schedule"]).collect();
    assert_eq!((made.len(), schedules.len()), (COUNT, COUNT));
    server.finish().await;
}
