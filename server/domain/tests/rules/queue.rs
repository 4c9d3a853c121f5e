//! What limits queues, by the clock alone; what an edit makes of them; whose policy counts.

use std::collections::BTreeMap;

use baton_domain::queue::{Bucket, Hold, KeyLimit, NewQueue, RateLimit, Usage, takes_place};
use baton_domain::{
    AttemptOutcome, Command, NewTask, Queue, QueueEdit, QueueId, QueueSpec, Rejection, RetryPolicy, Span,
    State, decide_under,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::support::{NOW, agent, cancel, failure, granted, held, leased, new_task, pause, task_in};

fn queue(spec: QueueSpec) -> Queue {
    let new = NewQueue {
        id: QueueId(Uuid::from_u128(7)),
        namespace: "default".to_owned(),
        name: "steps".to_owned(),
        spec,
        paused: false,
        note: String::new(),
        creator: agent("author"),
    };
    Queue::create(new, NOW)
}

fn rates() -> impl Strategy<Value = RateLimit> {
    (1_i32..200, 1_000_i64..5_000_000, 1_i32..20).prop_map(|(count, period, burst)| RateLimit {
        count,
        period: Span::from_micros(period.max(i64::from(count) * 100)),
        burst,
    })
}

proptest! {
    #[test]
    fn no_window_of_a_period_has_more_than_its_count_and_a_burst(
        rate in rates(),
        waits in prop::collection::vec(0_i64..400_000, 1..400),
    ) {
        let (mut bucket, mut now, mut given) = (Bucket::default(), NOW, Vec::new());
        for wait in waits {
            now = now.plus(Span::from_micros(wait));
            while rate.available(bucket, now) > 0 {
                bucket = rate.take(bucket, now);
                given.push(now);
            }
        }
        let most = usize::try_from(rate.count + rate.burst - 1).unwrap();
        for (first, start) in given.iter().enumerate() {
            let end = start.plus(rate.period);
            let within = given[first..].iter().take_while(|time| **time < end).count();
            prop_assert!(within <= most, "{within} in a window of {rate:?}");
        }
    }

    #[test]
    fn the_next_token_comes_when_it_is_said_and_no_sooner(rate in rates(), taken in 1_i32..60) {
        let mut bucket = Bucket::default();
        for _ in 0..taken {
            bucket = rate.take(bucket, NOW);
        }
        match rate.next_time(bucket, NOW) {
            None => prop_assert!(taken < rate.burst),
            Some(next) => {
                prop_assert!(next > NOW && rate.available(bucket, next) == 1);
                let before = next.minus(Span::from_micros(1));
                prop_assert_eq!(rate.available(bucket, before), 0);
            }
        }
    }

    #[test]
    fn a_changed_rate_begins_without_a_burst(before in rates(), after in rates(), taken in 0_i32..60) {
        let mut bucket = Bucket::default();
        for _ in 0..taken {
            bucket = before.take(bucket, NOW);
        }
        let changed = after.after(Some(before), bucket, NOW);
        prop_assert_eq!(after.available(changed, NOW), i64::from(taken < before.burst));
        let next = after.next_time(changed, NOW);
        prop_assert!(next.is_none_or(|next| next <= NOW.plus(after.interval())));
    }
}

#[test]
fn ten_a_second_are_one_each_hundred_milliseconds() {
    let rate = RateLimit {
        count: 10,
        period: Span::from_millis(1_000),
        burst: 1,
    };
    assert_eq!(rate.interval(), Span::from_millis(100));
    let bucket = rate.take(Bucket::default(), NOW);
    assert_eq!(
        rate.next_time(bucket, NOW),
        Some(NOW.plus(Span::from_millis(100)))
    );
    let three = RateLimit { count: 3, ..rate };
    assert_eq!(three.interval(), Span::from_micros(333_334), "rounded up");
}

#[test]
fn everything_that_holds_a_task_is_named() {
    let rate = RateLimit {
        count: 1,
        period: Span::from_secs(1),
        burst: 1,
    };
    let spec = QueueSpec {
        concurrency: Some(5),
        rate: Some(rate),
        keys: Some(KeyLimit {
            label: "tenant".to_owned(),
            limit: 2,
        }),
        ..QueueSpec::default()
    };
    let queue = queue(spec);
    let free = Usage::default();
    assert_eq!(
        (queue.room(free, NOW), queue.holds(free, Some(("a", 1)), NOW)),
        (1, vec![])
    );
    let usage = Usage {
        leased: 5,
        ..queue.given_out(free, NOW)
    };
    let stopped = queue.pause("the model is down".to_owned(), NOW);
    assert_eq!((queue.room(usage, NOW), stopped.room(free, NOW)), (0, 0));
    let next = NOW.plus(Span::from_secs(1));
    let key = Hold::Key {
        key: "a".to_owned(),
        limit: 2,
        leased: 2,
    };
    assert_eq!(
        stopped.holds(usage, Some(("a", 2)), NOW),
        [
            Hold::Paused,
            Hold::Concurrency { limit: 5, leased: 5 },
            Hold::Rate { limit: rate, next },
            key
        ]
    );
    assert!(
        stopped
            .resume(String::new(), NOW)
            .holds(free, None, NOW)
            .is_empty()
    );
}

#[test]
fn a_limit_that_was_lowered_leaves_no_room_and_takes_nothing_away() {
    let lower = queue(QueueSpec {
        concurrency: Some(2),
        ..QueueSpec::default()
    });
    let usage = Usage {
        leased: 9,
        ..Usage::default()
    };
    assert_eq!((lower.room(usage, NOW), lower.room_of_key(9)), (0, i64::MAX));
}

#[test]
fn an_edit_keeps_what_it_does_not_name_and_clears_what_it_names_empty() {
    let spec = QueueSpec {
        concurrency: Some(5),
        keys: Some(KeyLimit {
            label: "tenant".to_owned(),
            limit: 1,
        }),
        ..QueueSpec::default()
    };
    let before = queue(spec);
    let edit = QueueEdit {
        concurrency: Some(None),
        key_limit: Some(Some(3)),
        ..QueueEdit::default()
    };
    let after = before.edit(edit, NOW).expect("it goes together");
    let keys = after.spec.keys.clone().expect("it stays");
    assert_eq!(
        (after.spec.concurrency, keys.label.as_str(), keys.limit),
        (None, "tenant", 3)
    );
    assert_eq!(after.edit_revision, 2);
    let half = QueueEdit {
        key_label: Some(String::new()),
        ..QueueEdit::default()
    };
    let refused = after.edit(half, NOW);
    let field = "queue.key_label";
    assert!(matches!(refused, Err(Rejection::InvalidField { field: f, .. }) if f == field));
}

#[test]
fn a_key_is_the_value_of_the_label_and_no_label_is_no_key() {
    let keyed = queue(QueueSpec {
        keys: Some(KeyLimit {
            label: "tenant".to_owned(),
            limit: 1,
        }),
        ..QueueSpec::default()
    });
    let labels = BTreeMap::from([("tenant".to_owned(), "a".to_owned())]).into();
    assert_eq!(keyed.key_of(&labels), Some("a"));
    assert_eq!(keyed.key_of(&BTreeMap::new().into()), None);
    assert_eq!(queue(QueueSpec::default()).key_of(&labels), None);
}

#[test]
fn a_task_takes_its_place_from_the_grant_to_the_end_of_the_lease() {
    let running = leased(new_task());
    assert!(takes_place(&granted(new_task())) && takes_place(&running));
    for ended in [
        held(&running, 2, failure()),
        super::support::give(&running, pause()),
        super::support::give(&running, cancel()),
        held(&running, 2, super::support::submit(None)),
    ] {
        assert!(!takes_place(&ended), "{}", ended.state);
    }
    for state in State::ALL {
        assert!(!takes_place(&task_in(*state)), "a direct assignment is no lease");
    }
}

#[test]
fn the_policy_of_the_queue_counts_where_the_task_has_none() {
    let policy = |attempts| RetryPolicy {
        max_attempts: Some(attempts),
        ..RetryPolicy::default()
    };
    let fails = |own: Option<RetryPolicy>, lent: Option<RetryPolicy>| {
        let task = leased(NewTask {
            retry_policy: own,
            ..new_task()
        });
        let command = Command {
            actor: agent("worker"),
            token: super::support::token(&task, 2),
            action: failure(),
        };
        let outcome = decide_under(&task, &command, lent.as_ref(), task.update_time);
        let after = outcome.expect("it is held").task;
        (after.state, after.retry_policy == task.retry_policy)
    };
    assert_eq!(fails(None, None), (State::Failed, true));
    assert_eq!(fails(None, Some(policy(3))), (State::Scheduled, true));
    assert_eq!(fails(None, Some(policy(1))), (State::Dead, true));
    assert_eq!(
        fails(Some(policy(1)), Some(policy(3))),
        (State::Dead, true),
        "its own, whole"
    );
    let others = RetryPolicy {
        retry_outcomes: vec![AttemptOutcome::Killed],
        ..RetryPolicy::default()
    };
    assert_eq!(fails(None, Some(others)), (State::Failed, true));
}
