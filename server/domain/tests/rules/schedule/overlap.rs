//! What a tick does while the task of one before is open, and one that comes late.

use baton_domain::schedule::{OverlapPolicy, RUNNING, TickOutcome, WAITING, tick_task_id};
use baton_domain::{Schedule, ScheduleSpec, Span};
use uuid::Uuid;

use super::{ALL_OPEN, HOUR, MINUTE, NINE, NONE_OPEN, every, minutes, schedule, turn};
use crate::support::id;

/// A schedule of every minute whose first tick has made its task.
fn with_one_running(overlap: OverlapPolicy) -> Schedule {
    let schedule = schedule(ScheduleSpec {
        overlap,
        ..every(MINUTE)
    });
    let first = turn(&schedule, NINE.plus(MINUTE), ALL_OPEN);
    assert_eq!((minutes(&first), first.schedule.running.len()), (vec![1], 1));
    first.schedule
}

fn after(minutes: i64) -> baton_domain::Timestamp {
    NINE.plus(Span::from_secs(60 * minutes))
}

#[test]
fn nothing_happens_before_the_first_tick_and_each_tick_happens_once() {
    let schedule = schedule(every(MINUTE));
    assert_eq!(schedule.turn(NINE, 100, ALL_OPEN), None);
    assert_eq!(schedule.turn(NINE.plus(Span::from_secs(59)), 100, ALL_OPEN), None);
    let first = turn(&schedule, after(1), NONE_OPEN);
    assert_eq!(minutes(&first), [1]);
    assert_eq!(first.schedule.turn(after(1), 100, NONE_OPEN), None);
    // A clock that steps back and forth again brings no tick twice, and loses none.
    assert_eq!(first.schedule.turn(NINE, 100, NONE_OPEN), None);
    let second = turn(&first.schedule, after(2), NONE_OPEN);
    assert_eq!(minutes(&second), [2]);
}

#[test]
fn skip_passes_over_ticks_while_a_task_is_open() {
    let busy = with_one_running(OverlapPolicy::Skip);
    let skipped = turn(&busy, after(3), ALL_OPEN);
    assert_eq!((minutes(&skipped), skipped.skipped), (vec![], 2));
    let outcomes: Vec<_> = skipped
        .schedule
        .recent
        .iter()
        .map(|record| record.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [TickOutcome::Fired, TickOutcome::Skipped, TickOutcome::Skipped]
    );
    // What was passed over stays so, though the task settles.
    let free = turn(&skipped.schedule, after(4), NONE_OPEN);
    assert_eq!(minutes(&free), [4]);
}

#[test]
fn buffer_one_keeps_the_first_that_waits() {
    let busy = with_one_running(OverlapPolicy::BufferOne);
    let waiting = turn(&busy, after(4), ALL_OPEN);
    assert_eq!((minutes(&waiting), waiting.skipped), (vec![], 2));
    assert_eq!(waiting.schedule.waiting, [after(2)]);
    assert_eq!(waiting.schedule.turn(after(4), 100, ALL_OPEN), None);
    let free = turn(&waiting.schedule, after(4), NONE_OPEN);
    assert_eq!(
        (minutes(&free), free.schedule.waiting.len(), free.fired[0].late),
        (vec![2], 0, Span::ZERO)
    );
}

#[test]
fn buffer_all_makes_them_one_after_the_other() {
    let busy = with_one_running(OverlapPolicy::BufferAll);
    let waiting = turn(&busy, after(4), ALL_OPEN);
    assert_eq!(waiting.schedule.waiting, [after(2), after(3), after(4)]);
    let mut schedule = waiting.schedule;
    for expected in [2, 3, 4] {
        let free = turn(&schedule, after(4), NONE_OPEN);
        assert_eq!(minutes(&free), [expected]);
        schedule = free.schedule;
    }
    assert_eq!(schedule.turn(after(4), 100, NONE_OPEN), None);
}

#[test]
fn no_more_wait_than_may() {
    let mut busy = with_one_running(OverlapPolicy::BufferAll);
    let minutes = i64::try_from(WAITING).unwrap() + 50;
    while let Some(turn) = busy.turn(after(minutes), 100, ALL_OPEN) {
        busy = turn.schedule;
    }
    assert_eq!((busy.waiting.len(), busy.counts.skipped), (WAITING, 49));
}

#[test]
fn cancel_other_takes_the_place_of_the_open_one() {
    let busy = with_one_running(OverlapPolicy::CancelOther);
    let open = busy.running.clone();
    let next = turn(&busy, after(3), ALL_OPEN);
    // Two are due: only the last would outlive this turn.
    assert_eq!((minutes(&next), next.skipped), (vec![3], 1));
    assert_eq!(next.cancelled, open);
    assert_eq!(next.schedule.running, [next.fired[0].task_id]);
}

#[test]
fn allow_all_makes_every_task_and_watches_the_newest() {
    let mut schedule = with_one_running(OverlapPolicy::AllowAll);
    let mut made = 1;
    while let Some(turn) = schedule.turn(after(40), 7, ALL_OPEN) {
        assert!(turn.fired.len() <= 7);
        made += turn.fired.len();
        schedule = turn.schedule;
    }
    assert_eq!((made, schedule.running.len()), (40, RUNNING));
    assert_eq!(schedule.counts.fired, 40);
}

