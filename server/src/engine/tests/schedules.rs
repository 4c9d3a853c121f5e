//! Ticks in batches: what one batch makes is bounded, and nothing that others do makes a tick twice or loses it.

use std::time::Duration;

use baton_domain::schedule::{
    CATCHUP_DEFAULT, NewSchedule, OverlapPolicy, ScheduleSpec, TickOutcome, Timing, Zone, tick_task_id,
};
use baton_domain::{Payload, PayloadKind, Schedule, ScheduleId, Span};
use bytes::Bytes;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

impl Bench {
    fn new_schedule(&self, name: &str, overlap: OverlapPolicy) -> NewSchedule {
        NewSchedule {
            id: ScheduleId(self.engine.ids().uuid_v7(self.engine.clock().now_micros())),
            namespace: "default".to_owned(),
            name: name.to_owned(),
            spec: ScheduleSpec {
                description: String::new(),
                timing: Timing::Interval {
                    every: Span::from_secs(3_600),
                    phase: Span::ZERO,
                },
                zone: Zone::utc(),
                start_time: None,
                end_time: None,
                jitter: Span::ZERO,
                overlap,
                catchup: CATCHUP_DEFAULT,
            },
            template: self.new_task("of a schedule"),
            paused: false,
            note: String::new(),
            creator: Actor::anonymous(),
        }
    }

    async fn change(&self, name: &str, action: ScheduleAction) -> Result<ScheduleDone, Error> {
        let change = ScheduleChange {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            etag: None,
            action,
        };
        self.engine.change_schedule(change, None).await
    }

    async fn schedule(&self, new: NewSchedule) -> Arc<Schedule> {
        let name = new.name.clone();
        let done = self.change(&name, ScheduleAction::Create(Box::new(new))).await;
        done.expect("created").schedule.expect("it is there")
    }

    async fn schedule_of(&self, name: &str) -> Schedule {
        let found = self.engine.store().schedule("default", name).await;
        found.expect("the store reads").expect("it is there")
    }

    /// Lets all that is due act together, and what is left of it, until nothing is.
    async fn catch_up(&self) {
        let now = || Timestamp::from_micros(self.engine.clock().now_micros());
        loop {
            let due = self.engine.store().due_schedules(now(), 100).await;
            let due = due.expect("the store reads");
            if due.is_empty() {
                return;
            }
            let turns = due.into_iter().map(|id| self.engine.turn(id));
            futures::future::try_join_all(turns).await.expect("all act");
        }
    }

    fn hours_pass(&self, hours: u32) {
        self.engine.clock().advance(HOUR * hours);
    }
}

/// Nobody can know the id; and were it guessed, the tick is acted on all the same.
#[tokio::test]
async fn a_task_that_has_the_id_of_a_tick_stands_for_it() {
    let bench = Bench::new().await;
    let schedule = bench
        .schedule(bench.new_schedule("a", OverlapPolicy::AllowAll))
        .await;
    let next = schedule.next.expect("it ticks");
    let mut new = bench.new_task("guessed");
    new.id = tick_task_id(schedule.id, next.time);
    let guessed = bench.create(new).await.expect("created");
    bench.hours_pass(2);
    bench.catch_up().await;
    let after = bench.schedule_of("a").await;
    assert_eq!((after.counts.fired, after.recent.len()), (2, 2));
    assert_eq!(after.recent[0].task_id, Some(guessed.task.id));
    let task = bench.engine.store().task(guessed.task.id).await;
    let task = task.expect("the store reads").expect("it is there");
    assert_eq!((task.title.as_str(), task.revision), ("guessed", 2));
    bench.finish().await;
}

/// Each fills a quarter of a batch: what does not fit stays due, and is the next batch's.
#[tokio::test]
async fn large_tasks_of_many_schedules_come_batch_by_batch() {
    const COUNT: usize = 12;
    let bench = Bench::new().await;
    for number in 0..COUNT {
        let mut new = bench.new_schedule(&format!("s{number}"), OverlapPolicy::AllowAll);
        let body = Bytes::from(vec![b'1'; 1 << 20]);
        new.template.input = Some(Payload {
            kind: PayloadKind::JsonText,
            media_type: String::new(),
            version: 0,
            size: 1 << 20,
            sha256: [7; 32],
            body: Some(body),
        });
        bench.schedule(new).await;
    }
    bench.hours_pass(2);
    bench.catch_up().await;
    for number in 0..COUNT {
        let after = bench.schedule_of(&format!("s{number}")).await;
        let outcomes: Vec<_> = after.recent.iter().map(|record| record.outcome).collect();
        assert_eq!(outcomes, [TickOutcome::Fired; 2], "{number}");
    }
    bench.finish().await;
}

/// Whichever comes first in its batch, the other is decided on what it left.
#[tokio::test]
async fn a_turn_and_an_edit_at_once_lose_nothing_of_each_other() {
    let bench = Bench::new().await;
    let schedule = bench
        .schedule(bench.new_schedule("a", OverlapPolicy::AllowAll))
        .await;
    bench.hours_pass(1);
    let pause = ScheduleAction::Pause {
        note: "stop".to_owned(),
    };
    let trigger = ScheduleAction::Trigger {
        task_id: TaskId(bench.engine.ids().uuid_v7(0)),
        creator: Actor::anonymous(),
    };
    let (turned, again, triggered, paused) = tokio::join!(
        bench.engine.turn(schedule.id),
        bench.engine.turn(schedule.id),
        bench.change("a", trigger),
        bench.change("a", pause),
    );
    turned.and(again).expect("both are answered");
    assert!(triggered.expect("triggered").task.is_some());
    paused.expect("paused");
    let after = bench.schedule_of("a").await;
    assert_eq!((after.paused, after.next, after.counts.fired), (true, None, 2));
    // The row is written once for each batch that changes it.
    assert!(after.revision > 1 && after.edit_revision == 2);
    bench.engine.turn(schedule.id).await.expect("nothing is due");
    assert_eq!(bench.schedule_of("a").await, after);
    bench.finish().await;
}

#[tokio::test]
async fn a_schedule_that_is_gone_has_no_turn_and_its_name_is_free() {
    let bench = Bench::new().await;
    let schedule = bench
        .schedule(bench.new_schedule("a", OverlapPolicy::AllowAll))
        .await;
    bench.change("a", ScheduleAction::Delete).await.expect("deleted");
    bench.hours_pass(1);
    bench.engine.turn(schedule.id).await.expect("nothing to do");
    let refused = bench.change("a", ScheduleAction::Delete).await;
    assert!(
        matches!(refused, Err(Error::ScheduleNotFound { .. })),
        "{refused:?}"
    );
    let other = bench
        .schedule(bench.new_schedule("a", OverlapPolicy::AllowAll))
        .await;
    assert_ne!(other.id, schedule.id);
    let refused = bench
        .change(
            "a",
            ScheduleAction::Create(Box::new(bench.new_schedule("a", OverlapPolicy::Skip))),
        )
        .await;
    assert!(
        matches!(refused, Err(Error::ScheduleExists { .. })),
        "{refused:?}"
    );
    bench.finish().await;
}
