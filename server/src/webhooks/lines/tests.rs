use baton_domain::{Actor, Detail, Event, Labels, State, Timestamp, reason};
use uuid::Uuid;

use super::*;

const SECOND: i64 = 1_000_000;

fn task(number: u128) -> TaskId {
    TaskId(Uuid::from_u128(number))
}

fn event(number: u128, position: i64) -> Arc<Logged> {
    Arc::new(Logged::new(Arc::new(Event {
        task_id: task(number),
        namespace: "default".to_owned(),
        sequence: position,
        position,
        kind: baton_domain::EventType::Comment,
        time: Timestamp::from_micros(position),
        actor: Actor::anonymous(),
        message: String::new(),
        from_state: Some(State::Queued),
        to_state: State::Queued,
        state_reason: reason::READY,
        attempt: 1,
        fence: 0,
        queue: "default".to_owned(),
        task_type: "report".to_owned(),
        labels: Labels::default(),
        imported: false,
        detail: Detail::None,
    })))
}

/// Two events of each of `tasks`, at positions from 1.
fn lines(tasks: u128) -> Lines {
    let mut lines = Lines::new(0);
    for round in 0..2 {
        for number in 0..tasks {
            let position = i64::try_from(round * tasks + number + 1).expect("few");
            lines.push(event(number, position));
            lines.read_through(position);
        }
    }
    lines
}

fn next(lines: &mut Lines, now: i64) -> Option<(i64, bool)> {
    let next = lines.next(now)?;
    Some((next.event.position, next.probes))
}

fn failed(number: u128, probed: bool) -> Failed {
    Failed {
        task: task(number),
        probed,
        most_tries: 3,
        retry_after: None,
    }
}

#[test]
fn events_of_a_task_go_one_by_one_and_those_of_others_beside_them() {
    let mut lines = lines(2);
    assert_eq!(next(&mut lines, 0), Some((1, false)));
    assert_eq!(next(&mut lines, 0), Some((2, false)));
    assert_eq!(next(&mut lines, 0), None, "the third waits for the first");
    assert_eq!(lines.position(), 0);
    lines.deliver(task(1));
    assert_eq!(lines.position(), 0, "the first is still under way");
    assert_eq!(next(&mut lines, 0), Some((4, false)));
    lines.deliver(task(0));
    assert_eq!(lines.position(), 2);
    assert_eq!(next(&mut lines, 0), Some((3, false)));
    lines.deliver(task(0));
    lines.deliver(task(1));
    assert_eq!((lines.position(), lines.room()), (4, WINDOW));
    lines.read_through(9);
    assert_eq!((lines.position(), lines.wake()), (9, None));
}

#[test]
fn no_more_than_sixteen_are_under_way() {
    let mut lines = lines(40);
    let mut under_way = 0;
    while next(&mut lines, 0).is_some() {
        under_way += 1;
    }
    assert_eq!((under_way, lines.wake()), (FLYING, None));
}

#[test]
fn while_nothing_is_taken_one_event_is_tried_and_then_another() {
    let mut lines = lines(3);
    for _ in 0..3 {
        assert!(next(&mut lines, 0).is_some_and(|(_, probes)| !probes));
    }
    // All that was under way together counts as one failure.
    for number in 0..3 {
        assert!(lines.fail(&failed(number, false), 0, 0.5).is_none());
    }
    assert_eq!((next(&mut lines, 0), lines.wake()), (None, Some(SECOND)));
    assert_eq!(next(&mut lines, SECOND), Some((1, true)));
    assert_eq!(
        (next(&mut lines, SECOND), lines.wake()),
        (None, None),
        "one at a time"
    );
    assert!(lines.fail(&failed(0, true), SECOND, 0.5).is_none());
    assert_eq!(lines.wake(), Some(3 * SECOND), "twice as long");
    let probe = next(&mut lines, 3 * SECOND);
    assert_eq!(probe, Some((2, true)), "what was tried least");
    lines.deliver(task(1));
    assert_eq!(next(&mut lines, 3 * SECOND), Some((5, false)), "all go again");
    assert_eq!(next(&mut lines, 3 * SECOND), Some((3, false)));
    assert_eq!(next(&mut lines, 3 * SECOND), Some((1, false)));
}

#[test]
fn an_event_that_is_never_taken_is_given_up_and_the_next_of_its_task_goes_on() {
    let mut lines = lines(1);
    let mut now = 0;
    for tries in 1..=3 {
        now = lines.wake().expect("it waits").max(now);
        assert!(next(&mut lines, now).is_some_and(|(position, _)| position == 1));
        let given_up = lines.fail(&failed(0, tries > 1), now, 0.5);
        assert_eq!(given_up.map(|event| event.position), (tries == 3).then_some(1));
    }
    assert_eq!(lines.position(), 1);
    let now = lines.wake().expect("the other side is waited for");
    assert_eq!(next(&mut lines, now), Some((2, true)));
}

#[test]
fn the_other_side_may_ask_for_a_longer_wait() {
    let mut lines = lines(2);
    next(&mut lines, 0);
    let asked = Failed {
        retry_after: Some(Duration::from_secs(60)),
        ..failed(0, false)
    };
    lines.fail(&asked, 0, 0.5);
    assert_eq!(lines.wake(), Some(60 * SECOND));
}

#[test]
fn waits_double_up_to_five_minutes_give_or_take_a_quarter() {
    assert_eq!(
        (wait(1, 0.5), wait(2, 0.5), wait(9, 0.5)),
        (SECOND, 2 * SECOND, 256 * SECOND)
    );
    assert_eq!((wait(1, 0.0), wait(1, 1.0)), (SECOND * 3 / 4, SECOND * 5 / 4));
    for failures in [10, 40, u32::MAX] {
        assert_eq!(
            (wait(failures, 0.5), wait(failures, 1.0)),
            (300 * SECOND, 300 * SECOND)
        );
    }
}
