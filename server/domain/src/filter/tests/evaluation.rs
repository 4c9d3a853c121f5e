//! Which records a filter matches.

use std::sync::Arc;

use uuid::Uuid;

use crate::actor::{Actor, ActorType};
use crate::create::{NewTask, create};
use crate::filter::{Field, Filter, Op, Schema, Value};
use crate::id::TaskId;
use crate::task::{Priority, State, Task, Verification};
use crate::time::Timestamp;

/// 2026-11-22T09:30:00Z.
const CREATED: i64 = 1_795_339_800_000_000;

/// A task whose every field differs from every other of its kind; without title, parent, start and end.
fn sample() -> Task {
    let actor = |id: &str| Actor {
        kind: ActorType::Human,
        id: id.to_owned(),
        name: "not a field".to_owned(),
    };
    let new = NewTask {
        id: TaskId(Uuid::from_u128(0x019a_0000_0000_7000_8000_0000_0000_0001)),
        namespace: "default".to_owned(),
        queue: "mail".to_owned(),
        task_type: "send".to_owned(),
        function: None,
        title: String::new(),
        description: String::new(),
        input: None,
        priority: Some(Priority::High),
        labels: Arc::new(
            [("team", "red"), ("empty", "")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
        ),
        metadata: None,
        assignee: Some(actor("bob")),
        parent_id: None,
        dependencies: Vec::new(),
        schedule: None,
        retry_policy: None,
        timeouts: crate::Timeouts::default(),
        verification: Verification::None,
        verification_grace: None,
        dedup: None,
        spec_hash: [0; 32],
        hold: true,
    };
    let mut task = create(new, &actor("ann"), Timestamp::from_micros(CREATED)).task;
    task.state = State::Queued;
    task.update_time = Timestamp::from_micros(CREATED + 1);
    task.schedule_time = Some(Timestamp::from_micros(CREATED + 2));
    task.attempt = 2;
    task.retry_count = 7;
    task
}

#[test]
fn filters_and_whether_the_sample_matches() {
    let table = [
        ("", true),
        ("queue = mail", true),
        ("queue = Mail", false),
        ("queue != mail", false),
        ("queue > maik AND queue < mbil", true),
        ("queue >= mail AND queue <= mail", true),
        ("queue < mail OR queue > mail", false),
        ("type = send", true),
        ("state_reason = held", true),
        ("creator.id = ann assignee.id = bob", true),
        ("creator.id = bob OR assignee.id = ann", false),
        ("state = QUEUED", true),
        ("state != QUEUED", false),
        ("state = DEAD OR state = TASK_STATE_QUEUED", true),
        ("priority = HIGH", true),
        ("priority != URGENT", true),
        ("id = 019a0000-0000-7000-8000-000000000001", true),
        ("id != 019a0000-0000-7000-8000-000000000002", true),
        ("attempt = 2 retry_count = 7", true),
        ("attempt > 1 attempt < 3", true),
        ("attempt < 2 OR attempt > 2", false),
        ("attempt <= 2 attempt >= 2", true),
        ("create_time = 2026-11-22T10:30:00+01:00", true),
        ("create_time < 2026-11-22T09:30:00.000001Z", true),
        ("create_time > 2026-11-22T09:29:59.999999Z", true),
        ("update_time = 2026-11-22T09:30:00.000001Z", true),
        ("schedule_time = 2026-11-22T09:30:00.000002Z", true),
        // Absent: a field that is not set, and an empty text.
        (
            "start_time < 9999-01-01T00:00:00Z OR start_time >= 9999-01-01T00:00:00Z",
            false,
        ),
        ("end_time = 2026-11-22T09:30:00Z", false),
        ("end_time != 2026-11-22T09:30:00Z", true),
        ("NOT end_time = 2026-11-22T09:30:00Z", true),
        ("NOT end_time != 2026-11-22T09:30:00Z", false),
        ("parent_id = 019a0000-0000-7000-8000-000000000001", false),
        ("parent_id != 019a0000-0000-7000-8000-000000000001", true),
        ("title < a OR title >= a", false),
        ("title != a", true),
        ("title:* OR parent_id:* OR start_time:* OR end_time:*", false),
        (
            "id:* queue:* type:* state:* priority:* assignee.id:* create_time:* schedule_time:* attempt:*",
            true,
        ),
        // Labels.
        ("labels.team = red", true),
        ("labels.team:red", true),
        ("labels.team:blue", false),
        ("labels.team >= blue", true),
        ("labels.empty = ''", true),
        ("labels.other = ''", false),
        ("labels.other != x", true),
        ("labels:team labels.empty:*", true),
        ("labels:other OR labels.other:*", false),
        // Shape.
        ("attempt = 2 OR attempt = 2 AND attempt = 9", false),
        ("attempt = 2 OR (attempt = 2 AND attempt = 9)", true),
        ("-(attempt = 2 queue = other)", true),
        ("NOT attempt = 2 OR queue = mail", true),
    ];
    for (text, expected) in table {
        let filter = Filter::parse(text, Schema::TASKS).expect(text);
        assert_eq!(filter.matches(&sample()), expected, "{text}");
    }
}

#[test]
fn a_value_of_another_type_counts_as_absent() {
    for (op, expected) in [
        (Op::Equal, false),
        (Op::NotEqual, true),
        (Op::Less, false),
        (Op::GreaterOrEqual, false),
    ] {
        let filter = Filter::Compare {
            field: Field::Queue,
            op,
            value: Value::Int(2),
        };
        assert_eq!(filter.matches(&sample()), expected, "{op:?}");
    }
}
