//! Edits.

use baton_domain::schedule::{Cron, ScheduleEdit, Timing};
use baton_domain::{Rejection, ScheduleSpec, Span, Timestamp};

use super::{HOUR, MINUTE, NINE, cron, every, schedule};

fn now() -> Timestamp {
    NINE.plus(Span::from_secs(30))
}

fn refused(spec: ScheduleSpec, edit: ScheduleEdit) -> &'static str {
    match schedule(spec).edit(edit, now()) {
        Err(Rejection::InvalidField { field, .. }) => field,
        other => panic!("was to be refused: {other:?}"),
    }
}

#[test]
fn what_touches_the_ticks_counts_from_now_and_the_rest_leaves_them() {
    let before = schedule(every(MINUTE));
    let words = ScheduleEdit {
        description: Some("words".to_owned()),
        ..ScheduleEdit::default()
    };
    let after = before.edit(words, now()).unwrap();
    assert_eq!((after.next, after.edit_revision), (before.next, 2));
    let hourly = ScheduleEdit {
        interval: Some(HOUR),
        ..ScheduleEdit::default()
    };
    let after = before.edit(hourly, now()).unwrap();
    assert_eq!(after.next.map(|tick| tick.time), Some(NINE.plus(HOUR)));
    assert_eq!(after.update_time, now());
}

#[test]
fn one_timing_takes_the_place_of_the_other() {
    let to_cron = ScheduleEdit {
        cron: Some(Cron::parse("0 2 * * *").unwrap()),
        ..ScheduleEdit::default()
    };
    let after = schedule(every(HOUR)).edit(to_cron, now()).unwrap();
    assert_eq!(
        after.next.map(|tick| tick.time),
        Some(NINE.plus(Span::from_secs(17 * 3_600)))
    );
    let back = ScheduleEdit {
        interval: Some(HOUR),
        phase: Some(MINUTE),
        ..ScheduleEdit::default()
    };
    let after = after.edit(back, now()).unwrap();
    let timing = Timing::Interval {
        every: HOUR,
        phase: MINUTE,
    };
    assert_eq!(after.spec.timing, timing);
    assert_eq!(after.next.map(|tick| tick.time), Some(NINE.plus(MINUTE)));
}

#[test]
fn parts_that_do_not_go_together_are_refused() {
    let phase = |phase| ScheduleEdit {
        phase: Some(phase),
        ..ScheduleEdit::default()
    };
    assert_eq!(refused(every(MINUTE), phase(MINUTE)), "schedule.phase");
    assert_eq!(refused(cron("@daily", "UTC"), phase(MINUTE)), "schedule.phase");
    let jitter = ScheduleEdit {
        jitter: Some(HOUR),
        ..ScheduleEdit::default()
    };
    assert_eq!(refused(every(MINUTE), jitter), "schedule.jitter");
    let turned = ScheduleEdit {
        start_time: Some(Some(NINE)),
        end_time: Some(Some(NINE.minus(MINUTE))),
        ..ScheduleEdit::default()
    };
    assert_eq!(refused(every(MINUTE), turned), "schedule.end_time");
}

#[test]
fn a_paused_schedule_is_edited_and_stays_so() {
    let paused = schedule(every(MINUTE)).pause(String::new(), NINE);
    let hourly = ScheduleEdit {
        interval: Some(HOUR),
        ..ScheduleEdit::default()
    };
    let after = paused.edit(hourly, now()).unwrap();
    assert_eq!((after.paused, after.next), (true, None));
    let resumed = after.resume(String::new(), now());
    assert_eq!(resumed.next.map(|tick| tick.time), Some(NINE.plus(HOUR)));
}
