//! Clocks that step forth and back, and servers that were away: no tick twice, and none is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use baton_client::proto::{OverlapPolicy, TickOutcome};
use baton_client::{NewSchedule, NewTask};

use super::{DAY, HOUR, advance, get, hourly, outcomes, server, tasks, tick, ticks_of};

/// Every hour from the first to the last, and no other.
fn assert_gapless(ticks: &BTreeSet<i64>) {
    let (first, last) = (*ticks.first().unwrap(), *ticks.last().unwrap());
    let all: BTreeSet<_> = (first..=last).step_by(3_600).collect();
    assert_eq!(*ticks, all);
}

#[tokio::test]
async fn a_clock_that_jumps_forward_is_made_up_for() {
    let server = server().await;
    hourly(&server, OverlapPolicy::AllowAll).await;
    advance(&server, HOUR * 20).await;
    let made = tasks(server.client()).await;
    assert_eq!(made.len(), 20);
    assert_gapless(&ticks_of(&made));
    server.finish().await;
}

#[tokio::test]
async fn what_is_later_than_the_window_is_missed_and_counted() {
    let server = server().await;
    let new = NewSchedule::every("hourly", HOUR, NewTask::new("work"))
        .overlap(OverlapPolicy::AllowAll)
        .catchup_window(HOUR * 5);
    server.client().create_schedule(new).await.unwrap();
    advance(&server, HOUR * 50).await;
    let schedule = get(&server).await;
    assert_eq!((schedule.fired_count, schedule.missed_count), (5, 45));
    assert_eq!(ticks_of(&tasks(server.client()).await).len(), 5);
    assert_eq!(outcomes(&schedule)[5..], [TickOutcome::Missed; 5]);
    // Ten years of them are no work.
    advance(&server, Duration::from_secs(3_650 * DAY.unsigned_abs())).await;
    let schedule = get(&server).await;
    assert_eq!((schedule.fired_count, schedule.missed_count), (10, 1_045));
    server.finish().await;
}

/// A restart forgets what test mode has added to the clock: it steps back by hours.
#[tokio::test]
async fn a_clock_that_steps_back_and_forth_repeats_nothing_and_loses_nothing() {
    let mut server = server().await;
    hourly(&server, OverlapPolicy::AllowAll).await;
    let mut made = 0;
    for (hours, more) in [(5, 5), (3, 0), (7, 2), (0, 0), (12, 5)] {
        if hours > 0 {
            advance(&server, HOUR * hours).await;
        }
        made += more;
        let tasks = tasks(server.client()).await;
        assert_eq!(tasks.len(), made, "after {hours} hours");
        assert_gapless(&ticks_of(&tasks));
        server.restart().await;
    }
    assert_eq!(get(&server).await.fired_count, 12);
    server.finish().await;
}

#[tokio::test]
async fn a_schedule_goes_on_where_it_was_after_a_restart() {
    let mut server = server().await;
    hourly(&server, OverlapPolicy::Skip).await;
    let before = tick(&server).await;
    server.restart().await;
    assert_eq!(get(&server).await, before);
    server.client().pause_schedule("hourly").await.unwrap();
    server.restart().await;
    advance(&server, HOUR * 9).await;
    assert_eq!(get(&server).await.next_time, None);
    assert_eq!(tasks(server.client()).await.len(), 1);
    server.finish().await;
}

#[tokio::test]
async fn ticks_end_where_they_are_to_end() {
    let server = server().await;
    let info = server.client().server_info().await.unwrap();
    let end = prost_types::Timestamp {
        seconds: info.time.unwrap().seconds + 3 * 3_600,
        nanos: 0,
    };
    let new = NewSchedule::every("hourly", HOUR, NewTask::new("work"))
        .overlap(OverlapPolicy::AllowAll)
        .with(|schedule| schedule.end_time = Some(end));
    server.client().create_schedule(new).await.unwrap();
    advance(&server, HOUR * 10).await;
    let schedule = get(&server).await;
    assert_eq!((schedule.next_time, schedule.fired_count), (None, 3));
    server.finish().await;
}