#[test]
fn ticks_later_than_the_window_are_not_made_up_for() {
    let spec = ScheduleSpec {
        overlap: OverlapPolicy::AllowAll,
        catchup: Span::from_secs(150),
        ..every(MINUTE)
    };
    let late = turn(&schedule(spec), after(10), ALL_OPEN);
    assert_eq!((minutes(&late), late.missed), (vec![8, 9, 10], 7));
    assert_eq!(late.fired[0].late, Span::from_secs(120));
    assert_eq!(late.schedule.counts.missed, 7);
    // Once it is behind, the next tick is the one after now.
    assert_eq!(late.schedule.next.map(|tick| tick.time), Some(after(11)));
}

#[test]
fn years_of_missed_ticks_are_passed_over_at_once() {
    let spec = ScheduleSpec {
        catchup: MINUTE,
        jitter: Span::from_millis(900),
        ..every(Span::from_secs(1))
    };
    let now = NINE.plus(Span::from_secs(10 * 365 * 86_400));
    let late = schedule(spec).turn(now, 100, NONE_OPEN).expect("some are due");
    assert!(late.missed <= 1_002, "{}", late.missed);
    assert!(!late.fired.is_empty());
}

#[test]
fn jitter_puts_ticks_off_by_shares_of_their_own_and_keeps_their_order() {
    let spec = ScheduleSpec {
        jitter: MINUTE,
        ..every(MINUTE)
    };
    let schedule = schedule(spec.clone());
    let ticks: Vec<_> = std::iter::successors(schedule.next, |tick| spec.tick_after(schedule.id, tick.time))
        .take(500)
        .collect();
    let shares: Vec<_> = ticks.iter().map(|tick| tick.fire_time.since(tick.time)).collect();
    assert!(shares.iter().all(|share| *share <= MINUTE));
    let distinct: std::collections::HashSet<_> = shares.iter().collect();
    assert!(distinct.len() > 490, "{} shares", distinct.len());
    let mean = shares.iter().map(|share| share.as_micros()).sum::<i64>() / 500;
    assert!((25_000_000..35_000_000).contains(&mean), "{mean}");
    // Not before its time; and another schedule has other shares.
    let first = ticks[0];
    assert_eq!(
        schedule.turn(first.fire_time.minus(Span::from_micros(1)), 1, ALL_OPEN),
        None
    );
    let other = spec.tick_after(baton_domain::ScheduleId(Uuid::from_u128(8)), NINE);
    assert_ne!(other.map(|tick| tick.fire_time), Some(first.fire_time));
}

#[test]
fn a_paused_schedule_rests_and_goes_on_after_now() {
    let busy = with_one_running(OverlapPolicy::BufferOne);
    let waiting = turn(&busy, after(2), ALL_OPEN).schedule;
    let paused = waiting.pause("holiday".to_owned(), after(2));
    assert_eq!(
        (paused.next, paused.turn(after(50), 100, NONE_OPEN)),
        (None, None)
    );
    let resumed = paused.resume(String::new(), after(50));
    assert_eq!(resumed.next.map(|tick| tick.time), Some(after(51)));
    // What waited still does; what came meanwhile is not made up for.
    assert_eq!(minutes(&turn(&resumed, after(50), NONE_OPEN)), [2]);
    assert_eq!(resumed.edit_revision, busy.edit_revision + 2);
}

#[test]
fn a_task_by_hand_counts_as_running_and_moves_no_tick() {
    let idle = schedule(every(MINUTE));
    let triggered = idle.trigger(id(5), NINE);
    assert_eq!((triggered.next, triggered.edit_revision), (idle.next, 1));
    assert_eq!(triggered.recent[0].outcome, TickOutcome::Triggered);
    assert_eq!(turn(&triggered, after(1), ALL_OPEN).skipped, 1);
}

#[test]
fn start_and_end_bound_the_ticks() {
    let spec = ScheduleSpec {
        start_time: Some(after(120)),
        end_time: Some(after(240)),
        ..every(HOUR)
    };
    let mut schedule = schedule(spec);
    let mut fired = Vec::new();
    while let Some(tick) = schedule.next {
        let turn = turn(&schedule, tick.fire_time, NONE_OPEN);
        fired.extend(minutes(&turn));
        schedule = turn.schedule;
    }
    assert_eq!(fired, [120, 180, 240]);
}

#[test]
fn the_task_of_a_tick_is_always_the_same_and_says_where_it_comes_from() {
    let schedule = schedule(every(MINUTE));
    let first = tick_task_id(schedule.id, after(1));
    assert_eq!(first, tick_task_id(schedule.id, after(1)));
    assert!(first < tick_task_id(schedule.id, after(2)));
    assert_eq!(first.0.get_version_num(), 7);
    let task = schedule.task(first, Some(after(1)));
    let label = |key: &str| task.labels.get(key).map(String::as_str);
    assert_eq!(label("baton.schedule"), Some("nightly"));
    assert_eq!(label("baton.tick"), Some("2026-11-22T09:01:00Z"));
    assert_eq!(
        (task.id, task.task_type.as_str(), task.namespace.as_str()),
        (first, schedule.template.task_type.as_str(), "default")
    );
}
